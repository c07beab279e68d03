"""The recorded form: what the state says we made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from automl_plan.resources.address import Address
from automl_plan.resources.json import Attributes


class Step(StrEnum):
    """The calls that open a long-running operation."""

    CREATE = "create"
    IMPORT_DATA = "import-data"
    TRAIN = "train"
    DEPLOY = "deploy"
    UNDEPLOY = "undeploy"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class RecordedObject:
    """One live object that we made, with the attributes last given to it."""

    id: str
    attributes: Attributes
    created: str | None = None
    """When we saw that it exists (RFC 3339)."""
    examples: int | None = None
    """Datasets: images that the imported sources held."""
    labelled_examples: int | None = None
    dataset_id: str | None = None
    """Models: the dataset that it was trained on."""


@dataclass(frozen=True, slots=True)
class RecordedOperation:
    """A call that was, or may have been, received and whose end is not recorded yet.

    Written before the call with `id` None (the intent), again with the id that the answer
    gave; removed together with recording the result.
    """

    step: Step
    token: str
    """Random hex; travels as a label on the object to be made."""
    started: str
    """When the intent was written (RFC 3339, this machine's clock)."""
    id: str | None = None
    object_id: str | None = None
    """The object worked on; None while it is being made."""
    attributes: Attributes = field(default_factory=dict)
    """What the object will have once the operation is done."""
    dataset_id: str | None = None
    """Trainings: the dataset that is trained on."""
    examples: int | None = None
    labelled_examples: int | None = None


@dataclass(frozen=True, slots=True)
class RecordedResource:
    """All that the state holds about one address."""

    address: Address
    current: RecordedObject | None = None
    former: tuple[RecordedObject, ...] = ()
    """Objects that `current` replaced and that still live."""
    operations: tuple[RecordedOperation, ...] = ()

    @property
    def objects(self) -> tuple[RecordedObject, ...]:
        """The current object, if there is one, and the former ones."""
        return self.former if self.current is None else (self.current, *self.former)

    @property
    def empty(self) -> bool:
        """Whether nothing is left to remember."""
        return self.current is None and not self.former and not self.operations


@dataclass(frozen=True, slots=True)
class Recorded:
    """The recorded resources, by address, with the state's identity."""

    lineage: str
    serial: int
    resources: Mapping[Address, RecordedResource]
