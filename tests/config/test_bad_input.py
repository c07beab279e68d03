"""Each bad input is reported at its place, by its rule, in words that are reviewed.

`python -m tests.config.test_bad_input` writes the words anew, to be reviewed.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from automl_plan.config.findings import READING_RULES
from automl_plan.config.load import RULES
from automl_plan.providers.registry import setting_rules
from tests.config.cases import CASES, Case
from tests.config.writing import GOOD, diagnostics, places, write

GOLDEN = Path(__file__).parent / "golden" / "messages.txt"


def found_in(case: Case, directory: Path) -> list[str]:
    """The diagnostics of a case, each as a user reads it."""
    found = diagnostics(
        write(directory, case.written),
        variables=case.variables,
        var_files=case.var_files,
        environ=case.environ,
    )
    shown = []
    for d in found:
        lines = [f"{d.file}:{d.line}:{d.column} [{d.rule}] {d.message}"]
        if d.hint is not None:
            lines.append(f"  {d.hint}")
        if d.source_line is not None:
            lines.append(f"  | {d.source_line}")
        shown.append("\n".join(lines).replace(str(directory), "{dir}"))
    return shown


def golden() -> dict[str, str]:
    sections = GOLDEN.read_text(encoding="utf-8").split("=== ")[1:]
    return dict(section.rstrip("\n").split("\n", 1) for section in sections)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_each_is_reported_at_its_place(case: Case, tmp_path: Path) -> None:
    expected = [place.replace("{dir}", str(tmp_path)) for place in case.expected]
    found = diagnostics(
        write(tmp_path, case.written),
        variables=case.variables,
        var_files=case.var_files,
        environ=case.environ,
    )
    assert places(found) == expected


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_the_words_are_the_reviewed_ones(case: Case, tmp_path: Path) -> None:
    assert "\n".join(found_in(case, tmp_path)) == golden()[case.name]


def test_every_id_is_registered_once() -> None:
    used = {place.rpartition(" ")[2] for case in CASES for place in case.expected}
    registered = [*READING_RULES, *{**RULES, **setting_rules()}]
    assert used <= set(registered)
    assert len(registered) == len(set(registered))
    assert {*RULES, *setting_rules()} <= used, "a rule without a case"


def test_links_that_go_in_a_circle_lead_nowhere_or_to_a_directory(tmp_path: Path) -> None:
    write(tmp_path, {"a.automl.yaml": GOOD})
    (tmp_path / "b.automl.yaml").symlink_to("c.automl.yaml")
    (tmp_path / "c.automl.yaml").symlink_to("b.automl.yaml")
    (tmp_path / "d.automl.yaml").symlink_to("missing")
    (tmp_path / "e.automl.yaml").mkdir()
    os.mkfifo(tmp_path / "f.automl.yaml")
    assert places(diagnostics(tmp_path)) == [
        f"{name}.automl.yaml:0:0 unreadable-file" for name in "bcdef"
    ]


def test_a_directory_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for directory in (tmp_path / "missing", tmp_path / "file"):
        assert places(diagnostics(directory)) == [f"{directory}:0:0 directory"]


def test_a_file_name_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff\n.automl.yaml")).write_text("x: 1")
    [found] = diagnostics(tmp_path)
    assert found.file == "�␊.automl.yaml"


def test_source_lines_are_short_and_print(tmp_path: Path) -> None:
    write(tmp_path, {"a.automl.yaml": "\tx\u202e" + "y" * 1000})
    [found] = diagnostics(tmp_path)
    assert found.source_line is not None
    assert len(found.source_line) == 200
    assert found.source_line.startswith("␉x�y")


def test_values_from_outside_are_not_shown(tmp_path: Path) -> None:
    write(tmp_path, {"a.automl.yaml": "variables: {n: {type: integer}}"})
    [found] = diagnostics(tmp_path, environ={"AUTOML_PLAN_VAR_n": "hunter2"})
    assert "hunter2" not in f"{found.message}{found.hint}"


@pytest.mark.parametrize(
    "provider",
    [
        "local: {}",
        "local: {api: vertex}",
        "vertex: {project: p}",
        "automl: {project: p, staging_bucket: 'gs://staged'}",
    ],
)
def test_json_lines_and_wildcards_are_good_input(provider: str, tmp_path: Path) -> None:
    sources = ["gs://b/a.jsonl", "gs://b/part-?.csv"]
    if "local" in provider or "staging" in provider:
        sources.append("data/a.jsonl")
    written = (
        f"provider: {{{provider}}}\ndatasets:\n  d:\n    image_object_detection: {{}}\n"
        f"    sources: {sources}\n"
    )
    assert list(diagnostics(write(tmp_path, {"a.automl.yaml": written}))) == []


@pytest.mark.parametrize(
    "provider", ["local: {}", "vertex: {project: p, staging_bucket: 'gs://staged'}"]
)
def test_folders_are_good_input(provider: str, tmp_path: Path) -> None:
    written = (
        f"provider: {{{provider}}}\ndatasets:\n  d:\n"
        "    image_classification: {classification_type: MULTICLASS}\n"
        "    sources: [photos, data/photos.d/, ./, a-b/c]\n"
    )
    assert list(diagnostics(write(tmp_path, {"a.automl.yaml": written}))) == []


def write_golden() -> None:
    sections = []
    for case in CASES:
        with tempfile.TemporaryDirectory() as directory:
            words = "\n".join(found_in(case, Path(directory)))
        sections.append(f"=== {case.name}\n{words}\n")
    GOLDEN.write_text("\n".join(sections), encoding="utf-8")


if __name__ == "__main__":
    write_golden()
