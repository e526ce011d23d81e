"""Provision: install tools into images, and configure them in a live range.

Knows: that tools on one node are installed one upon the other, in the order the arm names them.
How many playbooks run at once is the Provisioner's to say; one range gets no more than AT_ONCE of them.
Must never: run a playbook (the Provisioner does), or choose a place (range/placement.py does).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from range.layout import Layout
from range.ports import Placed, Provisioner

AT_ONCE = 4
"""Tools of one range that are configured at once, so that its many leave room for another's few."""


def install(
    layout: Layout,
    placed: Iterable[Placed],
    provisioner: Provisioner,
    evidence: Path,
    progress: Callable[[str], None],
) -> dict[str, str]:
    """Node -> the image with its tools installed, for every node that has one. Raises ProvisionFailed, Refused."""
    images = {node.name: node.image for node in layout.nodes}
    changed: set[str] = set()
    for place in placed:
        if place.tool.install is None:
            continue
        made: dict[str, str] = {}
        for name in place.nodes:
            base = images[name]
            if base not in made:
                made[base] = provisioner.install(place.tool, place.folder, base, evidence, progress)
            images[name] = made[base]
            changed.add(name)
    return {name: images[name] for name in sorted(changed)}


def configure(
    range_id: str,
    layout: Layout,
    placed: Iterable[Placed],
    provisioner: Provisioner,
    evidence: Path,
    progress: Callable[[str], None],
) -> None:
    """Run every tool's `configure.yml`, tools on different nodes at the same time. Raises the first failure."""
    todo = [place for place in placed if place.tool.configure is not None]
    if not todo:
        return
    with ThreadPoolExecutor(min(len(todo), AT_ONCE)) as pool:
        running = [pool.submit(provisioner.configure, range_id, layout, place, evidence, progress) for place in todo]
        try:
            for future in running:
                future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
