"""Whose a live object is: by the state, by what open operations make, by its labels. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from msgspec import Struct

from automl_plan.model.address import Address, ResourceKind
from automl_plan.model.live import TOKEN_LABEL, LiveDataset, LiveModel, Operation
from automl_plan.model.ownership_labels import (
    ADDRESS,
    LINEAGE_DIGITS,
    labels_object,
    lineage_in,
    owner,
)
from automl_plan.model.recorded import MAKING, RecordedOperation, RecordedResource


class Claim(StrEnum):
    """Why an object belongs to an address or a state."""

    RECORDED = "recorded"
    """The state records it."""
    BEING_MADE = "being-made"
    """An open operation of the state made it, which is not recorded yet."""
    THIS_STATE = "this-state"
    """It has this state's ownership labels, and the state does not record it."""
    OTHER_STATE = "other-state"
    """It has another state's ownership labels, or some that can't be read."""
    UNMANAGED = "unmanaged"


class Ownership(Struct, frozen=True):
    """Whose one live object is."""

    claim: Claim
    address: Address | None = None
    """Of this state: where it is recorded, or by which operation it is made."""


class Owners:
    """Tells whose live objects are, for one state.

    `operations` are the open ones as the service has them, by id, where they were asked for.
    """

    def __init__(
        self,
        lineage: str,
        resources: Mapping[Address, RecordedResource],
        operations: Mapping[str, Operation] = MappingProxyType({}),
    ) -> None:
        self.lineage = lineage[:LINEAGE_DIGITS]
        self.recorded: dict[tuple[ResourceKind, str], list[Address]] = {}
        """The addresses of each recorded object: one, but in a state of version 0.1."""
        self._made: dict[tuple[ResourceKind, str], Address] = {}
        self._tokens: dict[str, Address] = {}
        self._any_token: dict[str, Address] = {}
        for address, record in resources.items():
            for obj in record.objects:
                self.record(address, obj.id)
            for operation in record.operations:
                self._add_operation(address, operation, operations)

    def _add_operation(
        self,
        address: Address,
        operation: RecordedOperation,
        operations: Mapping[str, Operation],
    ) -> None:
        if operation.step not in MAKING:
            return
        self._tokens[operation.token] = address
        answer = operations.get(operation.id or "")
        if answer is not None and answer.result_id is not None:
            self._made[address.kind, answer.result_id] = address
        elif not labels_object(operation.token) and operation.dataset_id is not None:
            self._any_token[operation.dataset_id] = address

    def record(self, address: Address, object_id: str) -> None:
        """Take an object for recorded from now on."""
        self.recorded.setdefault((address.kind, object_id), []).append(address)

    def drop(self, address: Address, object_id: str) -> None:
        """Take an object for recorded no more under an address."""
        self.recorded[address.kind, object_id].remove(address)

    def recorded_at(self, kind: ResourceKind, object_id: str) -> tuple[Address, ...]:
        """The addresses under which an object is recorded."""
        return tuple(self.recorded.get((kind, object_id), ()))

    def made_by(
        self, kind: ResourceKind, object_id: str, there: LiveDataset | LiveModel | None
    ) -> Address | None:
        """The address whose open operation made an object that is not recorded yet."""
        made = self._made.get((kind, object_id))
        if made is not None or there is None:
            return made
        return self._tokens.get(there.labels.get(TOKEN_LABEL, ""))

    def of(self, obj: LiveDataset | LiveModel) -> Ownership:
        """Whose an object is. What the state knows comes before what labels say."""
        kind = ResourceKind.MODEL if isinstance(obj, LiveModel) else ResourceKind.DATASET
        recorded = self.recorded_at(kind, obj.id)
        if recorded:
            return Ownership(Claim.RECORDED, recorded[0])
        making = self.made_by(kind, obj.id, obj)
        lineage = lineage_of(obj.labels)
        if making is None and isinstance(obj, LiveModel) and lineage in (None, self.lineage):
            # A rebuilt state does not know the token of a training: its model may be any of these.
            making = self._any_token.get(obj.dataset_id)
        if making is not None:
            return Ownership(Claim.BEING_MADE, making)
        if lineage is None:
            return Ownership(Claim.UNMANAGED)
        ours = bool(self.lineage) and lineage == self.lineage
        return Ownership(Claim.THIS_STATE if ours else Claim.OTHER_STATE)


def lineage_of(labels: Mapping[str, str]) -> str | None:
    """The first digits of the lineage that the ownership labels of an object name.

    None for an object that has none, "" for labels that can't be read.
    """
    whose = owner(labels)
    if whose is not None:
        return whose.lineage
    token = labels.get(TOKEN_LABEL)
    if token is None:
        return "" if ADDRESS in labels else None
    return lineage_in(token) or ""
