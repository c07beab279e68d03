"""Reports for CI: GitHub Actions' workflow commands, JUnit's XML, SARIF 2.1.0."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote
from xml.etree import ElementTree as ET

from automl_plan import __version__
from automl_plan.model.json import Json
from automl_plan.output.annotations import Annotation, Home, Level, Report, meaning
from automl_plan.output.style import COMMAND, clean, harmless

_SHOWN = 10
"""Annotations of one level that GitHub shows for a step."""
_LONGEST = 4_000
"""Letters of one message."""
_DATA = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY = {**_DATA, ":": "%3A", ",": "%2C"}


def render_github(report: Report) -> str:
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
    parts = ",".join(f"{name}={_property(str(v))}" for name, v in properties.items() if v)
    text = annotation.text
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST - 1]}…"
    return f"::{annotation.level} {parts}::{_data(text)}"


def _data(text: str) -> str:
    return "".join(_DATA.get(letter, letter) for letter in harmless(text))


def _property(text: str) -> str:
    return "".join(_PROPERTY.get(letter, letter) for letter in harmless(clean(text)))


def render_junit(report: Report) -> str:
    """The whole document. What XML can't hold is escaped as on terminals."""
    cases: dict[str, list[Annotation]] = {subject: [] for subject in report.subjects}
    for annotation in report.annotations:
        cases.setdefault(_subject(annotation, report.home), []).append(annotation)
    if not cases:
        cases["configuration"] = []
    failed = sum(any(map(_is_error, found)) for found in cases.values())
    counts = {"tests": str(len(cases)), "failures": str(failed), "errors": "0"}
    root = ET.Element("testsuites", {"name": "automl-plan", **counts})
    name = f"automl-plan {report.command}"
    suite = ET.SubElement(root, "testsuite", {"name": name, **counts, "skipped": "0"})
    for subject, found in cases.items():
        _add_case(suite, subject, found, report)
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode")
    # A log may be where it is read from: as references, the signs of its commands say the same.
    text = COMMAND.sub(lambda match: f"{match[0][:-1]}&#{ord(match[0][-1])};", text)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _subject(annotation: Annotation, home: Home) -> str:
    """What a finding counts against: its resource, its file, or what kind of thing it is."""
    if annotation.address:
        return annotation.address
    family = annotation.rule.partition("/")[0]
    of_a_file = annotation.file and family == annotation.rule
    return home.path(annotation.file) if of_a_file else family


def _add_case(suite: ET.Element, subject: str, found: Sequence[Annotation], report: Report) -> None:
    attributes = {"classname": f"automl-plan.{report.command}", "name": clean(subject)}
    placed = next((each for each in found if each.file), None)
    if placed is not None:
        attributes["file"] = clean(report.home.path(placed.file))
        attributes["line"] = str(placed.line)
    case = ET.SubElement(suite, "testcase", attributes)
    errors = [each for each in found if _is_error(each)]
    others = [each for each in found if not _is_error(each)]
    if errors:
        first, more = errors[0], len(errors) - 1
        message = clean(first.message) + (f" (and {more} more)" if more else "")
        told = {"type": clean(first.rule), "message": message}
        ET.SubElement(case, "failure", told).text = _listed(errors, report.home)
    if others:
        ET.SubElement(case, "system-out").text = _listed(others, report.home)


def _listed(found: Sequence[Annotation], home: Home) -> str:
    return "\n".join(f"{_place(each, home)}{clean(each.rule)}: {each.text}" for each in found)


def _place(annotation: Annotation, home: Home) -> str:
    if not annotation.file:
        return ""
    numbers = [str(number) for number in (annotation.line, annotation.column) if number]
    return ":".join([clean(home.path(annotation.file)), *numbers]) + ": "


def _is_error(annotation: Annotation) -> bool:
    return annotation.level is Level.ERROR


SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Level.ERROR: "error", Level.WARNING: "warning", Level.NOTICE: "note"}
_ROOT = "%SRCROOT%"
_LINE = re.compile(r":[0-9]+")


def render_sarif(report: Report) -> str:
    """The whole document."""
    return json.dumps(_document(report), indent=2, sort_keys=True) + "\n"


def _document(report: Report) -> dict[str, Json]:
    rules = {rule: place for place, rule in enumerate(sorted(set(_rules(report))))}
    seen: Counter[str] = Counter()
    results: list[Json] = [_result(each, report, rules, seen) for each in report.annotations]
    driver: dict[str, Json] = {
        "name": "automl-plan",
        "version": __version__,
        "rules": [{"id": rule, "shortDescription": {"text": meaning(rule)}} for rule in rules],
    }
    run: dict[str, Json] = {
        "tool": {"driver": driver},
        # Tells the alerts of several configurations of a repository apart.
        "automationDetails": {"id": f"automl-plan/{report.command}/{_uri(report.home.prefix)}"},
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rules(report: Report) -> list[str]:
    return [annotation.rule for annotation in report.annotations]


def _result(
    annotation: Annotation, report: Report, rules: Mapping[str, int], seen: Counter[str]
) -> Json:
    fingerprint = _fingerprint(annotation)
    seen[fingerprint] += 1
    identity = f"{fingerprint}:{seen[fingerprint]}"
    return {
        "ruleId": annotation.rule,
        "ruleIndex": rules[annotation.rule],
        "level": _LEVELS[annotation.level],
        "message": {"text": _message(annotation)},
        "locations": [_location(annotation, report.home)],
        # The one that GitHub goes by; it would make its own of the text around the line.
        "partialFingerprints": {"automlPlan/v1": identity, "primaryLocationLineHash": identity},
    }


def _message(annotation: Annotation) -> str:
    """In a message, `[text](target)` would be a link: a name from outside must not make one."""
    return annotation.text.replace("](", "] (") or annotation.rule


def _fingerprint(annotation: Annotation) -> str:
    """The same wherever the line has moved to."""
    about = [annotation.rule, annotation.address]
    if not annotation.address:
        about += [annotation.file, _LINE.sub("", annotation.message)]
    return hashlib.sha256(json.dumps(about).encode()).hexdigest()[:32]


def _location(annotation: Annotation, home: Home) -> Json:
    """A place in a file: code scanning takes no result without one."""
    region: dict[str, Json] = {"startLine": max(annotation.line, 1)}
    if annotation.line and annotation.column:
        region["startColumn"] = annotation.column
    location: dict[str, Json] = {
        "physicalLocation": {
            "artifactLocation": _artifact(home.path(annotation.file or home.file)),
            "region": region,
        }
    }
    if annotation.address:
        location["logicalLocations"] = [
            {"fullyQualifiedName": clean(annotation.address), "kind": "resource"}
        ]
    return location


def _artifact(path: str) -> Json:
    if path.startswith("/"):
        return {"uri": f"file://{_uri(path)}"}
    return {"uri": _uri(path), "uriBaseId": _ROOT}


def _uri(path: str) -> str:
    return quote(clean(path))
