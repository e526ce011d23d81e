"""The audit log: read it, and check that nobody touched it.

Knows: how entries go out. Must never: write one (use cases do, in the transaction of what they do).
"""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query

from api.auth import needs
from api.deps import Cursor, Here, Limit
from api.errors import problems
from api.paging import decoded, encoded
from range.service import auditing
from range.service.access import everywhere
from range.service.context import Principal
from range.wire import AuditCheck, AuditView, Page

routes = APIRouter(prefix="/v1/audit", tags=["audit"])
Reader = Annotated[Principal, Depends(needs("audit.read"))]
Order = Literal["oldest", "newest"]
_ORDER = Query(description="Which entry comes first; a cursor goes on in the order it was given for")
_HEAD = Query(pattern=r"^([0-9a-f]{64})?$", description="`head` of an earlier check: it must still be in the chain")


@routes.get("", summary="Read the audit log", operation_id="listAudit", responses=problems())
def listed(
    here: Here, who: Reader, cursor: Cursor = "", limit: Limit = 50, order: Annotated[Order, _ORDER] = "oldest"
) -> Page[AuditView]:
    """Your organisation's entries, oldest first; all of them for administrators of the installation."""
    after = decoded(cursor, int)[0] if cursor else 0
    with here.store.reading() as rows:
        org = None if everywhere(who) else who.org
        found = rows.audit(after, limit + 1, org=org, newest=order == "newest")
    more = encoded(found[limit - 1].seq) if len(found) > limit else ""
    return Page(items=tuple(auditing.view(row) for row in found[:limit]), next=more)


@routes.get("/verify", summary="Check the audit log", operation_id="verifyAudit", responses=problems())
def verified(here: Here, who: Reader, head: Annotated[str, _HEAD] = "") -> AuditCheck:
    """Whether the whole chain holds: the first entry that was changed, removed, moved or put in is named.

    Keep `head`, and give it the next time: then a tail that was cut off is noticed, too.
    """
    with here.store.reading() as rows:
        return auditing.verify(rows, head)
