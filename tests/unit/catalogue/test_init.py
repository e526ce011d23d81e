"""The catalogue as others use it: golden texts of every error, bundled things, campaigns with all they name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from range import catalogue
from range.catalogue.checking import judged
from range.catalogue.reading import parse
from range.errors import Invalid, NotFound, Problem, Where
from range.layout import resolve
from range.topology import Topology
from range.topology_rules import faults

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "topology"
CASES = sorted(path.stem for path in GOLDEN.glob("*.yaml"))


def relative(text: str) -> str:
    """The text without this machine's folder."""
    return text.replace(f"{GOLDEN}/", "")


def test_there_are_golden_texts() -> None:
    assert len(CASES) >= 30
    assert sorted(path.stem for path in GOLDEN.glob("*.txt")) == CASES


@pytest.mark.parametrize("case", CASES)
def test_every_problem_is_told_as_written_down(case: str) -> None:
    with pytest.raises(Invalid) as caught:
        catalogue.topology(GOLDEN / f"{case}.yaml")
    assert relative(str(caught.value)) + "\n" == (GOLDEN / f"{case}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", catalogue.names("topology"))
def test_every_bundled_topology_can_be_resolved(name: str) -> None:
    loaded = catalogue.topology(name)
    layout = resolve(loaded.topology, loaded.sources)
    assert layout.name == name
    assert all(node.interfaces for node in layout.nodes)


@pytest.mark.parametrize("name", catalogue.names("tool"))
def test_every_bundled_tool_is_valid(name: str) -> None:
    assert catalogue.tool(name).tool.name == name


@pytest.mark.parametrize("name", catalogue.names("campaign"))
def test_every_bundled_campaign_is_whole(name: str) -> None:
    assert catalogue.campaign(name).campaign.name == name


@pytest.mark.parametrize("kind", ["topology", "tool", "scenario", "benign", "campaign"])
def test_schemas_are_json_and_closed(kind: catalogue.Kind) -> None:
    schema = json.loads(json.dumps(catalogue.schema(kind)))
    assert schema["additionalProperties"] is False
    assert "schema" in schema["required"]


