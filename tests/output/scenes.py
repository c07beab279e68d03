"""Plans to render, made by the planner of worlds in which things happened."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from automl_plan.config.configuration import ProviderSettings
from automl_plan.model.address import dataset_address, model_address
from automl_plan.model.contacts import Contact, ContactKind, contact_of
from automl_plan.model.desired import Desired, OnSourceChange
from automl_plan.model.model_types import Problem
from automl_plan.model.notices import Mailing, NoticeKind, Receiver, Tls, Way
from automl_plan.model.recorded import RecordedOperation, RecordedResource, Step
from automl_plan.model.source_data import SourceData
from automl_plan.model.transitions import with_operation
from automl_plan.planning.forecast import Forecast
from automl_plan.planning.options import PlanMode, PlanOptions
from automl_plan.planning.plan import Action, Change, Difference, Drift, Plan
from automl_plan.recovery.interrupted_calls import Finding, Verdict
from automl_plan.workspace.bound_plan import BoundPlan
from tests.planning.worlds import World, dataset, desired, model

FIRST = "v1:" + "ab" * 32
SECOND = "v1:" + "cd" * 32
DATASET = dataset(labels={"team": "vision"}, sources=("data/digits.csv",), data=FIRST)
MODEL = model(labels={"team": "vision"})
DIGITS = desired(DATASET, MODEL)

HOSTILE = "\x1b[2J\x1b[31mPlan:\x1b[0m 0 to delete.\r\nNo changes.\u202e\x07"
"""Clears the screen, changes the colour, fakes our lines, turns the direction, rings."""


def bound(plan: Plan, wanted: Desired, mode: PlanMode = PlanMode.NORMAL) -> BoundPlan:
    """A plan with all that rendering looks at."""
    return BoundPlan(
        plan=plan,
        options=PlanOptions(mode=mode),
        desired=wanted,
        provider=ProviderSettings("local", {}),
        identity="local:projects/local/locations/us-central1",
        prices_digest="sha256:" + "0" * 64,
        tool_version="0.1.0",
        configuration_digest="sha256:00",
        lineage="lineage",
        serial=1,
        sources={a: SourceData(d.data or "", 1797, 1790) for a, d in wanted.datasets.items()},
    )


def applied(wanted: Desired = DIGITS) -> World:
    world = World()
    world.apply(wanted)
    return world


def _planned(world: World, wanted: Desired, mode: PlanMode = PlanMode.NORMAL) -> BoundPlan:
    return bound(world.plan(wanted, PlanOptions(mode=mode)), wanted, mode)


def create() -> BoundPlan:
    return _planned(World(), DIGITS)


def create_object_detection() -> BoundPlan:
    detection = {"problem": Problem.IMAGE_OBJECT_DETECTION}
    wanted = desired(
        dataset("boxes", **detection, classification_type=None, description="Parcels\non a belt"),
        model(
            "boxes",
            of="boxes",
            **detection,
            model_type="cloud-high-accuracy-1",
            train_budget_milli_node_hours=20_000,
            node_count=None,
        ),
    )
    return _planned(World(), wanted)


def update() -> BoundPlan:
    wanted = desired(
        replace(DATASET, labels={"team": "research", "stage": "test"}, description="Digits"),
        replace(MODEL, display_name="numbers", labels={}, node_count=2),
    )
    return _planned(applied(), wanted)


def contacts() -> BoundPlan:
    """What is run and contacted, in each way, and by hostile settings."""
    every = frozenset(NoticeKind)
    mailing = Mailing("smtp.example.com", 587, Tls.STARTTLS, "a@b.example", ("c@d.example",))
    log_in = replace(mailing, username_env="USER", password_env="KEY", ca_file="ca.pem")
    receivers = (
        Receiver("page", Way.COMMAND, frozenset({NoticeKind.FAILED}), command=("./page", "a b")),
        Receiver("evil", Way.COMMAND, every, command=("sh", "-c", HOSTILE)),
        Receiver("hook", Way.WEBHOOK, every, url="https://ops.example.com/T0/s3cr3t"),
        Receiver("host", Way.WEBHOOK, every, url="https://ops.example.com", secret_env="KEY"),
        Receiver("env", Way.WEBHOOK, every, url_env="HOOK"),
        Receiver("team", Way.SLACK, every, url_env="SLACK"),
        Receiver("mail", Way.EMAIL, every, mailing=mailing),
        Receiver("login", Way.EMAIL, every, mailing=log_in),
    )
    own = (
        Contact("provider.vertex.endpoint", ContactKind.SERVICE, "http://127.0.0.1:8080/vertex"),
        Contact("STORAGE_EMULATOR_HOST", ContactKind.STORAGE, "http://127.0.0.1:8080"),
        Contact("provider.vertex.staging_bucket", ContactKind.STAGING, "gs://ours/staging"),
    )
    return replace(no_changes(), contacts=(*own, *map(contact_of, receivers)))


def retrain() -> BoundPlan:
    return _planned(applied(), desired(DATASET, replace(MODEL, train_budget_milli_node_hours=9000)))


def replace_dataset() -> BoundPlan:
    return _planned(applied(), desired(replace(DATASET, data=SECOND), MODEL))


def append_data() -> BoundPlan:
    appended = replace(DATASET, data=SECOND, on_source_change=OnSourceChange.APPEND)
    return _planned(applied(), desired(appended, MODEL))


def delete_model() -> BoundPlan:
    return _planned(applied(), desired(DATASET))


def destroy() -> BoundPlan:
    return _planned(applied(), DIGITS, PlanMode.DESTROY)


def undeploy() -> BoundPlan:
    return _planned(applied(), desired(DATASET, replace(MODEL, node_count=None)))


def no_changes() -> BoundPlan:
    return _planned(applied(), DIGITS)


def nothing_to_destroy() -> BoundPlan:
    return _planned(World(), DIGITS, PlanMode.DESTROY)


def _drifted() -> World:
    world = applied()
    (dataset_id,) = world.datasets
    world.datasets[dataset_id] = replace(world.datasets[dataset_id], labels={"team": "sales"})
    world.models.clear()
    return world


def drift() -> BoundPlan:
    return _planned(_drifted(), DIGITS)


def refresh_only() -> BoundPlan:
    return _planned(_drifted(), DIGITS, PlanMode.REFRESH_ONLY)


def refresh_only_without_drift() -> BoundPlan:
    return _planned(applied(), DIGITS, PlanMode.REFRESH_ONLY)


def _while_training(wanted: Desired) -> BoundPlan:
    world = applied(desired(DATASET))
    running = RecordedOperation(
        Step.TRAIN,
        token="0" * 32,
        started="2026-01-01T00:00:00Z",
        id="ICN77",
        attributes={
            k: v for k, v in MODEL.attributes(DATASET).items() if k not in ("deploy", "data")
        },
        dataset_id=next(iter(world.datasets)),
    )
    world.resources[MODEL.address] = with_operation(RecordedResource(MODEL.address), running)
    return _planned(world, wanted)


def cut_off() -> BoundPlan:
    """A run was cut off while it sent three calls: one arrived, one didn't, one is not known."""
    world = applied(desired(DATASET))
    intent = RecordedOperation(
        Step.TRAIN,
        "t",
        "2026-01-01T00:00:00Z",
        attributes=MODEL.attributes(DATASET) | {"deploy": None},
        dataset_id="D1",
    )
    record = RecordedResource(model_address("digits"))
    world.resources[model_address("digits")] = with_operation(record, intent)
    made = replace(intent, step=Step.CREATE, token="u")
    found = (
        (dataset_address("digits"), Finding(made, Verdict.ARRIVED, HOSTILE)),
        (dataset_address("other"), Finding(made, Verdict.NEVER)),
        (model_address("digits"), Finding(intent, Verdict.OPEN)),
    )
    return replace(_planned(world, DIGITS), found=found)


