"""`automl-plan datasets …`."""

from __future__ import annotations

import shutil
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from automl_plan.cli import completion
from automl_plan.cli.ci_formats import write_report
from automl_plan.cli.json_files import DocumentFile
from automl_plan.cli.options import FORMAT, JSON, JSON_INTO, VARIABLES, command
from automl_plan.cli.output import reading, say, stdout_style, write, write_exactly, write_json
from automl_plan.cli.run import Run
from automl_plan.errors import OutputUnwritable

if TYPE_CHECKING:
    from automl_plan.model.live import LiveDataset
    from automl_plan.model.recorded import Recorded
    from automl_plan.workspace.workspace import Workspace

IMAGES = "the images of the dataset"
ERRORS = 1
"""Exit code of `lint` if a finding is an error."""
LiveName = Annotated[
    str,
    typer.Argument(
        metavar="NAME|ID|ADDRESS",
        help="A dataset at the provider, managed or not.",
        autocompletion=completion.datasets,
    ),
]
Kind = Annotated[
    Literal["multiclass", "multilabel", "detection"] | None,
    typer.Option("--kind", help="What FILE is for; default: inferred from its rows."),
]


@command(*VARIABLES, FORMAT, JSON, JSON_INTO, example="datasets lint data/digits.csv")
def lint(
    run: Run,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME|FILE",
            help="A declared dataset, a file, or a folder; default: all declared datasets.",
            autocompletion=completion.datasets,
        ),
    ] = None,
    kind: Kind = None,
    no_images: Annotated[
        bool, typer.Option("--no-images", help="Check the import files only, not the images.")
    ] = False,
) -> int:
    """Check import data before paying for it. Exits with 1 if a finding is an error."""
    from automl_plan.output.documents.data import DatasetsLint
    from automl_plan.output.lint import lint_report, lint_text
    from automl_plan.workspace.lint_data import lint_data

    shown = run.output_format()
    with DocumentFile(run.json_into) as file:
        with ExitStack() as stack:
            results = lint_data(_opened(run, name, kind, stack), name, kind, images=not no_images)
        if file.wanted:
            file.write(DatasetsLint.of(results))
    if shown == "json":
        write_json(DatasetsLint.of(results))
    elif shown == "text":
        write(lint_text(results, stdout_style()))
    else:
        write_report(shown, lambda home: lint_report(results, home))
    return ERRORS if any(linted.has_errors for linted in results) else 0


@command(*VARIABLES, JSON, example="datasets advise digits")
def advise(
    run: Run,
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME|FILE",
            help="A declared dataset, a file, or a folder.",
            autocompletion=completion.datasets,
        ),
    ],
    kind: Kind = None,
) -> None:
    """Judge whether data is adequate for training, and what would improve it most."""
    from automl_plan.output.data import advice_text
    from automl_plan.output.documents.data import DatasetsAdvise
    from automl_plan.workspace.lint_data import advise_data

    with ExitStack() as stack:
        advised = advise_data(_opened(run, name, kind, stack), name, kind)
    if run.as_json:
        write_json(DatasetsAdvise.of([advised]))
        return
    width = shutil.get_terminal_size((100, 24)).columns
    write(advice_text([advised], stdout_style(), width=width, blocks=_shows_blocks()))


