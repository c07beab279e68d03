"""The documents of `datasets lint` and `datasets advise`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Self

from msgspec.structs import asdict

from automl_plan.data.dataset_kinds import DatasetKind
from automl_plan.model.json import Count
from automl_plan.output.documents.base import (
    OutputDocument,
    Part,
)
from automl_plan.planning.adequacy import Advice

if TYPE_CHECKING:
    from automl_plan.data.lint import Linted
    from automl_plan.workspace.data_checks import DatasetAdvice


class LintFinding(Part, frozen=True):
    """One thing that is wrong with the data."""

    file: str
    line: Count
    """0: it is about the file."""
    column: Count
    """0: it is about the row, or not known."""
    rule: str
    severity: Literal["error", "warning", "notice"]
    message: str
    hint: str


class LintedDataset(Part, rename={"guessed": "kind_is_guessed"}, frozen=True):
    """What was found in the data of one dataset."""

    name: str
    """The address of the dataset, or the file."""
    sources: tuple[str, ...]
    kind: DatasetKind
    guessed: bool
    """Whether the kind was guessed from the rows."""
    rows: Count
    """All rows, with or without errors."""
    images: Count
    """Different paths in the rows without errors."""
    findings: tuple[LintFinding, ...]
    """By file and line; of each rule at most 10,000."""
    counts: Mapping[str, Count]
    """The number of findings of each rule."""
    unchecked: tuple[str, ...]
    """What was not checked, and why."""


class DatasetsLint(OutputDocument, frozen=True):
    """`datasets lint --json`"""

    datasets: tuple[LintedDataset, ...]

    @classmethod
    def of(cls, results: Sequence[Linted]) -> Self:
        """Return the document of lint results."""
        return cls(
            datasets=tuple(
                LintedDataset.filled(
                    each,
                    findings=tuple(map(LintFinding.filled, each.findings)),
                    counts=dict(each.counts),
                )
                for each in results
            )
        )


class AdvisedDataset(Advice, frozen=True, kw_only=True):
    """Whether the data of a dataset is adequate for training, and what would help most."""

    name: str
    """The address of the dataset, or the file."""
    live: str | None
    """What is known of the live dataset."""
    unchecked: tuple[str, ...] = ()
    """Which rows were not checked, with their number."""


class DatasetsAdvise(OutputDocument, frozen=True):
    """`datasets advise --json`"""

    datasets: tuple[AdvisedDataset, ...]

    @classmethod
    def of(cls, results: Sequence[DatasetAdvice]) -> Self:
        """Return the document of advice, with all labels."""
        return cls(
            tuple(
                AdvisedDataset(
                    **asdict(each.advice),
                    name=each.name,
                    live=each.live,
                    unchecked=each.unchecked,
                )
                for each in results
            )
        )
