"""Reads the evaluations of the versions that a plan is about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from msgspec.structs import replace

from automl_plan.errors import ProviderError
from automl_plan.model.address import Address, ResourceKind
from automl_plan.model.desired import DesiredModel
from automl_plan.model.evaluation import Evaluation
from automl_plan.model.live import TOKEN_LABEL, Live
from automl_plan.model.recorded import RecordedResource, Status, Step
from automl_plan.planning.plan import Action, NoteKind, Plan
from automl_plan.planning.scorecards import Role, Scorecard, scorecard, with_forecast
from automl_plan.providers.protocol import Provider

MOST_MODELS = 20
"""Declared models whose evaluations are read for one plan: at most two requests each."""
_REQUESTS = 16
"""At once."""
_DECIDED_ON = (Action.GATE, Action.PROMOTE)
_STATUSES = {
    Status.CANDIDATE: Role.CANDIDATE,
    Status.REJECTED: Role.REJECTED,
}


def scorecards(
    plan: Plan,
    declared: Mapping[Address, DesiredModel],
    resources: Mapping[Address, RecordedResource],
    live: Live,
    provider: Provider,
) -> tuple[Scorecard, ...]:
    """Return the scorecards of models that change or have a version held back.

    They are of current versions and candidates. A plan without changes reads nothing; evaluations
    that can't be read are left out. Models with a candidate go first where there are too many.
    """
    about = {change.address for change in plan.changes if change.address.kind is ResourceKind.MODEL}
    about |= {note.address for note in plan.notes if note.kind is NoteKind.HELD}
    subjects = [
        _Subject(plan, declared.get(a), resources[a], live) for a in sorted(about & {*resources})
    ]
    subjects.sort(key=lambda subject: subject.candidate is None)
    return tuple(
        card for subject in islice(subjects, MOST_MODELS) for card in subject.cards(provider)
    )


class _Subject:
    """One declared or recorded model with its current version and the newest candidate."""

    def __init__(
        self, plan: Plan, declared: DesiredModel | None, record: RecordedResource, live: Live
    ) -> None:
        self._declared = declared
        self._record = record
        current = record.current
        self.current = current if current is not None and current.id in live.models else None
        self._at_stake = self._decided_on(plan) or self._just_trained(live)
        self.candidate = self._at_stake or self._waiting(live)

    def cards(self, provider: Provider) -> Iterator[Scorecard]:
        """Yield the scorecards that could be read."""
        address = self._record.address
        require = None if self._declared is None else self._declared.require
        before: Sequence[Evaluation] | None = None
        if self.current is not None:
            before = evaluations_of(provider, self.current.id)
            if before:
                version = self.current.version
                yield scorecard(
                    address, self.current.id, Role.CURRENT, before, version=version, require=require
                )
        if self.candidate is None:
            return
        object_id, version, role = self.candidate
        found = evaluations_of(provider, object_id)
        if found:
            card = scorecard(address, object_id, role, found, version=version, require=require)
            # A version that is held back already is not what the gate of this plan decides on.
            if require is not None and self._at_stake is not None:
                card = with_forecast(card, require, found, before)
            yield card

    def _decided_on(self, plan: Plan) -> tuple[str, int | None, Role] | None:
        """Return the version that the plan decides on."""
        for change in plan.changes:
            if change.address == self._record.address and change.action in _DECIDED_ON:
                for obj in self._record.others:
                    if obj.id == change.object_id:
                        return obj.id, obj.version, Role.CANDIDATE
        return None

    def _just_trained(self, live: Live) -> tuple[str, int | None, Role] | None:
        """Return the result of a training that ended and is not recorded yet."""
        for operation in self._record.operations:
            if operation.step is Step.TRAIN:
                for model in live.models.values():
                    if model.labels.get(TOKEN_LABEL) == operation.token:
                        return model.id, operation.version, Role.CANDIDATE
        return None

    def _waiting(self, live: Live) -> tuple[str, int | None, Role] | None:
        """Return the newest version that is held back."""
        waiting = [o for o in self._record.others if o.status in _STATUSES and o.id in live.models]
        if not waiting or self._declared is None:
            return None
        newest = max(waiting, key=lambda obj: obj.version or 0)
        assert newest.status is not None  # noqa: S101 (it is among _STATUSES)
        return newest.id, newest.version, _STATUSES[newest.status]


def with_evaluations_of_undecided(
    live: Live, resources: Mapping[Address, RecordedResource], provider: Provider
) -> Live:
    """Return what is live with the evaluations of versions that gates could not decide on.

    And with those of the current versions that they are compared with. Costs no call where no gate
    is undecided; what can't be read is left out.
    """
    wanted: set[str] = set()
    for record in resources.values():
        kept = {o.id for o in record.others if o.is_undecided and o.id in live.models}
        if kept:
            wanted |= {*kept, *(() if record.current is None else (record.current.id,))}
    ids = sorted(wanted & live.models.keys())
    if not ids:
        return live
    with ThreadPoolExecutor(min(_REQUESTS, len(ids))) as pool:
        read = list(pool.map(lambda each: evaluations_of(provider, each), ids))
    found = {
        each: replace(live.models[each], evaluations=tuple(evaluations))
        for each, evaluations in zip(ids, read, strict=True)
    }
    return replace(live, models={**live.models, **found})


def evaluations_of(provider: Provider, model_id: str) -> Sequence[Evaluation]:
    """Return the evaluations of a model; none where they can't be read."""
    try:
        return provider.evaluations(model_id)
    except ProviderError:
        return ()
