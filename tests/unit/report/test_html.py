"""The page: whole, escaped, and asking nobody for anything."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from range.campaign import Gates
from range.judging.result import CampaignResult
from range.judging.scorecard import GateResult, Outcome
from range.ledger import Isolation, Malformed
from range.report.html import page, sentence
from tests.builders import (
    DRAWING,
    T0,
    a_control,
    a_demo_result,
    a_result,
    a_rich_result,
    a_trial,
    an_action,
    an_alert,
)

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&{{ 7*7 }}</pre></details></style>"
VOID = {"meta", "link", "img", "br"}


class Page(HTMLParser):
    """Every tag with its attributes, the text, and the tags that do not match."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.open: list[str] = []
        self.unmatched: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()
        else:
            self.unmatched.append(tag)

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("style", "script"):
            self.words += data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def hostile() -> CampaignResult:
    """A result in which every text that comes from outside tries to break the page."""
    step = replace(
        an_action("sqli"), title=HOSTILE, command=HOSTILE, stdout=HOSTILE, stderr=HOSTILE, effect_detail=HOSTILE,
        cleanup_failed=HOSTILE, technique="T1190",
    )  # fmt: skip
    alert = an_alert(step, title=HOSTILE, raw=HOSTILE, rule=HOSTILE, tool=HOSTILE, disposition="blocked")
    stray = replace(alert, src=replace(alert.src, address="192.0.2.99"))
    mistagged = replace(alert, techniques=("T1046",))
    trial = a_trial(
        step, alerts=(alert, stray, mistagged), malformed=(Malformed(HOSTILE, "s", HOSTILE, T0, HOSTILE, HOSTILE),),
        isolation=Isolation(T0, (HOSTILE,), (HOSTILE,), (), HOSTILE), images=((HOSTILE, HOSTILE),), fault=HOSTILE,
    )  # fmt: skip
    return a_result(a_control(step), trial, title=HOSTILE, topology=HOSTILE, notes=(HOSTILE,), drawing=HOSTILE)


