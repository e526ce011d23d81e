"""The broker answers for the run's own hosts and nobody else, whatever it is asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.provisioner.broker import BODY_MOST, HEADER_MOST, LENGTH, Broker, Incoming, Malformed, until, written
from tests.unit.provisioner.fakes import DeadHost, LocalHost, measured

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@pytest.fixture
def host() -> LocalHost:
    return LocalHost()


@pytest.fixture
def broker(host: LocalHost) -> Broker:
    return Broker({"web": host, "gone": DeadHost()}, until(None))


def ask(broker: Broker, body: bytes = b"", **header: Any) -> tuple[dict[str, Any], bytes]:
    """One request, written and read as on its way, and what is written of its answer."""
    request = Incoming().feed(written({"host": "web", **header}, body))
    assert request is not None
    answer = written(*broker.answer(*request))
    end = LENGTH.size + LENGTH.unpack_from(answer)[0]
    told = json.loads(answer[LENGTH.size : end])
    assert told["size"] == len(answer) - end
    return told, answer[end:]


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


@pytest.mark.parametrize("name", [None, 7, ["web"], {"web": 1}])
def test_a_host_that_is_no_name_is_refused(broker: Broker, host: LocalHost, name: object) -> None:
    assert "not a host of this playbook" in ask(broker, op="exec", host=name, command="true")[0]["error"]
    assert host.commands == []


@pytest.mark.parametrize("header", [{"op": "exec"}, {"op": "put", "path": 3}, {"op": "fetch", "path": "/a\0b"}])
def test_a_request_that_lacks_something_is_an_error(broker: Broker, host: LocalHost, header: dict[str, Any]) -> None:
    assert "is no text" in ask(broker, **header)[0]["error"]
    assert (host.commands, host.written) == ([], [])


@given(header=st.dictionaries(st.sampled_from(["op", "host", "path", "token", "x"]), JSON), body=st.binary())
def test_any_request_has_an_answer(header: dict[str, Any], body: bytes) -> None:
    dead = Broker({"web": DeadHost()}, until(None))
    assert "error" in dead.answer(header, body)[0]


def test_an_unknown_operation_is_refused(broker: Broker) -> None:
    assert "no operation" in ask(broker, op="shell")[0]["error"]


def test_a_dead_node_is_an_error_not_a_crash(broker: Broker) -> None:
    assert "gone: the node is not running" in ask(broker, op="exec", host="gone", command="true")[0]["error"]
    assert ask(broker, op="exec", command="true")[0]["code"] == 0


def test_the_deadline_of_the_run_ends_its_commands() -> None:
    broker = Broker({"web": LocalHost()}, lambda: 0.2)
    assert "killed at the deadline" in ask(broker, op="exec", command="sleep 60")[0]["error"]


@given(st.dictionaries(st.sampled_from(["op", "host", "command", "path"]), st.text()), st.binary(), st.integers(1, 9))
def test_a_request_is_read_as_it_was_written(header: dict[str, Any], body: bytes, step: int) -> None:
    data, incoming = written(header, body), Incoming()
    parts = [data[at : at + step] for at in range(0, len(data), step)]
    assert [incoming.feed(part) for part in parts[:-1]] == [None] * (len(parts) - 1)
    assert incoming.feed(parts[-1]) == ({**header, "size": len(body)}, body)
    assert len(body) + sum(map(len, header.values())) <= incoming.size < len(data) + 80 * 6 + 4 * len(data)


def test_of_a_header_only_what_is_known_is_kept() -> None:
    told = {"op": "exec", "host": ["web"], "command": {"a": 1}, "token": "x" * 99, "more": [[]] * 99}
    assert Incoming().feed(written(told)) == ({"op": "exec", "host": None, "command": None, "size": 0}, b"")


def test_what_a_request_takes_of_memory_is_known() -> None:
    """One letter can make a text four times as long as it was sent."""
    incoming = Incoming()
    assert incoming.feed(written({"command": "x" * 60_000 + "\U0001f600"}, b"1")[:-1]) is None
    assert 240_000 < incoming.size < 250_000


FAT = b'{"size":1,"host":"web","x":[' + b"[]," * 80_000 + b"[]]}"


def test_a_fat_header_is_refused_and_nothing_of_it_is_kept() -> None:
    lean = b'{"size":1,"host":"web","x":[' + b"[]," * 20_000 + b"[]]}"
    lists = [Incoming() for _ in range(20)]
    with measured() as memory:
        for _ in range(200):
            with pytest.raises(Malformed, match="too much of it: more than 50000 values"):
                Incoming().feed(LENGTH.pack(len(FAT)) + FAT)
        assert [call.feed(LENGTH.pack(len(lean)) + lean) for call in lists] == [None] * 20
        kept, most = memory()
    assert kept < 1 << 20
    assert most < 8 << 20
    assert all(call.size < 1000 for call in lists)


def test_a_long_command_has_room() -> None:
    command = "echo '" + "[{,}]" * 9000 + "'"
    request = Incoming().feed(written({"command": command}))
    assert request is not None
    assert request[0]["command"] == command


@given(st.binary(max_size=40))
def test_noise_is_no_request(noise: bytes) -> None:
    try:
        request = Incoming().feed(noise)
    except Malformed:
        return
    assert request is None or isinstance(request[0], dict)


@pytest.mark.parametrize(
    "noise",
    [
        LENGTH.pack(HEADER_MOST + 1),
        LENGTH.pack(0),
        LENGTH.pack(2) + b"[]",
        LENGTH.pack(2) + b"{}",
        LENGTH.pack(11) + b'{"size":-1}',
        LENGTH.pack(13) + b'{"size":true}',
        written({})[:4] + b"x" * 11,
        LENGTH.pack(len(FAT)) + FAT,
        LENGTH.pack(len(deep := b"[" * 100_000)) + deep,
        LENGTH.pack(len(big := b'{"size":%d}' % (BODY_MOST + 1))) + big,
    ],
)
def test_a_bad_head_is_told_at_once(noise: bytes) -> None:
    with pytest.raises(Malformed):
        Incoming().feed(noise)


def test_until_counts_down() -> None:
    assert until(None)() is None
    assert until(0.0)() == 0.1


def test_a_name_nested_without_end_is_refused_in_words(broker: Broker) -> None:
    """What can be read can be too deep to be shown."""
    deep: object = "web"
    for _ in range(5000):
        deep = [deep]
    assert "not a host of this playbook" in broker.answer({"host": deep, "op": "exec"}, b"")[0]["error"]
    assert "no operation" in broker.answer({"host": "web", "op": deep}, b"")[0]["error"]


def test_a_body_too_large_for_arguments_is_not_coded_first(broker: Broker, host: LocalHost) -> None:
    body = bytes(8 << 20)
    with measured() as memory:
        broker.answer({"host": "web", "op": "exec", "command": "true"}, body)
        assert memory()[1] < 4 << 20
    assert len(host.written) == 1
