"""Harbour Shop: a small web shop that is DELIBERATELY VULNERABLE, to train and test defences.

Never put it anywhere but into a range. Its faults, each marked `WEAK` below:
    /search     SQL injection, and what was searched for comes back unescaped
    /comment    comments are stored and served as they are (stored cross-site scripting)
    /download   any file the shop may read (path traversal)
    /delivery   the host name goes through a shell (command injection)
    /orders     whoever is logged in may read anybody's order
    /go         what comes after `to` becomes a header as it is (header injection)
    /photo      a photo may have any name, and one that ends in .cgi is run when somebody looks at it (web shell)
    /old-admin/ forgotten pages, one of which lists the tokens of who is logged in
Everything else (pages, login, sessions, /healthz) is ordinary, so that there is something to browse.
The database lives in memory: each start begins with the same goods, customers and secrets.
"""

import html
import os
import secrets
import sqlite3
import subprocess
import tempfile
import threading
from collections.abc import Callable
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

Page = Callable[[dict[str, str]], None]
FILES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "files")
PHOTOS = tempfile.mkdtemp(prefix="photos-")

SCHEMA = """
CREATE TABLE product (id INTEGER PRIMARY KEY, name TEXT, price TEXT);
CREATE TABLE comment (product INTEGER, author TEXT, text TEXT);
CREATE TABLE customer (name TEXT PRIMARY KEY, password TEXT);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT, text TEXT);
CREATE TABLE vault (label TEXT, value TEXT);
INSERT INTO product VALUES (1, 'blue mug', '7.50'), (2, 'tin lantern', '24.00'), (3, 'wool blanket', '39.90');
INSERT INTO comment VALUES (1, 'ines', 'Holds a lot of tea.'), (2, 'tom', 'Bright enough to read by.');
INSERT INTO customer VALUES ('ines', 'tea-at-four'), ('tom', 'north-light-9');
INSERT INTO orders VALUES (1001, 'ines', '2 x blue mug'), (1002, 'tom', '1 x tin lantern, gift code GIFT-PLOVER-58');
INSERT INTO vault VALUES ('payment key', 'PAY-KESTREL-4417');
"""

PAGE = """<!doctype html><html><head><title>Harbour Shop</title></head><body>
<p><a href="/">Harbour Shop</a> | <a href="/login">Log in</a> | <a href="/download?file=catalogue.txt">Catalogue</a></p>
<form action="/search"><input name="q"><button>Search</button></form>
%s
</body></html>
"""


