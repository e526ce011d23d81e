"""The base image: a small Debian that every image of ours is built on.

Knows: its packages, and the two ways to get one: bootstrapped here with mmdebstrap, or pulled and completed.
Must never: name a mirror. Packages come from where this machine's own apt gets them.
"""

from __future__ import annotations

import shutil
import subprocess
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from json import dumps, loads
from pathlib import Path
from threading import Thread
from typing import IO

import docker

from range.engine.client import faults
from range.errors import ImageMissing

SUITE = "trixie"
PACKAGES = (
    "ca-certificates",
    "curl",
    "iproute2",
    "iputils-ping",
    "netcat-openbsd",
    "procps",
    "python3",
)
COMMAND = ("sleep", "infinity")
PULLED = f"debian:{SUITE}-slim"

_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_LEFT_OUT = ("/usr/share/doc/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/man/*")
_INHERITED = (
    "Acquire::http::Proxy",
    "Acquire::https::Proxy",
    "Acquire::Check-Date",
    "Acquire::Check-Valid-Until",
)
_CHUNK = 1 << 20
_TAIL = 15


def recipe() -> str:
    """A digest of what the base is made of; another recipe is another image."""
    parts = [SUITE, list(PACKAGES), list(COMMAND), list(_LEFT_OUT)]
    return sha256(dumps(parts).encode()).hexdigest()


def dockerfile() -> str:
    """How a pulled Debian becomes our base."""
    return (
        f"FROM {PULLED}\n"
        "RUN apt-get update"
        f" && apt-get install -y --no-install-recommends {' '.join(PACKAGES)}"
        " && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin\n"
        f"CMD {dumps(list(COMMAND))}\n"
    )


def can_bootstrap() -> bool:
    """Whether mmdebstrap is on the PATH."""
    return shutil.which("mmdebstrap") is not None


def bootstrap(client: docker.DockerClient, labels: Sequence[tuple[str, str]], progress: Callable[[str], None]) -> str:
    """Make the base with mmdebstrap and hand it to the engine; the image's id, untagged.

    Raises ImageMissing with the last lines mmdebstrap said, EngineFault.
    """
    said: deque[str] = deque(maxlen=_TAIL)
    process = subprocess.Popen(
        arguments(_mirror(), _inherited_options()),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    listener = Thread(target=_listen, args=(process.stderr, said, progress), daemon=True)
    listener.start()
    image = ""
    try:
        with faults("importing the base image"):
            answer = client.api.import_image_from_stream(_chunks(process.stdout), changes=_changes(labels))
        image = _image_id(answer)
    finally:
        _end(process)
        listener.join()
    if process.returncode != 0 or not image:
        if image:
            client.api.remove_image(image)
        raise ImageMissing(f"mmdebstrap ended with {process.returncode}:\n" + "\n".join(said))
    return image


def arguments(mirror: str | None, options: Sequence[str]) -> list[str]:
    """The mmdebstrap call that writes the base to its standard output as a tar.

    `options` are apt settings as `Name "value"`. Without a mirror, mmdebstrap takes its own default.
    """
    words = ["mmdebstrap", "--variant=minbase", "--format=tar", "--dpkgopt=force-unsafe-io"]
    words += [f"--dpkgopt=path-exclude={pattern}" for pattern in _LEFT_OUT]
    words.append("--dpkgopt=path-include=/usr/share/doc/*/copyright")
    words += [f"--aptopt={option}" for option in ('Acquire::Languages "none"', *options)]
    if _KEYRING.exists():
        words.append(f"--keyring={_KEYRING}")
    words += [f"--include={','.join(PACKAGES)}", SUITE, "-"]
    return words + ([mirror] if mirror else [])


def _mirror() -> str | None:
    """Where this machine's apt gets Debian's main archive, if it does."""
    listing = _output(["apt-get", "indextargets", "--format", "$(ORIGIN)|$(LABEL)|$(SITE)", "Created-By: Packages"])
    for line in listing.splitlines():
        origin, label, site = [*line.split("|", 2), "", ""][:3]
        if origin == label == "Debian" and site:
            return site
    return None


def _inherited_options() -> list[str]:
    """What this machine's apt needs to reach its mirror, and so does the base's."""
    found = []
    for line in _output(["apt-config", "dump"]).splitlines():
        name, _, value = line.rstrip(";").partition(" ")
        if name in _INHERITED and value.strip('"'):
            found.append(f"{name} {value}")
    return found


def _output(argv: Sequence[str]) -> str:
    if shutil.which(argv[0]) is None:
        return ""
    return subprocess.run(argv, capture_output=True, text=True, check=False).stdout


def _changes(labels: Sequence[tuple[str, str]]) -> list[str]:
    return [f"CMD {dumps(list(COMMAND))}", *(f"LABEL {key}={dumps(value)}" for key, value in labels)]


def _chunks(pipe: IO[bytes]) -> Iterator[bytes]:
    while chunk := pipe.read(_CHUNK):
        yield chunk


def _listen(pipe: IO[bytes], said: deque[str], progress: Callable[[str], None]) -> None:
    for raw in pipe:
        line = raw.decode("utf-8", "replace").strip()
        if line:
            said.append(line)
        if line.startswith("I: ") and line.endswith("..."):
            progress(f"jointrange/base: {line[3:]}")


def _image_id(answer: str) -> str:
    """The id in the engine's answer to an import: lines of JSON, the last with it. Empty when refused."""
    for line in reversed(answer.splitlines()):
        status = loads(line).get("status", "") if line.startswith("{") else ""
        if status.startswith("sha256:"):
            return str(status)
    return ""


def _end(process: subprocess.Popen[bytes]) -> None:
    """Wait for its end; make it end (it tidies its own temporary folder) when we do not read it any more."""
    for pipe in (process.stdout,):
        if pipe is not None:
            pipe.close()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
