"""Trainings and imports that are known to fail are refused, with what to write and where."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from automl_plan.model.address import Address, dataset_address, model_address
from automl_plan.model.capabilities import Capabilities
from automl_plan.model.desired import Desired, OnSourceChange
from automl_plan.model.live import TOKEN_LABEL, Operation, OperationError, OperationKind
from automl_plan.model.model_types import Problem
from automl_plan.model.recorded import PartialImport, RecordedOperation, RecordedResource, Step
from automl_plan.model.source_data import DataCounts, LabelCounts, SourceChanges, SourceData
from automl_plan.model.transitions import with_operation
from automl_plan.planning.options import PlanOptions
from automl_plan.planning.plan import Action, NoteKind, Refusal
from automl_plan.planning.refusals import RefusalContext, data_notes, find_refusals
from automl_plan.providers.google.automl.capabilities import AUTOML
from tests.planning.worlds import World, dataset, desired, model

D, M = dataset_address("digits"), model_address("digits")
GOOGLE = AUTOML
REAL = replace(
    GOOGLE,
    problems=frozenset({Problem.IMAGE_CLASSIFICATION}),
    other_problems="write another",
    evaluates=True,
    labels_in_train=2,
    first_test=5,
)
"""A service that looks at the images."""
ENOUGH = (LabelCounts("cat", 8, 1, 1), LabelCounts("dog", 8, 1, 1))


def sources(
    data: str = "v1:aa",
    *,
    examples: int = 20,
    assigned: int = 20,
    labels: tuple[LabelCounts, ...] = ENOUGH,
    boxes: bool = False,
) -> SourceData:
    counts = DataCounts(labels, images=examples, boxes=boxes)
    return SourceData(data, examples, examples, assigned, counts)


def place(address: Address | None, field: str | None) -> str:
    return f"main.yaml:{7 if address == D else 12}"


def grounds(
    world: World,
    wanted: Desired,
    data: SourceData | None,
    *,
    compared: dict[str, SourceChanges] | None = None,
    capabilities: Capabilities = GOOGLE,
    options: PlanOptions | None = None,
) -> RefusalContext:
    return replace(
        world.grounds(wanted, options or PlanOptions()),
        sources={} if data is None else {D: data},
        place=place,
        compared={} if compared is None else {D: compared},
        capabilities=capabilities,
    )


def refused(world: World, wanted: Desired, data: SourceData | None, **kind: object) -> list[str]:
    return [each.rule for each in refusals(world, wanted, data, **kind)]


def refusals(
    world: World, wanted: Desired, data: SourceData | None, **kind: object
) -> tuple[Refusal, ...]:
    changes = world.plan(wanted).changes
    assert any(c.action in (Action.TRAIN, Action.RETRAIN, Action.IMPORT_DATA) for c in changes)
    return find_refusals(changes, grounds(world, wanted, data, **kind)).refused  # type: ignore[arg-type]


def held(examples: int | None = 20, count: int | None = 20, **attributes: object) -> World:
    """A world with a dataset that was imported, and no model."""
    world = World()
    world.apply(desired(dataset()))
    record = world.resources[D]
    assert record.current is not None
    current = replace(record.current, examples=examples, **attributes)
    world.resources[D] = replace(record, current=current)
    there = world.datasets[current.id]
    world.datasets[current.id] = replace(there, example_count=count)
    return world


WANTED = desired(dataset(), model())


# -- data -----------------------------------------------------------------------------------------


def test_a_new_dataset_without_sources_can_t_be_trained_on() -> None:
    wanted = desired(dataset(sources=(), data=None), model(), model("second"))
    (refusal,) = refusals(World(), wanted, None)
    assert (refusal.rule, refusal.address, refusal.field) == ("no-data", D, "sources")
    assert refusal.where == "main.yaml:7"
    assert "`sources: [data/digits.csv]` (main.yaml:7)." in refusal.text


@pytest.mark.parametrize(
    ("count", "token", "found"),
    [
        (0, False, ["no-data"]),
        (0, True, ["no-data"]),
        (5, False, []),
        (5, True, []),
        (None, False, []),
        (None, True, ["no-data"]),
    ],
)
def test_a_dataset_without_sources_is_trained_on_by_what_it_holds(
    count: int | None, token: bool, found: list[str]
) -> None:
    world = World()
    empty = dataset(sources=(), data=None)
    world.apply(desired(empty))
    ((object_id, there),) = world.datasets.items()
    labels = {**there.labels, **({TOKEN_LABEL: "0" * 32} if token else {})}
    world.datasets[object_id] = replace(there, example_count=count, labels=labels)
    assert refused(world, desired(empty, model()), None) == found


def test_sources_without_images_are_refused() -> None:
    assert refused(World(), WANTED, sources(examples=0, assigned=0, labels=())) == ["no-data"]


@pytest.mark.parametrize(
    ("labels", "capabilities", "found"),
    [
        (ENOUGH, REAL, []),
        ((), GOOGLE, ["no-data"]),
        ((LabelCounts("cat", 8, 1, 1),), GOOGLE, []),
        ((LabelCounts("cat", 8, 1, 1),), REAL, ["no-data"]),
        ((LabelCounts("cat", 8), LabelCounts("dog", 8)), GOOGLE, []),
        ((LabelCounts("cat", 8), LabelCounts("dog", 8)), REAL, ["no-data"]),
        ((LabelCounts("cat", 8), LabelCounts("dog", test=8)), REAL, ["no-data"]),
        ((LabelCounts("cat", unassigned=2), LabelCounts("dog", unassigned=2)), REAL, ["no-data"]),
        ((LabelCounts("cat", unassigned=3), LabelCounts("dog", unassigned=2)), REAL, []),
    ],
)
def test_data_that_nothing_can_be_trained_on(
    labels: tuple[LabelCounts, ...], capabilities: Capabilities, found: list[str]
) -> None:
    data = sources(labels=labels)
    assert refused(World(), WANTED, data, capabilities=capabilities) == found


@pytest.mark.parametrize(("assigned", "found"), [(0, ["no-data"]), (1, []), (20, [])])
def test_a_split_by_sets_needs_images_with_sets(assigned: int, found: list[str]) -> None:
    wanted = desired(dataset(), model(training_options={"split": "assigned"}))
    assert refused(World(), wanted, sources(assigned=assigned)) == found


def test_a_trainer_that_does_not_train_boxes() -> None:
    boxes = Problem.IMAGE_OBJECT_DETECTION
    wanted = desired(
        dataset(problem=boxes, classification_type=None),
        model(problem=boxes, model_type="cloud-high-accuracy-1"),
    )
    (refusal,) = refusals(World(), wanted, sources(boxes=True), capabilities=REAL)
    assert (refusal.rule, refusal.address, refusal.field) == ("trainer", M, str(boxes))
    assert "write another (main.yaml:12)." in refusal.text
    assert refused(World(), wanted, sources(boxes=True)) == []


# -- counts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("recorded", "live", "found", "notes"),
    [
        (20, 20, [], 0),
        (20, 19, ["data-missing"], 0),
        (20, 0, ["data-missing"], 0),
        (20, 21, [], 1),
        (20, None, [], 0),
    ],
)
def test_live_images_are_held_against_those_imported(
    recorded: int, live: int | None, found: list[str], notes: int
) -> None:
    world = held(recorded, live)
    assert refused(world, WANTED, sources(examples=recorded)) == found
    options = PlanOptions(allow_partial_import=True)
    assert refused(world, WANTED, sources(examples=recorded), options=options) == []
    assert refused(world, WANTED, sources(), options=PlanOptions(refresh=False)) == []
    said = data_notes(world.plan(WANTED).changes, grounds(world, WANTED, sources()))
    assert [note.kind for note in said] == [NoteKind.SOURCES] * notes
    assert world.apply(WANTED).changes  # and nothing is asked again once it is trained
    assert world.plan(WANTED).empty


def test_a_partial_import_is_imported_again_and_holds_trainings_back() -> None:
    world = held(partial=PartialImport(("d.csv line 3: no such image",)))
    changes = world.plan(WANTED).changes
    assert [c.action for c in changes][:2] == [Action.IMPORT_DATA, Action.TRAIN]
    assert "the service refused 1 row (the first: d.csv line 3: no such image)" in changes[0].reason
    assert refused(world, WANTED, sources(examples=25)) == []
    ignoring = dataset(lifecycle=replace(dataset().lifecycle, ignore_changes=("sources",)))
    wanted = desired(ignoring, model())
    assert refused(world, wanted, sources()) == ["data-missing"]
    options = PlanOptions(allow_partial_import=True)
    assert refused(world, wanted, sources(), options=options) == []


def test_a_partial_import_that_was_allowed_asks_for_nothing() -> None:
    world = held(partial=PartialImport(("d.csv line 3: no such image",), allowed=True))
    assert world.plan(desired(dataset())).empty
    assert refused(world, WANTED, sources(examples=25)) == []


@pytest.mark.parametrize("kind", list(OnSourceChange))
def test_changed_sources_after_a_partial_import_take_a_new_dataset(kind: OnSourceChange) -> None:
    world = held(partial=PartialImport(("d.csv line 3: no such image",)))
    wanted = desired(dataset(data="v1:bb", on_source_change=kind), model())
    assert [c.action for c in world.plan(wanted).changes][:2] == [
        Action.CREATE,
        Action.IMPORT_DATA,
    ]


# -- appended data --------------------------------------------------------------------------------

APPENDED = desired(dataset(data="v1:bb", on_source_change=OnSourceChange.APPEND), model())


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (SourceChanges(3, 0, 0), None),
        (SourceChanges(0, 2, 0, ("a.png", "b.png")), "2 images were removed from its sources"),
        (SourceChanges(0, 9, 0, ("a.png",)), "(a.png and 8 more)"),
        (SourceChanges(5, 0, 1, (), ("a.png: cat -> dog",)), "(a.png: cat -> dog)"),
    ],
)
def test_an_append_that_does_more_than_add_is_refused(
    found: SourceChanges, said: str | None
) -> None:
    world = held()
    for image_counts in (10, 30):  # rows are known: counts don't matter
        data = sources("v1:bb", examples=image_counts)
        told = refusals(world, APPENDED, data, compared={"v1:aa": found})
        assert [each.rule for each in told] == ([] if said is None else ["append-only"])
        assert all((said or "") in each.text for each in told)
        assert all("write on_source_change: replace" in each.text for each in told)
    replaced = desired(dataset(data="v1:bb"), model())
    assert refused(world, replaced, data, compared={"v1:aa": found}) == []


@pytest.mark.parametrize(
    ("before", "live", "now", "rules"),
    [
        (20, 20, 20, []),
        (20, 30, 25, []),  # somebody else added some
        (20, 20, 19, ["append-only"]),
        (None, 20, 20, []),
        (None, 20, 19, ["append-only"]),
        (None, None, 1, []),
    ],
)
def test_without_a_manifest_counts_are_compared_and_that_is_said(
    before: int | None, live: int | None, now: int, rules: list[str]
) -> None:
    world = held(before, live)
    data = sources("v1:bb", examples=now)
    assert refused(world, APPENDED, data) == rules
    (note,) = data_notes(world.plan(APPENDED).changes, grounds(world, APPENDED, data))
    assert note.kind is NoteKind.SOURCES
    assert f"now: {now}" in note.text


# -- operations that failed -----------------------------------------------------------------------

TRAINING = RecordedOperation(
    Step.TRAIN,
    "0" * 32,
    "2026-01-01T00:00:00Z",
    "ICN9",
    attributes=model().attributes(dataset()),
    dataset_id="D1",
)


@pytest.mark.parametrize("budget", [8000, 9000])
@pytest.mark.parametrize("code", [1, 13])
def test_after_a_training_that_failed_the_plan_has_the_new_one(budget: int, code: int) -> None:
    world = held()
    world.resources[M] = with_operation(RecordedResource(M), TRAINING)
    ended = Operation("ICN9", OperationKind.CREATE_MODEL, True, error=OperationError(code, "no"))
    wanted = desired(dataset(), model(train_budget_milli_node_hours=budget))
    world.operations["ICN9"] = ended
    plan = world.plan(wanted)
    assert [c.action for c in plan.changes] == [Action.RESUME, Action.TRAIN, Action.DEPLOY]
    assert plan.changes[0].key in plan.changes[1].needs
    world.operations["ICN9"] = replace(ended, done=False, error=None)
    first = Action.RESUME if budget == 8000 else Action.CANCEL
    assert world.plan(wanted).changes[0].action is first


def test_after_an_import_that_failed_the_plan_has_the_new_one() -> None:
    world = World()
    world.apply(desired(dataset(sources=(), data=None)))
    (object_id,) = world.datasets
    operation = RecordedOperation(
        Step.IMPORT_DATA, "0" * 32, "2026-01-01T00:00:00Z", "ICN9", object_id, {"data": "v1:aa"}
    )
    world.resources[D] = with_operation(world.resources[D], operation)
    ended = Operation("ICN9", OperationKind.IMPORT_DATA, True, error=OperationError(3, "no"))
    world.operations["ICN9"] = ended
    plan = world.plan(desired(dataset()))
    assert [c.action for c in plan.changes][:2] == [Action.RESUME, Action.IMPORT_DATA]
