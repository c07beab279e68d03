"""Every command tells what it does, with an example."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module

import pytest
import typer

from automl_plan import __version__
from automl_plan.cli.commands import COMMANDS, Entry
from tests.cli.command import CommandLine
from tests.output.schema import is_valid


def commands(
    entries: Mapping[str, Entry], path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Entry]]:
    """All commands that do something, by path."""
    for name, entry in entries.items():
        if entry.commands:
            yield from commands(entry.commands, (*path, name))
        else:
            yield (*path, name), entry


def test_numbers_are_read_by_our_own_rule() -> None:
    """What the parser takes for numbers by itself are also 1_0, other digits and nan."""
    for path, entry in commands(COMMANDS):
        module, _, name = entry.place.partition(":")
        app = getattr(import_module(f"automl_plan.cli.{module}"), name)
        for param in typer.main.get_command(app).params:
            assert param.type.name not in NUMBERS, (path, param.name)


NUMBERS = {"integer", "integer range", "float", "float range"}
PATHS = sorted(path for path, _ in commands(COMMANDS))


def test_the_commands() -> None:
    assert [" ".join(path) for path in PATHS] == [
        "apply",
        "comment",
        "cost",
        "datasets advise",
        "datasets convert",
        "datasets images",
        "datasets lint",
        "datasets list",
        "datasets show",
        "destroy",
        "drift",
        "emulator advance",
        "emulator prune",
        "emulator readings",
        "emulator start",
        "emulator status",
        "emulator stop",
        "fmt",
        "force-unlock",
        "graph",
        "import",
        "init",
        "models calendar",
        "models delete",
        "models evaluations",
        "models list",
        "models predict",
        "models promote",
        "models rollback",
        "models show",
        "models versions",
        "operations backtest",
        "operations cancel",
        "operations delete",
        "operations get",
        "operations list",
        "operations wait",
        "plan",
        "resolve",
        "schema",
        "show",
        "state list",
        "state mv",
        "state new",
        "state push",
        "state rebuild",
        "state rm",
        "state show",
        "validate",
        "version",
        "wait",
        "watch",
        "why",
    ]


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_help_has_an_example(cli: CommandLine, path: tuple[str, ...]) -> None:
    text = cli(*path, "--help")
    assert f"Example: automl-plan {' '.join(path)}" in text
    if path not in (("schema",), ("version",), ("emulator", "readings")):
        assert "-C, --chdir DIR" in text
    assert cli(*path, "-h") == text


@pytest.mark.parametrize("group", [(), *sorted({path[:1] for path in PATHS if path[1:]})])
def test_lists_of_commands_are_not_cut(cli: CommandLine, group: tuple[str, ...]) -> None:
    assert "..." not in cli(*group, "--help").partition("Commands:")[2]


@pytest.mark.parametrize("group", [(), *sorted({path[:1] for path in PATHS if path[1:]})])
def test_groups_without_a_command_show_their_help(cli: CommandLine, group: tuple[str, ...]) -> None:
    done = cli.run(*group)
    assert done.returncode == 1
    assert done.stderr.strip() == cli(*group, "--help").strip()


def test_version(cli: CommandLine) -> None:
    assert cli("--version") == f"automl-plan {__version__}\n"
    assert cli("version").startswith(f"automl-plan {__version__}\nPython 3.")
    document = cli.json("version")
    assert document["version"] == __version__
    assert is_valid("version", document)
