"""Vertex AI v1: batch predictions. Messages: batch_prediction_job.proto, job_service.proto."""

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from automl_plan.emulator.batches import Instance, NewBatch, file_name, json_objects
from automl_plan.emulator.engine import Engine
from automl_plan.emulator.errors import invalid
from automl_plan.emulator.http import Reply, Request
from automl_plan.emulator.objects import Api, Failure, Model, Operation, OperationKind, Scope
from automl_plan.emulator.readings import (
    BATCH_FAILURES,
    BATCH_FILE_NAMES,
    BATCH_RESOURCES,
)
from automl_plan.emulator.sql_filters import Term
from automl_plan.emulator.training.types import Prediction
from automl_plan.emulator.vertex import filters
from automl_plan.emulator.vertex.names import check_named, model_key, scope_of
from automl_plan.emulator.vertex.operations import JobMethods, operation_reply
from automl_plan.emulator.vertex.predictions import read_parameters, render
from automl_plan.emulator.vertex.states import state_of, state_term, state_value
from automl_plan.emulator.wire.messages import Fields, body_fields
from automl_plan.emulator.wire.names import parent, read_number
from automl_plan.emulator.wire.operations import failures_json
from automl_plan.emulator.wire.requests import (
    check_query,
    enums_as_numbers,
    omit_empty,
    timestamp,
)

_STATE = "JOB_STATE_"
_FORMAT = "jsonl"
_MIME_TYPES = frozenset(
    {
        *("image/jpeg", "image/gif", "image/png", "image/webp", "image/bmp", "image/tiff"),
        "image/vnd.microsoft.icon",
    }
)
"""The schema of image instances: ImageClassificationPredictionInstance.mimeType."""
_OUTPUT_FIELDS = (
    *("name", "modelVersionId", "outputInfo", "state", "error", "partialFailures"),
    *("resourcesConsumed", "completionStats", "createTime", "startTime", "endTime", "updateTime"),
    *("satisfiesPzs", "satisfiesPzi"),
)
_IGNORED = ("disableContainerLogging", "manualBatchTuningParameters")
"""Without effect on AutoML models."""


class BatchFiles:
    """The JSON Lines that a batch prediction reads and writes."""

    def __init__(self, engine: Engine) -> None:
        self._digits = 5 if engine.readings[BATCH_FILE_NAMES] == "five-digits" else 4

    def read(self, uri: str, content: bytes) -> Iterator[Instance]:
        """Yield an instance for each line. Raises ServiceError for lines that are no objects."""
        for place, line in json_objects(uri, content):
            yield _instance(line, place)

    def folder(self, operation: Operation, model: Model) -> str:
        """Return `prediction-<model display name>-<create time>`."""
        return f"prediction-{file_name(model.display_name)}-{timestamp(operation.created)}"

    def files(self, model: Model) -> tuple[str, str]:  # noqa: ARG002 - AutoML's have its kind
        """Return the names of the only file of each."""
        number = "1".zfill(self._digits)
        return f"predictions_{number}.jsonl", f"errors_{number}.jsonl"

    def prediction(
        self, instance: Instance, found: Sequence[Prediction], model: Model, asked: object
    ) -> object:
        """Return the instance with its prediction."""
        job = cast("Mapping[str, object]", cast("Mapping[str, object]", asked)["job"])
        parameters = Fields(cast("Mapping[str, object]", job.get("modelParameters", {})), "")
        return {
            "instance": instance.shown,
            "prediction": render(found, *read_parameters(parameters), model),
        }

    def error(self, instance: Instance, failure: Failure) -> object:
        """Return the instance with its error."""
        return {"instance": instance.shown, "error": failure._asdict()}


def _instance(given: Mapping[str, object], place: str) -> Instance:
    content, mime_type = given.get("content"), given.get("mimeType")
    shown = {k: v for k, v in given.items() if k in ("content", "mimeType") and isinstance(v, str)}
    fault = ""
    if not isinstance(content, str) or not content.startswith("gs://"):
        fault = f"{place}: The content must be the gs:// URI of an image."
    elif not isinstance(mime_type, str) or mime_type not in _MIME_TYPES:
        fault = f"{place}: The mimeType must be one of {', '.join(sorted(_MIME_TYPES))}."
    return Instance(str(content), shown, fault)


