"""How the base is asked for: no mirror of ours, nothing that is not needed."""

from __future__ import annotations

from range.engine import base_image


def test_mmdebstrap_writes_a_small_tar_to_its_output() -> None:
    words = base_image.arguments("http://mirror.example/debian", ['Acquire::http::Proxy "http://proxy.example"'])
    assert words[0] == "mmdebstrap"
    assert words[-3:] == [base_image.SUITE, "-", "http://mirror.example/debian"]
    assert "--variant=minbase" in words
    assert '--aptopt=Acquire::http::Proxy "http://proxy.example"' in words
    assert f"--include={','.join(base_image.PACKAGES)}" in words


def test_without_a_mirror_none_is_named() -> None:
    assert base_image.arguments(None, [])[-1] == "-"


def test_a_pulled_debian_gets_the_same_packages_and_command() -> None:
    lines = base_image.dockerfile().splitlines()
    assert lines[0] == f"FROM {base_image.PULLED}"
    assert all(package in lines[1] for package in base_image.PACKAGES)
    assert "rm -rf /var/lib/apt/lists/*" in lines[1]
    assert lines[2] == 'CMD ["sleep", "infinity"]'


def test_the_recipe_is_always_the_same() -> None:
    assert base_image.recipe() == base_image.recipe()
    assert len(base_image.recipe()) == 64
