"""A computer asks for names, the way programs do: in bursts, mostly the same few names, some that are not there.

Two to four bursts of two to six questions (A, AAAA, MX, TXT), 0.7 seconds on the average between two bursts.
"""

import socket
import struct

from person import Person

ZONE = "harbour.example"
NAMES = ("www", "mail", "files", "ns", "intranet", "printer", "wpad", "time")
WEIGHTS = (10, 6, 5, 2, 2, 2, 1, 1)
KINDS = {"A": 1, "AAAA": 28, "MX": 15, "TXT": 16}


def ask(person: Person, name: str, kind: str) -> bool:
    """Whether there was an answer; that a name is not there is an answer too."""
    number = person.random.randrange(1 << 16)
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    query = struct.pack("!HHHHHH", number, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", KINDS[kind], 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(2)
        asker.sendto(query, (person.target, 53))
        answer = asker.recv(4096)
    return answer[:2] == query[:2] and answer[3] & 15 in (0, 3)


def main() -> None:
    person = Person()
    chance = person.random
    for burst in range(chance.randint(2, 4)):
        if burst:
            person.think(0.7)
        for _ in range(chance.randint(2, 6)):
            [name] = chance.choices(NAMES, WEIGHTS)
            kind = chance.choices(tuple(KINDS), (8, 4, 1, 1))[0]
            person.do(f"dns {kind}", lambda n=name, k=kind: ask(person, f"{n}.{ZONE}", k))
    person.leave()


if __name__ == "__main__":
    main()
