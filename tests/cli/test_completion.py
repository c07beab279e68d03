"""What shells complete, asked as they ask: by the environment, and by a real bash."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.command import PATIENCE, CommandLine, environment

CONFIGURATION = """\
state:
  local: {path: kept/s.json}
datasets:
  digits: {image_classification: {}}
  "not-\\e[31m-a name": {}
models:
  digits: {dataset: digits, nonsense: true}
  parity: {dataset: nowhere}
"""
STATE = """\
{"format_version": 1, "lineage": "x", "serial": 1, "provider": null,
 "resources": {"model.former": {}, "model.digits": {}, "dataset.digits": {}}}
"""
ALL = ["dataset.digits", "model.digits", "model.former", "model.parity"]


@pytest.fixture
def line(tmp_path: Path) -> CommandLine:
    """In a directory with a configuration that is not valid, and a state."""
    (tmp_path / "main.automl.yaml").write_text(CONFIGURATION)
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "s.json").write_text(STATE)
    return CommandLine(tmp_path)


def completed(line: CommandLine, *words: str) -> list[str]:
    """What is suggested for the last word, as bash asks."""
    before = sorted(line.directory.rglob("*"))
    extra = {
        "_AUTOML_PLAN_COMPLETE": "complete_bash",
        "COMP_WORDS": "\n".join(["automl-plan", *words]),
        "COMP_CWORD": str(len(words)),
    }
    done = line.run(extra=extra)
    assert done.stderr == ""
    assert sorted(line.directory.rglob("*")) == before, "completion writes nothing"
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["plan", "--target", ""], ALL),
        (["plan", "--target", "mo"], ALL[1:]),
        (["plan", "--target", "model.d"], ["model.digits"]),
        (["apply", "--exclude", "data"], ["dataset.digits"]),
        (["apply", "--target", "model.a", "--replace", "model.p"], ["model.parity"]),
        (["plan", "--target", "=", "model.p"], ["model.parity"]),
        (["plan", "--target", "="], ALL),
        (["plan", "--var", "=", "x", "--target", "=", "data"], ["dataset.digits"]),
        (["why", ""], ALL),
        (["import", ""], ["dataset.digits", "model.digits", "model.parity"]),
        (["wait", "model.f"], ["model.former"]),
        (["resolve", "model."], ["model.digits", "model.former"]),
        (["state", "show", ""], ["dataset.digits", "model.digits", "model.former"]),
        (["state", "rm", "model.f"], ["model.former"]),
        (["state", "mv", "model.former", "model."], ["model.digits", "model.parity"]),
        (["datasets", "show", ""], ["digits"]),
        (["models", "show", ""], ["digits", "former", "parity"]),
        (["models", "show", "model.p"], ["model.parity"]),
        (["models", "rollback", ""], ["digits", "former"]),
        (["models", "delete", "par"], ["parity"]),
        (["why", "nothing"], []),
        (["fm"], ["fmt"]),
        (["gr"], ["graph"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_what_is_suggested(line: CommandLine, words: list[str], expected: list[str]) -> None:
    assert completed(line, *words) == expected


@pytest.mark.parametrize("before", [True, False])
def test_another_directory(line: CommandLine, before: bool) -> None:
    (line.directory / "other").mkdir()
    (line.directory / "other" / "a.automl.yaml").write_text("models: {there: }\n")
    chosen = ["-C", "other"]
    words = [*chosen, "why", ""] if before else ["why", *chosen, ""]
    assert completed(line, *words) == ["model.there"]


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"a.automl.yaml": "models: {digits: "},
        {"a.automl.yaml": "- a\n"},
        {"a.automl.yaml": "models: 5\ndatasets: [x]\nstate: 1\n"},
        {"a.automl.yaml": "\x00"},
        {"a.automl.yaml": "a: 1\n", "state/default.json": "{torn"},
        {"a.automl.yaml": "a: 1\n", "state/default.json": '{"format_version": 99}'},
    ],
    ids=range(7),
)
def test_what_is_broken_suggests_nothing(cli: CommandLine, files: dict[str, str]) -> None:
    for name, text in files.items():
        (cli.directory / name).parent.mkdir(exist_ok=True)
        (cli.directory / name).write_text(text)
    assert completed(cli, "why", "") == []


def test_one_broken_file_hides_no_other(line: CommandLine) -> None:
    (line.directory / "broken.automl.yaml").write_text("models: {digits: ")
    assert completed(line, "why", "model.p") == ["model.parity"]


def test_zsh_and_fish(line: CommandLine) -> None:
    extra = {"_TYPER_COMPLETE_ARGS": "automl-plan plan --target model.p"}
    zsh = line.run(extra={**extra, "_AUTOML_PLAN_COMPLETE": "complete_zsh"})
    assert zsh.stdout == "_arguments '*: :((\"model.parity\"))'\n"
    fish = {"_AUTOML_PLAN_COMPLETE": "complete_fish", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    assert line.run(extra={**extra, **fish}).stdout == "model.parity\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_shown(cli: CommandLine, shell: str) -> None:
    done = cli.run(extra={"_AUTOML_PLAN_COMPLETE": f"source_{shell}"})
    assert f"_AUTOML_PLAN_COMPLETE=complete_{shell}" in done.stdout


BASH = """
source <("$0" --show-completion)
COMP_WORDS=(automl-plan "${@}") COMP_CWORD=$#
_automl_plan_completion automl-plan
printf '%s\\n' "${COMPREPLY[@]}"
"""


def in_bash(line: CommandLine, *words: str) -> list[str]:
    """What a real bash gets for the last word, from the command that is installed."""
    installed = Path(sys.executable).with_name("automl-plan")
    bash = shutil.which("bash")
    assert bash is not None
    done = subprocess.run(
        [bash, "--norc", "-c", BASH, str(installed), *words],
        cwd=line.directory,
        env=environment({"PATH": f"{installed.parent}{os.pathsep}{os.environ['PATH']}"}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.split()


def test_a_real_bash(line: CommandLine) -> None:
    assert in_bash(line, "plan", "--target", "model.") == ALL[1:]
    assert in_bash(line, "plan", "--target", "=", "model.d") == ["model.digits"]
    assert in_bash(line, "models", "show", "") == ["digits", "former", "parity"]


def test_it_needs_no_network(line: CommandLine) -> None:
    """A provider that never answers is not asked."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        port = server.getsockname()[1]
        (line.directory / "provider.automl.yaml").write_text(
            f"provider: {{automl: {{project: p, endpoint: 'http://127.0.0.1:{port}'}}}}\n"
        )
        assert completed(line, "models", "show", "p") == ["parity"]
        with pytest.raises(BlockingIOError):
            server.accept()
