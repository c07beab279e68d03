"""How long an operation will take, by how long others took, and how good that is. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated

from msgspec import Meta, Struct

from automl_plan.model.address import Address
from automl_plan.model.desired import Desired
from automl_plan.model.history import KEPT, EndedOperation, History, Work, work_of
from automl_plan.model.json import Measured, Real
from automl_plan.model.model_types import ModelTypes
from automl_plan.model.recorded import RecordedOperation, RecordedResource, Step
from automl_plan.planning.plan import Action, Change

SHARE = 0.8
"""Of operations that are to end within the interval."""
FEWEST = 9
"""Former operations below which there is no interval of that share."""
IMPORT_START = 1_000
"""Images in the time of which an import starts. A guess: it makes an interval wide or narrow."""
_DIGITS = 3
"""Of seconds: a plan that is read again is the one that was written."""
_NEAR = 2.0
"""Trainings on up to this factor more or fewer images are preferred, if there are enough."""
_STEPS = {
    Action.TRAIN: Step.TRAIN,
    Action.RETRAIN: Step.TRAIN,
    Action.IMPORT_DATA: Step.IMPORT_DATA,
}


_NAMES = {"median": "median_seconds", "low": "low_seconds", "high": "high_seconds"}


class Forecast(Struct, frozen=True, rename=_NAMES, forbid_unknown_fields=True):
    """What an operation takes, or has left, in seconds."""

    median: Measured
    low: Real | None
    """Lower bound of the 80 % interval; null where there is too little history for one."""
    high: Real | None
    """Upper bound of the 80 % interval."""
    operations: Annotated[int, Meta(ge=1)]
    """Former operations that it is made of."""
    step: Step
    alike: bool = True
    """False: they were trainings of other model types."""


class Outlook(Struct, frozen=True):
    """The total seconds that an operation may take, one estimate per former operation."""

    step: Step
    seconds: tuple[float, ...]
    """Sorted; at least one."""
    alike: bool

    def forecast(self, elapsed: float = 0.0) -> Forecast | None:
        """Return what is left after `elapsed` seconds; None when no former one took longer.

        Former operations that took less do not count any more.
        """
        rest = self.seconds
        if elapsed > 0:
            rest = tuple(seconds - elapsed for seconds in rest if seconds > elapsed)
        if not rest:
            return None
        low = high = None
        if self.alike and len(rest) >= FEWEST:
            bounds = (_quantile(rest, share) for share in ((1 - SHARE) / 2, (1 + SHARE) / 2))
            low, high = (round(bound, _DIGITS) for bound in bounds)
        middle = round(_quantile(rest, 0.5), _DIGITS)
        return Forecast(middle, low, high, len(rest), self.step, self.alike)


def outlook(work: Work, history: Iterable[EndedOperation], types: ModelTypes) -> Outlook | None:
    """What a history makes expect of an operation; None when it has nothing like it."""
    size = _size(work, types)
    if size is None:
        return None
    former = [
        (each.work, each.seconds / of_each)
        for each in history
        if each.work.step is work.step and (of_each := _size(each.work, types)) is not None
    ]
    same = [each for each in former if _type(each[0]) == _type(work)]
    near = [each for each in same if _near(each[0], work)] if work.step is Step.TRAIN else []
    chosen = near if len(near) >= FEWEST else same or former
    if not chosen:
        return None
    expected = sorted(quotient * size for _, quotient in chosen)
    return Outlook(work.step, tuple(expected), alike=bool(same))


def outlook_in(work: Work, history: History, types: ModelTypes) -> Outlook | None:
    """The same with a state's history."""
    return outlook(work, history.get(work.step, {}).values(), types)


def forecasts_of(
    changes: Sequence[Change],
    desired: Desired,
    resources: Mapping[Address, RecordedResource],
    history: History,
    examples: Mapping[Address, int],
    now: datetime,
    types: ModelTypes,
) -> dict[str, Forecast | None]:
    """By the change's key: what trainings and imports take, and what running ones have left.

    None where there is no history yet. `examples` are the images of each dataset's sources.
    """
    found: dict[str, Forecast | None] = {}
    for change in changes:
        step = _STEPS.get(change.action)
        if step is not None:
            model = desired.models.get(change.address)
            of = change.address if model is None else model.dataset
            expected = outlook_in(
                work_of(step, change.after or {}, examples.get(of)), history, types
            )
            found[change.key] = None if expected is None else expected.forecast()
        elif change.action is Action.RESUME:
            operation = _resumed(change, resources.get(change.address))
            left = None if operation is None else _left(operation, history, now, types)
            if left is not None:
                found[change.key] = left
    return found


def _resumed(change: Change, record: RecordedResource | None) -> RecordedOperation | None:
    operations = () if record is None else record.operations
    return next(
        (o for o in operations if o.id is not None and o.id == change.operation_id),
        None,
    )


