"""A small mail server: SMTP on port 25 takes messages, POP3 on port 110 gives them out. Everything stays in memory.

mail.py PASSWORD      one password for every mailbox; a mailbox is there as soon as somebody writes to it.
Enough of RFC 5321 and RFC 1939 for ordinary clients (smtplib and poplib, curl). At most 200 messages a mailbox.
"""

import socketserver
import sys
import threading
from collections import defaultdict, deque

MESSAGE = 1 << 20


class Post:
    """Mailboxes, behind one lock."""

    def __init__(self, password: str) -> None:
        self.password = password
        self.lock = threading.Lock()
        self.boxes: dict[str, deque[bytes]] = defaultdict(lambda: deque(maxlen=200))

    def deliver(self, box: str, message: bytes) -> None:
        with self.lock:
            self.boxes[box].append(message)

    def take(self, box: str) -> list[bytes]:
        with self.lock:
            return list(self.boxes[box])

    def remove(self, box: str, messages: list[bytes]) -> None:
        with self.lock:
            self.boxes[box] = deque((kept for kept in self.boxes[box] if kept not in messages), maxlen=200)


class Talk(socketserver.StreamRequestHandler):
    """A connection on which lines go to and fro."""

    post: Post
    timeout = 30

    def say(self, line: str) -> None:
        self.wfile.write(line.encode("ascii", "replace") + b"\r\n")

    def hear(self) -> tuple[str, str]:
        """The next command, in upper case, and the rest of its line; both empty at the end."""
        verb, _, rest = self.rfile.readline(1000).decode("ascii", "replace").strip().partition(" ")
        return verb.upper(), rest

    def lines(self) -> bytes:
        """What comes until a line with one dot, the dots put in front taken off."""
        found = bytearray()
        while (line := self.rfile.readline(2000)) not in (b".\r\n", b".\n", b""):
            if len(found) < MESSAGE:
                found += line.removeprefix(b".")
        return bytes(found)


def box_of(text: str) -> str:
    """clerk of `TO:<clerk@harbour.example>`"""
    return text.partition("<")[2].partition("@")[0].partition(">")[0].lower()


class Smtp(Talk):
    """Takes messages."""

    def handle(self) -> None:
        boxes: list[str] = []
        self.say("220 mail ready")
        while True:
            verb, rest = self.hear()
            if verb in ("HELO", "EHLO", "MAIL", "RSET", "NOOP"):
                boxes = boxes if verb == "NOOP" else []
                self.say("250 fine")
            elif verb == "RCPT" and box_of(rest):
                boxes.append(box_of(rest))
                self.say("250 fine")
            elif verb == "DATA" and boxes:
                self.say("354 go on")
                message = self.lines()
                for box in boxes:
                    self.post.deliver(box, message)
                self.say("250 kept")
            elif verb in ("QUIT", ""):
                self.say("221 bye")
                return
            else:
                self.say("503 not now")


class Pop(Talk):
    """Gives messages out."""

    def handle(self) -> None:
        self.say("+OK mail ready")
        _, box = self.hear()
        self.say("+OK password?")
        _, password = self.hear()
        if password != self.post.password:
            self.say("-ERR no")
            return
        messages = self.post.take(box.lower())
        gone: list[bytes] = []
        self.say("+OK")
        while True:
            verb, rest = self.hear()
            chosen = messages[int(rest) - 1 : int(rest)] if rest.isdigit() and int(rest) else []
            if verb == "STAT":
                self.say(f"+OK {len(messages)} {sum(map(len, messages))}")
            elif verb == "RETR" and chosen:
                self.say("+OK")
                for line in chosen[0].splitlines():
                    self.wfile.write((b"." if line.startswith(b".") else b"") + line + b"\r\n")
                self.say(".")
            elif verb == "DELE" and chosen:
                gone += chosen
                self.say("+OK")
            elif verb in ("QUIT", ""):
                self.post.remove(box.lower(), gone)
                self.say("+OK bye")
                return
            else:
                self.say("-ERR what?")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


if __name__ == "__main__":
    Talk.post = Post(sys.argv[1])
    threading.Thread(target=Server(("", 110), Pop).serve_forever, daemon=True).start()
    Server(("", 25), Smtp).serve_forever()
