"""What Google's service might do changes no plan, no training, no gate and no bill.

One scenario at both APIs, under every setting of the embedded service that is tried. Where a
reading is about one of these things, `ABOUT` says what it changes.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from automl_plan.emulator.answer_readings import PROJECT_IN_NAMES
from automl_plan.emulator.billing import ChargeKind, Outcome
from automl_plan.emulator.call_readings import ETAG_MISMATCH, IMPORT_AFTER_CANCEL
from automl_plan.emulator.http import Request
from automl_plan.emulator.readings import DATASET_UPDATE_TIME, READINGS
from automl_plan.errors import AutomlPlanError
from automl_plan.execution.events import ApplyResult
from automl_plan.model.address import ResourceKind, dataset_address, model_address
from automl_plan.model.model_types import Problem
from automl_plan.planning.options import PlanMode, PlanOptions
from automl_plan.providers.google.vertex.vocabulary import TRAINING_TASKS
from automl_plan.workspace.live_items import find_image_drift
from automl_plan.workspace.plan_inputs import gather_inputs_for
from tests.apis import APIS, endpoint_of, fault_of
from tests.depth import DEEP, times
from tests.project import Project
from tests.still_service import StillService, still_service

RECORDED: Mapping[str, str] = {}
SETTINGS = 40
"""At most so many settings are needed for all pairs of values."""
FORMER = {each.name: each.former for each in READINGS}
DIGITS = model_address("digits")
Story = dict[str, Any]


class _Client(Project):
    """A directory whose provider is one of the APIs of a service in this process."""

    def __init__(self, directory: Path, api: str, service: StillService) -> None:
        super().__init__(directory, 1.0, api)
        self._url = endpoint_of(api, service.server.url)

    def provider(self) -> dict[str, Any]:
        return {self.api: {"project": "shop", "endpoint": self._url}}


class Scenario:
    """A configuration's life; what came of each step, in words that hold at both APIs."""

    def __init__(self, directory: Path, api: str, service: StillService) -> None:
        self._client = _Client(directory, api, service)
        self._service = service
        self._api = api
        self.story: Story = {}

    def run(self, steps: Mapping[str, Callable[[Scenario], object]]) -> Story:
        """Take the steps; an error ends them."""
        for name, step in steps.items():
            try:
                self.story[name] = step(self)
            except AutomlPlanError as error:
                self.story[name] = {"error": error.message}
                break
        return self.story

    def lose_answer_of(self, method: str) -> None:
        """Let the next call of a method be received, and its answer get lost."""
        self._service.server.faults.add(fault_of(self._api, f"{method}:drop-after:1"))

    def declare(self, budget: int, source: str = "few.csv", **dataset: Any) -> None:
        """Declare a dataset, and a model with that budget that is deployed behind a gate."""
        kind = {"image_classification": {"classification_type": "MULTICLASS"}}
        self._client.write(
            {
                "digits": {
                    **kind,
                    "sources": [f"gs://images/{source}"],
                    "labels": {"team": "a"},
                    **dataset,
                }
            },
            {
                "digits": {
                    "dataset": "digits",
                    "image_classification": {"train_budget_milli_node_hours": budget},
                    "deploy": {"node_count": 1},
                    "require": {"au_prc": 0.1},
                }
            },
        )

    def applied(self, options: PlanOptions | None = None, *, detach: bool = False) -> object:
        """Apply, plan again; what was done, what is left to do, what drifted, what was decided."""
        result = self._client.apply(options, detach=detach)
        plan = self._client.plan(options).plan
        record = self._client.state().resources.get(DIGITS)
        versions = {} if record is None else {o.version: str(o.status) for o in record.objects}
        return {
            **_told(result),
            "left": sorted(f"{c.address} {c.action}" for c in plan.changes),
            "drift": len(plan.drift),
            "versions": versions,
            "bill": self._bill(),
            "said": sorted({f.error.message for f in result.failed}),
        }

    def running(self) -> object:
        """Start a training of other inputs, and leave it; what is declared then cancels it.

        It goes on once the service has read that.
        """
        clock = self._service.clock
        clock.hold(held=True)
        self.declare(12_000)
        began = _told(self._client.apply(detach=True))
        self.declare(10_000)
        plan = self._client.plan().plan
        planned = sorted(f"{c.address} {c.action}" for c in plan.changes)
        ended = threading.Event()
        going = threading.Thread(target=self._go_on_when_cancelled, args=(ended,))
        going.start()
        try:
            return {"began": began, "planned": planned, "applied": self.applied()}
        finally:
            ended.set()
            going.join()
            clock.hold(held=False)

    def _go_on_when_cancelled(self, ended: threading.Event) -> None:
        """Or some time after the service has read the request, where it does not cancel."""
        counts, left = self._service.server.counts, 25
        while left and not ended.wait(0.02):
            if {"operations.cancel", "trainingPipelines.cancel"} & counts.by_method().keys():
                left -= 1
        self._service.clock.hold(held=False)

    def _bill(self) -> list[str]:
        """Trainings by their outcome and cost; what a cancelled one used depends on the clock."""
        charges = self._service.engine.charges(ChargeKind.TRAINING)
        return [
            f"{c.outcome} {0 if c.outcome is Outcome.CANCELLED else c.milli_node_hours}"
            for c in charges
        ]


