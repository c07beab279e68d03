"""What sources mean, as one import file; and what a folder of images would be declared as."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from contextlib import ExitStack
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Literal, TypeAlias

from msgspec import Struct

from automl_plan.data.conversion import csv_lines, json_lines
from automl_plan.data.csv_rows import PlainLines
from automl_plan.data.dataset_kinds import DatasetKind, guess_kind
from automl_plan.data.folders import read_folder
from automl_plan.data.import_rows import ImportRow, rows_of
from automl_plan.data.json_rows import json_rows
from automl_plan.data.lint_rules import RULES
from automl_plan.data.source_files import SourceFiles
from automl_plan.errors import SourceError, UsageError
from automl_plan.workspace.lint_data import is_file, storage_of, subjects_of
from automl_plan.workspace.workspace import Workspace

Form: TypeAlias = Literal["csv", "jsonl"]
_GUESSED_BY = 1_000
_LONGEST = 32
"""Characters of a name that is a display name of every provider, too."""


class Converted(Struct, frozen=True):
    """An import file."""

    text: str
    rows: int
    """Of the sources."""
    differing: int = 0
    """Rows that the file has in another form: with other numbers, or vertices."""


def convert_data(workspace: Workspace | None, name: str, kind: str | None, to: Form) -> Converted:
    """Return the import file that a source, or those of a declared dataset, mean together.

    Raises UsageError, SourceError, ProviderError.
    """
    of_file = is_file(name, kind, workspace)
    [subject] = subjects_of(name, kind, workspace)
    with ExitStack() as stack:
        storage = cache(lambda: stack.enter_context(storage_of(workspace)))
        files = stack.enter_context(SourceFiles(Path(), storage, anywhere=of_file))
        named = [each for source in subject.sources for each in files.expand(source)]
        rows = list(rows_of(dict.fromkeys(named), files.open))
    if not rows:
        hint = f"`automl-plan datasets lint {name}` says why."
        raise SourceError("There are no images in it.", where=name, hint=hint)
    if to == "csv":
        return Converted("".join(csv_lines(rows)), len(rows))
    text = "".join(json_lines(rows, subject.kind or guess_kind(islice(rows, _GUESSED_BY))))
    read = {_plain(row.fields) for row in json_rows(PlainLines(1, text.encode()))}
    meant = {_plain([row.use, row.image, *row.labels]) for row in rows}
    return Converted(text, len(rows), len(meant - read))


def _plain(fields: Sequence[str]) -> tuple[str, ...]:
    """Return the fields of a row without empty ones at the end."""
    return tuple("\0".join(fields).rstrip("\0").split("\0"))


class Photographs(Struct, frozen=True):
    """What a folder of images would be declared as."""

    name: str
    """Of the dataset, and of its model."""
    source: str
    multilabel: bool
    images: int
    labels: int


def photographs(directory: Path, folder: Path) -> Photographs:
    """Look at a folder of images, for a configuration in a directory.

    `folder` is relative to the working directory, or else to that one. Raises UsageError and
    SourceError.
    """
    home, found = directory.resolve(), folder.resolve()
    if not found.exists() and (directory / folder).is_dir():
        found = (directory / folder).resolve()
    if home not in (found, *found.parents):
        raise UsageError(
            f"{folder} is not in the directory of the configuration.",
            hint=f"Write the configuration above it, -C {folder.parent}, or move the images.",
        )
    source = f"{found.relative_to(home).as_posix()}/"
    read = read_folder(home, source)
    rows: list[ImportRow] = list(rows_of([source], lambda _: read.open()))
    if not rows:
        empty = next(each for each in read.findings if each.rule == "folder-empty")
        message = f"{empty.message[:1].upper()}{empty.message[1:]}."
        raise SourceError(message, where=source, hint=RULES["folder-empty"].hint)
    return Photographs(
        _name_of(found.name),
        source,
        guess_kind(rows) is DatasetKind.MULTILABEL,
        len(rows),
        len({label for row in rows for label in row.labels}),
    )


def _name_of(folder: str) -> str:
    """Return a name that is an address, and a display name of every provider."""
    plain = unicodedata.normalize("NFKD", folder).encode("ascii", "ignore").decode()
    fitting = re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_")[:_LONGEST].rstrip("_")
    return fitting if re.match("[A-Za-z]", fitting) else f"images_{fitting}".rstrip("_")[:_LONGEST]
