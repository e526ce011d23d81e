"""Tests of other projects, imported and really run: on the undefended range, and through real tools."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from shutil import copytree

import pytest

from range import catalogue, wiring
from range.catalogue.foreign import overlay
from range.events import nowhere
from range.flows import defended
from range.flows.imports import Import, save, take
from range.flows.trials import TrialOrder, run_trial
from range.importing import Defaults
from range.judging.verdict import Bench, StepVerdict, judge
from range.layout import resolve
from range.ledger import Action, Trial
from range.selector import Selector
from range.settings import from_environment

pytestmark = [pytest.mark.engine, pytest.mark.beside, pytest.mark.slow, pytest.mark.timeout(300)]

FOLDER = Path(__file__).parents[1] / "imports"
ATTACKER, WEB = "203.0.113.66", "10.10.10.10"
SCAN, SWEEP = "1000012", "1000011"
"""Rules of the bundled Suricata: a scan of UDP ports, which our pcap is, and a sweep of pings, which it is not."""


def a_packet(port: int) -> bytes:
    """An Ethernet frame with an empty UDP datagram from the attacker to a port of the web server."""
    addresses = ip_address(ATTACKER).packed + ip_address(WEB).packed
    header = struct.pack(">BBHHHBBH", 0x45, 0, 28, port, 0, 64, 17, 0) + addresses
    total = sum(struct.unpack(">10H", header))
    header = header[:10] + struct.pack(">H", ~(total + (total >> 16)) & 0xFFFF) + header[12:]
    return b"\x02\0\0\0\0\x01" + b"\x02\0\0\0\0\x02" + b"\x08\0" + header + struct.pack(">HHHH", 4000, port, 8, 0)


def a_pcap() -> bytes:
    """Twenty ports in half a second."""
    found = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)]
    for number, port in enumerate(range(3001, 3021)):
        frame = a_packet(port)
        found.append(struct.pack("<IIII", 1_700_000_000, number * 25_000, len(frame), len(frame)) + frame)
    return b"".join(found)


@dataclass(frozen=True)
class Played:
    """One scenario in the company: without tools, and with a WAF before the web server and an IDS at its tap."""

    control: Mapping[str, Action]
    guarded: Mapping[str, Action]
    trial: Trial
    verdicts: Mapping[str, StepVerdict]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    folder = tmp_path_factory.mktemp("imports")
    theirs = copytree(FOLDER, folder / "theirs")
    test = theirs / "suricata" / "one-alert" / "test.yaml"
    test.write_text(test.read_text().replace("1000001", SCAN).replace("1000002", SWEEP))
    (test.parent / "input.pcap").write_bytes(a_pcap())
    known = overlay(theirs / "atomics" / "overlay.yaml")
    parts = (
        take(theirs / "atomics", None, known, Defaults(Selector(role="web"))),
        take(theirs / "ftw", None, known, Defaults()),
        take(theirs / "suricata", None, known, Defaults(technique="T1046")),
    )
    folders = {file: place for part in parts for file, place in part.folders.items()}
    made = Import(tuple(item for part in parts for item in part.items), (), folders)
    save(made, folder / "scenario.yaml", "Imported", "18")
    control = play(folder, ())
    guarded = play(folder, ("modsecurity-crs", "suricata"))
    steps = ({one.id: one for one in trial.steps} for trial in (control, guarded))
    verdicts = {one.step: one for one in judge(guarded, Bench(controls=(control,)))}
    return Played(*steps, guarded, verdicts)


def play(folder: Path, tools: tuple[str, ...]) -> Trial:
    """One trial; the attacker's node may send recorded packets."""
    settings = from_environment()
    ports = wiring.ports(settings)
    loaded, scenario = catalogue.topology("company"), catalogue.scenario(folder / "scenario.yaml")
    attacker = loaded.topology.nodes["attacker"].model_copy(update={"capabilities": ("NET_RAW",)})
    topology = loaded.topology.model_copy(update={"nodes": {**loaded.topology.nodes, "attacker": attacker}})
    put = defended.put(resolve(topology, loaded.sources), [catalogue.tool(name) for name in tools])
    put = defended.prepare(ports, put, folder / "installs", nowhere)
    owner = wiring.ownership(settings, topology.name, kept=False, now=ports.clock.now())
    word = f"imports-{uuid.uuid4().hex[:6]}"
    order = TrialOrder(
        word, word, "guarded" if tools else "control", 1, put, scenario.scenario, owner, folder / word, 2,
        payloads=scenario.sources, seed=3,
    )  # fmt: skip
    return run_trial(order, ports, nowhere)


