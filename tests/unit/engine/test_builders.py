"""A committed builder starts as the image it came from, and carries no mark of its maker."""

from __future__ import annotations

from range.engine import labels
from range.engine.builders import changes


def test_the_images_own_command_comes_back() -> None:
    made = changes({"Entrypoint": ["/bin/start", "--now"], "Cmd": ['a "b"']})
    assert made[:2] == ['ENTRYPOINT ["/bin/start", "--now"]', 'CMD ["a \\"b\\""]']


def test_an_image_without_a_command_has_none_again() -> None:
    assert changes({"Entrypoint": None})[:2] == ["ENTRYPOINT []", "CMD []"]


def test_the_makers_labels_are_blank() -> None:
    made = changes({})
    assert f'LABEL {labels.KIND}="image"' in made
    for key in (labels.INSTANCE, labels.OWNER, labels.NODE, labels.CREATED):
        assert f'LABEL {key}=""' in made
