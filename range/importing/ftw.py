"""Regression tests of rule sets in the format of go-ftw, as the OWASP Core Rule Set has them.

Knows: that a test has stages, each of one request and what the log must and must not say of it; that each stage
becomes a step which sends exactly these bytes to the target.
Must never: add anything to a request, or test a rule by anything but its id.

No $NONCE is in such a request: it would not be the test's request any more. Alerts are credited by flow and window.

What the defender does (an answer with the status of a refusal, or none: `status: 403`, `expect_error`) is no effect
of the step: its effect is that the server behind answers. Any other `status` and `response_contains` are its effect.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from range.importing.items import BY_EXIT, Defaults, Document, Item, digest, listed, mapping, step_id, step_of, text
from range.importing.overlay import Entry, Overlay
from range.importing.sending import UnsendableError, built, sender
from range.scenario import Effect
from range.selector import Selector

TECHNIQUE = "T1190"
REFUSALS = ("403", "406")
"""Answers that a defender gives in the server's place."""
ANSWERED = r"(?m)\ASTATUS (?!403|406)\d{3}\b"
FROM, TO = Selector(role="attacker"), Selector(role="web")
LOCAL = ("", "localhost", "127.0.0.1")
_RULE = re.compile(r"""id\s*[:=]?\s*\\*["']?(\d{1,9})\\*["']?""")


def looks(document: Document) -> bool:
    """Whether a document is of this format."""
    value = mapping(document.value)
    tests = value.get("tests")
    return isinstance(tests, list) and any("stages" in mapping(test) for test in tests)


def read(document: Document, overlay: Overlay, defaults: Defaults) -> tuple[Item, ...]:
    """An item for each stage of each test."""
    value = mapping(document.value)
    rule = text(value.get("rule_id"))
    found: list[Item] = []
    for number, one in enumerate(listed(value.get("tests")), 1):
        test = mapping(one)
        name = text(test.get("test_title")) or f"{rule or 'test'}-{text(test.get('test_id')) or number}"
        stages = [mapping(mapping(stage).get("stage")) or mapping(stage) for stage in listed(test.get("stages"))]
        about = text(test.get("desc")) or text(mapping(value.get("meta")).get("description"))
        title = " ".join(about.split())[:200] or f"Rule {name}"
        if not stages:
            found.append(Item(name, title, document.file, "ftw", refused=("it has no stage",)))
        for turn, stage in enumerate(stages, 1):
            part = f"{name}-{turn}" if len(stages) > 1 else name
            item = Item(part, title, document.file, "ftw", digest=digest(stage))
            found.append(_stage(item, stage, overlay.tests.get(part) or overlay.entry(name), defaults))
    return tuple(found)


def _stage(item: Item, stage: Mapping[str, object], entry: Entry, defaults: Defaults) -> Item:
    sent, wanted = mapping(stage.get("input")), mapping(stage.get("output"))
    refused = list(_unfit(sent, entry))
    if entry.sha256 not in (None, item.digest):
        refused.append(f"it is not the test the overlay was written for: its sha256 is {item.digest}")
    rules, never, limits = _expected(wanted)
    limits += _left_out(wanted)
    if not rules and not never:
        refused.append("it expects nothing of any rule by id")
    try:
        script = sender(built(sent), _port(sent))
        effect = _effect(wanted, entry)
    except (UnsendableError, re.error) as error:
        return replace(item, refused=(*refused, str(error)))
    step, wrong = step_of({
        "id": step_id("ftw", item.name), "title": item.title,
        "technique": entry.technique or defaults.technique or TECHNIQUE,
        "from": entry.from_ or defaults.from_ or FROM, "target": entry.target or defaults.target or TO,
        "run": script, "timeout": entry.timeout or "15s", "effect": effect, "window": entry.window,
        "telemetry": entry.telemetry, "expect": {"rules": rules, "never": never},
    })  # fmt: skip
    refused += wrong
    return replace(item, step=None if refused else step, limits=tuple(limits), refused=tuple(refused))


def _port(sent: Mapping[str, object]) -> int:
    port = sent.get("port")
    if port is None:
        return 80
    if isinstance(port, int) and not isinstance(port, bool) and 0 < port < 65536:
        return port
    raise UnsendableError(f"`{text(port)[:20]}` is no port")


def _unfit(sent: Mapping[str, object], entry: Entry) -> Iterator[str]:
    """What the sender of a step cannot do."""
    if entry.safe == "deny":
        yield "the overlay denies it"
    if not sent:
        yield "it sends nothing: there is no `input`"
    protocol = text(sent.get("protocol")) or "http"
    if protocol != "http":
        yield f"the protocol `{protocol}`: only http is sent"
    if sent.get("save_cookie") is True:
        yield "`save_cookie`: no step keeps cookies for another"
    if sent.get("follow_redirect") is True:
        yield "`follow_redirect`: its request depends on an earlier answer"
    if sent.get("uris"):
        yield "`uris`: one step sends one request"
    if sent.get("response"):
        yield "`response`: the answer to be tested must be made up by a server of go-ftw's own"
    if text(sent.get("dest_addr")) not in LOCAL:
        yield f"it is sent to `{text(sent.get('dest_addr'))[:60]}`, not to the server under test"


def _expected(wanted: Mapping[str, object]) -> tuple[list[str], list[str], list[str]]:
    """Rules that must alert, rules that must not, and what of the expectations is not checked."""
    log = mapping(wanted.get("log"))
    rules = [text(one) for one in listed(log.get("expect_ids"))]
    never = [text(one) for one in listed(log.get("no_expect_ids"))]
    limits: list[str] = []
    for holder, key, found in (
        (wanted, "log_contains", rules), (wanted, "no_log_contains", never),
        (log, "match_regex", rules), (log, "no_match_regex", never),
    ):  # fmt: skip
        said = text(holder.get(key))
        named = _RULE.fullmatch(said.strip())
        if named:
            found.append(named[1])
        elif said:
            limits.append(f"`{key}: {said[:80]}` is not checked: only ids of rules are")
    return list(dict.fromkeys(filter(None, rules))), list(dict.fromkeys(filter(None, never))), limits


def _left_out(wanted: Mapping[str, object]) -> list[str]:
    found = []
    if wanted.get("isolated") is True:
        found.append("`isolated` is not checked: other rules may alert too")
    if wanted.get("retry_once") is True:
        found.append("`retry_once` is not done")
    if wanted.get("expect_error") is True or text(wanted.get("status")) in REFUSALS:
        found.append("that the defender refuses the request shows in the verdict, not in the proof of effect")
    return found


def _effect(wanted: Mapping[str, object], entry: Entry) -> Effect:
    """The proof that the request reached the server behind. Raises re.error."""
    if isinstance(entry.effect, Effect):
        return entry.effect
    if entry.effect == "exit_code":
        return BY_EXIT
    status, within = text(wanted.get("status")), text(wanted.get("response_contains"))
    plain = not status or status in REFUSALS or wanted.get("expect_error") is True
    begin = ANSWERED if plain else rf"(?m)\ASTATUS {re.escape(status)}\b"
    if within:
        begin = rf"{begin}(?s:.*)(?:{within})"
        re.compile(begin)
    return Effect(output=begin)
