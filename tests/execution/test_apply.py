"""Plans are carried out against the embedded service, over HTTP."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from msgspec.structs import replace

from automl_plan.errors import PlanFileInvalid, PlanStale, StateForeign
from automl_plan.execution.apply import apply
from automl_plan.execution.events import EventType
from automl_plan.model.address import dataset_address, model_address
from automl_plan.model.live import TOKEN_LABEL
from automl_plan.model.recorded import RecordedResource
from automl_plan.planning.options import PlanMode, PlanOptions
from automl_plan.workspace.make_plan import make_plan
from automl_plan.workspace.plan_file import planned_to_json, read_plan, sealed, write_plan
from tests.project import DATASET, MODEL, Project, as_kept


def actions(result: object) -> list[str]:
    return [f"{c.address} {c.action}" for c in result.done]  # type: ignore[attr-defined]  # ApplyResult or Plan


def test_apply_makes_what_is_declared_and_then_there_is_nothing_to_do(project: Project) -> None:
    result = project.apply()
    assert actions(result) == [
        "dataset.digits create",
        "dataset.digits import-data",
        "model.digits train",
        "model.digits deploy",
    ]
    assert not result.failed
    assert project.plan().empty
    with project.workspace() as workspace:
        (dataset,) = workspace.provider.datasets()
        (model,) = workspace.provider.models()
    assert dataset.example_count == 16
    assert model.deployed
    assert model.dataset_id == dataset.id
    state = project.state()
    recorded = state.resources[dataset_address("digits")].current
    assert recorded is not None
    assert (recorded.id, recorded.examples, recorded.labelled_examples) == (dataset.id, 16, 16)
    assert TOKEN_LABEL in dataset.labels
    assert not any(r.operations for r in state.resources.values())


def test_a_plan_made_in_the_midst_of_another_run_is_not_applied(project: Project) -> None:
    """That run's serial is the same from its first step to its end."""
    with project.workspace() as ours, project.workspace() as theirs:
        with theirs.open_state(command="apply") as session:
            session.bind(theirs.provider.identity)
            planned = make_plan(ours, PlanOptions())
            session.record(RecordedResource(model_address("digits"), versions=3))
        assert planned.serial == project.state().serial
        with pytest.raises(PlanStale, match="Another run changed the state"):
            apply(ours, planned, on_event=project.events.append)
        assert not ours.provider.datasets()
        apply(ours, make_plan(ours, PlanOptions()), on_event=project.events.append)
    assert project.plan().empty


def test_two_models_are_trained_at_the_same_time(project: Project) -> None:
    project.write({"digits": DATASET}, {"one": MODEL, "two": MODEL})
    project.apply()
    kinds = [(str(e.change.address), e.type) for e in project.events if e.change.action == "train"]
    started = [i for i, (_, kind) in enumerate(kinds) if kind is EventType.STARTED]
    done = [i for i, (_, kind) in enumerate(kinds) if kind is EventType.DONE]
    assert max(started) < min(done)


def test_the_old_model_serves_until_the_new_one_does(project: Project) -> None:
    project.apply()
    first = project.state().resources[model_address("digits")].current
    other = {
        **MODEL,
        "image_classification": {"train_budget_milli_node_hours": 9000},
        "lifecycle": {"keep_versions": 0},
    }
    project.write({"digits": DATASET}, {"digits": other})
    assert actions(project.apply()) == [
        "model.digits retrain",
        "model.digits deploy",
        "model.digits undeploy",
        "model.digits delete",
    ]
    with project.workspace() as workspace:
        (model,) = workspace.provider.models()
    assert first is not None
    assert model.id != first.id
    assert model.deployed
    assert project.plan().empty


def test_a_failed_change_holds_back_only_what_needs_it(project: Project) -> None:
    project.write_data("bad.csv", {"cat": 1})
    (project.directory / "bad.csv").write_text(
        "".join(f"TRAIN,images/cat-{i}.png,{'x' * 129}\n" for i in range(8)), encoding="utf-8"
    )
    bad = {**DATASET, "sources": ["bad.csv"]}
    project.write(
        {"digits": DATASET, "bad": bad}, {"digits": MODEL, "bad": {**MODEL, "dataset": "bad"}}
    )
    result = project.apply(PlanOptions(lint=False))
    assert [str(f.change.address) for f in result.failed] == ["dataset.bad"]
    assert {str(c.address) for c in result.skipped} == {"model.bad"}
    assert "model.digits deploy" in actions(result)
    again = project.plan()
    first = again.plan.changes[0]
    assert (str(first.address), first.action) == ("dataset.bad", "import-data")


def test_refresh_only_accepts_what_changed_outside(project: Project) -> None:
    project.apply()
    with project.workspace() as workspace:
        provider = workspace.provider
        (model,) = provider.models()
        provider.undeploy(model.id)
        provider.update(model_address("x").kind, model.id, {"labels": {"by": "hand"}})
    refresh = PlanOptions(mode=PlanMode.REFRESH_ONLY)
    planned = project.plan(refresh)
    assert not planned.empty
    project.apply(refresh)
    assert project.plan(refresh).empty
    assert [c.action for c in project.plan().plan.changes] == ["update", "deploy"]


