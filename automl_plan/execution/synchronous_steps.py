"""Steps without an operation: updates, gates, promotions, adoptions, moves, forgetting."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from msgspec import Struct
from msgspec.structs import replace

from automl_plan.errors import (
    GateNotPassed,
    GateRejected,
    GateUndecided,
    NotFound,
    PlanStale,
    ProviderError,
)
from automl_plan.model.address import Address, ResourceKind
from automl_plan.model.desired import Desired
from automl_plan.model.evaluation import Evaluation
from automl_plan.model.fields import FIELDS, Mutability
from automl_plan.model.homes import resolved_models, unrecorded_home
from automl_plan.model.json import Json
from automl_plan.model.live import LiveDataset, LiveModel
from automl_plan.model.ownership_labels import PROTECTED, STATUS, expected_labels
from automl_plan.model.recorded import (
    Decision,
    DecisionKind,
    RecordedObject,
    RecordedResource,
    Status,
)
from automl_plan.model.timestamps import utc_now
from automl_plan.model.transitions import with_attributes, with_current, with_status, without_object
from automl_plan.notifications.outbox import Notices
from automl_plan.planning.drift import FIELD, label_of
from automl_plan.planning.plan import Action, Change
from automl_plan.providers.protocol import Provider
from automl_plan.state.store import StateSession

if TYPE_CHECKING:
    from automl_plan.planning.gate import GateReport


class Serving(Struct, frozen=True):
    """Whether a version of a model is serving."""

    serves: bool | None
    """None where the service could not be asked."""
    text: str
    """A sentence or two for the reader."""


def serving(provider: Provider, record: RecordedResource, lineage: str) -> Serving:
    """Ask the service which recorded version of a model is serving."""
    try:
        found = {model.id: model for model in provider.models()}
    except ProviderError:
        return serving_of(record, None)
    return serving_of(record, resolved_models(found, {record.address: record}, lineage))


def serving_of(record: RecordedResource, live: Mapping[str, LiveModel] | None) -> Serving:
    """Say which recorded version is deployed; `live` is None where the service did not answer."""
    current = record.current
    stays = "" if current is None else f"Version {current.version} remains current. "
    if live is None:
        return Serving(None, f"{stays}Which version is serving could not be determined.")
    deployed = [obj for obj in record.objects if obj.id in live and live[obj.id].deployed]
    if current is not None and current in deployed:
        return Serving(True, f"{stays.removesuffix('. ')} and keeps serving.")
    if deployed:
        named = ", ".join(f"version {obj.version}" for obj in deployed)
        return Serving(True, f"{stays}Serving: {named}.")
    if current is None:
        return Serving(False, "Nothing is serving: no version is deployed.")
    why = "is not deployed" if current.id in live else "was deleted outside automl-plan"
    return Serving(False, f"{stays}Nothing is serving: it {why}.")


OwnershipLabels = dict[str, dict[str, str | None]]
"""The labels to be set, by object; None removes one."""

ACTIONS = frozenset(
    {Action.UPDATE, Action.GATE, Action.PROMOTE, Action.IMPORT, Action.MOVE, Action.FORGET}
)


class SynchronousStep(Struct, frozen=True):
    """A change without an operation: what is sent, if anything, and how its result is recorded."""

    call: Callable[[], object] | None
    finish: Callable[[object], str | None]
    """Records what the call returned, and describes it. Raises GateNotPassed."""


class SynchronousSteps:
    """Starts such changes against one provider and one open state."""

    def __init__(
        self,
        provider: Provider,
        session: StateSession,
        desired: Desired,
        notices: Notices,
        decision: Decision | None = None,
    ) -> None:
        self._provider = provider
        self._notices = notices
        self._session = session
        self._desired = desired
        self._decision = decision
        self.reports: list[tuple[Address, int | None, GateReport]] = []
        """The gates that were evaluated: address, version, report."""

    def start(self, change: Change) -> SynchronousStep:
        """Return what is sent and recorded for a change. Raises PlanStale."""
        match change.action:
            case Action.UPDATE:
                return self._update(change)
            case Action.GATE:
                return self._gate(change)
            case Action.PROMOTE:
                return self._promote(change)
            case Action.IMPORT:
                return self._import(change)
            case Action.MOVE:
                return SynchronousStep(None, lambda _: self._move(change))
            case _:
                return self._forget(change)

    # -- patches ---------------------------------------------------------------------------

    def _update(self, change: Change) -> SynchronousStep:
        address = change.address
        object_id = change.object_id or self._current(address).id
        changed, own = _mutable(change), _own_labels(change)

        def finish(updated: object) -> None:
            record = self._record(address)
            if PROTECTED in own:
                record = replace(record, protected=own[PROTECTED] is not None)
            when = cast("str | None", updated) if address.kind is ResourceKind.DATASET else None
            self._session.record(_with_changed(record, object_id, changed, when))

        return SynchronousStep(
            lambda: self._provider.update(address.kind, object_id, changed, own), finish
        )

    def _forget(self, change: Change) -> SynchronousStep:
        address, object_id = change.address, change.object_id or ""
        own = _own_labels(change)

        def call() -> None:
            with contextlib.suppress(NotFound):  # gone in the meantime, with its labels
                self._provider.update(address.kind, object_id, {}, own)

        def finish(_: object) -> None:
            self._session.record(without_object(self._record(address), object_id))

        return SynchronousStep(call if own else None, finish)

    def _move(self, change: Change) -> None:
        assert change.origin is not None  # noqa: S101 (every move has one)
        record = self._record(change.origin)
        self._session.move(replace(record, address=change.address), change.origin)

    def _import(self, change: Change) -> SynchronousStep:
        address, object_id = change.address, change.object_id or ""
        record = self._record(address)
        is_model = address.kind is ResourceKind.MODEL
        obj = RecordedObject(
            id=object_id,
            attributes=change.after or {},
            created=utc_now(),
            version=record.versions + 1 if is_model else None,
        )
        self._session.check_free(replace(record, current=obj))
        own = expected_labels(self._lineage, address, obj, protected=self._protected(address))

        def call() -> LiveDataset | LiveModel:
            there = (
                self._provider.model(object_id) if is_model else self._provider.dataset(object_id)
            )
            self._provider.update(address.kind, object_id, {}, own)
            return there

        def finish(found: object) -> None:
            dataset_id = home = None
            if isinstance(found, LiveModel):
                dataset_id = found.dataset_id
                home = unrecorded_home(found.id, found.endpoints, self._lineage)
            adopted = replace(obj, dataset_id=dataset_id)
            self._session.record(
                replace(
                    self._record(address),
                    current=adopted,
                    versions=obj.version or 0,
                    endpoint=home,
                    protected=self._protected(address),
                )
            )

        return SynchronousStep(call, finish)

    # -- versions --------------------------------------------------------------------------

    def _promote(self, change: Change) -> SynchronousStep:
        address = change.address
        version = self._version(change)
        decision = self._decision or Decision(DecisionKind.REUSED, utc_now(), why=change.reason)
        judged = version.decision
        if decision.by is not None and judged is not None and judged.rows:
            # What the person decided on: what its gate had found.
            told = judged.absent_is_unknown
            decision = replace(
                decision, require=judged.require, rows=judged.rows, absent_is_unknown=told
            )
        after = with_current(self._record(address), version.id, decision)
        changed = self._changed_labels(self._record(address), after)

        def finish(_: object) -> str:
            self._session.record(with_current(self._record(address), version.id, decision))
            return f"version {version.version} is current"

        return SynchronousStep(lambda: self._set_labels(changed), finish)

    def _gate(self, change: Change) -> SynchronousStep:
        address = change.address
        require = self._desired.models[address].require
        assert require is not None  # noqa: S101 (a gate is planned where there is one)
        version, record = self._version(change), self._record(address)
        current = record.current
        dummy = Decision(DecisionKind.PASSED, "")
        labels = {
            passed: self._changed_labels(record, _decided(record, version.id, passed, dummy))
            for passed in _STATUSES
        }

        def call() -> tuple[GateReport, Serving | None]:
            from automl_plan.planning.gate import evaluate_gate

            new = self._provider.evaluations(version.id)
            report = evaluate_gate(require, new, self._evaluations(current))
            self._set_labels(labels[report.passed])
            return report, None if report.passed else serving(self._provider, record, self._lineage)

        def finish(returned: object) -> str:
            found, now_serving = cast("tuple[GateReport, Serving | None]", returned)
            self.reports.append((address, version.version, found))
            decision = Decision(
                _KINDS[found.passed],
                utc_now(),
                require=require.to_json(),
                rows=tuple(row.to_json() for row in found.rows),
                absent_is_unknown=True,
            )
            decided = _decided(self._record(address), version.id, found.passed, decision)
            if found.passed:
                self._session.record(decided)
                return f"version {version.version} meets the requirements"
            assert now_serving is not None  # noqa: S101 (it is asked when a version does not pass)
            error = _not_passed(address, version, found, now_serving)
            next_ = f"Next: automl-plan models versions {address.name}"
            text = f"{address}: {error.message}\n{next_}"
            notice = self._notices.gate_notice(
                address,
                str(change.action),
                version.id,
                text,
                undecided=isinstance(error, GateUndecided),
            )
            self._session.record(decided, notice=notice)
            self._notices.stage(notice)
            raise error

        return SynchronousStep(call, finish)

    def _evaluations(self, version: RecordedObject | None) -> Sequence[Evaluation] | None:
        if version is None:
            return None
        try:
            return self._provider.evaluations(version.id)
        except NotFound:
            return ()

    def _version(self, change: Change) -> RecordedObject:
        """Return the version to decide on: the one named, or the one just trained."""
        others = self._record(change.address).others
        for obj in others:
            if obj.id == change.object_id:
                return obj
        candidates = [o for o in others if o.status is Status.CANDIDATE]
        if change.object_id is None and candidates:
            return max(candidates, key=lambda obj: obj.version or 0)
        raise PlanStale(
            f"There is no version of {change.address} to decide on.", hint="Plan again."
        )

    # -- ownership labels ------------------------------------------------------------------

    def _changed_labels(self, before: RecordedResource, after: RecordedResource) -> OwnershipLabels:
        """Return the labels that a change of the record changes.

        Former versions below the current one keep theirs: the number says that they are former.
        """
        had = {obj.id: self._ownership_labels(before.address, obj) for obj in before.objects}
        current = 0 if after.current is None else after.current.version or 0
        changed: OwnershipLabels = {}
        for obj in after.objects:
            if obj.status is Status.FORMER and (obj.version or 0) < current:
                continue
            wanted = self._ownership_labels(after.address, obj)
            differing = {
                key: wanted.get(key)
                for key in {*wanted, *had[obj.id]}
                if wanted.get(key) != had[obj.id].get(key)
            }
            if obj.status is Status.FORMER:
                differing[STATUS] = wanted[STATUS]  # by its number it would be current
            if differing:
                changed[obj.id] = differing
        return changed

    def _ownership_labels(self, address: Address, obj: RecordedObject) -> dict[str, str]:
        return expected_labels(self._lineage, address, obj, protected=self._protected(address))

    def _set_labels(self, changed: OwnershipLabels) -> None:
        for object_id, own in changed.items():
            try:
                self._provider.update(ResourceKind.MODEL, object_id, {}, own)
            except NotFound:
                continue  # deleted outside automl-plan: the next plan forgets it

    def _protected(self, address: Address) -> bool:
        declared = self._desired.resource(address)
        return declared is not None and declared.lifecycle.prevent_destroy

    # -- records ---------------------------------------------------------------------------

    @property
    def _lineage(self) -> str:
        return self._session.state.lineage

    def _record(self, address: Address) -> RecordedResource:
        return self._session.state.resources.get(address) or RecordedResource(address)

    def _current(self, address: Address) -> RecordedObject:
        current = self._record(address).current
        if current is None:
            raise PlanStale(
                f"{address} should exist by now, but is not recorded.", hint="Plan again."
            )
        return current


_KINDS = {
    True: DecisionKind.PASSED,
    False: DecisionKind.REJECTED,
    None: DecisionKind.UNDECIDED,
}
"""By what a gate found."""
_STATUSES = {True: None, False: Status.REJECTED, None: Status.CANDIDATE}


def _decided(
    record: RecordedResource, version_id: str, passed: bool | None, decision: Decision
) -> RecordedResource:
    """Return the record once a gate has decided, or could not."""
    status = _STATUSES[passed]
    if status is None:
        return with_current(record, version_id, decision)
    return with_status(record, version_id, status, decision)


def _not_passed(
    address: Address, version: RecordedObject, found: GateReport, now_serving: Serving
) -> GateNotPassed:
    """Return why a version does not become current, and what to do about it."""
    number, made_up = version.version, " by its simulated evaluation" if found.simulated else ""
    where = f"{address} {version.id}"
    promote = f"automl-plan models promote {address.name} {number}"
    if found.passed is None:
        return GateUndecided(
            f"Version {number} is undecided{made_up}: the service does not report what these "
            f"requirements need: {', '.join(found.undecided)}. {now_serving.text}",
            where=where,
            hint="It is kept, undeployed, and not trained again. Promote it, or change `require`: "
            f"{promote}",
            serves=now_serving.serves,
        )
    missed = ", ".join(row.requirement for row in found.rows if row.met is False)
    return GateRejected(
        f"Version {number} does not meet the requirements ({missed}){made_up}. {now_serving.text}",
        where=where,
        hint="It is kept, undeployed. Change the data, the inputs or `require`, or promote "
        f"it anyway: {promote}",
        serves=now_serving.serves,
    )


def _with_changed(
    record: RecordedResource, object_id: str, changed: dict[str, Json], updated: str | None
) -> RecordedResource:
    def set_(obj: RecordedObject) -> RecordedObject:
        if obj.id != object_id:
            return obj
        # Where the last import's time is not known, images may have changed since.
        known = obj.updated if updated is None or obj.updated is None else updated
        return replace(with_attributes(obj, changed), updated=known)

    current = None if record.current is None else set_(record.current)
    return replace(record, current=current, others=tuple(map(set_, record.others)))


def _mutable(change: Change) -> dict[str, Json]:
    """Return the desired values of the mutable fields that differ."""
    touched = {difference.path.partition(".")[0] for difference in change.differences}
    after = change.after or {}
    return {
        field.path: after.get(field.path)
        for field in FIELDS[change.address.kind]
        if field.mutability is Mutability.MUTABLE and field.path in touched and field.path != FIELD
    }


def _own_labels(change: Change) -> Mapping[str, str | None]:
    """Return the ownership labels that a change sets or removes."""
    return {
        label_of(d.path): None if d.after is None else str(d.after)
        for d in change.differences
        if d.path.startswith(f"{FIELD}.")
    }
