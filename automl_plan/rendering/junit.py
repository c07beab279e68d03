"""A report as JUnit's XML: a test case for each resource, or for each file that is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from automl_plan.rendering.annotations import Annotation, Home, Level, Report
from automl_plan.rendering.style import COMMAND, clean


def render(report: Report) -> str:
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
        ET.SubElement(case, "failure", told).text = _told(errors, report.home)
    if others:
        ET.SubElement(case, "system-out").text = _told(others, report.home)


def _told(found: Sequence[Annotation], home: Home) -> str:
    return "\n".join(f"{_place(each, home)}{clean(each.rule)}: {each.text}" for each in found)


def _place(annotation: Annotation, home: Home) -> str:
    if not annotation.file:
        return ""
    numbers = [str(number) for number in (annotation.line, annotation.column) if number]
    return ":".join([clean(home.path(annotation.file)), *numbers]) + ": "


def _is_error(annotation: Annotation) -> bool:
    return annotation.level is Level.ERROR
