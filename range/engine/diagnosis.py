"""What a machine can and cannot do, judged from facts: one finding per check, with the remedy. Pure.

Knows: how much of each thing a range needs, and what is refused when it is missing.
Must never: look at the machine (range/engine/examine.py does).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "limited", "broken"]

LEAST_FREE = 2 << 30
LEAST_MEMORY = 2 << 30
LEAST_CPUS = 2
MOST_SKEW = 2.0
"""Seconds between the engine's clock and ours. Alerts are joined with steps by time."""

NEEDED = ("veth", "bridge")
REFUSED = {
    "tbf": "`rate:` is refused",
    "mirror": "taps cannot be made: a sensor sees nothing",
    "netem": "`delay:`, `jitter:` and `loss:` are refused before anything starts",
    "ipv6": "networks with `ipv6:` cannot be made",
}
MODULES = {
    "veth": "modprobe veth", "bridge": "modprobe bridge", "tbf": "modprobe sch_tbf",
    "mirror": "modprobe sch_ingress cls_u32 act_mirred", "netem": "modprobe sch_netem",
    "ipv6": "boot without `ipv6.disable=1`",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: what was found and, unless it is ok, what to do."""

    check: str
    state: State
    found: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Disk:
    """Bytes free at a path, and what is kept there."""

    what: str
    path: str
    free: int


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What the engine says of itself. `skew` is its clock minus ours in seconds, None when it does not tell."""

    version: str
    system: str
    storage: str
    cpus: int
    memory: int
    cgroups: str
    limits: Mapping[str, bool]
    networks: int
    skew: float | None
    base_image: bool
    ansible_image: bool
    orphans: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that was looked at. Without `engine`, `engine_fault` and `engine_hint` say why.

    `socket`: path, and whether it may be read and written; None when the engine is not behind a local socket.
    `kernel`: feature -> why not ("" when it works); None, with `kernel_unknown`, when nobody could look.
    `synchronised`: whether a time service keeps this clock right; None when that cannot be told.
    """

    engine: EngineFacts | None = None
    engine_fault: str = ""
    engine_hint: str = ""
    socket: tuple[str, bool] | None = None
    disks: tuple[Disk, ...] = ()
    kernel: Mapping[str, str] | None = None
    kernel_unknown: str = ""
    kernel_hint: str = ""
    synchronised: bool | None = None
    ansible: str = ""
    mmdebstrap: bool = False


def findings(facts: Facts) -> tuple[Finding, ...]:
    """Every check, in the order in which one would mend them."""
    told = [_engine(facts), *_socket(facts)]
    if facts.engine is not None:
        told += _size(facts.engine) + _limits(facts.engine)
    told += [_disk(disk) for disk in facts.disks] + _kernel(facts)
    if facts.engine is not None:
        told.append(_subnets(facts.engine))
    told += [_clock(facts), _base(facts), _ansible(facts)]
    if facts.engine is not None:
        told.append(_leftovers(facts.engine))
    return tuple(told)


def broken(found: tuple[Finding, ...]) -> bool:
    """Whether anything is broken."""
    return any(one.state == "broken" for one in found)


def _engine(facts: Facts) -> Finding:
    if facts.engine is None:
        return Finding("engine", "broken", facts.engine_fault, facts.engine_hint)
    return Finding("engine", "ok", f"Docker {facts.engine.version} on {facts.engine.system}")


def _socket(facts: Facts) -> list[Finding]:
    if facts.socket is None:
        return []
    path, usable = facts.socket
    if usable:
        return [Finding("permission", "ok", f"{path} may be used")]
    remedy = "join the `docker` group (then log in again), or set DOCKER_HOST to an engine you may use"
    return [Finding("permission", "broken", f"{path} may not be used by this user, or is not there", remedy)]


def _size(engine: EngineFacts) -> list[Finding]:
    return [
        _at_least(
            "processors", engine.cpus, LEAST_CPUS, str(engine.cpus), "ranges start slowly; set JOINTRANGE_JOBS=1"
        ),
        _at_least(
            "memory",
            engine.memory,
            LEAST_MEMORY,
            _gib(engine.memory),
            f"a range with a sensor needs about {_gib(LEAST_MEMORY)}; set JOINTRANGE_JOBS=1",
        ),
        Finding("storage", "ok", f"driver {engine.storage}")
        if engine.storage != "vfs"
        else Finding("storage", "limited", "driver vfs copies every image for every node", "use overlay2"),
    ]


def _at_least(check: str, have: int, least: int, found: str, remedy: str) -> Finding:
    return Finding(check, "ok", found) if have >= least else Finding(check, "limited", found, remedy)


def _limits(engine: EngineFacts) -> list[Finding]:
    missing = sorted(name for name, there in engine.limits.items() if not there)
    if not missing:
        return [Finding("limits", "ok", f"{', '.join(sorted(engine.limits))} (cgroup {engine.cgroups})")]
    what = f"the engine cannot limit {', '.join(missing)}: one node can take all of it"
    return [Finding("limits", "limited", what, "turn on the cgroup controllers (kernel command line, or delegation)")]


def _disk(disk: Disk) -> Finding:
    remedy = "free some: `docker system df` shows what images take" if disk.what == "images" else "free some"
    found = f"{_gib(disk.free)} free at {disk.path}"
    return _at_least(f"disk for {disk.what}", disk.free, LEAST_FREE, found, f"{remedy}; {_gib(LEAST_FREE)} is wanted")


def _kernel(facts: Facts) -> list[Finding]:
    if facts.kernel is None:
        return [Finding("kernel", "limited", f"not known: {facts.kernel_unknown}", facts.kernel_hint)]
    told = []
    for name, wrong in facts.kernel.items():
        if not wrong:
            told.append(Finding(f"kernel {name}", "ok", "works"))
        elif name in NEEDED:
            told.append(Finding(f"kernel {name}", "broken", f"no range can be wired ({wrong})", MODULES[name]))
        else:
            remedy = f"{MODULES[name]}, or a kernel that has it"
            told.append(Finding(f"kernel {name}", "limited", f"{REFUSED[name]} ({wrong})", remedy))
    return told


def _subnets(engine: EngineFacts) -> Finding:
    found = f"ranges use none of the engine's; it has {engine.networks} networks, and overlapping them is no matter"
    return Finding("subnets", "ok", found)


def _clock(facts: Facts) -> Finding:
    kept = {True: "kept right by a time service", False: "no time service keeps it right", None: ""}[facts.synchronised]
    skew = facts.engine.skew if facts.engine else None
    found = "; ".join(part for part in ("" if skew is None else f"{abs(skew):.1f} s off the engine's", kept) if part)
    if skew is not None and abs(skew) > MOST_SKEW:
        return Finding("clock", "limited", found, "set both clocks (NTP): alerts are joined with steps by time")
    if facts.synchronised is False:
        return Finding("clock", "limited", found, "start one (`timedatectl set-ntp true`), so that results compare")
    return Finding("clock", "ok", found or "nothing known against it")


def _base(facts: Facts) -> Finding:
    if facts.engine is not None and facts.engine.base_image:
        return Finding("base image", "ok", "jointrange/base is here")
    if facts.mmdebstrap:
        return Finding("base image", "ok", "not here yet; mmdebstrap will make it from this machine's apt mirror")
    return Finding(
        "base image",
        "limited",
        "not here, and no mmdebstrap to make it; whether a registry can be reached is not known",
        "`apt-get install mmdebstrap`, or make `docker pull debian:trixie-slim` work",
    )


def _ansible(facts: Facts) -> Finding:
    if not facts.ansible:
        hint = "install jointrange with its dependencies (`script/bootstrap`)"
        return Finding("ansible", "broken", "ansible-runner is not installed", hint)
    here = facts.engine is not None and facts.engine.ansible_image
    where = "here" if here else "not here yet; it is built when the first playbook runs"
    return Finding("ansible", "ok", f"playbooks run in jointrange/ansible, which is {where}")


def _leftovers(engine: EngineFacts) -> Finding:
    if not engine.orphans:
        return Finding("leftovers", "ok", "none")
    return Finding("leftovers", "limited", ", ".join(engine.orphans), "`jointrange sweep` removes them")


def _gib(size: int) -> str:
    return f"{size / (1 << 30):.1f} GiB"
