"""What ended is remembered, and makes expect how long the next takes."""

from __future__ import annotations

import json

from automl_plan.model.live import OperationKind
from automl_plan.model.recorded import Step
from automl_plan.planning.options import PlanOptions
from automl_plan.planning.plan import Action
from automl_plan.workspace.bound_plan import BoundPlan
from tests.project import DATASET, MODEL, Project
from tests.state.test_document import SCHEMA


def declare(project: Project, *names: str) -> None:
    model = {key: value for key, value in MODEL.items() if key != "deploy"}
    project.write({"digits": DATASET}, dict.fromkeys(names, model))


def forecast_of(planned: BoundPlan, key: str) -> tuple[int, bool] | None:
    """How many operations a forecast is made of, and whether it has an interval."""
    forecast = planned.forecasts[key]
    return None if forecast is None else (forecast.operations, forecast.low is not None)


def test_what_ends_well_is_remembered(project: Project) -> None:
    first = project.plan()
    assert set(first.forecasts) == {"dataset.digits import-data", "model.digits train"}
    assert set(first.forecasts.values()) == {None}
    project.apply()
    state = project.state()
    assert {step: len(kept) for step, kept in state.history.items()} == {
        Step.IMPORT_DATA: 1,
        Step.TRAIN: 1,
        Step.DEPLOY: 1,
    }
    (trained,) = state.history[Step.TRAIN].values()
    assert (trained.work.model_type, trained.work.budget, trained.work.examples) == (
        "cloud",
        8000,
        16,
    )
    # Vertex AI tells it of the training; AutoML v1 only of the model.
    assert (trained.cost_milli_node_hours is not None) == (project.api == "vertex")
    (imported,) = state.history[Step.IMPORT_DATA].values()
    assert imported.work.examples == 16
    SCHEMA.validate(json.loads((project.directory / "state.json").read_bytes()))


def test_what_is_remembered_makes_expect(project: Project) -> None:
    names = [f"m{i}" for i in range(9)]
    declare(project, *names)
    project.apply()
    declare(project, *names, "next")
    assert forecast_of(project.plan(), "model.next train") == (9, True)


def test_failures_are_not_remembered(project: Project) -> None:
    rows = "".join(f"TRAIN,images/cat-{i}.png,{'x' * 129}\n" for i in range(8))
    (project.directory / "d.csv").write_text(rows, encoding="utf-8")
    assert project.apply(PlanOptions(lint=False)).failed
    assert project.state().history == {}


def test_a_training_that_nobody_waited_for_took_what_the_service_says(project: Project) -> None:
    project.time_scale = 3600.0  # half a second and more
    project.write({"digits": DATASET}, {"digits": MODEL})
    for _ in range(20):
        if any(c.action is Action.TRAIN for c in project.apply(detach=True).running):
            break
    resumed = project.apply().done
    assert any(change.action is Action.RESUME for change in resumed)
    (trained,) = project.state().history[Step.TRAIN].values()
    with project.workspace() as workspace:
        operations = workspace.provider.operations()
        (training,) = (o for o in operations if o.kind is OperationKind.CREATE_MODEL)
    assert trained.ended == training.update_time
    assert trained.seconds >= 0.5


def test_the_history_outlives_a_run_that_is_cut_off(project: Project) -> None:
    project.apply()
    before = project.state().history
    entry = next(iter(before[Step.TRAIN].items()))
    store = project.workspace().store
    session = store.open()
    record = next(iter(session.state.resources.values()))
    key, ended = entry
    session.record(record, (f"{key}2", ended))
    after = store.read().history  # from the journal
    assert list(after[Step.TRAIN]) == [key, f"{key}2"]
    session.close()
    assert store.read().history == after
