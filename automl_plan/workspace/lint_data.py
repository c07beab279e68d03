"""Lints and judges the data of declared datasets, or of one file or folder, for people."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import cache
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from automl_plan.data.dataset_kinds import DatasetKind, kind_of
from automl_plan.data.lint import Linted, Linter
from automl_plan.data.lint_rule import Severity
from automl_plan.data.local_files import RELATIVE
from automl_plan.data.source_files import SourceFiles
from automl_plan.errors import SourceError, UsageError
from automl_plan.model.capabilities import Capabilities
from automl_plan.model.model_types import Problem
from automl_plan.model.source_data import DataCounts, is_folder
from automl_plan.planning.adequacy import advise
from automl_plan.providers.data_access import ObjectStorage
from automl_plan.providers.registry import DEFAULT, PROVIDERS, open_storage
from automl_plan.workspace.data_checks import DatasetAdvice, advise_dataset
from automl_plan.workspace.workspace import Workspace


class Subject(Struct, frozen=True):
    """What is read together: the sources of a dataset, or a file."""

    name: str
    sources: tuple[str, ...]
    kind: DatasetKind | None


def is_file(name: str | None, kind: str | None, workspace: Workspace | None = None) -> bool:
    """Return whether a name is that of a file or a folder, not of a declared dataset.

    Raises UsageError for a kind without a file, or of boxes for a folder.
    """
    found = False
    if name is not None:
        declared = () if workspace is None else workspace.configuration.desired.datasets
        found = name.lower().endswith((".csv", ".jsonl")) or (
            is_folder(name)
            and ("/" in name or name == "." or Path(name).is_dir())
            and all(name.removeprefix("dataset.") != address.name for address in declared)
        )
    if kind is not None and not found:
        raise UsageError("--kind is for a file or a folder: a dataset declares its kind.")
    if kind == DatasetKind.DETECTION and name is not None and is_folder(name):
        raise UsageError(
            f"{name} is a folder, which has labels of images, but no boxes.",
            hint="Write a CSV with a line for each box: TRAIN,photos/1.jpg,cat,0.1,0.2,,,0.5,0.6,,",
        )
    return found


def lint_data(
    workspace: Workspace | None, name: str | None, kind: str | None, *, images: bool
) -> list[Linted]:
    """Lint a file, or the sources of one or all declared datasets.

    `kind`: of the file, if it is known. `images`: whether images are looked at, too. A file needs
    no workspace. Raises UsageError, SourceError and ProviderError.
    """
    of_file = is_file(name, kind, workspace)
    directory = Path()
    if name is not None and of_file:
        directory, name = _place(name)
        subjects: Sequence[Subject] = [_subject_of_file(name, kind, workspace)]
    else:
        subjects = _declared(name, workspace)
    with _linter(workspace, directory, anywhere=of_file, images=images) as linter:
        return [linter.lint(each.name, each.sources, each.kind) for each in subjects]


def advise_data(workspace: Workspace | None, name: str, kind: str | None) -> DatasetAdvice:
    """Judge whether the data of a file or a declared dataset is adequate for training.

    Raises UsageError, SourceError, StateError and ProviderError.
    """
    of_file = is_file(name, kind, workspace)
    directory, name = _place(name) if of_file else (Path(), name)
    # Without a configuration it is not known which storage has the objects.
    asks = workspace is not None
    with _linter(workspace, directory, anywhere=of_file, asks_storage=asks, decode=False) as linter:
        unchecked: list[str] = []

        def counted(sources: Sequence[str], its: DatasetKind | None) -> DataCounts:
            linted = linter.lint(name, sources, its)
            unchecked.extend(linted.rows_unchecked)
            for source, reason in linted.unread:
                raise SourceError(f"{reason[:1].upper()}{reason[1:]}.", where=source, hint=RELATIVE)
            return linted.data

        if of_file or workspace is None:
            subject = _subject_of_file(name, kind, workspace)
            counts = counted(subject.sources, subject.kind)
            boxes = Problem.IMAGE_OBJECT_DETECTION
            limits = linter.limits[boxes if counts.boxes else Problem.IMAGE_CLASSIFICATION]
            advised = DatasetAdvice(name, advise(counts, limits))
        else:
            advised = advise_dataset(
                workspace,
                name,
                lambda d: counted(d.sources, kind_of(d.problem, d.classification_type)),
            )
        return replace(advised, unchecked=tuple(unchecked))


@contextmanager
def _linter(
    workspace: Workspace | None,
    directory: Path,
    *,
    anywhere: bool,
    images: bool = True,
    asks_storage: bool = True,
    decode: bool = True,
) -> Iterator[Linter]:
    """`anywhere`: a file may be outside of the directory; `decode`: images are decoded."""
    with ExitStack() as stack:
        storage = cache(lambda: stack.enter_context(storage_of(workspace)))
        can = _capabilities(workspace)
        files = stack.enter_context(SourceFiles(directory, storage, anywhere=anywhere))
        yield Linter(
            files.open,
            can.limits,
            _severities(workspace),
            directory=directory if images else None,
            storage=storage if asks_storage else None,
            image_pixels=can.image_pixels,
            decode=decode,
            expand=files.expand,
        )


def _place(name: str) -> tuple[Path, str]:
    """Return the directory that a file or a folder is read from, and its name there.

    That of a folder elsewhere is the one that it is in: links may not lead out of it.
    """
    if not is_folder(name):
        return Path(), name
    found, here = Path(os.path.realpath(name)), Path(os.path.realpath("."))
    if found == here or here in found.parents:
        return Path(), os.path.relpath(found, here) + "/" if Path(name).is_absolute() else name
    return found.parent, f"{found.name}/"


def _severities(workspace: Workspace | None) -> dict[str, Severity]:
    configured = {} if workspace is None else workspace.configuration.lint
    return {rule: Severity(severity) for rule, severity in configured.items()}


def _capabilities(workspace: Workspace | None) -> Capabilities:
    """Return those of the provider; without a configuration, of the default one."""
    if workspace is None:
        return PROVIDERS[DEFAULT].capabilities({})
    return workspace.configuration.capabilities


def subjects_of(
    name: str | None, kind: str | None, workspace: Workspace | None
) -> Sequence[Subject]:
    """Return a file or a folder, or one or all declared datasets. Raises UsageError."""
    if name is not None and is_file(name, kind, workspace):
        return [_subject_of_file(name, kind, workspace)]
    return _declared(name, workspace)


def _subject_of_file(name: str, kind: str | None, workspace: Workspace | None) -> Subject:
    """A file has the kind that is given, or of the dataset whose source it is."""
    known = None if kind is None else DatasetKind(kind)
    if known is None and workspace is not None:
        for dataset in workspace.configuration.desired.datasets.values():
            if os.path.normpath(name) in map(os.path.normpath, dataset.sources):
                known = kind_of(dataset.problem, dataset.classification_type)
    return Subject(name, (name,), known)


def _declared(name: str | None, workspace: Workspace | None) -> Sequence[Subject]:
    declared = {} if workspace is None else workspace.configuration.desired.datasets
    datasets = list(declared.values())
    wanted = None if name is None else name.removeprefix("dataset.")
    if wanted is not None:
        datasets = [dataset for dataset in datasets if dataset.address.name == wanted]
        if not datasets:
            raise UsageError(
                f"No dataset {name} is declared.",
                hint="Give the name of a declared dataset, a .csv or .jsonl file, or a folder with "
                "a slash at its end.",
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
            "No dataset with sources is declared.",
            hint="Give a file or a folder: datasets lint FILE.",
        )
    return found


@contextmanager
def storage_of(workspace: Workspace | None) -> Iterator[ObjectStorage]:
    """Open the storage of the provider; without a configuration, of the default one."""
    if workspace is not None:
        yield workspace.provider.data_access.storage
        return
    with closing(open_storage(os.environ)) as storage:
        yield storage
