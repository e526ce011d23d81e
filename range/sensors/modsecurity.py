"""ModSecurity's audit log as JSON, one transaction a line (`SecAuditLogType Serial`), of version 2.9 and 3.

Knows: both shapes; that a transaction names every rule that matched, of which the gravest that looks for attacks
is the alert's rule (the Core Rule Set's own sums, 949xxx, 959xxx and 980xxx, only when there is no other), and the
others are those that `also` found it.
Must never: raise, or do I/O.

Version 2.9 says itself whether it stopped the request. Version 3.0 says so (`is_interrupted`) only in late
releases; before, a sum rule that fired while the engine was on and the answer was an error counts as stopped.
Version 3.0 writes whole seconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from range.ledger import Alert, Disposition, Malformed
from range.sensors.objects import Said, read_object
from range.sensors.reading import (
    UnreadableError,
    child,
    clean,
    endpoint,
    moment,
    word,
)
from range.tool import AlertSource

TECHNIQUE_OF_TAG = {
    "attack-deserialization": "T1190",
    "attack-injection-generic": "T1190",
    "attack-injection-java": "T1190",
    "attack-injection-php": "T1190",
    "attack-ldap": "T1190",
    "attack-lfi": "T1190",
    "attack-rce": "T1190",
    "attack-rfi": "T1190",
    "attack-sqli": "T1190",
    "attack-ssrf": "T1190",
    "attack-ssti": "T1190",
    "attack-xss": "T1190",
    "attack-reputation-scanner": "T1595",
}
"""The Core Rule Set carries no ATT&CK ids; these of its tags say enough to give one.

`attack-protocol` and `attack-generic` are left out on purpose: a numeric Host header is odd, whatever it serves,
and a wrong id would deny the alert to the step that caused it, while none fits every step.
"""

SUMS = ("949", "959", "980")
GRAVITY = {
    "0": "critical", "1": "critical", "2": "critical", "3": "high", "4": "medium", "5": "low",
    "6": "informational", "7": "informational", "emergency": "critical", "alert": "critical",
    "critical": "critical", "error": "high", "warning": "medium", "notice": "low",
    "info": "informational", "debug": "informational",
}  # fmt: skip
ORDER = ("critical", "high", "medium", "low", "informational", "unknown")
_PART = re.compile(r'\[(id|msg|severity|tag) "((?:[^"\\]|\\.)*)"\]')


@dataclass(frozen=True, slots=True)
class _Match:
    """One rule that matched."""

    rule: str
    title: str
    severity: str
    tags: tuple[str, ...]

    @property
    def sums(self) -> bool:
        """Whether it only adds up what others found."""
        return len(self.rule) == 6 and self.rule.startswith(SUMS)


def parse(line: str, source: AlertSource, *, tool: str, node: str, seen: float) -> Alert | Malformed | None:
    """An alert; None for a transaction no rule matched; Malformed for what is no audit record."""
    return read_object(line, source, _said, tool=tool, node=node, seen=seen)


def _said(record: Mapping[str, object], _source: AlertSource, seen: float) -> Said | None:
    transaction = record.get("transaction")
    if not isinstance(transaction, Mapping):
        raise UnreadableError("no `transaction`")
    late = "client_ip" in transaction or "time_stamp" in transaction
    matches = tuple(_late(transaction) if late else _early(child(record, "audit_data")))
    if not matches:
        return None
    chosen = _gravest(matches)
    tags = (tag for match in matches for tag in match.tags)
    return Said(
        rule=chosen.rule,
        when=moment(transaction.get("time_stamp" if late else "time"), seen),
        title=chosen.title,
        severity=chosen.severity,
        techniques=tuple(dict.fromkeys(TECHNIQUE_OF_TAG[tag] for tag in tags if tag in TECHNIQUE_OF_TAG)),
        src=endpoint(transaction, *(("client_ip", "client_port") if late else FROM)),
        dst=endpoint(transaction, *(("host_ip", "host_port") if late else TO)),
        proto="tcp",
        disposition=_late_end(transaction, matches) if late else _early_end(record),
        also=tuple(dict.fromkeys(match.rule for match in matches if match.rule != chosen.rule)),
    )


FROM = ("remote_address", "remote_port")
TO = ("local_address", "local_port")


def _early(audit: Mapping[str, object]) -> Iterator[_Match]:
    """The matches of version 2.9, whose messages are text: `... [id "942100"] [msg "..."] [tag "..."]`."""
    messages = audit.get("messages")
    for message in messages if isinstance(messages, list) else ():
        if not isinstance(message, str):
            continue
        parts = [(key, clean(re.sub(r"\\(.)", r"\1", value))) for key, value in _PART.findall(message)]
        first = dict(reversed(parts))
        if "id" in first:
            tags = tuple(value for key, value in parts if key == "tag")
            yield _Match(first["id"], first.get("msg", ""), _gravity(first.get("severity")), tags)


def _late(transaction: Mapping[str, object]) -> Iterator[_Match]:
    """The matches of version 3, whose messages are objects."""
    messages = transaction.get("messages")
    for message in messages if isinstance(messages, list) else ():
        details = child(message, "details")
        rule = word(details.get("ruleId"))
        if rule:
            tags = details.get("tags")
            named = tuple(word(tag) for tag in tags) if isinstance(tags, list) else ()
            yield _Match(rule, word(message.get("message")), _gravity(details.get("severity")), named)


def _gravity(value: object) -> str:
    return GRAVITY.get(word(value).lower(), "unknown")


def _gravest(matches: Sequence[_Match]) -> _Match:
    """The gravest that is no sum, the first of several; a sum when there is nothing else."""
    return min(matches, key=lambda match: (match.sums, ORDER.index(match.severity)))


def _early_end(record: Mapping[str, object]) -> Disposition:
    audit = child(record, "audit_data")
    if child(audit, "action").get("intercepted") is True:
        return "blocked"
    return "allowed" if "engine_mode" in audit else "unknown"


def _late_end(transaction: Mapping[str, object], matches: Sequence[_Match]) -> Disposition:
    said = transaction.get("is_interrupted")
    if isinstance(said, bool):
        return "blocked" if said else "allowed"
    if child(transaction, "producer").get("secrules_engine") != "Enabled":
        return "allowed"
    answer = word(child(transaction, "response").get("http_code"))
    summed = any(match.sums and not match.rule.startswith("980") for match in matches)
    return "blocked" if summed and answer[:1] in ("4", "5") else "unknown"
