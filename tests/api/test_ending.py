"""An orderly end: within its deadline whatever hangs, with every row given back."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

from api.app import REST
from range.cli.serve import DRAIN, LAST
from range.client import Client
from range.errors import ServiceUnavailable
from range.rows import RangeRow
from range.store.opening import open_store
from range.wire import RangeRequest

ROOT = Path(__file__).parents[2]
DEADLINE = 4.0


def test_a_call_that_hangs_does_not_keep_the_process(tmp_path: Path) -> None:
    """The engine sleeps for minutes under one request when the signal comes."""
    command = [sys.executable, "-m", "tests.api.hanging", str(tmp_path), "0", str(DEADLINE)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        token, port = process.stdout.readline().split()
        with Client(f"http://127.0.0.1:{port}", token) as client:
            key = client.ranges.create(RangeRequest(topology="pair")).id
            client.wait_range(key, "up", 60)

            def ask() -> None:
                with suppress(ServiceUnavailable):
                    client.ranges.links(key)

            asking = threading.Thread(target=ask)
            asking.start()
            assert process.stdout.readline() == "hangs\n"
            process.send_signal(signal.SIGTERM)
            said = process.communicate(timeout=DEADLINE + 5)[1]
            client.close()
            asking.join()
    assert process.returncode == 0, said
    assert "did not end within 4 s" in said
    store = open_store(f"sqlite:///{tmp_path}/db")
    with store.reading() as rows:
        assert [row.holder for row in rows.find(RangeRow)] == [""]
    store.close()


def test_the_deadline_is_after_what_is_waited_for_and_before_the_end_of_grace() -> None:
    compose = (ROOT / "api/container/compose.yaml").read_text(encoding="utf-8")
    [grace] = [line.split()[1] for line in compose.splitlines() if "stop_grace_period" in line]
    assert DRAIN + REST < LAST < float(grace.removesuffix("s"))
