"""Open a bundle or a sealed folder to read what is in it: verified first, unpacked where it goes away again.

Knows: that nothing in it is believed before it was verified. Must never: open what is broken, whatever is asked for.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from range.bundle import names
from range.bundle.folder import load_run, load_trials
from range.bundle.pack import unpack
from range.bundle.record import judged
from range.bundle.sealing import refuse_broken
from range.bundle.verify import verify
from range.errors import Exhausted
from range.judging.result import CampaignResult
from range.report.data import from_json


def sealed_result(source: Path) -> CampaignResult:
    """The result as it was sealed. Raises Refused (broken), NotFound, Invalid (of another version), Exhausted."""
    with _opened(source) as folder:
        return _result(folder, source)


def judged_again(source: Path) -> tuple[CampaignResult, CampaignResult]:
    """The result as it was sealed, and what this version makes of the same evidence. Raises as `sealed_result`."""
    with _opened(source) as folder:
        return _result(folder, source), judged(load_run(folder), load_trials(folder))


@contextmanager
def _opened(source: Path) -> Iterator[Path]:
    """A folder with the record, the result and the trials' ledgers; a bundle's goes away at the end."""
    refuse_broken(verify(source), "nothing is read from it")
    if source.is_dir():
        yield source
        return
    with tempfile.TemporaryDirectory(prefix="jointrange-bundle-") as name:
        unpack(source, Path(name), _is_read)
        yield Path(name)


def _is_read(path: str) -> bool:
    return path in (names.RUN, names.RESULT) or (
        path.startswith(f"{names.TRIALS}/") and path.endswith(f"/{names.TRIAL}")
    )


def _result(folder: Path, source: Path) -> CampaignResult:
    try:
        text = (folder / names.RESULT).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Exhausted(f"cannot read {names.RESULT} of {source}: {error}", hint="check its permissions") from error
    return from_json(text, f"{source}: {names.RESULT}")
