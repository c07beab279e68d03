"""A report as workflow commands of GitHub Actions: annotations in the diff of a pull request.

A line is one command. GitHub shows ten of each level for a step and drops the others, so that
the last of more than ten says how many it stands for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from automl_plan.rendering.annotations import Annotation, Home, Level, Report
from automl_plan.rendering.style import clean, harmless

_SHOWN = 10
"""Annotations of one level that GitHub shows for a step."""
_LONGEST = 4_000
"""Letters of one message."""
_DATA = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY = {**_DATA, ":": "%3A", ",": "%2C"}


def render(report: Report) -> str:
    """The commands; "" when there is nothing to say."""
    lines: list[str] = []
    for level in Level:
        found = [each for each in report.annotations if each.level is level]
        lines += _of_level(level, found, report)
    return "".join(f"{line}\n" for line in lines)


def _of_level(level: Level, found: Sequence[Annotation], report: Report) -> Iterator[str]:
    shown = found if len(found) <= _SHOWN else found[: _SHOWN - 1]
    for annotation in shown:
        yield _command(annotation, report.home)
    more = len(found) - len(shown)
    if more:
        text = f"and {more:,} more of this kind: run automl-plan {report.command} to see them all"
        yield f"::{level} title=automl-plan::{_data(text)}"


def _command(annotation: Annotation, home: Home) -> str:
    properties: dict[str, str | int] = {}
    if annotation.file:
        properties["file"] = home.path(annotation.file)
        properties["line"] = annotation.line
        properties["col"] = annotation.column
    properties["title"] = f"{annotation.rule} {annotation.address}".strip()
    told = ",".join(f"{name}={_property(str(v))}" for name, v in properties.items() if v)
    text = annotation.text
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST - 1]}…"
    return f"::{annotation.level} {told}::{_data(text)}"


def _data(text: str) -> str:
    return "".join(_DATA.get(letter, letter) for letter in harmless(text))


def _property(text: str) -> str:
    return "".join(_PROPERTY.get(letter, letter) for letter in harmless(clean(text)))
