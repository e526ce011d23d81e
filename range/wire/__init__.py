"""What goes over the wire: every body the HTTP API takes or gives, as frozen pydantic models.

Knows: names, types and limits of JSON. The API answers with these and the client reads them: one shape, written once.
Must never: know HTTP, rows, or what an answer is decided by.

Times are seconds since the epoch (float, UTC). Durations that people write are texts like `90s`, `15m`, `2h`.
"""

from __future__ import annotations

from range.wire.access import (
    AuditCheck,
    AuditView,
    IssuerView,
    Me,
    NewToken,
    OrgChange,
    OrgRequest,
    OrgView,
    ProjectRequest,
    ProjectView,
    QuotaView,
    SignIn,
    TokenRequest,
    TokenView,
    UseView,
)
from range.wire.documents import DocumentView, Upload, UploadFile
from range.wire.ranges import (
    ConsoleRequest,
    ConsoleView,
    EndView,
    ExecRequest,
    ExecView,
    Extension,
    LinkChange,
    LinkView,
    NodeView,
    PlanView,
    PoolChange,
    PoolRequest,
    PoolView,
    RangeChange,
    RangeRequest,
    RangeView,
    Reset,
    SegmentView,
)
from range.wire.runs import EventView, RescoreView, RunRequest, RunView, VerdictView
from range.wire.shared import Body, Duration, Name, Page, Position, Reference, Slug, Trouble

__all__ = [
    "AuditCheck",
    "AuditView",
    "Body",
    "ConsoleRequest",
    "ConsoleView",
    "DocumentView",
    "Duration",
    "EndView",
    "EventView",
    "ExecRequest",
    "ExecView",
    "Extension",
    "IssuerView",
    "LinkChange",
    "LinkView",
    "Me",
    "Name",
    "NewToken",
    "NodeView",
    "OrgChange",
    "OrgRequest",
    "OrgView",
    "Page",
    "PlanView",
    "PoolChange",
    "PoolRequest",
    "PoolView",
    "Position",
    "ProjectRequest",
    "ProjectView",
    "QuotaView",
    "RangeChange",
    "RangeRequest",
    "RangeView",
    "Reference",
    "RescoreView",
    "Reset",
    "RunRequest",
    "RunView",
    "SegmentView",
    "SignIn",
    "Slug",
    "TokenRequest",
    "TokenView",
    "Trouble",
    "Upload",
    "UploadFile",
    "UseView",
    "VerdictView",
]
