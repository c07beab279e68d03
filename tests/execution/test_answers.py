"""Each answer of the service has one meaning, by which the executor's table decides."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from automl_plan.errors import (
    AutomlPlanError,
    InvalidArgument,
    NotFound,
    ResourceExhausted,
    StateUnwritable,
    TransportError,
    Unavailable,
    UnsettledOperation,
)
from automl_plan.execution.answers import Answer, answer_of, answer_to_call, answer_to_poll
from automl_plan.execution.in_flight import InFlightChange
from automl_plan.model.address import model_address
from automl_plan.model.live import Operation, OperationError, OperationKind
from automl_plan.model.recorded import RecordedOperation, Step
from automl_plan.planning.plan import Action, Change
from automl_plan.recovery.interrupted_calls import Finding, Verdict

INTENT = RecordedOperation(Step.TRAIN, "f00", "2026-11-26T00:00:00Z")
NAMED = RecordedOperation(Step.TRAIN, "f00", "2026-11-26T00:00:00Z", id="ICN1")
RUNNING = Operation("ICN1", OperationKind.CREATE_MODEL, done=False)


def flight(operation: RecordedOperation | None) -> InFlightChange:
    return InFlightChange(Change(model_address("m"), Action.TRAIN, ""), 0.0, operation)


def raising(error: AutomlPlanError) -> Callable[[], Operation]:
    def result() -> Operation:
        raise error

    return result


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (InvalidArgument("no"), Answer.REJECTED),
        (ResourceExhausted("later"), Answer.REJECTED),
        (TransportError("not sent", sent=False), Answer.REJECTED),
        (TransportError("no answer", sent=True), Answer.UNANSWERED),
        (Unavailable("perhaps"), Answer.UNANSWERED),
        (StateUnwritable("full"), Answer.FAILED),
    ],
)
def test_a_call_with_an_intent_is_rejected_only_where_that_is_certain(
    error: AutomlPlanError, answer: Answer
) -> None:
    assert answer_to_call(flight(INTENT), raising(error)) == (answer, error)
    for without_intent in (flight(None), flight(NAMED)):
        assert answer_to_call(without_intent, raising(error)) == (Answer.FAILED, error)


def test_what_a_call_returned_says_what_follows() -> None:
    assert answer_to_call(flight(INTENT), lambda: RUNNING) == (Answer.STARTED, RUNNING)
    assert answer_to_call(flight(INTENT), lambda: None) == (Answer.COMPLETED, None)
    assert answer_to_call(flight(NAMED), lambda: None) == (Answer.ACCEPTED, None)
    synchronous = flight(None)
    synchronous.finish = str
    assert answer_to_call(synchronous, lambda: 7) == (Answer.RETURNED, 7)


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (NotFound("gone"), Answer.FORGOTTEN),
        (UnsettledOperation("which?"), Answer.UNSETTLED),
        (Unavailable("later"), Answer.UNREACHABLE),
        (TransportError("no answer", sent=True), Answer.UNREACHABLE),
    ],
)
def test_a_poll_that_fails(error: AutomlPlanError, answer: Answer) -> None:
    assert answer_to_poll(raising(error)) == (answer, error)


@pytest.mark.parametrize(
    ("operation", "answer"),
    [
        (RUNNING, Answer.WORKING),
        (Operation("ICN1", OperationKind.CREATE_MODEL, done=True), Answer.ENDED),
        (
            Operation("ICN1", OperationKind.CREATE_ENDPOINT, done=True, has_next_step=True),
            Answer.STEP_ENDED,
        ),
        (
            Operation(
                "ICN1",
                OperationKind.CREATE_ENDPOINT,
                done=True,
                has_next_step=True,
                error=OperationError(3, "no"),
            ),
            Answer.ENDED,
        ),
    ],
)
def test_the_status_of_an_operation(operation: Operation, answer: Answer) -> None:
    assert answer_of(operation) == (answer, operation)
    assert answer_to_poll(lambda: operation) == (answer, operation)


@pytest.mark.parametrize("done", [False, True])
def test_an_end_in_an_unknown_state_decides_nothing(done: bool) -> None:
    ended = Operation("ICN1", OperationKind.CREATE_MODEL, done=done, ended_as="ARCHIVED")
    answer, error = answer_to_poll(lambda: ended)
    assert answer is Answer.UNSETTLED
    assert "ICN1 ended in the state ARCHIVED" in str(error)


def test_every_verdict_on_an_unanswered_call_has_an_answer() -> None:
    findings = [Finding(INTENT, verdict) for verdict in Verdict]
    answers = [answer_to_poll(partial(_same, finding)) for finding in findings]
    assert [content for _, content in answers] == findings
    assert {answer for answer, _ in answers} == {
        Answer.FOUND,
        Answer.ARRIVED,
        Answer.NEVER_RECEIVED,
        Answer.UNDECIDED,
    }


def _same(finding: Finding) -> Finding:
    return finding
