"""Everything at once: fields that are wrong do not hide rules that are broken, nor invent any."""

from __future__ import annotations

import pytest

from range.catalogue.checking import checked, judged
from range.catalogue.reading import parse
from range.errors import Invalid
from range.topology import Topology
from range.topology_rules import faults

HEAD = "schema: jointrange.topology/1\nname: t\n"


def told(text: str) -> list[str]:
    _, problems = judged(Topology, parse("f", (HEAD + text).encode()), faults)
    return [f"{problem.where.line}: {problem.what}" for problem in problems]


def test_a_sound_file_is_a_model() -> None:
    value = parse("f", (HEAD + "nodes: {a: {image: x}}").encode())
    assert checked(Topology, value, faults).nodes["a"].image == "x"


def test_a_wrong_field_does_not_hide_a_dangling_name() -> None:
    text = "nodes:\n  a: {image: x, count: many}\n  b: {image: x, networks: [lan]}\n"
    assert told(text) == [
        "4: `count` of node `a` must be a whole number, not `many`",
        "5: there is no network `lan`",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "nodes:\n  a: {imgae: x}\n",
        "networks:\n  lan: {cidr: [1]}\nnodes:\n  a: {image: x, networks: [lan]}\n",
        "networks:\n  lan: 5\nnodes:\n  a: {image: x, networks: [lan]}\n",
        "nodes:\n  a: [x]\n  b: {image: x, depends_on: [a]}\n",
        "nodes: {a: {image: x}, b: {image: x}}\nlinks:\n  - {ends: [a]}\ntaps:\n  - {network: a--b, node: a}\n",
        "networks: {lan: {cidr: 10.0.0.0/24}}\nnodes:\n"
        "  a: {image: x, networks: [lan], routes: [{to: default, via: 10.0.0.9}]}\n"
        "  b: {image: x, networks: [{network: lan, address: 10.0.0.9, mtu: 3}]}\n",
    ],
)
def test_a_mere_consequence_is_not_told(text: str) -> None:
    assert len(told(text)) == 1


def test_of_a_file_of_another_kind_nothing_else_is_told() -> None:
    text = "name: t\nsteps: []\nschema: {}\n"
    for schema, what in (
        (
            "jointrange.scenario/1",
            "3: this file is of the kind `scenario`, and one of the kind `topology` is wanted here",
        ),
        ("jointrange.topolgy/1", "3: `jointrange.topolgy/1` is not `jointrange.topology/1`"),
        ("jointrange.topology/2", "3: `jointrange.topology/2` is not `jointrange.topology/1`"),
        ("topology", "3: `topology` is not `jointrange.topology/1`"),
    ):
        made, problems = judged(Topology, parse("f", text.format(schema).encode()), faults)
        shown = [f"{problem.where.line}: {problem.what}" for problem in problems]
        assert what in shown
        assert (made is None and len(shown) == 1) == ("scenario" in schema)


def test_problems_are_raised_together() -> None:
    with pytest.raises(Invalid) as caught:
        checked(Topology, parse("f", b"nodes: {a: {}}\nname: T\n"), faults)
    assert [problem.what for problem in caught.value.problems] == [
        "`schema` is missing",
        "node `a` has no image",
        "`T` is not a name",
    ]
