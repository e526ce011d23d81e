"""Somebody looks after the file server: one ssh session, commands typed with pauses, output read before the next.

Three to seven commands, half a second on the average between two.
"""

import os
import select
import subprocess
import time

from person import Person

COMMANDS = (
    "uptime", "df -h /", "free -m", "ls -l /srv", "who", "date", "tail -n 3 /etc/hosts", "ps ax | head -n 5",
    "cat /etc/os-release | head -n 2", "ip -brief address", "du -sh /etc 2>/dev/null", "id",
)  # fmt: skip
SSH = (
    "sshpass", "-e", "ssh", "-T", "-o", "ConnectTimeout=10", "-o", "StrictHostKeyChecking=no",
    "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
)  # fmt: skip


class Session:
    """A shell on the other machine, told what to do line by line."""

    def __init__(self, person: Person) -> None:
        told = {**os.environ, "SSHPASS": "violet-Harbour-31"}
        self.process = subprocess.Popen(
            (*SSH, f"clerk@{person.target}"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=told
        )
        self.said = b""
        self.number = 0

    def run(self, command: str) -> bool:
        """Type it, and read until the shell says that it is done."""
        self.number += 1
        assert self.process.stdin is not None
        self.process.stdin.write(f'{command}; echo "end"-{self.number}\n'.encode())
        self.process.stdin.flush()
        return self.read(f"end-{self.number}".encode(), 15)

    def read(self, mark: bytes, seconds: float) -> bool:
        """Whether the mark came in time."""
        assert self.process.stdout is not None
        deadline = time.monotonic() + seconds
        while mark not in self.said:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                return False
            news = os.read(self.process.stdout.fileno(), 4096)
            if not news:
                return False
            self.said += news
        self.said = self.said.partition(mark)[2]
        return True

    def close(self) -> bool:
        """Log out."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"exit\n")
        self.process.stdin.close()
        try:
            return self.process.wait(10) == 0
        except subprocess.TimeoutExpired:
            self.process.kill()
            return False


def main() -> None:
    person = Person()
    session = Session(person)
    if person.do("ssh login", lambda: session.run("true")):
        for _ in range(person.random.randint(3, 7)):
            person.think(0.5)
            command = person.random.choice(COMMANDS)
            person.do(f"ssh {command.split()[0]}", lambda typed=command: session.run(typed))
        person.do("ssh logout", session.close)
    else:
        session.process.kill()
    person.leave()


if __name__ == "__main__":
    main()
