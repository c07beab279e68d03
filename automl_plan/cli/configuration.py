"""`automl-plan init|validate|schema|graph|version`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from automl_plan import __version__
from automl_plan.cli.ci_formats import write_report
from automl_plan.cli.json_files import DocumentFile
from automl_plan.cli.options import FORMAT, JSON, JSON_INTO, VARIABLES, command
from automl_plan.cli.output import stdout_style, write, write_json
from automl_plan.cli.run import Run
from automl_plan.errors import UsageError


@command(example="init --images data/photos")
def init(
    _run: Run,
    directory: Annotated[
        Path,
        typer.Option(
            "-C",
            "--chdir",
            metavar="DIR",
            help="Write it to this directory, which is created if it does not exist.",
            show_default=False,
        ),
    ] = Path(),
    images: Annotated[
        Path | None,
        typer.Option(
            "--images",
            metavar="FOLDER",
            help="Declare this folder, which has a folder of images for each label.",
        ),
    ] = None,
) -> None:
    """Write a small, commented configuration that is valid as it is."""
    from automl_plan.config.scaffold import Declared, scaffold

    there = "" if directory == Path() else f" -C {directory}"
    if images is not None:
        from automl_plan.output.style import clean, counted
        from automl_plan.workspace.convert_data import photographs

        found = photographs(directory, images)
        for path in scaffold(directory, Declared(found.name, found.source, found.multilabel)):
            write(f"Wrote {path}\n")
        what = f"{counted(found.images, 'image')} of {counted(found.labels, 'label')}"
        write(f"{clean(found.source)} has {what}.\n")
        write(f"Next: `automl-plan datasets lint{there}`, then `automl-plan plan{there}`.\n")
        return
    for path in scaffold(directory):
        write(f"Wrote {path}\n")
    data = directory / "data"
    write(
        f"Next: put your images into {data}, write {data / 'images.csv'} (a line for each image, "
        "such as TRAIN,data/1.jpg,cat), uncomment `sources:` in automl-plan.yaml, and run "
        f"`automl-plan plan{there}`.\n"
        f"From a folder of images for each label: `automl-plan init --images FOLDER`.\n"
    )


@command(*VARIABLES, FORMAT, JSON, JSON_INTO, example="validate --var budget=9000")
def validate(
    run: Run,
) -> None:
    """Check the configuration. Needs no credentials and no network."""
    from automl_plan.output.documents.commands import Validate
    from automl_plan.output.failures import validation_text

    shown = run.output_format()
    with DocumentFile(run.json_into) as file:
        run.configuration = configuration = run.load()
        file.write(Validate.of(configuration))
    if shown == "json":
        write_json(Validate.of(configuration))
    elif shown == "text":
        write(validation_text(configuration, stdout_style()))
    else:
        from automl_plan.output.annotations import validation_report

        write_report(shown, lambda home: validation_report(configuration, home))


@command(JSON, example="schema > config.schema.json")
def schema(
    _run: Run,
    name: Annotated[
        Literal["config", "plan", "state", "output", "events", "notice"],
        typer.Argument(
            metavar="NAME",
            help="The configuration (default), plan files, the state, the output of --json, the "
            "lines of `apply --json`, or messages to webhooks.",
            show_default=False,
        ),
    ] = "config",
) -> None:
    """Print the JSON Schema of the configuration, for editors, or another one."""
    from automl_plan.config.schema import read_schema

    write_json(read_schema(name))


@command(*VARIABLES, JSON, example="graph plan.json --format mermaid")
def graph(
    run: Run,
    plan_file: Annotated[
        Path | None,
        typer.Argument(
            metavar="PLANFILE",
            help="A plan saved with `plan --out`: also shows what it does to each resource.",
        ),
    ] = None,
    format_: Annotated[
        Literal["dot", "mermaid", "json"] | None,
        typer.Option("--format", help="dot (default) for Graphviz, mermaid for Markdown, or json."),
    ] = None,
) -> None:
    """Draw the dependencies between resources, as declared or as in a saved plan."""
    from automl_plan.output.graph import (
        configuration_graph,
        graph_dot,
        graph_mermaid,
        plan_graph,
    )
    from automl_plan.workspace.plan_file import read_plan

    if run.as_json and format_ not in (None, "json"):
        raise UsageError(f"--json and --format {format_} exclude each other.")
    if plan_file is not None:
        drawn = plan_graph(read_plan(plan_file))
    else:
        drawn = configuration_graph(run.load().desired)
    if run.as_json or format_ == "json":
        write_json(drawn)
    else:
        write(graph_mermaid(drawn) if format_ == "mermaid" else graph_dot(drawn))


@command(JSON, example="version --json")
def version(
    run: Run,
) -> None:
    """Show the version of automl-plan, of Python, and the platform."""
    python, system = sys.version.split()[0], " ".join(os.uname()[::2])
    if run.as_json:
        from automl_plan.output.documents.commands import Version

        write_json(Version(__version__, python, system))
    else:
        write(f"automl-plan {__version__}\nPython {python} on {system}\n")
