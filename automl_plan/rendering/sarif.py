"""A report as SARIF 2.1.0, for code scanning."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping
from urllib.parse import quote

from automl_plan import __version__
from automl_plan.rendering.annotations import Annotation, Home, Level, Report, meaning
from automl_plan.rendering.style import clean
from automl_plan.resources.json import Json

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Level.ERROR: "error", Level.WARNING: "warning", Level.NOTICE: "note"}
_ROOT = "%SRCROOT%"
_LINE = re.compile(r":[0-9]+")


def render(report: Report) -> str:
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
    """In a message, `[text](target)` would be a link: whoever wrote a name must not make one."""
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
