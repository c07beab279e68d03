"""What a code host's Markdown allows, and links to lines of files there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

from msgspec import Struct

from automl_plan.output.style import clean

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


_BASE = re.compile(r"https?://[A-Za-z0-9._~:/@%+-]+")
_WHERE = re.compile(r"(.+):([0-9]+)", re.DOTALL)
_COMMIT = re.compile(r"[0-9a-f]{7,64}")


class SourceLinks(Struct, frozen=True):
    """Where the files of a configuration can be looked at."""

    base: str
    """What a file's path is put behind: ends with a slash."""
    anchor: str
    """Between the file's path and the line."""

    def url(self, where: str) -> str | None:
        """Of `file:line`; None when it is nothing of the kind."""
        match = _WHERE.fullmatch(where)
        if match is None or match[1].startswith(("/", "..")):
            return None
        return f"{self.base}{quote(match[1])}{self.anchor}{match[2]}"


def host_of(environ: Mapping[str, str]) -> str | None:
    """The host whose pipeline this is, by the variables that it sets."""
    variables = {
        "GITHUB_ACTIONS": "github",
        "GITLAB_CI": "gitlab",
        "BITBUCKET_BUILD_NUMBER": "bitbucket",
    }
    return next((host for name, host in variables.items() if environ.get(name)), None)


def source_links(
    environ: Mapping[str, str], commit: str | None, directory: str
) -> SourceLinks | None:
    """Links for a pipeline of GitHub, GitLab or Bitbucket; None anywhere else.

    `directory` is where the configuration lies in its repository: "" or `models/`.
    """
    commit = (commit or "").removesuffix("-dirty")
    match host_of(environ):
        case "github":
            server = environ.get("GITHUB_SERVER_URL", "https://github.com")
            root = f"{server}/{environ.get('GITHUB_REPOSITORY', '')}/blob"
            commit, anchor = commit or environ.get("GITHUB_SHA", ""), "#L"
        case "gitlab":
            root = f"{environ.get('CI_PROJECT_URL', '')}/-/blob"
            commit, anchor = commit or environ.get("CI_COMMIT_SHA", ""), "#L"
        case "bitbucket":
            root = f"{environ.get('BITBUCKET_GIT_HTTP_ORIGIN', '')}/src"
            commit, anchor = commit or environ.get("BITBUCKET_COMMIT", ""), "#lines-"
        case _:
            return None
    if not _BASE.fullmatch(root) or not _COMMIT.fullmatch(commit):
        return None
    return SourceLinks(f"{root}/{commit}/{quote(directory)}", anchor)
