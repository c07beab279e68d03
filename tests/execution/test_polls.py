"""How operations are followed: few by themselves, many by lists."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from msgspec.structs import replace

from automl_plan.execution.in_flight import InFlightChange
from automl_plan.execution.poller import MANY, ListedOperations, OperationPoller
from automl_plan.model.address import model_address
from automl_plan.model.live import Operation, OperationKind
from automl_plan.model.recorded import RecordedOperation, Step
from automl_plan.planning.plan import Action, Change
from automl_plan.providers.local import process
from tests.project import DATASET, Project


def running(number: int, *, named: bool = True) -> InFlightChange:
    change = Change(model_address(f"m{number}"), Action.TRAIN, "")
    intent = RecordedOperation(Step.TRAIN, f"{number:x}", "2026-11-26T00:00:00Z")
    name = f"operation-{number}" if named else None
    return InFlightChange(change, 0.0, replace(intent, id=name))


def goes_on(number: int) -> Operation:
    return Operation(f"operation-{number}", OperationKind.CREATE_MODEL, done=False)


def none_ended(_most: int) -> list[Operation]:
    return []


def test_hundreds_are_one_list_at_a_time() -> None:
    asked = 0

    def there() -> list[Operation]:
        nonlocal asked
        asked += 1
        return [goes_on(number) for number in range(500)]

    polls = OperationPoller(there, none_ended)
    for number in range(500):
        polls.add(running(number))
    call = polls.list_call()
    assert call is not None
    assert polls.list_call() is None  # one is under way
    told = list(polls.listed(call()))
    assert len(told) == 500
    assert asked == 1
    assert list(polls.due(10)) == []  # nobody is asked for by itself
    assert polls.list_call() is None  # not before the interval has passed
    assert 0 < polls.pause() <= 15


def test_those_that_no_list_names_are_asked_for_once_each() -> None:
    sought = []

    def ended(most: int) -> list[Operation]:
        sought.append(most)
        return [replace(goes_on(number), done=True) for number in range(1, 500, 4)]

    polls = OperationPoller(lambda: [goes_on(number) for number in range(0, 500, 2)], ended)
    for number in range(500):
        polls.add(running(number))
    call = polls.list_call()
    assert call is not None
    assert len(list(polls.listed(call()))) == 250
    assert list(polls.due(10)) == []  # first a list of what has ended
    call = polls.list_call()
    assert call is not None
    assert polls.pause() > 0
    told = list(polls.listed(call()))
    assert sought == [500]
    assert len(told) == 125
    assert all(operation.done for _, operation in told)
    for each, _ in told:
        polls.drop(each)
    asked = []
    while found := list(polls.due(10)):
        assert len(found) <= 10
        asked += found
        for each in found:
            polls.drop(each)
    assert len(asked) == len(set(asked)) == 125


def test_a_list_of_what_has_ended_that_fails_lets_all_be_asked_for() -> None:
    polls = OperationPoller(list, none_ended)
    for number in range(MANY):
        polls.add(running(number))
    call = polls.list_call()
    assert call is not None
    assert list(polls.listed(call())) == []
    assert polls.list_call() is not None
    assert list(polls.listed(None)) == []
    assert len(list(polls.due(100))) == MANY


def test_a_list_that_fails_lets_all_be_asked_for() -> None:
    polls = OperationPoller(list, none_ended)
    for number in range(MANY):
        polls.add(running(number))
    assert polls.list_call() is not None
    assert list(polls.listed(None)) == []
    assert len(list(polls.due(100))) == MANY


def test_a_call_without_an_answer_is_never_looked_for_in_a_list() -> None:
    polls = OperationPoller(list, none_ended)
    nameless = running(0, named=False)
    polls.add(nameless)
    for number in range(1, MANY + 1):
        polls.add(running(number))
    assert list(polls.due(100)) == [nameless]
    nameless.operation = running(0).operation
    polls.add(nameless)
    assert len(polls) == MANY + 1
    assert list(polls.due(100)) == []


def test_an_operation_that_began_after_the_list_was_asked_for_is_left_alone() -> None:
    polls = OperationPoller(list, none_ended)
    late = running(0)
    late.started = 100.0
    polls.add(late)
    assert list(polls.listed(ListedOperations([], requested=50.0))) == []
    assert list(polls.due(100)) == [late]  # few: it is due by its own pace


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    project = Project(tmp_path)
    project.write_data("d.csv", {"cat": 8, "dog": 8})
    yield project
    project.stop_service()


def calls(project: Project) -> dict[str, int]:
    running_ = process.status(project.directory / ".automl-plan" / "emulator")
    assert running_ is not None
    answer = requests.get(f"{running_.url}/emulator/v1/calls", timeout=30)
    found: dict[str, int] = answer.json()["calls"]
    return found


@pytest.mark.parametrize("size", [1, 12])
def test_requests_of_a_plan_with_nothing_to_do(project: Project, size: int) -> None:
    """One for each page of each kind, however many resources there are."""
    datasets = {f"d{number}": DATASET for number in range(size)}
    project.write(datasets, {})
    project.apply()
    before = calls(project)
    assert project.plan().plan.empty
    after = calls(project)
    sent = {name: count - before.get(name, 0) for name, count in after.items()}
    assert {name: count for name, count in sent.items() if count} == {
        "datasets.list": 1,
        "models.list": 1,
        "operations.list": 1,  # which trainings run
    }
    # Each operation was asked for about once: lists told of the others.
    assert before["operations.get"] <= 3 * 2 * size
