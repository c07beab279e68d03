"""Commands that need nothing pay for nothing."""

from __future__ import annotations

import sys

import pytest

from tests.cli.command import CommandLine

HEAVY = {
    "PIL",
    "deepdiff",
    "google.auth",
    "jsonschema",
    "numpy",
    "requests",
    "rich.live",
    "rich.progress",
    "sklearn",
    "sqlite3",
    "urllib3",
    "yaml",
}
COMPLETING = {
    "_AUTOML_PLAN_COMPLETE": "complete_bash",
    "COMP_WORDS": "automl-plan mo",
    "COMP_CWORD": "1",
}


def imported(done_stderr: str) -> set[str]:
    """The modules in what `python -X importtime` writes."""
    lines = [line for line in done_stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip() for line in lines}


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (["--version"], {}),
        (["--help"], {}),
        (["apply", "--help"], {}),
        (["models", "evaluations", "--help"], {}),
        (["version"], {}),
        ([], COMPLETING),
    ],
    ids=" ".join,
)
def test_nothing_heavy_is_imported(
    cli: CommandLine, arguments: list[str], extra: dict[str, str]
) -> None:
    python = (sys.executable, "-X", "importtime", "-m", "automl_plan")
    done = cli.run(*arguments, python=python, extra=extra)
    assert done.returncode == 0, done.stderr
    modules = imported(done.stderr)
    assert "automl_plan.cli.start" in modules
    loaded = {m for m in modules for heavy in HEAVY if m == heavy or m.startswith(f"{heavy}.")}
    assert not loaded
    assert not {name for name in modules if name.startswith("automl_plan.output.documents")}


def test_completion_knows_the_commands(cli: CommandLine) -> None:
    done = cli.run(extra=COMPLETING)
    assert done.stdout.split() == ["models"]
