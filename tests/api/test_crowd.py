"""Many callers at once, more than the store has connections: each is answered, soon, and none with a fault of ours."""

from __future__ import annotations

import threading
from collections import Counter

from range.store.postgresql import CONNECTIONS
from tests.serving import Served

DATABASES = ("sqlite", "postgresql")
CALLERS = CONNECTIONS + 16
SOON = 15.0
"""Seconds one caller may wait for one answer, with all the others before it, on a slow machine."""


def test_nobody_in_a_crowd_is_turned_away(served: Served) -> None:
    together = threading.Barrier(CALLERS)
    answers: list[tuple[int, str]] = []
    token = served.token("admin", "crowd")

    def call(number: int) -> None:
        client = served.stranger()
        client.timeout = SOON
        client.headers["Authorization"] = f"Bearer {token}"
        together.wait(60)
        for round_ in (1, 2, 3):
            made = client.post("/v1/projects", json={"name": f"p{number}-{round_}"})
            seen = client.get("/v1/ranges")
            answers.extend((one.status_code, one.text[:200] if one.status_code >= 500 else "") for one in (made, seen))

    threads = [threading.Thread(target=call, args=(number,)) for number in range(CALLERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert Counter(answers) == {(201, ""): 3 * CALLERS, (200, ""): 3 * CALLERS}
