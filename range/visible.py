"""Visible: which flows of the capture are an action's, and whether the capture shows the action at all.

Knows: that a flow belongs to an action when it is between its two nodes, whichever way round, and goes on during it,
or begins right after it and during no other; that a benign action has those flows which a step between the same
addresses at the same time would have too, so that nobody takes them for the step's alone; and that a replayed pcap's
flows are those it holds.
Must never: judge, or weigh what a capture with gaps does not show (range/judging/verdict.py does).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from range.layout import Layout, NodeSpec
from range.ledger import Action, Endpoint, Flow

EARLY, LATE = 0.05, 0.5
"""Seconds before an action's start and after its end within which a flow may begin: two clocks, and work still done."""

MOST = 1000
"""Flows kept for one action. A port scan has thousands, all alike."""

Ends = frozenset[tuple[str | None, int | None]]
Key = tuple[str, Ends]
Pair = frozenset[str | None]


def key(flow: Flow) -> Key:
    """What two sights of one flow, on two networks, have in common: its protocol and both ends, whichever way."""
    return flow.proto, frozenset((_pair(flow.src), _pair(flow.dst)))


def with_flows(
    actions: Iterable[Action],
    flows: Iterable[Flow],
    layout: Layout,
    *,
    wanted: Mapping[str, bool | None],
    played: Mapping[str, Sequence[Flow]],
) -> tuple[Action, ...]:
    """The actions with their flows, each flow once (as it was seen first), and whether the capture shows them.

    `wanted`: step -> whether the capture must show it (None or absent: if source and target differ). `played`: step ->
    the flows of the pcap it replayed.
    """
    by_pair: dict[Pair, list[Flow]] = defaultdict(list)
    for flow in sorted(flows, key=lambda flow: (flow.start, flow.segment)):
        by_pair[frozenset((flow.src.address, flow.dst.address))].append(flow)
    all_ = tuple(actions)
    busy: dict[Pair, list[tuple[float, float]]] = defaultdict(list)
    for action in all_:
        busy[frozenset((action.source_address, action.target_address))].append((action.start, action.end))
    done = []
    for action in all_:
        if action.kind == "benign" or action.skipped:
            done.append(action)
            continue
        found = _own(action, by_pair, busy, layout, played.get(action.id))
        done.append(replace(action, flows=found, captured=_captured(action, bool(found), wanted)))
    return _shared(done, layout)


def _shared(actions: Sequence[Action], layout: Layout) -> tuple[Action, ...]:
    """The actions, the benign ones with the flows that other actions have and that may just as well be theirs."""
    claimed: dict[Pair, dict[Flow, None]] = defaultdict(dict)
    for action in actions:
        for flow in action.flows:
            claimed[frozenset((flow.src.address, flow.dst.address))][flow] = None
    done = []
    for action in actions:
        if action.kind == "benign" and not action.skipped:
            pairs = _pairs(action, layout) if claimed else set()
            theirs = [flow for pair in pairs & claimed.keys() for flow in claimed[pair] if _goes_on(flow, action)]
            theirs.sort(key=lambda flow: (flow.start, flow.segment, repr(flow)))
            action = replace(action, flows=tuple(theirs[:MOST]))
        done.append(action)
    return tuple(done)


def _goes_on(flow: Flow, action: Action) -> bool:
    return flow.start <= action.end + LATE and flow.end >= action.start - EARLY


def _own(
    action: Action,
    by_pair: Mapping[Pair, Sequence[Flow]],
    busy: Mapping[Pair, Sequence[tuple[float, float]]],
    layout: Layout,
    played: Sequence[Flow] | None,
) -> tuple[Flow, ...]:
    if played is None:
        pairs, keys = _pairs(action, layout), None
    else:
        keys = {key(flow) for flow in played}
        pairs = {frozenset((flow.src.address, flow.dst.address)) for flow in played}
    mine: Pair = frozenset((action.source_address, action.target_address))
    first: dict[Key, Flow] = {}
    for pair in pairs:
        for flow in by_pair.get(pair, ()):
            if flow.start > action.end + LATE:
                break
            if flow.end < action.start - EARLY or (keys is not None and key(flow) not in keys):
                continue
            late = flow.start > action.end
            if not (late and any(start - EARLY <= flow.start <= end for start, end in busy.get(mine, ()))):
                first.setdefault(key(flow), flow)
    return tuple(sorted(first.values(), key=lambda flow: (flow.start, flow.segment, repr(flow)))[:MOST])


def _pairs(action: Action, layout: Layout) -> set[Pair]:
    """Every address of its source with every one of its target."""
    ours = _addresses(layout.node(action.source), action.source_address)
    theirs = _addresses(layout.node(action.target), action.target_address)
    return {frozenset((one, other)) for one in ours for other in theirs if one != other}


def _captured(action: Action, found: bool, wanted: Mapping[str, bool | None]) -> bool | None:
    must = wanted.get(action.id)
    if must is None:
        must = action.kind not in ("null", "cleanup") and action.source != action.target
    return found if must else None


def _addresses(node: NodeSpec, first: str) -> set[str | None]:
    all_: set[str | None] = {
        given.partition("/")[0] for end in node.interfaces for given in (end.address, end.address6) if given
    }
    return all_ | ({first} if first else set())


def _pair(end: Endpoint) -> tuple[str | None, int | None]:
    return end.address, end.port
