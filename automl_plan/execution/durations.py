"""Durations: what the history keeps of an operation, and what it predicts for others."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from msgspec import Struct

from automl_plan.model.address import Address
from automl_plan.model.desired import Desired
from automl_plan.model.history import LONG, EndedOperation, History, Work, key_of, work_of
from automl_plan.model.json import MOST_SECONDS
from automl_plan.model.live import Operation
from automl_plan.model.model_types import ModelTypes
from automl_plan.model.recorded import RecordedOperation, RecordedResource, Step
from automl_plan.model.timestamps import utc_now
from automl_plan.planning.forecast import Forecast, Outlook, outlook_in

Entry = tuple[str, EndedOperation]
"""Its key in the history, and the operation."""


_GROWTH = 10
"""A history that grew by less than one part in this many predicts much the same."""


class Expectation(Struct, frozen=True):
    """The expected duration of an operation, and the seconds that it ran before this run."""

    outlook: Outlook
    before: float

    def left(self, elapsed: float) -> Forecast | None:
        """Return the remaining time after `elapsed` seconds of this run."""
        return self.outlook.forecast(self.before + elapsed)


class Expectations:
    """Predicts durations in one run, again when the history has grown considerably.

    Reading the whole history for each of thousands of steps would make a run quadratic.
    """

    def __init__(self, types: ModelTypes) -> None:
        """`types` are the model types of the provider."""
        self._types = types
        self._known: dict[Work, tuple[int, Outlook | None]] = {}

    def of(
        self, operation: RecordedOperation, examples: int | None, history: History, *, begun: bool
    ) -> Expectation | None:
        """Return the expected duration of an operation; None without any like it.

        `begun`: whether the operation starts now.
        """
        expected = self._outlook(work_of(operation.step, operation.attributes, examples), history)
        if expected is None:
            return None
        if begun:
            return Expectation(expected, 0.0)
        before = datetime.now(UTC) - datetime.fromisoformat(operation.started)
        return Expectation(expected, max(before.total_seconds(), 0.0))

    def _outlook(self, work: Work, history: History) -> Outlook | None:
        size = len(history.get(work.step, ()))
        seen, found = self._known.get(work, (-1, None))
        if size > seen + seen // _GROWTH:
            found = outlook_in(work, history, self._types)
            self._known[work] = (size, found)
        return found


def entry_of(
    operation: RecordedOperation, answer: Operation, examples: int | None, *, followed: bool
) -> Entry | None:
    """Return the history entry of an operation that ended well; None of short operations.

    `followed`: whether this run waited for its end, so that this machine's clock can time it where
    the service does not.
    """
    if operation.step not in LONG:
        return None
    began, ended = answer.create_time, answer.update_time
    if began is None or ended is None:
        if not followed:
            return None
        began, ended = operation.started, utc_now()
    try:
        took = datetime.fromisoformat(ended) - datetime.fromisoformat(began)
    except (TypeError, ValueError):  # times from outside
        return None
    seconds = round(took.total_seconds(), 3)
    if not 0 <= seconds <= MOST_SECONDS:
        return None
    work = work_of(operation.step, operation.attributes, examples)
    return key_of(operation), EndedOperation.of_work(
        work, ended, seconds, answer.cost_milli_node_hours
    )


def examples_of(
    operation: RecordedOperation,
    address: Address,
    desired: Desired,
    resources: Mapping[Address, RecordedResource],
) -> int | None:
    """Return the number of images that an operation works on; None if not recorded."""
    if operation.step is not Step.TRAIN:
        return operation.examples
    model = desired.models.get(address)
    record = None if model is None else resources.get(model.dataset)
    objects = () if record is None else record.objects
    return next((each.examples for each in objects if each.id == operation.dataset_id), None)
