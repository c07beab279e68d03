"""Calls that were cut off between the intent and the answer."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from msgspec.structs import replace

from automl_plan.errors import GateRejected, StateOutdated, UnsettledOperation, UsageError
from automl_plan.execution.poller import wait_for_operation
from automl_plan.model.address import ResourceKind, dataset_address, model_address
from automl_plan.model.live import TOKEN_LABEL
from automl_plan.model.ownership_labels import expected_labels, new_token, rebuilt_token
from automl_plan.model.recorded import RecordedObject, RecordedOperation, RecordedResource, Step
from automl_plan.model.transitions import with_operation
from automl_plan.planning.options import PlanMode, PlanOptions
from automl_plan.providers.google.credentials import NoCredentials
from automl_plan.providers.google.transport import HttpTransport
from automl_plan.providers.local import process
from automl_plan.providers.protocol import Provider
from automl_plan.recovery.interrupted_calls import settle_intents
from automl_plan.workspace.resolve import adopt, interrupted_call_of
from tests.project import DATASET, MODEL, Project

TOKEN = "0123456789abcdef0123456789abcdef"
DIGITS = dataset_address("digits")
MODEL_ADDRESS = model_address("digits")


def with_intent(
    project: Project, step: Step, *, sent: bool, minutes: float = 0.0, token: str = TOKEN
) -> str | None:
    """Leave the state as a run does that is killed after sending a call, or just before.

    Its machine's clock is fast by so many minutes. Returns the operation's id, which that run
    never got to know.
    """
    with project.workspace() as workspace:
        configuration, provider = workspace.configuration, workspace.provider
        desired = configuration.desired.datasets[DIGITS]
        model = configuration.desired.models[MODEL_ADDRESS]
        labels = {TOKEN_LABEL: token}
        moment = datetime.now(UTC) + timedelta(minutes=minutes)
        started = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        intent = RecordedOperation(step, token=token, started=started)
        current = workspace.store.read().resources.get(DIGITS)
        dataset_id = current.current.id if current and current.current else ""
        operation_id = None
        data = workspace.open_sources().read(desired.sources)
        match step:
            case Step.CREATE:
                address = DIGITS
                intent = replace(intent, attributes=desired.attributes())
                if sent:
                    operation_id = provider.create_dataset(desired, labels).id
            case Step.IMPORT_DATA:
                address = DIGITS
                intent = replace(
                    intent, object_id=dataset_id, attributes={"data": data.fingerprint}
                )
                if sent:
                    operation_id = provider.import_data(
                        desired, dataset_id, desired.sources, data
                    ).id
            case Step.DEPLOY:
                address = MODEL_ADDRESS
                (live,) = provider.models()
                intent = replace(
                    intent, object_id=live.id, attributes={"deploy": {"node_count": 1}}
                )
                if sent:
                    deploying = provider.deploy(live, 1, None, frozenset())
                    assert deploying is not None
                    operation_id = deploying.id
            case _:
                address = MODEL_ADDRESS
                attributes = model.attributes(replace(desired, data=data.fingerprint))
                attributes.pop("deploy", None)
                intent = replace(intent, attributes=attributes, dataset_id=dataset_id, version=1)
                made = RecordedObject("", attributes, version=1)
                lineage = workspace.store.read().lineage
                labels |= expected_labels(lineage, address, made, protected=False)
                if sent:
                    operation_id = provider.train(model, desired, dataset_id, labels).id
        with workspace.store.open() as session:
            session.bind(provider.identity)
            record = session.state.resources.get(address) or RecordedResource(address)
            session.record(with_operation(record, intent))
    return operation_id


def end(project: Project, operation_id: str | None) -> None:
    with project.workspace() as workspace:
        assert operation_id is not None
        wait_for_operation(workspace.provider, operation_id, timeout=30)


def counts(project: Project) -> tuple[int, int]:
    with project.workspace() as workspace:
        return len(workspace.provider.datasets()), len(workspace.provider.models())


@pytest.mark.parametrize("sent", [True, False])
@pytest.mark.parametrize("step", [Step.CREATE, Step.IMPORT_DATA, Step.TRAIN])
def test_what_was_cut_off_is_done_once(project: Project, step: Step, sent: bool) -> None:
    if step is not Step.CREATE:
        project.apply(PlanOptions(targets=frozenset({DIGITS})))
    operation_id = with_intent(project, step, sent=sent)
    if sent:
        end(project, operation_id)
    assert not project.apply().failed
    assert project.plan().empty
    assert counts(project) == (1, 1)


@pytest.mark.parametrize("sent", [True, False])
@pytest.mark.parametrize(
    ("step", "declared"),
    [(Step.CREATE, True), (Step.CREATE, False), (Step.IMPORT_DATA, True), (Step.TRAIN, False)],
)
def test_what_was_cut_off_and_is_not_wanted_any_more_goes(
    project: Project, step: Step, sent: bool, declared: bool
) -> None:
    if step is not Step.CREATE:
        project.apply(PlanOptions(targets=frozenset({DIGITS})))
    operation_id = with_intent(project, step, sent=sent)
    if sent:
        end(project, operation_id)
    if not declared:
        project.write({}, {})
    options = PlanOptions(mode=PlanMode.DESTROY) if declared else PlanOptions()
    assert not project.apply(options).failed
    assert counts(project) == (0, 0)
    assert not project.state().resources


@pytest.mark.parametrize("sent", [True, False])
def test_an_undeployment_that_was_cut_off_before_it_is_declared_again(
    project: Project, sent: bool
) -> None:
    """What serves is not taken down because a call to do so had no effect."""
    project.apply()
    with project.workspace() as workspace, workspace.store.open() as session:
        (live,) = workspace.provider.models()
        record = session.state.resources[MODEL_ADDRESS]
        started = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        intent = RecordedOperation(Step.UNDEPLOY, token=TOKEN, started=started, object_id=live.id)
        session.record(with_operation(record, intent))
        if sent:
            undeployed = workspace.provider.undeploy(live.id)
            assert undeployed is not None
            wait_for_operation(workspace.provider, undeployed.id, timeout=30)
    actions = [change.action for change in project.plan().plan.changes]
    assert actions == (["deploy"] if sent else [])
    assert not project.apply().failed
    assert project.plan().empty
    with project.workspace() as workspace:
        assert [model.deployed for model in workspace.provider.models()] == [True]


def with_open_operation(project: Project, step: Step) -> str | None:
    """Leave the state as a run does that is killed after it recorded the operation it started."""
    operation_id = with_intent(project, step, sent=True)
    with project.workspace() as workspace, workspace.store.open() as session:
        record = session.state.resources[MODEL_ADDRESS]
        (intent,) = record.operations
        session.record(replace(record, operations=(replace(intent, id=operation_id),)))
    return operation_id


@pytest.mark.parametrize("ended", [True, False])
@pytest.mark.parametrize("declared", [True, False])
def test_a_deployment_that_is_not_wanted_any_more(
    project: Project, ended: bool, declared: bool
) -> None:
    """What follows the endpoint is not sent, and what gets deployed is undeployed first."""
    undeployed = {key: value for key, value in MODEL.items() if key != "deploy"}
    project.write({"digits": DATASET}, {"digits": undeployed})
    project.apply()
    operation_id = with_open_operation(project, Step.DEPLOY)
    if ended:
        end(project, operation_id)
    project.write(*(({"digits": DATASET}, {"digits": MODEL}) if declared else ({}, {})))
    options = PlanOptions(mode=PlanMode.DESTROY) if declared else PlanOptions()
    assert not project.apply(options).failed
    assert counts(project) == (0, 0)
    assert not project.state().resources


def test_a_training_whose_result_expired_before_it_was_recorded(
    project: Project, tmp_path: Path
) -> None:
    """What has expired can't be deployed, and no plan tries to."""
    project.apply(PlanOptions(targets=frozenset({DIGITS})))
    end(project, with_open_operation(project, Step.TRAIN))
    advance = "/emulator/v1/clock:advance"
    url = status_url(tmp_path)
    HttpTransport(url, NoCredentials()).repeatable("POST", advance, {"seconds": 560 * 86400})
    actions = [c.action for c in project.plan().plan.changes if c.address == MODEL_ADDRESS]
    assert "deploy" not in actions
    assert not project.apply().failed
    assert project.plan().empty


