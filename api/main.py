"""The service as a program's web server takes it: settings in, application out.

Knows: that a log is wanted. Must never: hold a route.
"""

from __future__ import annotations

from fastapi import FastAPI

from api import logs
from api.app import create_app
from range import wiring
from range.settings import Settings


def application(settings: Settings) -> FastAPI:
    """The application of this installation. Raises what range/wiring.py `service` raises."""
    logs.configure(settings.log)
    service = wiring.service(settings)
    told = logs.EventLog(service.store)
    return create_app(service, issuers=settings.issuers, hosts=wiring.hosts(settings), beside=(told,))
