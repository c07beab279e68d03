"""Migrations from AutoML to Vertex AI: each object is copied once, and nothing is trained."""

from __future__ import annotations

import itertools
import json
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from automl_plan.applying.apply import apply
from automl_plan.applying.migrating.abandoning import abandon
from automl_plan.applying.migrating.afterwards import delete_left_over, left_over, open_former
from automl_plan.applying.migrating.events import MigrationEvent, MigrationResult, MigrationStep
from automl_plan.applying.migrating.migrate import finish_at_target, migrate
from automl_plan.applying.migrating.preparing import Prepared, prepare, stand
from automl_plan.applying.migrating.target import open_begun, open_target, target_of
from automl_plan.applying.planned import make_plan
from automl_plan.applying.workspace import Workspace
from automl_plan.config.configuration import ProviderSettings
from automl_plan.errors import (
    ApplyFailed,
    PlanRefused,
    PlanStale,
    StateForeign,
    StateMigrating,
    UnsettledOperation,
    UsageError,
)
from automl_plan.planning.migration import Monthly
from automl_plan.planning.options import PlanOptions
from automl_plan.resources.address import ResourceKind, model_address
from automl_plan.resources.recorded import RecordedOperation, Step
from automl_plan.resources.transitions import with_operation
from automl_plan.state.migrating import begin_migration, open_migration
from tests.conftest import RunningEmulator, StartEmulator

IC = "image_classification"
DATASET = {IC: {"classification_type": "MULTICLASS"}, "sources": ["gs://bucket/ic.csv"]}
MODEL = {"dataset": "digits", IC: {"train_budget_milli_node_hours": 8000}}
SERVING = {**MODEL, "deploy": {"node_count": 2}, "labels": {"team": "vision"}}
SCHEMA = Path(__file__).parents[2] / "schemas" / "config.schema.json"
USES = ("TRAIN", "TRAIN", "VALIDATION", "TEST")
REQUEST = "migratableResources.batchMigrate"
_NUMBERS = itertools.count()


class Moved:
    """A configuration of one project at AutoML, to be migrated."""

    def __init__(self, directory: Path, emulator: RunningEmulator, project: str) -> None:
        self.directory = directory
        self.emulator = emulator
        self.name = project
        self.events: list[MigrationEvent] = []

    def write(self, datasets: Mapping[str, Any], models: Mapping[str, Any], **more: Any) -> None:
        document = {
            "provider": {"automl": {"project": self.name, "endpoint": self.emulator.url}},
            "datasets": datasets,
            "models": models,
            **more,
        }
        (self.directory / "c.yaml").write_text(json.dumps(document), encoding="utf-8")

    def apply(self) -> None:
        with Workspace(self.directory, environ={}) as workspace:
            result = apply(workspace, make_plan(workspace, PlanOptions()), on_event=lambda _: None)
        assert not result.failed

    def plan(self) -> list[str]:
        """What the next plan does."""
        with Workspace(self.directory, environ={}) as workspace:
            plan = make_plan(workspace, PlanOptions()).plan
        assert not plan.drift
        return [f"{change.address} {change.action}" for change in plan.changes]

    @contextmanager
    def prepared(
        self, *, partial: bool = False, project: str | None = None, refresh: bool = True
    ) -> Iterator[Prepared]:
        endpoint = f"{self.emulator.url}/vertex"
        with (
            Workspace(self.directory, environ={}) as workspace,
            workspace.migrating() as source,
            open_target(source, project=project, location=None, endpoint=endpoint) as target,
        ):
            yield prepare(source, target, partial=partial, refresh=refresh)

    def migrate(self, *, partial: bool = False, delete: bool = False) -> MigrationResult:
        with self.prepared(partial=partial) as prepared:
            return migrate(prepared, delete=delete, tell=self.events.append)

    def stays(self, *, partial: bool = False) -> list[tuple[str, str]]:
        with self.prepared(partial=partial) as prepared:
            assert prepared.plan is not None
            return [(str(each.address), each.why) for each in prepared.plan.staying]

    def state(self) -> dict[str, Any]:
        path = self.directory / "state" / "default.json"
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found

    def there(self, collection: str, api: str = "/vertex") -> list[Any]:
        """What lives at Vertex AI, or at AutoML."""
        parent = f"{api}/v1/projects/{self.name}/locations/us-central1/{collection}"
        found: list[Any] = []
        token = ""
        while True:
            answer = self.ask(f"{parent}?pageSize=100&pageToken={token}")
            found += answer.get(collection, answer.get("model", []))
            token = answer.get("nextPageToken", "")
            if not token:
                return found

    def trainings(self) -> int:
        bill = self.ask("/emulator/v1/billing")["trainings"]
        return sum(charge["project"] == self.name for charge in bill)

    def fault(self, spec: str) -> None:
        self.ask("/emulator/v1/faults", "POST", {"fault": spec})

    def ask(self, path: str, method: str = "GET", body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.emulator.url + path, data, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"{}")

    def delete(self, kind: str, object_id: str) -> None:
        """Delete behind the tool's back."""
        parent = f"/v1/projects/{self.name}/locations/us-central1/{kind}s/{object_id}"
        self.ask(parent, "DELETE")
        while any(o["name"].endswith(object_id) for o in self.there(f"{kind}s", api="")):
            pass


