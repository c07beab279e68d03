"""Counts examples by label and set in import CSVs, row by row: memory does not grow with rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from typing import BinaryIO

from automl_plan.errors import SourceError
from automl_plan.linting.digests import of_two_sets, repeated
from automl_plan.linting.kinds import Kind
from automl_plan.linting.reading import CsvReader
from automl_plan.linting.tallies import Tally, set_of
from automl_plan.linting.words import bucket_of
from automl_plan.resources.data_counts import DataCounts, label_counts


def count(open_: Callable[[str], BinaryIO], sources: Sequence[str], kind: Kind) -> DataCounts:
    """What the rows of all sources hold that the service takes. Raises SourceError.

    The images themselves are not looked at: rows that repeat others are counted, and told.
    """
    with closing(Tally(kind)) as tally:
        rows = 0
        for number, source in enumerate(sources):
            rows += _read(open_, number, source, kind, tally)
        if kind is Kind.DETECTION:
            images = of_two_sets(tally.images, kind.limits.boxes_of_an_image).distinct
            again = tally.rows - repeated(tally.lines).distinct
        else:
            images = repeated(tally.images).distinct
            again = tally.rows - images
        return DataCounts(
            label_counts(
                (set_of(use), label.decode(), found)
                for (use, label), found in tally.examples.items()
            ),
            images=images,
            unlabelled=0 if kind is Kind.DETECTION else tally.unlabelled,
            boxes=kind is Kind.DETECTION,
            labels_left_out=tally.labels_left_out,
            refused=rows - tally.rows,
            repeated=again,
        )


def _read(
    open_: Callable[[str], BinaryIO], number: int, source: str, kind: Kind, tally: Tally
) -> int:
    faults: list[str] = []

    def report(rule: str, line: int, message: str, _column: int) -> None:
        if rule in ("csv-encoding", "csv-syntax"):
            faults.append(f"line {line}: {message}")

    try:
        with open_(source) as file:
            reader = CsvReader(kind, number, bucket_of(source), [tally], report)
            reader.read(file)
    except OSError as error:
        raise SourceError(f"It can't be read: {error.strerror}.", where=source) from error
    if reader.stopped is not None:
        raise SourceError(f"It can't be read to its end: {faults[-1]}.", where=source)
    return reader.rows
