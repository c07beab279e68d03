"""How long an operation will take, by how long others took. Pure.

Operations are alike when they are of one step and, for trainings, of one model type. What they
took is divided by their size: the wall time of the whole budget for trainings, images and a fixed
start for imports, nothing for the rest. The quotients of alike operations, times the size of the
new one, are what it may take; the forecast is their median and their 10 % and 90 % quantiles.

Why 80 % of operations end within the interval: when n former quotients and the new one are
exchangeable (none of them is special by its place), the new one falls into each of the n + 1 gaps
between the sorted former ones with the same chance. So it lies between the k-th smallest and the
k-th largest with a chance of (n + 1 - 2k) / (n + 1), whatever the quotients' distribution is
(conformal prediction; Vovk, Gammerman, Shafer 2005, "Algorithmic Learning in a Random World").
With k = (n + 1) / 10 that is 80 %; where it is no whole number the bounds are interpolated between
the two neighbours, so the chance is within 2 / (n + 1) of 80 %; below n = 9 there is no such k, and
no interval. How well the size is chosen decides how wide the interval is, not how often it holds.
It holds less often while the service grows slower or faster than it was: `operations backtest`
tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from automl_plan.planning.plan import Action, Change
from automl_plan.resources.address import Address
from automl_plan.resources.desired import Desired
from automl_plan.resources.history import EndedOperation, History, Work, work_of
from automl_plan.resources.json import Json
from automl_plan.resources.model_types import MODEL_TYPES
from automl_plan.resources.recorded import RecordedOperation, RecordedResource, Step

SHARE = 0.8
"""Of operations that are to end within the interval."""
FEWEST = 9
"""Former operations below which there is no interval of that share."""
IMPORT_START = 1_000
"""Images in the time of which an import starts. A guess: it makes an interval wide or narrow."""
_DIGITS = 3
"""Of seconds: a plan that is read again is the one that was written."""
_NEAR = 2.0
"""Trainings on up to so many times more or fewer images are preferred, where they are enough."""
_STEPS = {
    Action.TRAIN: Step.TRAIN,
    Action.RETRAIN: Step.TRAIN,
    Action.IMPORT_DATA: Step.IMPORT_DATA,
}


class Forecast(Struct, frozen=True):
    """What an operation takes, or has left, in seconds."""

    median: float
    low: float | None
    """The interval's bounds; None where there is too little history for one."""
    high: float | None
    operations: int
    """Former operations that it is made of."""
    step: Step
    alike: bool = True
    """False: they were trainings of other model types."""


class Outlook(Struct, frozen=True):
    """What an operation may take in all: what each former one makes expect, in seconds."""

    step: Step
    seconds: tuple[float, ...]
    """Sorted; at least one."""
    alike: bool

    def forecast(self, elapsed: float = 0.0) -> Forecast | None:
        """What is left after so many seconds; None when it has taken longer than any before.

        What took less so far does not count any more: among those that took longer it is again
        as good as any.
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


def outlook(work: Work, history: Iterable[EndedOperation]) -> Outlook | None:
    """What a history makes expect of an operation; None when it has nothing like it."""
    size = _size(work)
    if size is None:
        return None
    former = [
        (each.work, each.seconds / of_each)
        for each in history
        if each.work.step is work.step and (of_each := _size(each.work)) is not None
    ]
    same = [each for each in former if _type(each[0]) == _type(work)]
    near = [each for each in same if _near(each[0], work)] if work.step is Step.TRAIN else []
    chosen = near if len(near) >= FEWEST else same or former
    if not chosen:
        return None
    expected = sorted(quotient * size for _, quotient in chosen)
    return Outlook(work.step, tuple(expected), alike=bool(same))


def outlook_in(work: Work, history: History) -> Outlook | None:
    """The same with a state's history."""
    return outlook(work, history.get(work.step, {}).values())


def forecasts_of(
    changes: Sequence[Change],
    desired: Desired,
    resources: Mapping[Address, RecordedResource],
    history: History,
    examples: Mapping[Address, int],
    now: datetime,
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
            expected = outlook_in(work_of(step, change.after or {}, examples.get(of)), history)
            found[change.key] = None if expected is None else expected.forecast()
        elif change.action is Action.RESUME:
            operation = _resumed(change, resources.get(change.address))
            left = None if operation is None else _left(operation, history, now)
            if left is not None:
                found[change.key] = left
    return found


def forecast_to_json(forecast: Forecast) -> dict[str, Json]:
    """For plan files and programs."""
    return {
        "median_seconds": forecast.median,
        "low_seconds": forecast.low,
        "high_seconds": forecast.high,
        "operations": forecast.operations,
        "step": str(forecast.step),
        "alike": forecast.alike,
    }


def forecast_from_json(content: Mapping[str, Any]) -> Forecast:
    """The inverse. Raises KeyError or ValueError."""
    return Forecast(
        content["median_seconds"],
        content["low_seconds"],
        content["high_seconds"],
        content["operations"],
        Step(content["step"]),
        content["alike"],
    )


def _resumed(change: Change, record: RecordedResource | None) -> RecordedOperation | None:
    operations = () if record is None else record.operations
    return next(
        (o for o in operations if o.id is not None and o.id == change.operation_id),
        None,
    )


def _left(operation: RecordedOperation, history: History, now: datetime) -> Forecast | None:
    expected = outlook_in(
        work_of(operation.step, operation.attributes, operation.examples), history
    )
    elapsed = (now - datetime.fromisoformat(operation.started)).total_seconds()
    return None if expected is None else expected.forecast(max(elapsed, 0.0))


def _size(work: Work) -> float | None:
    """What the time is taken to be proportional to; None where that is not known."""
    match work.step:
        case Step.TRAIN:
            types = MODEL_TYPES.get(work.problem, {}) if work.problem is not None else {}
            model_type = types.get(work.model_type or "")
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
