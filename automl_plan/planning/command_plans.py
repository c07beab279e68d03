"""Plans of commands: promote, roll back, move, forget, adopt. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec.structs import replace

from automl_plan.errors import UsageError
from automl_plan.model.address import Address
from automl_plan.model.desired import Adoption, Desired
from automl_plan.model.live import Live
from automl_plan.model.ownership import Owners
from automl_plan.model.recorded import Recorded, RecordedObject, RecordedResource, Status
from automl_plan.planning import commands, reasons
from automl_plan.planning.drift import label_differences, live_object
from automl_plan.planning.plan import Action, Change, Plan, in_order
from automl_plan.planning.promotion import Promoter
from automl_plan.planning.refactoring import adopt, forget, is_half_moved, not_adoptable
from automl_plan.planning.versions import VersionAction, expired, number_of, retire

_ALL = 1_000_000
"""A command deletes nothing: versions beyond keep_versions are left to the next plan."""


def plan_promotion(
    address: Address,
    version: int,
    desired: Desired,
    recorded: Recorded,
    live: Live,
    reason: str,
    now: datetime | None,
) -> Plan:
    """Make a version the current one, deploy it, then undeploy the one before.

    `now` is the service's time. Raises UsageError for a version that does not exist, is current,
    or has expired.
    """
    model, record = desired.models.get(address), recorded.resources.get(address)
    if model is None or record is None:
        raise UsageError(
            f"{address} is not a declared model with versions.",
            hint=f"{commands.VERSIONS} lists the versions of a model.",
        )
    if record.operations:
        raise UsageError(
            f"An operation of {address} is still open.",
            hint=f"Wait for it first: {commands.WAIT}, or {commands.APPLY}.",
        )
    chosen = _version(record, version, live)
    if expired(chosen, live.models, now):
        ended = live.models[chosen.id].expires
        raise UsageError(
            f"Version {version} of {address} expired"
            f"{'' if ended is None else f' on {ended.date()}'} and can't be deployed.",
            hint=f"{commands.replace(address)} trains a new version.",
        )
    after = model.attributes(desired.datasets[model.dataset])
    promoter = Promoter(model, after, recorded.lineage, live.models, now)
    changes = promoter.promote(chosen, VersionAction.PROMOTE, reason, ())
    others = [replace(o, status=o.status or Status.FORMER) for o in record.objects if o != chosen]
    done = tuple(change.key for change in changes)
    changes += retire(address, others, live.models, keep=_ALL, exempt=None, needs=done)
    # A rejected version stays, whatever else is kept.
    kept = [c for c in changes if c.action is not Action.DELETE]
    return Plan(in_order(kept))


def former_version(address: Address, recorded: Recorded, live: Live, now: datetime | None) -> int:
    """Return the version to roll back to: the newest one that was current before this one.

    Versions that have expired at `now`, the service's time, are skipped. Raises UsageError when
    there is none.
    """
    record = recorded.resources.get(address) or RecordedResource(address)
    number = 0 if record.current is None else number_of(record.current)
    formers = [o for o in record.others if o.status is Status.FORMER and o.id in live.models]
    before = [obj for obj in formers if not expired(obj, live.models, now)]
    if formers and not before:
        raise UsageError(
            f"Every former version of {address} has expired: none can be deployed.",
            hint=f"{commands.replace(address)} trains a new version.",
        )
    if not before:
        raise UsageError(
            f"{address} has no former version to roll back to.",
            hint="`lifecycle: {keep_versions: N}` keeps some.",
        )
    # The newest of those before it; what came after it only where there is no other.
    return number_of(max(before, key=lambda o: (number_of(o) < number, number_of(o))))


def plan_move(source: Address, target: Address, recorded: Recorded, live: Live) -> Plan:
    """Move a record to another address, and update the ownership labels.

    Raises UsageError.
    """
    record = recorded.resources.get(source)
    if record is None:
        raise _not_recorded(source)
    if source.kind is not target.kind:
        raise UsageError(f"A {source.kind} can't become a {target.kind}.")
    there_already = recorded.resources.get(target)
    taken = there_already is not None and not is_half_moved(record, there_already)
    if taken or target == source:
        raise UsageError(
            f"{target} is already recorded.",
            hint=f"{commands.forget(target)} removes it from the state.",
        )
    move = Change(target, Action.MOVE, reasons.MOVED, origin=source)
    changes = [move]
    for obj in record.objects:
        there = live_object(live, source.kind, obj.id)
        if there is None:
            continue
        wrong = label_differences(
            recorded.lineage,
            target,
            obj,
            there.labels,
            protected=record.protected,
            current=record.current,
        )
        if wrong:
            changes.append(
                Change(
                    target,
                    Action.UPDATE,
                    reasons.OUTDATED_LABELS,
                    field=wrong[0].path,
                    object_id=obj.id,
                    differences=wrong,
                    after=obj.attributes,
                    needs=(move.key,),
                )
            )
    return Plan(tuple(changes))


def plan_forgetting(address: Address, recorded: Recorded, live: Live) -> Plan:
    """Drop a record; its live objects stay, unmanaged. Raises UsageError."""
    record = recorded.resources.get(address)
    if record is None:
        raise _not_recorded(address)
    if record.operations:
        raise UsageError(
            f"{address} can't be forgotten while an operation of it is open.",
            hint=f"Wait for it ({commands.WAIT}), or cancel it ({commands.OPERATIONS}).",
        )
    owners = Owners(recorded.lineage, recorded.resources, live.operations)
    return Plan(tuple(forget(record, live, owners)))


def plan_adoptions(
    adoptions: Sequence[Adoption],
    desired: Desired,
    recorded: Recorded,
    live: Live,
    examples: Mapping[Address, int],
) -> Plan:
    """Adopt live objects; datasets first. Raises UsageError for one that can't be."""
    resources = dict(recorded.resources)
    owners = Owners(recorded.lineage, resources, live.operations)
    changes = []
    for adoption in sorted(adoptions, key=lambda a: a.address):
        said = not_adoptable(adoption, desired, live, resources, owners)
        if said is not None:
            message, hint = said
            raise UsageError(f"{message[0].upper()}{message[1:]}.", hint=hint)
        changes.append(adopt(adoption, desired, live, examples, resources, owners))
    return Plan(tuple(changes))


def _version(record: RecordedResource, version: int, live: Live) -> RecordedObject:
    there = {number_of(obj): obj for obj in record.objects if obj.id in live.models}
    chosen = there.get(version)
    if chosen is None:
        known = ", ".join(str(number) for number in sorted(there)) or "none"
        was = 0 < version <= record.versions
        what = f"Version {version} of {record.address} " + (
            # The state keeps numbers that were given, not what became of them.
            "no longer exists: it was deleted, or its training failed."
            if was
            else "was never trained."
        )
        raise UsageError(what, hint=f"Existing versions: {known}.")
    if record.current is not None and chosen.id == record.current.id:
        raise UsageError(f"Version {version} of {record.address} is already current.")
    return chosen


def _not_recorded(address: Address) -> UsageError:
    return UsageError(
        f"Nothing is recorded for {address}.", hint=f"{commands.STATE_LIST} lists all addresses."
    )
