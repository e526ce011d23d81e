"""Somebody writes and reads mail: one to three messages out by SMTP, then the mailbox is fetched by POP3.

Half a second on the average between two. Messages are some words long; one in five brings an attachment of some KB.
"""

import poplib
import smtplib
from email.message import EmailMessage

from person import Person

PEOPLE = ("clerk", "paula", "tom", "ines")


def message(person: Person, sender: str) -> EmailMessage:
    """A message to a colleague."""
    chance = person.random
    made = EmailMessage()
    made["From"] = f"{sender}@harbour.example"
    made["To"] = f"{chance.choice(PEOPLE)}@harbour.example"
    made["Subject"] = person.words(3).capitalize()
    made["Message-ID"] = f"<{person.word}.{chance.randrange(1 << 32):08x}@harbour.example>"
    made.set_content("\n".join(person.words(10) for _ in range(chance.randint(2, 12))))
    if chance.random() < 0.2:
        data = chance.randbytes(chance.randint(500, 20_000))
        made.add_attachment(data, maintype="application", subtype="pdf", filename="offer.pdf")
    return made


def send(person: Person, sender: str) -> None:
    with smtplib.SMTP(person.target, 25, "pc.harbour.example", timeout=5) as server:
        server.send_message(message(person, sender))


def fetch(person: Person, name: str) -> int:
    """How many messages there were."""
    box = poplib.POP3(person.target, 110, timeout=5)
    try:
        box.user(name)
        box.pass_("quiet-Anchor-8")
        count, _ = box.stat()
        for number in range(1, count + 1):
            box.retr(number)
            box.dele(number)
        return count
    finally:
        box.quit()


def served(done: object) -> bool:
    """That it ended without an error."""
    return True


def main() -> None:
    person = Person()
    name = person.random.choice(PEOPLE)
    for number in range(person.random.randint(1, 3)):
        if number:
            person.think(0.5)
        person.do("smtp send", lambda: served(send(person, name)))
    person.think(0.3)
    person.do("pop3 fetch", lambda: served(fetch(person, name)))
    person.leave()


if __name__ == "__main__":
    main()
