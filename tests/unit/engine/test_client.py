"""Every fault of the engine becomes one of ours, with what to do."""

from __future__ import annotations

import gc
import socket
import warnings
from pathlib import Path
from typing import Any

import pytest
from docker import errors as docker_errors
from requests import exceptions as http_errors

from range.engine.client import connect, faults
from range.errors import (
    Conflict,
    EngineFault,
    EngineUnavailable,
    Exhausted,
    ImageMissing,
    NotFound,
    RangeError,
    Refused,
)
from tests.unit.engine.pretended import Pretended


def api_error(status: int, words: str) -> docker_errors.APIError:
    response: Any = type("Answer", (), {"status_code": status, "reason": "x", "url": "u"})()
    return docker_errors.APIError("failed", response=response, explanation=words)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (docker_errors.ImageNotFound("no such image"), ImageMissing),
        (docker_errors.NotFound("x", explanation="No such image: y"), ImageMissing),
        (docker_errors.NotFound("x", explanation="No such container: y"), NotFound),
        (docker_errors.NotFound("x", explanation="No such exec instance: y"), EngineFault),
        (api_error(409, "name in use"), Conflict),
        (api_error(500, "write /x: no space left on device"), Exhausted),
        (api_error(500, "bind: address already in use"), Exhausted),
        (api_error(500, "fork/exec: resource temporarily unavailable"), Exhausted),
        (api_error(500, "something else"), EngineFault),
        (docker_errors.DockerException("Permission denied"), EngineUnavailable),
        (http_errors.ConnectionError("refused"), EngineUnavailable),
        (http_errors.ReadTimeout("slow"), EngineUnavailable),
    ],
)
def test_faults_are_translated(fault: Exception, kind: type[RangeError]) -> None:
    with pytest.raises(kind, match="trying it") as caught, faults("trying it"):
        raise fault
    assert type(caught.value) is kind
    assert caught.value.hint or kind is NotFound
    assert caught.value.__cause__ is fault


def test_no_permission_is_told_apart() -> None:
    with pytest.raises(EngineUnavailable, match="no permission") as caught, faults("trying"):
        raise docker_errors.DockerException("Error: PermissionError(13, 'Permission denied')")
    assert "docker` group" in caught.value.hint


def test_ours_pass_and_programming_errors_too() -> None:
    with pytest.raises(Refused), faults("x"):
        raise Refused("no")
    with pytest.raises(ZeroDivisionError), faults("x"):
        raise ZeroDivisionError


def test_nobody_at_the_socket() -> None:
    with pytest.raises(EngineUnavailable, match="no container engine answers"):
        connect("tcp://127.0.0.1:1", timeout=5)


@pytest.mark.parametrize("host", ["unix://{folder}/none.sock", "unix://{folder}/deaf.sock"])
def test_nothing_is_left_open_when_nobody_answers(tmp_path: Path, host: str) -> None:
    """The exception, its traceback and all they hold go at once; a socket left open would warn then."""
    with socket.socket(socket.AF_UNIX) as deaf, warnings.catch_warnings():
        warnings.simplefilter("error")
        deaf.bind(str(tmp_path / "deaf.sock"))
        with pytest.raises(EngineUnavailable, match="no container engine answers"):
            connect(host.format(folder=tmp_path))
        gc.collect()


def test_an_engine_that_is_too_old_is_told(tmp_path: Path) -> None:
    old = {"Version": "19.03", "ApiVersion": "1.40", "MinAPIVersion": "1.12"}
    with Pretended(tmp_path, old) as engine, pytest.raises(EngineUnavailable, match=r"API 1\.40; 1\.41 is needed"):
        connect(engine.host)


def test_an_engine_that_answers_is_connected_to(tmp_path: Path) -> None:
    with Pretended(tmp_path) as engine:
        client = connect(engine.host)
        assert client.version()["Version"] == "20.10.24"
        client.close()
