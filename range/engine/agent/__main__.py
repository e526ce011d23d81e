"""One request on standard input (a line with its length, then JSON), one JSON line as the answer.

Knows: the envelope and the verbs. Must never: do the work itself.
"""

from __future__ import annotations

import json
import os
import sys

from range.engine.agent import verbs as do
from range.engine.agent.netlink import AgentError

VERBS = {
    "wire": do.wire, "started": do.started, "show": do.show, "link": do.link, "facts": do.facts, "kill": do.kill,
    "netem": do.netem,
    "ready": do.ready,
}  # fmt: skip


def main() -> None:
    """Read one request, do it, answer."""
    length = int(_line())
    data = b""
    while len(data) < length:
        data += os.read(0, length - len(data))
    asked = json.loads(data)
    try:
        if sys.argv[1] == "relay":
            do.relay(asked)
        else:
            sys.stdout.write(json.dumps({"ok": True, **VERBS[sys.argv[1]](asked)}) + "\n")
    except (AgentError, OSError) as error:
        sys.stdout.write(json.dumps({"ok": False, "error": str(error)}) + "\n")


def _line() -> bytes:
    line = b""
    while (byte := os.read(0, 1)) != b"\n":
        if not byte:
            raise SystemExit("the request ended before its length")
        line += byte
    return line


if __name__ == "__main__":
    main()
