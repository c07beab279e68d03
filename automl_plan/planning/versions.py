"""Which version of a model should be the current one, and what becomes of the others. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from automl_plan.model.address import Address, ResourceKind
from automl_plan.model.desired import DesiredModel
from automl_plan.model.evaluation import Evaluation
from automl_plan.model.fields import Mutability
from automl_plan.model.json import Attributes
from automl_plan.model.live import LiveModel
from automl_plan.model.recorded import RecordedObject, RecordedResource, Status
from automl_plan.model.timestamps import instant_of
from automl_plan.planning import reasons
from automl_plan.planning.compare import differences, of
from automl_plan.planning.gate import evaluate_gate
from automl_plan.planning.plan import Action, Change, Difference
from automl_plan.planning.projection import NOT_YET_CREATED


class VersionAction(StrEnum):
    """How the right version becomes current."""

    KEEP = "keep"
    """It is current, or nothing may replace it."""
    TRAIN = "train"
    GATE = "gate"
    """It is trained; its gate decides."""
    PROMOTE = "promote"
    """It is trained; there is no gate."""


class VersionDecision(Struct, frozen=True):
    """What to do about the versions of a model."""

    action: VersionAction
    reason: str = ""
    differences: tuple[Difference, ...] = ()
    """The differences that require a training."""
    field: str | None = None
    """The dotted path of the field that decided."""
    version: RecordedObject | None = None
    """The version that GATE and PROMOTE are about."""
    newest: RecordedObject | None = None
    """The newest version that matches the configuration, if there is one."""
    held: str | None = None
    """Why a version that matches the configuration is held back."""
    undecided: bool = False
    """Whether it is held back because its gate could not decide."""


class Inputs(Struct, frozen=True):
    """What the declared model is trained with, to be compared with versions."""

    after: Attributes
    dataset_id: str | None
    """The dataset that will be current; None when it is not made yet."""
    ignores_data: bool = False
    """Whether `lifecycle.ignore_changes` holds `dataset`."""

    def differing(self, before: Attributes) -> tuple[Difference, ...]:
        """The differences that take another training; data that is managed no more is none."""
        after = self.after
        if self.ignores_data and "trained_on" in before:
            after = {**after, "trained_on": before["trained_on"]}
        inputs = of(ResourceKind.MODEL, differences(before, after), Mutability.IMMUTABLE)
        return tuple(d for d in inputs if (d.path, d.after) != ("trained_on.data", None))

    def other_dataset(self, version: RecordedObject) -> bool:
        """Return whether a version's data can't be known to be that of the dataset."""
        trained_on = self.after["trained_on"]
        unknown = isinstance(trained_on, dict) and "data" not in trained_on
        return unknown and not self.ignores_data and version.dataset_id != self.dataset_id

    def made(self, version: RecordedObject) -> bool:
        """Whether a version was trained on just this."""
        return not self.differing(version.attributes) and not self.other_dataset(version)


def decide_version(
    desired: DesiredModel,
    inputs: Inputs,
    resource: RecordedResource,
    live: Mapping[str, LiveModel],
    now: datetime | None,
    *,
    replace_asked: bool,
) -> VersionDecision:
    """Decide on the versions of a declared model; `resource` is projected past open operations.

    An expired version does not become current. A current one stays current and a held one stays
    held: expiry alone starts no training.
    """
    alive = [obj for obj in resource.objects if obj.id in live or obj.id == NOT_YET_CREATED]
    over = {obj.id for obj in alive if expired(obj, live, now)}

    def may_stay(version: RecordedObject) -> bool:
        return version.id not in over or _decide_for(desired, version).action is VersionAction.KEEP

    fitting = sorted(
        (obj for obj in alive if inputs.made(obj) and may_stay(obj)),
        key=lambda obj: (obj.id not in over, number_of(obj)),
    )
    newest = fitting[-1] if fitting else None
    current = resource.current
    if replace_asked and alive:
        causes = [reasons.REPLACE_REQUESTED]
        if newest is None and current in alive:
            causes.append(_training(current, inputs, alive).reason)
        return VersionDecision(VersionAction.TRAIN, reasons.together(causes), newest=newest)
    if newest is None:
        return _training(current, inputs, alive)
    if newest.status is Status.FORMER and current in fitting and current.id not in over:
        newest = current
    reported = newest.id not in over and _is_reported(desired, newest, current, live)
    decision = _decide_for(desired, newest, reported=reported)
    aged = _aged(desired, current, decision, live, now)
    if aged is not None:
        return VersionDecision(VersionAction.TRAIN, aged[1], field=aged[0], newest=newest)
    return decision


def expired(version: RecordedObject, live: Mapping[str, LiveModel], now: datetime | None) -> bool:
    """Return whether a version has expired by the service's clock: it can't be deployed."""
    there = live.get(version.id)
    return there is not None and there.has_expired(now)


def number_of(obj: RecordedObject) -> int:
    """The number of a version; adopted ones may have none."""
    return obj.version or 0


def _training(
    current: RecordedObject | None, inputs: Inputs, alive: list[RecordedObject]
) -> VersionDecision:
    """Decide to train: no version matches the configuration."""
    if current is None:
        reason = reasons.NONE_PASSED if alive else reasons.NOT_YET_TRAINED
        return VersionDecision(VersionAction.TRAIN, reason)
    if current not in alive:
        return VersionDecision(VersionAction.TRAIN, reasons.GONE)
    found = inputs.differing(current.attributes)
    if not found:
        return VersionDecision(VersionAction.TRAIN, reasons.DATASET_REPLACED)
    return VersionDecision(
        VersionAction.TRAIN, reasons.retrained(found), found, field=found[0].path
    )


def _decide_for(
    desired: DesiredModel, newest: RecordedObject, *, reported: bool = False
) -> VersionDecision:
    """Decide on a version; `reported`: the service now reports what its gate lacked."""
    require = desired.require
    field: str | None = None
    fitting = VersionDecision(VersionAction.KEEP, newest=newest)
    decision = newest.decision
    decided = (
        decision is not None
        and require is not None
        and decision.require == require.to_json()
        and not decision.lacked_numbers
    )
    match newest.status:
        case None:
            return fitting
        case Status.WITHDRAWN:
            held = reasons.withdrawn(desired.address, newest.version)
            return VersionDecision(VersionAction.KEEP, newest=newest, held=held)
        case Status.REJECTED if decided:
            held = reasons.rejected(desired.address, newest.version)
            return VersionDecision(VersionAction.KEEP, newest=newest, held=held)
        case Status.REJECTED if decision is not None and decision.lacked_numbers and require:
            reason, field = reasons.JUDGED_AGAIN, "require"
        case Status.REJECTED if require is not None:
            reason, field = reasons.REQUIRE_CHANGED, "require"
        case Status.REJECTED:
            reason, field = reasons.REQUIRE_GONE, "require"
        case Status.CANDIDATE if decided and newest.is_undecided and reported:
            reason, field = reasons.REPORTED_SINCE, "require"
        case Status.CANDIDATE if decision is not None and decided and newest.is_undecided:
            held = reasons.undecided(desired.address, newest.version, decision.undecided)
            return VersionDecision(VersionAction.KEEP, newest=newest, held=held, undecided=True)
        case Status.CANDIDATE if require is not None and newest.is_undecided:
            reason, field = reasons.UNDECIDED_CHANGED, "require"
        case Status.CANDIDATE:
            reason = reasons.UNDECIDED if require else reasons.NOT_CURRENT
        case Status.FORMER:
            reason = reasons.REUSED
    action = VersionAction.PROMOTE if require is None else VersionAction.GATE
    return VersionDecision(action, reason, field=field, version=newest, newest=newest)


def _is_reported(
    desired: DesiredModel,
    newest: RecordedObject,
    current: RecordedObject | None,
    live: Mapping[str, LiveModel],
) -> bool:
    """Whether the gate of an undecided version would decide by what the service reports now."""
    if desired.require is None or not newest.is_undecided:
        return False
    found = None if newest.id not in live else live[newest.id].evaluations
    if not found:
        return False
    before: Sequence[Evaluation] | None = None
    if current is not None:
        before = () if current.id not in live else live[current.id].evaluations or ()
    return evaluate_gate(desired.require, found, before).passed is not None


def _aged(
    desired: DesiredModel,
    current: RecordedObject | None,
    decision: VersionDecision,
    live: Mapping[str, LiveModel],
    now: datetime | None,
) -> tuple[str, str] | None:
    """Return the field and the reason to retrain for age.

    One attempt is made each time it is due: after a version that was trained since and rejected,
    there is no second one.
    """
    oldest, limit = desired.retrain_max_age, desired.retrain_before_expiry
    newest = decision.newest
    if now is None or newest is None or (oldest is None and limit is None):
        return None
    born = _created(newest, live)
    if born is None:
        return None
    held = newest.status is not None and decision.action is VersionAction.KEEP
    serves = current if held else newest  # the version that serves once this plan is carried out
    # What a person rolled back from is not brought back by its age.
    rolled_back = newest.status is Status.WITHDRAWN
    found = []
    if oldest is not None and now - born > oldest and not rolled_back:
        found.append(("retrain.max_age", reasons.too_old((now - born).days, oldest.days)))
    ends = None if serves is None else _end(serves, live)
    if limit is not None and ends is not None and _due(now, ends, limit, born):
        told = reasons.expiring((ends - now).days, ends.date().isoformat())
        found.append(("retrain.before_expiry", told))
    return (found[0][0], reasons.together([reason for _, reason in found])) if found else None


def _due(now: datetime, ends: datetime, limit: timedelta, born: datetime) -> bool:
    return now >= ends - limit > born


def _end(version: RecordedObject, live: Mapping[str, LiveModel]) -> datetime | None:
    there = live.get(version.id)
    return None if there is None else there.expires


def _created(version: RecordedObject, live: Mapping[str, LiveModel]) -> datetime | None:
    """When it was created, by the service's clock; None while it is not known."""
    there = live.get(version.id)
    return None if there is None else instant_of(there.create_time)


