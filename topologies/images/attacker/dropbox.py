"""The attacker's drop box: keeps what is sent to it over HTTP, so that a range can prove that data got out.

dropbox.py PORT FOLDER      POST /<name> is kept as FOLDER/<name>. GET /<name>.sh gives the file of that name that lies
                            beside this one, any other GET the word "ready"; what was asked for is kept in FOLDER/asked.
"""

import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class DropBox(BaseHTTPRequestHandler):
    """One delivery."""

    folder = Path()

    def do_GET(self) -> None:
        name = re.sub(r"[^A-Za-z0-9_.-]", "", self.path)[:80]
        with (self.folder / "asked").open("a") as asked:
            asked.write(name + "\n")
        tool = Path(__file__).with_name(name)
        self.answer(200, tool.read_bytes() if name.endswith(".sh") and tool.is_file() else b"ready\n")

    def do_POST(self) -> None:
        name = re.sub(r"[^A-Za-z0-9_-]", "", self.path)[:80] or "unnamed"
        body = self.rfile.read(min(int(self.headers.get("Content-Length", "0")), 1 << 20))
        (self.folder / name).write_bytes(body)
        self.answer(201, b"kept\n")

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """What is kept is the log."""


if __name__ == "__main__":
    DropBox.folder = Path(sys.argv[2])
    DropBox.folder.mkdir(parents=True, exist_ok=True)
    ThreadingHTTPServer(("", int(sys.argv[1])), DropBox).serve_forever()
