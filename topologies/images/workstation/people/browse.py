"""Somebody looks around in the shop: pages, searches, sometimes a login with a form, an order and a comment.

Three to twelve pages, half a second of reading on the average between some. A session keeps its cookie and its browser.
"""

import http.client
import re
import urllib.parse
from http.cookies import SimpleCookie

from person import SECOND, Person

BROWSERS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Safari/605.1.15",
)
CUSTOMERS = (("ines", "tea-at-four", 1001), ("tom", "north-light-9", 1002))


class Browser:
    """A browser with a session."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.connection = http.client.HTTPConnection(person.host, timeout=5)
        self.agent = f"{person.random.choice(BROWSERS)} {person.word}"
        self.cookie = ""
        self.last = ""

    def get(self, path: str, form: dict[str, str] | None = None) -> str:
        """A page's text; empty when there was none. With a form it is posted."""
        what = ("POST " if form else "GET ") + path.partition("?")[0]
        answer = self.person.do(what, lambda: self._ask(path, form))
        return answer or ""

    def _ask(self, path: str, form: dict[str, str] | None) -> str | bool:
        headers = {"User-Agent": self.agent, "Accept": "text/html,*/*;q=0.8", "Accept-Language": "en-GB,en;q=0.7"}
        headers |= {"Cookie": self.cookie} if self.cookie else {}
        headers |= {"Referer": self.last} if self.last else {}
        headers |= {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
        body = urllib.parse.urlencode(form) if form else None
        try:
            self.connection.request("POST" if form else "GET", path, body, headers)
            answer = self.connection.getresponse()
            text = answer.read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException) as error:
            self.connection.close()
            raise OSError(str(error) or type(error).__name__) from error
        for name, morsel in SimpleCookie(answer.headers.get("Set-Cookie", "")).items():
            self.cookie = f"{name}={morsel.value}"
        self.last = f"http://{self.person.host}{path}"
        return text if answer.status < 400 else False


def main() -> None:
    person = Person()
    browser = Browser(person)
    chance = person.random
    customer = chance.choice(CUSTOMERS) if chance.random() < 0.5 else None
    page = browser.get("/")
    for _ in range(chance.randint(2, 5)):
        person.think(0.5)
        goods = re.findall(r'href="(/product\?id=\d+)"', page) or ["/product?id=1"]
        choice = chance.random()
        if choice < 0.45:
            browser.get(chance.choice(goods))
        elif choice < 0.85:
            browser.get("/search?" + urllib.parse.urlencode({"q": chance.choice(SECOND)}))
        else:
            browser.get("/download?file=catalogue.txt")
    if customer:
        name, password, order = customer
        browser.get("/login")
        person.think(0.5)
        browser.get("/login", {"name": name, "password": password})
        browser.get(f"/orders?id={order}")
        person.think(0.5)
        key = str(chance.randint(1, 3))
        browser.get("/comment", {"id": key, "author": name, "text": person.words(chance.randint(3, 12)).capitalize()})
        browser.get(f"/product?id={key}")
    person.leave()


if __name__ == "__main__":
    main()
