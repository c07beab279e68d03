"""`automl-plan show`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from automl_plan.cli.options import AsJson, Directory, Var, VarFile, workspace
from automl_plan.cli.output import stdout_style, write, write_json
from automl_plan.errors import UsageError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: automl-plan show plan.json")(show)


def show(
    plan_file: Annotated[
        Path | None, typer.Argument(metavar="PLANFILE", help="A plan saved with plan --out.")
    ] = None,
    var: Var = None,
    var_file: VarFile = None,
    directory: Directory = Path(),
    format_: Annotated[
        Literal["text", "json", "markdown"],
        typer.Option("--format", help="How a saved plan is shown; markdown is for comments."),
    ] = "text",
    key: Annotated[
        str, typer.Option(metavar="NAME", help="Of a comment: tells several of them apart.")
    ] = "automl-plan",
    as_json: AsJson = False,
) -> None:
    """Show a saved plan, or, without one, what the state records."""
    if plan_file is not None:
        _show_plan(plan_file, "json" if as_json else format_, key)
        return
    if format_ == "markdown":
        raise UsageError("Only a plan is shown as Markdown.", hint="Give a PLANFILE.")
    as_json = as_json or format_ == "json"
    from automl_plan.rendering.state import state_json, state_text

    with workspace(directory, var, var_file) as opened:
        recorded = opened.store.read()
    if as_json:
        write_json(state_json(recorded))
    else:
        write(state_text(recorded, stdout_style()))


def _show_plan(plan_file: Path, format_: str, key: str) -> None:
    from automl_plan.applying.plan_file import planned_to_json, read_plan
    from automl_plan.rendering.plan import plan_text

    planned = read_plan(plan_file)
    if format_ == "json":
        write_json(planned_to_json(planned))
    elif format_ == "markdown":
        from automl_plan.applying.commit import commit_of
        from automl_plan.applying.moments import now
        from automl_plan.rendering.markdown import plan_markdown
        from automl_plan.rendering.marker import Origin

        write(plan_markdown(planned, Origin(key, commit_of(Path()), now())))
    else:
        write(plan_text(planned, stdout_style()))
