"""A script of another project, and what the overlay knows of it, as a step.

Knows: how prerequisites, fixtures, peers, places and proofs become keys of a step; which doubts the overlay lifts.
Must never: change the script, or know a format.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from range.importing.denied import doubts
from range.importing.items import BY_EXIT, UNKNOWN, Defaults, Item, step_of
from range.importing.overlay import Entry
from range.scenario import Effect
from range.selector import Selector

LONGEST = "120s"
"""How long a script may run when nobody says otherwise."""
_WORD = re.compile(r"#\{([^{}\s]{1,200})\}")


@dataclass(frozen=True, slots=True)
class Script:
    """A script of one test, ready to be run word for word. `before`: shell lines, any of which may say no."""

    id: str
    technique: str
    shell: str
    run: str
    cleanup: str = ""
    tactic: str | None = None
    before: tuple[str, ...] = ()
    payloads: Mapping[str, str] = field(default_factory=dict)


def assembled(item: Item, script: Script, entry: Entry, defaults: Defaults) -> Item:
    """The item with its step, or with every reason why it has none."""
    refused = [*item.refused, *_pinned(item, entry), *_denied(script, entry)]
    from_ = entry.from_ or defaults.from_
    if from_ is None:
        refused.append("nobody says where it runs: give --from, or `from` in the overlay")
    step, wrong = step_of({
        "id": script.id, "title": item.title, "technique": entry.technique or script.technique,
        "tactic": script.tactic, "from": from_ or Selector(role="nowhere"),
        "target": entry.target or defaults.target or from_ or Selector(role="nowhere"),
        "shell": script.shell, "run": script.run, "prepare": _prepare(script, entry),
        "payloads": dict(script.payloads), "timeout": entry.timeout or LONGEST, "effect": _effect(entry),
        "nonce": entry.nonce, "telemetry": entry.telemetry, "captured": None if "TARGET" in script.run else False,
        "cleanup": script.cleanup if script.cleanup.strip() else None,
        "window": entry.window,
    })  # fmt: skip
    refused += wrong
    limits = [*item.limits, *_limits(script, entry)]
    return replace(item, step=None if refused else step, limits=tuple(limits), refused=tuple(dict.fromkeys(refused)))


def in_shell(shell: str, script: str) -> str:
    """A shell line that gives a script, word for word, to a shell of its own."""
    return f"{shell} -c {shlex.quote(script)}"


def check(shell: str, script: str, what: str) -> str:
    """A shell line that runs a prerequisite and says which it was when it is not met."""
    return f"{in_shell(shell, script)} || {{ echo {shlex.quote('not met: ' + what)} >&2; exit 1; }}"


def filled(script: str, values: Mapping[str, object]) -> tuple[str, tuple[str, ...]]:
    """The script with each `#{name}` replaced by its value, exactly; and the names that have none."""
    missing = dict.fromkeys(name for name in _WORD.findall(script) if name not in values)
    return _WORD.sub(lambda match: str(values.get(match[1], match[0])), script), tuple(missing)


def _pinned(item: Item, entry: Entry) -> Sequence[str]:
    if entry.sha256 is None or entry.sha256 == item.digest:
        return ()
    return (f"it is not the test the overlay was written for: its sha256 is {item.digest}",)


def _denied(script: Script, entry: Entry) -> list[str]:
    if entry.safe == "deny":
        return ["the overlay denies it"]
    whole = "\n".join((*script.before, script.run, script.cleanup))
    found = doubts(whole, entry.peers)
    return [doubt.what for doubt in found if not (doubt.liftable and entry.safe == "lab")]


def _effect(entry: Entry) -> Effect:
    if isinstance(entry.effect, Effect):
        return entry.effect
    return BY_EXIT if entry.effect == "exit_code" else UNKNOWN


def _prepare(script: Script, entry: Entry) -> str | None:
    """Peers into the hosts file, the overlay's fixtures, then what the test itself asks for."""
    lines = [
        f"peer=$(getent hosts {there}) || {{ echo 'not met: no host {there}' >&2; exit 1; }}\n"
        f"printf '%s %s\\n' \"${{peer%% *}}\" {shlex.quote(name)} >> /etc/hosts"
        for name, there in entry.peers.items()
    ]
    if entry.fixtures:
        lines.append(check("sh", entry.fixtures, "the overlay's fixtures"))
    return "\n".join((*lines, *script.before)) or None


def _limits(script: Script, entry: Entry) -> list[str]:
    found: list[str] = []
    if entry.effect is None:
        found.append("no proof of effect: it stays inconclusive; give one as `effect` in the overlay")
    elif entry.effect == "exit_code":
        found.append("an end with 0 is taken for its effect")
    if entry.caps:
        found.append(f"its node needs {', '.join(entry.caps)} from the topology")
    if not entry.idempotent:
        found.append("it cannot run twice in one range")
    if re.search(r"(?:^|[\s;&|(])sudo\s", script.run):
        found.append("it calls sudo, which its node's image must have")
    return found