def raised(played: Played, step: str, tool: str) -> set[str]:
    """The rules of a tool that spoke while a step ran, or just after it."""
    action = played.guarded[step]
    return {
        rule
        for alert in played.trial.alerts
        if alert.tool == tool and action.start - 1 <= alert.time <= action.end + 2
        for rule in (alert.rule, *alert.also)
    }


def test_an_atomic_test_runs_word_for_word_with_its_files(played: Played) -> None:
    step = played.control["atomic-11111111-2222-4333-8444-555555555501"]
    assert step.effect == "achieved", f"{step.effect_detail}\n{step.stderr}"
    assert "Linux" in step.stdout
    assert step.cleanup_failed is None


def test_an_atomic_test_runs_in_the_shell_it_names(played: Played) -> None:
    step = played.control["atomic-11111111-2222-4333-8444-555555555502"]
    assert (step.effect, step.stdout.startswith("users: root")) == ("achieved", True), step.stderr


def test_an_atomic_test_whose_prerequisite_is_not_met_is_not_run(played: Played) -> None:
    step = played.control["atomic-11111111-2222-4333-8444-555555555503"]
    assert step.skipped is not None
    assert "not met: A program that nobody has" in step.skipped
    assert step.exit_code is None


def test_requests_reach_the_undefended_server(played: Played) -> None:
    for name in ("ftw-942100-1", "ftw-942100-2", "ftw-942100-3-1"):
        step = played.control[name]
        assert step.effect == "achieved", f"{name}: {step.effect_detail}\n{step.stdout}"
        assert step.captured is True


def test_the_positive_stage_is_stopped_by_the_rule_it_names(played: Played) -> None:
    step = played.guarded["ftw-942100-1"]
    assert (step.effect, step.stdout.startswith("STATUS 403")) == ("absent", True), step.stdout
    assert "942100" in raised(played, step.id, "modsecurity-crs")
    assert step.expected == ("942100",)


def test_the_negative_stage_passes_and_the_rule_is_silent(played: Played) -> None:
    step = played.guarded["ftw-942100-2"]
    assert step.effect == "achieved", step.stdout
    assert "942100" not in raised(played, step.id, "modsecurity-crs")
    assert step.forbidden == ("942100",)


def test_a_recording_is_played_into_the_tap(played: Played) -> None:
    step = played.guarded["replay-one-alert"]
    assert (step.tier, step.effect) == ("replay", "achieved"), f"{step.effect_detail}\n{step.stderr}"
    rules = raised(played, step.id, "suricata")
    assert SCAN in rules
    assert SWEEP not in rules


def test_they_are_judged_like_any_other_step(played: Played) -> None:
    stopped, recorded = played.verdicts["ftw-942100-1"], played.verdicts["replay-one-alert"]
    assert (stopped.label, stopped.evidence, stopped.unmet) == ("blocked", "explicit", ()), stopped.why
    assert (recorded.label, recorded.after, recorded.unmet) == ("detected", None, ()), recorded.why
    assert played.verdicts["ftw-942100-2"].unmet == ()
    unmet = played.verdicts["atomic-11111111-2222-4333-8444-555555555503"]
    assert unmet.label == "inconclusive", unmet.why