def _left(
    operation: RecordedOperation, history: History, now: datetime, types: ModelTypes
) -> Forecast | None:
    expected = outlook_in(
        work_of(operation.step, operation.attributes, operation.examples), history, types
    )
    elapsed = (now - datetime.fromisoformat(operation.started)).total_seconds()
    return None if expected is None else expected.forecast(max(elapsed, 0.0))


def _size(work: Work, types: ModelTypes) -> float | None:
    """What the time is taken to be proportional to; None where that is not known."""
    match work.step:
        case Step.TRAIN:
            known = types.get(work.problem, {}) if work.problem is not None else {}
            model_type = known.get(work.model_type or "")
            if model_type is None or not work.budget:
                return None
            return work.budget / model_type.nodes
        case Step.IMPORT_DATA:
            return None if work.examples is None else float(work.examples + IMPORT_START)
        case _:
            return 1.0


def _type(work: Work) -> tuple[object, ...]:
    return (work.problem, work.model_type)


def _near(former: Work, work: Work) -> bool:
    if not former.examples or not work.examples:
        return False
    return 1 / _NEAR <= former.examples / work.examples <= _NEAR


def _quantile(values: Sequence[float], share: float) -> float:
    """Of sorted values: the (n + 1) · share-th smallest, between two of them interpolated."""
    place = (len(values) + 1) * share
    # The sum of two shares is not exact: a place that is a whole number must be one.
    place = round(place, 9)
    below = min(max(int(place), 1), len(values))
    above = min(below + 1, len(values))
    return values[below - 1] + (place - below) * (values[above - 1] - values[below - 1])


class Backtest(Struct, frozen=True):
    """How forecasts of the operations of one step did; of all steps with `step` None."""

    step: Step | None
    operations: int
    forecasts: int
    """Those with a median: something alike had ended before they began."""
    intervals: int
    """Those with an interval."""
    held: int
    """Those that ended within it."""
    median_error_seconds: float | None
    """Half of the medians were off by less."""
    median_error_share: float | None
    """The same as a share of what the operation took."""

    @property
    def coverage(self) -> float | None:
        """The share of intervals that held."""
        return self.held / self.intervals if self.intervals else None


class _Tried(Struct, frozen=True):
    step: Step
    seconds: float
    error: float | None
    held: bool | None


def backtest(history: Iterable[EndedOperation], types: ModelTypes) -> tuple[Backtest, ...]:
    """One for each step there is, then one for all together.

    An operation is forecast as it would have been when it began: by the newest `KEPT` of its step
    that had ended by then. By order of their ends it would be easier than it is: those that take
    long end last.
    """
    by_step: dict[Step, list[EndedOperation]] = {}
    for each in history:
        by_step.setdefault(each.work.step, []).append(each)
    tried = {step: _tried(of_step, types) for step, of_step in sorted(by_step.items())}
    everything = [each for of_step in tried.values() for each in of_step]
    return (*(_summed_up(s, t) for s, t in tried.items()), _summed_up(None, everything))


def _tried(operations: Sequence[EndedOperation], types: ModelTypes) -> list[_Tried]:
    moments = [(datetime.fromisoformat(each.ended), each) for each in operations]
    ends = sorted(moments, key=lambda moment: moment[0])
    begins = sorted(((end - timedelta(seconds=o.seconds), o) for end, o in moments), key=_first)
    tried, ended = [], 0
    for began, operation in begins:
        while ended < len(ends) and ends[ended][0] <= began:
            ended += 1
        former = [o for _, o in ends[max(ended - KEPT, 0) : ended] if o is not operation]
        tried.append(_try(operation, former, types))
    return tried


def _first(moment: tuple[datetime, EndedOperation]) -> datetime:
    return moment[0]


def _try(operation: EndedOperation, former: Sequence[EndedOperation], types: ModelTypes) -> _Tried:
    step, seconds = operation.work.step, operation.seconds
    expected = outlook(operation.work, former, types)
    forecast = None if expected is None else expected.forecast()
    if forecast is None:
        return _Tried(step, seconds, None, None)
    held = None
    if forecast.low is not None and forecast.high is not None:
        held = forecast.low <= seconds <= forecast.high
    return _Tried(step, seconds, abs(forecast.median - seconds), held)


def _summed_up(step: Step | None, tried: Sequence[_Tried]) -> Backtest:
    from statistics import median

    errors = [each.error for each in tried if each.error is not None]
    shares = [
        each.error / each.seconds for each in tried if each.error is not None and each.seconds
    ]
    held = [each.held for each in tried if each.held is not None]
    return Backtest(
        step=step,
        operations=len(tried),
        forecasts=len(errors),
        intervals=len(held),
        held=sum(held),
        median_error_seconds=median(errors) if errors else None,
        median_error_share=median(shares) if shares else None,
    )
