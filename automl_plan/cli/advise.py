"""`automl-plan datasets advise`."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from automl_plan.cli import completion
from automl_plan.cli.lint import has_configuration, severities_of, storage_of, subject_of_file
from automl_plan.cli.options import AsJson, Directory, Var, VarFile, workspace
from automl_plan.cli.output import stdout_style, write, write_json
from automl_plan.errors import SourceError, UsageError

if TYPE_CHECKING:
    from automl_plan.model.data_counts import DataCounts
    from automl_plan.providers.data_access import ObjectStorage
    from automl_plan.workspace.data_checks import DatasetAdvice


def advise(
    name: Annotated[
        str, typer.Argument(metavar="NAME|FILE.csv", autocompletion=completion.datasets)
    ],
    kind: Annotated[
        Literal["multiclass", "multilabel", "detection"] | None,
        typer.Option("--kind", help="What FILE.csv is for; by the looks of its rows if left out."),
    ] = None,
    var: Var = None,
    var_file: VarFile = None,
    directory: Directory = Path(),
    as_json: AsJson = False,
) -> None:
    """Tell whether data is adequate for training, and what would help most."""
    from automl_plan.output.data import advice_text

    advised = _advised(name, kind, directory, var, var_file)
    if as_json:
        from automl_plan.output.documents.datasets import DatasetsAdvise

        write_json(DatasetsAdvise.of([advised]))
        return
    width = shutil.get_terminal_size((100, 24)).columns
    write(advice_text([advised], stdout_style(), width=width, blocks=_shows_blocks()))


def _advised(
    name: str,
    kind: str | None,
    directory: Path,
    var: list[str] | None,
    var_file: list[Path] | None,
) -> DatasetAdvice:
    from automl_plan.data.dataset_kinds import DatasetKind, kind_of
    from automl_plan.data.lint import Linter
    from automl_plan.data.source_files import SourceFiles
    from automl_plan.planning.adequacy import advise
    from automl_plan.workspace.data_checks import DatasetAdvice, advise_dataset

    is_file = name.lower().endswith(".csv")
    if kind is not None and not is_file:
        raise UsageError("--kind goes with FILE.csv: a dataset has the kind that it is declared.")
    with ExitStack() as stack:
        opened = None
        if not is_file or has_configuration(directory):
            opened = stack.enter_context(workspace(directory, var, var_file))

        @cache
        def storage() -> ObjectStorage:
            return storage_of(opened, stack)

        files = stack.enter_context(SourceFiles(directory, storage, anywhere=is_file))
        linter = Linter(
            files.open,
            severities_of(opened),
            directory=directory,
            # Without a configuration nothing says whom to ask for objects.
            storage=None if opened is None else storage,
            decode=False,
        )

        def counted(sources: Sequence[str], its: DatasetKind | None) -> DataCounts:
            linted = linter.lint(name, sources, its)
            for source, why in linted.unread:
                raise SourceError(f"The import CSV is not read: {why}.", where=source)
            return linted.data

        if is_file or opened is None:
            subject = subject_of_file(name, None if kind is None else DatasetKind(kind), opened)
            return DatasetAdvice(name, advise(counted(subject.sources, subject.kind)))
        return advise_dataset(
            opened,
            name,
            lambda d: counted(d.sources, kind_of(d.problem, d.classification_type)),
        )


def _shows_blocks() -> bool:
    """Whether what is written can hold the blocks that bars are made of."""
    try:
        "\u2588\u258f".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