@pytest.fixture(scope="module")
def emulator(start_shared_emulator: StartEmulator) -> RunningEmulator:
    """One for all tests of this module; each has a project of its own."""
    running = start_shared_emulator(time_scale=36_000_000.0)
    bucket = running.bucket_root / "bucket"
    bucket.mkdir()
    rows: dict[str, list[str]] = {"ic": [], "od": [], "some": []}
    for i in range(16):
        (bucket / f"{i}.png").write_bytes(f"image {i}".encode())
        use, uri, label = USES[i % 4], f"gs://bucket/{i}.png", "ab"[i // 4 % 2]
        rows["ic"].append(f"{use},{uri},{label}")
        rows["od"].append(f"{use},{uri},{label},0.1,0.1,,,0.5,0.5,,")
        rows["some"].append(f"{use if i % 2 else ''},{uri},{label}")
    for name, lines in rows.items():
        (bucket / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return running


@pytest.fixture
def moved(tmp_path: Path, emulator: RunningEmulator) -> Iterator[Moved]:
    """A dataset and a model that serves, applied; and no fault left behind."""
    moved = Moved(tmp_path, emulator, f"moved-{next(_NUMBERS)}")
    moved.write({"digits": DATASET}, {"digits": SERVING})
    moved.apply()
    yield moved
    moved.ask("/emulator/v1/faults", "DELETE")


def assert_complete(moved: Moved, *, datasets: int = 1, models: int = 1) -> None:
    """One copy of each, deployed as before, and nothing left to do."""
    assert len(moved.there("datasets")) == datasets
    assert len(moved.there("models")) == models
    assert moved.plan() == []
    assert not list(moved.directory.glob("state/*.migrating*"))


def test_the_copies_are_what_the_originals_are(moved: Moved) -> None:
    result = moved.migrate()
    assert result.next_plan == ()
    assert result.configured
    assert_complete(moved)
    provider = json.loads((moved.directory / "c.yaml").read_text(encoding="utf-8"))["provider"]
    endpoint = f"{moved.emulator.url}/vertex"
    assert provider == {"vertex": {"project": moved.name, "endpoint": endpoint}}
    (dataset,), (model,) = moved.there("datasets"), moved.there("models")
    (original,) = moved.there("models", api="")
    kept = {k: v for k, v in original["labels"].items() if k != "automl-plan-token"}
    dataset_id = dataset["name"].rpartition("/")[2]
    assert model["labels"] == {
        **kept,
        "automl-plan-kind": "multiclass_cloud_8000",
        "automl-plan-dataset": dataset_id,
    }
    assert (dataset["displayName"], model["displayName"]) == ("digits", "digits")
    assert dataset["labels"]["automl-plan-kind"] == "multiclass"
    assert dataset["labels"]["automl-plan-sets"] == "assigned"
    (endpoint_there,) = moved.there("endpoints")
    (deployed,) = endpoint_there["deployedModels"]
    assert deployed["automaticResources"]["minReplicaCount"] == 2
    with Workspace(moved.directory, environ={}) as workspace:
        (live,) = workspace.provider.models()
    assert (live.dataset_id, live.model_type) == (dataset_id, "cloud")
    assert live.train_budget_milli_node_hours == 8000
    assert moved.trainings() == 1


def test_object_detection(moved: Moved) -> None:
    problem = "image_object_detection"
    moved.write(
        {
            "boxes": {problem: {}, "sources": ["gs://bucket/od.csv"]},
            "some": {**DATASET, "sources": ["gs://bucket/some.csv"]},
        },
        {
            "boxes": {
                "dataset": "boxes",
                problem: {"train_budget_milli_node_hours": 20000},
                "deploy": {},
            }
        },
    )
    moved.apply()
    moved.migrate()
    assert_complete(moved, datasets=2)
    labels = {d["displayName"]: d["labels"] for d in moved.there("datasets")}
    assert labels["boxes"]["automl-plan-kind"] == "object-detection"
    assert labels["some"]["automl-plan-sets"] == "mixed"
    assert moved.trainings() == 2


def test_more_than_one_call_takes(moved: Moved) -> None:
    names = [f"d{i}" for i in range(60)]
    moved.write({n: {IC: DATASET[IC]} for n in names} | {"digits": DATASET}, {"digits": SERVING})
    moved.apply()
    before = moved.ask("/emulator/v1/calls")["calls"].get(REQUEST, 0)
    moved.fault(f"{REQUEST}:drop-after:1")
    moved.migrate()
    assert moved.ask("/emulator/v1/calls")["calls"][REQUEST] - before == 3
    assert_complete(moved, datasets=61)


@pytest.mark.parametrize("effect", ["drop-after", "500-after", "truncate", "drop-before", "500"])
def test_an_answer_is_lost(moved: Moved, effect: str) -> None:
    moved.fault(f"{REQUEST}:{effect}:1-2")
    moved.migrate()
    assert MigrationStep.WAITING in {event.step for event in moved.events}
    assert_complete(moved)


def test_a_call_that_was_refused_for_certain_is_forgotten(moved: Moved) -> None:
    moved.fault(f"{REQUEST}:429=1:1")
    with pytest.raises(Exception, match=r"quota|exhausted|Quota|Too many"):
        moved.migrate()
    moved.migrate()
    assert_complete(moved)


@pytest.mark.parametrize(
    "fault",
    [
        *("endpoints.create:drop-after:1", "endpoints.deployModel:drop-after:1"),
        *("endpoints.deployModel:500-after:1", "endpoints.deployModel:503:1"),
    ],
)
def test_a_deployment_is_asked_for_once(moved: Moved, fault: str) -> None:
    moved.fault(fault)
    moved.migrate()
    assert_complete(moved)
    (endpoint,) = moved.there("endpoints")
    assert len(endpoint["deployedModels"]) == 1


def test_what_the_service_refuses(moved: Moved) -> None:
    former = moved.state()
    moved.fault(f"{REQUEST}:fail=13:2")
    with pytest.raises(ApplyFailed, match=r"model\.digits ICN\d+: "):
        moved.migrate()
    assert moved.state() == former
    with pytest.raises(StateMigrating) as raised:
        moved.plan()
    command = f"migrate --to vertex --location us-central1 --endpoint {moved.emulator.url}/vertex"
    assert f"ended: `automl-plan {command}`." in str(raised.value.hint)
    assert [address for address, _ in moved.stays(partial=True)] == ["model.digits"]
    assert moved.stays() == []  # it is tried again
    moved.migrate()
    assert_complete(moved)


def test_what_was_refused_can_be_left_behind(moved: Moved) -> None:
    moved.fault(f"{REQUEST}:fail=13:2")
    with pytest.raises(ApplyFailed):
        moved.migrate()
    with moved.prepared(partial=True) as prepared:
        assert prepared.plan is not None
        assert prepared.plan.training_usd == 27.72
    result = moved.migrate(partial=True)
    assert result.next_plan == ("model.digits train", "model.digits deploy")
    assert [*moved.state()["resources"]] == ["dataset.digits"]


def test_giving_up(moved: Moved) -> None:
    former = moved.state()
    moved.fault(f"{REQUEST}:fail=13:2")
    with pytest.raises(ApplyFailed):
        moved.migrate()
    with moved.prepared() as prepared:
        abandoned = abandon(prepared)
    ((address, copy),) = abandoned.copies
    assert not abandoned.untold
    (there,) = moved.there("datasets")
    assert (str(address), there["name"].rpartition("/")[2]) == ("dataset.digits", copy)
    assert moved.state() == former
    assert moved.plan() == []
    moved.migrate()
    assert_complete(moved, datasets=2)


def test_giving_up_after_the_switch_is_too_late(moved: Moved) -> None:
    former = (moved.directory / "c.yaml").read_text(encoding="utf-8")
    moved.migrate()
    (moved.directory / "c.yaml").write_text(former, encoding="utf-8")
    with moved.prepared() as prepared, pytest.raises(StateMigrating):
        abandon(prepared)
    assert moved.migrate().configured
    assert moved.plan() == []


def test_originals_go_when_asked_for(moved: Moved) -> None:
    protected = {**MODEL, "lifecycle": {"prevent_destroy": True}}
    moved.write({"digits": DATASET}, {"digits": SERVING, "kept": protected})
    moved.apply()
    result = moved.migrate(delete=True)
    assert [str(address) for address, _ in result.originals] == ["model.kept"]
    (left,) = moved.there("models", api="")
    assert left["displayName"] == "kept"
    assert moved.there("datasets", api="") == []
    assert_complete(moved, models=2)


def test_what_is_declared_protected_stays_though_that_is_not_applied(moved: Moved) -> None:
    dataset = {**DATASET, "lifecycle": {"prevent_destroy": True}}
    moved.write({"digits": dataset}, {"digits": SERVING})
    result = moved.migrate(delete=True)
    assert [str(address) for address, _ in result.originals] == ["dataset.digits"]
    assert len(moved.there("datasets", api="")) == 1
    assert moved.there("models", api="") == []


def migrated_but_for_a_copy(moved: Moved) -> str:
    """Migrate two versions; the id of the former one's copy, which is deleted since."""
    for budget in (8000, 9000):
        about = {IC: {"train_budget_milli_node_hours": budget}, "lifecycle": {"keep_versions": 2}}
        moved.write({"digits": DATASET}, {"digits": {**SERVING, **about}})
        moved.apply()
    assert len(moved.migrate().originals) == 3
    former: str = moved.state()["resources"]["model.digits"]["others"][0]["id"]
    parent = f"/vertex/v1/projects/{moved.name}/locations/us-central1/models"
    moved.ask(f"{parent}/{former}", "DELETE")
    return former


def test_originals_stay_whose_copies_are_gone(moved: Moved) -> None:
    former = migrated_but_for_a_copy(moved)
    provider = {"automl": {"project": moved.name, "endpoint": moved.emulator.url}}
    path = moved.directory / "c.yaml"  # as where it could not be written
    document = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**document, "provider": provider}), encoding="utf-8")
    ((_, stays),) = moved.migrate(delete=True).originals
    assert moved.there("models", api="")[0]["name"].endswith(stays)
    kept = [e.message for e in moved.events if e.step is MigrationStep.KEPT]
    assert kept == [f"its copy {former} does not live any more"]


