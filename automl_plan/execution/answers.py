"""Classifies what the service answered to a call or to a poll: the columns of the executor's table.

Nothing is recorded or sent here.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto

from automl_plan.errors import (
    AutomlPlanError,
    Cancelled,
    DataLoss,
    DeadlineExceeded,
    Internal,
    NotFound,
    ProviderError,
    TransportError,
    Unavailable,
    Unknown,
    UnsettledOperation,
)
from automl_plan.execution.in_flight import InFlightChange
from automl_plan.model.live import Operation
from automl_plan.recovery.interrupted_calls import Finding, Verdict
from automl_plan.state.store import UNRECORDED

_UNDECIDED = (Cancelled, DataLoss, DeadlineExceeded, Internal, Unavailable, Unknown)
"""Errors after which the service may have acted all the same."""


class Answer(Enum):
    """The meaning of an answer. Named beside each: what comes with it."""

    RETURNED = auto()
    """The call of a step without an operation returned; its result."""
    STARTED = auto()
    """The call opened an operation; the Operation."""
    ACCEPTED = auto()
    """The call was about an operation that is known, as a cancellation is; nothing."""
    COMPLETED = auto()
    """The call was done when it answered; nothing."""
    REJECTED = auto()
    """The call had no effect for certain; the error."""
    UNANSWERED = auto()
    """The call may have had its effect, or may have it yet; the error."""
    FAILED = auto()
    """The call failed, and has no intent that could be settled; the error."""
    WORKING = auto()
    """The operation is running; the Operation."""
    STEP_ENDED = auto()
    """The operation ended well, and another call must follow; the Operation."""
    ENDED = auto()
    """The operation ended, well or not; the Operation."""
    FORGOTTEN = auto()
    """The service does not know the operation; the NotFound."""
    FOUND = auto()
    """The operation of an unanswered call was found; the Finding."""
    ARRIVED = auto()
    """The object that an unanswered call made was found; the Finding."""
    NEVER_RECEIVED = auto()
    """An unanswered call had no effect, or can be repeated without harm; the Finding."""
    UNDECIDED = auto()
    """The outcome of an unanswered call is not known yet; the Finding."""
    UNSETTLED = auto()
    """The outcome of a call, or the end of an operation, can't be told; the UnsettledOperation."""
    UNREACHABLE = auto()
    """A poll failed; the ProviderError."""


_BY_VERDICT = {
    Verdict.FOUND: Answer.FOUND,
    Verdict.ARRIVED: Answer.ARRIVED,
    Verdict.NEVER: Answer.NEVER_RECEIVED,
    Verdict.OPEN: Answer.UNDECIDED,
}


def answer_to_call(flight: InFlightChange, result: Callable[[], object]) -> tuple[Answer, object]:
    """Classify the answer to the call of a change; `result` returns or raises it."""
    operation = flight.operation
    try:
        returned = result()
    except AutomlPlanError as error:
        if operation is None or operation.id is not None or isinstance(error, UNRECORDED):
            return Answer.FAILED, error
        arrived = isinstance(error, TransportError) and error.sent
        undecided = arrived or isinstance(error, _UNDECIDED)
        return Answer.UNANSWERED if undecided else Answer.REJECTED, error
    if flight.finish is not None:
        return Answer.RETURNED, returned
    if operation is None:
        return Answer.COMPLETED, None
    if returned is not None:
        return Answer.STARTED, returned
    return Answer.COMPLETED if operation.id is None else Answer.ACCEPTED, None


def answer_to_poll(result: Callable[[], Operation | Finding]) -> tuple[Answer, object]:
    """Classify the answer to a poll; `result` returns or raises it."""
    try:
        returned = result()
    except NotFound as error:
        return Answer.FORGOTTEN, error
    except UnsettledOperation as error:
        return Answer.UNSETTLED, error
    except ProviderError as error:
        return Answer.UNREACHABLE, error
    if isinstance(returned, Finding):
        return _BY_VERDICT[returned.verdict], returned
    return answer_of(returned)


def answer_of(operation: Operation) -> tuple[Answer, object]:
    """Classify the status of an operation."""
    if operation.ended_as is not None:
        return Answer.UNSETTLED, unknown_end(operation)
    if not operation.done:
        return Answer.WORKING, operation
    if operation.has_next_step and operation.error is None:
        return Answer.STEP_ENDED, operation
    return Answer.ENDED, operation


def unknown_end(operation: Operation) -> UnsettledOperation:
    """Return the error for an operation whose end this version can't read."""
    return UnsettledOperation(
        f"The operation {operation.id} ended in the state {operation.ended_as}, which this version "
        "of automl-plan does not know: whether it made anything is unknown.",
        where=f"operation {operation.id}",
        hint="Look at it in the service's console, and update automl-plan. Until then it stays "
        "open in the state, and nothing else is sent for it.",
    )
