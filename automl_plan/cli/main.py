"""The entry point: the one place where errors become text and exit codes."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import Annotated

import typer

from automl_plan import __version__
from automl_plan.cli import completion
from automl_plan.cli.commands import CommandGroup
from automl_plan.cli.options import Directory, disable_color, log
from automl_plan.cli.output import Level, discard_output, say, style_for
from automl_plan.cli.run import Run
from automl_plan.errors import AutomlPlanError, Interrupted, UsageError

DEBUG_VARIABLE = "AUTOML_PLAN_DEBUG"


def main() -> None:
    """Run the command line and exit."""
    if isinstance(sys.stdout, TextIOWrapper):
        # A terminal that can't show a letter gets its number, not a traceback.
        sys.stdout.reconfigure(errors="backslashreplace")
    code = run(sys.argv[1:])
    if code == Interrupted.exit_code:
        # A request that is under way must not keep the process until it is answered.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    # The last collections of the interpreter would take a fifth of a small plan.
    gc.freeze()
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code."""
    completion.rejoin(os.environ)
    this = Run()
    try:
        return _with_next_step(_invoke(arguments, this), arguments, this)
    except AutomlPlanError as error:
        return _with_next_step(_report(error, arguments), arguments, this)
    except KeyboardInterrupt:
        return _report(Interrupted("Interrupted."), ())
    except BrokenPipeError:
        discard_output()  # the reader has seen enough
        return 1
    except Exception as error:
        if os.environ.get(DEBUG_VARIABLE):
            raise
        return _report_bug(error)


def command_line() -> typer.Typer:
    """Return the application: the group of all commands."""
    app = typer.Typer(
        cls=CommandGroup,
        help="Declare, plan, review and apply AutoML image datasets and models.",
        epilog="Example: automl-plan init && automl-plan plan && automl-plan apply",
        no_args_is_help=True,
        rich_markup_mode=None,
        suggest_commands=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback()
    def _flags(
        directory: Directory = None,
        version: Annotated[
            bool,
            typer.Option(
                "--version", is_eager=True, callback=_print_version, help="Show the version."
            ),
        ] = False,
        no_color: Annotated[
            bool,
            typer.Option(
                "--no-color",
                is_eager=True,
                callback=disable_color,
                help="Disable colored output; anywhere on the line.",
            ),
        ] = False,
        log_level: Annotated[
            Level | None,
            typer.Option(
                "--log-level",
                metavar="LEVEL",
                is_eager=True,
                callback=log,
                envvar="AUTOML_PLAN_LOG",
                help="Log to standard error: debug (each request), info, warning or error; "
                "anywhere on the line.",
            ),
        ] = None,
    ) -> None:
        """The callbacks of these flags do all."""

    return app


def _print_version(value: bool) -> None:
    if value:
        sys.stdout.write(f"automl-plan {__version__}\n")
        raise typer.Exit


def _with_next_step(code: int, arguments: Sequence[str], this: Run) -> int:
    """Say what the configuration still needs, to readers of text; return the code.

    A plan that is refused says it itself.
    """
    for_programs = any(word == "--json" or word.startswith("--format") for word in arguments)
    if code in (0, 1) and not for_programs and (step := this.next_step()) is not None:
        from automl_plan.output.style import clean

        say(f"Next: {clean(step)}\n")
    return code


def _invoke(arguments: list[str], this: Run) -> int:
    group = typer.main.get_command(command_line())
    try:
        code = group.main(arguments, prog_name="automl-plan", standalone_mode=False, obj=this)
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else 1
    except typer.Abort:
        raise KeyboardInterrupt from None
    except typer.TyperException as error:
        return _report_usage(error, arguments)
    return code if isinstance(code, int) else 0


def _report_usage(error: typer.TyperException, arguments: Sequence[str]) -> int:
    """Report wrong flags and arguments: typer's exit code 2 would mean "changes" here."""
    from automl_plan.cli.ci_formats import write_error
    from automl_plan.cli.suggestions import improved

    message, hint = improved(error, arguments)
    ctx: typer.Context | None = getattr(error, "ctx", None)
    if message.startswith("Usage:"):
        say(f"{message}\n")  # a group without a command
    else:
        usage = ""
        if ctx is not None:
            usage = f"{ctx.get_usage()}\nTry '{ctx.command_path} --help' for help.\n\n"
        say(f"{usage}Error: {message}\n" + (f"  next:  {hint}\n" if hint is not None else ""))
    write_error(UsageError(message, hint=hint), arguments)
    return UsageError.exit_code


def _report(error: AutomlPlanError, arguments: Sequence[str]) -> int:
    from automl_plan.cli.ci_formats import write_error
    from automl_plan.output.failures import error_text

    write_error(error, arguments)
    say(error_text(error, style_for(sys.stderr)))
    return error.exit_code


def _report_bug(error: Exception) -> int:
    from automl_plan.output.style import clean

    say(
        f"Error: this is a bug in automl-plan {__version__}: "
        f"{type(error).__name__}: {clean(str(error))[:500]}\n"
        f"  next:  run it again with {DEBUG_VARIABLE}=1 and report the output. What was done "
        "before is in the state.\n"
    )
    return 1
