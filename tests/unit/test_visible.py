"""Which flows are whose, and what the capture shows: by pair and time, once each, never by guess."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from range.judging.attribution import attribute
from range.ledger import Action, Endpoint, Flow
from range.visible import MOST, with_flows
from tests.builders import T0, an_action, an_alert
from tests.unit.topologies import a_layout

LAYOUT = a_layout()
ONE, TWO = LAYOUT.node("one").address() or "", LAYOUT.node("two").address() or ""


def a_step(name: str = "sqli", start: float = T0, **changes: Any) -> Action:
    """From `one` to `two`, one second long."""
    values = {"source": "one", "target": "two", "source_address": ONE, "target_address": TWO}
    return an_action(name, start=start, end=start + 1, **{**values, **changes})


def a_flow(start: float = T0 + 0.2, port: int = 4000, **changes: Any) -> Flow:
    """From `one` to port 80 of `two`, 0.1 s long."""
    values: dict[str, Any] = {"segment": "lan", "proto": "tcp", "src": Endpoint(ONE, port), "dst": Endpoint(TWO, 80),
                              "start": start, "end": start + 0.1, "packets": 4, "bytes": 400}  # fmt: skip
    return Flow(**{**values, **changes})


def look(actions: list[Action], flows: list[Flow], **changes: Any) -> dict[str, Action]:
    done = with_flows(actions, flows, LAYOUT, **{"wanted": {}, "played": {}, **changes})
    return {action.id: action for action in done}


def test_a_flow_between_its_nodes_whichever_way_at_its_time() -> None:
    back = a_flow(port=1, src=Endpoint(TWO, 22), dst=Endpoint(ONE, 9))
    other = [a_flow(T0 - 5), a_flow(T0 + 1.6), a_flow(port=2, dst=Endpoint("10.9.9.9", 80))]
    found = look([a_step()], [a_flow(), back, *other])["sqli"]
    assert set(found.flows) == {a_flow(), back}
    assert found.captured is True


def test_one_flow_on_two_networks_counts_once_as_it_was_seen_first() -> None:
    near, far = a_flow(T0 + 0.2, segment="office"), a_flow(T0 + 0.2001, segment="dmz")
    assert look([a_step()], [far, near])["sqli"].flows == (near,)


def test_a_session_that_goes_on_belongs_to_both_and_the_next_steps_first_flow_to_the_next() -> None:
    first, second = a_step("a"), a_step("b", T0 + 1.3)
    session, next_, late = a_flow(T0 + 0.1, end=T0 + 2), a_flow(T0 + 1.35, 5), a_flow(T0 + 1.1, 6)
    found = look([first, second], [session, next_, late])
    assert found["a"].flows == (session, late)
    assert found["b"].flows == (session, next_)


def test_what_must_be_visible() -> None:
    alone = a_step("alone", target="one", target_address=ONE)
    null, skipped = a_step("null-1", kind="null"), a_step("skipped", skipped="needs a")
    benign = a_step("browse", kind="benign")
    found = look([alone, null, skipped, benign, a_step("told")], [], wanted={"told": False})
    assert {name: action.captured for name, action in found.items()} == dict.fromkeys(found)
    assert look([alone], [], wanted={"alone": True})["alone"].captured is False
    canary = a_step("canary", kind="canary")
    assert look([canary], [])["canary"].captured is False


def test_a_flow_that_may_be_an_ordinary_users_is_not_the_steps_alone() -> None:
    visit = a_step("visit", T0 + 0.3, kind="benign", technique=None, nonce="jrv")
    before = a_step("early", T0 - 60, kind="benign", technique=None, nonce="jre")
    ours, shared = a_flow(T0 + 0.1), a_flow(T0 + 0.5, 5)
    found = look([before, a_step(), visit], [ours, shared, a_flow(T0 - 60, 6)])
    assert (found["sqli"].flows, found["visit"].flows, found["early"].flows) == ((ours, shared), (shared,), ())
    assert (found["sqli"].captured, found["visit"].captured) == (True, None)
    alarm = an_alert(src=shared.src, dst=shared.dst, time=shared.start, techniques=())
    alert = an_alert(src=ours.src, dst=ours.dst, time=ours.start, techniques=())
    first, second = attribute(tuple(found.values()), (alarm, alert))
    assert (first.rule, second.rule, second.action_index) == ("ambiguous", "flow", 1)


def test_a_replays_flows_are_those_of_its_pcap() -> None:
    strange = {"src": Endpoint("1.2.3.4", 5), "dst": Endpoint("6.7.8.9", 80)}
    step = a_step(tier="replay")
    held = a_flow(0.0, **strange)
    seen, ours = a_flow(T0 + 0.3, **strange), a_flow()
    other = replace(seen, src=Endpoint("1.2.3.4", 6))
    assert look([step], [seen, ours, other], played={"sqli": [held]})["sqli"].flows == (seen,)
    assert look([step], [ours], played={"sqli": [held]})["sqli"].captured is False


def test_a_scan_is_cut_short() -> None:
    many = [a_flow(port=port) for port in range(1, MOST + 50)]
    assert len(look([a_step()], many)["sqli"].flows) == MOST


FLOWS = [a_flow(), a_flow(T0 + 0.4, 1), a_flow(T0 + 0.4, 2), a_flow(T0 + 0.5, segment="dmz"), a_flow(T0 - 9)]


@given(st.permutations(FLOWS))
def test_the_order_of_flows_changes_nothing(flows: list[Flow]) -> None:
    assert look([a_step()], flows) == look([a_step()], sorted(flows, key=repr))
