"""Work spread over workers, and what is found and removed after a benchmark. The engine here is a hand-written one."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import pytest

from range.engine import labels, owners
from range.engine.baselines import KIND_BENCH, remove_benches, spread, sweep_benches
from range.errors import EngineFault

DEAD = "nowhere"
"""No process can be called this."""


class Engine:
    """A list of containers and networks, filtered by label as Docker does."""

    def __init__(self, containers: Mapping[str, Mapping[str, str]], networks: Mapping[str, Mapping[str, str]]) -> None:
        self.there = {"c": dict(containers), "n": dict(networks)}

    def containers(self, *, all: bool, filters: Mapping[str, Any]) -> list[dict[str, Any]]:  # noqa: A002
        assert all
        return [{"Id": name, "Names": [f"/{name}"], "Labels": has} for name, has in self._having("c", filters)]

    def networks(self, *, filters: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [{"Id": name, "Name": name, "Labels": has} for name, has in self._having("n", filters)]

    def remove_container(self, name: str, *, force: bool, v: bool) -> None:
        assert force
        assert v
        del self.there["c"][name]

    def remove_network(self, name: str) -> None:
        assert not self.there["c"], "a network goes after its containers"
        del self.there["n"][name]

    def _having(self, kind: str, filters: Mapping[str, Any]) -> list[tuple[str, Mapping[str, str]]]:
        wanted = dict(text.split("=", 1) for text in filters["label"])
        return [(name, has) for name, has in self.there[kind].items() if wanted.items() <= has.items()]


def mark(owner: str, instance: str = "mine", kind: str = KIND_BENCH) -> dict[str, str]:
    return {labels.KIND: kind, labels.INSTANCE: instance, labels.OWNER: owner}


def test_results_come_in_the_order_of_the_items() -> None:
    assert spread(3, lambda number: number * number, range(20)) == [number * number for number in range(20)]


def test_so_many_at_once_and_no_more() -> None:
    gate = threading.Barrier(3, timeout=10)
    assert len(spread(3, lambda _: gate.wait(), range(6))) == 6


def test_after_a_fault_nothing_new_is_begun() -> None:
    begun = []

    def act(number: int) -> None:
        begun.append(number)
        raise EngineFault("full")

    with pytest.raises(EngineFault, match="full"):
        spread(1, act, range(100))
    assert len(begun) < 100


def test_only_what_has_the_labels_goes_containers_first() -> None:
    engine = Engine({"a": mark(DEAD), "b": mark(DEAD)}, {"n": mark(DEAD), "other": mark(DEAD, kind="node")})
    assert remove_benches(engine, [f"{labels.INSTANCE}=mine"]) == ["a", "b", "n"]
    assert engine.there == {"c": {}, "n": {"other": mark(DEAD, kind="node")}}


def test_a_sweep_spares_the_living_and_other_installations() -> None:
    there = {"gone": mark(DEAD), "running": mark(owners.me()), "theirs": mark(DEAD, "yours")}
    engine = Engine(there, {})
    assert sweep_benches(engine, "mine") == ["gone"]
    assert set(engine.there["c"]) == {"running", "theirs"}
    assert sweep_benches(engine, "mine", everything=True) == ["running"]
    assert set(engine.there["c"]) == {"theirs"}
