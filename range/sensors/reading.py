"""What every alert adapter needs: a line as an object, its values as the types of an alert, its times as seconds.

Knows: JSON that is hostile or half written, the ways tools write times, addresses, severities and decisions.
Must never: know one tool's format, raise anything but `UnreadableError`, or do I/O.

A time without a zone is taken as UTC: nodes of a range run in UTC.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import IPv6Address, ip_address

from range.ledger import Disposition, Endpoint, Malformed
from range.tool import AlertSource

TECHNIQUE = re.compile(r"(?<![A-Za-z0-9])[Tt]([0-9]{4}(?:\.[0-9]{3})?)(?![0-9])")
DEEPEST = 200
"""Levels of nesting that are still read; no alert needs more."""

MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
    )
}
SEVERITIES = {
    "informational": "informational", "info": "informational", "notice": "informational",
    "debug": "informational", "low": "low", "minor": "low", "medium": "medium", "warning": "medium",
    "warn": "medium", "high": "high", "error": "high", "major": "high", "critical": "critical",
    "alert": "critical", "emergency": "critical", "fatal": "critical",
}  # fmt: skip
BLOCKED = frozenset(
    ("ban", "banned", "block", "blocked", "denied", "deny", "drop", "dropped", "prevented", "quarantined",
     "reject", "rejected", "reset")
)  # fmt: skip
ALLOWED = frozenset(("alert", "allow", "allowed", "detect", "detected", "log", "logged", "pass", "passed"))


class UnreadableError(ValueError):
    """A line is not what its format promises; the text says why."""


def malformed(line: str, source: AlertSource, reason: str, *, tool: str, node: str, seen: float) -> Malformed:
    """The record of a line that could not be read."""
    return Malformed(tool, source.name, node, seen, clean(line), reason)


def clean(text: str) -> str:
    """The text without half characters (lone surrogates), which no file can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


def load_object(line: str) -> dict[str, object]:
    """The JSON object in a line. Raises UnreadableError."""
    try:
        value = json.loads(line, parse_constant=lambda _word: None)
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"not JSON: {str(error)[:200]}") from error
    if not isinstance(value, dict):
        raise UnreadableError("not a JSON object")
    return value


