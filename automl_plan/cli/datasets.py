"""`automl-plan datasets …`: those that live, managed or not, and the data of those to come."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from automl_plan.cli import advise, completion, lint
from automl_plan.cli.options import AsJson, Directory, Var, VarFile, workspace
from automl_plan.cli.output import stdout_style, write, write_json

app = typer.Typer(name="datasets", help="Datasets that live, and their data.", no_args_is_help=True)
app.command("lint", epilog="Example: automl-plan datasets lint data/digits.csv")(lint.lint)
app.command("advise", epilog="Example: automl-plan datasets advise digits")(advise.advise)


@app.command("list", epilog="Example: automl-plan datasets list")
def list_(
    var: Var = None,
    var_file: VarFile = None,
    directory: Directory = Path(),
    as_json: AsJson = False,
) -> None:
    """List datasets: images, status of the latest operation, and who manages each."""
    from automl_plan.output.inventory import datasets_text
    from automl_plan.workspace.inventory import list_datasets

    with workspace(directory, var, var_file) as opened:
        rows = list_datasets(opened.provider, opened.store.read().recorded())
    if as_json:
        from automl_plan.output.documents.datasets import DatasetsList

        write_json(DatasetsList.of(rows))
    else:
        write(datasets_text(rows, stdout_style()))


@app.command(epilog="Example: automl-plan datasets show digits")
def show(
    name: Annotated[
        str, typer.Argument(metavar="NAME|ID|ADDRESS", autocompletion=completion.datasets)
    ],
    var: Var = None,
    var_file: VarFile = None,
    directory: Directory = Path(),
    as_json: AsJson = False,
) -> None:
    """Show one dataset."""
    from automl_plan.model.address import ResourceKind
    from automl_plan.output.inventory import dataset_text
    from automl_plan.workspace.inventory import describe_dataset, pick

    with workspace(directory, var, var_file) as opened:
        provider, recorded = opened.provider, opened.store.read().recorded()
        dataset = pick(
            opened.bare_id(name, ResourceKind.DATASET),
            ResourceKind.DATASET,
            provider.datasets(),
            recorded.resources,
        )
        row = describe_dataset(provider, recorded, dataset)
    if as_json:
        from automl_plan.output.documents.datasets import DatasetsShow

        write_json(DatasetsShow.of(row))
    else:
        write(dataset_text(row, stdout_style()))
