"""`automl-plan datasets lint`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from msgspec import Struct

from automl_plan.cli import completion
from automl_plan.cli.json_files import DocumentFile, JsonInto
from automl_plan.cli.options import AsJson, Directory, Var, VarFile, workspace
from automl_plan.cli.output import stdout_style, write, write_exactly, write_json
from automl_plan.cli.reporting import Format, FormatOption, chosen, home, renderer
from automl_plan.errors import UsageError

if TYPE_CHECKING:
    from automl_plan.data.dataset_kinds import DatasetKind
    from automl_plan.data.lint import Linted
    from automl_plan.data.lint_rules import Severity
    from automl_plan.model.capabilities import Capabilities
    from automl_plan.providers.data_access import ObjectStorage
    from automl_plan.workspace.workspace import Workspace

ERRORS = 1
"""Exit code when a finding is an error."""


class Subject(Struct, frozen=True):
    """What is linted together: the sources of a dataset, or a file."""

    name: str
    sources: tuple[str, ...]
    kind: DatasetKind | None


def lint(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME|FILE.csv", autocompletion=completion.datasets),
    ] = None,
    kind: Annotated[
        Literal["multiclass", "multilabel", "detection"] | None,
        typer.Option("--kind", help="What FILE.csv is for; by the looks of its rows if left out."),
    ] = None,
    no_images: Annotated[
        bool, typer.Option("--no-images", help="Look at the CSVs only, not at the images.")
    ] = False,
    var: Var = None,
    var_file: VarFile = None,
    directory: Directory = Path(),
    format_: FormatOption = None,
    as_json: AsJson = False,
    json_into: JsonInto = None,
) -> None:
    """Look at import data before it is paid for; exits with 1 if a finding is an error."""
    shown = chosen(format_, as_json=as_json)
    with DocumentFile(json_into) as file:
        results = list(_results(name, kind, not no_images, directory, var, var_file))
        if file.wanted:
            file.write(_document(results))
    _write(results, shown)
    if any(linted.has_errors for linted in results):
        raise typer.Exit(ERRORS)


def _results(
    name: str | None,
    kind: str | None,
    images: bool,
    directory: Path,
    var: list[str] | None,
    var_file: list[Path] | None,
) -> Iterator[Linted]:
    from automl_plan.data.dataset_kinds import DatasetKind
    from automl_plan.data.lint import Linter
    from automl_plan.data.source_files import SourceFiles

    is_file = name is not None and name.lower().endswith(".csv")
    if kind is not None and not is_file:
        raise UsageError("--kind goes with FILE.csv: a dataset has the kind that it is declared.")
    with ExitStack() as stack:
        opened = None
        if not is_file or has_configuration(directory):
            opened = stack.enter_context(workspace(directory, var, var_file))
        if name is not None and is_file:
            subjects: Sequence[Subject] = [
                subject_of_file(name, None if kind is None else DatasetKind(kind), opened)
            ]
        else:
            subjects = _declared(name, opened)

        @cache
        def storage() -> ObjectStorage:
            return storage_of(opened, stack)

        linter = Linter(
            stack.enter_context(SourceFiles(directory, storage, anywhere=is_file)).open,
            severities_of(opened),
            directory=directory if images else None,
            storage=storage,
            image_pixels=capabilities_of(opened).image_pixels,
        )
        for subject in subjects:
            yield linter.lint(subject.name, subject.sources, subject.kind)


def severities_of(opened: Workspace | None) -> dict[str, Severity]:
    """What a configuration says of the rules."""
    from automl_plan.data.lint_rules import Severity

    given = {} if opened is None else opened.configuration.lint
    return {rule: Severity(told) for rule, told in given.items()}


def capabilities_of(opened: Workspace | None) -> Capabilities:
    """Those of the provider; without a configuration, of the one that is the default."""
    from automl_plan.providers.registry import DEFAULT, PROVIDERS

    if opened is None:
        return PROVIDERS[DEFAULT].capabilities({})
    return opened.configuration.capabilities


def has_configuration(directory: Path) -> bool:
    """Whether a directory has files of a configuration, be they misnamed."""
    from automl_plan.config.files import Unreadable, configuration_files
    from automl_plan.config.misnamed import misnamed

    try:
        return bool(configuration_files(directory, ()))
    except Unreadable:
        return bool(misnamed(directory, ()))


def subject_of_file(name: str, kind: DatasetKind | None, opened: Workspace | None) -> Subject:
    """A file has the kind of the dataset whose source it is."""
    from automl_plan.data.dataset_kinds import kind_of

    if kind is None and opened is not None:
        for dataset in opened.configuration.desired.datasets.values():
            if os.path.normpath(name) in map(os.path.normpath, dataset.sources):
                kind = kind_of(dataset.problem, dataset.classification_type)
    return Subject(name, (name,), kind)


def _declared(name: str | None, opened: Workspace | None) -> Sequence[Subject]:
    from automl_plan.data.dataset_kinds import kind_of

    datasets = [] if opened is None else list(opened.configuration.desired.datasets.values())
    wanted = None if name is None else name.removeprefix("dataset.")
    if wanted is not None:
        datasets = [dataset for dataset in datasets if dataset.address.name == wanted]
        if not datasets:
            raise UsageError(
                f"No dataset {name} is declared.",
                hint="Write the name of a declared dataset, or a file that ends in .csv.",
            )
        if not datasets[0].sources:
            raise UsageError(f"{datasets[0].address} has no sources.")
    found = [
        Subject(str(d.address), d.sources, kind_of(d.problem, d.classification_type))
        for d in datasets
        if d.sources
    ]
    if not found:
        raise UsageError(
            "No dataset with sources is declared.", hint="Name a file: datasets lint FILE.csv."
        )
    return found


def storage_of(opened: Workspace | None, stack: ExitStack) -> ObjectStorage:
    """That of the provider; without a configuration, Google's or what the variable names."""
    if opened is not None:
        return opened.provider.data_access.storage
    from automl_plan.providers.google.storage import Storage, storage_url

    storage = Storage.at(storage_url(os.environ), None)
    stack.callback(storage.close)
    return storage


def _write(results: Sequence[Linted], shown: Format) -> None:
    from automl_plan.output.lint import lint_report, lint_text

    render = renderer(shown)
    if render is not None:
        write_exactly(render(lint_report(results, home())))
    elif shown == "json":
        write_json(_document(results))
    else:
        write(lint_text(results, stdout_style()))


def _document(results: Sequence[Linted]) -> Struct:
    from automl_plan.output.documents.datasets import DatasetsLint

    return DatasetsLint.of(results)
