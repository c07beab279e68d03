"""One comment for all runs of a pull request: that of the newest run, in any order."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from automl_plan.errors import CodeHostUnreachable
from automl_plan.output.code_hosts.github import Comment, PullRequest

_NOT_ALLOWED = re.compile(r"[^A-Za-z0-9=:.+_-]")
_MARKER = re.compile(
    r"\[//\]: # \(automl-plan key=([A-Za-z0-9=:.+_-]*) commit=([A-Za-z0-9=:.+_-]*) "
    r"made=([A-Za-z0-9=:.+_-]*)\)\s*"
)


class Origin(Struct, frozen=True):
    """What a comment belongs to; each is text from outside."""

    key: str = "automl-plan"
    """Tells several comments of one pull request apart."""
    commit: str | None = None
    made: str | None = None
    """When (RFC 3339)."""


def marker(origin: Origin) -> str:
    """A line that no renderer shows; letters that could end it early are left out."""
    key, commit, made = map(_allowed, (origin.key, origin.commit or "", origin.made or ""))
    return f"[//]: # (automl-plan key={key} commit={commit} made={made})"


def _allowed(text: str) -> str:
    """Return a text without the letters that a marker can't have."""
    return _NOT_ALLOWED.sub("", text)


def read_marker(line: str) -> Origin | None:
    """Return the origin in a comment's first line; None when it is not a marker."""
    match = _MARKER.fullmatch(line)
    return None if match is None else Origin(match[1], match[2] or None, match[3] or None)


SETTLING = 2.0
"""Seconds in which another run that has looked will have written."""
_ROUNDS = 5
_TRIES = 3
_AHEAD = timedelta(minutes=10)
"""By how much a clock may be wrong; what says that it is made later is not believed."""
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Outcome(StrEnum):
    """What became of the comment."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    LEFT = "left"
    """A newer run has written it."""


class Said(Struct, frozen=True):
    """What became of the comment, and where it is."""

    outcome: Outcome
    url: str


class Sticky:
    """The comment of one key on one pull request."""

    def __init__(
        self,
        pull_request: PullRequest,
        key: str,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._pull_request = pull_request
        self._key = _allowed(key)
        self._sleep = sleep
        self._viewer = pull_request.viewer()
        self._untouchable: set[int] = set()

    def say(self, body: str) -> Said:
        """Bring it about that one comment has the newest body. Raises CodeHostError."""
        done: Outcome | None = None
        for _ in range(_ROUNDS):
            outcome, comment = self._settle(body, done)
            if outcome in (Outcome.UNCHANGED, Outcome.LEFT):
                return Said(outcome if done is None else done, comment.url)
            done = done or outcome
            self._sleep(SETTLING)
        return Said(done or Outcome.LEFT, comment.url)

    def _settle(self, body: str, done: Outcome | None) -> tuple[Outcome, Comment]:
        own = self._own()
        if not own:
            return Outcome.CREATED, self._post(body)
        kept, *others = own
        best = max((c.body for c in own), key=lambda text: (self._made(text), text))
        if self._made(body) > self._made(best) or (
            # Of two that were made in the same second each run takes the same one in the end.
            self._made(body) == self._made(best) and (done is None or body > best)
        ):
            best = body
        if kept.body != best:
            changed = self._pull_request.update(kept, best)
            if changed is None:
                self._untouchable.add(kept.id)
                return self._settle(body, done)
        for other in others:
            self._pull_request.delete(other)
        if best != body:
            return Outcome.LEFT, kept
        return (Outcome.UNCHANGED if kept.body == body and not others else Outcome.UPDATED), kept

    def _post(self, body: str) -> Comment:
        """Post it; after a lost answer, look first whether it is there."""
        for _ in range(_TRIES):
            try:
                return self._pull_request.post(body)
            except CodeHostUnreachable as error:
                lost = error
                self._sleep(SETTLING)
                there = [comment for comment in self._own() if comment.body == body]
                if there:
                    return there[0]
        raise lost

    def _own(self) -> list[Comment]:
        """Comments with our key that we may have written, the oldest first.

        Anyone can write a comment that begins with our marker. Its author must be the owner of
        the token, or an app where the token has no known owner.
        """
        found = []
        for comment in self._pull_request.comments():
            mark = _mark(comment.body)
            ours = comment.by_bot if self._viewer is None else comment.login == self._viewer
            if mark is not None and mark.key == self._key and ours:
                found.append(comment)
        return sorted(
            (c for c in found if c.id not in self._untouchable), key=lambda comment: comment.id
        )

    def _made(self, body: str) -> datetime:
        mark = _mark(body)
        try:
            made = datetime.fromisoformat((mark and mark.made) or "")
        except ValueError:
            return _LONG_AGO
        if made.tzinfo is None or made > self._pull_request.now + _AHEAD:
            return _LONG_AGO
        return made


def _mark(body: str) -> Origin | None:
    return read_marker(body.partition("\n")[0])
