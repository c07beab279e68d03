"""`automl-plan show`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from automl_plan.cli.options import AsJson, Directory, Var, VarFile, workspace
from automl_plan.cli.output import stdout_style, write, write_exactly, write_json
from automl_plan.errors import UsageError

if TYPE_CHECKING:
    from automl_plan.output.code_hosts.dialects import SourceLinks
    from automl_plan.workspace.bound_plan import BoundPlan


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
        Literal["text", "json", "markdown", "html", "outputs"],
        typer.Option(
            "--format", help="How a saved plan is shown: markdown for comments, html as one page."
        ),
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
    if format_ in ("markdown", "html", "outputs"):
        raise UsageError(f"Only a plan is shown as {format_}.", hint="Give a PLANFILE.")
    as_json = as_json or format_ == "json"
    from automl_plan.output.state import state_text

    with workspace(directory, var, var_file) as opened:
        recorded = opened.store.read()
    if as_json:
        from automl_plan.output.documents.state import StateList

        write_json(StateList.of(recorded))
    else:
        write(state_text(recorded, stdout_style()))


def _show_plan(plan_file: Path, format_: str, key: str, host: str | None) -> None:
    from automl_plan.workspace.plan_file import planned_to_json, read_plan

    planned = read_plan(plan_file)
    match format_:
        case "json":
            write_json(planned_to_json(planned))
        case "markdown":
            from automl_plan.output.code_hosts.comments import Origin
            from automl_plan.output.code_hosts.dialects import FLAVOURS, host_of
            from automl_plan.output.markdown import plan_markdown

            flavour = FLAVOURS[host or host_of(os.environ) or "github"]
            origin = Origin(key, planned.commit, planned.made)
            write(plan_markdown(planned, origin, flavour=flavour, links=_links(planned)))
        case "outputs":
            from automl_plan.output.plan import plan_outputs

            write_exactly(plan_outputs(planned))
        case "html":
            from automl_plan.output.html.page import plan_html

            write(plan_html(planned, _links(planned)))
        case _:
            from automl_plan.output.plan import plan_text

            write(plan_text(planned, stdout_style()))


def _links(planned: BoundPlan) -> SourceLinks | None:
    from automl_plan.output.code_hosts.dialects import source_links
    from automl_plan.workspace.git_commit import place_in_repository

    return source_links(os.environ, planned.commit, place_in_repository(Path()))
