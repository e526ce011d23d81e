"""CALDERA's abilities, as files of its plugins have them (`platforms`) and as its API gives them (`executors`).

Knows: the Linux `sh` half of an ability; that `#{trait}` is a fact, which here only the overlay can give; that a
payload must lie beside the ability.
Must never: run an agent, learn a fact, or fetch a payload.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from range.importing.assembling import Script, assembled, filled
from range.importing.items import Defaults, Document, Item, digest, listed, mapping, step_id, text
from range.importing.overlay import Overlay

ROOT = "/opt/caldera"
"""Where payloads lie in the source node before a step copies them into its own folder."""
SHELLS = ("sh", "bash")
CONTROL = ("server", "group", "paw", "location", "exe_name", "upstream_dest", "contact")
"""What CALDERA's own agent fills in: it tells of a control server, which no range has."""
LEFT_OUT = {
    "requirements": "its requirements are not checked",
    "parsers": "its parsers are not run: no fact is learnt",
    "uploads": "nothing is uploaded",
    "variations": "its variations are left out",
}


@dataclass(frozen=True, slots=True)
class Half:
    """The part of an ability that one shell runs."""

    shell: str
    command: str
    cleanup: str
    payloads: tuple[str, ...]
    keys: Mapping[str, object]


def looks(document: Document) -> bool:
    """Whether a document is of this format."""
    return any(_is_ability(mapping(one)) for one in listed(document.value))


def read(document: Document, overlay: Overlay, defaults: Defaults) -> tuple[Item, ...]:
    """An item for each ability."""
    return tuple(
        item(document, number, mapping(one), "caldera", overlay, defaults, {})
        for number, one in enumerate(listed(document.value), 1)
    )


def item(
    document: Document,
    number: int,
    ability: Mapping[str, object],
    kind: str,
    overlay: Overlay,
    defaults: Defaults,
    facts: Mapping[str, object],
    before: Sequence[str] = (),
) -> Item:
    """One ability as an item. `facts`: those the document itself gives; `before`: shell lines of prerequisites."""
    name = text(ability.get("id")) or text(ability.get("ability_id"))
    title = text(ability.get("name")) or f"ability {number}"
    made = Item(name or f"{document.file}#{number}", title, document.file, "ctid" if kind == "ctid" else "caldera",
                digest=digest(dict(ability)))  # fmt: skip
    half = _half(ability)
    if half is None or not name:
        why = "it has no id" if not name else f"no sh or bash for Linux: {', '.join(_there(ability)) or 'no command'}"
        return replace(made, refused=(why,))
    entry = overlay.entry(name)
    values = {**facts, **overlay.facts, **entry.arguments}
    run, missing = filled(half.command, values)
    cleanup, more = filled(half.cleanup, values)
    lines = [filled(line, values) for line in before]
    missing = tuple(dict.fromkeys((*missing, *more, *(one for line in lines for one in line[1]))))
    refused = [_fact(one) for one in missing] + [
        f"its payload `{payload}` is not beside it" for payload in half.payloads if not _found(payload, document.beside)
    ]
    if any(half.keys.get(key) for key in ("code", "build_target", "language")):
        refused.append("it brings code to be compiled")
    limits = [what for key, what in LEFT_OUT.items() if ability.get(key) or half.keys.get(key)]
    found = {payload: _found(payload, document.beside) for payload in half.payloads}
    folder = step_id(kind, name)
    script = Script(
        id=step_id(kind, name),
        technique=_technique(ability),
        tactic=text(ability.get("tactic")) or None,
        shell=half.shell,
        run=run,
        cleanup=cleanup,
        before=(*(f"cp -p {ROOT}/{folder}/{payload} ." for payload in found), *(line for line, _ in lines)),
        payloads={f"{ROOT}/{folder}/{payload}": f"payloads/{folder}/{payload}" for payload in found},
    )
    files = {f"payloads/{folder}/{payload}": path for payload, path in found.items() if path}
    return assembled(replace(made, refused=tuple(refused), limits=tuple(limits), files=files), script, entry, defaults)


def _is_ability(value: Mapping[str, object]) -> bool:
    named = "id" in value or "ability_id" in value
    return named and any(isinstance(value.get(key), dict | list) for key in ("platforms", "executors"))


def _fact(name: str) -> str:
    if name in CONTROL:
        return f"it asks for CALDERA's own `#{{{name}}}`: there is no control server"
    return f"nobody gives the fact `#{{{name}}}`: name it under `arguments` or `facts` of the overlay"


def _found(payload: str, beside: Mapping[str, int]) -> str:
    """The path of a payload beside the document, or empty. A payload is a plain name."""
    if (
        "/" in payload
        or payload.startswith(".")
        or not payload.replace("-", "").replace("_", "").replace(".", "").isalnum()
    ):
        return ""
    return next((path for path in (payload, f"payloads/{payload}") if path in beside), "")


def _technique(ability: Mapping[str, object]) -> str:
    return text(mapping(ability.get("technique")).get("attack_id")) or text(ability.get("technique_id"))


def _half(ability: Mapping[str, object]) -> Half | None:
    """The first half for Linux in a shell of ours, with a command."""
    return next((half for half in _halves(ability) if half.shell in SHELLS and half.command.strip()), None)


def _there(ability: Mapping[str, object]) -> list[str]:
    """What an ability is for instead, in words."""
    names = {text(mapping(one).get("name")) for one in listed(ability.get("executors"))} - {""}
    return sorted(str(platform) for platform in mapping(ability.get("platforms"))) or sorted(names)


def _halves(ability: Mapping[str, object]) -> Iterator[Half]:
    for platform, executors in mapping(ability.get("platforms")).items():
        if "linux" in [word.strip() for word in str(platform).split(",")]:
            for names, one in mapping(executors).items():
                for name in str(names).split(","):
                    yield _one(name.strip(), mapping(one))
    for one in map(mapping, listed(ability.get("executors"))):
        if text(one.get("platform")) in ("", "linux"):
            yield _one(text(one.get("name")), one)


def _one(shell: str, keys: Mapping[str, object]) -> Half:
    cleanup = keys.get("cleanup") or keys.get("cleanup_command")
    return Half(
        shell=shell,
        command=text(keys.get("command")),
        cleanup="\n".join(text(line) for line in listed(cleanup)),
        payloads=tuple(text(payload) for payload in listed(keys.get("payloads"))),
        keys=keys,
    )
