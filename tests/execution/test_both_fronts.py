"""The same steps at both APIs leave the same world: what lives, serves, is billed, is recorded.

What may differ, and why, stands in `final_world.py`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from automl_plan.execution.events import ApplyResult
from automl_plan.execution.poller import wait_for_operation
from automl_plan.model.address import dataset_address, model_address
from automl_plan.model.ownership_labels import new_token
from automl_plan.model.recorded import DecisionKind, RecordedOperation, Status, Step
from automl_plan.model.timestamps import utc_now
from automl_plan.model.transitions import with_operation
from automl_plan.planning.options import PlanMode, PlanOptions
from tests.apis import fault_of
from tests.conftest import StartEmulator
from tests.execution.final_world import endpoints, same_world
from tests.execution.fronts import Front, Fronts

MULTICLASS = {"image_classification": {"classification_type": "MULTICLASS"}}
DIGITS = model_address("digits")
IMPOSSIBLE = {"au_prc": 1.0, "confidence": 0.95}
"""For the simulated trainer, which makes some mistakes on as many images."""


class Declared:
    """A configuration that grows: two datasets, a deployed model of each, and one more model."""

    def __init__(self, fronts: Fronts) -> None:
        self._fronts = fronts
        self._images = {"cat": 32, "dog": 28, "eel": 24}
        source = fronts.write_data("digits.csv", self._images)
        self.datasets: dict[str, Any] = {
            "digits": {**MULTICLASS, "sources": [source], "labels": {"team": "vision"}},
            "Boxes_of_2": {
                "image_object_detection": {},
                "sources": [fronts.write_boxes("boxes.csv", {"cat": 16, "dog": 12})],
                "description": "where they are",
            },
        }
        deployed = {"deploy": {"node_count": 1}}
        self.models: dict[str, Any] = {
            "digits": {"dataset": "digits", **classifying(8000), **deployed},
            "mobile": {
                "dataset": "digits",
                "image_classification": {
                    "model_type": "mobile-versatile-1",
                    "train_budget_milli_node_hours": 3000,
                },
                "display_name": "For_phones",
                "labels": {"where": "phone"},
            },
            "boxes": {
                "dataset": "Boxes_of_2",
                "image_object_detection": {"train_budget_milli_node_hours": 20000},
                **deployed,
            },
        }

    def more_images(self) -> None:
        """Some more in the same CSV."""
        self._images["cat"] += 9
        self._fronts.write_data("digits.csv", self._images)

    def apply(self, *, fails: int = 0, empty: bool = True) -> str:
        """Apply at both; the world of both then."""
        self._fronts.write(self.datasets, self.models)
        results = self._fronts.both(Front.apply)
        assert told(results[0]) == told(results[1])
        assert [len(result.failed) for result in results] == [fails, fails]
        if empty:
            assert [front.plan().empty for front in self._fronts.each] == [True, True]
        return same_world(self._fronts)

    def choose(self, version: int, kind: DecisionKind) -> str:
        """Let a person choose a version, at both."""
        results = self._fronts.both(lambda front: front.promote("digits", version, kind))
        assert told(results[0]) == told(results[1])
        assert [front.plan().empty for front in self._fronts.each] == [True, True]
        return same_world(self._fronts)

    def statuses(self) -> dict[int | None, Status | None]:
        """Of the versions of the digits, at both."""
        records = [front.state().resources[DIGITS] for front in self._fronts.each]
        first, second = ({o.version: o.status for o in record.objects} for record in records)
        assert first == second
        return first


def classifying(budget: int) -> dict[str, Any]:
    return {"image_classification": {"train_budget_milli_node_hours": budget}}


def told(result: ApplyResult) -> dict[str, list[str]]:
    """What was done, and what was not, in no order: what is independent ends in any."""
    changes = {
        "done": result.done,
        "failed": [failure.change for failure in result.failed],
        "skipped": result.skipped,
    }
    return {end: sorted(f"{c.address} {c.action}" for c in some) for end, some in changes.items()}


def test_the_life_of_a_configuration(fronts: Fronts) -> None:
    declared = Declared(fronts)
    worlds = [declared.apply()]

    # Labels, names and descriptions are changed in place; on the object of a declared model too.
    declared.datasets["digits"]["labels"] = {"team": "research", "env": "test"}
    declared.datasets["Boxes_of_2"]["description"] = "where they are now"
    declared.models["mobile"]["labels"] = {}
    declared.models["boxes"]["display_name"] = "Where_they_are"
    worlds.append(declared.apply())

    # A gate that turns the new version down; a person takes it all the same, and goes back.
    digits = declared.models["digits"]
    digits |= classifying(9000) | {"require": IMPOSSIBLE, "lifecycle": {"keep_versions": 2}}
    worlds.append(declared.apply(fails=1))
    assert declared.statuses() == {1: None, 2: Status.REJECTED}
    worlds.append(declared.choose(2, DecisionKind.PROMOTED))
    assert declared.statuses() == {1: Status.FORMER, 2: None}
    worlds.append(declared.choose(1, DecisionKind.ROLLED_BACK))
    assert declared.statuses() == {1: None, 2: Status.WITHDRAWN}

    # A gate that lets the next one through.
    digits |= classifying(10000) | {"require": {"au_prc": 0.1, "labels": {"cat": {"au_prc": 0.1}}}}
    worlds.append(declared.apply())
    assert declared.statuses() == {1: Status.FORMER, 2: Status.WITHDRAWN, 3: None}

    # More data for the same dataset; then other nodes, more and fewer.
    declared.datasets["digits"]["on_source_change"] = "append"
    declared.more_images()
    worlds.append(declared.apply())
    digits["deploy"] = {"node_count": 3}
    worlds.append(declared.apply())
    digits["deploy"] = {"node_count": 2}
    worlds.append(declared.apply())

    # Other data: a new dataset takes the former one's place.
    declared.datasets["digits"]["on_source_change"] = "replace"
    declared.datasets["digits"]["sources"] = [fronts.write_data("few.csv", {"cat": 24, "dog": 20})]
    worlds.append(declared.apply())

    # Undeployed by its declaration; deleted by its absence; destroyed.
    del declared.models["boxes"]["deploy"]
    worlds.append(declared.apply())
    del declared.models["mobile"]
    worlds.append(declared.apply())
    del declared.models["boxes"], declared.datasets["Boxes_of_2"]
    worlds.append(declared.apply())
    destroyed = fronts.both(lambda front: front.apply(PlanOptions(mode=PlanMode.DESTROY)))
    assert not any(result.failed for result in destroyed)
    worlds.append(same_world(fronts))
    assert len({*worlds}) == len(worlds), "each step changed the world"
    last = json.loads(worlds[-1])
    assert (last["datasets"], last["models"], last["serving"]) == ([], [], {})
    assert all(not running for _, _, running, _ in last["bill"]["deployments (node days)"])
    assert endpoints(fronts.each[1]) == []


@pytest.mark.parametrize(
    "fault",
    [
        *("datasets.create:drop-after:1", "datasets.importData:503-after:1"),
        *("models.create:drop-before:1", "models.create:drop-after:1", "models.create:500-after:1"),
        *("models.deploy:drop-after:1", "models.deploy:fail=INTERNAL:1"),
    ],
)
def test_a_call_that_goes_wrong(fronts: Fronts, fault: str) -> None:
    """Answers that are lost, and what is done about it, leave no trace that differs."""
    declared = only_digits(fronts)
    fronts.write(declared.datasets, declared.models)

    def apply(front: Front) -> ApplyResult:
        fronts.ask("faults", {"fault": fault_of(front.api, fault)})
        result = front.apply()
        fronts.ask("faults", method="DELETE")
        return result

    results = fronts.both(apply)
    assert told(results[0]) == told(results[1])
    same_world(fronts)
    whole = json.loads(declared.apply())
    assert [row[2] for row in whole["bill"]["trainings"]] == ["trained"]


def test_what_a_failed_deployment_left_goes_with_the_model(fronts: Fronts) -> None:
    declared = only_digits(fronts)
    faults = [
        {"fault": fault_of(front.api, "models.deploy:fail=INTERNAL")} for front in fronts.each
    ]
    for fault in faults:
        fronts.ask("faults", fault)
    declared.apply(fails=1, empty=False)
    fronts.ask("faults", method="DELETE")
    del declared.models["digits"]["deploy"]
    declared.apply()
    assert len(endpoints(fronts.each[1])) == 1
    declared.models["digits"] |= classifying(9000) | {"lifecycle": {"keep_versions": 0}}
    declared.apply()
    assert len(endpoints(fronts.each[1])) == 1, "the new version may be deployed there"
    del declared.models["digits"]
    declared.apply()
    assert endpoints(fronts.each[1]) == []


def test_a_training_that_nobody_waits_for(tmp_path: Path, start_emulator: StartEmulator) -> None:
    """It is recorded alike while it runs, and when it ended without anybody looking."""
    fronts = Fronts(tmp_path, start_emulator, time_scale=1.0)  # an hour is one, but for the clock
    declared = Declared(fronts)
    del declared.models["boxes"], declared.datasets["Boxes_of_2"]
    fronts.write(declared.datasets, declared.models)
    only_data = PlanOptions(targets=frozenset({dataset_address("digits")}))
    fronts.both(lambda front: front.apply(only_data))
    left = fronts.both(lambda front: front.apply(detach=True))
    assert [len(result.running) for result in left] == [2, 2]
    recorded = json.loads(same_world(fronts))["recorded"]["resources"]
    assert [len(recorded[f"model.{name}"]["operations"]) for name in ("digits", "mobile")] == [1, 1]
    plans = [front.plan().plan.changes for front in fronts.each]
    first, second = ([f"{c.address} {c.action}" for c in changes] for changes in plans)
    assert first == second
    declared.apply()


@pytest.mark.parametrize("fault", ["drop-after:1", "500-after:1", "truncate:1"])
def test_an_undeployment_whose_answer_is_lost_leaves_no_endpoint(
    fronts: Fronts, fault: str
) -> None:
    declared = only_digits(fronts)
    declared.apply()
    del declared.models["digits"]["deploy"]
    for front in fronts.each:
        fronts.ask("faults", {"fault": fault_of(front.api, f"models.undeploy:{fault}")})
    declared.apply()
    assert endpoints(fronts.each[1]) == []


def test_an_undeployment_that_was_cut_off_leaves_no_endpoint(fronts: Fronts) -> None:
    """As a killed run leaves it: the first call was received, its answer was not read."""
    declared = only_digits(fronts)
    declared.apply()
    del declared.models["digits"]["deploy"]
    for front in fronts.each:
        with front.workspace() as workspace, workspace.store.open(command="test") as session:
            record = session.state.resources[DIGITS]
            assert record.current is not None
            token = new_token(session.state.lineage, DIGITS, "0" * 32)
            intent = RecordedOperation(
                Step.UNDEPLOY, token=token, started=utc_now(), object_id=record.current.id
            )
            session.record(with_operation(record, intent))
            begun = workspace.provider.undeploy(record.current.id)
            assert begun is not None
            wait_for_operation(workspace.provider, begun.id)
    declared.apply()
    assert endpoints(fronts.each[1]) == []


def only_digits(fronts: Fronts) -> Declared:
    declared = Declared(fronts)
    del declared.models["boxes"], declared.models["mobile"], declared.datasets["Boxes_of_2"]
    return declared
