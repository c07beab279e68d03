"""`fmt`: files are written in their canonical form, or not at all."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.cli.command import CommandLine
from tests.config.writing import GOOD
from tests.output.schema import is_valid

UNTIDY = "models:\n    a: {x: no,  y: 0o7}   # kept\n"
TIDY = "models:\n  a: {x: no, y: 0o7}      # kept\n"


def test_it_formats_all_files_of_the_directory(cli: CommandLine) -> None:
    for name in ("b.automl.yml", "a.automl.yaml", ".hidden.yaml", "other.txt"):
        (cli.directory / name).write_text(UNTIDY)
    (cli.directory / "tidy.automl.yaml").write_text(TIDY)
    assert cli("fmt") == "a.automl.yaml\nb.automl.yml\n"
    assert (cli.directory / "a.automl.yaml").read_text() == TIDY
    assert (cli.directory / "b.automl.yml").read_text() == TIDY
    assert (cli.directory / ".hidden.yaml").read_text() == UNTIDY
    assert cli("fmt") == ""
    assert cli("fmt", "--check") == ""


def test_check_changes_nothing_and_ends_with_1(cli: CommandLine) -> None:
    (cli.directory / "a.automl.yaml").write_text(UNTIDY)
    assert cli("fmt", "--check", code=1) == "a.automl.yaml\n"
    assert cli.failure("fmt", "--check") == ""
    assert (cli.directory / "a.automl.yaml").read_text() == UNTIDY


def test_a_diff_can_be_applied(cli: CommandLine) -> None:
    for name in ("a.automl.yaml", "no-newline.automl.yaml"):
        (cli.directory / name).write_text(UNTIDY.rstrip("\n") if name[0] == "n" else UNTIDY)
    diff = cli("fmt", "--check", "--diff", code=1)
    assert diff.startswith(
        "--- a.automl.yaml\n+++ a.automl.yaml\n@@ -1,2 +1,2 @@\n models:\n-    a:"
    )
    subprocess.run(
        ["git", "apply", "-p0", "-"], cwd=cli.directory, input=diff, text=True, check=True
    )
    assert (cli.directory / "a.automl.yaml").read_text() == TIDY
    assert (cli.directory / "no-newline.automl.yaml").read_text() == TIDY
    assert cli("fmt", "--diff") == ""


def test_files_and_directories_are_given(cli: CommandLine) -> None:
    inner = cli.directory / "inner"
    inner.mkdir()
    for path in (
        cli.directory / "a.automl.yaml",
        cli.directory / "b.automl.yaml",
        inner / "c.automl.yaml",
    ):
        path.write_text(UNTIDY)
    (inner / "again.automl.yaml").symlink_to("c.automl.yaml")
    assert (
        cli("fmt", "b.automl.yaml", "b.automl.yaml", "inner")
        == "b.automl.yaml\ninner/again.automl.yaml\n"
    )
    assert (cli.directory / "a.automl.yaml").read_text() == UNTIDY
    assert cli("fmt", "-C", "inner", "../a.automl.yaml").endswith("a.automl.yaml\n")
    assert (cli.directory / "a.automl.yaml").read_text() == TIDY


def test_links_modes_and_line_ends(cli: CommandLine) -> None:
    target = cli.directory / "elsewhere" / "real"
    target.parent.mkdir()
    target.write_bytes(UNTIDY.replace("\n", "\r\n").encode())
    target.chmod(0o640)
    link = cli.directory / "a.automl.yaml"
    link.symlink_to("elsewhere/real")
    assert cli("fmt") == "a.automl.yaml\n"
    assert link.is_symlink()
    assert target.read_bytes() == TIDY.encode()
    assert target.stat().st_mode & 0o777 == 0o640
    assert os.listdir(target.parent) == ["real"]  # noqa: PTH208


def test_a_canonical_file_is_not_written(cli: CommandLine) -> None:
    path = cli.directory / "a.automl.yaml"
    path.write_text(TIDY)
    before = path.stat()
    cli("fmt")
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_what_is_wrong_hides_no_other_file(cli: CommandLine) -> None:
    lossy = "a: {b: 1, # of b\n  c: 2}\n"
    written = {
        "broken.automl.yaml": "a: b: c\n",
        "lossy.automl.yaml": lossy,
        "z.automl.yaml": UNTIDY,
    }
    for name, text in written.items():
        (cli.directory / name).write_text(text)
    done = cli.run("fmt")
    assert done.returncode == 1
    assert done.stdout == "z.automl.yaml\n"
    assert "broken.automl.yaml:1:5: error[yaml-syntax]" in done.stderr
    assert (
        "lossy.automl.yaml:1:11: error[formatting]: the file can't be formatted: the comment \"#"
        in (done.stderr)
    )
    assert "Error: The configuration has 2 errors." in done.stderr
    assert (cli.directory / "broken.automl.yaml").read_text() == written["broken.automl.yaml"]
    assert (cli.directory / "lossy.automl.yaml").read_text() == lossy


def test_a_file_that_is_meant_is_named_and_the_others_are_formatted(cli: CommandLine) -> None:
    for name in ("a.automl.yaml", "models.yaml"):
        (cli.directory / name).write_text(UNTIDY)
    (cli.directory / "compose.yaml").write_text("services:   {}\n")
    done = cli.run("fmt")
    assert (done.returncode, done.stdout) == (1, "a.automl.yaml\n")
    assert "mv models.yaml models.automl.yaml" in done.stderr
    assert (cli.directory / "models.yaml").read_text() == UNTIDY
    assert cli("fmt", "models.yaml") == "models.yaml\n"


def test_for_programs(cli: CommandLine) -> None:
    for name, text in {"a.automl.yaml": UNTIDY, "b.automl.yaml": TIDY}.items():
        (cli.directory / name).write_text(text)
    would = cli.json("fmt", "--check", "--diff", code=1)
    assert is_valid("fmt", would)
    assert [each["file"] for each in would["changed"]] == ["a.automl.yaml"]
    assert would["changed"][0]["diff"].startswith("--- a.automl.yaml\n")
    done = cli.json("fmt")
    assert is_valid("fmt", done)
    assert done["changed"] == [{"file": "a.automl.yaml", "diff": None}]
    assert cli.json("fmt", "--check")["changed"] == []
    (cli.directory / "b.automl.yaml").write_text("a: b: c\n")
    error = cli.json("fmt", "--check", code=1)
    assert is_valid("error", error)


def test_files_that_are_not_there(cli: CommandLine) -> None:
    assert "neither automl-plan.yaml nor a *.automl.yaml" in cli.failure("fmt")
    assert "missing.yaml:" not in cli("--version")
    assert "missing.yaml: error[unreadable-file]" in cli.failure("fmt", "missing.yaml")


def test_a_configuration_stays_what_it_is(cli: CommandLine) -> None:
    path = cli.directory / "a.automl.yaml"
    path.write_text(GOOD.replace("  ", "    "))
    before = cli.json("validate")
    cli("fmt")
    assert path.read_text() == GOOD.replace("\nmodels:", "\n\nmodels:")
    assert cli.json("validate") == before


def test_what_init_writes_is_canonical(cli: CommandLine, tmp_path: Path) -> None:
    cli("init")
    assert cli("fmt", "--check") == ""
