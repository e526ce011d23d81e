"""The client: one service, one token, and everything it can do, by resource.

    from range.client import Client

    with Client("https://ranges.example.org", token) as client:
        lab = client.ranges.create(RangeRequest(topology="pair"))
        lab = client.wait_range(lab.id, "up", timeout=300)
        print(client.ranges.exec(lab.id, "one", "ping -c1 two").text)

Knows: which resource is where. Must never: decide anything, or show the token.
"""

from __future__ import annotations

from types import TracebackType

import httpx

from range.client.access import Access, Audit, Organisations, Projects, Tokens
from range.client.documents import Documents
from range.client.events import Events
from range.client.pools import Pools
from range.client.ranges import Ranges
from range.client.runs import Runs
from range.client.transport import PATIENCE, Transport
from range.client.waiting import Heard, Until, wait_range, wait_run
from range.wire import EventView, RangeView, RunView


def _unheard(_event: EventView) -> None:
    """Nobody listens."""


class Client:
    """A service at `url`, as seen by the holder of `token`. Synchronous; safe to use from several threads.

    Certificates are verified (`SSL_CERT_FILE` names another authority). What went wrong there is raised as the same
    RangeError as here. `patience`: seconds in which a service that restarts is asked again.
    """

    def __init__(
        self, url: str, token: str = "", *, patience: float = PATIENCE, http: httpx.Client | None = None
    ) -> None:
        """Reaches nobody yet. `http`: an httpx client of another kind, for tests. Raises Refused: no such address."""
        self.transport = Transport(url, token, patience=patience, http=http)
        self.ranges = Ranges(self.transport)
        self.runs = Runs(self.transport)
        self.documents = Documents(self.transport)
        self.pools = Pools(self.transport)
        self.events = Events(self.transport)
        self.tokens = Tokens(self.transport)
        self.organisations = Organisations(self.transport)
        self.projects = Projects(self.transport)
        self.audit = Audit(self.transport)
        self.access = Access(self.transport)

    def __repr__(self) -> str:
        return f"Client({self.transport.url!r})"

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give back the connections."""
        self.transport.close()

    def wait_range(self, id_: str, until: Until = "up", timeout: float | None = None, *, after: int | None = 0,
                   heard: Heard = _unheard) -> RangeView:  # fmt: skip
        """The range once it is up as wanted, or gone. `heard` gets its events behind `after` (None: from now on).

        Raises what made it fail; ServiceUnavailable after `timeout` seconds.
        """
        return wait_range(self.ranges, self.events, id_, until, timeout, after, heard)

    def wait_run(self, id_: str, timeout: float | None = None, *, after: int | None = 0, heard: Heard = _unheard
                 ) -> RunView:  # fmt: skip
        """The run once it is done, cancelled or failed. Raises ServiceUnavailable after `timeout` seconds."""
        return wait_run(self.runs, self.events, id_, timeout, after, heard)
