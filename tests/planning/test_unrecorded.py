"""What lives, bears the labels of a state and is not in it: whose it is, and what that refuses."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from automl_plan.config.prices import list_prices
from automl_plan.model.address import Address, dataset_address, model_address
from automl_plan.model.live import (
    TOKEN_LABEL,
    Live,
    LiveDataset,
    LiveModel,
    Operation,
    OperationKind,
)
from automl_plan.model.model_types import Problem
from automl_plan.model.ownership_labels import ADDRESS, expected_labels, new_token, rebuilt_token
from automl_plan.model.recorded import (
    RecordedObject,
    RecordedOperation,
    RecordedResource,
    Status,
    Step,
)
from automl_plan.planning.plan import IN_USE, UNRECORDED, Action, Change, Plan, Unrecorded
from automl_plan.planning.unrecorded import (
    Known,
    in_use,
    known_to,
    unrecorded,
)
from automl_plan.providers.google.automl.capabilities import AUTOML
from tests.documents import read_again
from tests.planning.worlds import LINEAGE, World, dataset, desired, guarded, model

OTHER = "ba9876543210" + "0" * 20
D, M = dataset_address("digits"), model_address("digits")
TOKEN = new_token(LINEAGE, M, "0" * 32)
DECLARED = (D, M)


def labels(lineage: str = LINEAGE, address: Address = M, token: str = "") -> dict[str, str]:
    own = expected_labels(lineage, address, RecordedObject("x", {}), protected=False)
    return {**own, **({TOKEN_LABEL: token} if token else {})}


def a_model(own: dict[str, str], **fields: object) -> LiveModel:
    return replace(LiveModel("M9", "m", "D1", Problem.IMAGE_CLASSIFICATION, labels=own), **fields)


def a_training(own: dict[str, str], on: str | None = None, **fields: object) -> Operation:
    base = Operation("T9", OperationKind.CREATE_MODEL, done=False, labels=own, dataset_id=on)
    return replace(base, **fields)


def intent(token: str = TOKEN, id_: str | None = None) -> RecordedOperation:
    return RecordedOperation(Step.TRAIN, token, "2026-01-01T00:00:00Z", id_, dataset_id="D1")


def recorded(
    *operations: RecordedOperation, model_id: str = "M1"
) -> dict[Address, RecordedResource]:
    return {
        D: RecordedResource(D, current=RecordedObject("D1", {})),
        M: RecordedResource(
            M,
            current=RecordedObject(model_id, {}, dataset_id="D1", version=1),
            others=(RecordedObject("M0", {}, version=0, status=Status.FORMER),),
            operations=operations,
        ),
    }


def found(
    live: Live,
    resources: dict[Address, RecordedResource],
    lineage: str = LINEAGE,
    declared: Collection[Address] = DECLARED,
    own: frozenset[str] = frozenset(),
) -> tuple[Unrecorded, ...]:
    known = known_to(resources, live.operations.values()) | Known(own, own)
    return unrecorded(live, known, lineage, resources, declared, list_prices(AUTOML))


@pytest.mark.parametrize(
    ("own", "operations", "counts"),
    [
        (labels(), (), True),
        ({TOKEN_LABEL: TOKEN}, (), True),
        (labels(token=TOKEN), (), True),
        (labels(address=model_address("elsewhere")), (), True),
        ({}, (), False),
        ({"team": "vision"}, (), False),
        (labels(OTHER), (), False),
        # Another state adopted what this one had made.
        (labels(OTHER, token=TOKEN), (), False),
        ({ADDRESS: "not ours"}, (), False),
        # An open call of the state makes it.
        (labels(token=TOKEN), (intent(),), False),
        (labels(token=TOKEN), (intent(id_="T1"),), False),
        # A rebuilt state does not know the token of what it takes up.
        (labels(token=TOKEN), (intent(rebuilt_token("T1"), "T1"),), False),
        (labels(token=TOKEN), (intent(new_token(LINEAGE, M, "1" * 32)),), True),
    ],
)
def test_whose_a_model_is(
    own: dict[str, str], operations: tuple[RecordedOperation, ...], counts: bool
) -> None:
    live = Live({}, {"M9": a_model(own)})
    told = found(live, recorded(*operations))
    assert [each.id for each in told] == (["M9"] if counts else [])
    # What this run has begun is known by its token, whether it is recorded by now or not.
    assert found(live, recorded(*operations), own=frozenset({"M9"})) == ()
    if TOKEN_LABEL in own:
        assert found(live, recorded(*operations), own=frozenset({TOKEN})) == ()


def test_what_is_recorded_in_any_way_is_known() -> None:
    live = Live(
        {"D1": LiveDataset("D1", "d", None, labels=labels(address=D))},
        {i: a_model(labels(), id=i) for i in ("M0", "M1", "M2")},
        {"T1": a_training({}, id="T1", done=True, result_id="M2")},
    )
    assert found(live, recorded(intent(rebuilt_token("T1"), "T1"))) == ()


@pytest.mark.parametrize(
    ("training", "operations", "counts"),
    [
        (a_training(labels(token=TOKEN)), (), True),
        (a_training(labels(token=TOKEN)), (intent(),), False),
        (a_training(labels(token=TOKEN)), (intent(id_="T9"),), False),
        (a_training(labels(token=TOKEN), done=True), (), False),
        (a_training(labels(OTHER)), (), False),
        # Without labels: on a dataset of the state, and none of its open calls began it.
        (a_training({}, "D1"), (), True),
        (a_training({}, "D7"), (), False),
        (a_training({}), (), False),
        (a_training({}, "D1"), (intent(id_="T9"),), False),
        (a_training({}, "D1"), (intent(),), False),
        (a_training({}, "D1"), (intent(id_="T1"),), True),
        (a_training({}, "D1", done=True), (), False),
    ],
)
def test_whose_a_training_is(
    training: Operation, operations: tuple[RecordedOperation, ...], counts: bool
) -> None:
    told = found(Live({}, {}, trainings=(training,)), recorded(*operations))
    assert [each.id for each in told] == (["T9"] if counts else [])
    if counts:
        assert "operations wait T9" in told[0].text
        assert "operations cancel T9" in told[0].text


@pytest.mark.parametrize("own", [{}, {"team": "x"}, labels(OTHER)])
def test_where_trainings_bear_labels_one_without_ours_is_somebody_else_s(
    own: dict[str, str],
) -> None:
    """It holds nothing back, but the deletion of the dataset that it works on."""
    live = Live({}, {}, trainings=(a_training(own, "D1"),), labels_trainings=True)
    assert found(live, recorded()) == ()
    delete = Change(D, Action.DELETE, "", object_id="D1")
    (refusal,) = in_use((), live, recorded(), [delete])
    assert (refusal.rule, refusal.address) == (IN_USE, D)
    assert "operations wait T9" in refusal.text
    assert list(in_use((), live, recorded(intent(id_="T9")), [delete])) == []
    assert list(in_use((), live, recorded(), [replace(delete, object_id="D2")])) == []


def test_of_more_trainings_than_open_calls_each_may_be_the_strange_one() -> None:
    two = (a_training({}, "D1"), a_training({}, "D1", id="T8"))
    assert len(found(Live({}, {}, trainings=two), recorded(intent()))) == 2


def test_without_a_state_the_labels_of_declared_addresses_count() -> None:
    live = Live(
        {"D9": LiveDataset("D9", "d", None, labels=labels(OTHER, D))},
        {
            "M9": a_model(labels(OTHER)),
            "M8": a_model(labels(OTHER, model_address("theirs")), id="M8"),
        },
        trainings=(a_training(labels(OTHER)), a_training({}, "D9", id="T8")),
    )
    told = found(live, {}, lineage="")
    assert [each.id for each in told] == ["D9", "M9", "T9"]
    assert not any("automl-plan import" in each.text for each in told)
    assert found(live, {}, lineage="", declared=()) == ()
    assert found(live, {}) == ()  # a new state, of another lineage


def test_the_ways_out_are_those_that_go() -> None:
    deployed = a_model(labels(), deployed=True, node_count=2)
    (free,) = found(Live({}, {"M9": deployed}), {})
    assert "automl-plan import model.digits M9" in free.text
    assert "automl-plan models delete M9" in free.text
    assert "automl-plan state rm M9" in free.text
    assert free.monthly == 2007.5
    assert "$2,007.50 a month" in free.text
    (taken,) = found(Live({}, {"M9": deployed}), recorded())
    assert "at an unused address (`automl-plan import model.NAME M9`)" in taken.text
    lone = LiveDataset("D9", "d", None, labels=labels(address=D))
    (of_dataset,) = found(Live({"D9": lone}, {}), {})
    assert "delete" not in of_dataset.text


@pytest.mark.parametrize("action", list(Action))
def test_only_what_pays_is_refused(action: Action) -> None:
    told = found(Live({}, {"M9": a_model(labels())}), recorded())
    change = Change(model_address("unrelated"), action, "because")
    plan = guarded(Plan((change,)), told, LINEAGE)
    pays = {Action.CREATE, Action.IMPORT_DATA, Action.TRAIN, Action.RETRAIN, Action.DEPLOY}
    assert plan.unrecorded == told
    assert {each.rule for each in plan.refused} == ({UNRECORDED} if action in pays else set())
    assert bool(plan.refused) == (action in pays)
    adoption = Change(M, Action.IMPORT, "asked for", object_id="M9")
    adopted = guarded(Plan((adoption, change)), told, LINEAGE)
    assert (adopted.unrecorded, adopted.refused) == ((), ())


def test_what_waits_for_an_open_operation_is_not_refused_yet() -> None:
    told = found(Live({}, {"M9": a_model(labels())}), recorded())
    resume = Change(M, Action.RESUME, "", operation_id="T1")
    gate = Change(M, Action.GATE, "", needs=(resume.key,))
    deploy = Change(M, Action.DEPLOY, "", needs=(gate.key,))
    assert guarded(Plan((resume, gate, deploy)), told, LINEAGE).refused == ()
    assert guarded(Plan((resume, replace(deploy, needs=()))), told, LINEAGE).refused


def test_a_refusal_names_some_and_counts_the_rest() -> None:
    live = Live({}, {f"M{i}": a_model(labels(), id=f"M{i}") for i in range(10, 60)})
    told = found(live, recorded())
    plan = guarded(Plan((Change(M, Action.RETRAIN, ""),)), told, LINEAGE)
    assert len(plan.unrecorded) == 50
    assert len(plan.refused) == 12
    assert "40 more" in plan.refused[10].text
    assert [read_again(each.shown) for each in told] == [each.shown for each in told]


NAMES = ("a", "b", "c")


@given(
    budgets=st.lists(st.sampled_from((8000, 9000)), min_size=1, max_size=4),
    lost=st.sets(st.sampled_from([f(n) for n in NAMES for f in (dataset_address, model_address)])),
    versions=st.booleans(),
)
def test_exactly_what_a_state_has_lost_is_found(
    budgets: list[int], lost: set[Address], versions: bool
) -> None:
    world = World()
    for budget in budgets:
        wanted = desired(
            *(dataset(name) for name in NAMES),
            *(
                model(name, name, train_budget_milli_node_hours=budget, keep_versions=2)
                for name in NAMES
            ),
        )
        world.apply(wanted)
    declared = (*wanted.datasets, *wanted.models)
    assert found(world.live, world.resources, declared=declared) == ()
    kept = {
        address: replace(record, others=()) if versions else record
        for address, record in world.resources.items()
        if address not in lost
    }
    ids = {obj.id for record in world.resources.values() for obj in record.objects}
    ids -= {obj.id for record in kept.values() for obj in record.objects}
    told = found(world.live, kept, declared=declared)
    assert {each.id for each in told} == ids
