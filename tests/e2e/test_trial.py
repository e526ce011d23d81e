"""One trial for real: what it gathers from a small range, and that a tool killed on the way ends nothing.

The tool is a web server that raises an alert for every request it gets; it is killed before the last step.
"""

from __future__ import annotations

import gzip
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from range import wiring
from range.events import Event, StepStarted
from range.flows.defended import Defended
from range.flows.trials import TrialOrder, run_trial
from range.layout import resolve
from range.ledger import Action, Trial
from range.pcap import flows, frames, packets
from range.plan import Ownership
from range.ports import Placed, Ports
from range.scenario import Scenario
from range.settings import Settings
from range.tool import Tool
from range.topology import Topology
from tests.e2e.traces import ours
from tests.unit.pcaps import a_pcap, tcp

pytestmark = [pytest.mark.engine, pytest.mark.slow]

SERVER = """
import http.server, json, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with open("/var/log/watchd.log", "a") as log:
            log.write(json.dumps({"rule": self.path.split("?")[0], "title": self.path, "time": time.time()}) + "\\n")
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello\\n")
http.server.ThreadingHTTPServer(("", 8000), Handler).serve_forever()
"""
TOPOLOGY = {
    "schema": "jointrange.topology/1",
    "name": "watched",
    "networks": {"lan": {"cidr": "10.77.0.0/24"}, "mgmt": {"cidr": "10.77.1.0/24"}},
    "defaults": {"image": "jointrange/base"},
    "nodes": {
        "one": {"role": "client", "networks": ["mgmt", "lan"], "capabilities": ["NET_RAW"]},
        "three": {"role": "user", "networks": ["lan"]},
        "two": {
            "role": "server",
            "networks": ["lan"],
            "files": {"/opt/server.py": {"content": SERVER}},
            "start": [
                "ln -s /usr/bin/python3 /usr/local/bin/watchd",
                {"run": "exec watchd /opt/server.py", "background": True},
            ],
            "ready": [{"tcp": 8000}],
        },
    },
}
TOOL = {
    "schema": "jointrange.tool/1", "name": "watch", "title": "Watch", "place": {"on": {"role": "server"}},
    "alerts": [{"name": "log", "path": "/var/log/watchd.log", "format": "jsonlines",
                "fields": {"rule": "rule", "title": "title", "time": "time"}}],
    "canary": {"from": {"role": "client"}, "target": {"role": "server"}, "rule": "/canary", "timeout": "10s",
               "run": 'curl -sS -m 2 "http://$TARGET:8000/canary?$NONCE"'},
    "health": {"process": "watchd", "config": ["/opt/server.py"],
               "counters": "echo packets $(wc -l </var/log/watchd.log); echo drops 0"},
}  # fmt: skip
BASH = """words=(a "b c" 'd')
printf '%s\\n' "${#words[@]}:${words[1]}" $((SEED % 1))
/opt/tool.sh
curl -sS -m 3 "http://$TARGET:8000/bash?$NONCE"
"""
BROWSE = """curl -sS -m 2 "http://$TARGET:8000/shop" || exit 1
echo '@request {"what": "/shop", "seconds": 0.1, "ok": true}'
"""
PCAP = a_pcap(*((at / 10, tcp("192.0.2.7", "192.0.2.8", 3000 + at, 80)) for at in range(5)))
BOTH = {"from": {"role": "client"}, "target": {"role": "server"}, "technique": "T1190"}
SCENARIO = {
    "schema": "jointrange.scenario/1", "name": "watched", "title": "Watched", "gap": "200ms", "settle": "200ms",
    "block": 2,
    "steps": [
        {**BOTH, "id": "word-for-word", "title": "A script in bash", "run": BASH, "shell": "bash",
         "payloads": {"/opt/tool.sh": "tool.sh"}, "effect": {"output": "(?s)3:b c\\n0\\ntool ran.*hello"}},
        {**BOTH, "id": "inside", "title": "Nothing on any network", "target": {"role": "client"}, "run": "echo hello",
         "effect": {"output": "hello"}},
        {**BOTH, "id": "replayed", "title": "Recorded packets", "replay": "five.pcap",
         "effect": {"output": "played 5 packets on "}},
        {**BOTH, "id": "unseen", "title": "Says that it goes over the network, and does not", "run": "echo hello",
         "effect": {"output": "hello"}},
        {**BOTH, "id": "last", "title": "After the tool's death", "run": "curl -sS -m 2 http://$TARGET:8000/; true",
         "effect": {"output": "hello"}},
    ],
    "benign": [{"id": "browse", "title": "Browse", "from": {"role": "user"}, "target": {"role": "server"},
                "run": BROWSE, "every": "300ms", "pace": "random"}],
}  # fmt: skip


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Trial, Path]]:
    """The trial, and its folder."""
    instance, folder = f"e2e-{uuid.uuid4().hex[:6]}", tmp_path_factory.mktemp("trial")
    ports: Ports = wiring.ports(Settings(instance=instance))
    layout = resolve(Topology.model_validate(TOPOLOGY), {})
    ports.images.ensure_all(["jointrange/base", "jointrange/fabric"], lambda _line: None)

    def watch(event: Event) -> None:
        if isinstance(event, StepStarted) and event.step == "last":
            ended = ports.engine.exec("watched", "two", ["pkill", "-KILL", "-x", "watchd"])
            assert ended.exit_code == 0

    order = TrialOrder(
        id=uuid.uuid4().hex,
        range_id="watched",
        arm="defended",
        number=1,
        defended=Defended(layout, (Placed(Tool.model_validate(TOOL), folder, ("two",)),)),
        scenario=Scenario.model_validate(SCENARIO),
        ownership=Ownership(instance, wiring.owner(), "watched", kept=False, created=ports.clock.now()),
        evidence=folder,
        workers=2,
        benign_window=1.5,
        payloads={"tool.sh": b"#!/bin/sh\necho tool ran\n", "five.pcap": PCAP},
        seed=11,
    )
    yield run_trial(order, ports, watch), folder
    assert ours(instance) == []


