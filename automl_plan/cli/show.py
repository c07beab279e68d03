"""`automl-plan show`."""

from __future__ import annotations

import os
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
    host: Annotated[
        Literal["github", "gitlab", "bitbucket"] | None,
        typer.Option(help="Whose Markdown; default: the host whose pipeline this is, or GitHub."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show a saved plan, or, without one, what the state records."""
    if plan_file is not None:
        _show_plan(plan_file, "json" if as_json else format_, key, host)
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


def _show_plan(plan_file: Path, format_: str, key: str, host: str | None) -> None:
    from automl_plan.applying.plan_file import planned_to_json, read_plan
    from automl_plan.rendering.plan import plan_text

    planned = read_plan(plan_file)
    if format_ == "json":
        write_json(planned_to_json(planned))
    elif format_ == "markdown":
        from automl_plan.applying.commit import place_in_repository
        from automl_plan.rendering.flavours import FLAVOURS
        from automl_plan.rendering.links import host_of, source_links
        from automl_plan.rendering.markdown import plan_markdown
        from automl_plan.rendering.marker import Origin

        flavour = FLAVOURS[host or host_of(os.environ) or "github"]
        links = source_links(os.environ, planned.commit, place_in_repository(Path()))
        origin = Origin(key, planned.commit, planned.made)
        write(plan_markdown(planned, origin, flavour=flavour, links=links))
    else:
        write(plan_text(planned, stdout_style()))
