"""Reports for CI: what each format holds, and that no text breaks out of its place."""

from __future__ import annotations

import os
import re
from typing import get_args
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from automl_plan.cli.ci_formats import REPORTS as FORMATS
from automl_plan.cli.ci_formats import rendered
from automl_plan.cli.options import Format
from automl_plan.config.findings import READING_RULES
from automl_plan.config.load import RULES
from automl_plan.errors import ConfigurationError, Diagnostic, StateLocked
from automl_plan.model.address import Address, dataset_address, model_address
from automl_plan.output.annotations import (
    Annotation,
    Home,
    Level,
    Report,
    error_report,
    meaning,
    plan_report,
)
from automl_plan.output.style import harmless
from automl_plan.planning.plan import (
    REFUSAL_RULES,
    Action,
    Change,
    Note,
    NoteKind,
    Refusal,
    Violation,
)
from automl_plan.planning.policy import violation_text
from tests.output.reports import commands, junit_cases, no_command, sarif_run
from tests.output.scenes import HOSTILE, SCENES, delete_model, hostile, retrain

HOME = Home("/repository/models", "models/", "main.yaml")
LETTERS = st.one_of(
    st.characters(),
    st.sampled_from([":", "%", ",", "\n", "\r", "#", "[", "]", "::", "##[", "::error::", "%0A"]),
)
TEXTS = st.lists(LETTERS, max_size=30).map("".join)
ANNOTATIONS = st.builds(
    Annotation,
    st.sampled_from(Level),
    TEXTS.map(lambda text: f"rule{text}"),
    TEXTS,
    address=TEXTS,
    file=st.one_of(st.just(""), TEXTS),
    line=st.integers(0, 10**6),
    column=st.integers(0, 10**6),
    hint=st.none() | TEXTS,
)
REPORTS = st.builds(
    Report,
    st.sampled_from(["plan", "validate"]),
    st.just(HOME),
    st.lists(ANNOTATIONS, max_size=6).map(tuple),
    st.lists(TEXTS, max_size=3).map(tuple),
)


def nowhere(_address: Address) -> str | None:
    return None


def test_every_format_has_its_place() -> None:
    assert set(FORMATS) == set(get_args(Format)) - {"text", "json"}
    assert all(rendered(name, Report("plan", HOME)) is not None for name in FORMATS)


@given(REPORTS)
def test_no_text_makes_a_command(report: Report) -> None:
    found = list(commands(rendered("github", report)))
    assert len(found) == len(report.annotations)
    assert {command.name for command in found} <= set(Level)
    for command in found:
        assert command.properties.keys() <= {"file", "line", "col", "title"}
        assert "title" in command.properties
    for line in rendered("github", report).splitlines():
        assert line.replace("\u200b", "").isprintable()


@given(REPORTS)
def test_every_text_can_stand_in_sarif(report: Report) -> None:
    run = sarif_run(rendered("sarif", report))
    assert len(run["results"]) == len(report.annotations)
    prints = [result["partialFingerprints"]["automlPlan/v1"] for result in run["results"]]
    assert len(set(prints)) == len(prints)
    assert not any("](" in result["message"]["text"] for result in run["results"])


@given(REPORTS)
def test_every_text_can_stand_in_xml(report: Report) -> None:
    text = rendered("junit", report)
    ET.fromstring(text.encode())
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", text)


@given(TEXTS)
def test_what_is_said_beside_it_is_no_command(text: str) -> None:
    assert no_command(harmless(text))


@given(REPORTS)
def test_no_report_holds_a_command_but_those_of_github(report: Report) -> None:
    assert no_command(rendered("junit", report))
    assert no_command(rendered("github", report).replace("::", "", 1).replace("\n::", "\n"))


def test_more_than_github_shows_are_counted() -> None:
    many = tuple(Annotation(Level.NOTICE, "r", str(i)) for i in range(25))
    errors = tuple(Annotation(Level.ERROR, "r", str(i)) for i in range(10))
    found = list(commands(rendered("github", Report("plan", HOME, errors + many))))
    assert [command.name for command in found] == ["error"] * 10 + ["notice"] * 10
    assert found[-2].message == "8"
    assert found[-1].message.startswith("and 16 more of this kind: run automl-plan plan ")


def test_an_error_is_shown_where_it_is_written() -> None:
    found = (
        Diagnostic("a, b:c.yaml", 3, 5, "unknown-key", "50 %\nof it", "mend it"),
        Diagnostic("/repository/shared/ü.yaml", 0, 0, "encoding", "it is not UTF-8"),
        Diagnostic("/elsewhere/v.yaml", 2, 1, "encoding", "it is not UTF-8"),
    )
    report = error_report(ConfigurationError(found), "validate", HOME)
    first, second, third = commands(rendered("github", report))
    assert first.properties == {
        "file": "models/a, b:c.yaml",
        "line": "3",
        "col": "5",
        "title": "unknown-key",
    }
    assert first.message == "50 %\nof it\nmend it"
    assert second.properties == {"file": "shared/ü.yaml", "title": "encoding"}
    assert third.properties["file"] == "/elsewhere/v.yaml"
    places = [
        result["locations"][0]["physicalLocation"]
        for result in sarif_run(rendered("sarif", report))["results"]
    ]
    assert [place["artifactLocation"]["uri"] for place in places] == [
        "models/a%2C%20b%3Ac.yaml",
        "shared/%C3%BC.yaml",
        "file:///elsewhere/v.yaml",
    ]
    assert [place["region"]["startLine"] for place in places] == [3, 1, 2]
    cases = junit_cases(rendered("junit", report))
    assert set(cases) == {"models/a, b:c.yaml", "shared/ü.yaml", "/elsewhere/v.yaml"}
    failure = cases["models/a, b:c.yaml"].find("failure")
    assert failure is not None
    assert failure.get("type") == "unknown-key"
    assert failure.text == "models/a, b:c.yaml:3:5: unknown-key: 50 %\nof it\nmend it"