def test_a_saved_plan_is_applied_as_it_was_read(project: Project, tmp_path: Path) -> None:
    planned = project.plan()
    path = tmp_path / "plan.json"
    write_plan(planned, path)
    assert path.stat().st_mode & 0o777 == 0o600
    read = read_plan(path)
    assert read == as_kept(planned)
    assert planned_to_json(read) == planned_to_json(planned)
    assert not project.apply_planned(read).failed
    assert project.plan().empty


def test_a_plan_file_of_the_former_format_is_shown_and_not_applied(
    project: Project, tmp_path: Path
) -> None:
    document = planned_to_json(project.plan())
    path = tmp_path / "plan.json"
    path.write_bytes(sealed({**document, "format_version": "1.2", "refused": ["It is protected."]}))
    assert [each.text for each in read_plan(path).plan.refused] == ["It is protected."]
    with pytest.raises(PlanFileInvalid, match="is not a plan of format"):
        read_plan(path, to_apply=True)
    path.write_bytes(path.read_bytes().replace(b"It is protected.", b"It is not."))
    with pytest.raises(PlanFileInvalid, match="its digest does not fit"):
        read_plan(path)


def test_a_plan_is_applied_once(project: Project) -> None:
    planned = project.plan()
    project.apply_planned(planned)
    with pytest.raises(PlanStale, match="changed after the plan was made"):
        project.apply_planned(planned)
    with project.workspace() as workspace:
        assert len(workspace.provider.models()) == 1


def test_a_plan_of_another_configuration_is_refused(project: Project) -> None:
    planned = project.plan()
    project.write({"digits": {**DATASET, "labels": {"a": "b"}}}, {"digits": MODEL})
    with pytest.raises(PlanStale, match="configuration"):
        project.apply_planned(planned)


def test_data_that_changes_after_the_plan_is_not_imported(project: Project) -> None:
    planned = project.plan()
    project.write_data("d.csv", {"cat": 9, "dog": 8})
    result = project.apply_planned(planned)
    assert "changed after the plan was made" in result.failed[0].error.message
    assert not project.state().resources[dataset_address("digits")].operations
    assert not project.apply().failed
    assert project.plan().empty


@pytest.mark.parametrize(
    "damage",
    [
        lambda d: d.pop("changes"),
        lambda d: d["changes"][0].update(action="explode"),
        lambda d: d["changes"][0].update(key="dataset.digits delete"),
        lambda d: d["changes"][0].update(object_id="../../etc"),
        lambda d: d.update(format_version="9.0"),
        lambda d: d.update(serial=-1),
        lambda d: d["models"].update({"model.x": {}}),
    ],
)
def test_a_damaged_plan_file_is_refused(project: Project, tmp_path: Path, damage: object) -> None:
    document = planned_to_json(project.plan())
    damage(document)  # type: ignore[operator]  # one of the functions above
    path = tmp_path / "plan.json"
    path.write_bytes(sealed(document))  # with a digest that fits: it is not what refuses it
    with pytest.raises(PlanFileInvalid) as caught:
        read_plan(path)
    assert "digest" not in str(caught.value)


def test_any_flipped_bit_is_refused(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    write_plan(project.plan(), path)
    data = path.read_bytes()
    chance = random.Random(1)
    for _ in range(300):
        at, bit = chance.randrange(len(data)), 1 << chance.randrange(8)
        path.write_bytes(data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :])
        with pytest.raises(PlanFileInvalid):
            read_plan(path)
    path.write_bytes(data + b" ")
    with pytest.raises(PlanFileInvalid, match="its digest does not fit"):
        read_plan(path)


def test_a_plan_of_another_version_or_other_prices_is_stale(project: Project) -> None:
    planned = project.plan()
    with pytest.raises(PlanStale, match="was made by automl-plan"):
        project.apply_planned(replace(planned, tool_version="0.0.9"))
    with pytest.raises(PlanStale, match="price book"):
        project.apply_planned(replace(planned, prices_digest="sha256:"))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"null", b"[" * 100_000])
def test_what_is_no_plan_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "plan.json"
    path.write_bytes(content)
    with pytest.raises(PlanFileInvalid):
        read_plan(path)


def test_a_state_belongs_to_one_provider(project: Project) -> None:
    project.apply()
    text = (project.directory / "state.json").read_text(encoding="utf-8")
    moved = text.replace(":projects", "-elsewhere:projects")
    (project.directory / "state.json").write_text(moved, encoding="utf-8")
    with pytest.raises(StateForeign):
        project.plan()


def test_detached_work_is_taken_up_later(tmp_path: Path, project: Project) -> None:
    slow = Project(tmp_path, time_scale=3600.0)  # an hour passes in a second
    slow.write({"digits": DATASET}, {"digits": MODEL})
    slow.apply(PlanOptions(targets=frozenset({dataset_address("digits")})))
    result = slow.apply(detach=True)
    assert [str(c.action) for c in result.running] == ["train"]
    assert [str(c.action) for c in result.skipped] == ["deploy"]
    planned = slow.plan()
    assert [c.action for c in planned.plan.changes] == ["resume", "deploy"]
    assert not slow.apply().failed
    assert slow.plan().empty
    with slow.workspace() as workspace:
        assert len(workspace.provider.models()) == 1
