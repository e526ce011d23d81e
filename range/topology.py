"""The topology language: networks, nodes, links and taps, as a user writes them.

Knows: the shape of a `topology.yaml` and the words in it. Every model is frozen and refuses unknown keys.
Must never: read a file, compute an address (range/layout.py does), or know about containers.

Field by field this is also the JSON Schema that editors load (`jointrange topology schema`), so each field
carries a description.
"""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from range.references import check_named

SCHEMA = "jointrange.topology/1"

Capability = Literal[
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "IPC_LOCK",
    "KILL",
    "NET_ADMIN",
    "NET_BIND_SERVICE",
    "NET_RAW",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
    "SYS_NICE",
]
"""What a node may ask for. None of these reaches beyond the node's own namespaces."""

CAPABILITIES: tuple[str, ...] = get_args(Capability)

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
"""A network, node, link, group, tool or role: lower case, digits and hyphens, at most 40 characters."""

NodeName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,45}$")]
"""A node of the range; one made by `count` carries its number: pc-2."""

InterfaceName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.-]{0,14}$")]
"""An interface inside a node; Linux allows 15 characters."""

Image = Annotated[str, AfterValidator(check_named)]
"""An image by its name; no id, and no image of an installed tool."""

Rate = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,5}(\.[0-9]{1,6})?(kbit|mbit|gbit)$")]
DURATION = r"^[0-9]{1,6}(\.[0-9]{1,6})?(us|ms|s|m|h)$"
Duration = Annotated[str, StringConstraints(pattern=DURATION)]
Size = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,5}(k|m|g)$")]
"""So few digits that whatever is computed from them fits: at most 114 years, and a petabyte for one node."""
Labels = dict[Name, str]


class Model(BaseModel):
    """The base of everything a user writes: frozen, and unknown keys are faults."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, defer_build=True, allow_inf_nan=False)


class Impairment(Model):
    """What a cable does to packets. On an attachment it holds in both directions, on a link likewise."""

    rate: Rate | None = Field(None, description="Bandwidth, e.g. 10mbit (token bucket)")
    delay: Duration | None = Field(None, description="One-way delay, e.g. 20ms (needs sch_netem)")
    jitter: Duration | None = Field(None, description="Variation of the delay (needs sch_netem)")
    loss: float | None = Field(None, ge=0, le=100, description="Packets lost, in percent (needs sch_netem)")


class Network(Model):
    """A shared segment: every node attached to it is a neighbour of every other."""

    cidr: str = Field(description="IPv4 prefix, e.g. 10.0.1.0/24. Other ranges may use the same one")
    ipv6: str | None = Field(None, description="IPv6 prefix, e.g. fd00:1::/64")
    routed: bool = Field(True, description="Whether routes to this network are computed for every node")
    role: Name | None = Field(None, description="What the network is for; tools find their place by it")
    labels: Labels = Field(default_factory=dict, description="Free labels; tools find their place by them")
    mtu: int = Field(1500, ge=576, le=9000, description="Bytes")


class Attachment(Model):
    """A node's place on a network."""

    network: Name = Field(description="A key of `networks`")
    address: str | None = Field(None, description="Fixed IPv4 address; chosen when absent")
    address6: str | None = Field(None, description="Fixed IPv6 address; chosen when absent")
    interface: InterfaceName | None = Field(None, description="Interface name; eth0, eth1, ... when absent")
    impair: Impairment | None = None


class File(Model):
    """A file put into a node before it starts. Give `content`, or `source` (a path beside this file)."""

    content: str | None = None
    source: str | None = None
    mode: Annotated[str, StringConstraints(pattern=r"^0[0-7]{3,4}$")] = "0644"
    uid: int = Field(0, ge=0, le=65535, description="Owner in the node")
    gid: int = Field(0, ge=0, le=65535, description="Group in the node")


class StartCommand(Model):
    """A command run in the node, by its `sh`, once its cables are in. Must end with 0 unless `background`."""

    run: str
    background: bool = Field(False, description="Start it and go on; it lives as long as the node")
    timeout: Duration = "60s"


class TcpReady(Model):
    """Ready when something listens on this TCP port inside the node."""

    tcp: int = Field(ge=1, le=65535)
    timeout: Duration = "60s"


class HttpReady(Model):
    """Ready when an HTTP GET inside the node answers with `status`."""

    http: str = Field(description="Port and path, e.g. :80/healthz", pattern=r"^:[0-9]{1,5}/\S*$")
    status: int = Field(200, ge=100, le=599)
    timeout: Duration = "60s"