def test_originals_go_afterwards(moved: Moved) -> None:
    former = migrated_but_for_a_copy(moved)
    path = moved.directory / "c.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("9000", "10000"), encoding="utf-8")
    with Workspace(moved.directory, environ={}) as workspace:
        provider = open_former(workspace)
        with closing(provider), pytest.raises(PlanRefused, match="would make it again"):
            left_over(workspace, provider)
    path.write_text(text, encoding="utf-8")
    with Workspace(moved.directory, environ={}) as workspace:
        with closing(open_former(workspace)) as provider:
            found = left_over(workspace, provider)
            assert {(o.copy_id == former, o.nodes, o.why_kept) for o in found.originals} == {
                *((False, None, None), (False, 2, None)),
                (True, None, f"its copy {former} does not live any more"),
            }
            ((_, stays),) = delete_left_over(
                workspace, found, lock_timeout=0.0, tell=moved.events.append
            )
        assert finish_at_target(workspace) == ((model_address("digits"), stays),)
    (model_there,) = moved.there("models", api="")
    assert model_there["name"].endswith(stays)
    assert moved.there("datasets", api="") == []
    assert len(moved.there("models")) == 1


def test_a_configuration_of_the_former_provider_is_told_how_to_follow(moved: Moved) -> None:
    former = (moved.directory / "c.yaml").read_text(encoding="utf-8")
    moved.migrate()
    (moved.directory / "c.yaml").write_text(former, encoding="utf-8")
    with pytest.raises(StateForeign) as raised:
        moved.plan()
    command, _, section = str(raised.value.hint).partition("` writes it")
    assert command.endswith(
        f"--to vertex --location us-central1 --endpoint {moved.emulator.url}/vertex"
    )
    assert f"project: {moved.name}}}" in section