SCENARIO = """\
schema: jointrange.scenario/1
name: s
title: S
steps:
  - id: scan
    title: Scan
    technique: T1046
    from: {role: a}
    target: {role: b}
    run: "true"
    effect: {output: open}
"""
TOOL = """\
schema: jointrange.tool/1
name: t
title: T
place: {on: {role: b}}
configure: configure.yml
"""
CAMPAIGN = """\
schema: jointrange.campaign/1
name: c
topology: pair
scenario: ./s.yaml
arms:
  control: []
  defended: [./t]
gates: {must_notice: [scan]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "tool.yaml").write_text(TOOL)
    (tmp_path / "t" / "configure.yml").write_text("[]")
    (tmp_path / "s.yaml").write_text(SCENARIO)
    (tmp_path / "c.yaml").write_text(CAMPAIGN)
    return tmp_path


def test_a_campaign_comes_with_all_it_names(folder: Path) -> None:
    loaded = catalogue.campaign(folder / "c.yaml")
    assert loaded.topology.topology.name == "pair"
    assert loaded.scenario.scenario.steps
    assert loaded.tools["./t"].folder == folder / "t"


def test_problems_of_all_its_files_are_told_at_once(folder: Path) -> None:
    (folder / "t" / "configure.yml").unlink()
    (folder / "s.yaml").write_text(SCENARIO.replace("T1046", "T1").replace("open", '"(open"'))
    (folder / "c.yaml").write_text(CAMPAIGN.replace("pair", "pari").replace("[./t]", "[./t, suricatta]"))
    with pytest.raises(Invalid) as caught:
        catalogue.campaign(folder / "c.yaml")
    told = [(problem.where.file.rpartition("/")[2], problem.where.line) for problem in caught.value.problems]
    assert told == [("c.yaml", 3), ("c.yaml", 7), ("s.yaml", 7), ("s.yaml", 11), ("tool.yaml", 5)]


def test_a_gate_that_names_no_step(folder: Path) -> None:
    (folder / "c.yaml").write_text(CAMPAIGN.replace("[scan]", "[scam]"))
    with pytest.raises(Invalid, match=r"c\.yaml:8:23: scenario `s` has no step `scam`"):
        catalogue.campaign(folder / "c.yaml")


def test_sources_are_read_as_bytes(tmp_path: Path) -> None:
    (tmp_path / "data.bin").write_bytes(b"\x00\xff")
    text = "schema: jointrange.topology/1\nname: t\nnodes:\n  a: {image: x, files: {/d: {source: data.bin}}}\n"
    (tmp_path / "topology.yaml").write_text(text)
    assert catalogue.topology(tmp_path).sources == {"data.bin": b"\x00\xff"}


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(NotFound):
        catalogue.topology("no-such-thing")


def test_odd_sources_are_problems_and_never_accidents(tmp_path: Path) -> None:
    head = "schema: jointrange.topology/1\nname: t\nnodes:\n  a: {image: x, files: {/d: {source: "
    for source in ("x" * 5000, "x" * 5000 + "/y", '"a\\ud800"', '"a\\0"', "''", "a/../../b", "none"):
        (tmp_path / "topology.yaml").write_text(head + source + "}}}\n")
        with pytest.raises(Invalid) as caught:
            catalogue.topology(tmp_path)
        assert len(caught.value.problems) == 1


def test_odd_references_are_not_found() -> None:
    for reference in ("x/" + "y" * 5000, "x/\0.yaml", "", "..", "/", "a b"):
        with pytest.raises(NotFound):
            catalogue.scenario(reference)


COMPANY = (catalogue.root() / "topologies" / "company" / "topology.yaml").read_text(encoding="utf-8")


@given(
    st.integers(0, len(COMPANY) - 1), st.integers(0, 40), st.text(st.sampled_from("ab:-[]{}#&*!|>'\" ,\n0"), max_size=6)
)
def test_a_damaged_file_is_read_or_told_to_be_wrong(start: int, length: int, put: str) -> None:
    text = COMPANY[:start] + put + COMPANY[start + length :]
    for problem in problems_of(text):
        assert problem.what
        assert problem.where.line <= text.count("\n") + 1


def problems_of(text: str) -> list[Problem]:
    try:
        return judged(Topology, parse("f", text.encode()), faults)[1]
    except Invalid as error:
        return list(error.problems) or [Problem(Where("f"), "")]


words = st.sampled_from(
    ["schema", "jointrange.topology/1", "name", "networks", "nodes", "links", "taps", "a", "cidr", "10.0.0.0/24",
     "ends", "image", "count", "group", "groups", "defaults", "depends_on", "routes", "to", "via", "ready", "tcp",
     "files", "content", "[key]", "Attachment", ""]
)  # fmt: skip
trees = st.recursive(
    st.one_of(words, st.integers(-9, 600), st.booleans(), st.none(), st.floats(allow_nan=False, allow_infinity=False)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(words, inner, max_size=4)),
    max_leaves=14,
)
files = st.fixed_dictionaries(
    {"schema": st.just("jointrange.topology/1"), "name": st.just("t")},
    optional=dict.fromkeys(("networks", "nodes", "links", "taps", "defaults", "groups", "other"), trees),
)


@example(tree={"[key]": None})
@given(st.one_of(trees, files))
def test_any_tree_is_a_topology_or_a_list_of_problems(tree: object) -> None:
    made, problems = judged(Topology, parse("f", json.dumps(tree).encode()), faults)
    if made is not None and not problems:
        sources = {
            file.source: b""
            for block in (made.defaults, *made.groups.values(), *made.nodes.values())
            for file in block.files.values()
            if file.source is not None
        }
        assert resolve(made, sources).nodes
    else:
        assert problems


PROFILE = """\
schema: jointrange.benign/1
name: p
title: P
benign:
  - {id: browse, title: Browse, from: {role: a}, target: {role: b}, run: "true"}