def child(value: object, key: str) -> Mapping[str, object]:
    """The object under `key`, or an empty one."""
    found = value.get(key) if isinstance(value, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def strings(value: object) -> Iterator[str]:
    """Every string in a JSON value, keys left out, in order."""
    waiting: list[tuple[object, int]] = [(value, 0)]
    while waiting:
        here, depth = waiting.pop()
        if isinstance(here, str):
            yield here
        elif depth >= DEEPEST:
            continue
        elif isinstance(here, Mapping):
            waiting.extend((item, depth + 1) for item in reversed(list(here.values())))
        elif isinstance(here, list | tuple):
            waiting.extend((item, depth + 1) for item in reversed(here))


def text_of(value: object) -> str:
    """Everything in a JSON value in which a nonce may be echoed."""
    return clean("\n".join(strings(value)))


def word(value: object) -> str:
    """A value as one short text; empty for what is neither text nor number."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    try:
        return clean(str(value)).strip()
    except ValueError:
        return ""


def address(value: object) -> str | None:
    """An address in its usual spelling, or None. IPv4 inside IPv6 is given as IPv4."""
    try:
        found = ip_address(word(value).partition("%")[0])
    except ValueError:
        return None
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(found)


def port(value: object) -> int | None:
    """A port from 0 to 65535, or None."""
    text = word(value)
    if not re.fullmatch(r"[0-9]{1,5}", text, re.ASCII):
        return None
    number = int(text)
    return number if number <= 65535 else None


def endpoint(value: Mapping[str, object], address_key: str, port_key: str) -> Endpoint:
    """One side, from two keys of an object."""
    return Endpoint(address(value.get(address_key)), port(value.get(port_key)))


def techniques(*values: object) -> tuple[str, ...]:
    """Every ATT&CK technique id in the values, each once, in order."""
    found = (f"T{match}" for value in values for text in strings(value) for match in TECHNIQUE.findall(text))
    return tuple(dict.fromkeys(found))


def severity(value: object) -> str:
    """One of informational, low, medium, high, critical, unknown."""
    return SEVERITIES.get(word(value).lower(), "unknown")


def disposition(value: object) -> Disposition:
    """What the tool did, from the word it uses for it."""
    text = word(value).lower()
    if text in BLOCKED:
        return "blocked"
    return "allowed" if text in ALLOWED else "unknown"


_APACHE = re.compile(
    r"(\d{1,2})/([A-Za-z]{3})/(\d{4}):(\d\d):(\d\d):(\d\d)(\.\d{1,9})?(?:\s+[+-]?([+-]\d{4}))?", re.ASCII
)
_CTIME = re.compile(r"[A-Za-z]{3}\s+([A-Za-z]{3})\s+(\d{1,2})\s+(\d\d):(\d\d):(\d\d)(\.\d{1,9})?\s+(\d{4})", re.ASCII)
_SYSLOG = re.compile(r"([A-Za-z]{3})\s+(\d{1,2})\s+(\d\d):(\d\d):(\d\d)(\.\d{1,9})?", re.ASCII)
_EPOCH = re.compile(r"\d{1,20}(\.\d{1,12})?", re.ASCII)
_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d([.,]\d{1,9})?\s?(Z|z|[+-]\d\d:?\d\d)?", re.ASCII)


def moment(value: object, seen: float) -> tuple[float, float]:
    """(seconds since the epoch, resolution in seconds) of a time as a tool writes it. Raises UnreadableError.

    Read: ISO 8601 (`,` or `.` before the fraction), `23/Nov/2026:14:00:00.1 +0000`,
    `Mon Nov 23 14:00:00 2026`, `Nov 23 14:00:00` (the year that brings it nearest to `seen`), and numbers:
    seconds since the epoch, or milli-, micro- or nanoseconds when they are that large.
    The resolution is 1 for a clock that writes whole seconds, else 0.
    """
    text = word(value)
    try:
        if match := _EPOCH.fullmatch(text):
            return _epoch(float(text), bool(match[1]) or isinstance(value, float))
        if match := _ISO.fullmatch(text):
            return _utc(datetime.fromisoformat(_iso(text))), 0.0 if match[1] else 1.0
        if match := _APACHE.fullmatch(text):
            day, month, year, *clock, fraction, zone = match.groups()
            return _date(year, month, day, clock, fraction, zone)
        if match := _CTIME.fullmatch(text):
            month, day, *clock, fraction, year = match.groups()
            return _date(year, month, day, clock, fraction)
        if match := _SYSLOG.fullmatch(text):
            month, day, *clock, fraction = match.groups()
            return _nearest(month, day, clock, fraction, seen)
    except (ValueError, OverflowError) as error:
        raise UnreadableError(f"no such time: {text[:60]!r}") from error
    raise UnreadableError(f"not a time: {text[:60]!r}")


def _iso(text: str) -> str:
    text = text.replace(",", ".", 1).replace("z", "Z")
    head, dot, rest = text.partition(".")
    if not dot:
        return re.sub(r"\s(?=[Z+-])", "", text)
    digits = re.match(r"\d+", rest)
    length = digits.end() if digits else 0
    return head + "." + rest[:length][:6].ljust(6, "0") + rest[length:].strip()


def _epoch(number: float, fraction: bool) -> tuple[float, float]:
    if not math.isfinite(number):
        raise ValueError("not finite")
    for limit, divisor in ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3)):
        if number >= limit:
            return number / divisor, 0.0
    return number, 0.0 if fraction else 1.0


def _utc(when: datetime) -> float:
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def _date(
    year: str, month: str, day: str, clock: list[str], fraction: str | None, zone: str | None = None
) -> tuple[float, float]:
    if month.lower() not in MONTHS:
        raise ValueError("no such month")
    hour, minute, second = (int(part) for part in clock)
    when = datetime(int(year), MONTHS[month.lower()], int(day), hour, minute, min(second, 59), tzinfo=UTC)
    seconds = when.timestamp() + float(fraction or 0) + max(second - 59, 0)
    if zone:
        shift = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:5])).total_seconds()
        seconds -= -shift if zone[0] == "-" else shift
    return seconds, 0.0 if fraction else 1.0


def _nearest(month: str, day: str, clock: list[str], fraction: str | None, seen: float) -> tuple[float, float]:
    year = datetime.fromtimestamp(seen, UTC).year
    found: list[tuple[float, float]] = []
    for candidate in (year - 1, year, year + 1):
        try:
            found.append(_date(str(candidate), month, day, clock, fraction))
        except ValueError:
            continue
    if not found:
        raise ValueError("no such date")
    return min(found, key=lambda pair: abs(pair[0] - seen))
