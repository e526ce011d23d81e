"""Settings: defaults, every variable, and all faults at once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from range.errors import Invalid, NotFound
from range.settings import Settings, from_environment


def test_nothing_told_is_the_defaults() -> None:
    assert from_environment({"PATH": "/bin", "JOINTRANGE_EXEC": "a mark of ours"}) == Settings()


def test_what_the_compose_file_asks_the_environment_for_is_no_mistake() -> None:
    compose = (Path(__file__).parents[2] / "api/container/compose.yaml").read_text(encoding="utf-8")
    asked = set(re.findall(r"\$\{(JOINTRANGE_[A-Z_]+)", compose))
    assert "JOINTRANGE_PORT" in asked
    from_environment(dict.fromkeys(asked, "8081"))


def test_every_setting_is_one_variable() -> None:
    told = from_environment(
        {"JOINTRANGE_INSTANCE": "ci", "JOINTRANGE_WORKERS": "3", "JOINTRANGE_JOBS": "1", "JOINTRANGE_CACHE": "/c",
         "JOINTRANGE_RESULTS": "out", "JOINTRANGE_DOCKER_HOST": "tcp://there:1"}
    )  # fmt: skip
    assert told == Settings("tcp://there:1", "ci", "out", "/c", 3, 1)


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(Invalid) as caught:
        from_environment({"JOINTRANGE_WORKERS": "many", "JOINTRANGE_COLOUR": "red"})
    assert len(caught.value.problems) == 2
    assert "JOINTRANGE_COLOUR" in str(caught.value)
    assert "known:" in str(caught.value)
    assert "no whole number" in str(caught.value)


def test_registries_are_a_list() -> None:
    assert Settings().registry_list == ()
    told = from_environment({"JOINTRANGE_REGISTRIES": " public, db:5000/ours/ ,[::1]:5000"})
    assert told.registry_list == ("public", "db:5000/ours/", "[::1]:5000")
    assert from_environment({"JOINTRANGE_REGISTRIES": "*"}).registry_list == ("*",)


def test_home_is_expanded() -> None:
    assert "~" not in str(Settings().cache_folder)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("JOBS", "0", "no trial would ever run"),
        ("WORKERS", "\u00b2", "no whole number"),
        ("WORKERS", "-1", "no whole number"),
        ("INSTANCE", "two words", "container's name"),
        ("INSTANCE", "", "container's name"),
        ("INSTANCE", "../x", "container's name"),
        ("REGISTRIES", "https://registry.example", "no list of registries"),
        ("REGISTRIES", "a,,b", "no list of registries"),
    ],
)
def test_values_that_could_never_work_are_faults(name: str, text: str, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        from_environment({f"JOINTRANGE_{name}": text})


ISSUER = """
[[issuer]]
issuer = "https://id.example"
audience = "range"
org = "north"
roles = {staff = "operator"}
"""


def told(folder: Path, text: str, **environment: str) -> Settings:
    """Settings from a file of this text, and the environment."""
    path = folder / "jointrange.toml"
    path.write_text(text)
    return from_environment({"JOINTRANGE_CONFIG": str(path), **environment})


def test_a_file_is_read_and_the_environment_goes_before_it(tmp_path: Path) -> None:
    settings = told(tmp_path, 'instance = "a"\njobs = 5\n' + ISSUER, JOINTRANGE_INSTANCE="b")
    assert (settings.instance, settings.jobs) == ("b", 5)
    assert [one.org for one in settings.issuers] == ["north"]


def test_faults_of_the_file_have_their_lines(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as caught:
        told(tmp_path, 'colour = "red"\njobs = "many"\nlog = "loud"\n' + ISSUER.replace("audience", "odd"))
    said = str(caught.value)
    for line, what in ((1, "unknown setting `colour`"), (2, "no whole number"), (3, "no way to log"), (5, "issuer")):
        assert f"jointrange.toml:{line}:1: " in said, said
        assert what in said


def test_a_broken_file_says_where(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"jointrange\.toml:2:\d+: "):
        told(tmp_path, "jobs = 1\njobs = = 2\n")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="cannot read"):
        from_environment({"JOINTRANGE_CONFIG": str(tmp_path / "none.toml")})


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "binary.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Invalid, match="UTF-8"):
        from_environment({"JOINTRANGE_CONFIG": str(path)})


def test_a_text_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="is no text"):
        told(tmp_path, "listen = 8080\n")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("LISTEN", "8080"),
        ("LISTEN", "a b:1"),
        ("MEMORY", "lots"),
        ("LEASE", "forever"),
        ("LOG", "xml"),
        ("SERVER", "ftp://x"),
    ],
)
def test_the_service_is_told_sensible_things(name: str, text: str) -> None:
    with pytest.raises(Invalid, match=name):
        from_environment({f"JOINTRANGE_{name}": text})


def test_where_the_rows_are() -> None:
    assert Settings(data="/srv/d").database_url == "sqlite:////srv/d/jointrange.db"
    assert Settings(database="postgresql+psycopg://x/y").database_url == "postgresql+psycopg://x/y"
