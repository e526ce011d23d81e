"""Chance that can be repeated: every random choice is a function of a seed and of what the choice is about.

Knows: how a key (a seed, and words or numbers that name the choice) becomes a number, an order or a waiting time.
Must never: touch the machine's own randomness, keep a state, or be used for secrets.

    chance.fraction(seed, "gap", "browse", 3)      the same on every machine, whatever was asked before
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")
Key = int | float | str


def number(*key: Key) -> int:
    """A whole number from 0 to 2^63 - 1: the first 63 bits of the key's SHA-256. Seeds of other generators."""
    text = "/".join(f"{type(part).__name__}:{part}" for part in key)
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8], "big") >> 1


def fraction(*key: Key) -> float:
    """A number from 0 up to, not including, 1; uniform over keys."""
    return (number(*key) >> 10) / (1 << 53)


def shuffled(items: Sequence[T], *key: Key) -> tuple[T, ...]:
    """The items in an order that only the key decides (Fisher-Yates)."""
    made = list(items)
    for last in range(len(made) - 1, 0, -1):
        other = int(fraction(*key, last) * (last + 1))
        made[last], made[other] = made[other], made[last]
    return tuple(made)


def waiting(mean: float, *key: Key) -> float:
    """A waiting time of a Poisson process: exponential with this mean, at most five times it. Same unit as `mean`."""
    return min(-math.log(1.0 - fraction(*key)), 5.0) * mean
