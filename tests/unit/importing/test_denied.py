"""What is never run, and what is run only after somebody has read it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.importing.denied import doubts


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        ("sudo reboot", "power state"),
        ("sleep 1; /sbin/shutdown -h now", "power state"),
        ("echo b > /proc/sysrq-trigger", "power state"),
        (":(){ :|:& };:", "fork bomb"),
        ("sudo insmod x.ko", "kernel module"),
        ("nsenter -t 1 -m sh", "container escape"),
        ("curl --unix-socket /var/run/docker.sock http:/x", "container escape"),
        ("dd if=/dev/sda of=/tmp/x", "disk device"),
        ("aws s3 ls", "cloud"),
        ("x=$(kubectl get pods)", "cloud"),
        ("curl http://169.254.169.254/latest", "cloud"),
        ("pkg install -y bash", "FreeBSD"),
    ],
)
def test_what_is_never_run(script: str, kind: str) -> None:
    found = [doubt for doubt in doubts(script) if doubt.kind == kind]
    assert found
    assert not any(doubt.liftable for doubt in found)


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        ("sudo systemctl stop rsyslog", "systemd or init"),
        ("if true; then service cron stop; fi", "systemd or init"),
        ("iptables -F", "capability"),
        ("auditctl -D", "auditd"),
        ("xwd -root", "desktop"),
        ("wget https://raw.example.org/x.sh", "external host"),
        ("ping -c 4 8.8.8.8", "external host"),
        ("nslookup evil.example.com", "external host"),
    ],
)
def test_what_somebody_must_read_first(script: str, kind: str) -> None:
    assert [(doubt.kind, doubt.liftable) for doubt in doubts(script)] == [(kind, True)]


@pytest.mark.parametrize(
    "script",
    [
        "cat /etc/passwd > /tmp/x",
        "echo rebooted; ls /usr/share/mount-points; python3 setup.py",
        "grep -r password ~/.aws || true",
        "curl http://10.1.2.3/x http://localhost/y http://$TARGET/z",
        "ssh user@192.168.1.4",
        "ls /etc/init.conf docker-compose.yml",
        "echo 1.2.3.4.5 version 12.1.300.4",
    ],
)
def test_what_is_no_doubt(script: str) -> None:
    assert doubts(script) == ()


def test_a_host_that_the_range_stands_in_for_is_no_doubt() -> None:
    assert doubts("curl http://Raw.Example.org/x", ("raw.example.org",)) == ()


def test_each_doubt_is_told_once() -> None:
    assert len(doubts("reboot\nreboot\nsudo reboot")) == 1


@given(st.text())
def test_no_script_makes_it_raise(script: str) -> None:
    assert all(doubt.what.startswith(doubt.kind) for doubt in doubts(script))
