"""The broker answers the run's own hosts, to whoever has the token, and nobody else."""

from __future__ import annotations

import io
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.provisioner.broker import Broker, read_frame, until, write_frame
from tests.unit.provisioner.fakes import DeadHost, LocalHost


@pytest.fixture
def host() -> LocalHost:
    return LocalHost()


@pytest.fixture
def broker(host: LocalHost, tmp_path: Path) -> Iterator[Broker]:
    with Broker(tmp_path / "socket", {"web": host, "gone": DeadHost()}, until(None)) as made:
        yield made


def ask(broker: Broker, body: bytes = b"", **header: Any) -> tuple[dict[str, Any], bytes]:
    """One request over the real socket."""
    with socket.socket(socket.AF_UNIX) as channel:
        channel.connect(str(broker.path))
        with channel.makefile("rwb") as stream:
            write_frame(stream, {"token": broker.token, "host": "web", **header}, body)  # type: ignore[arg-type]
            answer = read_frame(stream)  # type: ignore[arg-type]
    assert answer is not None
    return answer


def test_a_command_answers_with_code_and_both_outputs(broker: Broker) -> None:
    header, body = ask(broker, op="exec", command="echo out; echo err >&2; exit 3")
    assert header["code"] == 3
    assert (body[: header["out"]], body[header["out"] :]) == (b"out\n", b"err\n")


@pytest.mark.parametrize("size", [1, 100_000, 500_000, 3_000_000])
def test_standard_input_arrives_whole(broker: Broker, host: LocalHost, size: int) -> None:
    body = bytes(number % 256 for number in bytes(size)) + b"'\"\n\0end"
    header, answer = ask(broker, body, op="exec", command="cat; exit 7")
    assert header["code"] == 7
    assert answer == body
    assert len(host.commands) == 1, "standard input must not cost another command"


def test_large_standard_input_leaves_no_file(broker: Broker, host: LocalHost) -> None:
    ask(broker, bytes(3_000_000), op="exec", command="cat >/dev/null")
    assert len(host.written) == 1
    assert not Path(host.written[0].path).exists()


def test_files_go_there_and_back(broker: Broker, tmp_path: Path) -> None:
    path = tmp_path / "file with 'quotes'"
    assert "error" not in ask(broker, b"\0content", op="put", path=str(path))[0]
    assert ask(broker, op="fetch", path=str(path))[1] == b"\0content"


def test_a_missing_file_is_an_error(broker: Broker, tmp_path: Path) -> None:
    assert "cannot read" in ask(broker, op="fetch", path=str(tmp_path / "none"))[0]["error"]


@pytest.mark.parametrize("host_name", ["localhost", "127.0.0.1", "db", "", "Web"])
def test_another_host_is_refused(broker: Broker, host: LocalHost, host_name: str) -> None:
    header, _ = ask(broker, op="exec", host=host_name, command="true")
    assert "not a host of this playbook" in header["error"]
    assert host.commands == []


@pytest.mark.parametrize("token", ["", "0" * 64, None, "ü"])
def test_a_wrong_token_is_refused(broker: Broker, host: LocalHost, token: str | None) -> None:
    assert ask(broker, op="exec", token=token, command="true")[0] == {"error": "wrong token", "size": 0}
    assert host.commands == []


def test_an_unknown_operation_is_refused(broker: Broker) -> None:
    assert "no operation" in ask(broker, op="shell")[0]["error"]


def test_a_dead_node_is_an_error_not_a_crash(broker: Broker) -> None:
    assert "gone: the node is not running" in ask(broker, op="exec", host="gone", command="true")[0]["error"]
    assert ask(broker, op="exec", command="true")[0]["code"] == 0


def test_the_deadline_of_the_run_ends_its_commands(tmp_path: Path) -> None:
    with Broker(tmp_path / "socket", {"web": LocalHost()}, lambda: 0.2) as broker:
        assert "killed at the deadline" in ask(broker, op="exec", command="sleep 60")[0]["error"]


def test_only_its_owner_may_use_the_socket(broker: Broker) -> None:
    assert stat.S_IMODE(broker.path.stat().st_mode) == 0o600


def test_nothing_answers_after_the_run(tmp_path: Path) -> None:
    with Broker(tmp_path / "socket", {}, until(None)) as broker:
        assert broker.path.exists()
    assert not broker.path.exists()


@given(st.dictionaries(st.text(), st.integers() | st.text()), st.binary())
def test_a_frame_is_read_as_it_was_written(header: dict[str, Any], body: bytes) -> None:
    stream = io.BytesIO()
    write_frame(stream, header, body)
    stream.seek(0)
    assert read_frame(stream) == ({**header, "size": len(body)}, body)


@given(st.binary(max_size=40))
def test_noise_is_not_a_frame(noise: bytes) -> None:
    frame = read_frame(io.BytesIO(noise))
    assert frame is None or isinstance(frame[0], dict)


def test_until_counts_down() -> None:
    assert until(None)() is None
    assert until(0.0)() == 0.1
