"""Trained models: read, change, deploy, export and delete them; their evaluations and predictions.

Training one is in `trainings`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from functools import partial
from operator import attrgetter
from sqlite3 import Connection
from typing import cast

import msgspec

from automl_plan import __version__
from automl_plan.emulator.call_readings import EXPORT_FOLDERS, MODELS_WHILE_TRAINING
from automl_plan.emulator.clock import to_micros
from automl_plan.emulator.errors import not_found, precondition, required
from automl_plan.emulator.faults import current_call
from automl_plan.emulator.files import FileRefused, Files
from automl_plan.emulator.jobs import Cancellation
from automl_plan.emulator.lifespan import expired, too_old
from automl_plan.emulator.objects import (
    Api,
    Change,
    Model,
    ModelEvaluation,
    ObjectKind,
    ObjectRef,
    Operation,
    OperationKind,
    Scope,
)
from automl_plan.emulator.operations import Context, Manager, in_order
from automl_plan.emulator.rows import (
    Page,
    Window,
    apply_change,
    column,
    matches,
    read_model,
    read_operation,
    select,
    select_page,
)
from automl_plan.emulator.sql_filters import Term, equals
from automl_plan.emulator.tested_images import ImageResult, select_results
from automl_plan.emulator.training.trainers import load_trainer
from automl_plan.emulator.training.types import ModelUnusable, Prediction, Problem

NO_MODEL = "The model does not exist."
DEPLOYING = (OperationKind.DEPLOY_MODEL, OperationKind.DEPLOY_TO_ENDPOINT)
_EVERY = Window(1_000)
_IN_TRAINING = 2**62
"""Page tokens above it continue among the models in training, by the row of their operation."""


def model_of_training(operation: Operation, **more: object) -> Model:
    """Return the model that a training creates; `more` are fields that its result sets."""
    fields = {
        **operation.spec,
        "id": operation.spec["model_id"],
        "scope": operation.scope,
        "problem": operation.problem,
        "multilabel": False,
        "is_default": not operation.spec.get("of_parent"),
        "created": operation.created,
        "updated": operation.created,
    }
    return msgspec.convert(fields | more, Model)


def _predicted(trainer: str, artefact: bytes, image: bytes) -> Sequence[Prediction]:
    try:
        return load_trainer(trainer).predict(artefact, image)
    except ModelUnusable as error:
        raise precondition(str(error)) from error


def models_in_training(db: Connection, scope: Scope) -> list[tuple[int, Model]]:
    """Return unfinished trainings as (row number of the operation, model), newest first."""
    rows = db.execute(
        "SELECT * FROM operations WHERE api = ? AND project = ? AND location = ? AND kind = ? "
        "AND done = 0 ORDER BY seq DESC",
        (*scope, OperationKind.CREATE_MODEL),
    )
    return [(row["seq"], model_of_training(read_operation(row))) for row in rows]


def page_with_models_in_training(
    db: Connection, scope: Scope, terms: Sequence[Term], window: Window
) -> Page[Model]:
    """Return a page of models, newest first, with those in training before all others."""
    if window.sorted_by:
        return _ordered_with_models_in_training(db, scope, terms, window)
    training: list[tuple[int, Model]] = []
    if window.before is None or window.before > _IN_TRAINING:
        before = None if window.before is None else window.before - _IN_TRAINING
        training = [
            (seq, model)
            for seq, model in models_in_training(db, scope)
            if (before is None or seq < before) and matches(db, model, terms)
        ]
        window = Window(window.size)
    if len(training) >= window.size:
        last, _ = training[window.size - 1]
        return Page(tuple(model for _, model in training[: window.size]), _IN_TRAINING + last)
    rest = Window(window.size - len(training), window.before)
    trained = select_page(db, Model, scope, terms, rest)
    return Page((*(model for _, model in training), *trained.items), trained.next_before)


def _ordered_with_models_in_training(
    db: Connection, scope: Scope, terms: Sequence[Term], window: Window
) -> Page[Model]:
    """Return a page of models in the order of the window, those in training among the others."""
    first = window.before or 0
    last = first + window.size
    trained = select_page(db, Model, scope, terms, Window(last, sorted_by=window.sorted_by))
    found = [model for _, model in models_in_training(db, scope) if matches(db, model, terms)]
    found += trained.items
    for by, descending in reversed(window.sorted_by):
        name = by if by in ("display_name", "created") else "updated"
        found.sort(key=attrgetter(name), reverse=descending)
    more = len(found) > last or trained.next_before is not None
    return Page(tuple(found[first:last]), last if more else None)


class Models(Manager):
    """The models of all scopes, their evaluations and predictions."""

    def __init__(self, context: Context, files: Files) -> None:
        runners = {
            OperationKind.DELETE_MODEL: self._run_delete,
            OperationKind.DEPLOY_MODEL: self._run_deploy,
            OperationKind.UNDEPLOY_MODEL: self._run_undeploy,
            OperationKind.EXPORT_MODEL: self._run_export,
        }
        super().__init__(context, runners)
        self._files = files

    def get(self, scope: Scope, model_id: int) -> Model:
        """Return the model of that id; the fault `early` also finds those in training."""
        with self._store.reading() as db:
            self._lifespans.settle()
            model = select(db, Model, scope, model_id)
            if model is None and self._lists_trainings(scope):
                training = (each for _, each in models_in_training(db, scope))
                model = next((each for each in training if each.id == model_id), None)
            return required(model, NO_MODEL)

    def list(self, scope: Scope, terms: Sequence[Term], window: Window) -> Page[Model]:
        """Return models, newest first; the fault `early` adds those in training."""
        with self._store.reading() as db:
            self._lifespans.settle()
            terms = [*terms, equals("is_default", 1)]
            if self._lists_trainings(scope):
                return page_with_models_in_training(db, scope, terms, window)
            return select_page(db, Model, scope, terms, in_order(window, self._readings))

    def _lists_trainings(self, scope: Scope) -> bool:
        """Whether get and list have models that are being trained."""
        if current_call().take("early"):
            return True
        return scope.api is Api.AUTOML and self._readings[MODELS_WHILE_TRAINING] == "listed"

    def some(self, scope: Scope, model_ids: Collection[int]) -> dict[int, Model]:
        """Return those of the models that exist, by id."""
        marks = ", ".join("?" * len(model_ids))
        with self._store.reading() as db:
            self._lifespans.settle()
            rows = db.execute(
                f"SELECT * FROM models WHERE id IN ({marks}) "  # noqa: S608 - only marks
                "AND api = ? AND project = ? AND location = ?",
                (*model_ids, *scope),
            )
            return {row["id"]: read_model(row) for row in rows}

    def trainings(self, model_ids: Collection[int]) -> dict[int, int]:
        """Return the ids of the operations that trained these models, by model, where recorded."""
        marks = ", ".join("?" * len(model_ids))
        with self._store.reading() as db:
            rows = db.execute(
                "SELECT id, result_id FROM operations "  # noqa: S608 - only marks
                f"WHERE result_kind = ? AND kind = ? AND result_id IN ({marks})",
                (ObjectKind.MODEL, OperationKind.CREATE_MODEL, *model_ids),
            )
            return {row["result_id"]: row["id"] for row in rows}

    def update(self, scope: Scope, model_id: int, change: Change, etag: str | None) -> Model:
        """Change fields; with an etag, only if it is the current one, of any version."""
        with self._store.transaction() as db:
            self._lifespans.settle()
            old = required(select(db, Model, scope, model_id), NO_MODEL)
            family = [equals("family", old.family)]
            versions = select_page(db, Model, scope, family, _EVERY).items
            etag = old.etag if etag in {each.etag for each in versions} else etag
            new = apply_change(db, old, change, etag, self._clock.now())
            db.execute(  # what belongs to all versions
                "UPDATE models SET display_name = ?, description = ?, labels = ? "
                "WHERE api = ? AND project = ? AND location = ? AND family = ?",
                (new.display_name, new.description, column(new.labels), *scope, new.family),
            )
            return new

    def delete(self, scope: Scope, model_id: int) -> Operation:
        """Delete a model with all of its versions; refused while one is deployed."""
        with self._store.transaction() as db:
            model = self.existing(db, scope, model_id)
            family = [equals("family", model.family)]
            versions = select_page(db, Model, scope, family, _EVERY).items
            targets = [ObjectRef(ObjectKind.MODEL, each.id) for each in versions]
            running_on = self._operations.running_on
            if any(each.deployed for each in versions) or any(
                running_on(db, target, DEPLOYING) for target in targets
            ):
                raise precondition(
                    "The model can't be deleted while it is deployed. Undeploy it first."
                )
            spec = {"model_id": model.id, "family": model.family}
            kind = OperationKind.DELETE_MODEL
            return self._operations.begin(db, scope, kind, model.problem, spec, targets)

    def deploy(self, scope: Scope, model_id: int, node_count: int) -> Operation:
        """Deploy a model on that number of nodes, or change the number."""
        with self._store.transaction() as db:
            model = self.existing(db, scope, model_id)
            if expired(model.created, self._clock.now()):
                raise too_old()
            return self._begin(db, model, OperationKind.DEPLOY_MODEL, node_count=node_count)

    def undeploy(self, scope: Scope, model_id: int) -> Operation:
        """Undeploy a model; without effect if it isn't deployed."""
        with self._store.transaction() as db:
            model = self.existing(db, scope, model_id)
            return self._begin(db, model, OperationKind.UNDEPLOY_MODEL)

    def export(self, scope: Scope, model_id: int, export_format: str, uri: str) -> Operation:
        """Write a model into a folder below a gs:// prefix."""
        with self._store.transaction() as db:
            model = self.existing(db, scope, model_id)
            kind = OperationKind.EXPORT_MODEL
            return self._begin(db, model, kind, format=export_format, uri=uri)

    def evaluations(
        self, scope: Scope, model_id: int | None, terms: Sequence[Term], window: Window
    ) -> Page[ModelEvaluation]:
        """Return the evaluations of a model, or of all models; the overall one is first."""
        if model_id is not None:
            self.get(scope, model_id)
            terms = [*terms, equals("model_id", model_id)]
        with self._store.reading() as db:
            return select_page(db, ModelEvaluation, scope, terms, window)

    def evaluation(self, scope: Scope, model_id: int, evaluation_id: int) -> ModelEvaluation:
        """Return one evaluation of a model."""
        found = self.evaluations(scope, model_id, [equals("id", evaluation_id)], Window(1))
        if not found.items:
            raise not_found("The model evaluation does not exist.")
        return found.items[0]

    def tested_images(self, scope: Scope, model_id: int, window: Window) -> Page[ImageResult]:
        """Return what a model scored for its TEST images; FAILED_PRECONDITION for one without."""
        model = self.get(scope, model_id)
        with self._store.reading() as db:
            return select_results(db, model, window)

    def predict(self, scope: Scope, model_id: int, image: bytes) -> Sequence[Prediction]:
        """Return the labels (and boxes) that a deployed model scores. Raises ImageUnreadable."""
        model = self.get(scope, model_id)
        if expired(model.created, self._clock.now()):
            raise too_old()
        if not model.deployed:
            raise precondition("The model is not deployed. Deploy it before asking it to predict.")
        return self.predictor(scope, model_id)[1](image)

    def predictor(
        self, scope: Scope, model_id: int
    ) -> tuple[Model, Callable[[bytes], Sequence[Prediction]]]:
        """Return a model and what predicts with it, deployed or not. That raises ImageUnreadable.

        The model may be deleted meanwhile.
        """
        model = self.get(scope, model_id)
        return model, partial(_predicted, model.trainer, self._artefact(model_id))

    def _artefact(self, model_id: int) -> bytes:
        with self._store.reading() as db:
            row = db.execute(
                "SELECT content FROM artefacts WHERE model_id = ?", (model_id,)
            ).fetchone()
        if row is None:
            raise not_found(NO_MODEL)
        content: bytes = row["content"]
        return content

    def existing(self, db: Connection, scope: Scope, model_id: int) -> Model:
        """Return the model for a new operation: it exists and isn't being deleted."""
        self._lifespans.settle()
        model, target = select(db, Model, scope, model_id), ObjectRef(ObjectKind.MODEL, model_id)
        if self._operations.running_on(db, target, [OperationKind.DELETE_MODEL]):
            model = None
        return required(model, NO_MODEL)

    def _begin(
        self, db: Connection, model: Model, kind: OperationKind, **spec: object
    ) -> Operation:
        target = ObjectRef(ObjectKind.MODEL, model.id)
        spec = {"model_id": model.id, "family": model.family, **spec}
        return self._operations.begin(db, model.scope, kind, model.problem, spec, [target])

    def _run_delete(self, operation: Operation, _: Cancellation) -> None:
        spec = operation.spec
        with self._store.transaction() as db:
            if "version" in spec or "family" not in spec:
                db.execute("DELETE FROM models WHERE id = ?", (spec["model_id"],))
            else:
                db.execute(
                    "DELETE FROM models WHERE api = ? AND project = ? AND location = ? "
                    "AND family = ?",
                    (*operation.scope, spec["family"]),
                )
            self._operations.finish(db, operation)

    def _run_deploy(self, operation: Operation, cancellation: Cancellation) -> None:
        self._wait_for_nodes(operation, cancellation)
        self._set_deployed(operation, cast("int", operation.spec["node_count"]))

    def _run_undeploy(self, operation: Operation, _: Cancellation) -> None:
        self._set_deployed(operation, 0)

    def _set_deployed(self, operation: Operation, node_count: int) -> None:
        model_id = cast("int", operation.spec["model_id"])
        with self._store.transaction() as db:
            self._lifespans.settle()
            model = select(db, Model, operation.scope, model_id)
            if model is not None and node_count and expired(model.created, self._clock.now()):
                raise too_old()  # it expired while the operation ran
            if model is not None and model.node_count != node_count:
                db.execute(
                    "UPDATE models SET deployed = ?, node_count = ?, updated = ? WHERE id = ?",
                    (node_count > 0, node_count, to_micros(self._updated(model)), model_id),
                )
                self._billing.deployment_changed(db, operation, model, node_count)
            self._operations.finish(db, operation)

    def _export_folder(self, operation: Operation, model: Model, now: str) -> str:
        """The name of the folder that an export is written to."""
        if self._readings[EXPORT_FOLDERS] == "documented":
            return f"model-export-{model.display_name}-{now}"
        form = cast("str", operation.spec["format"])
        if operation.scope.api is Api.VERTEX:
            return f"model-{model.family}/{form.replace('_', '-')}/{now}"
        kind = "iod" if model.problem is Problem.IMAGE_OBJECT_DETECTION else "icn"
        return f"model-export/{kind}/{form}-{model.display_name}-{now}"

    def _run_export(self, operation: Operation, _: Cancellation) -> None:
        model = self.get(operation.scope, cast("int", operation.spec["model_id"]))
        now = self._clock.now().strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        try:
            uri, folder = self._files.output_folder(
                cast("str", operation.spec["uri"]), self._export_folder(operation, model, now)
            )
        except FileRefused as error:
            raise not_found(str(error)) from error
        manifest = {
            "note": "Exported by the automl-plan emulator: not a file of the requested format.",
            "emulator_version": __version__,
            "trainer": model.trainer,
            "format_asked_for": operation.spec["format"],
            "model_type": model.model_type,
            "labels": [label for _, label in model.specs],
        }
        if not model.simulated:
            (folder / "artefact.bin").write_bytes(self._artefact(model.id))
            manifest["artefact"] = "artefact.bin"
        (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", "utf-8")
        with self._store.transaction() as db:
            self._operations.finish(db, operation, output=uri)
