"""Images against a real engine: built when changed, found when not, and nothing left behind."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import docker
import pytest

from range.engine import labels, owners
from range.engine.client import connect
from range.engine.images import DockerImages
from range.errors import ImageMissing, Refused
from range.layout import FileSpec
from range.ports import Builders, Images

pytestmark = [pytest.mark.engine, pytest.mark.beside]


@pytest.fixture(scope="module")
def client() -> Iterator[docker.DockerClient]:
    made = connect()
    yield made
    made.close()


@pytest.fixture
def kind() -> str:
    return f"test-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def folder(tmp_path: Path, kind: str) -> Path:
    made = tmp_path / "images" / kind
    made.mkdir(parents=True)
    (made / "Dockerfile").write_text('FROM jointrange/base\nCOPY word /word\nENTRYPOINT ["cat"]\nCMD ["/word"]\n')
    (made / "word").write_text("one\n")
    return made


@pytest.fixture
def images(client: docker.DockerClient, folder: Path, tmp_path: Path) -> Iterator[DockerImages]:
    made = DockerImages(client, folder.parent, tmp_path / "cache", instance=folder.name, owner=owners.me())
    made.ensure("jointrange/base", print)
    yield made
    assert made.sweep_builders(everything=True) == [], "something was left behind"
    for tag in [tag for image in client.images.list(f"jointrange/{folder.name}") for tag in image.tags]:
        client.images.remove(tag)
    assert half_made(client, folder.name) == []


def half_made(client: docker.DockerClient, word: str) -> list[str]:
    """Nameless images that came of a build step with this word in it."""
    found = []
    for entry in client.api.images(filters={"dangling": True, "label": f"{labels.KIND}=image"}):
        with contextlib.suppress(docker.errors.ImageNotFound):  # another build's, which went on meanwhile
            if word in str(client.api.inspect_image(entry["Id"])["ContainerConfig"]):
                found.append(str(entry["Id"]))
    return found


def output(client: docker.DockerClient, reference: str) -> bytes:
    """What the image's own command prints."""
    container = client.containers.create(reference, network_mode="none")
    try:
        container.start()
        assert container.wait(timeout=60)["StatusCode"] == 0
        said: bytes = container.logs()
        return said
    finally:
        container.remove(force=True)


def test_the_adapter_is_both_ports(images: DockerImages) -> None:
    ports: tuple[Images, Builders] = (images, images)
    assert ports[0].digest("jointrange/base")


def test_an_id_or_its_beginning_finds_nothing(images: DockerImages, client: docker.DockerClient) -> None:
    image = images.digest("jointrange/base")
    assert image is not None
    beginning = image.removeprefix("sha256:")[:12]
    assert client.api.inspect_image(beginning)["Id"] == image, "the engine itself would take it"
    for word in (beginning, beginning[:6], f"sha256:{beginning}", image):
        with contextlib.suppress(Refused):
            assert images.digest(word) is None


