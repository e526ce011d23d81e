"""Sigma rules over telemetry: JSON lines of any kind, of which those that a rule finds are alerts.

Knows: how a rule becomes a test of an event (range/sensors/conditions.py), and which alert a match is.
Must never: raise for anything a line holds, read a file, or fetch anything: tags are taken as they are written.

pySigma is an optional extra. Without it a source of this format is refused when its manifest is checked.
A rule's `logsource` is not looked at: the manifest says which file it is for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from range.ledger import Alert, Malformed
from range.sensors.conditions import Test, UnsupportedError, compiled
from range.sensors.fields import FIELDS, alert_of
from range.sensors.jsonlines import look
from range.sensors.reading import UnreadableError, clean, load_object, malformed, severity, text_of
from range.tool import AlertSource

if TYPE_CHECKING:
    from sigma.rule import SigmaRule

MISSING = "Sigma rules need pySigma: pip install jointrange[sigma]"
OF_THE_RULE = ("rule", "title", "severity", "technique")
"""Alert fields that a Sigma rule says itself; a source's `fields` may name the others."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule ready to be tried on events. `finds` takes one flat or nested event."""

    name: str
    title: str
    severity: str
    techniques: tuple[str, ...]
    finds: Test


class Matcher:
    """Reads telemetry with the rules of one source; those that cannot be used were told by `read` before.

    Raises KeyError when a rule file of the source was not given.
    """

    def __init__(self, source: AlertSource, files: Mapping[str, bytes]) -> None:
        self._source = source
        self._rules = tuple(rule for name in source.rules for rule in read(name, files[name])[0])

    def __call__(self, line: str, *, tool: str, node: str, seen: float) -> tuple[Alert | Malformed, ...]:
        """An alert for each rule that finds the event."""
        if not line.strip():
            return ()
        try:
            event = load_object(line)
            found = [rule for rule in self._rules if rule.finds(event)]
            if not found:
                return ()
            paths = {name: path for name, path in self._source.fields.items() if name not in OF_THE_RULE}
            said = {name: look(event, path) for name, path in paths.items() if name in FIELDS}
            alert = alert_of(said, self._source, tool=tool, node=node, seen=seen, raw=line, text=text_of(event))
        except UnreadableError as error:
            return (malformed(line, self._source, str(error), tool=tool, node=node, seen=seen),)
        return tuple(
            replace(
                alert,
                rule=rule.name,
                title=rule.title,
                severity=alert.severity if rule.severity == "unknown" else rule.severity,
                techniques=rule.techniques or alert.techniques,
            )
            for rule in found
        )


def read(name: str, content: bytes) -> tuple[tuple[Rule, ...], tuple[str, ...]]:
    """The rules of a file, and what is wrong with it."""
    try:
        # Here, not above: pySigma is optional, and costs a quarter of a second
        from sigma.collection import SigmaCollection
        from sigma.exceptions import SigmaError
        from sigma.rule import SigmaRule
    except ImportError:
        return (), (MISSING,)
    try:
        listed = SigmaCollection.from_yaml(content.decode("utf-8"), resolve_references=False).rules
    except UnicodeDecodeError:
        return (), (f"{name} is not UTF-8 text",)
    except AttributeError:
        return (), (f"{name} is not a Sigma rule: it is no mapping with `title`, `logsource` and `detection`",)
    except Exception as error:
        # Foreign text in a foreign parser, which lets out errors of its YAML library, and its own slips, unwrapped
        return (), (f"{name} is not a Sigma rule: {_short(error)}",)
    rules: list[Rule] = []
    wrong: list[str] = []
    for rule in listed:
        if not isinstance(rule, SigmaRule):
            wrong.append(f"{name}: `{rule.title}` is a correlation or filter, which is not supported")
            continue
        try:
            rules.append(_ready(rule))
        except (UnsupportedError, SigmaError, RecursionError) as error:
            wrong.append(f"{name}: rule `{rule.title}`: {_short(error)}")
    if not listed:
        wrong.append(f"{name} holds no rule")
    return tuple(rules), tuple(map(clean, wrong))


def _ready(rule: SigmaRule) -> Rule:
    """Raises UnsupportedError, SigmaError."""
    tests = [compiled(condition.parsed) for condition in rule.detection.parsed_condition]
    if not tests:
        raise UnsupportedError("it has no condition")
    return Rule(
        name=clean(str(rule.id or rule.title)),
        title=clean(rule.title),
        severity=severity(rule.level.name) if rule.level else "unknown",
        techniques=tuple(dict.fromkeys(_techniques(rule))),
        finds=_any(tests),
    )


def _any(tests: Sequence[Test]) -> Test:
    return tests[0] if len(tests) == 1 else lambda event: any(test(event) for test in tests)


def _techniques(rule: SigmaRule) -> Iterator[str]:
    for tag in rule.tags:
        name = tag.name.lower()
        digits = name[1:].partition(".")
        if tag.namespace == "attack" and name[:1] == "t" and len(digits[0]) == 4 and digits[0].isdigit():
            yield clean("T" + name[1:])


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
