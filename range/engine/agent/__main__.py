"""Requests on standard input (each a line with its length, then JSON), one JSON line as the answer to each.

The verb is the argument, and there is one request; or it is `serve`, and each request names its own until the input
ends; or it is `watch`, the fabric's first process, which is asked nothing.

Knows: the envelope and the verbs. Must never: do the work itself.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from range.engine.agent import verbs as do
from range.engine.agent.kernel import kernel
from range.engine.agent.netlink import AgentError
from range.engine.agent.watch import watch

VERBS = {
    "wire": do.wire, "started": do.started, "show": do.show, "link": do.link, "facts": do.facts, "kill": do.kill,
    "netem": do.netem,
    "kernel": kernel,
    "ready": do.ready,
}  # fmt: skip


def main() -> None:
    """Do what is asked, and answer."""
    verb = sys.argv[1]
    if verb == "watch":
        watch()
    if verb != "serve":
        _answer(verb, _request(_line()))
        return
    while line := _line(last=True):
        asked = _request(line)
        _answer(asked.pop("verb"), asked)


def _answer(verb: str, asked: dict[str, Any]) -> None:
    try:
        if verb == "relay":
            do.relay(asked)
        else:
            sys.stdout.write(json.dumps({"ok": True, **VERBS[verb](asked)}) + "\n")
    except (AgentError, OSError) as error:
        sys.stdout.write(json.dumps({"ok": False, "error": str(error)}) + "\n")
    sys.stdout.flush()


def _request(line: bytes) -> dict[str, Any]:
    length, data = int(line), b""
    while len(data) < length:
        more = os.read(0, length - len(data))
        if not more:
            raise SystemExit("the request ended before its end")
        data += more
    asked: dict[str, Any] = json.loads(data)
    return asked


def _line(last: bool = False) -> bytes:
    """A line; empty when `last` allows for there being none any more."""
    line = b""
    while (byte := os.read(0, 1)) != b"\n":
        if not byte and not line and last:
            return b""
        if not byte:
            raise SystemExit("the request ended before its length")
        line += byte
    return line


if __name__ == "__main__":
    main()
