"""Whether somebody is still there. Knows: ASGI. Must never: read a body."""

from __future__ import annotations

from starlette.types import Receive


async def gone_from(receive: Receive) -> None:
    """Wait until the caller has gone."""
    while (await receive())["type"] != "http.disconnect":
        continue
