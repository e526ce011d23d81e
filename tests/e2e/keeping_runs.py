"""A process that keeps runs until one of them is over, and prints what happens to it: `python -m ... <run id>`."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

from range import wiring
from range.rows import RUN_ENDS, RunRow
from range.service import run_keeper
from range.service.context import Limits
from range.service.loop import Loop
from range.settings import from_environment

LIMITS = Limits(hold=2.0, idle=0.1)


def main(key: str) -> None:
    """Keep runs; one line an event, in order, until the run has ended."""
    service = replace(wiring.service(from_environment()), limits=LIMITS)
    loop = Loop(service, {RunRow: run_keeper.keep}, threads=1)
    seen, over = 0, False
    with service.store.reading() as rows:
        while known := rows.events(seen, 100):
            seen = known[-1].seq
    loop.start()
    print("keeping", flush=True)
    while not over:
        service.store.wait(seen, 1.0)
        with service.store.reading() as rows:
            row = rows.get(RunRow, key)
            over = row is None or row.status in RUN_ENDS
            for event in rows.events(seen, 1000):
                seen = event.seq
                print(event.type, json.dumps(dict(event.data)), flush=True)
    loop.stop(10.0)
    service.store.close()


if __name__ == "__main__":
    main(sys.argv[1])
