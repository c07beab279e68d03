"""Operations, how long they take and how good forecasts were, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from automl_plan.execution.events import NOUNS
from automl_plan.model.live import Operation
from automl_plan.output.style import Style, clean, columns, counted, duration, fields, moment
from automl_plan.planning.forecast import FEWEST, SHARE, Backtest, Forecast
from automl_plan.planning.plan import Action, Change

NO_HISTORY = "no history yet"
_INTERVAL = f"{SHARE:.0%}"


def expected(change: Change, forecasts: Mapping[str, Forecast | None]) -> str:
    """Return how long a change takes, for a plan; "" for changes without a forecast."""
    if change.key not in forecasts:
        return ""
    forecast = forecasts[change.key]
    return remaining(forecast) if change.action is Action.RESUME else takes(forecast)


def takes(forecast: Forecast | None) -> str:
    """`takes about 1h20m (80%: 55m to 2h10m; from 23 trainings)`."""
    if forecast is None:
        return f"duration unknown ({NO_HISTORY})"
    return f"takes {_about(forecast)}"


def left(forecast: Forecast) -> str:
    """`about 50m left (80%: 25m to 1h40m)`."""
    return f"about {_roughly(forecast.median)} left{_bounds(forecast, '')}"


def remaining(forecast: Forecast | None) -> str:
    """`about 50m left (80%: 25m to 1h40m; from 23 trainings)`."""
    if forecast is None:
        return f"remaining time unknown ({NO_HISTORY})"
    return f"about {_roughly(forecast.median)} left{_bounds(forecast, _source(forecast))}"


def _about(forecast: Forecast) -> str:
    return f"about {_roughly(forecast.median)}{_bounds(forecast, _source(forecast))}"


def _bounds(forecast: Forecast, source: str) -> str:
    parts = []
    if forecast.low is not None and forecast.high is not None:
        low, high = _roughly(forecast.low), _roughly(forecast.high)
        parts.append(f"{_INTERVAL}: {low} to {high}")
    if source:
        parts.append(source)
    return f" ({'; '.join(parts)})" if parts else ""


def _source(forecast: Forecast) -> str:
    noun = NOUNS[forecast.step]
    others = "" if forecast.alike else " of other types"
    only = "only " if forecast.alike and forecast.low is None else ""
    return f"from {only}{counted(forecast.operations, noun)}{others}"


def _roughly(seconds: float) -> str:
    """As a duration, without seconds from ten minutes on."""
    if seconds >= 600 and round(seconds / 60) < 60:
        return f"{round(seconds / 60)}m"
    return duration(seconds)


def backtest_text(results: Sequence[Backtest], style: Style) -> str:
    """A line for each step, and one for all."""
    *steps, everything = results
    if not steps:
        return "No history yet.\n"
    headers = ("OPERATION", "ENDED", "FORECAST", "INTERVALS", "CORRECT", "MEDIAN ERROR")
    rows = [_row(each) for each in (steps if len(steps) == 1 else results)]
    text = columns(headers, rows, style)
    if everything.intervals:
        text += (
            f"\n{_INTERVAL} intervals contained the duration {_share(everything.coverage)} of the "
            f"time ({everything.held:,} of {everything.intervals:,}); each used only operations "
            "that "
            "had ended before.\n"
        )
    else:
        text += f"\nAn interval requires {FEWEST} operations that ended before.\n"
    return text


def _row(result: Backtest) -> tuple[str, ...]:
    seconds, share = result.median_error_seconds, result.median_error_share
    error = "-" if seconds is None else _roughly(seconds)
    if share is not None:
        error += f" ({_share(share)})"
    return (
        "all" if result.step is None else str(result.step),
        f"{result.operations:,}",
        f"{result.forecasts:,}",
        f"{result.intervals:,}",
        _share(result.coverage),
        error,
    )


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share * 100:.1f}%"


def operations_text(operations: Sequence[Operation], style: Style) -> str:
    """One operation a line."""
    if not operations:
        return "No operations found.\n"
    headers = ("ID", "OPERATION", "STATE", "STARTED", "UPDATED")
    cells = [
        (
            clean(o.id),
            str(o.kind),
            _state(o),
            moment(o.create_time),
            moment(o.update_time),
        )
        for o in operations
    ]
    return columns(headers, cells, style)


def operation_text(operation: Operation, style: Style) -> str:
    """One operation, a field a line."""
    return fields(
        {
            "Id": operation.id,
            "Operation": str(operation.kind),
            "State": _state(operation),
            "Result": operation.result_id or "-",
            "Started": moment(operation.create_time),
            "Updated": moment(operation.update_time),
            "Partial failures": operation.partial_failures or "-",
        },
        style,
    )


def _state(operation: Operation) -> str:
    if not operation.done:
        percent = operation.progress_percent
        return "running" if percent is None else f"running ({percent}%)"
    if operation.error is None:
        return "done with row failures" if operation.partial_failures else "done"
    if operation.error.cancelled:
        return "cancelled"
    return f"failed: {clean(operation.error.message)}"
