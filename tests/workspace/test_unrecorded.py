"""An older, a lost or a second state is noticed before money is spent, and each way out works."""

from __future__ import annotations

import json
import shutil
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from automl_plan.errors import PlanRefused, StateOutdated, UsageError
from automl_plan.execution.apply import apply
from automl_plan.execution.direct_calls import (
    delete_model,
    labelled_object,
    remove_ownership_labels,
)
from automl_plan.execution.events import Event, EventType
from automl_plan.model.address import Address, ResourceKind
from automl_plan.model.desired import Adoption
from automl_plan.model.live import OperationKind
from automl_plan.model.ownership_labels import DATA, INPUTS, STATUS, VERSION
from automl_plan.planning.command_plans import plan_adoptions
from automl_plan.planning.options import PlanOptions
from automl_plan.planning.plan import Action, UnrecordedKind
from automl_plan.recovery.rebuild_state import rebuild_state
from automl_plan.state.replace import push, put_rebuilt
from automl_plan.workspace.bound_plan import BoundPlan
from automl_plan.workspace.make_plan import bind_command_plan, make_plan
from automl_plan.workspace.plan_inputs import gather_inputs
from automl_plan.workspace.workspace import Workspace
from tests.apis import endpoint_of, fault_of
from tests.conftest import RunningEmulator, StartEmulator

PAID = {Action.IMPORT_DATA, Action.TRAIN, Action.RETRAIN, Action.DEPLOY}
DAY = 24 * 3600
SLOW = 100.0
"""Time scale: a training takes half a minute, what takes seconds is done at once."""


