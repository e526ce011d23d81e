"""The folder that results go to.

Knows: why a folder cannot be used, in words. Must never: write a result.
"""

from __future__ import annotations

import errno
from pathlib import Path

from range.errors import Conflict, Exhausted


def results_folder(path: str) -> Path:
    """A folder that may be written to, made when absent. Raises Conflict, Exhausted."""
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Exhausted(
                f"no room for results in {path}", hint="free disk space, or choose another --out"
            ) from error
        raise Conflict(f"cannot write results to {path}: {error.strerror}", hint="choose another with --out") from error
    return folder
