"""`automl-plan show|comment`: a saved plan for people, programs and pull requests."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from automl_plan.cli.options import DIRECTORY, JSON, VARIABLES, command, whole_number
from automl_plan.cli.output import stdout_style, write, write_exactly, write_json
from automl_plan.cli.run import Run
from automl_plan.errors import UsageError

if TYPE_CHECKING:
    from automl_plan.output.code_hosts.dialects import SourceLinks
    from automl_plan.workspace.bound_plan import BoundPlan

_POSTED = {
    "created": "Posted the comment",
    "updated": "Updated the comment",
    "unchanged": "The comment is up to date",
    "left": "The comment is of a newer run and was not changed",
}


@command(*VARIABLES, JSON, example="show plan.json")
def show(
    run: Run,
    plan_file: Annotated[
        Path | None,
        typer.Argument(
            metavar="PLANFILE", help="A plan saved with `plan --out`. Without it: the state."
        ),
    ] = None,
    format_: Annotated[
        Literal["text", "json", "markdown", "html", "outputs"],
        typer.Option(
            "--format",
            help="Format of a saved plan: text (default), json, markdown for comments, html for "
            "a page, outputs for scripts.",
            show_default=False,
        ),
    ] = "text",
    key: Annotated[
        str,
        typer.Option(
            "--key", metavar="NAME", help="Name of the comment, if a pull request has several."
        ),
    ] = "automl-plan",
    host: Annotated[
        Literal["github", "gitlab", "bitbucket"] | None,
        typer.Option(
            "--host",
            help="Dialect of Markdown; default: of the host whose pipeline this is, or GitHub.",
        ),
    ] = None,
) -> None:
    """Show a saved plan or, without one, the state."""
    if plan_file is not None:
        _show_plan(plan_file, "json" if run.as_json else format_, key, host)
        return
    if format_ in ("markdown", "html", "outputs"):
        raise UsageError(f"Only a plan can be shown as {format_}.", hint="Give a PLANFILE.")
    from automl_plan.output.state import state_text

    run.as_json = run.as_json or format_ == "json"
    with run.open() as opened:
        recorded = opened.store.read()
    run.show("inventory:StateList.of", state_text, recorded)


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
    """Return links to the commit that was checked out, which may be a merge of what was pushed."""
    from automl_plan.output.code_hosts.dialects import source_links
    from automl_plan.workspace.git_commit import place_in_repository

    return source_links(os.environ, planned.commit, place_in_repository(Path()))


@command(DIRECTORY, JSON, example="comment plan.json --github")
def comment(
    run: Run,
    plan_file: Annotated[
        Path, typer.Argument(metavar="PLANFILE", help="A plan saved with `plan --out`.")
    ],
    github: Annotated[
        bool, typer.Option("--github", help="Post to GitHub, with the token in GITHUB_TOKEN.")
    ] = False,
    repo: Annotated[
        str | None,
        typer.Option(
            "--repo", metavar="OWNER/NAME", help="Default: the repository of the workflow."
        ),
    ] = None,
    pull_request: Annotated[
        int | None,
        typer.Option(
            "--pull-request",
            parser=whole_number(1),
            metavar="N",
            help="Default: the pull request of the workflow.",
        ),
    ] = None,
    key: Annotated[
        str,
        typer.Option(
            "--key", metavar="NAME", help="Name of the comment, if a pull request has several."
        ),
    ] = "automl-plan",
) -> None:
    """Post a saved plan as a pull request comment, which later runs update in place."""
    from automl_plan.output.code_hosts.comments import Origin, Sticky
    from automl_plan.output.code_hosts.github import PullRequest, run_of
    from automl_plan.output.documents.plan import Comment
    from automl_plan.output.markdown import plan_markdown
    from automl_plan.output.style import clean
    from automl_plan.workspace.plan_file import read_plan

    if not github:
        raise UsageError(
            "Missing --github.",
            hint="For other hosts, `automl-plan show PLANFILE --format markdown` prints the text.",
        )
    planned = read_plan(plan_file)
    workflow = run_of(os.environ)
    repository, number = repo or workflow.repository, pull_request or workflow.number
    if repository is None or number is None:
        raise UsageError(
            "This is not a workflow of a pull request.", hint="Give --repo and --pull-request."
        )
    token = os.environ.get("GITHUB_TOKEN", "")
    if not token.strip():
        raise UsageError(
            "GITHUB_TOKEN is not set.", hint="In a workflow: env: GITHUB_TOKEN: ${{ github.token }}"
        )
    origin = Origin(key, workflow.commit or planned.commit, planned.made)
    body = plan_markdown(planned, origin, links=_links(planned)).strip()

    place = PullRequest(workflow.api_url, repository, number, token.strip())
    said = Sticky(place, key).say(body)
    if run.as_json:
        write_json(Comment.filled(said, action=said.outcome))
    else:
        write(f"{_POSTED[said.outcome]}: {clean(said.url)}\n")
