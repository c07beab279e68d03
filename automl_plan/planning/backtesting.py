"""How good forecasts would have been: each operation forecast by those that had ended. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from automl_plan.planning.forecasting import outlook
from automl_plan.resources.history import KEPT, EndedOperation
from automl_plan.resources.recorded import Step


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


def backtest(history: Iterable[EndedOperation]) -> tuple[Backtest, ...]:
    """One for each step there is, then one for all together.

    An operation is forecast as it would have been when it began: by the newest `KEPT` of its step
    that had ended by then. By order of their ends it would be easier than it is: those that take
    long end last.
    """
    by_step: dict[Step, list[EndedOperation]] = {}
    for each in history:
        by_step.setdefault(each.work.step, []).append(each)
    tried = {step: _tried(of_step) for step, of_step in sorted(by_step.items())}
    everything = [each for of_step in tried.values() for each in of_step]
    return (*(_summed_up(s, t) for s, t in tried.items()), _summed_up(None, everything))


def _tried(operations: Sequence[EndedOperation]) -> list[_Tried]:
    moments = [(datetime.fromisoformat(each.ended), each) for each in operations]
    ends = sorted(moments, key=lambda moment: moment[0])
    begins = sorted(((end - timedelta(seconds=o.seconds), o) for end, o in moments), key=_first)
    tried, ended = [], 0
    for began, operation in begins:
        while ended < len(ends) and ends[ended][0] <= began:
            ended += 1
        former = [o for _, o in ends[max(ended - KEPT, 0) : ended] if o is not operation]
        tried.append(_try(operation, former))
    return tried


def _first(moment: tuple[datetime, EndedOperation]) -> datetime:
    return moment[0]


def _try(operation: EndedOperation, former: Sequence[EndedOperation]) -> _Tried:
    step, seconds = operation.work.step, operation.seconds
    expected = outlook(operation.work, former)
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
