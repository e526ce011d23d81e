"""Pulling: an image from the registry its name says, ended when nobody wants it any more.

Knows: that the engine says nothing while a registry says nothing, and goes on until its asker is gone; which words of a
registry's answer may be told. Must never: choose what may be pulled (range/references.py does).
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from typing import Any

from docker import auth
from docker.api.client import APIClient
from requests import exceptions as http_errors

from range.engine.client import faults
from range.errors import ImageMissing, RangeError
from range.references import Reference

SILENCE = 120.0
"""Seconds the engine may say nothing. It tells every layer's progress, so a registry that works is never so quiet."""
_POLL = 0.1
_MOST = 300
_BODY = re.compile(r"(error parsing HTTP \d+ response body|unexpected HTTP response).*", re.DOTALL)
"""What comes of a server that is no registry: its own words follow, and they are not the asker's to read."""


def pull(api: APIClient, reference: Reference, stopped: Callable[[], bool], silence: float = SILENCE) -> str:
    """Have the engine pull it; what went wrong, or "". Raises ImageMissing as soon as it is stopped.

    The engine is asked in a thread of its own: one that waits for a registry cannot be told anything. When stopped, it
    lets the engine go with the engine's next word, or after `silence`, and then the engine ends the pull.
    """
    ended: list[str | BaseException] = []
    leave = threading.Event()

    def work() -> None:
        try:
            with faults(f"pulling {reference.familiar}"):
                ended.append(_followed(api, reference, leave, silence))
        except RangeError as error:
            ended.append(str(error))
        except BaseException as error:
            ended.append(error)

    thread = threading.Thread(target=work, name="pull", daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            if stopped():
                raise ImageMissing(f"pulling {reference.familiar} was stopped")
            thread.join(_POLL)
    finally:
        leave.set()
    if isinstance(ended[0], BaseException):
        raise ended[0]
    return told(ended[0])


def told(words: str) -> str:
    """What may be told of a failure: the engine's words, and none of a server's that is no registry."""
    return _BODY.sub(r"\1 (it is no registry's)", words).strip()[:_MOST]


def _followed(api: APIClient, reference: Reference, leave: threading.Event, silence: float) -> str:
    """Ask, and read the engine's answer to its end; the last error in it, or ""."""
    name, _, digest = reference.familiar.partition("@")
    path, _, tag = name.rpartition(":") if not digest else (name, "", digest)
    registry, _ = auth.resolve_repository_name(path)
    header = auth.get_config_header(api, registry)
    failure = ""
    try:
        with api.post(
            f"{api.base_url}/v{api.api_version}/images/create",
            params={"fromImage": path, "tag": tag},
            headers={"X-Registry-Auth": header} if header else {},
            stream=True,
            timeout=silence,
        ) as answer:
            for line in answer.iter_lines():
                if leave.is_set():
                    return "stopped"
                part: dict[str, Any] = json.loads(line) if line.strip() else {}
                failure = str(part.get("error") or (part.get("message", "") if not answer.ok else "")) or failure
            return failure
    except (http_errors.ReadTimeout, http_errors.ConnectionError) as error:
        if "timed out" not in str(error).lower():
            raise
        return f"the registry said nothing for {silence:.0f} s"
