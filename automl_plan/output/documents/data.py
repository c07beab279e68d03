"""The documents of `datasets lint` and `datasets advise`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Self

from msgspec import UNSET, UnsetType

from automl_plan.data.dataset_kinds import DatasetKind
from automl_plan.output.documents.base import (
    Count,
    Document,
    Part,
    Simulated,
)
from automl_plan.planning.adequacy import Adequacy, Reason

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


class DatasetsLint(Document, frozen=True):
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


class LabelNeeds(Part, frozen=True):
    """A label, and what it needs."""

    label: str
    train: Count
    validation: Count
    test: Count
    unassigned: Count
    wanted: Count
    """Examples that it should have next; 0: it has enough."""
    recall: float | None
    """Of the current version, at its threshold."""
    au_prc: float | None
    """Of the current version; for object detection its mean average precision."""


class AdvisedDataset(Part, frozen=True):
    """Whether the data of a dataset is adequate for training, and what would help most."""

    name: str
    """The address of the dataset, or the file."""
    live: str | None
    """What is known of the live dataset."""
    verdict: Adequacy
    reasons: tuple[Reason, ...]
    """What holds it back, the worst first; then what is only worth knowing."""
    change: str | None
    """The single change that would help most."""
    labels: tuple[LabelNeeds, ...]
    """Those that need most first."""
    label_count: Count
    """Including labels that are not listed."""
    images: Count
    """Different ones."""
    boxes: bool
    """Whether examples are boxes, not images."""
    evaluated: str | None
    """The version that recall and auPRC are of."""
    simulated: Simulated | UnsetType = UNSET


class DatasetsAdvise(Document, frozen=True):
    """`datasets advise --json`"""

    datasets: tuple[AdvisedDataset, ...]

    @classmethod
    def of(cls, results: Sequence[DatasetAdvice]) -> Self:
        """Return the document of advice, with all labels."""
        return cls(tuple(map(_advised, results)))


def _advised(advised: DatasetAdvice) -> AdvisedDataset:
    advice = advised.advice
    return AdvisedDataset.filled(
        advised,
        advice,
        labels=tuple(LabelNeeds.filled(each) for each in advice.labels),
        simulated=advice.simulated or UNSET,
    )
