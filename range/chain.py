"""The audit log's chain: each entry's digest is over its content and the digest before it.

Knows: how an entry is written down to be hashed. Must never: read or write the log (range/store/ does), or judge it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields

from range.rows import AuditRow

START = "0" * 64
"""`previous` of the first entry."""


def digest_of(entry: AuditRow) -> str:
    """SHA-256 (hex) over the entry as canonical JSON: every field but `digest`, keys sorted, no spaces, ASCII."""
    content = {field.name: getattr(entry, field.name) for field in fields(entry) if field.name != "digest"}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