def test_originals_stay_while_the_next_plan_would_make_them_anew(moved: Moved) -> None:
    budget = {IC: {"train_budget_milli_node_hours": 9000}}
    moved.write({"digits": DATASET}, {"digits": {**SERVING, **budget}})
    result = moved.migrate(delete=True)
    assert result.next_plan is not None
    assert "model.digits retrain" in result.next_plan
    assert len(result.originals) == 2
    assert len(moved.there("models", api="")) == 1


def test_what_is_gone_cannot_move(moved: Moved) -> None:
    moved.write({"digits": DATASET, "more": DATASET}, {"digits": MODEL})
    moved.apply()
    moved.delete("model", moved.state()["resources"]["model.digits"]["current"]["id"])
    moved.delete("dataset", moved.state()["resources"]["dataset.more"]["current"]["id"])
    assert [address for address, why in moved.stays() if "does not live" in why] == [
        "dataset.more",
        "model.digits",
    ]
    result = moved.migrate(partial=True)
    assert result.next_plan is not None
    assert sorted(result.next_plan) == [
        "dataset.more create",
        "dataset.more import-data",
        "model.digits train",
    ]


def test_a_model_whose_data_nobody_knows_stays_with_its_dataset(moved: Moved) -> None:
    moved.write({"digits": {IC: DATASET[IC]}}, {"digits": MODEL})
    path = moved.directory / "state" / "default.json"
    state = moved.state()
    state["resources"]["dataset.digits"]["current"]["attributes"].pop("data")
    state["resources"]["model.digits"]["current"]["attributes"]["trained_on"].pop("data")
    path.write_text(json.dumps(state), encoding="utf-8")
    moved.delete("dataset", moved.state()["resources"]["dataset.digits"]["current"]["id"])
    assert ("model.digits", "dataset.digits stays, and its data is not known by its content") in (
        moved.stays()
    )