def forecast() -> BoundPlan:
    """How long it takes is known in part: of trainings, of too few imports, of what runs."""
    planned = retrain()
    data = append_data()
    resumed = replace(resume(), forecasts={})
    changes = (*planned.plan.changes, *data.plan.changes, *resumed.plan.changes)
    times = {
        Action.RETRAIN: Forecast(4800.0, 3300.0, 7790.0, 23, Step.TRAIN),
        Action.IMPORT_DATA: Forecast(42.0, None, None, 3, Step.IMPORT_DATA),
        Action.RESUME: Forecast(640.0, 31.5, 3601.0, 12, Step.TRAIN),
    }
    forecasts = {c.key: times[c.action] for c in changes if c.action in times}
    plan = replace(planned.plan, changes=changes)
    return replace(bound(plan, data.desired), forecasts=forecasts)


def no_history() -> BoundPlan:
    """The first plan of all: nothing was trained or imported yet."""
    planned = create()
    unknown = (Action.TRAIN, Action.IMPORT_DATA)
    forecasts = {c.key: None for c in planned.plan.changes if c.action in unknown}
    return replace(planned, forecasts=forecasts)


def resume() -> BoundPlan:
    return _while_training(DIGITS)


def cancel() -> BoundPlan:
    return _while_training(desired(DATASET))


def cancel_and_train() -> BoundPlan:
    return _while_training(desired(DATASET, replace(MODEL, train_budget_milli_node_hours=9000)))


def hostile() -> BoundPlan:
    """Everything that comes from outside is hostile, as in a plan file that somebody sent."""
    address, other = dataset_address("digits"), model_address("digits")
    plan = Plan(
        changes=(
            Change(
                address,
                Action.CREATE,
                HOSTILE,
                differences=(Difference(HOSTILE, HOSTILE, HOSTILE),),
                after={HOSTILE: {HOSTILE: HOSTILE}},
            ),
            Change(address, Action.IMPORT_DATA, ""),
            Change(other, Action.UPDATE, "", differences=(Difference(HOSTILE, 1, HOSTILE),)),
            Change(other, Action.RESUME, HOSTILE, operation_id=HOSTILE),
            Change(other, Action.DELETE, HOSTILE, object_id=HOSTILE),
        ),
        drift=(Drift(other, HOSTILE, gone=False, differences=(Difference("x", HOSTILE, None),)),),
    )
    return bound(plan, desired(dataset(sources=(HOSTILE,), data=HOSTILE)))


SCENES: tuple[Callable[[], BoundPlan], ...] = (
    create,
    create_object_detection,
    update,
    retrain,
    replace_dataset,
    append_data,
    delete_model,
    destroy,
    undeploy,
    no_changes,
    nothing_to_destroy,
    drift,
    refresh_only,
    refresh_only_without_drift,
    cut_off,
    resume,
    cancel,
    cancel_and_train,
    hostile,
    forecast,
    no_history,
    contacts,
)
