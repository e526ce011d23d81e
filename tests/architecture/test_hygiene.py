"""What no file of ours may hold: unfinished business, package registries' hosts, paths of one machine."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.architecture.source import ROOT, files

UNFINISHED = re.compile("|".join(rf"\b{a}{b}\b" for a, b in (("TO", "DO"), ("FIX", "ME"), ("X", "XX"))))

REGISTRIES = re.compile(
    "|".join(
        re.escape(".".join(parts))
        for parts in (
            ("pypi", "org"),
            ("pythonhosted", "org"),
            ("registry-1", "docker", "io"),
            ("index", "docker", "io"),
            ("hub", "docker", "com"),
            ("ghcr", "io"),
            ("quay", "io"),
            ("npmjs", "org"),
            ("deb", "debian", "org"),
            ("archive", "ubuntu", "com"),
        )
    )
)
SPOKEN = re.compile(r"`(?:GET|HEAD|POST|PUT|PATCH|DELETE) ")


def texts() -> dict[str, str]:
    """Every text file of the checkout."""
    found = {}
    for name in files():
        content = (ROOT / name).read_bytes()
        if b"\0" not in content:
            found[name] = content.decode("utf-8", "replace")
    assert len(found) > 20
    return found


VENDORED = "api/ui/vendor/"
"""Others' published files, as they are."""


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{name}:{number}: {line.strip()[:120]}"
        for name, text in texts().items()
        if pattern.search(text)
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


@pytest.mark.parametrize("sample", ["TO" + "DO: later", "# FIX" + "ME"])
def test_the_rule_sees_what_is_unfinished(sample: str) -> None:
    assert UNFINISHED.search(sample)


def test_nothing_is_unfinished() -> None:
    found = [line for line in lines_with(UNFINISHED) if not line.startswith(VENDORED)]
    assert not found, "finish it, or open an issue:\n" + "\n".join(found)


def test_the_rule_sees_a_registry() -> None:
    assert REGISTRIES.search("https://" + ".".join(("pypi", "org")) + "/simple")


def test_no_package_registry_is_named() -> None:
    found = lines_with(REGISTRIES)
    assert not found, "leave the choice to the machine's own configuration:\n" + "\n".join(found)


def test_the_core_says_nothing_in_the_words_of_http() -> None:
    """What it says is shown by the command line and the page as well."""
    found = [line for line in lines_with(SPOKEN) if line.startswith("range/") and not line.startswith("range/client/")]
    assert SPOKEN.search("`POST " + "/v1/ranges`")
    assert not found, "say it so that it is true everywhere:\n" + "\n".join(found)


def test_no_path_of_this_machine_is_named() -> None:
    here = [str(path) for path in (ROOT, Path.home() / ".cache", Path.home() / ".pyenv") if len(path.parts) > 2]
    found = lines_with(re.compile("|".join(re.escape(path) + r"(?![\w-])" for path in here)))
    assert not found, "\n".join(found)
