"""GitHub: a workflow step's environment, and comments of a pull request by the REST API."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from msgspec import Struct

from automl_plan import __version__
from automl_plan.errors import CodeHostError, CodeHostUnreachable, UsageError

if TYPE_CHECKING:
    import requests


_LARGEST = 32 * 1024 * 1024
"""Bytes of an event file that are read."""
_COMMIT = re.compile(r"[0-9a-f]{7,64}")


class Run(Struct, frozen=True):
    """Where a workflow runs; None where it does not say."""

    api_url: str
    repository: str | None
    number: int | None
    """Of the pull request."""
    commit: str | None
    """That was pushed; what is checked out may be its merge with the target."""


def run_of(environ: Mapping[str, str]) -> Run:
    """Read it. Raises UsageError for an event file that can't be read."""
    event = _event(environ.get("GITHUB_EVENT_PATH"))
    pull_request = _mapping(event.get("pull_request"))
    numbers = (
        pull_request.get("number"),
        _mapping(event.get("issue")).get("number"),
        event.get("number"),
        _of_ref(environ.get("GITHUB_REF", "")),
    )
    number = next((n for n in numbers if isinstance(n, int) and n > 0), None)
    commit = _mapping(pull_request.get("head")).get("sha")
    valid = isinstance(commit, str) and _COMMIT.fullmatch(commit)
    return Run(
        environ.get("GITHUB_API_URL") or "https://api.github.com",
        environ.get("GITHUB_REPOSITORY") or None,
        number,
        commit if valid else None,
    )


def _event(path: str | None) -> dict[str, Any]:
    if not path:
        return {}
    try:
        with Path(path).open("rb") as file:
            return _mapping(json.loads(file.read(_LARGEST)))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(
            f"GITHUB_EVENT_PATH {path} can't be read.", hint="Pass --repo and --pull-request."
        ) from error


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _of_ref(ref: str) -> int | None:
    match = re.fullmatch(r"refs/pull/([0-9]+)/(?:merge|head)", ref)
    return int(match[1]) if match else None


_TRIES = 4
_LONGEST_WAIT = 60.0
"""Seconds that one pause may take."""
_TIMEOUT = (10.0, 30.0)
"""Seconds to connect, and between two bytes of an answer."""
_PER_PAGE = 100
_MOST_PAGES = 100
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/(?!\.\.?$)[A-Za-z0-9._-]+")
_NEXT = re.compile(r'<([^<>]+)>\s*;[^,<]*\brel="?next"?')
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_HINTS = {
    401: "GITHUB_TOKEN is invalid or has expired.",
    403: "The token can't write comments: give the job `permissions: pull-requests: write`. For "
    "pull "
    "requests from forks it never can; there, `automl-plan show PLANFILE --format markdown >> "
    '"$GITHUB_STEP_SUMMARY"` adds the plan to the run.',
    404: "There is no such pull request, or the token can't see it.",
    410: "Comments are disabled.",
    422: "GitHub rejected the comment: the pull request may be locked, or the comment too long.",
}


class Comment(Struct, frozen=True):
    """One comment of a pull request."""

    id: int
    body: str
    url: str
    login: str
    """Of its author."""
    by_bot: bool
    """Whether its author is an app."""


