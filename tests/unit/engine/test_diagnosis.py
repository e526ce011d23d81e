"""Facts in, findings out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from range.engine.diagnosis import Disk, EngineFacts, Facts, Finding, broken, findings

WORKS = dict.fromkeys(("veth", "bridge", "tbf", "mirror", "netem", "ipv6"), "")
ENGINE = EngineFacts(
    version="20.10.24", system="Debian", storage="overlay2", cpus=4, memory=8 << 30, cgroups="v2",
    limits={"memory": True, "pids": True, "cpu": True}, networks=3, skew=0.01, base_image=True, ansible_image=True,
    orphans=(),
)  # fmt: skip
SOUND = Facts(
    engine=ENGINE, socket=("/run/docker.sock", True), disks=(Disk("results", "/srv", 9 << 30),), kernel=WORKS,
    synchronised=True, ansible="2.4.3", mmdebstrap=True,
)  # fmt: skip


def of(facts: Facts, check: str) -> Finding:
    [found] = [one for one in findings(facts) if one.check == check]
    return found


def test_a_sound_machine_is_ok_throughout() -> None:
    found = findings(SOUND)
    assert len(found) >= 15
    assert {one.state for one in found} == {"ok"}
    assert not any(one.remedy for one in found)
    assert not broken(found)


def test_without_an_engine_the_rest_is_still_told() -> None:
    facts = replace(
        SOUND, engine=None, engine_fault="nothing answers", engine_hint="start it",
        kernel=None, kernel_unknown="no engine answers", kernel_hint="mend `engine` first",
    )  # fmt: skip
    assert of(facts, "engine") == Finding("engine", "broken", "nothing answers", "start it")
    assert of(facts, "kernel").state == "limited"
    assert of(facts, "disk for results").state == of(facts, "ansible").state == "ok"
    assert broken(findings(facts))


@pytest.mark.parametrize(
    ("facts", "check", "state", "word"),
    [
        (replace(SOUND, socket=("/run/docker.sock", False)), "permission", "broken", "docker"),
        (replace(SOUND, disks=(Disk("images", "/srv", (2 << 30) - 1),)), "disk for images", "limited", "system df"),
        (replace(SOUND, engine=replace(ENGINE, cpus=1)), "processors", "limited", "JOINTRANGE_JOBS"),
        (replace(SOUND, engine=replace(ENGINE, memory=1 << 30)), "memory", "limited", "JOINTRANGE_JOBS"),
        (replace(SOUND, engine=replace(ENGINE, storage="vfs")), "storage", "limited", "overlay2"),
        (replace(SOUND, engine=replace(ENGINE, limits={"pids": False})), "limits", "limited", "cgroup"),
        (replace(SOUND, engine=replace(ENGINE, skew=-3.0)), "clock", "limited", "NTP"),
        (replace(SOUND, synchronised=False), "clock", "limited", "timedatectl"),
        (replace(SOUND, engine=replace(ENGINE, orphans=("demo",))), "leftovers", "limited", "jointrange sweep"),
        (replace(SOUND, engine=replace(ENGINE, base_image=False), mmdebstrap=False), "base image", "limited", "pull"),
        (replace(SOUND, ansible=""), "ansible", "broken", "bootstrap"),
        (replace(SOUND, kernel={**WORKS, "netem": "unknown"}), "kernel netem", "limited", "sch_netem"),
        (replace(SOUND, kernel={**WORKS, "tbf": "unknown"}), "kernel tbf", "limited", "sch_tbf"),
        (replace(SOUND, kernel={**WORKS, "mirror": "unknown"}), "kernel mirror", "limited", "act_mirred"),
        (replace(SOUND, kernel={**WORKS, "ipv6": "unknown"}), "kernel ipv6", "limited", "ipv6.disable"),
        (replace(SOUND, kernel={**WORKS, "veth": "unknown"}), "kernel veth", "broken", "modprobe veth"),
    ],
)
def test_what_is_wrong_is_told_with_its_remedy(facts: Facts, check: str, state: str, word: str) -> None:
    found = of(facts, check)
    assert found.state == state
    assert found.found
    assert word in found.remedy
    assert [one.check for one in findings(facts) if one.state != "ok"] == [check]


def test_the_base_image_need_not_be_here_when_it_can_be_made() -> None:
    found = of(replace(SOUND, engine=replace(ENGINE, base_image=False)), "base image")
    assert found.state == "ok"
    assert "mmdebstrap" in found.found


def test_an_engine_that_tells_no_time_is_not_held_to_be_wrong() -> None:
    found = of(replace(SOUND, engine=replace(ENGINE, skew=None), synchronised=None), "clock")
    assert found == Finding("clock", "ok", "nothing known against it")


def test_where_playbooks_run_is_told() -> None:
    assert of(SOUND, "ansible").found == "playbooks run in jointrange/ansible, which is here"
    later = of(replace(SOUND, engine=replace(ENGINE, ansible_image=False)), "ansible")
    assert (later.state, "when the first playbook runs" in later.found) == ("ok", True)
