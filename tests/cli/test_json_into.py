"""`--json-into FILE`: whole documents, lines at once, and files that can't be written."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from automl_plan.cli.json_files import EventLines
from automl_plan.config.schema import read_schema
from tests.cli.command import COMMAND, CommandLine, ProjectLine, environment
from tests.cli.test_project import lines_of
from tests.output.schema import is_valid


def read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def test_documents(project: ProjectLine) -> None:
    folder = project.directory / "out"
    folder.mkdir()
    assert project("validate", "--json-into", "out/v.json").startswith("Success!")
    assert is_valid("validate", read(folder / "v.json"))
    text = project("plan", "--json-into", "out/p.json", "--detailed-exitcode", code=2)
    assert "Plan: 1 dataset to create" in text
    jsonschema.Draft7Validator(read_schema("plan")).validate(read(folder / "p.json"))
    assert "No drift" in project("drift", "--json-into", "out/d.json")
    assert is_valid("drift", read(folder / "d.json"))
    assert {path.name for path in folder.iterdir()} == {"v.json", "p.json", "d.json"}


def test_errors_are_written_too(cli: CommandLine) -> None:
    for command in ("validate", "plan", "drift"):
        assert cli("-C", ".", command, "--json-into", f"{command}.json", code=1) == ""
        document = read(cli.directory / f"{command}.json")
        assert is_valid("error", document)
    assert len(list(cli.directory.iterdir())) == 3


def test_the_file_is_where_chdir_leads(cli: CommandLine) -> None:
    cli("init", "-C", "new")
    cli("validate", "-C", "new", "--json-into", "v.json")
    assert is_valid("validate", read(cli.directory / "new" / "v.json"))


def test_links_are_followed_and_files_replaced(cli: CommandLine) -> None:
    cli("init")
    (cli.directory / "real.json").write_text("x" * 10_000, encoding="utf-8")
    (cli.directory / "link.json").symlink_to("real.json")
    cli("validate", "--json-into", "link.json")
    assert (cli.directory / "link.json").is_symlink()
    assert is_valid("validate", read(cli.directory / "real.json"))


def test_descriptors_and_pipes(cli: CommandLine) -> None:
    cli("init")
    shell = ("bash", "-c", 'exec 3>&1 1>/dev/null; exec "$@"', "-")
    done = subprocess.run(
        [*shell, *COMMAND, "validate", "--json-into", "/dev/fd/3"],
        cwd=cli.directory,
        env=environment({}),
        capture_output=True,
        check=True,
    )
    assert is_valid("validate", json.loads(done.stdout))
    pipe = cli.directory / "pipe"
    os.mkfifo(pipe)
    found: list[str] = []
    reader = threading.Thread(target=lambda: found.append(pipe.read_text(encoding="utf-8")))
    reader.start()
    cli("validate", "--json-into", "pipe")
    reader.join()
    assert is_valid("validate", json.loads(found[0]))


@pytest.mark.parametrize("name", ["no-such/x.json", ".", "/dev/fd/99"])
def test_files_that_can_not_be_written_are_told_of_first(cli: CommandLine, name: str) -> None:
    cli("init")
    before = {path.name for path in cli.directory.iterdir()}
    for command in ("validate", "plan", "drift", "apply"):
        done = cli.run(command, "--json-into", name)
        assert done.returncode == 1
        assert done.stdout == ""
        assert f"{name} can't be written" in done.stderr
    # Nothing was asked of any provider: not even the embedded service was started.
    assert {path.name for path in cli.directory.iterdir()} == before


def test_a_full_disk(project: ProjectLine) -> None:
    before = {path.name for path in project.directory.iterdir()}
    cli = CommandLine(project.directory)  # whose service is not started by the test
    said = cli.failure("apply", "--auto-approve", "--json-into", "/dev/full")
    assert "/dev/full can't be written: No space left on device." in said
    assert {path.name for path in project.directory.iterdir()} == before
    assert "No space left" in project.failure("validate", "--json-into", "/dev/full")


def test_a_plan_file_is_not_written_over(project: ProjectLine) -> None:
    said = project.failure("plan", "--out", "p.json", "--json-into", "./p.json")
    assert "--out and --json-into name the same file" in said
    project("plan", "--out", "p.json")
    said = project.failure("apply", "p.json", "--json-into", "p.json")
    assert "PLANFILE and --json-into name the same file" in said
    project("show", "p.json")


def test_lines_beside_what_people_read(project: ProjectLine) -> None:
    path = project.directory / "events.jsonl"
    path.write_text("old\n" * 1000, encoding="utf-8")
    text = project("apply", "--auto-approve", "--json-into", "events.jsonl")
    assert "Apply complete: 1 dataset created" in text
    documents = lines_of(path.read_text(encoding="utf-8"))
    assert [documents[0]["type"], documents[-1]["type"]] == ["version", "result"]
    destroyed = project("apply", "--auto-approve", "--json", "--json-into", "events.jsonl")
    assert destroyed == path.read_text(encoding="utf-8")


def test_lines_of_what_went_wrong(project: ProjectLine) -> None:
    project("apply", "--json-into", "events.jsonl", code=3)
    path = project.directory / "events.jsonl"
    version, error = lines_of(path.read_text(encoding="utf-8"))
    assert version["type"] == "version"
    assert error["error"]["exit_code"] == 3


def test_an_apply_goes_on_when_nobody_reads_its_lines(project: ProjectLine) -> None:
    pipe = project.directory / "pipe"
    os.mkfifo(pipe)
    first: list[str] = []

    def read_one_line() -> None:
        with pipe.open(encoding="utf-8", buffering=1) as file:
            first.append(file.readline())

    reader = threading.Thread(target=read_one_line)
    reader.start()
    done = project.run("apply", "--auto-approve", "--json-into", "pipe")
    reader.join()
    assert done.returncode == 0
    assert json.loads(first[0])["type"] == "version"
    assert "Apply complete" in done.stdout
    assert done.stderr == "Warning: pipe can't be written: Broken pipe. The run continues.\n"
    assert project("plan", "--detailed-exitcode").startswith("No changes.")


def test_a_reader_that_stops_reading_is_not_waited_for_forever(
    capsys: pytest.CaptureFixture[str],
) -> None:
    read_end, write_end = os.pipe()
    try:
        into = Path(f"/dev/fd/{write_end}")
        with EventLines("apply", as_json=False, into=into, patience=0.05) as lines:
            for _ in range(100):
                lines({"type": "waiting", "message": "x" * 4000})
    finally:
        os.close(write_end)
        os.close(read_end)
    assert capsys.readouterr().err == (
        f"Warning: {into} can't be written: it is not being read. The run continues.\n"
    )