class Shop:
    """The goods, the customers and who is logged in. One lock, because requests come in threads."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.database = sqlite3.connect(":memory:", check_same_thread=False)
        self.database.executescript(SCHEMA)
        # Tom never logs out.
        self.sessions: dict[str, str] = {secrets.token_urlsafe(16): "tom"}

    def rows(self, query: str, values: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
        with self.lock, self.database:
            return self.database.execute(query, values).fetchall()


class Pages(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    shop = Shop()

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        form = {key: values[0] for key, values in parse_qs(url.query).items()}
        self.serve(url.path, form, {
            "/": self.home, "/healthz": self.health, "/robots.txt": self.robots, "/old-admin/": self.old_admin,
            "/search": self.search, "/product": self.product, "/download": self.download,
            "/delivery": self.delivery, "/login": self.login_form, "/orders": self.orders, "/go": self.go,
            "/photo": self.photo, "/old-admin/sessions": self.old_sessions,
        })  # fmt: skip

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode("utf-8", "replace")
        form = {key: values[0] for key, values in parse_qs(body).items()}
        pages: dict[str, Page] = {
            "/login": self.login, "/register": self.register, "/comment": self.comment, "/photo": self.upload,
        }  # fmt: skip
        self.serve(urlsplit(self.path).path, form, pages)

    def serve(self, path: str, form: dict[str, str], pages: dict[str, Page]) -> None:
        page = pages.get(path)
        if page is None:
            self.answer(404, "<p>No such page.</p>")
            return
        try:
            page(form)
        except (sqlite3.Error, OSError, ValueError, LookupError, subprocess.SubprocessError) as error:
            self.answer(500, f"<p>Error: {html.escape(str(error))}</p>")

    def answer(
        self, status: int, text: str, *, kind: str = "text/html", headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        body = (PAGE % text if kind == "text/html" else text).encode()
        self.send_response(status)
        for name, value in (("Content-Type", kind), ("Content-Length", str(len(body))), *headers):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def user(self) -> str | None:
        cookie = SimpleCookie(self.headers.get("Cookie", "")).get("session")
        return self.shop.sessions.get(cookie.value) if cookie else None

    def home(self, form: dict[str, str]) -> None:
        rows = self.shop.rows("SELECT id, name, price FROM product")
        goods = "".join(f'<li><a href="/product?id={key}">{name}</a> {price}</li>' for key, name, price in rows)
        self.answer(200, f"<h1>Goods</h1><ul>{goods}</ul>")

    def health(self, form: dict[str, str]) -> None:
        self.answer(200, "ok\n", kind="text/plain")

    def robots(self, form: dict[str, str]) -> None:
        self.answer(200, "User-agent: *\nDisallow: /old-admin/\n", kind="text/plain")

    def old_admin(self, form: dict[str, str]) -> None:
        self.answer(200, "<h1>Old administration pages</h1><p>Harbour Shop 0.9, build HERON-12</p>")

    def old_sessions(self, form: dict[str, str]) -> None:
        # WEAK: a page for finding faults, never taken down.
        rows = "".join(f"<li>{name} {token}</li>" for token, name in list(self.shop.sessions.items()))
        self.answer(200, f"<h1>Logged in</h1><ul>{rows}</ul>")

    def search(self, form: dict[str, str]) -> None:
        wanted = form.get("q", "")
        # WEAK: what the visitor typed becomes part of the query, and of the page.
        rows = self.shop.rows(f"SELECT name, price FROM product WHERE name LIKE '%{wanted}%'")  # noqa: S608
        found = "".join(f"<li>{name} {price}</li>" for name, price in rows)
        self.answer(200, f"<h1>Found for {wanted}</h1><ul>{found}</ul>")

    def product(self, form: dict[str, str]) -> None:
        key = int(form["id"])
        name, price = self.shop.rows("SELECT name, price FROM product WHERE id = ?", (key,))[0]
        comments = self.shop.rows("SELECT author, text FROM comment WHERE product = ?", (key,))
        # WEAK: comments are not escaped.
        said = "".join(f"<li>{author}: {text}</li>" for author, text in comments)
        self.answer(200, f"<h1>{name} {price}</h1><ul>{said}</ul>")

    def comment(self, form: dict[str, str]) -> None:
        values = (int(form["id"]), form.get("author", "guest"), form["text"])
        self.shop.rows("INSERT INTO comment VALUES (?, ?, ?)", values)
        self.answer(303, "", headers=(("Location", f"/product?id={values[0]}"),))

    def download(self, form: dict[str, str]) -> None:
        # WEAK: the name may lead out of the folder.
        with open(os.path.join(FILES, form["file"]), encoding="utf-8") as file:
            self.answer(200, file.read(), kind="text/plain")

    def delivery(self, form: dict[str, str]) -> None:
        # WEAK: the name goes through a shell.
        command = f"getent hosts {form['host']}"
        done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=5)  # noqa: S602
        self.answer(200, f"<h1>Delivery check</h1><pre>{done.stdout}</pre>")

    def go(self, form: dict[str, str]) -> None:
        # WEAK: a line break in it begins another header.
        self.answer(302, "", headers=(("Location", form["to"]),))

    def upload(self, form: dict[str, str]) -> None:
        # WEAK: the name says what will be done with it.
        with open(os.path.join(PHOTOS, os.path.basename(form["name"])), "w", encoding="utf-8") as file:
            file.write(form["data"])
        self.answer(303, "", headers=(("Location", f"/photo?name={os.path.basename(form['name'])}"),))

    def photo(self, form: dict[str, str]) -> None:
        path = os.path.join(PHOTOS, os.path.basename(form["name"]))
        if path.endswith(".cgi"):
            # WEAK: as a forgotten handler of the web server would.
            told = {**os.environ, "QUERY_STRING": form.get("q", "")}
            done = subprocess.run(["sh", path], capture_output=True, text=True, timeout=5, env=told)
            self.answer(200, done.stdout, kind="text/plain")
            return
        with open(path, encoding="utf-8") as file:
            self.answer(200, file.read(), kind="text/plain")

    def login_form(self, form: dict[str, str]) -> None:
        fields = '<input name="name"><input name="password" type="password"><button>Log in</button>'
        self.answer(200, f'<form action="/login" method="post">{fields}</form>')

    def login(self, form: dict[str, str]) -> None:
        name, password = form.get("name", ""), form.get("password", "")
        if not self.shop.rows("SELECT 1 FROM customer WHERE name = ? AND password = ?", (name, password)):
            self.answer(401, "<p>Wrong name or password.</p>")
            return
        token = secrets.token_urlsafe(16)
        self.shop.sessions[token] = name
        self.answer(303, "", headers=(("Location", "/"), ("Set-Cookie", f"session={token}; HttpOnly; Path=/")))

    def register(self, form: dict[str, str]) -> None:
        self.shop.rows("INSERT INTO customer VALUES (?, ?)", (form["name"], form["password"]))
        self.answer(303, "", headers=(("Location", "/login"),))

    def orders(self, form: dict[str, str]) -> None:
        if self.user() is None:
            self.answer(401, "<p>Log in first.</p>")
            return
        # WEAK: nobody asks whose order it is.
        customer, text = self.shop.rows("SELECT customer, text FROM orders WHERE id = ?", (int(form["id"]),))[0]
        self.answer(200, f"<h1>Order of {html.escape(str(customer))}</h1><p>{html.escape(str(text))}</p>")

    def log_message(self, format: str, *args: object) -> None:
        """Apache keeps the log."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", 8080), Pages).serve_forever()