@pytest.fixture(scope="module")
def actions(ran: tuple[Trial, Path]) -> dict[str, Action]:
    """What was done, by id."""
    return {action.id: action for action in ran[0].actions}


def test_a_killed_tool_ends_nothing_and_is_seen_to_be_dead(ran: tuple[Trial, Path]) -> None:
    trial = ran[0]
    assert [(one.when, one.seen is not None) for one in trial.canaries] == [
        ("before", True), ("between", True), ("between", True), ("after", False),
    ]  # fmt: skip
    [health] = trial.health
    assert (health.running, health.restarted, health.killed) == (False, False, 0)
    assert "no process `watchd` after the attack" in health.detail
    assert health.packets is not None
    assert health.packets > 5
    assert len(health.config) == 64


def test_scripts_run_word_for_word_with_their_files(actions: dict[str, Action]) -> None:
    step = actions["word-for-word"]
    assert step.effect == "achieved", step.stdout + step.stderr


def test_steps_are_in_the_capture_with_their_flows(actions: dict[str, Action], ran: tuple[Trial, Path]) -> None:
    step = actions["word-for-word"]
    [flow] = step.flows
    assert (flow.segment, flow.proto, flow.src.address, flow.dst.port) == ("lan", "tcp", "10.77.0.10", 8000)
    assert flow.dst.address == step.target_address
    assert step.start - 0.05 <= flow.start <= step.end + 0.5
    assert step.captured is True
    assert (actions["inside"].captured, actions["inside"].flows) == (None, ())
    assert actions["last"].captured is True, "a refused connection is visible, too"


def test_a_step_that_is_not_in_the_capture_is_told(actions: dict[str, Action]) -> None:
    assert actions["unseen"].captured is False


def test_recorded_packets_were_played_in_the_range(actions: dict[str, Action]) -> None:
    step = actions["replayed"]
    assert (step.effect, step.tier, step.captured) == ("achieved", "replay", True)
    assert {(flow.segment, flow.src.address, flow.src.port) for flow in step.flows} == {
        ("lan", "192.0.2.7", 3000 + at) for at in range(5)
    }


def test_captures_are_whole_and_are_what_was_sent(ran: tuple[Trial, Path]) -> None:
    trial, folder = ran
    assert {one.segment: (one.complete, one.detail) for one in trial.captures} == {
        "lan": (True, ""),
        "mgmt": (True, ""),
    }
    data = gzip.decompress((folder / "captures" / "lan.pcap.gz").read_bytes())
    assert len(data) == trial.captures[0].bytes
    found = list(flows(packets(frames([data])), "lan"))
    canaries = [action for action in trial.actions if action.kind == "canary"]
    assert len(canaries) == 4
    for action in canaries:
        assert action.captured is True
        assert set(action.flows) <= set(found)


def test_benign_activity_and_what_it_told(ran: tuple[Trial, Path]) -> None:
    trial = ran[0]
    benign = [action for action in trial.actions if action.kind == "benign"]
    window = next(phase for phase in trial.phases if phase.name == "benign")
    assert 1.4 < window.end - window.start < 10
    assert any(window.start <= action.start < window.end for action in benign)
    assert any(action.start > window.end for action in benign)
    assert all("@request" not in action.stdout for action in benign)
    assert sum(len(action.requests) for action in benign) == sum(action.exit_code == 0 for action in benign)


def test_every_node_was_measured_and_everything_kept(ran: tuple[Trial, Path]) -> None:
    trial, folder = ran
    assert {one.node for one in trial.usage} == {"one", "two", "three"}
    assert all(one.cpu_seconds > 0 and one.memory_peak > 100_000 and one.seconds > 2 for one in trial.usage)
    raw = gzip.decompress((folder / "alerts" / "two-watch-log.log.gz").read_bytes())
    assert raw.count(b"\n") >= len(trial.alerts) > 5
    assert {"one.log", "two.log", "three.log"} <= {path.name for path in (folder / "logs").iterdir()}


def test_every_second_belongs_to_a_phase(ran: tuple[Trial, Path]) -> None:
    trial = ran[0]
    assert sum(phase.end - phase.start for phase in trial.phases) == pytest.approx(trial.ended - trial.started)
    print("\n".join(f"{phase.name:10} {phase.end - phase.start:6.2f} s" for phase in trial.phases))
