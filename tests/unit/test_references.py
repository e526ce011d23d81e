"""References of images: what they say, what a document may not write, and from where one may be pulled."""

from __future__ import annotations

import time

import pytest

from range.references import HUB, check_named, parse, unlisted

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "name", "familiar"),
    [
        ("debian", "docker.io/library/debian", "debian:latest"),
        ("docker.io/debian", "docker.io/library/debian", "debian:latest"),
        (f"index.{HUB}/library/debian:13", "docker.io/library/debian", "debian:13"),
        ("jointrange/base", "docker.io/jointrange/base", "jointrange/base:latest"),
        ("docker.io/jointrange/fabric", "docker.io/jointrange/fabric", "jointrange/fabric:latest"),
        ("registry.example/a/b/c:1.0_x", "registry.example/a/b/c", "registry.example/a/b/c:1.0_x"),
        ("localhost/x", "localhost/x", "localhost/x:latest"),
        ("127.0.0.1:5000/x", "127.0.0.1:5000/x", "127.0.0.1:5000/x:latest"),
        ("[::1]:5000/x", "[::1]:5000/x", "[::1]:5000/x:latest"),
        (f"debian:13@{DIGEST}", "docker.io/library/debian", f"debian@{DIGEST}"),
        ("1f23:latest", "docker.io/library/1f23", "1f23:latest"),
    ],
)
def test_a_reference_is_a_name(text: str, name: str, familiar: str) -> None:
    assert (parse(text).name, parse(text).familiar) == (name, familiar)
    assert parse(parse(text).familiar) == parse(parse(parse(text).familiar).familiar)
    assert check_named(text) == text


@pytest.mark.parametrize(
    "text",
    ["", " ", "/", "a/", "/a", "a//b", "../a", "a/../b", "a/..", "A", "a b", "a:", "a:b c", "a@", "a@sha256:12", "-x",
     "a/-x", "http://x.y/z", "a.b/", "x.y:port/z", "x.y:123456/z", "a\n", "ä", "a:" + "t" * 129,
     "a/" * 127 + "abc", "_/a.b:5"],
)  # fmt: skip
def test_what_is_no_name_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="`") as caught:
        parse(text)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("text", ["1f23", "1f23d9752ef6", "c" * 64, "cafe", DIGEST, "sha256:1f23"])
def test_an_id_is_no_name(text: str) -> None:
    with pytest.raises(ValueError, match="id"):
        check_named(text)


@pytest.mark.parametrize("host", ["", "docker.io/", f"index.{HUB}/"])
@pytest.mark.parametrize("end", ["", ":ace54d98d359", f"@{DIGEST}"])
def test_an_installed_tool_is_not_named(host: str, end: str) -> None:
    with pytest.raises(ValueError, match="installed tool"):
        check_named(f"{host}jointrange-tool/fail2ban-ssh{end}")
    assert check_named("registry.example/jointrange-tool/x")


@pytest.mark.parametrize(
    "text", ["debian", "registry.example/a/b", "registry.example.com/x:1", "images.example/x", "xn--a.xn--p1ai/x"]
)
def test_a_public_registry_is_one_by_its_name(text: str) -> None:
    assert unlisted(parse(text), ("public",)) == ""


@pytest.mark.parametrize(
    "text",
    ["localhost/x", "localhost:5000/x", "127.0.0.1:8080/x", "127.0.0.1/x", "127.1/x", "10.0.0.1/x", "169.254.169.254/x",
     "0x7f.0x1/x", "[::1]/x", "[fd00::1]:80/x", "db:5432/x", "registry.local/x", "a.localhost/x", "db.internal/x",
     "registry.example:8443/x", "127.0.0.1.nip.io:6379/x", "8.8.8.8/x", "a..b/x", "LOCALHOST.LAN/x"],
)  # fmt: skip
def test_any_other_is_not(text: str) -> None:
    assert parse(text).host in unlisted(parse(text), ("public",))
    assert unlisted(parse(text), ("*",)) == ""


def test_a_list_names_registries_and_paths() -> None:
    allowed = ("registry.example/north/", "registry:5000", "docker.io/library")
    assert unlisted(parse("registry.example/north/sensor"), allowed) == ""
    assert unlisted(parse("registry:5000/x"), allowed) == ""
    assert unlisted(parse("debian"), allowed) == ""
    for text in ("registry.example/northern/x", "registry.example/x", "registry:500/x", "registry/x/y", "nginx/unit"):
        assert unlisted(parse(text), allowed)
    assert "nowhere" in unlisted(parse("debian"), ())


def test_a_long_one_is_read_in_no_time() -> None:
    start = time.process_time()
    for text in ("a-" * 200_000, "a" * 400_000 + "!", "-" * 400_000, "a." * 120 + "!", "1" * 100_000):
        with pytest.raises(ValueError):
            check_named(text)
    assert time.process_time() - start < 1
