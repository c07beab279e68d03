"""The entry point: all commands, and the one place where errors become text and exit codes."""

from __future__ import annotations

import gc
import io
import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any

import typer

from automl_plan import __version__
from automl_plan.cli import completion
from automl_plan.cli.commands import ByName, Commands
from automl_plan.cli.log_level import set_level, without_level
from automl_plan.cli.options import Directory, next_step, start_here
from automl_plan.cli.output import discard_output, say, style_for
from automl_plan.cli.reporting import write_error
from automl_plan.errors import AutomlPlanError, Interrupted, UsageError

_OBJECTS_BETWEEN_COLLECTIONS = 50_000
DEBUG_VARIABLE = "AUTOML_PLAN_DEBUG"

app = typer.Typer(
    name="automl-plan",
    cls=ByName,
    help="Declare, plan, review and apply AutoML image datasets and models.",
    epilog="Example: automl-plan init && automl-plan plan && automl-plan apply",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"automl-plan {__version__}\n")
        raise typer.Exit


@app.callback()
def _root(
    _directory: Directory = Path(),
    _version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_print_version, help="Show the version and exit."
        ),
    ] = False,
    _no_color: Annotated[
        bool, typer.Option("--no-color", help="No colour, wherever it stands on the line.")
    ] = False,
    _log_level: Annotated[
        str | None,
        typer.Option(
            "--log-level",
            metavar="LEVEL",
            help="debug tells each request on standard error, wherever it stands on the line; or "
            "AUTOML_PLAN_LOG=debug.",
        ),
    ] = None,
) -> None:
    """The flags that stand before a command act by themselves."""


def main() -> None:
    """Run the command line and exit."""
    # What a command makes lives until it ends: looking for garbage often finds none.
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS, 50, 1_000)
    if isinstance(sys.stdout, TextIOWrapper):
        # A terminal that can't show a letter gets its number, not a traceback.
        sys.stdout.reconfigure(errors="backslashreplace")
    code = run(sys.argv[1:])
    if code == Interrupted.exit_code:
        # A request that is under way must not keep the process until it is answered.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    # The interpreter looks through all that is left for garbage, thrice: a fifth of a small plan.
    gc.freeze()
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run one command line; its exit code."""
    if "--no-color" in arguments:
        os.environ["NO_COLOR"] = "1"
        arguments = [argument for argument in arguments if argument != "--no-color"]
    arguments, level = without_level(arguments, os.environ)
    completion.rejoin(os.environ)
    start_here()
    try:
        set_level(*level)
        return _told_next_step(_invoke(arguments), arguments)
    except AutomlPlanError as error:
        return _told_next_step(_report(error, arguments), arguments)
    except KeyboardInterrupt:
        return _report(Interrupted("Interrupted."), ())
    except BrokenPipeError:
        discard_output()  # whoever read it has seen enough
        return 1
    except Exception as error:
        if os.environ.get(DEBUG_VARIABLE):
            raise
        return _report_bug(error)


def _told_next_step(code: int, arguments: Sequence[str]) -> int:
    """Where nothing can come of a configuration yet, say why to whoever reads text; the code.

    A plan that is refused names it itself.
    """
    for_programs = any(word == "--json" or word.startswith("--format") for word in arguments)
    if code in (0, 1) and not for_programs and (step := next_step()) is not None:
        from automl_plan.output.style import clean

        say(f"Next: {clean(step)}\n")
    return code


def command_line() -> Any:
    """The group of all commands."""
    group: Any = typer.main.get_command(app)
    group.commands = Commands(group.commands)
    return group


def _invoke(arguments: list[str]) -> int:
    command = command_line()
    try:
        code = command.main(arguments, prog_name="automl-plan", standalone_mode=False)
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else 1
    except Exception as error:
        if isinstance(error, typer.Abort):
            raise KeyboardInterrupt from None
        # Wrong flags and arguments: their own exit code 2 would mean "changes" here.
        show, said = getattr(error, "show", None), getattr(error, "format_message", None)
        if show is None or said is None:
            raise
        from automl_plan.cli.suggestions import suggestion

        hint = suggestion(error, arguments)
        shown = io.StringIO()
        show(file=shown)
        say(shown.getvalue() + (f"  next:  {hint}\n" if hint is not None else ""))
        write_error(UsageError(said(), hint=hint), arguments)
        return UsageError.exit_code
    return code if isinstance(code, int) else 0


def _report(error: AutomlPlanError, arguments: Sequence[str]) -> int:
    from automl_plan.output.failures import error_text

    write_error(error, arguments)
    say(error_text(error, style_for(sys.stderr)))
    return error.exit_code


def _report_bug(error: Exception) -> int:
    from automl_plan.output.style import clean

    say(
        f"Error: this is a bug in automl-plan {__version__}: "
        f"{type(error).__name__}: {clean(str(error))[:500]}\n"
        f"  next:  run it again with {DEBUG_VARIABLE}=1 and report what it prints. What was done "
        "before is in the state.\n"
    )
    return 1
