"""an object can have only one address: what may be adopted, and what becomes of a pair of 0.1."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from automl_plan.errors import UsageError
from automl_plan.model.address import Address, dataset_address, model_address
from automl_plan.model.desired import Adoption, Desired, Removal, RemovalAction
from automl_plan.model.live import TOKEN_LABEL, Operation, OperationKind
from automl_plan.model.ownership import Claim, Owners
from automl_plan.model.ownership_labels import ADDRESS, new_token, rebuilt_token
from automl_plan.model.recorded import RecordedOperation, RecordedResource, Step
from automl_plan.planning.command_plans import plan_adoptions, plan_forgetting
from automl_plan.planning.options import PlanMode, PlanOptions
from automl_plan.planning.plan import Action, Change, NoteKind
from automl_plan.planning.refactoring import RefactoringImpossible
from automl_plan.planning.shared_objects import sharing_refusals
from tests.planning.test_refactoring import actions
from tests.planning.worlds import LINEAGE, World, dataset, desired, model

M, X, D = model_address("m"), model_address("x"), dataset_address("digits")
OTHER = "f" * 32


def begun(token: str, **fields: object) -> RecordedOperation:
    base = RecordedOperation(Step.TRAIN, token, "2026-01-01T00:00:00Z", id="OP1", version=1)
    return replace(base, dataset_id="D1", **fields)


@pytest.fixture
def world() -> World:
    """A dataset, and a model M9 on it that nobody records."""
    world = World()
    world.apply(desired(dataset(), model("m")))
    (made,) = world.models
    world.models["M9"] = replace(world.models.pop(made), id="M9", labels={}, deployed=False)
    del world.resources[M]
    return world


def both() -> Desired:
    return desired(dataset(), model("m"), model("x"))


def adopted(world: World) -> tuple[str, str]:
    """What `import` and `imports` say of adopting M9: the same."""
    adoption = Adoption(X, "M9")
    with pytest.raises(UsageError) as chosen_by_user:
        plan_adoptions((adoption,), both(), world.recorded, world.live, {})
    with pytest.raises(RefactoringImpossible) as declared:
        world.plan(replace(both(), adoptions=(adoption,)))
    (problem,) = declared.value.problems
    said = chosen_by_user.value.message.removesuffix(".")
    assert (said, chosen_by_user.value.hint) == (problem.message, problem.hint)
    return problem.message, problem.hint or ""


TOKEN = new_token(LINEAGE, M, "a" * 32)


@pytest.mark.parametrize("how", ["token", "made", "any of a rebuilt state", "labelled by this"])
def test_what_an_open_training_made_is_not_adopted(world: World, how: str) -> None:
    operation = begun(TOKEN)
    if how == "token":
        world.models["M9"] = replace(world.models["M9"], labels={TOKEN_LABEL: TOKEN})
    elif how == "made":
        world.operations["OP1"] = Operation("OP1", OperationKind.CREATE_MODEL, True, result_id="M9")
    else:
        operation = begun(rebuilt_token("OP1"))
        labels = {TOKEN_LABEL: TOKEN} if how == "labelled by this" else {}
        world.models["M9"] = replace(world.models["M9"], labels=labels)
    world.resources[M] = RecordedResource(M, operations=(operation,))
    said, hint = adopted(world)
    assert said == "M9 is being created by model.m"
    assert "automl-plan wait" in hint


def test_what_a_training_on_another_dataset_makes_is_no_claim(world: World) -> None:
    operation = replace(begun(rebuilt_token("OP1")), dataset_id="D8")
    world.resources[M] = RecordedResource(M, operations=(operation,))
    adoption = (Adoption(X, "M9"),)
    (change,) = plan_adoptions(adoption, both(), world.recorded, world.live, {}).changes
    assert change.action is Action.IMPORT


@pytest.mark.parametrize(
    "labels",
    [
        {ADDRESS: f"{OTHER[:12]}-{'0' * 12}-m"},
        {TOKEN_LABEL: new_token(OTHER, M, "a" * 32)},
        {ADDRESS: "cut o"},
        {TOKEN_LABEL: "-"},
    ],
)
def test_what_bears_the_labels_of_another_state_is_not_adopted(
    world: World, labels: dict[str, str]
) -> None:
    world.models["M9"] = replace(world.models["M9"], labels=labels)
    said, hint = adopted(world)
    assert said.startswith("M9 belongs to another state")
    for way in ("removed:", "state rm", "state rebuild", ADDRESS, TOKEN_LABEL):
        assert way in hint


def test_what_bears_labels_of_this_state_can_be_adopted(world: World) -> None:
    labels = {ADDRESS: f"{LINEAGE[:12]}-{'0' * 12}-m", TOKEN_LABEL: TOKEN}
    world.models["M9"] = replace(world.models["M9"], labels=labels)
    wanted = replace(desired(dataset(), model("x")), adoptions=(Adoption(X, "M9"),))
    assert "model.x import" in actions(world.apply(wanted))
    assert world.plan(wanted).empty
    no_state = Owners("", {}).of(world.models["M9"])
    assert no_state.claim is Claim.OTHER_STATE, "without a state nobody knows whose it is"


# -- a pair that version 0.1 recorded --------------------------------------------------------


def paired() -> World:
    """One model recorded as model.m and as model.x; its labels name model.x."""
    world = World()
    world.apply(desired(dataset(), model("x", display_name="m")))
    record = world.resources[X]
    world.resources[M] = replace(record, address=M)
    return world


def kept(*names: str) -> Desired:
    return desired(dataset(), *(model(name, display_name="m") for name in names))


@pytest.mark.parametrize("names", [("x",), ("m",), ("m", "x"), ()])
@pytest.mark.parametrize("destroy", [False, True])
def test_nothing_ends_an_object_of_two_addresses(names: tuple[str, ...], destroy: bool) -> None:
    world = paired()
    mode = PlanMode.DESTROY if destroy else PlanMode.NORMAL
    plan = world.plan(kept(*names), PlanOptions(mode=mode))
    told = [note.text for note in plan.notes if note.kind is NoteKind.SHARED]
    assert len(told) == 1
    assert "automl-plan state rm model." in told[0]
    ends = {Action.DELETE, Action.UNDEPLOY}
    assert not ends.intersection(c.action for c in plan.changes) or plan.refused


def test_the_way_out_leads_out() -> None:
    world = paired()
    (refusal,) = world.plan(kept("x")).refused
    assert (refusal.rule, refusal.address) == ("shared", M)
    assert "automl-plan state rm model.m" in refusal.text
    plan = plan_forgetting(M, world.recorded, world.live)
    assert not any(change.differences for change in plan.changes), "the labels are model.x's"
    world.carry_out(plan, kept("x"))
    assert world.plan(kept("x")).empty


def test_a_removal_leads_out_too() -> None:
    world = paired()
    wanted = replace(kept("x"), removals=(Removal(M, RemovalAction.FORGET),))
    world.apply(wanted)
    assert world.plan(wanted).empty
    assert list(world.resources) == [D, X]


def test_protection_lifted_for_one_address_does_not_delete_the_other() -> None:
    wanted = replace(kept("x"), removals=(Removal(M, RemovalAction.DELETE),))
    assert paired().plan(wanted).refused


def test_a_training_does_not_record_what_another_address_holds(world: World) -> None:
    """As version 0.1 let it be: M9 was imported as model.x while model.m waited for it."""
    world.apply(replace(desired(dataset(), model("x")), adoptions=(Adoption(X, "M9"),)))
    labels = {**world.models["M9"].labels, TOKEN_LABEL: TOKEN}
    world.models["M9"] = replace(world.models["M9"], labels=labels)
    inputs = {k: v for k, v in model("m").attributes(dataset()).items() if k != "deploy"}
    world.resources[M] = RecordedResource(M, operations=(begun(TOKEN, attributes=inputs),))
    refused = " ".join(r.text for r in world.plan(both()).refused)
    assert "model.m resume: M9 also belongs to model.x" in refused
    assert "automl-plan state rm model.x" in refused


def test_a_dataset_that_an_open_training_works_on_is_not_deleted(world: World) -> None:
    resources: dict[Address, RecordedResource] = {
        M: RecordedResource(M, operations=(begun(TOKEN),))
    }
    delete = Change(D, Action.DELETE, "", object_id="D1")
    (refusal,) = sharing_refusals([delete], resources, ())
    assert (refusal.rule, refusal.address) == ("in-use", D)
    assert "automl-plan wait" in refusal.text
    cancel = Change(M, Action.CANCEL, "", operation_id="OP1")
    assert not sharing_refusals([cancel, delete], resources, ())
