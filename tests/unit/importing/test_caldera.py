"""CALDERA's abilities. They were written for these tests, in its format."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from range.catalogue.foreign import foreign
from range.importing import caldera
from range.importing.items import Defaults, Document
from range.importing.overlay import Overlay
from range.selector import Selector

FILE = Path(__file__).parents[2] / "imports" / "caldera" / "abilities.yml"
HERE = Defaults(Selector(role="pc"))
ID = "22222222-2222-4333-8444-55555555550{}"


def test_a_file_of_abilities() -> None:
    (document,) = foreign(FILE).documents
    assert caldera.looks(document)
    known = Overlay.model_validate(
        {"facts": {"file.extension": "conf"}, "tests": {ID.format(1): {"effect": "exit_code"}}}
    )
    one, two, three = caldera.read(document, known, HERE)
    step = one.step
    assert step is not None
    assert step.run == "./find.sh 'conf' | head -5\n"
    folder = f"caldera-{ID.format(1)}"
    assert step.prepare == f"cp -p /opt/caldera/{folder}/find.sh ."
    assert step.payloads == {f"/opt/caldera/{folder}/find.sh": f"payloads/{folder}/find.sh"}
    assert one.files == {f"payloads/{folder}/find.sh": "payloads/find.sh"}
    assert (step.cleanup, step.tactic, step.technique) == ("rm -f find.sh", "collection", "T1005")
    assert "its parsers are not run: no fact is learnt" in one.limits
    assert two.refused == ("no sh or bash for Linux: windows",)
    assert any("no control server" in why for why in three.refused)
    assert any("`absent.bin` is not beside it" in why for why in three.refused)


def test_a_fact_that_nobody_gives_is_named() -> None:
    (document,) = foreign(FILE).documents
    one, *_ = caldera.read(document, Overlay(), HERE)
    assert one.refused == (
        "nobody gives the fact `#{file.extension}`: name it under `arguments` or `facts` of the overlay",
    )


def test_the_shape_of_the_api_is_understood() -> None:
    ability = {
        "ability_id": "a", "name": "A", "technique_id": "T1082", "requirements": [{"module": "x"}],
        "executors": [{"name": "psh", "platform": "windows", "command": "x"},
                      {"name": "sh", "platform": "linux", "command": "id", "cleanup": ["rm a", "rm b"], "timeout": 5}],
    }  # fmt: skip
    (item,) = caldera.read(Document("f", ability), Overlay(), HERE)
    assert item.step is not None
    assert (item.step.run, item.step.cleanup, item.step.technique) == ("id", "rm a\nrm b", "T1082")
    assert "its requirements are not checked" in item.limits


def test_payloads_with_odd_names_and_code_are_refused() -> None:
    for keys in ({"payloads": ["../x"]}, {"payloads": ["a b"]}, {"code": "int main"}):
        executor = {"name": "sh", "platform": "linux", "command": "id", **keys}
        ability = {"id": "a", "name": "A", "technique_id": "T1082", "executors": [executor]}
        (item,) = caldera.read(Document("f", [ability], {"../x": 1, "a b": 1}), Overlay(), HERE)
        assert item.step is None


KEYS = ["id", "name", "platforms", "executors", "technique", "linux", "sh", "command", "payloads", "attack_id"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=9,
)


@given(VALUES)
def test_no_document_makes_it_raise(value: object) -> None:
    document = Document("f", value)
    caldera.looks(document)
    for item in caldera.read(document, Overlay(), HERE):
        assert (item.step is None) == bool(item.refused)