def _told(result: ApplyResult) -> dict[str, list[str]]:
    return {
        "done": sorted(f"{c.address} {c.action}" for c in result.done),
        "failed": sorted(f"{f.change.address} {f.change.action}" for f in result.failed),
        "running": sorted(f"{c.address} {c.action}" for c in result.running),
    }


def _first(scenario: Scenario) -> object:
    scenario.declare(8_000)
    return scenario.applied()


def _retrained(scenario: Scenario) -> object:
    scenario.declare(10_000)
    return scenario.applied()


def _lost_answer(scenario: Scenario) -> object:
    """The training that was paid for is found, and is not sent again."""
    scenario.lose_answer_of("models.create")
    scenario.declare(9_000)
    return scenario.applied()


def _added_data(scenario: Scenario) -> object:
    """The same rows and more: what is there already is no failure."""
    scenario.declare(9_000, "many.csv", on_source_change="append")
    return scenario.applied()


def _other_data(scenario: Scenario) -> object:
    scenario.declare(10_000, "many.csv")
    return scenario.applied()


def _destroyed(scenario: Scenario) -> object:
    return scenario.applied(PlanOptions(mode=PlanMode.DESTROY))


STEPS: Mapping[str, Callable[[Scenario], object]] = {
    "first": _first,
    "retrained": _retrained,
    "cancelled": Scenario.running,
    "lost answer": _lost_answer,
    "added data": _added_data,
    "other data": _other_data,
    "destroyed": _destroyed,
}


def story(folder: Path, api: str, readings: Mapping[str, str]) -> Story:
    """What comes of all steps under a setting."""
    (folder / "client").mkdir(parents=True)
    with still_service(folder, readings, datetime.now(UTC), listens=True) as service:
        _fill(service.buckets / "images")
        return Scenario(folder / "client", api, service).run(STEPS)


def _fill(bucket: Path) -> None:
    bucket.mkdir()
    rows = []
    for label, many in (("cat", 12), ("dog", 12), ("eel", 12)):
        for number in range(many):
            name = f"{label}-{number}.png"
            (bucket / name).write_bytes(name.encode())
            use = ("TRAIN", "TRAIN", "VALIDATION", "TEST")[number % 4]
            rows.append(f"{use},gs://images/{name},{label}\n")
    (bucket / "few.csv").write_text("".join(rows[:24]))
    (bucket / "many.csv").write_text("".join(rows))


