"""What can be done with trained models; training one is in `trainings`."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from sqlite3 import Connection
from typing import cast

from msgspec import Struct
from msgspec.structs import replace

from automl_plan import __version__
from automl_plan.emulator.billing import Billing
from automl_plan.emulator.clock import Clock, to_micros
from automl_plan.emulator.errors import Code, ServiceError, not_found, precondition
from automl_plan.emulator.faults import current_call
from automl_plan.emulator.files import FileRefused, Files
from automl_plan.emulator.jobs import Cancellation
from automl_plan.emulator.lifespan import Lifespans, expired, too_old
from automl_plan.emulator.objects import (
    Model,
    ModelEvaluation,
    ObjectKind,
    ObjectRef,
    Operation,
    OperationKind,
    Scope,
)
from automl_plan.emulator.operations import Operations
from automl_plan.emulator.rows import evaluation_of, json_text, model_of, operation_of, select_model
from automl_plan.emulator.sql_filters import Condition, Term
from automl_plan.emulator.store import Page, Store, Window, select_page
from automl_plan.emulator.training.trainer import trainer
from automl_plan.emulator.training.types import Prediction, Problem

_EARLY = 2**62
"""Page tokens above it go on among the trainings, by the row number of their operation."""


def early_models(db: Connection, scope: Scope) -> list[tuple[int, Model]]:
    """What still trains, as models, newest first; with the row numbers of their operations."""
    rows = db.execute(
        "SELECT * FROM operations WHERE api = ? AND project = ? AND location = ? AND kind = ? "
        "AND done = 0 ORDER BY seq DESC",
        (*scope, OperationKind.CREATE_MODEL),
    )
    return [(row["seq"], _untrained(operation_of(row))) for row in rows]


def page_with_early_models(
    db: Connection, scope: Scope, terms: Sequence[Term], window: Window
) -> Page[Model]:
    """A page of models, newest first, in which those that still train come before all others."""
    early: list[tuple[int, Model]] = []
    if window.before is None or window.before > _EARLY:
        before = None if window.before is None else window.before - _EARLY
        early = [
            (seq, model)
            for seq, model in early_models(db, scope)
            if (before is None or seq < before) and all(_fits(model, term) for term in terms)
        ]
        window = Window(window.size)
    if len(early) >= window.size:
        last, _ = early[window.size - 1]
        return Page(tuple(model for _, model in early[: window.size]), _EARLY + last)
    rest = Window(window.size - len(early), window.before)
    rows, more = select_page(db, "models", scope, terms, rest)
    return Page((*(model for _, model in early), *map(model_of, rows)), more)


def _fits(model: Model, term: Term) -> bool:
    """Whether a filter finds the model; those for models compare its columns."""
    if not isinstance(term, Condition):
        return False
    values: dict[str, object] = {"dataset_id": model.dataset_id, "problem": model.problem}
    return (values.get(term.column) == term.value) != term.negated


def _untrained(operation: Operation) -> Model:
    spec, created = operation.spec, operation.created
    return Model(
        id=cast("int", spec["model_id"]),
        scope=operation.scope,
        dataset_id=cast("int", spec["dataset_id"]),
        problem=cast("Problem", operation.problem),
        multilabel=False,
        model_type=cast("str", spec["model_type"]),
        budget_milli_node_hours=cast("int", spec["budget"]),
        base_model_id=cast("int | None", spec["base_model_id"]),
        display_name=cast("str", spec["display_name"]),
        labels=cast("dict[str, str]", spec["labels"]),
        version=1,
        created=created,
        updated=created,
        cost_milli_node_hours=0,
        stop_reason="",
        node_qps=0.0,
        deployed=False,
        node_count=0,
        trainer="",
        specs=(),
    )


NOT_THERE = "The model does not exist."
_DEPLOYING = (OperationKind.DEPLOY_MODEL, OperationKind.DEPLOY_TO_ENDPOINT)


class ModelChange(Struct, frozen=True):
    """New values for a model's fields; None leaves a field as it is."""

    display_name: str | None = None
    labels: Mapping[str, str] | None = None


