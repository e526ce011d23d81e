"""Ask a name server for a whole zone (RFC 5936) and print the names in it: zone.py SERVER ZONE"""

import socket
import struct
import sys


def name(data: bytes, at: int) -> tuple[str, int]:
    """The name at a place of a message, and where the next thing begins."""
    labels, after = [], None
    while data[at]:
        if data[at] >= 192:
            after = after or at + 2
            at = struct.unpack("!H", data[at : at + 2])[0] & 0x3FFF
        else:
            labels.append(data[at + 1 : at + 1 + data[at]].decode("ascii", "replace"))
            at += 1 + data[at]
    return ".".join(labels), after or at + 1


def main(server: str, zone: str) -> None:
    question = b"".join(bytes([len(label)]) + label.encode() for label in zone.split("."))
    query = struct.pack("!HHHHHH", 7, 0, 1, 0, 0, 0) + question + b"\0" + struct.pack("!HH", 252, 1)
    with socket.create_connection((server, 53), 4) as connection, connection.makefile("rwb") as pipe:
        pipe.write(struct.pack("!H", len(query)) + query)
        pipe.flush()
        data = pipe.read(struct.unpack("!H", pipe.read(2))[0])
    questions, answers = struct.unpack("!HH", data[4:8])
    at = 12
    for _ in range(questions):
        at = name(data, at)[1] + 4
    for _ in range(answers):
        owner, at = name(data, at)
        kind, _, _, size = struct.unpack("!HHIH", data[at : at + 10])
        at += 10
        said = socket.inet_ntoa(data[at : at + 4]) if kind == 1 else f"type {kind}"
        print(owner, said)
        at += size


if __name__ == "__main__":
    main(*sys.argv[1:])
