"""Metrics: counts from the store, and requests by their route's template."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families

from api.metrics import METHODS, Measured, Metrics
from api.table import TABLE
from range.rows import PoolRow, RangeRow
from range.store.opening import open_store
from range.stores import Store
from tests.serving import Served


def told(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample, as Prometheus reads it."""
    families = text_string_to_metric_families(metrics.render().decode())
    return {(one.name, tuple(sorted(one.labels.items()))): one.value for family in families for one in family.samples}


def test_rows_are_counted_by_status(store: Store) -> None:
    with store.writing() as rows:
        for number, status in enumerate(("up", "up", "gone")):
            rows.add(RangeRow(id=f"r{number}", org="", created=1.0, name=f"r{number}", topology="t", status=status))  # type: ignore[arg-type]
        rows.add(PoolRow(id="p", org="", created=1.0, name="p", topology="t", warm=3, ready=2))
    found = told(Metrics(store))
    assert found["jointrange_ranges", (("status", "up"),)] == 2
    assert found["jointrange_ranges", (("status", "gone"),)] == 1
    assert found["jointrange_ranges", (("status", "failed"),)] == 0
    assert found["jointrange_pool_copies", (("what", "wanted"),)] == 3
    assert found["jointrange_pool_copies", (("what", "ready"),)] == 2
    assert found["jointrange_store_up", ()] == 1


def test_a_store_that_is_silent_is_a_figure_not_a_fault(tmp_path: Path) -> None:
    folder = tmp_path / "there"
    folder.mkdir()
    store = open_store(f"sqlite:///{folder}/rows.db", migrate=True)
    store.close()
    folder.rename(tmp_path / "gone")
    found = told(Metrics(store))
    assert found["jointrange_store_up", ()] == 0
    assert not any(name == "jointrange_ranges" for name, _ in found)


def app() -> FastAPI:
    made = FastAPI()

    @made.get("/things/{name}")
    def thing(name: str) -> str:
        if name == "bad":
            raise RuntimeError("a fault")
        return name

    return made


async def ask(metrics: Metrics, *paths: str) -> None:
    door = httpx.ASGITransport(Measured(app(), metrics), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=door, base_url="http://localhost") as client:
        for path in paths:
            await client.get(path)


def test_requests_carry_the_template_never_what_was_asked(store: Store) -> None:
    metrics = Metrics(store)
    asyncio.run(ask(metrics, "/things/a", "/things/b", "/things/bad", "/secret-path"))
    found = told(metrics)

    def count(route: str, status: str) -> float:
        return found["jointrange_http_requests_total", (("method", "GET"), ("route", route), ("status", status))]

    assert count("/things/{name}", "200") == 2
    assert count("/things/{name}", "500") == 1
    assert count("none", "404") == 1
    assert "secret-path" not in metrics.render().decode()
    assert found["jointrange_http_seconds_count", (("method", "GET"), ("route", "/things/{name}"))] == 3
    assert found["jointrange_http_open", (("route", "all"),)] == 0


def test_no_caller_makes_a_label(served: Served, admin: httpx.Client) -> None:
    """Neither by a method nor by a path: each new one would stay in memory for ever."""
    for number in range(3):
        for path in ("/healthz", f"/v1/ranges/r{number}", f"/nowhere/{number}", f"/ui/x{number}.js", f"/v1/{number}"):
            for method in ("GET", f"ZZ{number}", "OPTIONS"):
                served.stranger().request(method, path)
    families = list(text_string_to_metric_families(admin.get("/metrics").text))
    labels = [one.labels for family in families for one in family.samples if "http" in one.name]
    assert {one["method"] for one in labels if "method" in one} >= {"GET", "other"}
    assert {one["method"] for one in labels if "method" in one} <= METHODS | {"other"}
    assert {one["route"] for one in labels} <= {path for _, path in TABLE} | {"none", "all"}
