"""The catalogue: topologies, tools, scenarios, benign profiles and campaigns, from files to models.

The only user of YAML.

Knows: where things are, and how to tell every problem at once as `file:line:col: what` with a hint.
Must never: resolve a topology, start anything, or guess what a file might have meant.

    catalogue.topology("pair").topology          catalogue.topology("./my/topology.yaml").sources
    catalogue.campaign("playbooks/campaigns/demo.yaml")      # and all that it names
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from range.campaign import Campaign
from range.catalogue.checking import judged
from range.catalogue.checks import campaign_faults, profile_faults, scenario_faults, tool_faults
from range.catalogue.finding import RECORDING_AT_MOST, Kind, beside, content, find, names, root
from range.catalogue.reading import BYTES_AT_MOST, Value, parse
from range.errors import Fault, Invalid, NotFound, Problem
from range.hints import nearest
from range.scenario import Parallel, Profile, Scenario
from range.sensors import rule_faults
from range.tool import Tool
from range.topology import NodeDefaults, Topology
from range.topology_rules import faults

__all__ = [
    "Kind",
    "LoadedCampaign",
    "LoadedProfile",
    "LoadedScenario",
    "LoadedTool",
    "LoadedTopology",
    "benign",
    "campaign",
    "find",
    "names",
    "root",
    "scenario",
    "schema",
    "tool",
    "topology",
]

M = TypeVar("M", bound=BaseModel)

_MODELS: Mapping[Kind, type[BaseModel]] = {
    "topology": Topology,
    "tool": Tool,
    "scenario": Scenario,
    "benign": Profile,
    "campaign": Campaign,
}


@dataclass(frozen=True, slots=True)
class LoadedTopology:
    """A valid topology, its file, and the bytes of every file its nodes name by `source`."""

    topology: Topology
    path: Path
    sources: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class LoadedTool:
    """A valid tool, its file (the playbooks lie beside it), and the bytes of its node's `source` files and rules."""

    tool: Tool
    path: Path
    sources: Mapping[str, bytes]

    @property
    def folder(self) -> Path:
        """Where the playbooks lie."""
        return self.path.parent


@dataclass(frozen=True, slots=True)
class LoadedScenario:
    """A valid scenario, its file, and the bytes of every payload and recording its steps name."""

    scenario: Scenario
    path: Path
    sources: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LoadedProfile:
    """A valid benign profile and its file."""

    profile: Profile
    path: Path


@dataclass(frozen=True, slots=True)
class LoadedCampaign:
    """A valid campaign, its file, and everything it names. `tools` has the campaign's own words as keys."""

    campaign: Campaign
    path: Path
    topology: LoadedTopology
    scenario: LoadedScenario
    tools: Mapping[str, LoadedTool]
    profile: LoadedProfile | None = None


def topology(reference: str | Path, base: Path | None = None) -> LoadedTopology:
    """A topology by bundled name or path. Raises Invalid (every problem), NotFound."""
    path, value = _read("topology", reference, base)
    made, problems = judged(Topology, value, faults)
    if made is None:
        raise Invalid(problems)
    blocks: list[tuple[tuple[str | int, ...], NodeDefaults]] = [(("defaults",), made.defaults)]
    blocks += [(("groups", name), group) for name, group in made.groups.items()]
    blocks += [(("nodes", name), node) for name, node in made.nodes.items()]
    sources, missing = _sources(path.parent, blocks)
    _stop_at([*problems, *_placed(value, missing)])
    return LoadedTopology(made, path, sources)


def tool(reference: str | Path, base: Path | None = None) -> LoadedTool:
    """A tool by bundled name or path. Raises Invalid (every problem), NotFound."""
    path, value = _read("tool", reference, base)
    made, problems = judged(Tool, value, tool_faults)
    if made is None:
        raise Invalid(problems)
    found: list[Fault] = []
    rules: dict[str, bytes] = {}
    for key, playbook in (("install", made.install), ("configure", made.configure)):
        if playbook is not None and (what := beside(path.parent, playbook)[1]):
            found.append(Fault((key,), what, _files_there(path.parent, playbook)))
    for index, source in enumerate(made.alerts):
        for number, rule in enumerate(source.rules):
            file, what = beside(path.parent, rule)
            if file is None:
                found.append(Fault(("alerts", index, "rules", number), what, _files_there(path.parent, rule)))
                continue
            rules[rule] = content(file)
            for unusable in rule_faults(rule, rules[rule]):
                hint = "docs/tools.md says what is supported"
                found.append(Fault(("alerts", index, "rules", number), unusable, hint))
    sources, missing = _sources(path.parent, [(("node",), made.node)] if made.node else [])
    _stop_at([*problems, *_placed(value, [*found, *missing])])
    return LoadedTool(made, path, {**sources, **rules})


def scenario(reference: str | Path, base: Path | None = None) -> LoadedScenario:
    """A scenario by bundled name or path. Raises Invalid (every problem), NotFound."""
    path, value = _read("scenario", reference, base)
    made, problems = judged(Scenario, value, scenario_faults)
    if made is None:
        raise Invalid(problems)
    sources, missing = _attachments(path.parent, made)
    _stop_at([*problems, *_placed(value, missing)])
    return LoadedScenario(made, path, sources)