class Models:
    """The models of all scopes, their evaluations and predictions."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        files: Files,
        operations: Operations,
        billing: Billing,
        lifespans: Lifespans,
    ) -> None:
        self._store = store
        self._clock = clock
        self._files = files
        self._operations = operations
        self._billing = billing
        self._lifespans = lifespans
        operations.register(OperationKind.DELETE_MODEL, self._run_delete)
        operations.register(OperationKind.DEPLOY_MODEL, self._run_deploy)
        operations.register(OperationKind.UNDEPLOY_MODEL, self._run_undeploy)
        operations.register(OperationKind.EXPORT_MODEL, self._run_export)

    def get(self, scope: Scope, model_id: int) -> Model:
        """The model of that id."""
        with self._store.reading() as db:
            self._lifespans.settle()
            model = select_model(db, scope, model_id)
            if model is None and current_call().take("early"):
                found = (early for _, early in early_models(db, scope) if early.id == model_id)
                model = next(found, None)
            return _required(model)

    def list(self, scope: Scope, terms: Sequence[Term], window: Window) -> Page[Model]:
        """Models, newest first."""
        with self._store.reading() as db:
            self._lifespans.settle()
            if current_call().take("early"):
                return page_with_early_models(db, scope, terms, window)
            rows, more = select_page(db, "models", scope, terms, window)
        return Page(tuple(map(model_of, rows)), more)

    def some(self, scope: Scope, model_ids: Collection[int]) -> dict[int, Model]:
        """Those of the models that live, by id."""
        marks = ", ".join("?" * len(model_ids))
        with self._store.reading() as db:
            self._lifespans.settle()
            rows = db.execute(
                f"SELECT * FROM models WHERE id IN ({marks}) "  # noqa: S608 - only marks
                "AND api = ? AND project = ? AND location = ?",
                (*model_ids, *scope),
            )
            return {row["id"]: model_of(row) for row in rows}

    def trainings(self, model_ids: Collection[int]) -> dict[int, int]:
        """The operations that trained these models, by the model's id, where they are kept."""
        marks = ", ".join("?" * len(model_ids))
        with self._store.reading() as db:
            rows = db.execute(
                "SELECT id, result_id FROM operations "  # noqa: S608 - only marks
                f"WHERE result_kind = ? AND kind = ? AND result_id IN ({marks})",
                (ObjectKind.MODEL, OperationKind.CREATE_MODEL, *model_ids),
            )
            return {row["result_id"]: row["id"] for row in rows}

    def update(self, scope: Scope, model_id: int, change: ModelChange, etag: str | None) -> Model:
        """Change fields; with an etag, only if the model is still the one that was read."""
        with self._store.transaction() as db:
            self._lifespans.settle()
            old = _required(select_model(db, scope, model_id))
            if etag and etag != old.etag:
                raise ServiceError(Code.ABORTED, "The etag is not that of the current model.")
            new = replace(
                old,
                display_name=(
                    old.display_name if change.display_name is None else change.display_name
                ),
                labels=old.labels if change.labels is None else change.labels,
                version=old.version + 1,
                updated=self._clock.now(),
            )
            db.execute(
                "UPDATE models SET display_name = ?, labels = ?, version = ?, updated = ? "
                "WHERE id = ?",
                (
                    new.display_name,
                    json_text(dict(new.labels)),
                    new.version,
                    to_micros(new.updated),
                    new.id,
                ),
            )
        return new

    def delete(self, scope: Scope, model_id: int) -> Operation:
        """Delete a model that is not deployed."""

        def check(db: Connection, model: Model) -> None:
            deploying = self._operations.running_on(
                db, ObjectRef(ObjectKind.MODEL, model_id), _DEPLOYING
            )
            if model.deployed or deploying:
                raise precondition(
                    "The model can't be deleted while it is deployed. Undeploy it first."
                )

        return self._begin(scope, model_id, OperationKind.DELETE_MODEL, {}, check)

    def deploy(self, scope: Scope, model_id: int, node_count: int) -> Operation:
        """Deploy on so many nodes, or change their number."""

        def check(_: Connection, model: Model) -> None:
            if expired(model.created, self._clock.now()):
                raise too_old()

        spec = {"node_count": node_count}
        return self._begin(scope, model_id, OperationKind.DEPLOY_MODEL, spec, check)

    def undeploy(self, scope: Scope, model_id: int) -> Operation:
        """Undeploy; without effect on a model that isn't deployed."""
        return self._begin(scope, model_id, OperationKind.UNDEPLOY_MODEL, {})

    def export(self, scope: Scope, model_id: int, export_format: str, uri: str) -> Operation:
        """Write the model into a folder below a gs:// prefix."""
        spec = {"format": export_format, "uri": uri}
        return self._begin(scope, model_id, OperationKind.EXPORT_MODEL, spec)

    def evaluations(
        self, scope: Scope, model_id: int | None, terms: Sequence[Term], window: Window
    ) -> Page[ModelEvaluation]:
        """Evaluations of a model, overall first; of all models when none is named."""
        if model_id is not None:
            self.get(scope, model_id)
            terms = [*terms, Condition("model_id", model_id)]
        with self._store.reading() as db:
            rows, more = select_page(db, "evaluations", scope, terms, window)
        return Page(tuple(map(evaluation_of, rows)), more)

    def evaluation(self, scope: Scope, model_id: int, evaluation_id: int) -> ModelEvaluation:
        """One evaluation of a model."""
        found = self.evaluations(scope, model_id, [Condition("id", evaluation_id)], Window(1))
        if not found.items:
            raise not_found("The model evaluation does not exist.")
        return found.items[0]

    def predict(self, scope: Scope, model_id: int, image: bytes) -> Sequence[Prediction]:
        """Every label (and box) with its score, by a deployed model. Raises ImageUnreadable."""
        model = self.get(scope, model_id)
        if expired(model.created, self._clock.now()):
            raise too_old()
        if not model.deployed:
            raise precondition("The model is not deployed. Deploy it before asking it to predict.")
        return trainer(model.trainer).predict(self._artefact(model_id), image)

    def _artefact(self, model_id: int) -> bytes:
        with self._store.reading() as db:
            row = db.execute(
                "SELECT content FROM artefacts WHERE model_id = ?", (model_id,)
            ).fetchone()
        if row is None:
            raise not_found(NOT_THERE)
        content: bytes = row["content"]
        return content

    def _begin(
        self,
        scope: Scope,
        model_id: int,
        kind: OperationKind,
        spec: Mapping[str, object],
        check: Callable[[Connection, Model], None] | None = None,
    ) -> Operation:
        target = ObjectRef(ObjectKind.MODEL, model_id)

        def prepare(db: Connection) -> tuple[Mapping[str, object], Sequence[ObjectRef]]:
            self._lifespans.settle()
            model = _required(select_model(db, scope, model_id))
            if self._operations.running_on(db, target, [OperationKind.DELETE_MODEL]):
                raise not_found(NOT_THERE)
            if check is not None:
                check(db, model)
            return {"model_id": model_id, **spec}, [target]

        return self._operations.begin(scope, self.get(scope, model_id).problem, kind, prepare)

    def _run_delete(self, operation: Operation, _: Cancellation) -> None:
        with self._store.transaction() as db:
            db.execute("DELETE FROM models WHERE id = ?", (operation.spec["model_id"],))
            self._operations.finish(db, operation)

    def _run_deploy(self, operation: Operation, _: Cancellation) -> None:
        self._set_deployed(operation, cast("int", operation.spec["node_count"]))

    def _run_undeploy(self, operation: Operation, _: Cancellation) -> None:
        self._set_deployed(operation, 0)

    def _set_deployed(self, operation: Operation, node_count: int) -> None:
        model_id = cast("int", operation.spec["model_id"])
        with self._store.transaction() as db:
            self._lifespans.settle()
            model = select_model(db, operation.scope, model_id)
            if model is not None and node_count and expired(model.created, self._clock.now()):
                raise too_old()  # it ended while the operation ran
            if model is not None and model.node_count != node_count:
                db.execute(
                    "UPDATE models SET deployed = ?, node_count = ?, updated = ? WHERE id = ?",
                    (node_count > 0, node_count, to_micros(self._clock.now()), model_id),
                )
                self._billing.deployed(db, operation, model, node_count)
            self._operations.finish(db, operation)

    def _run_export(self, operation: Operation, _: Cancellation) -> None:
        model = self.get(operation.scope, cast("int", operation.spec["model_id"]))
        moment = self._clock.now().strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        try:
            uri, folder = self._files.output_folder(
                cast("str", operation.spec["uri"]), f"model-export-{model.display_name}-{moment}"
            )
        except FileRefused as error:
            raise not_found(str(error)) from error
        manifest = {
            "note": "Exported by the automl-plan emulator: not a file of the format asked for.",
            "emulator_version": __version__,
            "trainer": model.trainer,
            "format_asked_for": operation.spec["format"],
            "model_type": model.model_type,
            "labels": [label for _, label in model.specs],
        }
        if model.trainer != "simulated":
            (folder / "artefact.bin").write_bytes(self._artefact(model.id))
            manifest["artefact"] = "artefact.bin"
        (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", "utf-8")
        with self._store.transaction() as db:
            self._operations.finish(db, operation, output=uri)


def _required(model: Model | None) -> Model:
    if model is None:
        raise not_found(NOT_THERE)
    return model