class About(Struct, frozen=True):
    """What a value changes, of what no reading should change."""

    step: str
    """The first step that it changes; those before it are as usual."""
    why: str
    as_usual_later: bool
    """Whether nothing is left to do after each later step, and nothing but `bill` differs."""
    error: str = ""
    """What the step ends with: it stops with the evidence."""
    apis: tuple[str, ...] = APIS


ABOUT: Mapping[tuple[str, str], About] = {
    ("cancel", "too-late"): About(
        "cancelled",
        "the training ends well, is billed, and what it made is deleted by the next plan",
        as_usual_later=True,
    ),
    ("cancel", "refused"): About(
        "cancelled",
        "the apply fails with what the service said; the next one follows the training to its end",
        as_usual_later=True,
    ),
    ("unknown-enum", "lasting"): About(
        "first",
        "whether a training made anything, or a model is deployed, is unknown: nothing is paid "
        "for, deployed or deleted on the strength of it",
        as_usual_later=False,
        error="does not know",
    ),
    ("row-failures", "summed"): About(
        "added data",
        "whether rows were left out because the dataset has them already is unknown: nothing is "
        "trained on it",
        as_usual_later=False,
        error="could not be imported",
    ),
    ("display-names", "unique"): About(
        "retrained",
        "a new version can't have the name of the former one: the service says so",
        as_usual_later=False,
        error="is taken",
    ),
}


def compare(api: str, readings: Mapping[str, str], usual: Story, found: Story) -> list[str]:
    """What differs from the usual story and should not."""
    about = [ABOUT[each] for each in readings.items() if each in ABOUT]
    steps = list(STEPS)
    first = min((steps.index(each.step) for each in about), default=len(steps))
    differing = [step for step in steps[:first] if found.get(step) != usual[step]]
    told = json.dumps(found)
    trainings = len(usual["destroyed"]["bill"])
    decisive = [each for each in about if steps.index(each.step) == first]
    differing += [f"nothing says {a.error!r}" for a in decisive if a.error not in told]
    if all(each.as_usual_later for each in about):
        differing += [
            f"{step}: {found[step]}"
            for step in steps[first + 1 :]
            if found[step]["left"] or found[step]["drift"] or found[step]["failed"]
        ]
    bills = [step["bill"] for step in found.values() if isinstance(step, dict) and "bill" in step]
    if any(len(bill) > trainings for bill in bills):
        differing.append(f"{bills[-1]}: more trainings than {trainings}")
    return [f"{api} {dict(readings)}: {each}" for each in differing]


class Usual:
    """The story by the defaults, of each API, made when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stories: dict[str, Story] = {}

    def __getitem__(self, api: str) -> Story:
        if api not in self._stories:
            self._stories[api] = story(self._folder / api, api, RECORDED)
        return self._stories[api]


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Usual:
    """What the story is by the defaults."""
    return Usual(tmp_path_factory.mktemp("usual"))


@pytest.mark.parametrize("api", APIS)
def test_after_each_step_nothing_is_left_to_do(usual: Usual, api: str) -> None:
    for step in usual[api].values():
        applied = step.get("applied", step)
        assert (applied["failed"], applied["left"], applied["drift"]) == ([], [], 0)
    assert [bill.split()[0] for bill in usual[api]["destroyed"]["bill"]] == [
        *("trained", "trained", "cancelled", "trained", "trained", "trained")
    ]


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("number", range(times(1, 1 + SETTINGS)))
def test_other_settings_change_nothing_else(
    usual: Usual, tmp_path: Path, api: str, number: int
) -> None:
    """The former one; in `make test-deep` then all pairs of values, a setting after the other."""
    for readings in (covering() if number else [FORMER])[max(0, number - 1) :][:1]:
        assert compare(api, readings, usual[api], story(tmp_path, api, readings)) == []


@pytest.mark.parametrize(
    ("api", "value"),
    [
        pytest.param(api, value, id=f"{api}-{'='.join(value)}")
        for number, value in enumerate(ABOUT)
        for api in (APIS if DEEP else (APIS[number % len(APIS)],))
    ],
)
def test_what_a_reading_is_about(
    usual: Usual, tmp_path: Path, api: str, value: tuple[str, str]
) -> None:
    """It is paid for no more than usual, and said where the tool can't be right."""
    readings = dict([value])
    found = story(tmp_path, api, readings)
    assert found != usual[api]
    assert compare(api, readings, usual[api], found) == []