@pytest.mark.parametrize("declared", [True, False])
def test_a_dataset_that_was_made_and_deleted_since(project: Project, declared: bool) -> None:
    """The run that had it made was killed before it recorded that."""
    operation_id = with_intent(project, Step.CREATE, sent=True)
    end(project, operation_id)
    with project.workspace() as workspace:
        (dataset,) = workspace.provider.datasets()
        with workspace.store.open() as session:
            record = session.state.resources[DIGITS]
            (intent,) = record.operations
            token = new_token(session.state.lineage, DIGITS, TOKEN)
            begun = replace(intent, id=operation_id, token=token)
            session.record(replace(record, operations=(begun,)))
        deleted = workspace.provider.delete(ResourceKind.DATASET, dataset.id)
        if deleted is not None:
            wait_for_operation(workspace.provider, deleted.id)
    if not declared:
        project.write({}, {})
    actions = [c.action for c in project.plan().plan.changes if c.address == DIGITS]
    assert actions == ["resume", "forget", *(["create", "import-data"] if declared else [])]
    assert not project.apply().failed
    assert project.plan().empty
    assert counts(project) == ((1, 1) if declared else (0, 0))


@pytest.mark.parametrize(
    ("step", "edit"),
    [
        (Step.CREATE, "labels"),
        (Step.CREATE, "type"),
        (Step.IMPORT_DATA, "labels"),
        (Step.IMPORT_DATA, "data"),
        (Step.IMPORT_DATA, "appended data"),
        (Step.TRAIN, "labels"),
        (Step.TRAIN, "data"),
        (Step.DEPLOY, "nodes"),
        (Step.DEPLOY, "no nodes"),
    ],
)
def test_one_that_was_never_received_before_an_edit(
    project: Project, step: Step, edit: str
) -> None:
    """Fields that can be patched change nothing of it; what takes its place is made instead."""
    if step is Step.DEPLOY:
        project.write(
            {"digits": DATASET}, {"digits": {k: v for k, v in MODEL.items() if k != "deploy"}}
        )
        project.apply()
    elif step is not Step.CREATE:
        project.apply(PlanOptions(targets=frozenset({DIGITS})))
    with_intent(project, step, sent=False)
    dataset, model = dict(DATASET), dict(MODEL)
    match edit:
        case "labels":
            dataset["labels"] = model["labels"] = {"team": "vision"}
        case "type":
            dataset["image_classification"] = {"classification_type": "MULTILABEL"}
        case "data" | "appended data":
            project.write_data("d.csv", {"cat": 9, "dog": 8})
            if edit == "appended data":
                dataset["on_source_change"] = "append"
        case "nodes":
            model["deploy"] = {"node_count": 2}
        case "no nodes":
            del model["deploy"]
    project.write({"digits": dataset}, {"digits": model})
    assert not project.apply().failed
    if (step, edit) == (Step.TRAIN, "data"):  # another is not planned before it is known
        assert not project.apply().failed
    assert project.plan().empty
    assert counts(project) == (1, 1)


