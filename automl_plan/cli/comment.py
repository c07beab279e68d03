"""`automl-plan comment`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from automl_plan.cli.options import AsJson, Directory
from automl_plan.cli.output import write, write_json
from automl_plan.errors import UsageError

_SAID = {
    "created": "The comment is made",
    "updated": "The comment is brought up to date",
    "unchanged": "The comment says this already",
    "left": "A newer run has written the comment; it is left as it is",
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: automl-plan comment plan.json --github")(comment)


def comment(
    plan_file: Annotated[Path, typer.Argument(metavar="PLANFILE", help="Saved with plan --out.")],
    github: Annotated[
        bool, typer.Option("--github", help="On GitHub, with the token in GITHUB_TOKEN.")
    ] = False,
    repo: Annotated[
        str | None,
        typer.Option(metavar="OWNER/NAME", help="Default: that of the workflow that runs."),
    ] = None,
    pull_request: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Default: that of the workflow that runs."),
    ] = None,
    key: Annotated[
        str, typer.Option(metavar="NAME", help="Tells several comments of one pull request apart.")
    ] = "automl-plan",
    directory: Directory = Path(),
    as_json: AsJson = False,
) -> None:
    """Say a saved plan in a pull request: one comment, always of the newest run."""
    from automl_plan.output.code_hosts.comments import Origin, Sticky
    from automl_plan.output.code_hosts.dialects import source_links
    from automl_plan.output.code_hosts.github import PullRequest, run_of
    from automl_plan.output.markdown import plan_markdown
    from automl_plan.output.style import clean
    from automl_plan.workspace.git_commit import place_in_repository
    from automl_plan.workspace.plan_file import read_plan

    if not github:
        raise UsageError(
            "Say where: --github.",
            hint="For other hosts `automl-plan show PLANFILE --format markdown` writes the text.",
        )
    planned = read_plan(plan_file)
    run = run_of(os.environ)
    repository, number = repo or run.repository, pull_request or run.number
    if repository is None or number is None:
        raise UsageError(
            "This is no workflow of a pull request.", hint="Give --repo and --pull-request."
        )
    token = os.environ.get("GITHUB_TOKEN", "")
    if not token.strip():
        raise UsageError(
            "GITHUB_TOKEN is not set.", hint="In a workflow: env: GITHUB_TOKEN: ${{ github.token }}"
        )
    # Lines are those of what was checked out, which may be a merge of what was pushed.
    links = source_links(os.environ, planned.commit, place_in_repository(directory))
    origin = Origin(key, run.commit or planned.commit, planned.made)
    body = plan_markdown(planned, origin, links=links).strip()

    place = PullRequest(run.api_url, repository, number, token.strip())
    said = Sticky(place, key).say(body)
    if as_json:
        from automl_plan.output.documents.plan import Comment

        write_json(Comment(said.outcome, said.url))
    else:
        write(f"{_SAID[said.outcome]}: {clean(said.url)}\n")
