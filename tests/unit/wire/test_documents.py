"""An upload, before anybody looks into it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from range.wire.documents import Upload, UploadFile


def test_an_upload_holds_a_file() -> None:
    with pytest.raises(ValidationError):
        Upload(main="topology.yaml", files=())


def test_a_path_has_an_end() -> None:
    with pytest.raises(ValidationError):
        UploadFile(path="x" * 201, text="")