@pytest.mark.parametrize("result", [a_demo_result(), a_rich_result(), hostile(), a_result(a_trial()), a_result()])
def test_the_page_is_well_formed(result: CampaignResult) -> None:
    found = Page(page(result))
    assert (found.open, found.unmatched) == ([], [])
    ids = [attributes["id"] for _tag, attributes in found.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [str(attributes["href"]) for attributes in found.named("a")]
    assert all(link.startswith("#") and link[1:] in ids for link in links)


def test_hostile_text_is_shown_and_never_runs() -> None:
    found = Page(page(hostile()))
    assert HOSTILE in found.words
    assert len(found.named("script")) == 1
    assert [tag for tag, attributes in found.tags if any(name.startswith("on") for name in attributes)] == []
    assert [
        image["src"] for image in found.named("img") if not str(image["src"]).startswith("data:image/svg+xml")
    ] == []


@pytest.mark.parametrize("result", [a_demo_result(), a_rich_result(), hostile()])
def test_the_page_asks_nobody_for_anything(result: CampaignResult) -> None:
    text = page(result)
    found = Page(text)
    for tag, attributes in found.tags:
        for name in ("src", "href", "srcset", "action", "poster", "data", "xlink:href"):
            value = attributes.get(name)
            assert value is None or value.startswith(("#", "data:")), (tag, name, value)
    styles = "".join(re.findall(r"<style>(.*?)</style>", text, re.DOTALL))
    assert styles
    assert "url(" not in styles
    assert "@import" not in styles
    script = text.rpartition("<script>")[2]
    assert not re.search(r"fetch|XMLHttp|https?:|import\s*\(|WebSocket|innerHTML", script)
    (policy,) = (m["content"] for m in found.named("meta") if m.get("http-equiv") == "Content-Security-Policy")
    assert str(policy).startswith("default-src 'none'")


def test_everything_a_reader_needs_is_there() -> None:
    words = Page(page(a_demo_result())).words
    for part in (
        "Small company, three tools", "Passed", "T1059.007", "Call home slowly, as ordinary HTTPS", "after 0.7 s",
        "6 of 7 verdicts", "86%", "guess had no effect", "Ban 203.0.113.9", "IPv4 truncated packet",
        "seen after 0.6 s", "2 nodes looked at", "not JSON", "Limits of this evidence", "one machine",
        "must_notice sqli", "right technique", "initial access", "the output holds `ada@example.org`", "r-7f3a",
    ):  # fmt: skip
        assert part in words, part


def test_the_drawing_goes_in_as_an_image_unchanged() -> None:
    (image,) = Page(page(a_demo_result())).named("img")
    assert base64.b64decode(str(image["src"]).partition(",")[2]).decode() == DRAWING
    assert Page(page(a_demo_result(drawing=""))).named("img") == []


@pytest.mark.parametrize(
    ("gates", "title"),
    [
        (Gates(), "Passed"),
        (Gates(must_block=("slow-beacon",)), "Failed"),
        (Gates(inconclusive_max=0.0), "Not enough evidence"),
    ],
)
def test_the_decision_stands_at_the_top_with_its_reasons(gates: Gates, title: str) -> None:
    step = an_action("slow-beacon")
    open_ = an_action("open", effect="absent")
    alerts = (an_alert(an_action("seen"), text="jrseen"),)
    trial = a_trial(step, open_, an_action("seen"), alerts=alerts)
    result = a_result(a_control(step, open_, an_action("seen")), trial, gates=gates)
    head = page(result).partition("<main>")[0]
    assert f"<strong>{title}</strong>" in head
    if title != "Passed":
        assert all(reason in Page(head).words for reason in result.decision_reasons)


def test_long_output_is_cut_and_says_so() -> None:
    step = an_action("sqli", stdout="y" * 9000)
    words = Page(page(a_result(a_control(step), a_trial(step)))).words
    assert "[5000 more characters in the JSON result]" in words
    assert "y" * 4001 not in words


def test_the_page_is_the_same_for_the_same_result() -> None:
    assert page(a_demo_result()) == page(a_demo_result())


def test_a_rich_result_says_everything_it_knows() -> None:
    words = " ".join(Page(page(a_rich_result())).words.split())
    for part in (
        "2 of 31 gates do not hold, and 6 of 31 gates lack the evidence", "previous: sqli was not blocked",
        "23 gates hold", "1.4 times control", "benign 0.97) / 3", "flaky", "reruns: noticed 2 of 4",
        "not tried", "never within", "horizon", "exact Poisson", "Per 10,000 requests", "ssh-admin",
        "known, not counted: our switch cuts", "one attack a day", "99 of 100 within", "control 5.6%",
        "candidate against previous", "sign-flip permutation test", "after Holm", "too few trials",
        "9 of 9", "addresses, ports and protocol of a flow", "Placebo", "9 captures", "30.0 MiB",
        "Where the time went", "jointrange verify r-7f3a.bundle", "sha256:5c1e", "control-2 of run r-6e21",
        "1 time, and gone on with", "Machine: kernel", "ATT&CK 18.1", "candidate, trial 1, rerun", "2 other trials",
    ):  # fmt: skip
        assert part in words, part


def test_what_was_not_measured_is_said_in_plain_words() -> None:
    step = an_action("sqli", effect="unknown")
    bare = replace(a_trial(step), phases=(), canaries=(), actions=(step,))
    words = " ".join(Page(page(a_result(a_control(step), bare, drawing=""))).words.split())
    for part in (
        "no verdict is conclusive", "so there is no time to detect", "nothing is known about the rate of false alarms",
        "nothing is known about what users would notice", "What nodes used was not measured", "No traffic was captured",
        "none was sent", "could not be measured", "The campaign asks for no weighted total", "not recorded",
    ):  # fmt: skip
        assert part in words, part


def test_a_total_stands_there_only_when_the_campaign_asks() -> None:
    assert "by the campaign's weights" not in Page(page(a_demo_result())).words
    assert "by the campaign's weights" in Page(page(a_rich_result())).words


def test_gates_that_do_not_hold_come_first() -> None:
    head = page(a_rich_result()).partition("<main>")[0]
    order = [head.index(text) for text in ("does not hold", "not enough evidence", "gates hold</summary>")]
    assert order == sorted(order)


@pytest.mark.parametrize(
    ("outcomes", "decision", "said"),
    [
        (("pass", "pass"), "pass", "Each of 2 gates holds"),
        (("pass", "fail"), "fail", "1 of 2 gates does not hold."),
        (("fail", "fail", "insufficient"), "fail", "2 of 3 gates do not hold, and 1 of 3 gates lacks the evidence"),
        (("insufficient", "fail"), "insufficient", "1 of 2 gates lacks the evidence to be decided (and 1 of 2 gates"),
        ((), "insufficient", "There is no arm with tools"),
    ],
)
def test_the_decision_is_one_sentence(outcomes: tuple[Outcome, ...], decision: Outcome, said: str) -> None:
    gates = tuple(GateResult("defended", "g", outcome, "why") for outcome in outcomes)
    found = sentence(replace(a_demo_result(), gate_results=gates, decision=decision))
    assert found.startswith(said)
    assert found.endswith(".")


def test_a_large_campaign_makes_a_page_of_bearable_size() -> None:
    result = a_rich_result(trials=10, copies=5, storm=500)
    assert sum(len(one.trial.alerts) for one in result.judged) > 10_000
    assert len(result.judged[0].verdicts) == 50
    text = page(result)
    assert len(text.encode()) < 3_000_000
    found = Page(text)
    assert (found.open, found.unmatched) == ([], [])
    assert "Not drawn, to keep this page small: " in found.words
    assert sum(attributes.get("class") == "timeline" for attributes in found.named("svg")) >= 3