@pytest.mark.parametrize("before", [True, False])
def test_one_that_was_never_received_is_sent_for_the_dataset_that_took_the_lost_one_s_place(
    project: Project, before: bool
) -> None:
    """Somebody deleted the dataset; one of the same data is made `before`, or by the same run."""
    only = PlanOptions(targets=frozenset({DIGITS}))
    project.apply(only)
    with_intent(project, Step.TRAIN, sent=False)
    with project.workspace() as workspace:
        (dataset,) = workspace.provider.datasets()
        deleted = workspace.provider.delete(ResourceKind.DATASET, dataset.id)
        if deleted is not None:
            wait_for_operation(workspace.provider, deleted.id)
    if before:
        project.apply(only)
    assert not project.apply().failed
    assert project.plan().empty
    assert counts(project) == (1, 1)


def test_a_finished_training_is_adopted_without_another(project: Project) -> None:
    project.apply(PlanOptions(targets=frozenset({DIGITS})))
    end(project, with_intent(project, Step.TRAIN, sent=True))
    assert [c.action for c in project.plan().plan.changes] == ["deploy"]


def test_a_gate_that_was_declared_since_decides_on_it(project: Project) -> None:
    project.apply(PlanOptions(targets=frozenset({DIGITS})))
    end(project, with_intent(project, Step.TRAIN, sent=True))
    project.write(
        {"digits": DATASET}, {"digits": {**MODEL, "require": {"au_prc": 1.0, "confidence": 0.99}}}
    )
    assert [c.action for c in project.plan().plan.changes] == ["gate", "deploy"]
    result = project.apply()
    assert [type(failure.error) for failure in result.failed] == [GateRejected]
    assert project.state().resources[MODEL_ADDRESS].current is None
    assert counts(project) == (1, 1)