class PullRequest:
    """The comments of one pull request. All methods raise CodeHostError."""

    def __init__(
        self,
        api_url: str,
        repository: str,
        number: int,
        token: str,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        parts = urlsplit(api_url)
        if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
            raise UsageError(f"GITHUB_API_URL {api_url}: a token is only sent over https.")
        if not _REPOSITORY.fullmatch(repository):
            raise UsageError(f"{repository!r} is not a repository.", hint="Write OWNER/NAME.")
        self._api = api_url.rstrip("/")
        self._repository = f"{self._api}/repos/{repository}"
        self._issue = f"{self._repository}/issues/{number}/comments"
        self._token = token
        self._sleep = sleep
        self._session: requests.Session | None = None
        self.now = datetime.now(UTC)
        """By GitHub's clock, once it has answered."""

    def viewer(self) -> str | None:
        """The login that the token belongs to; None for that of an app, which has none."""
        answer = self._send("GET", f"{self._api}/user", allowed=(401, 403, 404))
        found = answer.json() if answer.status_code == 200 else {}
        return str(found["login"]) if isinstance(found, dict) and "login" in found else None

    def comments(self) -> Iterator[Comment]:
        """All comments, the oldest first."""
        url: str | None = f"{self._issue}?per_page={_PER_PAGE}"
        for _ in range(_MOST_PAGES):
            if url is None:
                return
            answer = self._send("GET", url)
            found = _content(answer)
            if not isinstance(found, list):
                raise CodeHostError("GitHub's list of comments is not a list.", where=self._issue)
            yield from map(_comment, found)
            url = self._following(answer)

    def post(self, body: str) -> Comment:
        """Make a comment. Raises CodeHostUnreachable when it is not known whether it was made."""
        return _comment(_content(self._send("POST", self._issue, {"body": body}, tries=1)))

    def update(self, comment: Comment, body: str) -> Comment | None:
        """Change a comment; None when it is gone, or may not be changed."""
        url = f"{self._repository}/issues/comments/{comment.id}"
        answer = self._send("PATCH", url, {"body": body}, allowed=(403, 404))
        return _comment(_content(answer)) if answer.status_code == 200 else None

    def delete(self, comment: Comment) -> None:
        """Delete a comment; one that is gone already is fine."""
        url = f"{self._repository}/issues/comments/{comment.id}"
        self._send("DELETE", url, allowed=(403, 404))

    def _following(self, answer: requests.Response) -> str | None:
        """The address of the next page, of the same host: the token goes with it."""
        match = _NEXT.search(answer.headers.get("Link", ""))
        if match is None:
            return None
        here, there = urlsplit(self._api), urlsplit(match[1])
        if (here.scheme, here.netloc) != (there.scheme, there.netloc):
            raise CodeHostError("GitHub's next page is on another host.", where=there.netloc)
        return match[1]

    def _send(
        self,
        method: str,
        url: str,
        content: dict[str, str] | None = None,
        *,
        allowed: tuple[int, ...] = (),
        tries: int = _TRIES,
    ) -> requests.Response:
        for left in reversed(range(tries)):
            try:
                answer = self._once(method, url, content)
            except CodeHostUnreachable:
                if not left:
                    raise
                self._sleep(2.0 ** (tries - left - 1))
                continue
            self._note_time(answer)
            if answer.status_code < 300:
                return answer
            pause = _pause(answer, self.now, 2.0 ** (tries - left - 1))
            if pause is None and answer.status_code in allowed:
                return answer
            if pause is None or pause > _LONGEST_WAIT or not left:
                raise _refused(answer, method, url)
            self._sleep(pause)
        raise AssertionError("unreachable")

    def _once(self, method: str, url: str, content: dict[str, str] | None) -> requests.Response:
        import requests

        if self._session is None:
            self._session = requests.Session()
            self._session.headers.update(
                {
                    "Accept": "application/vnd.github+json",
                    "X-GitHub-Api-Version": "2022-11-28",
                    "User-Agent": f"automl-plan/{__version__}",
                }
            )
            # Not as a header of the session: a .netrc would take its place.
            self._session.auth = self._signed
        try:
            return self._session.request(
                method, url, json=content, timeout=_TIMEOUT, allow_redirects=False
            )
        except requests.RequestException as error:
            raise CodeHostUnreachable(
                f"GitHub's response was lost or incomplete ({type(error).__name__}).",
                where=f"{method} {url}",
                hint="The plan is complete; only the comment is missing. Run the command again.",
            ) from error

    def _signed(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request

    def _note_time(self, answer: requests.Response) -> None:
        try:
            self.now = parsedate_to_datetime(answer.headers.get("Date", "")).astimezone(UTC)
        except ValueError:
            self.now = datetime.now(UTC)


def _pause(answer: requests.Response, now: datetime, backoff: float) -> float | None:
    """Seconds to wait before the same is worth another try; None when it is not."""
    headers, status = answer.headers, answer.status_code
    limited = status == 429 or (
        status == 403 and ("Retry-After" in headers or headers.get("x-ratelimit-remaining") == "0")
    )
    if not limited and status < 500:
        return None
    asked = _seconds(headers.get("Retry-After"))
    if asked is not None:
        return asked
    reset = _seconds(headers.get("x-ratelimit-reset")) if limited else None
    return backoff if reset is None else max(reset - now.timestamp(), 0.0)


def _seconds(text: str | None) -> float | None:
    """A count of seconds; None where a header has none."""
    known = text is not None and re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,9})?", text)
    return float(text) if text is not None and known else None


def _refused(answer: requests.Response, method: str, url: str) -> CodeHostError:
    status = answer.status_code
    try:
        found = answer.json()
        said = str(found["message"])[:200] if isinstance(found, dict) else ""
    except (ValueError, KeyError):
        said = ""
    message = f"GitHub responded with {status}{f': {said}' if said else ''}."
    if status >= 500:
        # Whether it acted is not known.
        return CodeHostUnreachable(message, where=f"{method} {url}", hint="Run the command again.")
    if 300 <= status < 400:
        hint = "The repository may have moved: pass its new name with --repo."
    else:
        hint = _HINTS.get(status, "The plan is complete; only the comment is missing.")
    return CodeHostError(message, where=f"{method} {url}", hint=hint)


def _content(answer: requests.Response) -> Any:
    try:
        return answer.json()
    except ValueError as error:
        raise CodeHostUnreachable("GitHub's response is not JSON.", where=answer.url) from error


def _comment(found: Any) -> Comment:
    try:
        author = found.get("user") or {}  # of somebody who has left
        return Comment(
            int(found["id"]),
            str(found.get("body") or ""),
            str(found.get("html_url") or ""),
            str(author.get("login") or ""),
            author.get("type") == "Bot",
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CodeHostError("GitHub's response contains an invalid comment.") from error