def test_other_errors_have_no_place() -> None:
    error = StateLocked("The state is locked.", where="/x/state.json", hint="Wait.")
    report = error_report(error, "plan", HOME)
    (command,) = commands(rendered("github", report))
    assert command.message == "The state is locked. (/x/state.json)\nWait."
    assert command.properties == {"title": "error/StateLocked"}
    (result,) = sarif_run(rendered("sarif", report))["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "models/main.yaml"
    assert list(junit_cases(rendered("junit", report))) == ["error"]


def test_a_moved_line_is_no_new_alert() -> None:
    def prints(line: int) -> list[str]:
        found = [
            Diagnostic("m.yaml", line, 1, "declared-twice", f"it stands at m.yaml:{line - 1} too"),
            Diagnostic("m.yaml", line, 1, "declared-twice", "another"),
        ]
        report = error_report(ConfigurationError(found), "validate", HOME)
        planned = retrain()
        model = model_address("digits")
        placed = plan_report(planned, lambda _: f"m.yaml:{line}", HOME)
        assert any(annotation.address == str(model) for annotation in placed.annotations)
        both = replace(report, annotations=report.annotations + placed.annotations)
        return [
            result["partialFingerprints"]["primaryLocationLineHash"]
            for result in sarif_run(rendered("sarif", both))["results"]
        ]

    assert prints(7) == prints(70)
    assert len(set(prints(7))) == len(prints(7))


def test_a_plan_is_told_by_how_grave_it_is() -> None:
    planned = delete_model()
    address = model_address("digits")
    denied = Violation("deny", "delete is denied for model.*", False, address, where="p.yaml:4")
    warned = Violation("max_training_cost", "it costs too much", True, where="p.yaml:2")
    plan = replace(
        planned.plan,
        violations=(warned, denied),
        refused=(
            Refusal("protected", "it is protected", address),
            Refusal("large-change", "9 of 10 resources would be deleted or replaced at once."),
            Refusal("policy/deny", violation_text(denied), address, where="p.yaml:4"),
            Refusal("data-lint", "x.csv:3 is no row", dataset_address("digits"), "sources"),
        ),
        notes=(Note(dataset_address("digits"), NoteKind.EXPIRY, "it ends soon"),),
    )
    report = plan_report(replace(planned, plan=plan), {address: "m.yaml:9"}.get, HOME)
    told = [(each.level, each.rule, each.file, each.line) for each in report.annotations]
    assert told[:4] == [
        (Level.ERROR, "refused/protected", "m.yaml", 9),
        (Level.ERROR, "refused/large-change", "", 0),
        (Level.ERROR, "policy/deny", "p.yaml", 4),
        (Level.WARNING, "policy/max_training_cost", "p.yaml", 2),
    ]
    assert (Level.NOTICE, "change/delete", "m.yaml", 9) in told
    assert told[-1] == (Level.NOTICE, "note/expiry", "", 0)
    cases = junit_cases(rendered("junit", report))
    failed = {name for name, case in cases.items() if case.find("failure") is not None}
    assert failed == {"model.digits", "refused"}
    assert "dataset.digits" in cases


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_every_plan_can_be_told(scene: object) -> None:
    assert callable(scene)
    report = plan_report(scene(), lambda _: "main.yaml:1", HOME)
    assert len(list(commands(rendered("github", report)))) == len(report.annotations)
    sarif_run(rendered("sarif", report))
    junit_cases(rendered("junit", report))


def test_a_plan_file_that_somebody_sent_is_harmless() -> None:
    planned = hostile()
    bad = Change(model_address("x"), Action.DELETE, f"##[error]{HOSTILE}\n::error::", where=":::9")
    planned = replace(planned, plan=replace(planned.plan, changes=(*planned.plan.changes, bad)))
    report = plan_report(planned, nowhere, HOME)
    for command in commands(rendered("github", report)):
        assert command.name == "notice"
        assert "\x1b" not in command.message


def test_every_rule_has_a_meaning() -> None:
    rules = [*RULES, *READING_RULES, "policy/deny", "change/delete", "error/StateLocked"]
    rules += [f"note/{kind}" for kind in NoteKind]
    rules += [f"refused/{rule}" for rule in REFUSAL_RULES]
    meanings = [meaning(rule) for rule in rules]
    assert all(text.endswith(".") for text in meanings)
    assert len(set(meanings)) == len(rules)


def test_the_root_of_a_repository_is_a_place_too() -> None:
    home = Home(os.sep + "repository")
    assert home.path("a.yaml") == "a.yaml"
    assert home.path("/repository/b/c.yaml") == "b/c.yaml"
    assert home.path("/x.yaml") == "/x.yaml"
