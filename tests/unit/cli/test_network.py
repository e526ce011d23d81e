"""Impairments from the command line, and what is wrong with them."""

from __future__ import annotations

import pytest

from range.cli.network import parse_impairment
from range.errors import Invalid
from range.topology import Impairment


def test_options_become_an_impairment() -> None:
    assert parse_impairment({"rate": "1mbit", "loss": 0.5}) == Impairment(rate="1mbit", loss=0.5)


@pytest.mark.parametrize("given", [{"rate": "fast"}, {"delay": "soon"}, {"loss": 101.0}])
def test_a_wrong_one_names_its_option(given: dict[str, str | float]) -> None:
    with pytest.raises(Invalid) as caught:
        parse_impairment(given)
    assert f"--{next(iter(given))}" in str(caught.value)
