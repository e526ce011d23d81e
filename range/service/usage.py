"""Usage: what an organisation has now, against its quota, and how it stands in the queue.

Knows: rows and quotas. Must never: change one.
"""

from __future__ import annotations

from range.errors import NotFound
from range.rows import OrgRow
from range.service.access import everywhere
from range.service.admission import quota_of, standings, use_of
from range.service.context import Principal
from range.service.fairshare import Standing, priority
from range.service.organisations import quota_view
from range.stores import Reading
from range.wire import UseView


def usage(rows: Reading, who: Principal, now: float, org: str | None = None) -> UseView:
    """What an organisation uses: the caller's own, or another one for administrators of the installation.

    `used`: node-seconds of the last weeks, decayed. Raises NotFound.
    """
    wanted = who.org if org is None else org
    strange = wanted != who.org and not everywhere(who)
    if strange or (wanted and rows.get(OrgRow, wanted) is None):
        raise NotFound(f"there is no organisation {wanted}", hint="leave `org` out: it is your own then")
    use = use_of(rows, wanted)
    everybody = standings(rows, now)
    mine = everybody.get(wanted, Standing())
    return UseView(
        org=wanted, quota=quota_view(quota_of(rows, wanted)), ranges=use.ranges, nodes=use.size.nodes,
        cpus=use.size.cpus, memory=use.size.memory, runs=use.runs, queued=use.queued, share=mine.share,
        used=mine.used, priority=priority(wanted, everybody),
    )  # fmt: skip
