"""Atomic Red Team's YAML: `attack_technique` with `atomic_tests`.

Knows: its keys; that the identity of a test is its GUID, never its place in the file; that its scripts run word for
word in the shell they name, after each `#{argument}` is replaced; that `PathToAtomicsFolder` may lead to files of
the test's own technique only.
Must never: run `get_prereq_command` (build what it would fetch into the image), or take a test of another system.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from range.importing.assembling import Script, assembled, check, filled
from range.importing.items import Defaults, Document, Item, digest, listed, mapping, step_id, text
from range.importing.overlay import Entry, Overlay

ROOT = "/opt/atomics"
"""Where a test's files lie in the source node."""
PLACEHOLDER = "PathToAtomicsFolder"
SHELLS = ("sh", "bash")
_PATH = re.compile(rf"{PLACEHOLDER}(?P<rest>[^\s'\"`;|&()<>]*)")


def looks(document: Document) -> bool:
    """Whether a document is of this format."""
    return "atomic_tests" in mapping(document.value)


def read(document: Document, overlay: Overlay, defaults: Defaults) -> tuple[Item, ...]:
    """An item for each test of the technique."""
    value = mapping(document.value)
    technique = text(value.get("attack_technique"))
    return tuple(
        _item(document, technique, number, test, overlay, defaults)
        for number, test in enumerate(listed(value.get("atomic_tests")), 1)
    )


def _item(document: Document, technique: str, number: int, value: object, overlay: Overlay, defaults: Defaults) -> Item:
    test = mapping(value)
    guid = text(test.get("auto_generated_guid")).lower()
    title = text(test.get("name")) or f"test {number}"
    item = Item(guid or f"{technique}-{number}", title, document.file, "atomic", digest=digest(value))
    executor = mapping(test.get("executor"))
    refused = list(_unfit(test, executor, guid))
    if refused:
        return replace(item, refused=tuple(refused))
    entry = overlay.entry(guid)
    script, files, wrong = _script(test, executor, technique, guid, entry, document.beside)
    limits = [
        f"`get_prereq_command` of `{_described(mapping(one))[:60]}` is never run: build it into the image"
        for one in listed(test.get("dependencies"))
        if text(mapping(one).get("get_prereq_command")).strip()
    ]
    item = replace(item, refused=tuple(wrong), limits=tuple(limits), files=files)
    return assembled(item, script, entry, defaults)


def _unfit(test: Mapping[str, object], executor: Mapping[str, object], guid: str) -> Iterator[str]:
    """Why a test cannot be one of ours, whatever its script."""
    if not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", guid):
        yield "it has no `auto_generated_guid`, so it has no identity"
    platforms = [text(one) for one in listed(test.get("supported_platforms"))]
    if "linux" not in platforms:
        yield f"not for Linux: {', '.join(platforms) or 'no platform'}"
    if re.search(r"freebsd", text(test.get("name")), re.I):
        yield "FreeBSD: its name says so, though it is marked as Linux"
    name = text(executor.get("name"))
    if name not in SHELLS:
        yield f"its executor is `{name or 'none'}`; only sh and bash run in a node"
    elif not text(executor.get("command")).strip():
        yield "it has no command"


def _script(
    test: Mapping[str, object],
    executor: Mapping[str, object],
    technique: str,
    guid: str,
    entry: Entry,
    beside: Mapping[str, int],
) -> tuple[Script, dict[str, str], list[str]]:
    """The test's scripts with arguments filled in, the files they need, and what is wrong with them."""
    wrong: list[str] = []
    values: dict[str, object] = {
        name: text(mapping(one).get("default")) for name, one in mapping(test.get("input_arguments")).items()
    }
    wrong += [
        f"the overlay gives `{name}`, which is no input argument" for name in entry.arguments if name not in values
    ]
    values |= entry.arguments
    files: set[str] = set()

    def ready(script: str) -> str:
        whole, missing = filled(script, values)
        wrong.extend(f"`#{{{name}}}` is not declared as an input argument" for name in missing)
        here, unknown = _files(whole, technique, beside)
        files.update(here)
        wrong.extend(unknown)
        return whole.replace(PLACEHOLDER, ROOT)

    shell = text(executor.get("name"))
    asked = text(test.get("dependency_executor_name")) or shell
    needs = [mapping(one) for one in listed(test.get("dependencies"))]
    if needs and asked not in SHELLS:
        wrong.append(f"its prerequisites are for `{asked}`; only sh and bash run in a node")
    script = Script(
        id=step_id("atomic", guid),
        technique=technique,
        shell=shell,
        run=ready(text(executor.get("command"))),
        cleanup=ready(text(executor.get("cleanup_command"))),
        before=tuple(
            check(asked, ready(text(one.get("prereq_command"))), _described(one))
            for one in needs
            if text(one.get("prereq_command")).strip()
        ),
    )
    placed = {name: f"atomics/{technique}/{name}" for name in sorted(files)}
    payloads = {f"{ROOT}/{technique}/{name}": there for name, there in placed.items()}
    return replace(script, payloads=payloads), {there: name for name, there in placed.items()}, wrong


def _described(dependency: Mapping[str, object]) -> str:
    said = " ".join(text(dependency.get("description")).split())
    return said[:200] or "a prerequisite"


def _files(script: str, technique: str, beside: Mapping[str, int]) -> tuple[set[str], list[str]]:
    """The files of the technique's folder that a script names, and what is wrong."""
    found: set[str] = set()
    wrong: list[str] = []
    for match in _PATH.finditer(script):
        rest = match["rest"].strip("/")
        folder, _, name = rest.partition("/")
        if folder != technique or ".." in name.split("/"):
            wrong.append(f"it reaches for `{match[0][:100]}`, outside the folder of {technique}")
            continue
        here = [path for path in beside if path == name or (path.startswith(f"{name}/") if name else True)]
        if not here:
            wrong.append(f"it needs `{name or folder}`, which is not in the folder of {technique}")
        found.update(here)
    return found, wrong
