"""What is under way when a plan is made, under the readings that are about that."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from automl_plan.emulator.billing import ChargeKind
from automl_plan.emulator.call_readings import LIST_ORDER
from automl_plan.model.address import dataset_address, model_address
from automl_plan.model.recorded import Status, Step
from automl_plan.planning.options import PlanMode, PlanOptions
from automl_plan.planning.plan import Action, Plan
from automl_plan.workspace.operations import list_operations
from tests.apis import APIS, endpoint_of
from tests.project import Project
from tests.still_service import StillService, still_service

DIGITS = model_address("digits")
ONLY_DATA = PlanOptions(targets=frozenset({dataset_address("digits")}))


class Client(Project):
    """A directory whose provider is one of the APIs of a service in this process."""

    def __init__(self, directory: Path, api: str, service: StillService) -> None:
        directory.mkdir()
        super().__init__(directory, 1.0, api)
        self.service = service

    def provider(self) -> dict[str, Any]:
        endpoint = endpoint_of(self.api, self.service.server.url)
        return {self.api: {"project": "shop", "endpoint": endpoint}}

    def declare(self, budget: int, **model: Any) -> None:
        """Declare a dataset and a model, without a gate."""
        inputs = {"image_classification": {"train_budget_milli_node_hours": budget}}
        kind = {"image_classification": {"classification_type": "MULTICLASS"}}
        self.write(
            {"digits": {**kind, "sources": ["gs://images/d.csv"]}},
            {"digits": {"dataset": "digits", **inputs, **model}},
        )

    def done(self, options: PlanOptions | None = None) -> list[Action]:
        """Apply, while the clock goes on once a cancellation was asked for; what was done."""
        counts, ended = self.service.server.counts, threading.Event()
        cancels = {"operations.cancel", "trainingPipelines.cancel"}

        def go_on() -> None:
            while not ended.wait(0.02) and not cancels & counts.by_method().keys():
                pass
            self.service.clock.hold(held=False)

        going = threading.Thread(target=go_on)
        going.start()
        try:
            result = self.apply(options)
        finally:
            ended.set()
            going.join()
        assert not result.failed
        return [change.action for change in result.done]

    def planned(self) -> Plan:
        return self.plan().plan

    @property
    def trained(self) -> int:
        return len(self.service.engine.charges(ChargeKind.TRAINING))


@contextmanager
def client_of(folder: Path, api: str, readings: Mapping[str, str]) -> Iterator[Client]:
    with still_service(folder, readings, datetime.now(UTC), listens=True) as service:
        (service.buckets / "images").mkdir()
        rows = []
        for number in range(24):
            (service.buckets / "images" / f"{number}.png").write_bytes(str(number).encode())
            use = ("TRAIN", "TRAIN", "VALIDATION", "TEST")[number % 4]
            rows.append(f"{use},gs://images/{number}.png,{('cat', 'dog')[number // 12]}\n")
        (service.buckets / "images" / "d.csv").write_text("".join(rows))
        try:
            yield Client(folder / "client", api, service)
        finally:
            service.clock.hold(held=False)


@pytest.mark.parametrize("api", APIS)
def test_what_a_late_cancellation_could_not_end_never_becomes_current(
    tmp_path: Path, api: str
) -> None:
    """The declared version serves on; what was made meanwhile is deleted, and billed."""
    with client_of(tmp_path, api, {"cancel": "too-late"}) as client:
        client.declare(8_000, deploy={"node_count": 1})
        client.apply()
        client.service.clock.hold(held=True)
        client.declare(12_000, deploy={"node_count": 1})
        assert [change.action for change in client.apply(detach=True).running] == [Action.RETRAIN]
        client.declare(8_000, deploy={"node_count": 1})
        assert client.done() == [Action.CANCEL]
        record = client.state().resources[DIGITS]
        assert record.current is not None
        assert record.current.version == 1
        assert [(each.version, each.status) for each in record.others] == [(2, Status.CANDIDATE)]
        assert client.done() == [Action.DELETE]
        assert client.planned().changes == ()
        assert client.trained == 2


@pytest.mark.parametrize("api", APIS)
def test_a_deployment_that_takes_its_time_is_followed(tmp_path: Path, api: str) -> None:
    """It is begun once, and is no drift."""
    with client_of(tmp_path, api, {"deployment-time": "hour"}) as client:
        client.declare(8_000)
        client.apply()
        client.service.clock.hold(held=True)
        client.declare(8_000, deploy={"node_count": 1})
        assert [change.action for change in client.apply(detach=True).running] == [Action.DEPLOY]
        plan = client.planned()
        assert plan.changes[0].action is Action.RESUME
        assert plan.drift == ()
        client.service.clock.hold(held=False)
        assert client.done() == [Action.RESUME]
        assert client.planned().changes == ()
        calls = client.service.server.counts.by_method()
        assert calls.get("models.deploy", 0) + calls.get("endpoints.deployModel", 0) == 1


def test_a_model_that_is_listed_while_it_trains_is_none_yet(tmp_path: Path) -> None:
    """Its label proves that the call arrived, not that there is a model."""
    with client_of(tmp_path, "automl", {"models-while-training": "listed"}) as client:
        client.declare(8_000)
        client.apply(ONLY_DATA)
        client.service.clock.hold(held=True)
        client.service.server.faults.add("models.create:drop-after:1")
        assert [change.action for change in client.apply(detach=True).running] == [Action.TRAIN]
        plan = client.planned()
        assert [change.action for change in plan.changes] == [Action.RESUME]
        assert plan.unrecorded == ()
        (operation,) = client.state().resources[DIGITS].operations
        assert operation.step is Step.TRAIN
        client.service.clock.hold(held=False)
        client.done()
        assert client.planned().changes == ()
        assert client.trained == 1


@pytest.mark.parametrize("api", APIS)
def test_operations_are_listed_newest_first(tmp_path: Path, api: str) -> None:
    """In whatever order the service lists them."""
    with client_of(tmp_path, api, {}) as client:
        client.declare(8_000)
        client.apply(ONLY_DATA)
        client.service.clock.advance(3600)
        client.apply()
        with client.workspace() as workspace:
            for order in LIST_ORDER.values:
                client.service.readings.change(LIST_ORDER, order)
                found = list_operations(
                    workspace.provider, {}, done=None, works_on=None, operation_id=None
                )
                times = [each.create_time or "" for each in found]
                assert len(set(times)) > 1
                assert times == sorted(times, reverse=True)


@pytest.mark.parametrize(("api", "deletion"), [("automl", "refused"), ("vertex", "cancels")])
def test_a_dataset_goes_after_the_training_on_it(tmp_path: Path, api: str, deletion: str) -> None:
    with client_of(tmp_path, api, {"delete-with-work-running": deletion}) as client:
        client.declare(8_000)
        client.apply(ONLY_DATA)
        client.service.clock.hold(held=True)
        assert [change.action for change in client.apply(detach=True).running] == [Action.TRAIN]
        assert client.done(PlanOptions(mode=PlanMode.DESTROY)) == [Action.CANCEL, Action.DELETE]
        assert client.state().resources == {}
        charge, *others = client.service.engine.charges(ChargeKind.TRAINING)
        assert (str(charge.outcome), others) == ("cancelled", [])