def test_while_it_can_not_be_known_nothing_is_sent(tmp_path: Path, project: Project) -> None:
    slow = Project(tmp_path, 1800.0, project.api)  # an hour passes in two seconds
    slow.write({"digits": DATASET}, {"digits": MODEL})
    slow.apply(PlanOptions(targets=frozenset({DIGITS})))
    operation_id = with_intent(slow, Step.TRAIN, sent=True)
    assert [c.action for c in slow.plan().plan.changes] == ["resume", "deploy"]
    assert not slow.apply().failed
    told = [f"{event.operation_id} {event.message}" for event in slow.events]
    assert operation_id is not None
    assert any(operation_id in each for each in told)
    assert slow.plan().empty
    assert counts(slow) == (1, 1)


def test_a_detached_run_leaves_what_may_be_running(tmp_path: Path, project: Project) -> None:
    slow = Project(tmp_path, 1.0, project.api)
    slow.write({"digits": DATASET}, {"digits": MODEL})
    slow.apply(PlanOptions(targets=frozenset({DIGITS})))
    with_intent(slow, Step.TRAIN, sent=True)
    result = slow.apply(detach=True)
    assert [change.action for change in result.running] == ["resume"]
    assert [change.action for change in result.skipped] == ["deploy"]


def train_for_somebody(project: Project, name: str) -> None:
    with project.workspace() as workspace:
        (dataset,) = workspace.provider.datasets()
        model = workspace.configuration.desired.models[MODEL_ADDRESS]
        theirs = replace(model, display_name=name)
        on = workspace.configuration.desired.datasets[DIGITS]
        operation = workspace.provider.train(theirs, on, dataset.id, {"who": "somebody"})
        wait_for_operation(workspace.provider, operation.id, timeout=30)


def test_a_training_of_somebody_else_is_not_taken_for_ours(project: Project) -> None:
    project.apply(PlanOptions(targets=frozenset({DIGITS})))
    with_intent(project, Step.TRAIN, sent=False)
    train_for_somebody(project, "theirs")
    assert not project.apply().failed
    assert counts(project) == (1, 2)


def test_what_looks_like_ours_without_our_label_is_for_a_person_to_tell(project: Project) -> None:
    project.apply(PlanOptions(targets=frozenset({DIGITS})))
    with_intent(project, Step.TRAIN, sent=False)
    train_for_somebody(project, "digits")
    if project.api == "vertex":  # where each training bears its label, there is nothing to guess
        assert not project.apply().failed
        assert counts(project) == (1, 2)
        return
    with pytest.raises(UnsettledOperation) as caught:
        project.plan()
    assert "automl-plan resolve model.digits --adopt ICN" in (caught.value.hint or "")


