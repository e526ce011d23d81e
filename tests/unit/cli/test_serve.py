"""Serving: what is refused before anything is begun. That it serves is seen in tests/e2e/test_serve.py."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from range.cli import serve
from range.errors import Conflict, Invalid, NotFound, RangeError


def refused(folder: Path, *arguments: str) -> RangeError:
    """What `serve` raises; its folder must stay empty."""
    app = typer.Typer()
    serve.register(app)
    data = folder / "data"
    ended = CliRunner().invoke(app, arguments, env={"JOINTRANGE_DATA": str(data), "JOINTRANGE_LISTEN": "127.0.0.1:0"})
    assert isinstance(ended.exception, RangeError), ended.output
    assert not data.exists()
    return ended.exception


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        error = refused(tmp_path, "--listen", f"127.0.0.1:{port}")
    assert isinstance(error, Conflict)
    assert f"127.0.0.1:{port}" in str(error)
    assert "--listen" in error.hint


def test_an_address_that_is_not_ours(tmp_path: Path) -> None:
    assert isinstance(refused(tmp_path, "--listen", "no-such-host.invalid:80"), NotFound)


@pytest.mark.parametrize(("option", "text"), [("--listen", "8080"), ("--log", "xml"), ("--listen", "127.0.0.1:65536")])
def test_options_are_settings(tmp_path: Path, option: str, text: str) -> None:
    assert isinstance(refused(tmp_path, option, text), Invalid)


def test_a_settings_file_that_is_not_there(tmp_path: Path) -> None:
    assert isinstance(refused(tmp_path, "--config", str(tmp_path / "none.toml")), NotFound)
