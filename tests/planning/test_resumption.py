"""What was started, held against what is declared; and what a wait does with it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from automl_plan.model.address import Address, dataset_address, model_address
from automl_plan.model.desired import DesiredDataset, DesiredModel, Lifecycle
from automl_plan.model.json import Attributes, Json
from automl_plan.model.live import Operation, OperationKind
from automl_plan.model.recorded import (
    RecordedOperation,
    RecordedResource,
    Step,
    digest_of_values,
)
from automl_plan.planning.options import PlanOptions
from automl_plan.planning.plan import Action, Change, Difference, DifferingOperation, Plan
from automl_plan.planning.planner import make_plan
from automl_plan.planning.resumption import find_differing_operations, resumption
from tests.planning.worlds import World, dataset, desired, model

D, M = dataset_address("digits"), model_address("digits")
DECLARED = dataset().attributes()
CREATED = {k: v for k, v in DECLARED.items() if k != "data"}
TRAINED = {k: v for k, v in model().attributes(dataset()).items() if k != "deploy"}
NODE: Attributes = {"deploy": {"node_count": 1}}
NAME = replace(Lifecycle(), ignore_changes=("display_name",))
DATA = replace(Lifecycle(), ignore_changes=("dataset",))


def paths(
    step: Step,
    attributes: Attributes,
    *declared: DesiredDataset | DesiredModel,
    variables: tuple[str, ...] = (),
    given: Mapping[str, Json] | None = None,
    values: Mapping[str, Json] | None = None,
) -> list[str] | None:
    """What the only open operation differs in; None: it is as it is declared."""
    address = D if step in (Step.CREATE, Step.IMPORT_DATA) else M
    operation = RecordedOperation(
        step,
        "t",
        "2026-01-01T00:00:00Z",
        id="OP1",
        attributes=attributes,
        variables=variables,
        values=None if values is None else digest_of_values("t", values, variables),
    )
    record = RecordedResource(address, operations=(operation,))
    found = find_differing_operations(desired(*declared), {address: record}, given)
    if not found:
        return None
    (one,) = found
    assert (one.address, one.step, one.operation_id) == (address, step, "OP1")
    return (
        ["not declared"]
        if not one.declared
        else [*(d.path for d in one.differences), *one.missing, *one.changed]
    )


BUDGET = "image_classification.train_budget_milli_node_hours"


@pytest.mark.parametrize(
    ("step", "attributes", "declared", "differing"),
    [
        (Step.TRAIN, TRAINED, (dataset(), model()), None),
        (Step.TRAIN, TRAINED, (dataset(), model(node_count=4)), None),  # not begun with it
        (Step.TRAIN, TRAINED, (dataset(), model(train_budget_milli_node_hours=9000)), [BUDGET]),
        (Step.TRAIN, TRAINED, (dataset(), model(display_name="x")), ["display_name"]),
        (Step.TRAIN, TRAINED, (dataset(), model(labels={"a": "b"})), ["labels.a"]),
        (Step.TRAIN, TRAINED, (dataset(data="v1:bb"), model()), ["trained_on.data"]),
        (Step.TRAIN, TRAINED, (dataset(data=None, sources=()), model()), None),
        (Step.TRAIN, TRAINED, (dataset(), model(display_name="x", lifecycle=NAME)), None),
        (Step.TRAIN, TRAINED, (dataset(data="v1:bb"), model(lifecycle=DATA)), None),
        (Step.TRAIN, TRAINED, (dataset(),), ["not declared"]),
        (Step.TRAIN, {}, (dataset(), model()), None),  # not known
        (Step.CREATE, CREATED, (dataset(),), None),
        (Step.CREATE, CREATED, (dataset(display_name="x"),), ["display_name"]),
        (Step.CREATE, CREATED, (dataset(data="v1:bb"),), None),
        (Step.CREATE, CREATED, (), ["not declared"]),
        (Step.IMPORT_DATA, {"data": "v1:aa"}, (dataset(),), None),
        (Step.IMPORT_DATA, {"data": "v1:aa"}, (dataset(data="v1:bb"),), ["data"]),
        (Step.IMPORT_DATA, {"data": "v1:aa"}, (dataset(data=None, sources=()),), None),
        (Step.DEPLOY, NODE, (dataset(), model()), None),
        (
            Step.DEPLOY,
            NODE,
            (dataset(), model(node_count=2)),
            ["deploy.node_count"],
        ),
        (
            Step.DEPLOY,
            NODE,
            (dataset(), model(node_count=None)),
            ["deploy"],
        ),
        (Step.UNDEPLOY, {}, (dataset(), model()), None),
        (Step.DELETE, {}, (), None),
    ],
)
def test_what_differs(
    step: Step,
    attributes: Attributes,
    declared: tuple[DesiredDataset | DesiredModel, ...],
    differing: list[str] | None,
) -> None:
    assert paths(step, attributes, *declared) == differing


def test_variables_that_are_given_no_more() -> None:
    args = (Step.IMPORT_DATA, {"data": "v1:aa"}, dataset())
    assert paths(*args, variables=("a", "b"), given={"b": 1, "c": 2}) == ["a"]
    assert paths(*args, variables=("a",), given={"a": 1}) is None
    assert paths(*args, variables=("a",), given=None) is None


@pytest.mark.parametrize(
    ("now", "changed"),
    [
        ({"a": 1, "b": "x"}, None),
        ({"b": "x", "a": 1, "c": 3}, None),  # one more was of no use then
        ({"a": 2, "b": "x"}, ["a", "b"]),
        ({"a": 1, "b": "y"}, ["a", "b"]),
        ({"a": "1", "b": "x"}, ["a", "b"]),
        ({"a": True, "b": "x"}, ["a", "b"]),
        ({"b": "x"}, ["a"]),  # told as one that is missing
    ],
)
def test_variables_with_other_values(now: Mapping[str, Json], changed: list[str] | None) -> None:
    args = (Step.IMPORT_DATA, {"data": "v1:aa"}, dataset())
    values: dict[str, Json] = {"a": 1, "b": "x"}
    assert paths(*args, variables=("a", "b"), values=values, given=now) == changed
    assert paths(*args, variables=("a", "b"), values=values, given=None) is None


# -- what a wait does -----------------------------------------------------------------------------

OTHER = model(train_budget_milli_node_hours=9000)
ENDED = Operation("OP2", OperationKind.CREATE_MODEL, True, "", "")


def retraining(*, ended: bool) -> World:
    """A version that serves, and a training with another budget."""
    world = World()
    world.apply(desired(dataset(), model()))
    world.detached = True
    world.apply(desired(dataset(), OTHER))
    (operation,) = world.resources[M].operations
    assert operation.id is not None
    if ended:
        made = operation.id.replace("OP", "M")
        there = next(iter(world.models.values()))
        world.models[made] = replace(there, id=made, deployed=False, node_count=None)
        done = replace(ENDED, id=operation.id, result_id=made)
        world.operations[operation.id] = done
    return world


@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize("declared", [True, False])
def test_it_is_followed_and_nothing_goes_on_from_it(ended: bool, declared: bool) -> None:
    world = retraining(ended=ended)
    wanted = desired(dataset(), model()) if declared else desired(dataset())
    (training,) = world.resources[M].operations
    plan = resumption(world.plan(wanted))
    (change,) = plan.changes
    assert (change.action, change.operation_id, change.after) == (Action.RESUME, training.id, None)
    (said,) = plan.differing_operations
    assert (said.address, said.operation_id, said.declared) == (M, training.id, declared)
    assert resumption(world.plan(wanted), [D]).changes == ()
    assert resumption(world.plan(wanted), [M]).changes == (change,)
    # What the whole plan does is its own business, as it shows it.
    whole = {c.action for c in world.plan(wanted).changes}
    assert whole & {Action.CANCEL, Action.PROMOTE, Action.DELETE}


def test_what_is_as_declared_goes_on() -> None:
    world = retraining(ended=False)
    plan = resumption(world.plan(desired(dataset(), OTHER)))
    assert [c.action for c in plan.changes][:2] == [Action.RESUME, Action.DEPLOY]
    assert plan.differing_operations == ()


def importing(variables: tuple[str, ...]) -> World:
    """A dataset into which an import runs that was started with these variables."""
    world = World()
    world.apply(desired(dataset(data=None)))
    current = world.resources[D].current
    assert current is not None
    operation = RecordedOperation(
        Step.IMPORT_DATA,
        "t",
        "2026-01-01T00:00:00Z",
        id="OP9",
        object_id=current.id,
        attributes={"data": "v1:aa"},
        variables=variables,
        values=digest_of_values("t", {"budget": 9000}, variables),
    )
    world.resources[D] = replace(world.resources[D], operations=(operation,))
    return world


@pytest.mark.parametrize(
    ("given", "data", "actions"),
    [
        ({"budget": 9000}, "v1:aa", ["resume", "train", "deploy"]),
        ({"budget": 8000}, "v1:aa", ["resume"]),
        ({}, "v1:aa", ["resume"]),  # a training with other variables is not going on
        ({"budget": 9000}, "v1:bb", ["resume"]),  # nor is another dataset in place of this one
    ],
)
def test_what_would_come_after_an_import(
    given: Mapping[str, Json], data: str, actions: list[str]
) -> None:
    world = importing(("budget",))
    plan = make_plan(
        desired(dataset(data=data), model()),
        world.recorded,
        world.live,
        PlanOptions(),
        given=given,
    )
    gone_on = resumption(plan)
    assert [str(c.action) for c in gone_on.changes if c.action is not Action.UPDATE] == actions
    assert bool(gone_on.differing_operations) is (actions == ["resume"])


def test_variables_are_not_missed_where_nothing_goes_on() -> None:
    resume = Change(D, Action.RESUME, "", operation_id="OP9", after={})
    other = DifferingOperation(D, Step.IMPORT_DATA, "OP9", missing=("budget",))
    plan = resumption(Plan((resume,), differing_operations=(other,)))
    assert (plan.changes, plan.differing_operations) == ((resume,), ())


def test_one_does_not_hold_another_back() -> None:
    a, b = Address.parse("model.a"), Address.parse("model.b")
    difference = Difference("labels.a", None, "b")
    resumes = [Change(x, Action.RESUME, "", operation_id=str(x), after={"x": 1}) for x in (a, b)]
    deploys = [
        Change(x, Action.DEPLOY, "", needs=(r.key,)) for x, r in zip((a, b), resumes, strict=True)
    ]
    other = DifferingOperation(a, Step.TRAIN, str(a), differences=(difference,))
    plan = resumption(Plan((*resumes, *deploys), differing_operations=(other,)))
    assert plan.changes == (replace(resumes[0], after=None), resumes[1], deploys[1])