class Checkout:
    """A configuration directory with a state of its own, in a project at a shared service."""

    def __init__(self, directory: Path, emulator: RunningEmulator, api: str, project: str) -> None:
        self.directory = directory
        self.emulator = emulator
        self.api = api
        self.project = project
        self.models: dict[str, Any] = {"m": {"budget": 8000}}
        self.imports: list[dict[str, str]] = []
        self.policy: dict[str, Any] = {}

    @property
    def state_path(self) -> Path:
        return self.directory / "state" / "default.json"

    def clone(self, name: str) -> Checkout:
        """A second checkout of the same commit, with the same state."""
        directory = self.directory.with_name(name)
        shutil.copytree(self.directory, directory)
        other = Checkout(directory, self.emulator, self.api, self.project)
        other.models = dict(self.models)
        return other

    def write(self) -> None:
        kind = {"classification_type": "MULTICLASS"}
        sources = [f"gs://{self.project}/d.csv"]
        models = {
            name: {
                "dataset": f"d{name}",
                "image_classification": {"train_budget_milli_node_hours": model["budget"]},
                "labels": {"note": model.get("note", "none")},
                **({"deploy": {"node_count": 1}} if model.get("deploy") else {}),
            }
            for name, model in self.models.items()
        }
        document = {
            "provider": {
                self.api: {
                    "project": self.project,
                    "endpoint": endpoint_of(self.api, self.emulator.url),
                }
            },
            "datasets": {
                f"d{name}": {"image_classification": kind, "sources": sources}
                for name in self.models
            },
            "models": models,
            **({"imports": self.imports} if self.imports else {}),
            **({"policy": self.policy} if self.policy else {}),
        }
        (self.directory / "c.automl.yaml").write_text(json.dumps(document), encoding="utf-8")

    def workspace(self) -> Workspace:
        self.write()
        return Workspace(self.directory, environ={})

    def plan(self) -> BoundPlan:
        with self.workspace() as workspace:
            return make_plan(workspace, PlanOptions())

    def apply(
        self,
        planned: BoundPlan | None = None,
        *,
        refresh: bool = True,
        failed: int = 0,
        parallelism: int = 10,
        on_event: Callable[[Event], None] = lambda _: None,
    ) -> None:
        """Carry out a plan, and leave what takes hours to the service."""
        with self.workspace() as workspace:
            planned = planned or make_plan(workspace, PlanOptions(refresh=refresh))
            result = apply(
                workspace, planned, on_event=on_event, detach=True, parallelism=parallelism
            )
        assert len(result.failed) == failed, result.failed

    def until_training(self) -> str:
        """Apply until a training runs; the id of its operation."""
        for _ in range(9):
            self.apply()
            with self.workspace() as workspace:
                running = workspace.provider.active_operations()
            ids = [o.id for o in running if o.kind is OperationKind.CREATE_MODEL]
            if ids:
                return ids[0]
        raise AssertionError("nothing trains")

    def settle(self) -> None:
        """Apply until nothing is left to do."""
        for _ in range(9):
            if self.plan().empty:
                return
            self.apply()
            self.pass_days(1)
        raise AssertionError("it does not come to an end")

    def pass_days(self, days: int) -> None:
        self.ask("clock:advance", {"seconds": days * DAY})

    def ask(self, path: str, body: object = None, method: str | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        url = f"{self.emulator.url}/emulator/v1/{path}"
        with urllib.request.urlopen(
            urllib.request.Request(url, data, method=method), timeout=30
        ) as answer:
            return json.loads(answer.read() or b"{}")

    def trainings(self) -> int:
        """How many trainings of this project the service began."""
        rows = self.ask("billing")["trainings"]
        return sum(row["project"] == self.project for row in rows)

    def lists(self) -> int:
        """How often all models were listed, of whichever project."""
        return int(self.ask("calls")["calls"].get("models.list", 0))

    def cancel(self, operation_id: str) -> None:
        with self.workspace() as workspace:
            workspace.provider.cancel(operation_id)

    def import_(self, address: str, object_id: str) -> None:
        """As the command does."""
        adoptions = (Adoption(Address.parse(address), object_id),)
        with self.workspace() as workspace:
            seen = gather_inputs(workspace)
            assert seen.live is not None
            plan = plan_adoptions(adoptions, seen.desired, seen.recorded, seen.live, seen.examples)
            planned = bind_command_plan(seen, plan)
            assert not apply(workspace, planned, on_event=lambda _: None).failed

    def delete(self, model_id: str) -> None:
        with self.workspace() as workspace:
            delete_model(workspace, workspace.provider.model(model_id), None)

    def disown(self, object_id: str) -> None:
        with self.workspace() as workspace:
            remove_ownership_labels(workspace, *labelled_object(workspace, object_id))

    def refused(self) -> str:
        """Why a plan that pays is refused; and that it is not carried out."""
        planned = self.plan()
        assert PAID & {change.action for change in planned.plan.changes}
        assert planned.plan.refused
        before = self.trainings()
        with self.workspace() as workspace, pytest.raises(PlanRefused) as caught:
            apply(workspace, planned, on_event=lambda _: None)
        assert self.trainings() == before
        return caught.value.message

    def unrecorded(self) -> list[tuple[UnrecordedKind, str]]:
        return [(each.kind, each.id) for each in self.plan().plan.unrecorded]


@pytest.fixture(scope="module")
def service(start_shared_emulator: StartEmulator) -> RunningEmulator:
    return start_shared_emulator(time_scale=SLOW)


@pytest.fixture
def checkout(
    tmp_path: Path, service: RunningEmulator, api: str, request: pytest.FixtureRequest
) -> Checkout:
    """A checkout in a project of its own, with a dataset that is imported and a trained model."""
    name = "".join(c if c.isalnum() else "-" for c in request.node.name.lower()).strip("-")[-40:]
    bucket = service.bucket_root / f"p{name}"
    bucket.mkdir()
    rows = []
    for i in range(12):
        (bucket / f"{i}.png").write_bytes(f"{name} {i}".encode())
        use = ("TRAIN", "TRAIN", "VALIDATION", "TEST")[i % 4]
        rows.append(f"{use},gs://{bucket.name}/{i}.png,{'ab'[i // 4 % 2]}\n")
    (bucket / "d.csv").write_text("".join(rows), encoding="utf-8")
    (tmp_path / "one").mkdir()
    found = Checkout(tmp_path / "one", service, api, bucket.name)
    found.settle()
    return found


def restored(checkout: Checkout, older: bytes) -> None:
    """Put an older state in the place of the present one."""
    for path in checkout.state_path.parent.iterdir():
        if path.is_file():
            path.unlink()
    checkout.state_path.write_bytes(older)


def test_while_a_training_runs_that_an_older_state_does_not_know(checkout: Checkout) -> None:
    older = checkout.state_path.read_bytes()
    checkout.models["m"]["budget"] = 9000
    training = checkout.until_training()
    newer = checkout.state_path.read_bytes()
    restored(checkout, older)
    said = checkout.refused()
    assert f"operations wait {training}" in said
    assert f"operations cancel {training}" in said
    assert "state push FILE" in said
    # Whatever the addresses are called, and what pays for nothing goes on.
    checkout.models["m"]["budget"] = 8000
    checkout.models["m"]["note"] = "free"
    checkout.apply()
    checkout.models["other"] = {"budget": 8000}
    assert training in checkout.refused()
    del checkout.models["other"]
    assert checkout.unrecorded() == [(UnrecordedKind.TRAINING, training)]
    # The newer state knows it.
    checkout.models["m"] = {"budget": 9000, "note": "free"}
    newer_path = checkout.directory / "newer.json"
    newer_path.write_bytes(newer)
    restored(checkout, older)
    push(checkout.state_path, newer_path)
    assert checkout.unrecorded() == []
    checkout.settle()
    assert checkout.trainings() == 2


def test_a_training_that_was_cancelled_blocks_nothing(checkout: Checkout) -> None:
    older = checkout.state_path.read_bytes()
    checkout.models["m"]["budget"] = 9000
    training = checkout.until_training()
    restored(checkout, older)
    checkout.cancel(training)
    assert checkout.unrecorded() == []
    checkout.settle()


def test_nor_does_one_that_failed(checkout: Checkout) -> None:
    older = checkout.state_path.read_bytes()
    checkout.models["m"]["budget"] = 9000
    checkout.ask("faults", {"fault": fault_of(checkout.api, "models.create:fail=INTERNAL")})
    try:
        checkout.apply(failed=1)
    finally:
        checkout.ask("faults", method="DELETE")
    restored(checkout, older)
    checkout.pass_days(2)
    assert checkout.unrecorded() == []
    checkout.settle()


def test_after_it_ended_each_way_out_goes_through(checkout: Checkout) -> None:
    older = checkout.state_path.read_bytes()
    checkout.models["m"] = {"budget": 9000, "deploy": True}
    checkout.models["n"] = {"budget": 8000}
    checkout.settle()
    restored(checkout, older)
    strays = {each.name: each for each in checkout.plan().plan.unrecorded}
    assert sorted(strays) == ["dataset.dn", "model.m", "model.n"]
    assert (strays["model.m"].monthly, strays["model.n"].monthly) == (1003.75, 0.0)
    said = checkout.refused()
    assert f"automl-plan models delete {strays['model.m'].id}" in said
    assert f"automl-plan import model.n {strays['model.n'].id}" in said
    # Adopted one at a time, by the command.
    checkout.import_("dataset.dn", strays["dataset.dn"].id)
    assert strays["dataset.dn"].id not in checkout.refused()
    checkout.import_("model.n", strays["model.n"].id)
    assert strays["model.n"].id not in checkout.refused()
    # The last one: its labels are taken off.
    checkout.disown(strays["model.m"].id)
    assert checkout.unrecorded() == []
    with pytest.raises(UsageError, match="ownership labels"):
        checkout.disown(strays["model.m"].id)
    with pytest.raises(UsageError, match=r"is recorded as model\.n"):
        checkout.disown(strays["model.n"].id)


def test_imports_are_carried_out_before_what_is_paid_for(checkout: Checkout) -> None:
    older = checkout.state_path.read_bytes()
    checkout.models["n"] = {"budget": 8000}
    checkout.settle()
    restored(checkout, older)
    ids = {each.name: each.id for each in checkout.plan().plan.unrecorded}
    trained = checkout.trainings()
    checkout.models["other"] = {"budget": 8000}
    checkout.imports = [{"to": "model.n", "id": ids["model.n"]}]
    assert ids["dataset.dn"] in checkout.refused()
    checkout.imports += [{"to": "dataset.dn", "id": ids["dataset.dn"]}]
    changes = checkout.plan().plan.changes
    adopted = {change.key for change in changes if change.action is Action.IMPORT}
    assert len(adopted) == 2
    paid = [change for change in changes if change.action in PAID]
    assert paid
    assert all(adopted <= set(change.needs) for change in paid)
    checkout.settle()
    assert checkout.trainings() == trained + 1


def test_deleting_it_or_rebuilding_the_state(checkout: Checkout) -> None:
    older = checkout.state_path.read_bytes()
    checkout.models["m"]["budget"] = 9000
    checkout.settle()
    restored(checkout, older)
    ((_, model_id),) = checkout.unrecorded()
    rebuilt_from = checkout.clone("rebuilt")
    rebuilt_from.state_path.unlink()
    with rebuilt_from.workspace() as workspace:
        seen = gather_inputs(workspace)
        put_rebuilt(rebuilt_from.state_path, rebuild_state(seen.desired, workspace.provider).state)
    assert rebuilt_from.plan().plan.unrecorded == ()
    assert not PAID & {change.action for change in rebuilt_from.plan().plan.changes}
    checkout.delete(model_id)
    assert checkout.unrecorded() == []
    checkout.settle()


@pytest.mark.parametrize(
    "gone", [(INPUTS,), (DATA,), (VERSION,), (STATUS,), (INPUTS, DATA)], ids="+".join
)
def test_a_rebuilt_state_pays_for_nothing_because_a_label_is_gone(
    checkout: Checkout, gone: tuple[str, ...]
) -> None:
    checkout.settle()
    with checkout.workspace() as workspace:
        (model,) = workspace.provider.models()
        workspace.provider.update(ResourceKind.MODEL, model.id, {}, dict.fromkeys(gone))
    shutil.rmtree(checkout.state_path.parent)
    with checkout.workspace() as workspace:
        seen = gather_inputs(workspace)
        put_rebuilt(checkout.state_path, rebuild_state(seen.desired, workspace.provider).state)
    assert not PAID & {change.action for change in checkout.plan().plan.changes}


def test_what_is_not_recorded_is_judged_by_the_address_in_its_labels(checkout: Checkout) -> None:
    older = checkout.state_path.read_bytes()
    checkout.models["m"]["budget"] = 9000
    checkout.settle()
    restored(checkout, older)
    ((_, model_id),) = checkout.unrecorded()
    checkout.policy = {"deny": {"model.m": ["delete"]}}
    with pytest.raises(PlanRefused, match="policy deny"):
        checkout.delete(model_id)
    checkout.policy = {}
    checkout.delete(model_id)
    assert checkout.unrecorded() == []


def test_what_an_open_operation_made_is_not_deleted(checkout: Checkout) -> None:
    checkout.models["m"]["budget"] = 9000
    with checkout.workspace() as workspace:
        before = {model.id for model in workspace.provider.models()}
    checkout.until_training()
    checkout.pass_days(2)
    with checkout.workspace() as workspace:
        (made,) = {model.id for model in workspace.provider.models()} - before
    with pytest.raises(UsageError, match=r"An open operation of model\.m is creating"):
        checkout.delete(made)
    checkout.settle()
    assert checkout.trainings() == 2


def test_two_clones_one_after_the_other(checkout: Checkout) -> None:
    other = checkout.clone("two")
    for each in (checkout, other):
        each.models["m"]["budget"] = 9000
    training = checkout.until_training()
    assert training in other.refused()
    checkout.settle()
    assert "models delete" in other.refused()


def test_a_plan_that_is_older_than_what_another_clone_began(checkout: Checkout) -> None:
    other = checkout.clone("two")
    for each in (checkout, other):
        each.models["m"]["budget"] = 9000
    planned = checkout.plan()
    training = other.until_training()
    for plan in (planned, None):  # the second without a look at what lives
        before = checkout.state_path.read_bytes()
        with pytest.raises(StateOutdated, match=training):
            checkout.apply(plan, refresh=False)
        with checkout.workspace() as workspace:
            state = workspace.store.read()
        assert not any(record.operations for record in state.resources.values())
        assert (
            json.loads(before)["resources"]
            == json.loads(checkout.state_path.read_bytes())["resources"]
        )
    assert checkout.trainings() == 2


def test_two_clones_at_the_same_time(checkout: Checkout) -> None:
    other = checkout.clone("two")
    for each in (checkout, other):
        each.models["m"]["budget"] = 9000
        each.models["n"] = {"budget": 8000}
    begun: list[int] = []

    def meanwhile(event: Event) -> None:
        """After the run has begun, and before it pays, the other clone trains."""
        if event.type is EventType.STARTED and event.change.action is Action.CREATE:
            other.until_training()
            begun.append(checkout.trainings())

    with pytest.raises(StateOutdated):
        checkout.apply(on_event=meanwhile)
    assert begun == [checkout.trainings()]


def test_what_the_run_itself_has_begun_is_no_stranger(checkout: Checkout) -> None:
    """Answers that take longer than a look holds: what is listed is not recorded by then."""
    for name in "abcdef":
        checkout.models[name] = {"budget": 8000}
    for method in ("datasets.importData", "models.create"):
        fault = fault_of(checkout.api, f"{method}:delay-after={1.3}")
        checkout.ask("faults", {"fault": fault})
    try:
        for _ in range(3):
            checkout.apply(parallelism=3)
            checkout.pass_days(1)
    finally:
        checkout.ask("faults", method="DELETE")
    assert checkout.unrecorded() == []
    assert checkout.trainings() == 7


def test_one_look_serves_many_calls(checkout: Checkout) -> None:
    for number in range(8):
        checkout.models[f"x{number}"] = {"budget": 8000}
    planned = checkout.plan()
    before = checkout.lists()
    checkout.apply(planned)
    paid = sum(change.action in PAID for change in planned.plan.changes)
    assert paid >= 16
    # Of each collection far less than one for each call that is paid for.
    assert checkout.lists() - before <= 4


def test_a_journal_that_was_cut(checkout: Checkout) -> None:
    """What a crash of the machine leaves, where the disk had not taken the last steps."""
    older = checkout.state_path.read_bytes()
    checkout.models["m"]["budget"] = 9000
    journal = checkout.state_path.with_name("default.json.journal")
    taken: list[bytes] = []
    begun = Action.RETRAIN, EventType.WAITING

    def keep(event: Event) -> None:
        if (event.change.action, event.type) == begun and not taken:
            taken.append(journal.read_bytes())

    checkout.apply(on_event=keep)
    restored(checkout, older)
    lines = taken[0].splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[: len(lines) // 2]))
    before = checkout.trainings()
    assert [kind for kind, _ in checkout.unrecorded()] == [UnrecordedKind.TRAINING]
    checkout.refused()
    assert checkout.trainings() == before


def test_without_a_state(checkout: Checkout) -> None:
    checkout.state_path.parent.rename(checkout.directory / "lost")
    assert "There is no state" in checkout.refused()
    ((kind, dataset_id), (_, model_id)) = checkout.unrecorded()
    assert kind is UnrecordedKind.DATASET
    checkout.disown(model_id)
    assert not checkout.state_path.exists()
    assert "There is no state" in checkout.refused()
    checkout.disown(dataset_id)
    assert checkout.unrecorded() == []
