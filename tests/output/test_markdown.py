"""The comment of a pull request: within its limit, balanced, and inert whatever is in the plan."""

from __future__ import annotations

import random
import re
from html import unescape
from html.parser import HTMLParser

import pytest
from cmarkgfm import github_flavored_markdown_to_html
from cmarkgfm.cmark import Options
from markdown_it import MarkdownIt
from markdown_it.token import Token
from msgspec.structs import replace

from automl_plan.model.address import Address, ResourceKind
from automl_plan.model.contacts import Contact, ContactKind
from automl_plan.output.code_hosts.comments import Origin, marker, read_marker
from automl_plan.output.code_hosts.dialects import FLAVOURS, SourceLinks, inert
from automl_plan.output.markdown import plan_markdown
from automl_plan.planning.gate import GateReport, GateRow
from automl_plan.planning.plan import (
    Action,
    Amounts,
    Change,
    CostLine,
    Costs,
    Difference,
    Note,
    NoteKind,
    Plan,
    Refusal,
    Violation,
)
from automl_plan.planning.scorecards import Figures, Role, Scorecard
from automl_plan.workspace.bound_plan import BoundPlan
from tests.depth import times
from tests.output import scenes
from tests.output.golden import matches_golden

GITHUB = FLAVOURS["github"]
PLANS = times(800, 10_000)
PARTS = 8
SECOND_OPINION = 8
"""Of so many comments one is also judged by a slower parser, as other hosts may have."""
LINKS = SourceLinks("https://code.example/team/models/blob/0123456/", "#L")
PARSER = MarkdownIt("commonmark", {"linkify": True}).enable(["table", "linkify"])
OUR_TAGS = {
    *("a", "code", "details", "h3", "li", "p", "pre", "strong", "sub", "summary", "ul"),
    *("table", "tbody", "td", "th", "thead", "tr"),
}
OURS = re.compile(r"</?(details|summary|code|sub)>")
HOSTILE = (
    "`", "```", "````\n", "|", "@octocat", "#1", "</details>", "<script>alert(1)</script>",
    "[x](http://evil.example)", "![x](//evil.example/x.png)", "<!--", "-->", "\n\n# big\n", "\r\n",
    "~~~", "$x$", "\\", "&lt;", "&#60;img&#62;", "\u202e", "\x1b[31m", "**", "__", "http://evil.example",
    "- [ ] ", "> ", "1. ", "     ", "www.evil.example", "GH-1", "数字",
    "\U0001f600", ")", "<", "'", '"', "* * *", "[//]: # (x)",
)  # fmt: skip


def text(chance: random.Random) -> str:
    return "".join(
        chance.choice(HOSTILE) if chance.random() < 0.5 else chance.choice(("a", " word ", "1"))
        for _ in range(chance.randrange(8))
    )


def random_change(chance: random.Random) -> Change:
    kind = chance.choice(list(ResourceKind))
    return Change(
        Address(kind, f"n{chance.randrange(40)}"),
        chance.choice(list(Action)),
        text(chance),
        object_id=f"ICN{chance.randrange(10**9)}" if chance.random() < 0.7 else None,
        differences=tuple(
            Difference(text(chance) or "x", text(chance), text(chance))
            for _ in range(chance.randrange(3))
        ),
        where=chance.choice((None, text(chance), f"{text(chance)}:12")),
    )


def random_plan(chance: random.Random) -> BoundPlan:
    size = chance.choice((0, 1, 3, 10, 60))
    changes = tuple(random_change(chance) for _ in range(size))
    addresses = {change.address for change in changes}
    plan = Plan(
        changes,
        notes=tuple(
            Note(address, NoteKind.HELD, text(chance))
            for address in addresses
            if chance.random() < 0.2
        ),
        costs=Costs(
            "2026-10-07",
            tuple(CostLine(a, Amounts(training=12.5, monthly_after=3.0)) for a in addresses),
        ),
        violations=(Violation("deny", text(chance), warns=True),),
        refused=(Refusal("protected", text(chance)),) if chance.random() < 0.3 else (),
    )
    scores = tuple(random_score(chance, address) for address in addresses)
    contacts = tuple(
        Contact(text(chance), kind, text(chance), chance.choice((None, text(chance))))
        for kind in ContactKind
        if chance.random() < 0.2
    )
    planned = scenes.replace_dataset()
    return replace(planned, plan=plan, scores=scores, contacts=contacts)