def test_a_training_without_a_label_is_never_taken_for_one_that_was_not_received(
    project: Project,
) -> None:
    """A state that was made anew took it up; since then the service has forgotten it."""
    project.apply(PlanOptions(targets=frozenset({DIGITS})))
    token = rebuilt_token("trainingPipelines/123")
    with_intent(project, Step.TRAIN, sent=False, minutes=-60, token=token)
    with pytest.raises(UnsettledOperation, match="without the label that identifies its result"):
        project.plan()


def test_a_training_with_other_inputs_waits_until_it_is_known(project: Project) -> None:
    project.apply(PlanOptions(targets=frozenset({DIGITS})))
    with_intent(project, Step.TRAIN, sent=False)
    text = (project.directory / "automl-plan.yaml").read_text(encoding="utf-8")
    (project.directory / "automl-plan.yaml").write_text(text.replace("8000", "9000"))
    assert [c.action for c in project.plan().plan.changes] == ["resume"]
    assert not project.apply().failed
    assert project.events[-1].message == "(it was never received; plan again)"
    assert counts(project) == (1, 0)
    assert not project.apply().failed
    assert project.plan().empty
    assert counts(project) == (1, 1)


@pytest.mark.parametrize("minutes", [-10, 10])
@pytest.mark.parametrize("sent", [True, False])
def test_clocks_may_be_off(project: Project, minutes: int, sent: bool) -> None:
    project.apply(PlanOptions(targets=frozenset({DIGITS})))
    operation_id = with_intent(project, Step.TRAIN, sent=sent, minutes=minutes)
    if sent:
        end(project, operation_id)
    assert not project.apply().failed
    assert project.plan().empty
    assert counts(project) == (1, 1)


def test_a_training_of_somebody_else_on_the_same_data_at_the_same_time(tmp_path: Path) -> None:
    slow = Project(tmp_path, time_scale=1800.0)
    slow.write_data("d.csv", {"cat": 8, "dog": 8})
    slow.write({"digits": DATASET}, {"digits": MODEL})
    slow.apply(PlanOptions(targets=frozenset({DIGITS})))
    try:
        ours = with_intent(slow, Step.TRAIN, sent=True)
        with slow.workspace() as workspace:
            (dataset,) = workspace.provider.datasets()
            theirs = replace(
                workspace.configuration.desired.models[MODEL_ADDRESS], display_name="x"
            )
            on = workspace.configuration.desired.datasets[DIGITS]
            begun = workspace.provider.train(theirs, on, dataset.id, {})
        try:
            assert not slow.apply().failed
        except StateOutdated:  # theirs runs on: whose it is shows when it has ended
            end(slow, begun.id)
            assert not slow.apply().failed
        assert ours is not None
        assert counts(slow) == (1, 2)
        current = slow.state().resources[MODEL_ADDRESS].current
        with slow.workspace() as workspace:
            assert current is not None
            assert workspace.provider.model(current.id).labels[TOKEN_LABEL] == TOKEN
    finally:
        process.stop(tmp_path / ".automl-plan" / "emulator")


def test_nothing_open_costs_no_call(project: Project) -> None:
    project.apply()
    with project.workspace() as workspace:
        resources = workspace.store.read().resources
    nobody = cast("Provider", object())  # any call would be an error
    assert settle_intents(resources, nobody) == ({}, ())


@pytest.mark.parametrize("ended", [True, False])
def test_an_operation_that_the_service_forgot_is_found_by_what_it_made(
    tmp_path: Path, ended: bool
) -> None:
    slow = Project(tmp_path, time_scale=1800.0 if ended else 400.0)
    slow.write_data("d.csv", {"cat": 8, "dog": 8})
    slow.write({"digits": DATASET}, {"digits": MODEL})
    try:
        slow.apply(PlanOptions(targets=frozenset({DIGITS})))
        slow.apply(detach=True)
        (operation,) = slow.state().resources[MODEL_ADDRESS].operations
        if ended:
            end(slow, operation.id)
        path = f"/v1/projects/local/locations/us-central1/operations/{operation.id}"
        HttpTransport(status_url(tmp_path), NoCredentials()).repeatable("DELETE", path)
        result = slow.apply()
        if ended:
            assert not result.failed
            assert slow.plan().empty
        else:
            # It still runs, unseen; nothing is known of it, so nothing is sent.
            (failure,) = result.failed
            assert isinstance(failure.error, UnsettledOperation)
            assert counts(slow)[1] <= 1
            wait_until_trained(slow)
            assert not slow.apply().failed
        assert counts(slow) == (1, 1)
    finally:
        process.stop(tmp_path / ".automl-plan" / "emulator")