_ONCE_CURRENT = (Status.FORMER, Status.WITHDRAWN)


def retire(
    address: Address,
    others: Sequence[RecordedObject],
    live: Mapping[str, LiveModel],
    *,
    keep: int,
    exempt: RecordedObject | None,
    needs: tuple[str, ...],
    trained: tuple[str, ...] = (),
    served: RecordedObject | None = None,
) -> list[Change]:
    """Undeploy the versions that are kept, delete the rest; after what `needs` names.

    What never was current is deleted whatever the gate says: after what `trained` names, the
    trainings of this plan. `others` are as they will be by then. Kept are the last `keep` that
    were current once (first of all `served`, which this plan replaces), the last one that a gate
    held back (so that it is not paid for again), and `exempt`.
    """
    kept = kept_ids(others, keep, exempt, served)
    changes: list[Change] = []
    for obj in others:
        if obj.id not in kept:
            replaced = obj.status is Status.FORMER and keep == 0
            reason = reasons.REPLACED if replaced else reasons.not_kept(keep)
            was_current = obj.status in _ONCE_CURRENT
            after = needs if was_current else trained
            changes += remove_model(address, obj.id, live, reason, after)
        elif obj.id in live and live[obj.id].deployed:
            changes.append(
                Change(address, Action.UNDEPLOY, reasons.KEPT, object_id=obj.id, needs=needs)
            )
    return changes


