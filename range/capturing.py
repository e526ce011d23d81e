"""Capture filters: which words of a user's are given to the program that captures.

Knows: that a filter is a filter, and never an option of that program. Must never: capture, or read a filter's grammar
(the program does; `not_understood` words what it said).
"""

from __future__ import annotations

from range.errors import Refused

HINT = "a filter is in the words of `man pcap-filter`, e.g. `tcp port 80 and host 10.0.1.5`"


def check_filter(bpf: str) -> None:
    """Raise Refused for what could be taken for an option, or that no command line can hold. Every engine asks this."""
    if bpf.lstrip().startswith("-"):
        raise Refused(f"the filter `{bpf}` begins with `-`, as an option does and no filter", hint=HINT)
    if not bpf.isprintable():
        raise Refused(f"the filter {bpf!r} has characters that cannot be printed", hint=HINT)


def not_understood(bpf: str, words: str) -> Refused:
    """The refusal of a filter that the program could not read. `words`: what it said."""
    return Refused(f"the filter `{bpf}` cannot be used: {words}", hint=HINT)
