"""What every program here shares: choices that follow from a seed, time to think, and one line for each request.

    @request {"what": "GET /search", "seconds": 0.0123, "ok": true}

Environment: SEED (a whole number: every choice follows from it), TARGET (an address), TARGET_NAME, NONCE (shown where a
real person's program would show its name). A program ends with 0 when every request was served.
"""

import json
import os
import random
import sys
import time
from collections.abc import Callable
from typing import Any

FIRST = ("blue", "tin", "wool", "old", "little", "harbour", "winter", "paper")
SECOND = ("mug", "lantern", "blanket", "chart", "rope", "whistle", "kettle", "box")


class Person:
    """Somebody at a computer."""

    def __init__(self) -> None:
        self.random = random.Random(int(os.environ.get("SEED", "0")))  # noqa: S311 (to be repeatable)
        self.target = os.environ["TARGET"]
        self.host = os.environ.get("TARGET_NAME", self.target)
        self.word = os.environ.get("NONCE", "nobody")
        self.refused = 0

    def think(self, mean: float) -> None:
        """A pause: log-normal around `mean` seconds, as reading times are, and never longer than four times that."""
        time.sleep(min(self.random.lognormvariate(0, 0.6) * mean, 4 * mean))

    def words(self, count: int) -> str:
        """So many words of text."""
        return " ".join(self.random.choice(FIRST + SECOND) for _ in range(count))

    def do(self, what: str, request: Callable[[], Any]) -> Any:
        """Make one request and tell how it went. Its answer, or None when there was none."""
        begun = time.monotonic()
        try:
            answer = request()
            ok = answer is not False
        except (OSError, EOFError, ValueError) as error:
            answer, ok = None, False
            print(f"{what}: {error}", file=sys.stderr)
        self.refused += not ok
        told = {"what": what, "seconds": round(time.monotonic() - begun, 4), "ok": ok}
        print("@request " + json.dumps(told), flush=True)
        return answer

    def leave(self) -> None:
        """End the program: with 0 when every request was served."""
        sys.exit(1 if self.refused else 0)
