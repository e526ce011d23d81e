"""Metrics for Prometheus: what the service has, and how it answers.

Knows: prometheus_client, and which counts are taken from the store at the moment of asking.
Must never: put a name that users choose into a label (there would be no end of them).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from range.errors import RangeError
from range.rows import OrgRow, PoolRow, PoolStatus, RangeRow, RangeStatus, RunRow, RunStatus
from range.stores import Store

TYPE = CONTENT_TYPE_LATEST
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
KINDS: Mapping[str, tuple[type[Any], tuple[str, ...]]] = {
    "ranges": (RangeRow, get_args(RangeStatus)),
    "runs": (RunRow, get_args(RunStatus)),
    "pools": (PoolRow, get_args(PoolStatus)),
}


class Metrics:
    """One process's metrics. Give each app its own."""

    def __init__(self, store: Store) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(_Rows(store))
        self.requests = Counter(
            "jointrange_http_requests", "Requests answered", ("method", "route", "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "jointrange_http_seconds", "Seconds to the first byte of the answer", ("method", "route"),
            buckets=BUCKETS, registry=self.registry,
        )  # fmt: skip
        self.open = Gauge("jointrange_http_open", "Requests and streams under way", ("route",), registry=self.registry)

    def render(self) -> bytes:
        """The page Prometheus reads."""
        return generate_latest(self.registry)


class _Rows(Collector):
    """Counts from the store, taken when asked for."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Rows by kind and status, copies in pools, the newest event; `jointrange_store_up` 0 when it is silent."""
        up = GaugeMetricFamily("jointrange_store_up", "Whether the store answers")
        found: list[GaugeMetricFamily] = []
        try:
            found = self._counts()
        except RangeError:
            up.add_metric((), 0)
        else:
            up.add_metric((), 1)
        yield up
        yield from found

    def _counts(self) -> list[GaugeMetricFamily]:
        with self.store.reading() as rows:
            families = []
            for name, (kind, statuses) in KINDS.items():
                family = GaugeMetricFamily(f"jointrange_{name}", f"{name.capitalize()} by status", labels=("status",))
                for status in statuses:
                    family.add_metric((status,), rows.count(kind, status=status))
                families.append(family)
            warm = GaugeMetricFamily("jointrange_pool_copies", "Copies in pools", labels=("what",))
            pools = rows.find(PoolRow, status=("filling", "ready"))
            warm.add_metric(("wanted",), sum(pool.warm for pool in pools))
            warm.add_metric(("ready",), sum(pool.ready for pool in pools))
            orgs = GaugeMetricFamily("jointrange_organisations", "Organisations")
            orgs.add_metric((), rows.count(OrgRow))
        newest = GaugeMetricFamily("jointrange_events_newest", "Number of the newest event")
        newest.add_metric((), self.store.wait(-1, 0))
        return [*families, warm, orgs, newest]


class Measured:
    """ASGI middleware: counts and times every request by its route's template."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass it on; note when the answer begins."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 500

        async def told(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self.metrics.seconds.labels(method_of(scope), route_of(scope)).observe(time.perf_counter() - began)
            await send(message)

        self.metrics.open.labels("all").inc()
        try:
            await self.app(scope, receive, told)
        finally:
            self.metrics.open.labels("all").dec()
            self.metrics.requests.labels(method_of(scope), route_of(scope), str(status)).inc()


def method_of(scope: Scope) -> str:
    """The method, `other` when it is none that HTTP has."""
    return str(scope["method"]) if scope["method"] in METHODS else "other"


def route_of(scope: Scope) -> str:
    """The template of the route that answered, `none` when there was none: never what the caller wrote."""
    return str(getattr(scope.get("route"), "path", "none"))
