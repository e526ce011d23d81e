"""Somebody exchanges files with the file server: one to three of them, up by sftp or scp, and back again.

Sizes are log-normal (about 20 KB, at most 1 MB); half a second on the average between two. What was sent is removed.
"""

import os
import subprocess
from pathlib import Path

from person import Person

OPTIONS = (
    "-o", "ConnectTimeout=5", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
    "-o", "LogLevel=ERROR",
)  # fmt: skip


def run(*command: str, said: str = "") -> bool:
    """Whether a command of OpenSSH succeeded."""
    told = {**os.environ, "SSHPASS": "violet-Harbour-31"}
    try:
        done = subprocess.run(
            ("sshpass", "-e", *command), input=said, text=True, capture_output=True, env=told, timeout=20
        )
    except subprocess.TimeoutExpired as error:
        raise OSError("it took too long") from error
    return done.returncode == 0


def main() -> None:
    person = Person()
    chance = person.random
    there = f"clerk@{person.target}"
    for number in range(chance.randint(1, 3)):
        if number:
            person.think(0.5)
        name = f"report-{person.word}-{number}.txt"
        size = min(int(chance.lognormvariate(10, 1)), 1 << 20)
        Path(name).write_bytes(chance.randbytes(size))
        if chance.random() < 0.5:
            person.do("scp up", lambda n=name: run("scp", "-q", *OPTIONS, n, f"{there}:{n}"))
        else:
            person.do("sftp up", lambda n=name: run("sftp", *OPTIONS, there, said=f"put {n}\n"))
        batch = ("sftp", *OPTIONS, "-o", "BatchMode=no", "-b", "-", there)
        person.do("sftp back", lambda n=name, b=batch: run(*b, said=f"get {n} back\nrm {n}\n"))
        Path(name).unlink()
    Path("back").unlink(missing_ok=True)
    person.leave()


if __name__ == "__main__":
    main()