def benign(reference: str | Path, base: Path | None = None) -> LoadedProfile:
    """A benign profile by bundled name or path. Raises Invalid (every problem), NotFound."""
    path, value = _read("benign", reference, base)
    made, problems = judged(Profile, value, profile_faults)
    if made is None or problems:
        raise Invalid(problems)
    return LoadedProfile(made, path)


def campaign(reference: str | Path, base: Path | None = None) -> LoadedCampaign:
    """A campaign by bundled name or path, with everything it names.

    Raises Invalid with the problems of all these files at once; NotFound when there is no such campaign.
    """
    path, value = _read("campaign", reference, base)
    made, problems = judged(Campaign, value, lambda _: ())
    if made is None:
        raise Invalid(problems)
    where = path.parent
    place = _part(value, ("topology",), lambda: topology(made.topology, where), problems)
    story = _part(value, ("scenario",), lambda: scenario(made.scenario, where), problems)
    users = made.benign
    profile = None if users is None else _part(value, ("benign",), lambda: benign(users, where), problems)
    tools: dict[str, LoadedTool] = {}
    for arm, words in made.arms.items():
        for index, word in enumerate(words):
            if word not in tools:
                at = ("arms", arm, index)
                loaded = _part(value, at, lambda word=word: tool(word, where), problems)  # type: ignore[misc]
                if loaded is not None:
                    tools[word] = loaded
    if story is not None:
        known = None if problems else [one.tool.name for one in tools.values()]
        faults_ = campaign_faults(made, story.scenario, profile.profile if profile else None, known)
        problems += _placed(value, faults_)
    _stop_at(problems)
    if place is None or story is None:
        raise Invalid(problems)
    return LoadedCampaign(made, path, place, story, tools, profile)


def schema(kind: Kind) -> dict[str, Any]:
    """The JSON Schema of a kind of file, for editors."""
    made = _MODELS[kind].model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}


T = TypeVar("T")


def _part(value: Value, at: tuple[str | int, ...], load: Callable[[], T], problems: list[Problem]) -> T | None:
    """Something a campaign names, or None and its problems."""
    try:
        return load()
    except Invalid as error:
        problems += [problem for problem in error.problems if problem not in problems]
    except NotFound as error:
        problems.append(Problem(value.at(at), str(error), error.hint))
    return None


def _read(kind: Kind, reference: str | Path, base: Path | None) -> tuple[Path, Value]:
    path = find(kind, reference, base)
    return path, parse(str(path), content(path))


def _placed(value: Value, found: Iterable[Fault]) -> list[Problem]:
    return [Problem(value.at(fault.path), fault.what, fault.hint) for fault in found]


def _stop_at(problems: list[Problem]) -> None:
    if problems:
        raise Invalid(problems)


def _sources(
    folder: Path, blocks: Iterable[tuple[tuple[str | int, ...], NodeDefaults]]
) -> tuple[dict[str, bytes], list[Fault]]:
    """The bytes of every file named by `source`, and what is wrong with the others."""
    found: dict[str, bytes] = {}
    missing: list[Fault] = []
    for place, block in blocks:
        for name, file in block.files.items():
            if file.source is None or file.source in found:
                continue
            path, what = beside(folder, file.source)
            if path is None:
                at = (*place, "files", name, "source")
                missing.append(Fault(at, what, _files_there(folder, file.source)))
            else:
                found[file.source] = content(path)
    return found, missing


def _attachments(folder: Path, scenario: Scenario) -> tuple[dict[str, bytes], list[Fault]]:
    """The bytes of every file a step replays or brings along, and what is wrong with the others."""
    found: dict[str, bytes] = {}
    missing: list[Fault] = []
    for turn, item in enumerate(scenario.steps):
        group = item.parallel if isinstance(item, Parallel) else (item,)
        for index, step in enumerate(group):
            place: tuple[str | int, ...] = ("steps", turn)
            if isinstance(item, Parallel):
                place = (*place, "parallel", index)
            named = [((*place, "payloads", path), file, BYTES_AT_MOST) for path, file in step.payloads.items()]
            if step.replay is not None:
                named.append(((*place, "replay"), step.replay, RECORDING_AT_MOST))
            for at, name, at_most in named:
                file, what = beside(folder, name, at_most)
                if file is None:
                    missing.append(Fault(at, what, _files_there(folder, name)))
                elif name not in found:
                    found[name] = content(file, at_most)
    return found, missing


def _files_there(folder: Path, name: str) -> str:
    """A hint with the nearest file name in the folder that was meant."""
    if Path(name).is_absolute() or ".." in Path(name).parts:
        return "put the file beside this one and name it by its relative path"
    place = (folder / name).parent
    parent = Path(name).parent
    try:
        there = [str(parent / item.name) for item in place.iterdir() if item.is_file()]
    except OSError:
        there = []
    near = nearest(name, there)
    return f"did you mean `{near}`?" if near else "the path starts from this file's folder"
