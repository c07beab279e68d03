"""Explains the plan of one resource: what is compared, and what follows. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from msgspec import Struct

from automl_plan.model.address import Address, ResourceKind
from automl_plan.model.desired import Desired, DesiredDataset, DesiredModel
from automl_plan.model.fields import Mutability, field_of
from automl_plan.model.json import Attributes, Json
from automl_plan.model.live import Live
from automl_plan.model.recorded import Recorded, RecordedObject, RecordedResource
from automl_plan.model.timestamps import instant_of
from automl_plan.planning.compare import observed
from automl_plan.planning.drift import live_object
from automl_plan.planning.plan import Change, Note, Plan

_MEANINGS = {
    Mutability.MUTABLE: "update in place",
    Mutability.IMMUTABLE: "replace",
    Mutability.DATA: "import, or replace",
    Mutability.DEPLOYMENT: "deploy or undeploy",
}
_AS_LIVE = (Mutability.MUTABLE, Mutability.DEPLOYMENT)


class Compared(Struct, frozen=True):
    """One field: both values, where the second one comes from, what a difference means."""

    field: str
    declared: Json
    found: Json
    origin: str
    """`live` or `recorded`."""
    meaning: str
    ignored: bool = False

    @property
    def equal(self) -> bool:
        """Whether there is nothing to do about it."""
        return self.declared == self.found


class Explanation(Struct, frozen=True):
    """Why something is planned for an address, or why nothing is."""

    address: Address
    compared: tuple[Compared, ...]
    facts: tuple[str, ...]
    """What else is looked at: ages, versions, decisions, protection."""
    changes: tuple[Change, ...]
    notes: tuple[Note, ...]


def explain(
    address: Address,
    desired: Desired,
    recorded: Recorded,
    live: Live,
    plan: Plan,
    now: datetime,
) -> Explanation:
    """Return everything that decides on one address."""
    declared = desired.resource(address)
    record = recorded.resources.get(address) or RecordedResource(address)
    wanted: Attributes = {}
    if isinstance(declared, DesiredDataset):
        wanted = declared.attributes()
    elif declared is not None:
        wanted = declared.attributes(desired.datasets[declared.dataset])
    ignored = () if declared is None else declared.lifecycle.ignore_changes
    there = _there(address.kind, record.current, live)
    return Explanation(
        address,
        tuple(_compared(address.kind, wanted, there, ignored)) if declared is not None else (),
        tuple(_facts(declared, record, live, now)),
        tuple(change for change in plan.changes if change.address == address),
        tuple(note for note in plan.notes if note.address == address),
    )


def _there(kind: ResourceKind, current: RecordedObject | None, live: Live) -> Attributes:
    if current is None:
        return {}
    alive = live_object(live, kind, current.id)
    return {} if alive is None else observed(kind, current.attributes, alive.attributes())


def _compared(
    kind: ResourceKind, wanted: Attributes, there: Attributes, ignored: tuple[str, ...]
) -> Iterator[Compared]:
    declared, found = dict(_leaves(wanted)), dict(_leaves(there))
    for path in sorted({*declared, *found}):
        mutability = field_of(kind, path).mutability
        yield Compared(
            path,
            declared.get(path),
            found.get(path),
            "live" if mutability in _AS_LIVE else "recorded",
            _MEANINGS[mutability],
            any(path == each or path.startswith(f"{each}.") for each in ignored),
        )


def _leaves(attributes: Mapping[str, Json], prefix: str = "") -> Iterator[tuple[str, Json]]:
    for key, value in attributes.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{prefix}{key}.")
        elif value not in ("", {}):
            yield f"{prefix}{key}", value


def _facts(
    declared: DesiredDataset | DesiredModel | None,
    record: RecordedResource,
    live: Live,
    now: datetime,
) -> Iterator[str]:
    if declared is None:
        yield "not in the configuration"
    if record.current is None:
        yield "no current object is recorded"
    else:
        yield f"current object: {record.current.id}" + _number(record.current)
    for obj in record.others:
        made = obj.decision
        decided = "" if made is None else f"; decision: {made.kind}, {made.when}"
        yield f"{obj.id}{_number(obj)} is {obj.status or 'former'}{decided}"
    for operation in record.operations:
        yield f"open operation: {operation.step} {operation.id or '(not confirmed)'}"
    if isinstance(declared, DesiredModel) and record.current is not None:
        yield from _ages(declared, record.current, live, now)
    if record.protected or (declared is not None and declared.lifecycle.prevent_destroy):
        yield "protected (lifecycle.prevent_destroy)"


def _ages(
    declared: DesiredModel, current: RecordedObject, live: Live, now: datetime
) -> Iterator[str]:
    there = live.models.get(current.id)
    ends = None if there is None else there.expires
    born = None if there is None else instant_of(there.create_time)
    if born is None:
        return
    oldest, limit = declared.retrain_max_age, declared.retrain_before_expiry
    allowed = "no retrain.max_age" if oldest is None else f"retrain.max_age: {oldest.days} days"
    yield f"{(now - born).days} days old ({allowed})"
    if ends is None:
        return
    before = (
        "no retrain.before_expiry" if limit is None else f"retrain.before_expiry: {limit.days} days"
    )
    yield f"expires on {ends.date()}, in {(ends - now).days} days ({before})"


def _number(obj: RecordedObject) -> str:
    return "" if obj.version is None else f" (version {obj.version})"
