"""A full table of ATT&CK's techniques, from the STIX bundle that MITRE publishes (`enterprise-attack.json`).

Knows: what a bundle looks like, and where it names its version. Nothing is fetched: the user has the file.
Must never: judge with it, or take a file without a technique for a table.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from range.catalogue.finding import content
from range.errors import Invalid, Problem, Where
from range.judging.techniques import Table, from_stix

BYTES_AT_MOST = 128 * 2**20
"""Bytes of a bundle. ATT&CK Enterprise has about 50 MiB."""

_WANTED = "name the file of a release of ATT&CK Enterprise, e.g. enterprise-attack.json"


def attack_table(path: Path) -> Table:
    """The table of a STIX bundle (2.0 or 2.1, JSON). Its version is empty when the bundle names none.

    Raises NotFound; Invalid when it is too large, no JSON, no bundle, or holds no technique of ATT&CK Enterprise.
    """
    bundle = _parsed(path)
    objects = bundle.get("objects") if isinstance(bundle, dict) and bundle.get("type") == "bundle" else None
    if not isinstance(objects, list):
        raise _invalid(path, "this is no STIX bundle: it has no `type` that says `bundle`, or no list of `objects`")
    table = from_stix(objects, _version(objects))
    if not table.techniques:
        raise _invalid(path, "the bundle holds no technique of ATT&CK Enterprise")
    said = [word for one in table.techniques.values() for word in (one.name, *one.tactics)]
    try:
        "".join([table.version, *said]).encode()
    except UnicodeEncodeError:
        raise _invalid(path, "a technique's name holds half a character, which no text file can hold") from None
    return table


def _parsed(path: Path) -> Any:
    """The JSON value. Raises NotFound, Invalid."""
    data = content(path, BYTES_AT_MOST)
    try:
        return json.loads(data)
    except json.JSONDecodeError as error:
        problem = Problem(Where(str(path), error.lineno, error.colno), f"this is no JSON: {error.msg}", _WANTED)
        raise Invalid([problem]) from None
    except (ValueError, RecursionError) as error:
        raise _invalid(path, f"this is no JSON that can be read: {error}") from None


def _version(objects: Iterable[Any]) -> str:
    """What the bundle's own description says, e.g. `19.1`."""
    for item in objects:
        if isinstance(item, dict) and item.get("type") == "x-mitre-collection":
            found = item.get("x_mitre_version")
            if isinstance(found, str):
                return found
    return ""


def _invalid(path: Path, what: str) -> Invalid:
    return Invalid([Problem(Where(str(path)), what, _WANTED)])
