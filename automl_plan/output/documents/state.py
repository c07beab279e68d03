"""The documents of `state`, and of `show` without a plan."""

from __future__ import annotations

from typing import Any, Self

from msgspec import UNSET, UnsetType

from automl_plan.model.endpoints import Home
from automl_plan.model.json import written
from automl_plan.model.recorded import RecordedObject, RecordedOperation, RecordedResource
from automl_plan.output.documents.base import FORMAT_VERSION, AddressText, Count, Document, Part
from automl_plan.state.document import State


class Resource(Part, frozen=True):
    """What is recorded of one address."""

    address: AddressText
    current: RecordedObject | UnsetType = UNSET
    others: tuple[RecordedObject, ...] | UnsetType = UNSET
    operations: tuple[RecordedOperation, ...] | UnsetType = UNSET
    versions: int | UnsetType = UNSET
    protected: bool | UnsetType = UNSET
    foreign: tuple[str, ...] | UnsetType = UNSET
    endpoint: Home | UnsetType = UNSET
    """Models: the endpoint that serves its versions, as far as known."""

    @classmethod
    def of(cls, record: RecordedResource) -> Self:
        """Return the document of what is recorded of one address, as the state file has it."""
        entry: Any = written(record.entry)
        return cls(str(record.address), **entry)


class StateShow(Resource, tag_field="format_version", tag=FORMAT_VERSION, frozen=True):
    """`state show --json`"""


class StateList(Document, frozen=True):
    """`state list --json` and `show --json`"""

    lineage: str
    serial: Count
    provider: str | None
    resources: tuple[Resource, ...]

    @classmethod
    def of(cls, state: State) -> Self:
        """Return the document of a state."""
        records = (record for _, record in sorted(state.resources.items()))
        return cls.filled(state, resources=tuple(map(Resource.of, records)))