def test_another_project_has_nothing_to_migrate(moved: Moved) -> None:
    with moved.prepared(project="elsewhere") as prepared:
        assert prepared.plan is not None
        assert not prepared.plan.moving
        assert "among what can be migrated" in prepared.plan.staying[0].why


def test_the_policy_is_asked_where_it_goes(moved: Moved) -> None:
    policy = {"allowed_locations": ["europe-west4"]}
    moved.write({"digits": DATASET}, {"digits": SERVING}, policy=policy)
    with pytest.raises(PlanRefused, match="allowed_locations"), moved.prepared():
        pass


def test_the_endpoint_has_to_be_told(moved: Moved) -> None:
    with (
        Workspace(moved.directory, environ={}) as workspace,
        workspace.migrating() as source,
        pytest.raises(UsageError, match="has to be told"),
    ):
        open_target(source, project=None, location=None, endpoint=None)


@pytest.mark.parametrize("source", ["d.csv", "gs://bucket/ic.csv"])
def test_what_is_staged_is_staged_there_too(
    moved: Moved, emulator: RunningEmulator, source: str
) -> None:
    """The examples' own form; the endpoint is only this test's."""
    (emulator.bucket_root / "staging").mkdir(exist_ok=True)
    gathered = [f"{use},{n}.png,{'ab'[n % 2]}" for n, use in enumerate(USES * 3)]
    (moved.directory / "d.csv").write_text("\n".join(gathered) + "\n", encoding="utf-8")
    for number in range(len(gathered)):
        (moved.directory / f"{number}.png").write_bytes(b"image %d" % number)
    text = f"""\
provider:
  # vertex: {{project: my-project, location: us-central1, staging_bucket: gs://my-bucket}}
  automl: {{project: {moved.name}, location: us-central1, staging_bucket: gs://staging,
           endpoint: "URL"}}

datasets:
  digits:                      # its address is dataset.digits
    image_classification: {{classification_type: MULTICLASS}}
    sources: [{source}]
"""
    before = text.replace("URL", emulator.url)
    (moved.directory / "c.yaml").write_text(before, encoding="utf-8")
    moved.apply()
    result = moved.migrate()
    assert (result.configured, result.next_plan) == (True, ())
    after = text.replace("automl:", "vertex:").replace("URL", f"{emulator.url}/vertex")
    assert (moved.directory / "c.yaml").read_text(encoding="utf-8") == after
    assert_complete(moved, models=0)


