"""The documents of `state`, and of `show` without a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from msgspec.structs import asdict

from automl_plan.model.json import Count
from automl_plan.model.recorded import RecordedResource
from automl_plan.output.documents.base import FORMAT_VERSION, OutputDocument

if TYPE_CHECKING:
    from automl_plan.state.document import State


class StateShow(RecordedResource, tag_field="format_version", tag=FORMAT_VERSION, frozen=True):
    """`state show --json`"""

    @classmethod
    def of(cls, record: RecordedResource) -> Self:
        """Return the document of what is recorded of one address."""
        return cls(**asdict(record))


class StateList(OutputDocument, frozen=True):
    """`state list --json` and `show --json`"""

    lineage: str
    serial: Count
    provider: str | None
    resources: tuple[RecordedResource, ...]

    @classmethod
    def of(cls, state: State) -> Self:
        """Return the document of a state."""
        records = (record for _, record in sorted(state.resources.items()))
        return cls.filled(state, resources=tuple(records))
