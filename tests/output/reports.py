"""Reads reports as those do that show them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema

from tests.output.sarif_schema import SARIF_SCHEMA

_COMMAND = re.compile(r"::([a-z]+) ([^:]*)::(.*)")


@dataclass(frozen=True, slots=True)
class Command:
    """A workflow command, unescaped."""

    name: str
    properties: dict[str, str]
    message: str


def commands(text: str) -> Iterator[Command]:
    """Every line as GitHub's runner takes it; each must be a command."""
    lines = re.split(r"\r\n|\r|\n", text)
    assert lines.pop() == ""
    for line in lines:
        match = _COMMAND.fullmatch(line)
        assert match is not None, line
        pairs = (pair.partition("=") for pair in match[2].split(","))
        properties = {name: unescaped(value, ":,") for name, _, value in pairs}
        yield Command(match[1], properties, unescaped(match[3]))


def unescaped(text: str, more: str = "") -> str:
    """Data of a command; `more`: what else is escaped in its properties."""
    for letter in f"\r\n{more}":
        text = text.replace(f"%{ord(letter):02X}", letter)
    return text.replace("%25", "%")


def sarif_run(text: str) -> dict[str, Any]:
    """The one run of a SARIF document; raises what is wrong with it."""
    document = json.loads(text)
    jsonschema.Draft7Validator(SARIF_SCHEMA).validate(document)
    (run,) = document["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert [rules[result["ruleIndex"]] for result in run["results"]] == [
        result["ruleId"] for result in run["results"]
    ]
    return dict(run)


def junit_cases(text: str) -> dict[str, ET.Element]:
    """The test cases of a JUnit document by their names; its counts are right."""
    root = ET.fromstring(text)
    assert root.tag == "testsuites"
    (suite,) = root
    cases = list(suite)
    failures = sum(case.find("failure") is not None for case in cases)
    for element in (root, suite):
        assert (element.get("tests"), element.get("failures"), element.get("errors")) == (
            str(len(cases)),
            str(failures),
            "0",
        )
    named = {str(case.get("name")): case for case in cases}
    assert len(named) == len(cases)
    return named


def no_command(text: str) -> bool:
    """Whether a runner finds none: at the start of a line after blanks, or anywhere in it."""
    begins = any(line.lstrip().startswith("::") for line in re.split("[\r\n]", text))
    return not begins and not re.search(r"(?i)##[a-z]*\[", text)
