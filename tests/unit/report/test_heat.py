"""The ATT&CK heat map."""

from __future__ import annotations

import pytest

from range.judging.techniques import BUILT_IN
from range.report.heat import TACTICS, heat, level, tactics_of
from tests.builders import a_control, a_result, a_rich_result, a_trial, an_action


def test_tactics_stand_in_att_ck_s_order() -> None:
    found = [column.tactic for column in heat(a_rich_result())]
    places = [TACTICS.index(tactic.replace(" ", "-")) for tactic in found]
    assert places == sorted(places)
    assert (found[0], found[-1]) == ("reconnaissance", "exfiltration")


def test_every_tactic_of_the_table_has_its_place() -> None:
    known = {tactic for technique in BUILT_IN.techniques.values() for tactic in technique.tactics}
    assert known <= set(TACTICS)


def test_a_cell_says_how_much_each_arm_noticed() -> None:
    cells = {cell.technique: cell for column in heat(a_rich_result()) for cell in column.cells}
    probe = cells["T1595.002"]
    assert (probe.name, probe.steps) == ("Vulnerability Scanning", ("probe",))
    assert [(shade.arm, shade.level, shade.said) for shade in probe.shades] == [
        ("previous", 4, "3 of 3"), ("candidate", 3, "2 of 3"),
    ]  # fmt: skip
    assert [(shade.level, shade.said) for shade in cells["T1005"].shades] == [(0, "0 of 3"), (None, "not tried")]


def test_what_is_not_decided_has_no_shade() -> None:
    step = an_action("sqli", effect="unknown")
    [column] = heat(a_result(a_control(step), a_trial(step)))
    assert [(shade.level, shade.said) for shade in column.cells[0].shades] == [(None, "undecided")]


def test_a_technique_nobody_knows_comes_last_under_its_id() -> None:
    odd, known = an_action("odd", technique="T9999.001"), an_action("sqli")
    columns = heat(a_result(a_control(odd, known), a_trial(odd, known)))
    assert [column.tactic for column in columns] == ["initial access", "other techniques"]
    assert (columns[1].cells[0].technique, columns[1].cells[0].name) == ("T9999.001", "")


def test_a_sub_technique_the_table_lacks_is_of_its_parent_s_tactics() -> None:
    assert tactics_of("T1190.099", BUILT_IN) == tactics_of("T1190", BUILT_IN) == ("initial-access",)


def test_a_technique_of_several_tactics_is_under_each() -> None:
    step = an_action("sniff", technique="T1040")
    assert [column.tactic for column in heat(a_result(a_control(step), a_trial(step)))] == [
        "credential access", "discovery",
    ]  # fmt: skip


def test_without_techniques_there_is_no_map() -> None:
    step = an_action("odd", technique=None)
    assert heat(a_result(a_control(step), a_trial(step))) == ()
    assert heat(a_result()) == ()


@pytest.mark.parametrize(("share", "shade"), [(0, 0), (0.01, 1), (0.34, 2), (0.67, 3), (0.99, 3), (1, 4)])
def test_only_nothing_and_all_have_the_ends_of_the_scale(share: float, shade: int) -> None:
    assert level(share) == shade