def test_what_both_providers_take_moves_with_them() -> None:
    """`location` and `endpoint` differ by nature; whatever else both know is kept."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))["definitions"]
    both = schema["automl"]["properties"].keys() & schema["vertex"]["properties"].keys()
    settings = dict.fromkeys(both - {"location", "endpoint"}, "as it is")
    target = target_of(ProviderSettings("automl", settings), {})
    assert target == ProviderSettings("vertex", {**settings, "location": "us-central1"})


def test_sources_that_are_gone_hold_nothing_up(moved: Moved, emulator: RunningEmulator) -> None:
    source = emulator.bucket_root / "bucket" / "ic.csv"
    content = source.read_bytes()
    source.unlink()
    try:
        with moved.prepared() as prepared:
            assert prepared.plan is not None
            assert "the sources can't be read" in prepared.plan.notes[0]
            assert migrate(prepared, tell=moved.events.append).next_plan is None
    finally:
        source.write_bytes(content)
    assert_complete(moved)


def test_automl_may_answer_no_more(moved: Moved) -> None:
    moved.fault("datasets.list:503")
    moved.fault("models.list:503")
    with moved.prepared(refresh=False) as prepared:
        assert prepared.plan is not None
        assert prepared.plan.monthly == Monthly(2007.5, 4015.0, 4015.0)  # the originals serve on
        moved.ask("/emulator/v1/faults", "DELETE")  # both services list by the same name
        assert len(migrate(prepared, tell=moved.events.append).originals) == 2
    assert_complete(moved)


def test_a_version_that_was_turned_down_stays_so(moved: Moved) -> None:
    require = {"au_prc": 0.1}
    moved.write({"digits": DATASET}, {"digits": {**SERVING, "require": require}})
    moved.apply()
    budget = {IC: {"train_budget_milli_node_hours": 9000}}
    model = {**SERVING, **budget, "require": require}
    moved.write({"digits": DATASET}, {"digits": model})
    moved.apply()
    path = moved.directory / "state" / "default.json"
    state = moved.state()
    record = state["resources"]["model.digits"]
    (former,) = record["others"]
    record["others"] = [{**record["current"], "status": "rejected"}]
    record["others"][0]["decision"]["kind"] = "rejected"
    record["current"] = {k: v for k, v in former.items() if k != "status"}
    path.write_text(json.dumps(state), encoding="utf-8")
    moved.migrate()
    with Workspace(moved.directory, environ={}) as workspace:
        (turned_down,) = (
            obj for r in workspace.store.read().resources.values() for obj in r.others
        )
        labels = {m.id: m.labels for m in workspace.provider.models()}
    assert labels[turned_down.id]["automl-plan-status"] == "rejected"
    assert turned_down.decision is not None
    assert "model.digits retrain" not in moved.plan()


def test_a_plan_that_was_overtaken(moved: Moved) -> None:
    with moved.prepared() as prepared:
        moved.write({"digits": {**DATASET, "description": "new"}}, {"digits": SERVING})
        moved.apply()
        with pytest.raises(PlanStale):
            migrate(prepared, tell=moved.events.append)
    moved.migrate()
    assert_complete(moved)


@pytest.mark.parametrize(("operation_id", "said"), [(None, "cut off"), ("ICN1", "still open")])
def test_what_is_open_is_settled_first(moved: Moved, operation_id: str | None, said: str) -> None:
    with Workspace(moved.directory, environ={}) as workspace, workspace.store.open() as session:
        record = session.state.resources[model_address("digits")]
        operation = RecordedOperation(Step.TRAIN, "t", "2026-01-01T00:00:00Z", id=operation_id)
        session.record(with_operation(record, operation))
    with pytest.raises(PlanRefused, match=said), moved.prepared():
        pass


def lose_calls(moved: Moved, project: str | None = None, **more: Any) -> None:
    """Leave a dead run's migration that wrote down its calls; none of them was sent."""
    with moved.prepared(project=project) as prepared:
        path = prepared.source.configuration.state_path
        begin_migration(path, prepared.state, prepared.target.provider.identity)
        with open_migration(path) as session:
            for address, record in prepared.state.resources.items():
                assert record.current is not None
                intent = RecordedOperation(
                    Step.MIGRATE,
                    token=f"{'0' * 12}-{'0' * 12}-{'0' * 31}{address.kind is ResourceKind.MODEL:d}",
                    started="2026-01-01T00:00:00Z",
                    object_id=record.current.id,
                    **more,
                )
                session.record(with_operation(replace(record, current=None), intent))


