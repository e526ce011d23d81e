"""One connection to the Docker engine, and the translation of its faults into ours.

Knows: what the engine's answers mean and what the user can do about each.
Must never: make or change anything.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import docker
from docker import errors as docker_errors
from requests import exceptions as http_errors

from range.errors import (
    Conflict,
    EngineFault,
    EngineUnavailable,
    Exhausted,
    ImageMissing,
    NotFound,
    RangeError,
)

Connection = docker.DockerClient
"""An engine that was reached, for those who only pass it on."""

OLDEST = (1, 41)
"""Docker 20.10. Older engines lack what `exec` and `create` need here."""


def connect(base_url: str | None = None, timeout: float = 120, pool: int = 32) -> docker.DockerClient:
    """A client for the engine at `base_url`, else where DOCKER_HOST says, else the local socket.

    Raises EngineUnavailable: nothing answers, no permission, or too old.
    """
    with faults("connecting to the container engine"):
        _knock(base_url or os.environ.get("DOCKER_HOST"), timeout)
        if base_url:
            client = docker.DockerClient(base_url=base_url, timeout=timeout, max_pool_size=pool)
        else:
            client = docker.from_env(timeout=timeout, max_pool_size=pool)
        version = str(client.version()["ApiVersion"])
    if tuple(int(part) for part in version.split(".")) < OLDEST:
        client.close()
        raise EngineUnavailable(
            f"the container engine speaks API {version}; {'.'.join(map(str, OLDEST))} is needed",
            hint="upgrade to Docker 20.10 or later",
        )
    return client


def _knock(host: str | None, timeout: float) -> None:
    """Where the engine is a unix socket, see that somebody listens: the Docker library would leave its socket open."""
    scheme, _, path = docker.utils.parse_host(host).partition("://")
    if scheme != "http+unix":
        return
    with socket.socket(socket.AF_UNIX) as door:
        door.settimeout(timeout)
        try:
            door.connect(path)
        except OSError as error:
            raise _unavailable("connecting to the container engine", f"{path}: {error.strerror or error}") from error


@contextmanager
def faults(doing: str) -> Iterator[None]:
    """Turn every fault of the Docker library into a RangeError that says what was being done."""
    try:
        yield
    except RangeError:
        raise
    except docker_errors.ImageNotFound as error:
        raise ImageMissing(f"{doing}: {_said(error)}", hint=BUILD_HINT) from error
    except docker_errors.NotFound as error:
        message = _said(error)
        if "No such image" in message:
            raise ImageMissing(f"{doing}: {message}", hint=BUILD_HINT) from error
        if "No such exec instance" in message:
            raise EngineFault(
                f"{doing}: its container ended meanwhile", hint="run it again, once the node is up"
            ) from error
        raise NotFound(f"{doing}: {message}") from error
    except docker_errors.APIError as error:
        raise _api(doing, error) from error
    except docker_errors.DockerException as error:
        raise _unavailable(doing, str(error)) from error
    except (http_errors.ConnectionError, ConnectionError, http_errors.ReadTimeout) as error:
        raise _unavailable(doing, str(error)) from error


BUILD_HINT = "`jointrange images build` makes Jointrange's own images; any other must be pulled or loaded first"

_EXHAUSTED = (
    (re.compile(r"no space left on device", re.I), "free disk space (`docker system df`), then run it again"),
    (
        re.compile(r"non-overlapping IPv4 address pool", re.I),
        "remove networks nobody needs (`docker network prune`), or give the engine more address pools",
    ),
    (
        re.compile(r"port is already allocated|address already in use", re.I),
        "free that port, or choose another",
    ),
    (
        re.compile(r"resource temporarily unavailable|cannot allocate memory|too many open files|pids limit", re.I),
        "stop other ranges (`jointrange ls`), or run fewer trials at once",
    ),
)


def _said(error: docker_errors.APIError) -> str:
    return str(error.explanation or error).strip()


def _api(doing: str, error: docker_errors.APIError) -> RangeError:
    message = _said(error)
    for pattern, remedy in _EXHAUSTED:
        if pattern.search(message):
            return Exhausted(f"{doing}: {message}", hint=remedy)
    if error.status_code == 409:
        return Conflict(f"{doing}: {message}", hint="`jointrange ls` shows what is there; `jointrange sweep` tidies")
    return EngineFault(f"{doing}: {message}", hint="`jointrange doctor` checks the engine")


def _reason(message: str) -> str:
    """The innermost words of a connection error: what the machine said, without the library's wrapping."""
    words = re.findall(r"(No such file or directory|Connection refused|Name or service not known|timed out)", message)
    return words[-1].lower() if words else message.strip()[:160]


def _unavailable(doing: str, message: str) -> EngineUnavailable:
    lowered = message.lower()
    if "permission denied" in lowered or "errno 13" in lowered:
        return EngineUnavailable(
            f"{doing}: no permission on the engine's socket",
            hint="join the `docker` group (then log in again), or set DOCKER_HOST to an engine you may use",
        )
    return EngineUnavailable(
        f"{doing}: no container engine answers ({_reason(message)})",
        hint="start it (`systemctl start docker`), or set DOCKER_HOST; `script/bootstrap` installs one on Debian",
    )
