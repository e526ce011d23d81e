"""What an image is built from, and when it counts as changed."""

from __future__ import annotations

import io
import tarfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from range.engine.client import connect
from range.engine.images import BuildFile, DockerImages, build_files, content_digest, context, parents_of
from range.errors import ImageMissing, Refused
from range.references import HUB
from tests.unit.engine.pretended import Asked, Pretended

NAMES = st.text("abc/.", min_size=1, max_size=8)
FILES = st.lists(st.builds(BuildFile, NAMES, st.binary(max_size=20), st.booleans()), max_size=4)


def dockerfile(text: str) -> tuple[BuildFile, ...]:
    return (BuildFile("Dockerfile", text.encode(), False),)


@pytest.mark.parametrize(
    ("text", "parents"),
    [
        ("FROM jointrange/base\nRUN true\n", ("jointrange/base",)),
        ("# FROM a\nfrom jointrange/base:latest\n", ("jointrange/base:latest",)),
        (
            "FROM golang:1 AS build\nRUN x\nFROM jointrange/base\nCOPY --from=build /x /x\n",
            ("golang:1", "jointrange/base"),
        ),
        ("FROM a AS one\nFROM one AS two\nFROM two\n", ("a",)),
        ("FROM --platform=linux/amd64 debian\n", ("debian",)),
        ("FROM scratch\n", ()),
        ("", ()),
    ],
)
def test_what_a_build_starts_from(text: str, parents: tuple[str, ...]) -> None:
    assert parents_of(dockerfile(text)) == parents


@given(FILES, FILES)
def test_the_digest_is_equal_for_equal_files_only(one: list[BuildFile], two: list[BuildFile]) -> None:
    assert (content_digest(one, {}) == content_digest(two, {})) == (one == two)


def test_the_digest_follows_the_parents() -> None:
    files = dockerfile("FROM jointrange/base\n")
    assert content_digest(files, {"a": "1"}) != content_digest(files, {"a": "2"})
    assert content_digest(files, {"a": "1", "b": "2"}) == content_digest(files, {"b": "2", "a": "1"})


def test_a_folder_is_read_whole_and_in_order(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "run").write_text("x")
    (tmp_path / "b" / "run").chmod(0o755)
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "y.pyc").write_text("y")
    found = build_files(tmp_path)
    assert [(file.name, file.executable) for file in found] == [("Dockerfile", False), ("b/run", True)]


def test_the_context_holds_the_files_and_no_time(tmp_path: Path) -> None:
    files = (BuildFile("Dockerfile", b"FROM scratch\n", False), BuildFile("b/run", b"x", True))
    assert context(files) == context(files)
    with tarfile.open(fileobj=io.BytesIO(context(files))) as tar:
        assert [(entry.name, entry.mode, entry.mtime) for entry in tar] == [
            ("Dockerfile", 0o644, 0),
            ("b/run", 0o755, 0),
        ]


class Shelf(Pretended):
    """An engine that has no images but those that were scripted."""

    def answer(self, asked: Asked) -> tuple[int, Any]:
        if asked.method == "GET" and asked.path.startswith("/images/") and ("GET", asked.path) not in self.answers:
            self.asked.append(asked)
            return 404, {"message": f"No such image: {asked.path}"}
        return super().answer(asked)


def over(engine: Pretended, folder: Path, **options: Any) -> DockerImages:
    (folder / "images").mkdir(exist_ok=True)
    made = connect(engine.host)
    return DockerImages(made, folder / "images", folder / "cache", instance="t", owner="me", **options)


def an_image(*tags: str, digests: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"Id": "sha256:1f23", "RepoTags": list(tags), "RepoDigests": list(digests), "Config": {}}


def test_an_image_is_found_by_its_name_and_never_by_its_id(tmp_path: Path) -> None:
    digest = "sha256:" + "a" * 64
    with Shelf(tmp_path) as engine:
        for asked in ("debian:latest", "1f23:latest", "sha256:1f23", f"debian@{digest}", "other:latest"):
            engine.say(
                "GET",
                f"/images/{quote(asked, safe=':')}/json",
                an_image("debian:latest", digests=(f"debian@{digest}",)),
            )
        images = over(engine, tmp_path)
        for named in ("debian", "docker.io/library/debian", f"debian:13@{digest}"):
            assert images.digest(named) == "sha256:1f23"
        for unnamed in ("1f23", "sha256:1f23", "other"):
            assert images.digest(unnamed) is None
        images._client.close()