def kept_ids(
    others: Iterable[RecordedObject],
    keep: int,
    exempt: RecordedObject | None,
    served: RecordedObject | None = None,
) -> frozenset[str]:
    """The ids of the versions that are not deleted."""
    newest_first = sorted(others, key=number_of, reverse=True)
    counted = [obj for obj in newest_first if obj != exempt]
    # What served last comes first, what was rolled back from last.
    once_current = sorted(
        (o for o in counted if o.status in _ONCE_CURRENT),
        key=lambda o: (o != served, o.status is Status.WITHDRAWN),
    )
    held = [o for o in counted if o.status is Status.REJECTED or o.is_undecided]
    kept = {obj.id for obj in (*once_current[:keep], *held[: min(keep, 1)])}
    return frozenset(kept if exempt is None else {*kept, exempt.id})


def remove_model(
    address: Address,
    object_id: str,
    live: Mapping[str, LiveModel],
    reason: str,
    needs: tuple[str, ...],
    deploying: Collection[str] = (),
) -> tuple[Change, ...]:
    """Undeploy a live model if need be, wherever it is deployed, and delete it.

    `deploying` are the models that open operations deploy.
    """
    model = live.get(object_id)
    if model is None:
        return ()
    changes: list[Change] = []
    if model.deployed_anywhere or object_id in deploying:
        undeploy = Change(address, Action.UNDEPLOY, reason, object_id=object_id, needs=needs)
        changes.append(undeploy)
        needs = (undeploy.key,)
    changes.append(Change(address, Action.DELETE, reason, object_id=object_id, needs=needs))
    return tuple(changes)
