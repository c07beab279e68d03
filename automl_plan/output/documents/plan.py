"""The documents of what plans, drift and costs are about; that of a plan is the plan file's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from msgspec import Meta

from automl_plan.model.address import Address
from automl_plan.output.code_hosts.comments import Outcome
from automl_plan.output.documents.base import (
    Document,
    Part,
    Usd,
)
from automl_plan.output.graph import Graph as Drawn
from automl_plan.output.graph import Gravity
from automl_plan.planning.explain import Explanation
from automl_plan.planning.plan import (
    Action,
    Amounts,
    Costs,
    Difference,
    Idle,
    Unrecorded,
    UnrecordedKind,
)
from automl_plan.planning.plan import Drift as DriftFound
from automl_plan.workspace.versions import SpendingRow


class Money(Part, frozen=True):
    """The money in it: US dollars, at most."""

    prices_of: str
    """The date of the price book."""
    resources: Mapping[Address, Amounts]
    total: Amounts
    idle: tuple[Idle, ...]
    """What is deployed and unmanaged."""
    currency: Literal["USD"] = "USD"


class UnrecordedObject(Part, frozen=True):
    """A live object with the ownership labels of the state that is not recorded in it, or a
    running training on one of its datasets that it did not start."""

    kind: UnrecordedKind
    id: str
    """Of the object; of a training that of its operation."""
    name: str
    """The address that its labels name; of a training without labels the address of its
    dataset."""
    display_name: str
    labelled: bool
    """False: a training without labels on a dataset of this state."""
    monthly: float
    """What its deployment costs, US dollars a month."""
    text: str
    """What it is, and each way to settle it."""


class Cost(Document, frozen=True):
    """`cost --json`"""

    cost: Money
    unrecorded: tuple[UnrecordedObject, ...]

    @classmethod
    def of(cls, costs: Costs, unrecorded: Sequence[Unrecorded]) -> Self:
        """Return the document of the money in a plan, with what the state does not record."""
        resources = {line.address: line.amounts for line in costs.lines}
        return cls(
            Money.filled(costs, resources=resources),
            tuple(map(UnrecordedObject.filled, unrecorded)),
        )


class SpentInMonth(Part, frozen=True):
    """What the trainings of a model cost that ended in one month."""

    address: Address
    month: Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}$")]
    """In which the trainings ended, UTC."""
    trainings: Annotated[int, Meta(ge=1)]
    billed: Usd
    """Of trainings whose bill is known, at list price."""
    at_most: Usd
    """Of trainings whose bill is not known any more."""


class CostSpent(Document, frozen=True):
    """`cost --spent --json`"""

    since: str | None
    """When the first training was entered into the ledger; null: none was."""
    spent: tuple[SpentInMonth, ...]
    currency: Literal["USD"] = "USD"

    @classmethod
    def of(cls, since: str | None, rows: Sequence[SpendingRow]) -> Self:
        """Return the document of what trainings have cost."""
        return cls(since, tuple(map(SpentInMonth.filled, rows)))


class DriftOfObject(Part, frozen=True):
    """A live object that differs from what is recorded."""

    address: Address
    object_id: str
    gone: bool
    trained: str | None
    """The display name of a model that someone else trained on the dataset."""
    differences: tuple[Difference, ...]


class Drift(Document, frozen=True):
    """`drift --json`"""

    drift: tuple[DriftOfObject, ...]
    unrecorded: tuple[UnrecordedObject, ...]

    @classmethod
    def of(cls, drift: Sequence[DriftFound], unrecorded: Sequence[Unrecorded]) -> Self:
        """Return the document of drift, with what the state does not record."""
        return cls(
            tuple(map(DriftOfObject.filled, drift)),
            tuple(map(UnrecordedObject.filled, unrecorded)),
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


class Why(Document, frozen=True):
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


class GraphNode(Part, frozen=True):
    """A resource, or a model of the service that another one builds on."""

    key: str
    """The address, or a name for a model of the service."""
    lines: tuple[str, ...]
    """Its name, its display name where that differs, what is planned."""
    gravity: Gravity | None
    """The worst that is planned; null: nothing is known."""
    outside: bool
    """Whether it is not a resource of this configuration."""


class GraphEdge(Part, frozen=True):
    """A dependency."""

    needed: str
    needing: str


class Graph(Document, frozen=True):
    """`graph --json`: what depends on what"""

    planned: bool
    """Whether it shows what a saved plan does."""
    nodes: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...]

    @classmethod
    def of(cls, graph: Drawn) -> Self:
        """Return the document of a graph."""
        return cls(
            graph.planned,
            tuple(
                GraphNode.filled(
                    node, gravity=node.gravity if graph.planned and not node.outside else None
                )
                for node in graph.nodes
            ),
            tuple(GraphEdge(needed, needing) for needed, needing in graph.edges),
        )


class Comment(Document, frozen=True):
    """`comment --json`"""

    action: Outcome
    """left: a newer run has written it."""
    url: str