def test_what_may_not_be_pulled_is_refused_and_not_asked_for(tmp_path: Path) -> None:
    with Shelf(tmp_path) as engine:
        images = over(engine, tmp_path, registries=("public",))
        for reference in ("127.0.0.1:8080/x", "localhost/x", "db:5432/x", "169.254.169.254/latest/meta-data"):
            with pytest.raises(Refused, match="is not pulled: images may be pulled from public") as caught:
                images.ensure(reference, print)
            assert "JOINTRANGE_REGISTRIES" in caught.value.hint
        images._client.close()
    assert [asked.method for asked in engine.asked] == ["GET"] * 4


@pytest.mark.parametrize("reference", ["docker.io/jointrange/fabric", f"index.{HUB}/jointrange-tool/x:1"])
def test_nobody_elses_image_takes_a_name_of_ours(tmp_path: Path, reference: str) -> None:
    with Shelf(tmp_path) as engine:
        images = over(engine, tmp_path)
        with pytest.raises(ImageMissing, match="nothing to build it from"):
            images.ensure(reference, print)
        images._client.close()
    assert not [asked for asked in engine.asked if asked.method == "POST"]


def test_one_pull_does_not_wait_for_another(tmp_path: Path) -> None:
    slow, begun = threading.Event(), threading.Event()

    def create(asked: Asked) -> tuple[int, Any]:
        if asked.query["fromImage"] == "a.b/slow":
            begun.set()
            slow.wait(30)
        return 200, {"error": "not here"}

    with Shelf(tmp_path) as engine:
        engine.answers["POST", "/images/create"] = create
        stop = threading.Event()
        first, second = over(engine, tmp_path, stop=stop), over(engine, tmp_path)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(first.ensure, "a.b/slow", print)
            assert begun.wait(20)
            with pytest.raises(ImageMissing, match="not here"):
                second.ensure("a.b/fast", print)
            assert not waiting.done()
            stop.set()
            with pytest.raises(ImageMissing, match="was stopped"):
                waiting.result(20)
            slow.set()
        first._client.close()
        second._client.close()


def test_who_waits_for_anothers_build_ends_when_stopped(tmp_path: Path) -> None:
    with Shelf(tmp_path) as engine:
        stop = threading.Event()
        holder, waiter = over(engine, tmp_path), over(engine, tmp_path, stop=stop)
        with holder._lock("web"), ThreadPoolExecutor(1) as pool:

            def wait() -> None:
                with waiter._lock("web"):
                    raise AssertionError("it is held by another")

            waiting = pool.submit(wait)
            stop.set()
            with pytest.raises(ImageMissing, match="waiting for jointrange/web"):
                waiting.result(20)
        holder._client.close()
        waiter._client.close()


def test_what_a_dying_build_still_uses_is_removed_the_next_time(tmp_path: Path) -> None:
    said = ["image is being used by stopped container", "image has dependent child images"]
    with Shelf(tmp_path) as engine:
        images = over(engine, tmp_path)
        journal = tmp_path / "cache" / "web.building"
        journal.parent.mkdir()
        journal.write_text("used\npart\nfree\n")
        for name in ("used", "part", "free"):
            engine.say("GET", f"/images/{name}/json", {"Id": name, "RepoTags": []})
            engine.say("DELETE", f"/images/{name}", [])
        for name, why in zip(("used", "part"), said, strict=True):
            engine.say("DELETE", f"/images/{name}", {"message": f"conflict: unable to delete: {why}"}, 409)
        engine.say("GET", "/containers/json", [])
        engine.say("GET", "/networks", [])
        assert images.sweep_builders() == ["free"]
        assert journal.is_file(), "one of them is still to be removed"
        engine.say("DELETE", "/images/used", [])
        engine.say("GET", "/images/free/json", {"message": "No such image: free"}, 404)
        assert images.sweep_builders() == ["used"]
        assert not journal.exists(), "the other is a part of an image by now"
        images._client.close()