"""


def told(caught: pytest.ExceptionInfo[Invalid]) -> list[str]:
    """Every problem as `file:line:col: what`, the file without its folder."""
    return [f"{problem.where}: {problem.what}".rpartition("/c.yaml")[2] for problem in caught.value.problems]


def test_a_benign_profile_comes_with_the_campaign(folder: Path) -> None:
    (folder / "p.yaml").write_text(PROFILE)
    (folder / "c.yaml").write_text(CAMPAIGN + "benign: ./p.yaml\n")
    loaded = catalogue.campaign(folder / "c.yaml").profile
    assert loaded is not None
    assert [one.id for one in loaded.profile.benign] == ["browse"]
    (folder / "p.yaml").write_text(PROFILE.replace("browse", "scan"))
    with pytest.raises(Invalid, match=r"c\.yaml:9:9: benign profile `./p.yaml` and scenario `s` both have the id"):
        catalogue.campaign(folder / "c.yaml")
    (folder / "c.yaml").write_text(CAMPAIGN + "benign: shoppers\n")
    with pytest.raises(Invalid, match=r"c\.yaml:9:9: there is no benign profile called `shoppers`"):
        catalogue.campaign(folder / "c.yaml")


def test_what_steps_bring_along_is_read_as_bytes(folder: Path) -> None:
    (folder / "tool.sh").write_bytes(b"\x00\xff")
    (folder / "old.pcap").write_bytes(b"p" * (2 * 2**20))
    text = SCENARIO.replace('run: "true"', "replay: old.pcap\n    payloads: {/tmp/tool.sh: tool.sh}")
    (folder / "s.yaml").write_text(text)
    assert catalogue.scenario(folder / "s.yaml").sources == {"tool.sh": b"\x00\xff", "old.pcap": b"p" * (2 * 2**20)}


def test_what_steps_bring_along_must_be_there_and_go_somewhere(folder: Path) -> None:
    (folder / "big.sh").write_bytes(b"x" * (2**20 + 1))
    lines = 'run: "true"\n    payloads: {/tmp/a: toll.sh, tmp/b: big.sh, /tmp/c: ../s.yaml}'
    (folder / "s.yaml").write_text(SCENARIO.replace('run: "true"', lines))
    (folder / "tool.sh").write_text("")
    with pytest.raises(Invalid) as caught:
        catalogue.scenario(folder / "s.yaml")
    assert [(problem.where.line, problem.what) for problem in caught.value.problems] == [
        (11, "there is no file `toll.sh`"),
        (11, "`tmp/b` is no absolute path of a file"),
        (11, "`big.sh` is larger than 1 MiB"),
        (11, "`../s.yaml` leads out of the folder"),
    ]


SIGMA = """\
title: A page nobody links to
logsource: {category: webserver}
detection: {seen: {page: /old}, condition: seen}
"""


def test_the_rule_files_of_an_alert_source_must_be_there(folder: Path) -> None:
    source = "alerts:\n  - {name: log, path: /x, format: sigma, rules: [rules/web.yml]}\n"
    (folder / "t" / "tool.yaml").write_text(TOOL + source)
    with pytest.raises(Invalid, match=r"tool\.yaml:7:\d+: there is no file `rules/web\.yml`"):
        catalogue.tool(folder / "t")
    (folder / "t" / "rules").mkdir()
    (folder / "t" / "rules" / "web.yml").write_text(SIGMA)
    assert catalogue.tool(folder / "t").sources == {"rules/web.yml": SIGMA.encode()}
    (folder / "t" / "rules" / "web.yml").write_text(SIGMA.replace("page: /old", "page|expand: '%old%'"))
    with pytest.raises(Invalid, match=r"tool\.yaml:7:\d+: rules/web\.yml: rule `A page nobody links to`: placeholders"):
        catalogue.tool(folder / "t")


def test_a_known_false_alarm_has_a_tool_and_a_day(folder: Path) -> None:
    known = "known_false_alarms:\n  - {tool: TOOL, rule: r, reason: seen, owner: us, expires: DAY}\n"
    (folder / "c.yaml").write_text(CAMPAIGN + known.replace("TOOL", "t").replace("DAY", '"2027-03-31"'))
    assert catalogue.campaign(folder / "c.yaml").campaign.known_false_alarms
    (folder / "c.yaml").write_text(CAMPAIGN + known.replace("TOOL", "tt").replace("DAY", '"2027-02-31"'))
    with pytest.raises(Invalid) as caught:
        catalogue.campaign(folder / "c.yaml")
    assert told(caught) == [":10:12: no arm has a tool `tt`", ":10:59: there is no day 2027-02-31"]


def test_weights_that_weigh_nothing(folder: Path) -> None:
    (folder / "c.yaml").write_text(CAMPAIGN + "weights: {noticed: 0}\n")
    with pytest.raises(Invalid, match=r"c\.yaml:9:1: every weight is 0"):
        catalogue.campaign(folder / "c.yaml")


@pytest.mark.parametrize("name", catalogue.names("benign"))
def test_every_bundled_benign_profile_is_valid(name: str) -> None:
    assert catalogue.benign(name).profile.name == name