def test_an_intent_of_a_dead_run_that_never_sent_its_call(moved: Moved) -> None:
    lose_calls(moved)
    moved.migrate()
    assert_complete(moved)


def test_a_lost_call_for_what_somebody_else_copies(moved: Moved) -> None:
    """Nobody can tell then whether the call arrived: giving up is the way on."""
    former = moved.state()
    lose_calls(moved)
    (original,) = moved.there("datasets", api="")
    theirs = {"dataset": original["name"], "datasetDisplayName": "theirs"}
    parent = f"/vertex/v1/projects/{moved.name}/locations/us-central1"
    wishes = {"migrateResourceRequests": [{"migrateAutomlDatasetConfig": theirs}]}
    moved.ask(f"{parent}/migratableResources:batchMigrate", "POST", wishes)
    while [d["displayName"] for d in moved.there("datasets")] != ["theirs"]:
        pass
    for _ in range(2):
        with pytest.raises(UnsettledOperation, match=r"dataset\.digits ICN\d+ \(as ") as caught:
            moved.migrate()
        assert "--abandon" in (caught.value.hint or "")
    with moved.prepared() as prepared:
        abandoned = abandon(prepared)
    assert not abandoned.copies
    names = {str(each.address): each.display_name for each in abandoned.untold}
    assert names["dataset.digits"] == f"automl-plan-{'0' * 12}-{'0' * 12}-{'0' * 32}"
    assert moved.state() == former
    assert moved.plan() == []
    moved.migrate()
    assert_complete(moved, datasets=2)


def test_giving_up_an_operation_that_is_forgotten(moved: Moved) -> None:
    lose_calls(moved, id="operations/12345")
    with moved.prepared() as prepared:
        assert {str(each.address) for each in abandon(prepared).untold} == {
            "dataset.digits",
            "model.digits",
        }
    moved.migrate()
    assert_complete(moved)


def test_giving_up_needs_no_flags_of_the_beginning(moved: Moved) -> None:
    lose_calls(moved, project="elsewhere")
    with pytest.raises(StateForeign, match="goes to") as caught:
        moved.migrate()
    assert "--abandon" in (caught.value.hint or "")
    with (
        Workspace(moved.directory, environ={}) as workspace,
        workspace.migrating() as source,
        open_begun(
            source, project=None, location=None, endpoint=f"{moved.emulator.url}/vertex"
        ) as target,
    ):
        assert target.provider.identity == "vertex:projects/elsewhere/locations/us-central1"
        abandon(stand(source, target))
    moved.migrate()
    assert_complete(moved)


def test_giving_up_the_migration_of_another_state(moved: Moved) -> None:
    lose_calls(moved)
    path = moved.directory / "state" / "default.json"
    path.write_text(json.dumps({**moved.state(), "lineage": "other"}), encoding="utf-8")
    with pytest.raises(StateForeign, match="of another state"):
        moved.migrate()
    with moved.prepared() as prepared:
        abandon(prepared)
    assert not list(moved.directory.glob("state/*.migrating*"))
