"""The documents of `operations`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Self

from msgspec import Meta

from automl_plan.model.json import Count
from automl_plan.model.live import Operation as LiveOperation
from automl_plan.model.live import OperationError, OperationKind
from automl_plan.output.documents.base import FORMAT_VERSION, OutputDocument, Part, Time
from automl_plan.planning.forecast import SHARE
from automl_plan.planning.forecast import Backtest as BacktestFound


class Operation(
    Part,
    rename={
        "kind": "operation",
        "create_time": "created",
        "update_time": "updated",
        "result_id": "made",
    },
    frozen=True,
):
    """A long-running operation at the provider."""

    id: str
    kind: OperationKind
    done: bool
    create_time: Time
    update_time: Time
    progress_percent: int | None
    result_id: str | None
    """Id of the object that a finished create operation made."""
    error: Annotated[OperationError, Meta(description="Code 1: cancelled.")] | None
    partial_failures: tuple[str, ...]


class OperationsGet(Operation, tag_field="format_version", tag=FORMAT_VERSION, frozen=True):
    """`operations get --json` and `operations wait --json`"""


class OperationsList(OutputDocument, frozen=True):
    """`operations list --json`"""

    operations: tuple[Operation, ...]

    @classmethod
    def of(cls, operations: Sequence[LiveOperation]) -> Self:
        """Return the document of operations."""
        return cls(tuple(map(Operation.filled, operations)))


class Backtest(Part, frozen=True):
    """How good forecasts were."""

    operations: Count
    forecasts: Count
    """Operations of which a similar one had ended before they began."""
    intervals: Count
    """Operations with history enough for an interval."""
    held: Count
    """Operations that ended within their interval."""
    coverage: float | None
    """held / intervals"""
    median_error_seconds: float | None
    median_error_share: float | None
    """Of the time that the operation took."""

    @classmethod
    def of(cls, result: BacktestFound) -> Self:
        """Return the figures of a backtest, rounded."""
        return cls.filled(
            result,
            coverage=_rounded(result.coverage, 4),
            median_error_seconds=_rounded(result.median_error_seconds, 3),
            median_error_share=_rounded(result.median_error_share, 4),
        )


class OperationsBacktest(OutputDocument, frozen=True):
    """`operations backtest --json`"""

    interval: float
    """The share of operations that should end within their interval."""
    steps: Mapping[str, Backtest]
    total: Backtest

    @classmethod
    def of(cls, results: Sequence[BacktestFound]) -> Self:
        """Return the document of backtests, of which the last is that of all operations."""
        *steps, everything = results
        return cls(
            interval=SHARE,
            steps={str(each.step): Backtest.of(each) for each in steps},
            total=Backtest.of(everything),
        )


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
