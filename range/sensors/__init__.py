"""Alert adapters: one pure function for each format, from a line to an `Alert`.

Knows: which function reads which format (`PARSERS`), how a source is read (`reader`), and what is wrong with a source
before a line of it is read.
Must never: raise for anything a line holds, follow a file, or judge an alert.

A parser answers with an Alert, with Malformed (kept and counted, never fatal), or with None: a sound line that is
no alert. One line of telemetry may break several Sigma rules, so a reader answers with any number of these.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Protocol

from range.ledger import Alert, Malformed
from range.sensors import eve, falco, jsonlines, modsecurity, ocsf, sigma, syslog, wazuh, zeek
from range.sensors.fields import FIELDS
from range.sensors.lines import Line
from range.sensors.reading import malformed
from range.tool import AlertSource


class Parser(Protocol):
    """Reads one line of one format. `seen` is when the line arrived, in seconds since the epoch."""

    def __call__(
        self, line: str, source: AlertSource, *, tool: str, node: str, seen: float
    ) -> Alert | Malformed | None: ...


class Reader(Protocol):
    """Reads the lines of one source. `seen` is when the line arrived, in seconds since the epoch."""

    def __call__(self, line: Line, *, tool: str, node: str, seen: float) -> tuple[Alert | Malformed, ...]: ...


PARSERS: Mapping[str, Parser] = {
    "eve": eve.parse,
    "modsecurity": modsecurity.parse,
    "syslog": syslog.parse,
    "jsonlines": jsonlines.parse,
    "zeek": zeek.parse,
    "falco": falco.parse,
    "wazuh": wazuh.parse,
    "ocsf": ocsf.parse,
}
"""Every format whose lines can be read one by one with nothing but the manifest; `sigma` needs its rules too."""


def reader(source: AlertSource, files: Mapping[str, bytes]) -> Reader:
    """What reads the lines of a source. `files`: content of the files beside the manifest, by path; rules are compiled
    here, once."""
    if source.format == "sigma":
        matcher = sigma.Matcher(source, files)
        return _guarded(source, matcher)
    parse = PARSERS[source.format]

    def one(line: str, *, tool: str, node: str, seen: float) -> tuple[Alert | Malformed, ...]:
        found = parse(line, source, tool=tool, node=node, seen=seen)
        return () if found is None else (found,)

    return _guarded(source, one)


class _Lines(Protocol):
    def __call__(self, line: str, *, tool: str, node: str, seen: float) -> tuple[Alert | Malformed, ...]: ...


def _guarded(source: AlertSource, parse: _Lines) -> Reader:
    def read_line(line: Line, *, tool: str, node: str, seen: float) -> tuple[Alert | Malformed, ...]:
        if line.too_long:
            return (malformed(line.text, source, "the line is too long", tool=tool, node=node, seen=seen),)
        return parse(line.text, tool=tool, node=node, seen=seen)

    return read_line


def faults(source: AlertSource) -> tuple[tuple[str, str], ...]:
    """What is wrong with a source of a manifest: (key of the manifest, "" for the whole; what). Empty when usable."""
    found = [("constants", f"`{name}` is not an alert field") for name in source.constants if name not in FIELDS]
    found += [("fields", f"`{name}` is not an alert field") for name in source.fields if name not in FIELDS]
    if source.fields and source.format not in ("jsonlines", "sigma"):
        found.append(("fields", "`fields` is for the formats jsonlines and sigma"))
    found += _sigma_faults(source)
    if source.pattern is not None and source.format != "syslog":
        found.append(("pattern", "`pattern` is for the format syslog"))
    elif source.pattern is not None:
        found += [("pattern", what) for what in _pattern_faults(source.pattern)]
    elif source.format == "syslog":
        found.append(("", "the format syslog needs a `pattern`"))
    return tuple(found)


def rule_faults(name: str, content: bytes) -> tuple[str, ...]:
    """What keeps a file of Sigma rules from being used, naming rule and construct. Empty when every rule is usable."""
    return sigma.read(name, content)[1]


def _sigma_faults(source: AlertSource) -> list[tuple[str, str]]:
    if source.format != "sigma":
        return [("rules", "`rules` is for the format sigma")] if source.rules else []
    found = [("fields", f"`{name}` is said by the rule") for name in sigma.OF_THE_RULE if name in source.fields]
    if not source.rules:
        found.append(("", "the format sigma needs `rules`: Sigma files beside the manifest"))
    if source.telemetry:
        found.append(
            ("telemetry", "a rule's match is an alert; read the telemetry by a second source of the same path")
        )
    return found


def _pattern_faults(pattern: str) -> list[str]:
    try:
        groups = re.compile(pattern).groupindex
    except (re.error, OverflowError, RecursionError) as error:
        return [f"this is not a regular expression: {error}"]
    return [f"the group `{name}` is not an alert field" for name in groups if name not in FIELDS]
