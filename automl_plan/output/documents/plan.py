"""The documents of what plans, drift and costs are about; that of a plan is the plan file's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self

from automl_plan.model.address import Address
from automl_plan.model.items import ImageDrift, RelabelledImage
from automl_plan.model.json import Count
from automl_plan.output.documents.base import (
    OutputDocument,
    Part,
)
from automl_plan.planning.plan import (
    Action,
    Costs,
    Drift,
    Unrecorded,
    UnrecordedObject,
)
from automl_plan.workspace.plan_entries import CostEntry
from automl_plan.workspace.versions import SpendingRow

if TYPE_CHECKING:
    from automl_plan.planning.explain import Explanation


class Cost(OutputDocument, frozen=True):
    """`cost --json`"""

    cost: CostEntry
    unrecorded: tuple[UnrecordedObject, ...]

    @classmethod
    def of(cls, costs: Costs, unrecorded: Sequence[Unrecorded]) -> Self:
        """Return the document of the money in a plan, with what the state does not record."""
        return cls(CostEntry.of(costs), tuple(each.shown for each in unrecorded))


class CostSpent(OutputDocument, frozen=True):
    """`cost --spent --json`"""

    since: str | None
    """When the first training was entered into the ledger; null: none was."""
    spent: tuple[SpendingRow, ...]
    currency: Literal["USD"] = "USD"

    @classmethod
    def of(cls, since: str | None, rows: Sequence[SpendingRow]) -> Self:
        """Return the document of what trainings have cost."""
        return cls(since, tuple(rows))


class DriftOfImages(Part, frozen=True):
    """The images of a dataset that are not those that were imported."""

    address: Address
    object_id: str
    imported: Count | None
    """Images that were imported; null: not recorded."""
    images: Count | None
    """Images at the service now; null: not reported."""
    added: tuple[str, ...]
    """URIs of images that were not imported."""
    removed: tuple[str, ...]
    """Imported images that are not there, as the sources name them."""
    relabelled: tuple[RelabelledImage, ...]
    unknown: str | None
    """Why images were not compared one by one."""


class DriftFound(OutputDocument, frozen=True):
    """`drift --json`"""

    drift: tuple[Drift, ...]
    unrecorded: tuple[UnrecordedObject, ...]
    images: tuple[DriftOfImages, ...]
    """Of the datasets whose images were compared, or have another number than was imported."""

    @classmethod
    def of(
        cls, drift: Sequence[Drift], unrecorded: Sequence[Unrecorded], images: Sequence[ImageDrift]
    ) -> Self:
        """Return the document of drift, with what the state does not record."""
        return cls(
            tuple(drift),
            tuple(each.shown for each in unrecorded),
            tuple(DriftOfImages.filled(each, each.changes) for each in images),
        )


class ComparedField(Part, frozen=True):
    """A field of a resource, as declared and as found."""

    field: str
    declared: Any
    found: Any
    origin: Literal["live", "recorded"]
    """Where `found` is from."""
    where: str | None
    """File and line."""
    meaning: str
    """What a difference leads to."""
    equal: bool
    ignored: bool


class ChangeOfAddress(Part, frozen=True):
    """A change that is planned."""

    action: Action
    reason: str
    where: str | None


class Why(OutputDocument, frozen=True):
    """`why --json`"""

    address: Address
    compared: tuple[ComparedField, ...]
    facts: tuple[str, ...]
    changes: tuple[ChangeOfAddress, ...]
    notes: tuple[str, ...]

    @classmethod
    def of(cls, explanation: Explanation, places: Mapping[str, str]) -> Self:
        """Return the document of an explanation; `places` are where fields are written."""
        return cls.filled(
            explanation,
            compared=tuple(
                ComparedField.filled(row, where=places.get(row.field))
                for row in explanation.compared
            ),
            changes=tuple(map(ChangeOfAddress.filled, explanation.changes)),
            notes=tuple(note.text for note in explanation.notes),
        )


class Comment(OutputDocument, frozen=True):
    """`comment --json`"""

    action: Literal["created", "updated", "unchanged", "left"]
    """left: a newer run has written it."""
    url: str
