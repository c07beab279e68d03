"""The table of commands: where each is, and its line in the help."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

import typer
from typer.core import TyperGroup

from automl_plan.cli.options import LogLevel, NoColor


class Entry(NamedTuple):
    """A command, or a group of commands."""

    help: str
    """One line of at most 60 letters."""
    place: str = ""
    """`module:name` below `automl_plan.cli`; imported when the command is run or asked for help."""
    commands: Mapping[str, Entry] = MappingProxyType({})
    """Those of a group."""


COMMANDS: Mapping[str, Entry] = {
    "init": Entry("Write a small, commented configuration.", "configuration:init"),
    "validate": Entry("Check the configuration, offline.", "configuration:validate"),
    "fmt": Entry("Format configuration files.", "fmt:fmt"),
    "schema": Entry("Print a JSON Schema.", "configuration:schema"),
    "graph": Entry("Draw the dependencies between resources.", "configuration:graph"),
    "plan": Entry("Show what `apply` would do, and why.", "plan:plan"),
    "apply": Entry("Carry out a plan.", "apply:apply"),
    "wait": Entry("Wait for open operations, and finish what follows.", "apply:wait"),
    "watch": Entry("Report finished operations, drift and expiring models.", "watch:watch"),
    "destroy": Entry("Delete all managed resources.", "apply:destroy"),
    "why": Entry("Explain the plan for one resource.", "why:why"),
    "drift": Entry("Show changes made outside automl-plan.", "drift:drift"),
    "cost": Entry("Estimate what the plan and deployments cost.", "cost:cost"),
    "show": Entry("Show a saved plan, or the state.", "show:show"),
    "comment": Entry("Post a saved plan as a pull request comment.", "show:comment"),
    "import": Entry("Manage existing datasets and models.", "import_:import_"),
    "resolve": Entry("Settle an interrupted call whose outcome is unknown.", "state:resolve"),
    "force-unlock": Entry("Release the lock of the state.", "state:force_unlock"),
    "version": Entry("Show the version.", "configuration:version"),
    "datasets": Entry(
        "List, inspect and check datasets.",
        commands={
            "lint": Entry("Check import data before paying for it.", "datasets:lint"),
            "advise": Entry("Judge whether data is adequate for training.", "datasets:advise"),
            "convert": Entry("Write the import file that a source means.", "datasets:convert"),
            "list": Entry("List the datasets at the provider.", "datasets:list_"),
            "show": Entry("Show one dataset.", "datasets:show"),
            "images": Entry("List the images of a dataset with their labels.", "datasets:images"),
        },
    ),
    "models": Entry(
        "List, inspect and manage trained models.",
        commands={
            "versions": Entry("List the versions of a model.", "versions:versions"),
            "promote": Entry("Make a version the current one.", "versions:promote"),
            "rollback": Entry("Return to a former version.", "versions:rollback"),
            "list": Entry("List the models at the provider.", "models:list_"),
            "show": Entry("Show one model.", "models:show"),
            "evaluations": Entry("Show how good a model is.", "models:evaluations"),
            "predict": Entry("Predict the labels of images.", "predict:predict"),
            "calendar": Entry("Show when models expire.", "models:calendar"),
            "delete": Entry("Delete one model.", "models:delete"),
        },
    ),
    "operations": Entry(
        "List, follow and cancel long-running operations.",
        commands={
            "list": Entry("List operations.", "operations:list_"),
            "get": Entry("Show one operation.", "operations:get"),
            "wait": Entry("Wait until an operation ends.", "operations:wait"),
            "backtest": Entry("Check past forecasts of durations.", "operations:backtest"),
            "cancel": Entry("Cancel an import or a training.", "operations:cancel"),
            "delete": Entry("Delete the record of an operation.", "operations:delete"),
        },
    ),
    "state": Entry(
        "Inspect and repair the state.",
        commands={
            "list": Entry("List the recorded resources.", "state:list_"),
            "show": Entry("Show one recorded resource.", "state:show"),
            "push": Entry("Replace the state with a copy of it.", "state:push"),
            "new": Entry("Start an empty state.", "state:new"),
            "mv": Entry("Change the address of a resource.", "state:mv"),
            "rm": Entry("Stop managing a resource.", "state:rm"),
            "rebuild": Entry("Rebuild a lost state from live resources.", "state:rebuild"),
        },
    ),
    "emulator": Entry(
        "Manage the embedded service of the provider `local`.",
        commands={
            "start": Entry("Start the service.", "emulator:start"),
            "stop": Entry("Stop the service.", "emulator:stop"),
            "status": Entry("Show whether the service is running.", "emulator:status"),
            "advance": Entry("Advance the clock of the service.", "emulator:advance"),
            "prune": Entry("Remove what it keeps to train faster.", "emulator:prune"),
            "readings": Entry(
                "List what it can answer where Google's answers are not proved.",
                "emulator:readings",
            ),
        },
    ),
}
"""In the order of the help."""


class CommandGroup(TyperGroup):
    """Loads a command when it is needed; the help and completion only read the table."""

    entries: ClassVar[Mapping[str, Entry]] = COMMANDS

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]  # noqa: ARG002
        """Return the names, in the order of the help."""
        return list(self.entries)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]  # noqa: ARG002
        """Return a command by name; None if there is none."""
        entry = self.entries.get(cmd_name)
        if entry is None:
            return None
        if entry.commands:
            return typer.main.get_command(group_of(entry))
        module, _, name = entry.place.partition(":")
        app = getattr(import_module(f"automl_plan.cli.{module}"), name)
        return typer.main.get_command(app)

    def format_commands(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]  # noqa: ARG002
        """Write the names and their lines."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in self.entries.items()])


def group_of(entry: Entry) -> typer.Typer:
    """Return the group of an entry."""
    group = type("Group", (CommandGroup,), {"entries": entry.commands})
    app = typer.Typer(
        cls=group,
        help=entry.help,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        suggest_commands=False,
    )

    @app.callback()
    def _flags(no_color: NoColor = False, log_level: LogLevel = None) -> None:
        """The callbacks of these flags do all."""

    return app
