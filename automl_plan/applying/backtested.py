"""Forecasts held against what operations took, of a file or of the state."""

from __future__ import annotations

from pathlib import Path

from automl_plan.planning.backtesting import Backtest, backtest
from automl_plan.resources.history import EndedOperation, History
from automl_plan.state.history import read_lines
from automl_plan.state.store import read_state_file


def backtest_history(history: History) -> tuple[Backtest, ...]:
    """Of a state's history."""
    return backtest(_flat(history))


def backtest_file(path: Path) -> tuple[Backtest, ...]:
    """Of a file: a state, or JSON lines. Raises StateUnreadable."""
    if path.suffix == ".jsonl":
        return backtest(read_lines(path))
    return backtest_history(read_state_file(path).history)


def _flat(history: History) -> list[EndedOperation]:
    return [each for kept in history.values() for each in kept.values()]
