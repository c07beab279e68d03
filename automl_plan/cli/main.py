"""The entry point: all commands, and the one place where errors become text and exit codes."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from automl_plan import __version__
from automl_plan.cli import (
    apply,
    datasets,
    destroy,
    emulator,
    init,
    models,
    operations,
    plan,
    schema,
    show,
    state,
    validate,
    version,
)
from automl_plan.errors import AutomlPlanError, Interrupted, UsageError

DEBUG_VARIABLE = "AUTOML_PLAN_DEBUG"

app = typer.Typer(
    name="automl-plan",
    help="Declare, plan, review and apply AutoML image datasets and models.",
    epilog="Example: automl-plan init && automl-plan plan && automl-plan apply",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (init, validate, schema, plan, apply, destroy, show, version):
    module.register(app)
for group in (datasets, models, operations, state, emulator):
    app.add_typer(group.app)


def _print_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"automl-plan {__version__}\n")
        raise typer.Exit


@app.callback()
def _root(
    directory: Annotated[
        Path | None,
        typer.Option("-C", "--chdir", metavar="DIR", help="Change to this directory first."),
    ] = None,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_print_version, help="Show the version and exit."
        ),
    ] = False,
    _no_color: Annotated[
        bool, typer.Option("--no-color", help="No colour, wherever it stands on the line.")
    ] = False,
) -> None:
    if directory is not None:
        try:
            directory.mkdir(parents=True, exist_ok=True)
            os.chdir(directory)
        except OSError as error:
            raise UsageError(f"-C {directory}: {error.strerror}.") from error


def main() -> None:
    """Run the command line and exit."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command line; its exit code."""
    if "--no-color" in arguments:
        os.environ["NO_COLOR"] = "1"
        arguments = [argument for argument in arguments if argument != "--no-color"]
    try:
        return _invoke(arguments)
    except AutomlPlanError as error:
        return _report(error, as_json="--json" in arguments)
    except KeyboardInterrupt:
        return _report(Interrupted("Interrupted."), as_json=False)
    except BrokenPipeError:
        # Whoever read our output has seen enough. Python would complain again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if os.environ.get(DEBUG_VARIABLE):
            raise
        return _report_bug(error)


def _invoke(arguments: list[str]) -> int:
    command = typer.main.get_command(app)
    try:
        code = command.main(arguments, prog_name="automl-plan", standalone_mode=False)
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else 1
    except Exception as error:
        # Errors of the command line itself: their exit code 2 would mean "changes" here.
        show = getattr(error, "show", None)
        if show is not None:
            show()
            return 1
        if type(error).__name__ == "Abort":
            raise KeyboardInterrupt from None
        raise
    return code if isinstance(code, int) else 0


def _report(error: AutomlPlanError, *, as_json: bool) -> int:
    from automl_plan.cli.output import say, style_for, write_json
    from automl_plan.rendering.failures import error_json, error_text

    if as_json:
        write_json(error_json(error))
    say(error_text(error, style_for(sys.stderr)))
    return error.exit_code


def _report_bug(error: Exception) -> int:
    from automl_plan.cli.output import say
    from automl_plan.rendering.style import clean

    say(
        f"Error: this is a bug in automl-plan {__version__}: "
        f"{type(error).__name__}: {clean(str(error))[:500]}\n"
        f"  next:  run it again with {DEBUG_VARIABLE}=1 and report what it prints. What was done "
        "before is in the state.\n"
    )
    return 1
