"""An upload, before anybody looks into it."""

from __future__ import annotations

from typing import get_args

import pytest
from pydantic import ValidationError

from range.rows import DocumentKind
from range.wire.documents import KINDS, Upload, UploadFile


def test_every_kind_of_document_has_its_words() -> None:
    assert tuple(KINDS) == get_args(DocumentKind)
    assert len({called.segment for called in KINDS.values()}) == len(KINDS)


def test_an_upload_holds_a_file() -> None:
    with pytest.raises(ValidationError):
        Upload(main="topology.yaml", files=())


def test_a_path_has_an_end() -> None:
    with pytest.raises(ValidationError):
        UploadFile(path="x" * 201, text="")