class VertexBatches(JobMethods):
    """The methods under `…/batchPredictionJobs`."""

    list_field = "batchPredictionJobs"
    kind = OperationKind.BATCH_PREDICT

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._partial = engine.readings[BATCH_FAILURES] == "partial"
        engine.batches.register(Api.VERTEX, BatchFiles(engine))

    def create(self, request: Request) -> Reply:
        """Start a batch prediction; reply with its job."""
        check_query(request)
        scope = scope_of(request.params)
        new = _new_batch(self._engine, scope, body_fields(request, "batch_prediction_job"))
        return self.reply(request, self._engine.batches.create(scope, new))

    def terms(self, request: Request) -> Sequence[Term]:
        return filters.read_filter(
            request,
            {
                "display_name": filters.text(
                    "json_extract(spec, '$.asked.display_name')", wildcard=True
                ),
                "model_display_name": filters.text("json_extract(spec, '$.display_name')"),
                "state": state_term(_STATE, partial=self._partial),
                "create_time": filters.created,
                "labels": filters.labels("json_extract(spec, '$.asked.labels')"),
            },
        )

    def delete(self, request: Request) -> Reply:
        """Delete the record of a job that is done."""
        check_query(request)
        job = self.job(request)
        return operation_reply(self._engine.batches.delete(job.scope, job.id))

    def job(self, request: Request) -> Operation:
        number = read_number(request.params["job"])
        return self._engine.batches.get(scope_of(request.params), number)

    def render(
        self, request: Request, scope: Scope, jobs: Sequence[Operation]
    ) -> Sequence[Mapping[str, object]]:
        return [self._render(request, scope, job) for job in jobs]

    def _render(self, request: Request, scope: Scope, job: Operation) -> dict[str, object]:
        """A BatchPredictionJob message."""
        asked = cast("Mapping[str, object]", job.spec["asked"])
        state = state_of(job, partial=self._partial)
        stats = None
        if job.counts is not None:
            counted = zip(("successfulCount", "failedCount"), job.counts, strict=False)
            stats = {name: str(count) for name, count in counted if count}
        written = {"gcsOutputDirectory": job.output.rstrip("/")} if job.output else None
        consumed = None
        if job.counts is not None and self._engine.readings[BATCH_RESOURCES] == "reported":
            consumed = {"replicaHours": cast("int", job.spec["budget"]) / 1000}
        return omit_empty(
            {
                "name": f"{parent(scope)}/batchPredictionJobs/{job.id}",
                **cast("Mapping[str, object]", asked["job"]),
                "modelVersionId": str(job.spec.get("version", 1)),
                "outputInfo": written,
                "state": state_value(_STATE, state, enums=enums_as_numbers(request)),
                "error": None if job.error is None else job.error._asdict(),
                "partialFailures": failures_json(job),
                "resourcesConsumed": consumed,
                "completionStats": stats,
                "createTime": timestamp(job.created),
                "startTime": timestamp(job.started) if job.started else None,
                "endTime": timestamp(job.updated) if job.done else None,
                "updateTime": timestamp(job.updated),
            }
        )


def _new_batch(engine: Engine, scope: Scope, fields: Fields) -> NewBatch:
    fields.ignore(*_OUTPUT_FIELDS, *_IGNORED)
    display_name, labels = fields.text("displayName"), fields.mapping("labels")
    model = fields.text("model")
    parameters = fields.message("modelParameters")
    source, output = fields.message("inputConfig"), fields.message("outputConfig")
    fields.finish()
    check_named(engine.readings, "batch_prediction_job", display_name, labels)
    read_parameters(parameters)
    if not model:
        raise invalid((fields.path("model"), "Required field not set."))
    uris = _config(fields, source, "inputConfig", "instancesFormat", "gcsSource").texts("uris")
    written = _config(fields, output, "outputConfig", "predictionsFormat", "gcsDestination")
    prefix = written.text("outputUriPrefix")
    job = {
        "displayName": display_name,
        "model": model,
        "inputConfig": {"instancesFormat": _FORMAT, "gcsSource": {"uris": uris}},
        "modelParameters": None if parameters is None else dict(parameters.raw),
        "outputConfig": {
            "predictionsFormat": _FORMAT,
            "gcsDestination": {"outputUriPrefix": prefix},
        },
        "labels": labels or None,
    }
    return NewBatch(
        model_id=model_key(engine, scope, model),
        uris=uris,
        output=prefix,
        request={"display_name": display_name, "labels": labels, "job": omit_empty(job)},
    )


def _config(fields: Fields, config: Fields | None, name: str, form: str, place: str) -> Fields:
    """The place of an input or an output, whose format is JSON Lines in Cloud Storage."""
    if config is None:
        raise invalid((fields.path(name), "Required field not set."))
    written, found = config.text(form), config.message(place)
    config.finish()
    if written not in ("", _FORMAT):  # those of AutoML's image models
        raise invalid((config.path(form), f"The model has the format {_FORMAT} only."))
    for name, given in ((form, written), (place, found)):
        if not given:
            raise invalid((config.path(name), "Required field not set."))
    assert found is not None  # noqa: S101 - as checked
    return found