def test_the_settings_cover_all_pairs() -> None:
    """Each two values of two readings are together in a setting."""
    settings = covering()
    assert len(settings) <= SETTINGS
    pairs = {
        ((one.name, value), (other.name, another))
        for one, other in combinations(READINGS, 2)
        for value in one.values
        for another in other.values
    }
    for setting in settings:
        pairs -= {*combinations([(each.name, setting[each.name]) for each in READINGS], 2)}
    assert pairs == set()


@cache
def covering() -> list[dict[str, str]]:
    """Settings in which each two values of two readings are together at least once."""
    from allpairspy import AllPairs

    values = [[(each.name, value) for value in each.values] for each in READINGS]
    return [dict(setting) for setting in AllPairs(values)]


@pytest.mark.parametrize("value", ETAG_MISMATCH.values)
@pytest.mark.parametrize("api", APIS)
def test_what_somebody_changes_meanwhile_is_read_again(
    tmp_path: Path, api: str, value: str
) -> None:
    (tmp_path / "client").mkdir()
    readings = {ETAG_MISMATCH.name: value}
    with still_service(tmp_path, readings, datetime.now(UTC), listens=True) as service:
        _fill(service.buckets / "images")
        scenario = Scenario(tmp_path / "client", api, service)
        scenario.declare(8_000)
        only_data = PlanOptions(targets=frozenset({dataset_address("digits")}))
        scenario.applied(only_data)
        with _Client(tmp_path / "client", api, service).workspace() as workspace:
            (there,) = workspace.provider.datasets()
            start = "/vertex/v1" if api == "vertex" else "/v1"
            path = f"{start}/projects/shop/locations/us-central1/datasets/{there.id}"
            body = b'{"labels": {"team": "b"}}'
            others = [Request("PATCH", path, {"updateMask": "labels"}, body)]

            def change() -> None:
                while others:
                    assert service.server.answer(others.pop(), None).status == 200

            workspace.provider.fence(change)
            workspace.provider.update(ResourceKind.DATASET, there.id, {"description": "ours"})
            found = workspace.provider.dataset(there.id)
    assert (found.description, found.labels.get("team")) == ("ours", "b")


@pytest.mark.parametrize("value", IMPORT_AFTER_CANCEL.values)
@pytest.mark.parametrize("api", APIS)
def test_nothing_is_trained_on_what_a_cancelled_import_left(
    tmp_path: Path, api: str, value: str
) -> None:
    """Others cancel the import; then other data is declared. Images can't be taken back."""
    (tmp_path / "client").mkdir()
    readings, now = {IMPORT_AFTER_CANCEL.name: value}, datetime.now(UTC)
    with still_service(tmp_path, readings, now, listens=True) as service:
        _fill(service.buckets / "images")
        rows = (service.buckets / "images" / "many.csv").read_text().splitlines(keepends=True)
        (service.buckets / "images" / "last.csv").write_text("".join(rows[-24:]))
        scenario = Scenario(tmp_path / "client", api, service)
        client = _Client(tmp_path / "client", api, service)
        scenario.declare(8_000)
        service.clock.hold(held=True)
        client.apply(PlanOptions(targets=frozenset({dataset_address("digits")})), detach=True)
        record = client.state().resources[dataset_address("digits")]
        with client.workspace() as workspace:
            for operation in record.operations:
                assert operation.id is not None
                workspace.provider.cancel(operation.id)
                while not workspace.provider.operation(operation.id).done:
                    time.sleep(0.02)
        service.clock.hold(held=False)
        scenario.declare(8_000, "last.csv")
        assert not client.apply().failed
        with client.workspace() as workspace:
            (there,) = workspace.provider.datasets()
        assert there.example_count == 24
        assert len(service.engine.charges(ChargeKind.TRAINING)) == 1
        assert client.plan().empty