def test_what_is_there_is_found_with_one_question_for_each_image(
    images: DockerImages, client: docker.DockerClient, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, said, send = list[str](), list[str](), client.api.send

    def counted(request: Any, **options: Any) -> Any:
        asked.append(request.method)
        return send(request, **options)

    for reference, questions in (("jointrange/base", 1), (f"jointrange/{kind}", 2)):
        images.ensure(reference, said.append)
        asked.clear()
        said.clear()
        with monkeypatch.context() as patched:
            patched.setattr(client.api, "send", counted)
            images.ensure(reference, said.append)
        assert asked == ["GET"] * questions, "of itself, and of what it is built from"
        assert said == []


def test_an_edited_folder_is_built_again_and_the_old_one_is_found_again(
    images: DockerImages, client: docker.DockerClient, folder: Path, kind: str
) -> None:
    said: list[str] = []
    one = images.ensure(f"jointrange/{kind}", said.append)
    assert output(client, f"jointrange/{kind}") == b"one\n"
    assert said[0].startswith(f"jointrange/{kind}: step 1 of ")
    (folder / "word").write_text("two\n")
    two = images.ensure(f"jointrange/{kind}", said.append)
    assert two != one
    assert output(client, f"jointrange/{kind}") == b"two\n"
    said.clear()
    (folder / "word").write_text("one\n")
    assert images.ensure(f"jointrange/{kind}", said.append) == one
    assert images.digest(f"jointrange/{kind}") == one
    assert said == [], "nothing had to be built"


def test_an_image_says_what_it_was_built_from(images: DockerImages, client: docker.DockerClient, kind: str) -> None:
    images.ensure(f"jointrange/{kind}", print)
    image = client.images.get(f"jointrange/{kind}")
    content = image.labels["jointrange.content"]
    assert image.labels[labels.KIND] == "image"
    assert sorted(image.tags) == sorted([f"jointrange/{kind}:latest", f"jointrange/{kind}:{content[:12]}"])


def test_a_kind_may_be_built_on_another(
    images: DockerImages, client: docker.DockerClient, folder: Path, kind: str
) -> None:
    above = folder.parent / f"{kind}-above"
    above.mkdir()
    (above / "Dockerfile").write_text(f"FROM jointrange/{kind}\nENV A=b\n")
    try:
        first = images.ensure_all([f"jointrange/{kind}-above", f"jointrange/{kind}"], lambda line: None)
        (folder / "word").write_text("changed\n")
        second = images.ensure_all([f"jointrange/{kind}-above"], lambda line: None)
        assert set(first.values()) & set(second.values()) == set(), "what it is built on changed"
        assert output(client, f"jointrange/{kind}-above") == b"changed\n"
    finally:
        for tag in [tag for image in client.images.list(f"jointrange/{kind}-above") for tag in image.tags]:
            client.images.remove(tag)


def test_a_broken_build_says_why_and_leaves_nothing(
    images: DockerImages, client: docker.DockerClient, folder: Path, kind: str
) -> None:
    (folder / "Dockerfile").write_text(f"FROM jointrange/base\nRUN echo {kind}\nRUN echo no such thing >&2; exit 7\n")
    with pytest.raises(ImageMissing, match=r"(?s)could not be built.*non-zero code: 7.*no such thing") as caught:
        images.ensure(f"jointrange/{kind}", lambda line: None)
    assert "Dockerfile" in caught.value.hint
    assert images.digest(f"jointrange/{kind}") is None
    assert half_made(client, kind) == []


BUILD = """
import sys
from pathlib import Path
from range.engine.client import connect
from range.engine.images import DockerImages
kind, folder, cache = sys.argv[1:]
images = DockerImages(connect(), Path(folder), Path(cache), instance=kind, owner="nobody")
images.ensure(f"jointrange/{kind}", lambda line: print(line, flush=True))
"""


def test_a_killed_build_is_swept(
    images: DockerImages, client: docker.DockerClient, folder: Path, tmp_path: Path, kind: str
) -> None:
    (folder / "Dockerfile").write_text(f"FROM jointrange/base\nRUN echo {kind}\nRUN : {kind}; sleep 300\n")
    words = (sys.executable, "-c", BUILD, kind, str(folder.parent), str(tmp_path / "cache"))
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as process:
        assert process.stdout is not None
        assert any("step 3 of" in line for line in process.stdout)
        assert images.sweep_builders() == [], "its build is alive"
        process.kill()
    deadline, gone = time.monotonic() + 30, images.sweep_builders()
    while not gone:  # what the engine has not let go of yet waits for the next sweep
        assert time.monotonic() < deadline, "the engine did not end the build"
        gone = images.sweep_builders()
    assert len(gone) == 1
    assert half_made(client, kind) == []


def test_an_image_built_from_itself_is_refused(images: DockerImages, folder: Path, kind: str) -> None:
    (folder / "Dockerfile").write_text(f"FROM jointrange/{kind}\n")
    with pytest.raises(ImageMissing, match="built from itself"):
        images.ensure(f"jointrange/{kind}", print)


def test_an_unknown_kind_names_the_nearest(images: DockerImages, kind: str) -> None:
    with pytest.raises(ImageMissing) as caught:
        images.ensure(f"jointrange/{kind}x", print)
    assert caught.value.hint == f"did you mean jointrange/{kind}?"


def test_an_image_that_nobody_has_is_told_with_the_remedy(images: DockerImages) -> None:
    with pytest.raises(ImageMissing, match="cannot be pulled") as caught:
        images.ensure("localhost:1/nobody/has-this:1", lambda line: None)
    assert "docker load" in caught.value.hint


def test_two_who_want_the_same_image_build_it_once(
    client: docker.DockerClient, images: DockerImages, folder: Path, tmp_path: Path, kind: str
) -> None:
    other = DockerImages(client, folder.parent, tmp_path / "cache", instance=kind, owner=owners.me())
    start, said = threading.Barrier(2), ([], [])  # type: ignore[var-annotated]

    def ensure(who: int) -> str:
        start.wait()
        return (images, other)[who].ensure(f"jointrange/{kind}", said[who].append)

    with ThreadPoolExecutor(2) as pool:
        assert len(set(pool.map(ensure, (0, 1)))) == 1
    assert sorted(bool(lines) for lines in said) == [False, True]


@pytest.fixture
def builder(images: DockerImages, kind: str) -> Iterator[str]:
    images.ensure(f"jointrange/{kind}", lambda line: None)
    made = images.start_builder(f"jointrange/{kind}", "builder")
    yield made
    images.remove_builder(made)
    images.remove_builder(made)


def test_a_builder_becomes_an_image_that_starts_as_before(
    images: DockerImages, client: docker.DockerClient, builder: str, kind: str
) -> None:
    images.write_builder(builder, [FileSpec("/new/folder/file", b"content", 0o600)])
    done = images.exec_builder(builder, ["sh", "-c", "cat /new/folder/file; id -u >&2; echo three > /word; exit 3"])
    assert (done.exit_code, done.stdout, done.stderr) == (3, b"content", b"0\n")
    reference = f"jointrange/{kind}:committed"
    assert images.commit_builder(builder, reference) == images.digest(reference)
    assert output(client, reference) == b"three\n"
    assert client.images.get(reference).labels[labels.OWNER] == ""


def test_a_command_in_a_builder_ends_at_its_deadline(images: DockerImages, builder: str) -> None:
    done = images.exec_builder(builder, ["sh", "-c", "echo begun; sleep 300 & sleep 301"], timeout=1)
    assert (done.exit_code, done.timed_out, done.stdout) == (None, True, b"begun\n")
    assert done.end - done.start < 10
    assert b"sleep 30" not in images.exec_builder(builder, ["ps", "ax"]).stdout
    assert images.exec_builder(builder, ["true"]).exit_code == 0


def test_a_sweep_takes_dead_builders_and_leaves_living_ones(
    client: docker.DockerClient, images: DockerImages, builder: str, folder: Path, tmp_path: Path
) -> None:
    dead = owners.me().rsplit("/", 2)[0] + "/999999999/1"
    gone = DockerImages(client, folder.parent, tmp_path / "cache", instance=folder.name, owner=dead)
    gone.start_builder("jointrange/base", "dead")
    assert images.sweep_builders() == [labels.container_name(folder.name, "builder", "dead")]
    assert images.exec_builder(builder, ["true"]).exit_code == 0


def test_when_one_build_fails_the_others_end_too(
    images: DockerImages, client: docker.DockerClient, folder: Path, kind: str
) -> None:
    slow = folder.parent / f"{kind}-slow"
    slow.mkdir()
    (slow / "Dockerfile").write_text(
        f"FROM jointrange/base\nRUN : {kind}; for i in $(seq 300); do echo $i; sleep 1; done\n"
    )
    (folder / "Dockerfile").write_text("FROM jointrange/base\nRUN exit 9\n")
    with pytest.raises(ImageMissing, match="non-zero code: 9"):
        images.ensure_all([f"jointrange/{kind}", f"jointrange/{kind}-slow"], lambda line: None)
    assert images.digest(f"jointrange/{kind}-slow") is None, "nobody waited for it"
    assert half_made(client, kind) == []


LISTEN = (
    "import socket; s = socket.create_server(('', 9000)); print('up', flush=True)\nwhile True: s.accept()[0].send(b'B')"
)
REACH = """
import socket, sys
try:
    print(socket.create_connection((sys.argv[1], 9000), timeout=3).recv(1))
except OSError as error:
    print(type(error).__name__)
"""
RAW = """
import os, socket
for make in (
    lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW),
    lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP),
    lambda: os.mknod("/disk", 0o60666, os.makedev(8, 0)),
):
    try:
        make()
        print("made")
    except PermissionError:
        print("refused")
"""


def networks(client: docker.DockerClient, instance: str) -> list[str]:
    """The networks of an installation."""
    return [str(one["Name"]) for one in client.api.networks(filters={"label": f"{labels.INSTANCE}={instance}"})]


def test_a_builder_reaches_no_other_and_forges_nothing(
    images: DockerImages, client: docker.DockerClient, builder: str, kind: str
) -> None:
    other = images.start_builder("jointrange/base", "other")
    try:
        serving = f'setsid python3 -c "{LISTEN}" >/dev/null 2>&1 </dev/null & sleep 0.1'
        assert images.exec_builder(other, ["sh", "-c", serving]).exit_code == 0
        seen = client.api.inspect_container(other)
        [address] = [one["IPAddress"] for one in seen["NetworkSettings"]["Networks"].values()]
        deadline = time.monotonic() + 30
        while images.exec_builder(other, ["python3", "-c", REACH, address]).text != "b'B'\n":
            assert time.monotonic() < deadline, "nobody listens"
        tried = images.exec_builder(builder, ["python3", "-c", REACH, address])
        assert tried.text == "TimeoutError\n", "another network is another world"
        named = images.exec_builder(builder, ["python3", "-c", REACH, labels.container_name(kind, "builder", "other")])
        assert named.text == "gaierror\n"
    finally:
        images.remove_builder(other)
    assert images.exec_builder(builder, ["python3", "-c", RAW]).text == "refused\n" * 3
    status = images.exec_builder(builder, ["cat", "/proc/self/status"]).text
    assert "NoNewPrivs:\t1" in status
    assert "default via" in images.exec_builder(builder, ["ip", "route"]).text


def test_a_builders_network_goes_with_it(
    images: DockerImages, client: docker.DockerClient, builder: str, kind: str
) -> None:
    assert networks(client, kind) == [labels.container_name(kind, "builder", "builder")]
    images.remove_builder(builder)
    assert networks(client, kind) == []
    client.api.create_network(
        labels.container_name(kind, "builder", "killed"),
        labels={labels.KIND: "builder", labels.INSTANCE: kind, labels.OWNER: "nobody"},
    )
    assert images.sweep_builders() == [labels.container_name(kind, "builder", "killed")], "its maker died in between"
    assert networks(client, kind) == []