class CommandReady(Model):
    """Ready when a command in the node, run by its `sh`, ends with 0."""

    command: str
    timeout: Duration = "60s"


Ready = TcpReady | HttpReady | CommandReady


class Limits(Model):
    """What a node may use at most."""

    cpus: float | None = Field(None, gt=0, le=256, description="Processors, e.g. 0.5")
    memory: Size = Field("512m", description="Memory, e.g. 512m")
    pids: int = Field(512, ge=8, le=32768, description="Processes and threads")


class StaticRoute(Model):
    """A route the file asks for; it wins over a computed one to the same prefix."""

    to: str = Field(description="A prefix, or `default` (which still leads only to a node of this range)")
    via: str = Field(description="An address of a neighbour")


class NodeDefaults(Model):
    """What `defaults` and `groups` can give to nodes. A node's own key wins; `env`, `labels` and `files` merge."""

    image: Image | None = Field(None, description="An image: `jointrange/<kind>`, or any OCI reference but an id")
    kind: Literal["host", "router"] | None = None
    role: Name | None = None
    labels: Labels = Field(default_factory=dict)
    networks: tuple[Attachment | Name, ...] = ()
    files: dict[str, File] = Field(default_factory=dict, description="Absolute path in the node -> file")
    env: dict[str, str] = Field(default_factory=dict)
    command: tuple[str, ...] | None = Field(None, description="Replaces the image's own command")
    start: tuple[StartCommand | str, ...] | None = None
    ready: tuple[Ready, ...] | None = None
    capabilities: tuple[Capability, ...] | None = None
    limits: Limits | None = None
    depends_on: tuple[NodeName, ...] | None = Field(
        None, description="Nodes that must be ready first; a counted node means all of its copies"
    )
    routes: tuple[StaticRoute, ...] = ()
    routing: Literal["static", "dynamic"] | None = Field(
        None, description="static: routes are computed; dynamic: the node's own daemon makes them (FRR)"
    )
    on_failure: Literal["remake", "degrade"] | None = Field(
        None,
        description="When the node dies in a range that is up, the service makes it anew (remake, unless said "
        "otherwise), or leaves it and calls the range degraded (degrade)",
    )


class Node(NodeDefaults):
    """One container of the range."""

    group: Name | None = Field(None, description="A key of `groups`, whose values this node takes over")
    count: int | None = Field(None, ge=1, le=500, description="Make this many: `pc` with count 3 is pc-1, pc-2, pc-3")


EndText = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,45}(:[a-z][a-z0-9_.-]{0,14})?$")]
"""A link's end in short form: `node` or `node:interface`."""


class End(Model):
    """One end of a link. Short form: `node` or `node:interface`."""

    node: NodeName
    interface: InterfaceName | None = None
    address: str | None = None
    address6: str | None = None


class Link(Model):
    """A cable between two nodes and nobody else."""

    ends: tuple[End | EndText, End | EndText]
    name: Name | None = Field(None, description="`<node>--<node>` when absent")
    cidr: str | None = Field(None, description="Prefix the two ends share, e.g. 10.255.0.0/30")
    ipv6: str | None = None
    routed: bool = True
    mtu: int = Field(1500, ge=576, le=9000)
    impair: Impairment | None = None


class Tap(Model):
    """A mirror port: every packet on the network is copied to an interface of the node, one way only."""

    network: str = Field(description="A key of `networks`, or the name of a link")
    node: NodeName
    interface: InterfaceName = "mon0"


class Topology(Model):
    """A topology file."""

    schema_: Literal["jointrange.topology/1"] = Field(alias="schema")
    name: Name
    description: str = ""
    networks: dict[Name, Network] = Field(default_factory=dict)
    nodes: dict[Name, Node]
    links: tuple[Link, ...] = ()
    taps: tuple[Tap, ...] = ()
    defaults: NodeDefaults = Field(default_factory=NodeDefaults)
    groups: dict[Name, NodeDefaults] = Field(default_factory=dict)


_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"k": 1024, "m": 1024**2, "g": 1024**3}


def seconds(duration: str) -> float:
    """A duration in seconds: `250ms` is 0.25, `7d` (the service's leases) 604800. Raises ValueError."""
    digits = duration.rstrip("mushd")
    unit = duration[len(digits) :]
    if unit not in _SECONDS:
        raise ValueError(f"`{duration}` is no duration")
    return float(digits) * _SECONDS[unit]


def size_bytes(size: str) -> int:
    """A `Size` in bytes: `512m` is 536870912. Raises ValueError."""
    if size[-1:] not in _BYTES:
        raise ValueError(f"`{size}` is no size")
    return int(size[:-1]) * _BYTES[size[-1]]
