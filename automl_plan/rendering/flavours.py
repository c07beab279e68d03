"""What the Markdown of one code host allows, and how text from outside is made inert there."""

from __future__ import annotations

import re

from msgspec import Struct

from automl_plan.rendering.style import clean

_PLAIN = re.compile(r"[A-Za-z0-9 .,;/()'-]")
_REFERS = "@#!~%$&^"
"""Letters that hosts make links of, to people, issues and the like, even in what is escaped."""
_BREAK = "&#8203;"
"""A space of no width: what follows is no part of a reference."""
_STILL_LINKS = re.compile(r"((?:www|GH)(?=[.-])|/(?=/))", re.IGNORECASE)
_OPENS_A_LIST = re.compile(r"(\d+(?=[.)])|(?=-))([-.)])(?= |$)")
_PLAIN_CODE = re.compile(r"[A-Za-z0-9 ._/:=-]+")


def inert(text: str) -> str:
    """Text from outside in a place of its own: nothing in it is Markdown, HTML or a reference."""
    letters = (
        c if _PLAIN.match(c) else f"&#{ord(c)};{_BREAK if c in _REFERS else ''}"
        for c in clean(text).strip()
    )
    inside = _STILL_LINKS.sub(rf"\1{_BREAK}", "".join(letters))
    opens = _OPENS_A_LIST.match(inside)
    if opens is None:
        return inside
    return f"{opens[1]}&#{ord(opens[2])};{inside[opens.end() :]}"


class Flavour(Struct, frozen=True):
    """The Markdown of one host."""

    name: str
    limit: int
    """Bytes that a comment may have."""
    html: bool = True
    """Whether it takes `<details>`, `<code>` and `<sub>`."""

    def code(self, text: str) -> str:
        """Text from outside as code."""
        if self.html:
            return f"<code>{inert(text)}</code>"
        return f"`{text}`" if _PLAIN_CODE.fullmatch(text) else inert(text)

    def small(self, text: str) -> str:
        """Our own text in small letters."""
        return f"<sub>{text}</sub>" if self.html else text

    def folded(self, summary: str, body: str) -> str:
        """Our own text behind a line that opens it."""
        if self.html:
            return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>"
        return f"{summary}\n\n{body}"


FLAVOURS = {
    flavour.name: flavour
    for flavour in (
        Flavour("github", 65_536),  # counted in characters, and never fewer than these
        Flavour("gitlab", 1_000_000),
        Flavour("bitbucket", 32_768, html=False),
    )
}
"""By the names of their hosts."""