@pytest.mark.parametrize("value", DATASET_UPDATE_TIME.values)
def test_drift_looks_at_images_once_others_changed_them(tmp_path: Path, value: str) -> None:
    """Not for what our own imports and patches move. By the time, where that says something."""
    (tmp_path / "client").mkdir()
    readings, now = {DATASET_UPDATE_TIME.name: value}, datetime.now(UTC)
    with still_service(tmp_path, readings, now, listens=True) as service:
        _fill(service.buckets / "images")
        scenario = Scenario(tmp_path / "client", "vertex", service)
        client = _Client(tmp_path / "client", "vertex", service)
        only_data = PlanOptions(targets=frozenset({dataset_address("digits")}))

        def found(*, everywhere: bool = False) -> list[str]:
            with client.workspace() as workspace:
                inputs = gather_inputs_for(workspace, PlanOptions(mode=PlanMode.REFRESH_ONLY))
                drift = find_image_drift(inputs, everywhere=everywhere)
                return [each.after for one in drift for each in one.changes.relabelled]

        def searches() -> int:
            return service.server.counts.by_method().get("datasets.searchDataItems", 0)

        for team in ("a", "b"):
            service.clock.advance(3600)
            scenario.declare(8_000, labels={"team": team})
            scenario.applied(only_data)
            assert (found(), searches()) == ([], 0)
        with client.workspace() as workspace:
            (there,) = workspace.provider.datasets()
        service.clock.advance(3600)
        (item, *_) = service.engine.data_items.all(int(there.id))
        service.engine.data_items.change(int(there.id), item.id, ["eel"], None)
        assert found() == (["TRAIN eel"] if value == "moves" else [])
        assert found(everywhere=True) == ["TRAIN eel"]


@pytest.mark.parametrize("value", PROJECT_IN_NAMES.values)
@pytest.mark.parametrize("api", APIS)
def test_what_others_train_on_our_dataset_is_drift(tmp_path: Path, api: str, value: str) -> None:
    """Their model names the dataset by its id, or by a full name with the project's number."""
    (tmp_path / "client").mkdir()
    readings = {PROJECT_IN_NAMES.name: value}
    with still_service(tmp_path, readings, datetime.now(UTC), listens=True) as service:
        _fill(service.buckets / "images")
        scenario = Scenario(tmp_path / "client", api, service)
        scenario.declare(8_000)
        scenario.applied()
        client = _Client(tmp_path / "client", api, service)
        with client.workspace() as workspace:
            provider = workspace.provider
            (there,) = provider.datasets()
            start = "/vertex/v1" if api == "vertex" else "/v1"
            method = "trainingPipelines" if api == "vertex" else "models"
            path = f"{start}/projects/shop/locations/us-central1/{method}"
            body = json.dumps(_training_of_others(api, there.id)).encode()
            assert service.server.answer(Request("POST", path, {}, body), None).status == 200
            while provider.active_operations():
                time.sleep(0.02)
        drift = client.plan().plan.drift
    assert [each.trained is not None for each in drift] == [True]


def _training_of_others(api: str, dataset_id: str) -> object:
    if api == "automl":
        metadata = {"imageClassificationModelMetadata": {"trainBudgetMilliNodeHours": "8000"}}
        return {"displayName": "theirs", "datasetId": dataset_id, **metadata}
    return {
        "displayName": "theirs",
        "trainingTaskDefinition": TRAINING_TASKS[Problem.IMAGE_CLASSIFICATION],
        "trainingTaskInputs": {"modelType": "CLOUD", "budgetMilliNodeHours": "8000"},
        "inputDataConfig": {"datasetId": dataset_id},
        "modelToUpload": {"displayName": "theirs"},
    }
