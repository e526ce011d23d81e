r"""What is never run, and what is run only after somebody has read it.

    doubts(script) -> why a script is refused; each doubt says whether `safe: lab` of the overlay lifts it

Knows: words in shell scripts that tell of harm, or of something a node of a range has not.
Must never: run or parse a script. It is a coarse net over the range's own walls (no route out, few capabilities, no
device, no socket of the engine), not a wall itself.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from ipaddress import ip_address, ip_network


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a script is not taken. `liftable`: `safe: lab` lifts it."""

    kind: str
    what: str
    liftable: bool = False


_START = r"(?:^|[\s;&|(`{'\"]|\$\()(?:sudo\s+)?(?:/(?:usr/)?s?bin/)?"
"""Where a command may begin."""
_END = r"(?=$|[\s;&|)`}'\"])"


def _command(words: str) -> str:
    return _START + rf"(?P<word>{words})" + _END


_RULES: tuple[tuple[str, str, bool], ...] = (
    ("power state", _command(r"shutdown|reboot|halt|poweroff|telinit|init\s+[06]"), False),
    ("power state", r"(?P<word>sysrq-trigger)", False),
    ("fork bomb", r"(?P<word>:\s*\(\)\s*\{\s*:\s*\|\s*:)", False),
    ("kernel module", _command(r"insmod|modprobe|rmmod|depmod|kexec"), False),
    ("kernel module", r"(?P<word>/lib/modules/|linux-headers)", False),
    ("container escape", _command(r"nsenter|runc|ctr|crictl"), False),
    ("container escape", r"(?P<word>(?:docker|containerd)\.sock|release_agent|core_pattern|--privileged|/proc/1/root)",
     False),
    ("disk device", r"(?P<word>/dev/(?:sd[a-z]|vd[a-z]|nvme\d|mem\b|kmem|mapper/))", False),
    ("disk device", _command(r"mkfs(?:\.\w+)?|fdisk|parted|cryptsetup|debugfs"), False),
    ("cloud", _command(r"aws|az|gcloud|gsutil|kubectl|kubeletctl|helm|docker|podman|esxcli|vim-cmd|terraform"), False),
    ("cloud", r"(?P<word>169\.254\.169\.254|metadata\.google\.internal)", False),
    ("FreeBSD", _command(r"pkg|sysrc|kldload|kldstat|kldunload|pfctl|pw|jls|jexec"), False),
    ("systemd or init", _command(r"systemctl|journalctl|loginctl|timedatectl|hostnamectl|systemd-run|initctl|service|"
                                 r"update-rc\.d|chkconfig|rc-service"), True),
    ("systemd or init", r"(?P<word>/etc/init\.d/|/run/systemd/)", True),
    ("capability", _command(r"iptables|ip6tables|nft|ufw|firewall-cmd|mount|umount|swapoff|swapon|losetup|dmidecode|"
                            r"tcpdump|tshark|setcap|chattr|hping3|unshare|chroot|sysctl\s+-w|ip\s+link\s+set"), True),
    ("auditd", _command(r"auditctl|ausearch|augenrules|auditd"), True),
    ("desktop", _command(r"xwd|xclip|xsel|xdotool|scrot|gnome-screenshot|zenity|xinput|gnome-\w+"), True),
)  # fmt: skip

_COMPILED = tuple((kind, re.compile(pattern, re.M), liftable) for kind, pattern, liftable in _RULES)

_URL = re.compile(
    r"\b(?:https?|ftps?|ssh|smb|ldaps?|tcp|udp)://(?:[^\s/@'\"]{0,100}@)?(\[[0-9a-f:]+\]|[A-Za-z0-9._-]+)", re.I
)
_NAME = re.compile(
    r"(?<![\w./@-])((?:[a-z0-9-]{1,63}\.){1,8}(?:com|net|org|io|edu|gov|info|biz|ru|cn))(?![\w-]|\.\w)", re.I
)
_ADDRESS = re.compile(r"(?<![\w.])(\d{1,3}(?:\.\d{1,3}){3})(?![\w.])")
_OWN = tuple(
    ip_network(net) for net in ("0.0.0.0/8", "10.0.0.0/8", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
                                "224.0.0.0/3", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")
)  # fmt: skip


def doubts(script: str, peers: Collection[str] = ()) -> tuple[Doubt, ...]:
    """Every doubt about a script, one for each kind and word. `peers`: host names that the range stands in for."""
    found: dict[tuple[str, str], Doubt] = {}
    for kind, pattern, liftable in _COMPILED:
        for match in pattern.finditer(script):
            word = " ".join(match["word"].split())
            found.setdefault((kind, word), Doubt(kind, f"{kind}: it uses `{word}`", liftable))
    for host in dict.fromkeys(_hosts(script)):
        if host.lower() not in {peer.lower() for peer in peers}:
            what = f"external host: `{host}` is not in a range; name its stand-in under `peers` of the overlay"
            found.setdefault(("external host", host), Doubt("external host", what, True))
    return tuple(found.values())


def _hosts(script: str) -> Iterator[str]:
    """Host names and addresses that are not of a range."""
    named = [*_URL.findall(script), *_NAME.findall(script), *_ADDRESS.findall(script)]
    for name in named:
        host = name.strip("[].")
        try:
            address = ip_address(host)
        except ValueError:
            if "." in host and not host.replace(".", "").isdigit():
                yield host
            continue
        if address.version == 6:
            if not (address.is_private or address.is_loopback):
                yield host
        elif not any(address in net for net in _OWN):
            yield host
