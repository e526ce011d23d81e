"""A thin, typed client of the HTTP API."""

from __future__ import annotations

from range.client.service import Client

__all__ = ["Client"]
