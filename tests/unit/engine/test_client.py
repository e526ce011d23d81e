"""Every fault of the engine becomes one of ours, with what to do."""

from __future__ import annotations

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


def api_error(status: int, words: str) -> docker_errors.APIError:
    response: Any = type("Answer", (), {"status_code": status, "reason": "x", "url": "u"})()
    return docker_errors.APIError("failed", response=response, explanation=words)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (docker_errors.ImageNotFound("no such image"), ImageMissing),
        (docker_errors.NotFound("x", explanation="No such image: y"), ImageMissing),
        (docker_errors.NotFound("x", explanation="No such container: y"), NotFound),
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
