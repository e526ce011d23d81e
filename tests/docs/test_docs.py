"""The documentation says what is true: examples are checked, links lead somewhere, commands and keys are all there.

A YAML example begins with a comment line that is its path (`# first/topology.yaml`). The examples of all pages together
make one folder, in which they name each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import yaml
from pydantic import BaseModel
from typer.main import get_command

from range import campaign, catalogue, scenario, tool, topology
from range.catalogue.foreign import overlay
from range.cli.app import app
from range.exits import DECIDED, EXITS, INTERRUPTED
from range.flows.imports import take
from range.importing import Defaults
from range.importing import overlay as overlays
from range.layout import resolve
from range.provisioner.policy import violations
from range.provisioner.tree import read_tree
from range.selector import Selector

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = tuple(sorted(DOCS.glob("*.md")))
MARKDOWN = tuple(
    path
    for path in sorted(ROOT.rglob("*.md"))
    if not any(part.startswith(".") or part == "results" for part in path.relative_to(ROOT).parts)
)
CI_FILES = (".github/workflows/range.yml", ".gitlab-ci.yml")

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")


def blocks(*languages: str) -> Iterator[tuple[str, str]]:
    """(page, text) of every fenced block in these languages."""
    for page in PAGES:
        for language, text in _BLOCK.findall(page.read_text(encoding="utf-8")):
            if language in languages:
                yield page.name, text


def examples() -> dict[str, str]:
    """path -> text of every example that is a file. Two of one path must be equal."""
    found: dict[str, str] = {}
    for page, text in blocks("yaml", "python"):
        first, _, rest = text.partition("\n")
        named = re.fullmatch(r"# ([\w./-]+\.\w+)", first)
        if named is None:
            assert text.startswith(("from range", "def test_")), f"{page}: no path on top of:\n{text}"
            continue
        assert found.setdefault(named[1], rest) == rest, f"{page}: another {named[1]} than elsewhere"
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Every example as a file."""
    for name, text in examples().items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def test_topologies_of_the_docs_can_be_resolved(folder: Path) -> None:
    found = sorted(folder.rglob("topology.yaml"))
    assert len(found) >= 2
    for path in found:
        loaded = catalogue.topology(path)
        assert resolve(loaded.topology, loaded.sources).nodes


def test_tools_of_the_docs_keep_the_rules(folder: Path) -> None:
    found = sorted(folder.rglob("tool.yaml"))
    assert found
    for path in found:
        assert catalogue.tool(path).tool.alerts
        assert violations(read_tree(path.parent)) == ()


def test_campaigns_of_the_docs_name_what_is_there(folder: Path) -> None:
    found = sorted(folder.rglob("campaign.yaml"))
    assert found
    for path in found:
        loaded = catalogue.campaign(path)
        assert loaded.scenario.scenario.flat()


def test_benign_profiles_of_the_docs_are_valid(folder: Path) -> None:
    found = sorted(folder.rglob("profile.yaml"))
    assert found
    for path in found:
        assert catalogue.benign(path).profile.benign


def test_imports_of_the_docs_are_taken_with_their_overlay(folder: Path) -> None:
    known = overlay(folder / "imports" / "overlay.yaml")
    made = take(folder / "imports", None, known, Defaults(Selector(role="web")))
    assert made.broken == ()
    assert {item.name for item in made.items if item.step} == set(known.tests)
    assert len(made.items) > len(known.tests)


def test_every_yaml_example_is_of_a_kind_that_is_checked() -> None:
    checked = (
        "topology.yaml", "tool.yaml", "scenario.yaml", "profile.yaml", "campaign.yaml", "install.yml", "configure.yml",
    )  # fmt: skip
    for name, text in examples().items():
        if name in CI_FILES:
            assert isinstance(yaml.safe_load(text), dict)
        elif name.endswith((".yaml", ".yml")) and not name.startswith("imports/"):
            assert name.rpartition("/")[2] in checked, name
        elif name.endswith(".py"):
            compile(text, name, "exec")


@pytest.mark.parametrize("path", MARKDOWN, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_relative_links_lead_to_files_and_headings(path: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    for pair in _LINK.findall(text):
        target = pair[0] or pair[1]
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = unquote(target).partition("#")
        there = (path.parent / name).resolve() if name else path
        assert there.exists(), f"{path.name}: {target} leads nowhere"
        if anchor:
            assert anchor in headings(there), f"{path.name}: there is no heading for {target}"


def headings(path: Path) -> set[str]:
    """The anchors of a page, as code hosting sites make them."""
    text = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    said = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", line.strip().lower()).replace(" ", "-") for line in said}


def test_there_are_pages_to_check() -> None:
    assert len(PAGES) >= 9
    assert len(MARKDOWN) > len(PAGES)


def commands(command: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every command of the program that does something, with its full name."""
    subcommands = getattr(command, "commands", None)
    if subcommands is None:
        yield name, command
        return
    for key, inner in subcommands.items():
        yield from commands(inner, f"{name} {key}".strip())


def test_the_command_line_page_has_every_command_and_no_other() -> None:
    text = (DOCS / "cli.md").read_text(encoding="utf-8")
    said = set(re.findall(r"^### (.+)$", text, re.M))
    assert said == {name for name, _ in commands(get_command(app))}


def test_every_command_has_an_example_that_calls_it() -> None:
    text = (DOCS / "cli.md").read_text(encoding="utf-8")
    for name, _ in commands(get_command(app)):
        section = text.partition(f"\n### {name}\n")[2].partition("\n### ")[0]
        assert f"$ jointrange {name}" in section, name


def test_pages_call_only_commands_and_options_that_exist() -> None:
    known = dict(commands(get_command(app)))
    called = 0
    for page, text in blocks("console"):
        for line in re.findall(r"^\$ jointrange (.+)$", text, re.M):
            words = line.split()
            name = next((n for n in (" ".join(words[:2]), words[0]) if n in known), None)
            assert name is not None, f"{page}: {line}"
            options = {option for item in known[name].params for option in (*item.opts, *item.secondary_opts)}
            ours = words[: words.index("--")] if "--" in words else words
            if name != "exec":
                assert {word for word in ours if word.startswith("--")} <= options, f"{page}: {line}"
            called += 1
    assert called > 30


def test_the_command_line_page_has_every_exit_code() -> None:
    text = (DOCS / "cli.md").read_text(encoding="utf-8")
    said = {int(number) for number in re.findall(r"^\| (\d+) \|", text, re.M)}
    assert said == {*EXITS.values(), *DECIDED.values(), INTERRUPTED}


def models(module: object) -> Iterator[type[BaseModel]]:
    """The models a module defines."""
    for value in vars(module).values():
        if (
            isinstance(value, type)
            and issubclass(value, topology.Model)
            and value.__module__ == vars(module)["__name__"]
        ):
            yield value


@pytest.mark.parametrize(
    ("page", "module"),
    [
        ("topology.md", topology),
        ("tools.md", tool),
        ("scenarios.md", scenario),
        ("campaigns.md", campaign),
        ("imports.md", overlays),
    ],
)
def test_every_key_of_the_language_is_on_its_page(page: str, module: object) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    keys = {field.alias or name for model in models(module) for name, field in model.model_fields.items()}
    assert len(keys) > 4
    assert [key for key in sorted(keys) if f"`{key}`" not in text] == []


def test_pages_hold_no_path_of_the_machine_they_were_written_on() -> None:
    for path in MARKDOWN:
        assert re.findall(r"(?<![\w.])/(?:work|tmp/x|home/\w+)/", path.read_text(encoding="utf-8")) == [], path.name
