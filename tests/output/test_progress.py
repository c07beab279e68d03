"""What an apply tells while it works, and how it ends."""

from __future__ import annotations

from msgspec.structs import replace

from automl_plan.errors import ApiError
from automl_plan.execution.events import ApplyResult, Event, EventType, Failure, Left
from automl_plan.model.address import dataset_address, model_address
from automl_plan.model.recorded import Step
from automl_plan.output.documents.events import ChangeEvent, Result, RunVersion
from automl_plan.output.progress import (
    LineProgress,
    event_line,
    result_text,
)
from automl_plan.output.style import PLAIN
from automl_plan.planning.forecast import Forecast
from automl_plan.planning.plan import Action, Change
from tests.output.golden import matches_golden
from tests.output.scenes import HOSTILE, create, refresh_only
from tests.output.schema import content, is_valid

FOLLOW = "automl-plan wait --var budget=9000"
TRAIN = Change(model_address("digits"), Action.TRAIN, "why")
IMPORT = Change(dataset_address("digits"), Action.IMPORT_DATA, "why")
EVENTS = tuple(
    Event(kind, replace(TRAIN, action=action), 90.0, "ICN7", message)
    for action in Action
    if action is not Action.NO_OP
    for kind, message in (
        (EventType.STARTED, None),
        (EventType.WAITING, "40 %"),
        (EventType.DONE, "ICN42"),
        (EventType.FAILED, HOSTILE),
        (EventType.SKIPPED, "a change that it needs failed"),
        (EventType.DETACHED, None),
    )
)


def test_lines() -> None:
    assert matches_golden("events", "".join(event_line(e, PLAIN) + "\n" for e in EVENTS))


def test_what_is_left_is_told_of_what_goes_on() -> None:
    by_history = Forecast(3000.0, 1500.0, 6000.0, 23, Step.TRAIN)
    few = Forecast(42.0, None, None, 3, Step.IMPORT_DATA)
    events = [
        Event(EventType.WAITING, TRAIN, 1800.0, "ICN7", None, by_history),
        Event(EventType.WAITING, IMPORT, 31.0, "ICN8", None, few),
        Event(EventType.WAITING, IMPORT, 31.0, None, None, None),
    ]
    assert [event_line(event, PLAIN) for event in events] == [
        "model.digits: training… [30m00s, about 50m left (80%: 25m to 1h40m), operation ICN7]",
        "dataset.digits: importing data… [31.0s, about 42.0s left, operation ICN8]",
        "dataset.digits: importing data… [31.0s]",
    ]
    for event in events:
        assert is_valid("apply", ChangeEvent.of(event))
    assert content(ChangeEvent.of(events[0]))["left"] == {
        "median_seconds": 3000.0,
        "low_seconds": 1500.0,
        "high_seconds": 6000.0,
        "operations": 23,
        "step": "train",
        "alike": True,
    }


def test_a_long_operation_is_told_of_now_and_then() -> None:
    written: list[str] = []
    with LineProgress(written.append, PLAIN) as progress:
        progress(Event(EventType.STARTED, TRAIN))
        for second in range(100):
            progress(Event(EventType.WAITING, TRAIN, float(second), "ICN7"))
            progress(Event(EventType.WAITING, IMPORT, float(second), "ICN8"))
        progress(Event(EventType.DONE, TRAIN, 100.0, "ICN7", "ICN42"))
    assert [line for line in written if line.startswith("model.digits")] == [
        "model.digits: training…\n",
        "model.digits: training… [30.0s, operation ICN7]\n",
        "model.digits: training… [1m00s, operation ICN7]\n",
        "model.digits: training… [1m30s, operation ICN7]\n",
        "model.digits: trained ICN42 in 1m40s\n",
    ]
    assert len(written) == 8


def test_json() -> None:
    for event in EVENTS:
        assert is_valid("apply", ChangeEvent.of(event))


def test_results() -> None:
    failure = Failure(TRAIN, ApiError(HOSTILE))
    again = Left(replace(IMPORT, action=Action.RESUME), Step.IMPORT_DATA, "ICN9")
    results = (
        ApplyResult(),
        ApplyResult(done=(IMPORT, TRAIN, replace(TRAIN, action=Action.DEPLOY))),
        ApplyResult(done=(IMPORT,), failed=(failure,), skipped=(TRAIN,)),
        ApplyResult(left=(Left(TRAIN, Step.TRAIN, "ICN7"),)),
        ApplyResult(done=(IMPORT,), left=(Left(TRAIN, Step.TRAIN, "ICN7"),)),
        ApplyResult(left=(*(Left(TRAIN, Step.TRAIN, f"ICN{i}") for i in range(7)), again)),
        ApplyResult(left=(Left(IMPORT),)),
        ApplyResult(failed=(failure,), left=(Left(TRAIN, Step.TRAIN, HOSTILE),)),
    )
    texts = [result_text(create(), result, PLAIN, FOLLOW) for result in results]
    texts.append(result_text(refresh_only(), ApplyResult(), PLAIN, FOLLOW))
    assert matches_golden("results", "".join(texts))
    for result in results:
        assert is_valid("apply", Result.of(result, FOLLOW))


def test_the_first_line_is_the_version() -> None:
    assert is_valid("apply", RunVersion("apply"))