@command(*VARIABLES, example="datasets convert data/photos --to csv --output data/photos.csv")
def convert(
    run: Run,
    source: Annotated[
        str,
        typer.Argument(
            metavar="NAME|FILE",
            help="A declared dataset, a file, or a folder.",
            autocompletion=completion.datasets,
        ),
    ],
    to: Annotated[Literal["csv", "jsonl"], typer.Option("--to", help="CSV, or JSON Lines.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", help="Write to this file; default: print."),
    ] = None,
    kind: Kind = None,
) -> None:
    """Write the import file that a source means: same images, labels and sets."""
    from automl_plan.files import write_whole
    from automl_plan.output.style import counted
    from automl_plan.workspace.convert_data import convert_data

    with ExitStack() as stack:
        converted = convert_data(_opened(run, source, kind, stack), source, kind, to)
    if converted.differing:
        say(
            f"Note: {counted(converted.differing, 'row')} can't be written as before: with other "
            "numbers the data has another fingerprint, so models would be trained again.\n"
        )
    if output is None:
        write_exactly(converted.text)
        return
    try:
        write_whole(output, converted.text.encode(), mode=0o666)
    except OSError as error:
        raise OutputUnwritable(f"{output} can't be written: {error.strerror}.") from error
    say(f"Wrote {output}: {counted(converted.rows, 'row')}.\n")


def _opened(run: Run, name: str | None, kind: str | None, stack: ExitStack) -> Workspace | None:
    """Open the configuration; None for a file without one."""
    from automl_plan.config.misnamed import has_configuration
    from automl_plan.workspace.lint_data import is_file

    if is_file(name, kind) and not has_configuration(Path()):
        return None
    return stack.enter_context(run.open())


def _shows_blocks() -> bool:
    """Return whether the encoding of the output has the blocks that bars are made of."""
    try:
        "\u2588\u258f".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


@command(*VARIABLES, JSON, example="datasets list")
def list_(
    run: Run,
) -> None:
    """List the datasets at the provider: images, latest operation, and which are managed."""
    from automl_plan.output.inventory import datasets_text
    from automl_plan.workspace.inventory import list_datasets

    with run.open() as opened:
        rows = list_datasets(opened.provider, opened.store.read().recorded())
    run.show("inventory:DatasetsList.of", datasets_text, rows)


@command(*VARIABLES, JSON, example="datasets show digits")
def show(
    run: Run,
    name: LiveName,
) -> None:
    """Show one dataset, with its images by label."""
    from automl_plan.output.inventory import dataset_text
    from automl_plan.workspace.inventory import describe_dataset
    from automl_plan.workspace.live_items import live_counts

    with reading(IMAGES), run.open() as opened:
        provider, recorded = opened.provider, opened.store.read().recorded()
        dataset = _picked(opened, recorded, name)
        row = describe_dataset(provider, recorded, dataset)
        counts = live_counts(provider, dataset.id)
    run.show("inventory:DatasetsShow.of", dataset_text, row, counts)


@command(*VARIABLES, JSON, JSON_INTO, example="datasets images digits --label seven --set test")
def images(
    run: Run,
    name: LiveName,
    label: Annotated[
        str | None, typer.Option("--label", metavar="LABEL", help="Only images with this label.")
    ] = None,
    use: Annotated[
        Literal["train", "validation", "test", "unassigned"] | None,
        typer.Option("--set", help="Only images in this set.", case_sensitive=False),
    ] = None,
) -> None:
    """List the images of a dataset at the provider, with their labels and sets."""
    from automl_plan.output.inventory import images_text
    from automl_plan.workspace.live_items import list_images

    with DocumentFile(run.json_into) as file:
        with reading(IMAGES), run.open() as opened:
            provider, recorded = opened.provider, opened.store.read().recorded()
            dataset = _picked(opened, recorded, name)
            wanted = None if use is None else use.upper()
            found = list_images(provider, recorded, dataset, label=label, use=wanted)
        if file.wanted:
            from automl_plan.output.documents.inventory import DatasetsImages

            file.write(DatasetsImages.of(found))
    run.show("inventory:DatasetsImages.of", images_text, found)


def _picked(opened: Workspace, recorded: Recorded, name: str) -> LiveDataset:
    from automl_plan.model.address import ResourceKind
    from automl_plan.workspace.inventory import pick

    wanted = opened.bare_id(name, ResourceKind.DATASET)
    datasets = opened.provider.datasets()
    return pick(wanted, ResourceKind.DATASET, datasets, recorded.resources)