def random_score(chance: random.Random, address: Address) -> Scorecard:
    labels = [None, *(text(chance) for _ in range(chance.randrange(4)))]
    figures = (Figures(label, 9, chance.random(), None, 0.5, None, None) for label in labels)
    gate = GateReport((GateRow(text(chance), 0.9, met=False, note=text(chance)),), None, None)
    return Scorecard(
        address,
        f"ICN{chance.randrange(10**9)}",
        chance.choice(list(Role)),
        0.5,
        tuple(figures),
        chance.choice((None, 3)),
        (),
        None,
        gate=chance.choice((None, gate)),
        simulated=chance.random() < 0.5,
        guessing=chance.choice((None, text(chance))),
    )


def tokens(markdown: str) -> list[Token]:
    found = []
    for token in PARSER.parse(markdown):
        found.append(token)
        found += token.children or []
    return found


@pytest.mark.parametrize("part", range(PARTS))
def test_whatever_is_in_the_plan(part: int) -> None:
    chance = random.Random(part)
    for number in range(PLANS // PARTS):
        planned = random_plan(chance)
        limit = chance.choice((3_000, 10_000, GITHUB.limit))
        origin = Origin(text(chance) or "k", text(chance) or None, text(chance) or None)
        flavour = chance.choice(list(FLAVOURS.values()))
        links = chance.choice((None, LINKS))
        comment = plan_markdown(planned, origin, flavour=flavour, links=links, limit=limit)
        as_github_shows(comment, planned, limit)
        if number % SECOND_OPINION == 0:
            check(comment, planned, limit)


class AsShown(HTMLParser):
    """What GitHub's own parser makes of a comment."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.feed(github_flavored_markdown_to_html(markdown, Options.CMARK_OPT_UNSAFE))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.open.append(tag)
        self.links += [str(value) for name, value in attrs if name == "href"]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, "not balanced"


def as_github_shows(markdown: str, planned: BoundPlan, limit: int) -> None:
    assert len(markdown.encode()) <= limit
    shown = AsShown(markdown)
    assert not shown.open
    assert shown.tags <= OUR_TAGS
    assert all(link.startswith(LINKS.base) for link in shown.links), "a link that is not ours"
    outside = re.sub(r"^(`{3,})diff\n.*?^\1$", "", markdown, flags=re.MULTILINE | re.DOTALL)
    assert "@octocat" not in unescape(outside), "somebody is mentioned"
    deletions = [c for c in planned.plan.changes if c.action is Action.DELETE]
    rows = len(re.findall(r"^\| \*\*delete\*\* \|", markdown, re.MULTILINE))
    (counted,) = re.findall(r"([\d,]+) delete rows?", markdown) or ["0"]
    assert rows + int(counted.replace(",", "")) == len(deletions), "a deletion is dropped"


def check(markdown: str, planned: BoundPlan, limit: int) -> None:
    as_github_shows(markdown, planned, limit)
    parsed = tokens(markdown)
    kinds = {token.type for token in parsed}
    assert not kinds & {"image", "blockquote_open", "hr"}
    targets = [str(t.attrGet("href")) for t in parsed if t.type == "link_open"]
    assert all(target.startswith(LINKS.base) for target in targets), "a link that is not ours"
    assert {t.tag for t in parsed if t.type == "heading_open"} == {"h3"}
    html = "".join(t.content for t in parsed if t.type in ("html_block", "html_inline"))
    assert "<" not in OURS.sub("", html), "HTML that is not ours"
    for tag in ("details", "summary", "code", "sub"):
        assert html.count(f"<{tag}>") == html.count(f"</{tag}>")


def test_what_is_inert() -> None:
    assert inert("model.digits") == "model.digits"
    assert inert("<b>|`@x") == "&#60;b&#62;&#124;&#96;&#64;&#8203;x"
    assert inert("a\nb") == "a&#92;nb"


def test_a_thousand_deletions_are_counted() -> None:
    changes = tuple(
        Change(Address(ResourceKind.MODEL, f"m{i}"), Action.DELETE, "x" * 200, object_id=f"ICN{i}")
        for i in range(2_000)
    )
    planned = replace(scenes.replace_dataset(), plan=Plan(changes))
    markdown = plan_markdown(planned, Origin())
    check(markdown, planned, GITHUB.limit)
    assert "### automl-plan: 2,000 deletions" in markdown
    assert "Omitted for length" in markdown


def test_the_comment_that_people_read() -> None:
    origin = Origin("digits", "0" * 40, "2026-11-23T12:00:00Z")
    assert matches_golden("comment", plan_markdown(scenes.replace_dataset(), origin))


def test_a_marker_is_read_again() -> None:
    chance = random.Random(7)
    for _ in range(500):
        origin = Origin(text(chance) or "k", text(chance), text(chance))
        first, *_ = plan_markdown(scenes.no_changes(), origin).split("\n")
        found = read_marker(first)
        assert found is not None
        assert read_marker(marker(found)) == found
    assert read_marker("[//]: # (automl-plan key=a commit= made=)\r\n") == Origin("a")
    assert read_marker("hello") is None