def forget(project: Project, training: str | None) -> str:
    """Delete the record of a training that has ended; the id of the model that it made."""
    end(project, training)
    url = f"{status_url(project.directory)}/vertex"
    path = f"/v1/projects/local/locations/us-central1/{training}"
    HttpTransport(url, NoCredentials()).repeatable("DELETE", path)
    with project.workspace() as workspace:
        (model,) = workspace.provider.models()
        assert (model.dataset_id, model.problem) == ("", None), "the record told them"
    return model.id


@pytest.mark.parametrize("api", ["vertex"], indirect=True)
def test_a_training_whose_record_was_deleted_is_found_by_its_model(project: Project) -> None:
    project.apply(PlanOptions(targets=frozenset({DIGITS})))
    forget(project, with_intent(project, Step.TRAIN, sent=True, minutes=-24 * 60))
    for refresh in (True, False):
        changes = project.plan(PlanOptions(refresh=refresh)).plan.changes
        assert [change.action for change in changes] == ["deploy"]
    assert not project.apply().failed
    assert project.plan().empty
    assert counts(project) == (1, 1)


@pytest.mark.parametrize("api", ["vertex"], indirect=True)
def test_a_recorded_training_whose_record_was_deleted(project: Project) -> None:
    project.apply(PlanOptions(targets=frozenset({DIGITS})))
    training = with_intent(project, Step.TRAIN, sent=True)
    with project.workspace() as workspace, workspace.store.open() as session:
        record = session.state.resources[MODEL_ADDRESS]
        session.record(with_operation(record, replace(record.operations[0], id=training)))
    forget(project, training)
    assert not project.apply().failed
    assert project.plan().empty
    assert counts(project) == (1, 1)


@pytest.mark.parametrize("api", ["vertex"], indirect=True)
def test_a_person_can_adopt_a_model_without_the_record_of_its_training(project: Project) -> None:
    project.apply(PlanOptions(targets=frozenset({DIGITS})))
    made = forget(project, with_intent(project, Step.TRAIN, sent=True))
    with project.workspace() as workspace:
        intent = interrupted_call_of(workspace, MODEL_ADDRESS)
        assert adopt(workspace, MODEL_ADDRESS, intent, made) == f"{made} is what it made."
    assert [change.action for change in project.plan().plan.changes] == ["deploy"]


def test_nobody_adopts_what_another_state_made(project: Project) -> None:
    project.apply()
    made = project.state().resources[MODEL_ADDRESS].current
    assert made is not None
    project.write({"digits": DATASET}, {"digits": MODEL}, state="other.json")
    intent = RecordedOperation(
        Step.TRAIN, TOKEN, "2026-01-01T00:00:00Z", dataset_id=made.dataset_id
    )
    with project.workspace() as workspace:
        with workspace.store.open() as session:
            session.record(RecordedResource(MODEL_ADDRESS, operations=(intent,)))
        with pytest.raises(UsageError, match="belongs to another state"):
            adopt(workspace, MODEL_ADDRESS, intent, made.id)


def status_url(directory: Path) -> str:
    running = process.status(directory / ".automl-plan" / "emulator")
    assert running is not None
    return running.url


def wait_until_trained(project: Project) -> None:
    deadline = time.monotonic() + 30
    while counts(project)[1] == 0 and time.monotonic() < deadline:
        time.sleep(0.1)
