"""One process at a time may change a range.

Knows: that a lock must vanish with its process, however it dies. Must never: wait: two at once is told at once.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from range.errors import Conflict, Exhausted


@contextmanager
def range_lock(folder: Path, instance: str, range_id: str) -> Iterator[None]:
    """Hold the range for this process. Raises Conflict when another one has it, Exhausted when the disk is full."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = open(folder / f"{instance}.{range_id}.lock", "ab+", buffering=0)  # noqa: SIM115 (closed below)
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            holder = file.read().decode().strip() or "unknown"
            raise Conflict(
                f"range {range_id} is being changed by process {holder}",
                hint="wait until it is done, or choose another name with --name",
            ) from None
        try:
            file.truncate(0)
            file.write(str(os.getpid()).encode())
        except OSError as error:
            raise _unwritable(folder, error) from error
        yield
    finally:
        file.close()


def _unwritable(folder: Path, error: OSError) -> Exhausted:
    return Exhausted(
        f"cannot write a lock file in {folder}: {error.strerror}", hint="free disk space, or set JOINTRANGE_CACHE"
    )
