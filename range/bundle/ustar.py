"""The headers of a bundle: POSIX ustar, written in exactly one way.

Knows: IEEE Std 1003.1-2017, pax, "ustar Interchange Format". Time 0, owner 0, mode 0644, files only. So the header
of a file follows from its name and size, and a header with any other byte is no header of ours.
Must never: read or write a file, or know any entry that is not a plain file.
"""

from __future__ import annotations

from dataclasses import dataclass

from range.bundle.manifest import MAX_SIZE

BLOCK = 512
END = b"\0" * (2 * BLOCK)
"""What ends an archive: two blocks of zeros, and nothing behind them."""

_NAME, _PREFIX = 100, 155


@dataclass(frozen=True, slots=True)
class Header:
    """One entry: where it goes, and how many bytes follow."""

    name: str
    size: int


def padding(size: int) -> int:
    """How many zeros follow a file of so many bytes."""
    return -size % BLOCK


def length(header: Header) -> int:
    """Bytes of the whole entry: header, content and padding."""
    return BLOCK + header.size + padding(header.size)


def render(header: Header) -> bytes:
    """The header block. Raises ValueError when the name or the size does not fit."""
    prefix, name = _split(header.name)
    if not 0 <= header.size <= MAX_SIZE:
        raise ValueError(f"{header.name}: {header.size} bytes do not fit; a file of a bundle holds at most {MAX_SIZE}")
    block = bytearray(BLOCK)
    block[0 : len(name)] = name
    for start, field in (
        (100, b"0000644\0"), (108, b"0000000\0"), (116, b"0000000\0"), (124, b"%011o\0" % header.size),
        (136, b"00000000000\0"), (148, b" " * 8), (156, b"0"), (257, b"ustar\x0000"), (345, prefix),
    ):  # fmt: skip
        block[start : start + len(field)] = field
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def parse(block: bytes) -> Header:
    """The header in a block. Raises ValueError, saying what is wrong, when it is not exactly what `render` writes."""
    if len(block) != BLOCK:
        raise ValueError(f"{len(block)} bytes are no header")
    if block == b"\0" * BLOCK:
        raise ValueError("zeros where a header should be")
    try:
        name = block[:_NAME].rstrip(b"\0").decode("utf-8")
        prefix = block[345 : 345 + _PREFIX].rstrip(b"\0").decode("utf-8")
        header = Header(f"{prefix}/{name}" if prefix else name, int(block[124:135], 8))
        if render(header) == block:
            return header
    except ValueError:
        raise ValueError("its header is damaged") from None
    if block[156:157] not in (b"0", b"\0"):
        raise ValueError("it is no plain file: a bundle holds no links, folders or devices")
    raise ValueError("its header is not as Jointrange writes it: something in it was changed")


def _split(path: str) -> tuple[bytes, bytes]:
    """A path as (prefix, name), split at the last slash that lets both fit; the same path always the same way."""
    whole = path.encode("utf-8")
    if len(whole) <= _NAME:
        return b"", whole
    at = whole.find(b"/", len(whole) - _NAME - 1)
    if 0 < at <= _PREFIX and at < len(whole) - 1:
        return whole[:at], whole[at + 1 :]
    raise ValueError(f"{path}: the name is too long for a bundle; at most {_NAME} bytes after a folder of {_PREFIX}")
