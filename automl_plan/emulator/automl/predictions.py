"""AutoML v1: online and batch prediction. Messages: prediction_service.proto, data_items.proto,
io.proto."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import cast

from automl_plan.emulator.automl.names import number_of, scope_of
from automl_plan.emulator.automl.operations import operation_reply
from automl_plan.emulator.batches import (
    MAX_IMAGE_BYTES,
    Instance,
    NewBatch,
    file_name,
    json_objects,
)
from automl_plan.emulator.engine import Engine
from automl_plan.emulator.errors import Code, ServiceError, invalid
from automl_plan.emulator.http import Reply, Request, json_reply
from automl_plan.emulator.objects import Api, Failure, Model, Operation, Scope
from automl_plan.emulator.training.types import ImageUnreadable, Prediction, Problem
from automl_plan.emulator.wire.messages import body_fields
from automl_plan.emulator.wire.requests import check_query, omit_empty

_DEFAULT_THRESHOLD = 0.5
_DEFAULT_BOXES, _MAX_BOXES = 100, 500


class BatchFiles:
    """The files that a batch prediction reads and writes (proto: BatchPredictInputConfig and
    BatchPredictOutputConfig)."""

    def read(self, uri: str, content: bytes) -> Iterator[Instance]:
        """Yield the image of each row of a CSV file, or of each JSON line with a `content`."""
        if uri.endswith(".jsonl"):
            for place, line in json_objects(uri, content):
                yield _instance(line.get("content"), place)
            return
        try:
            for number, row in enumerate(csv.reader(io.StringIO(content.decode("utf-8-sig"))), 1):
                if row:
                    yield _instance(row[0].strip(), f"{uri}: Row {number}")
        except (UnicodeDecodeError, csv.Error) as error:
            raise ServiceError(Code.INVALID_ARGUMENT, f"{uri}: It is no CSV: {error}.") from error

    def folder(self, operation: Operation, model: Model) -> str:
        """Return `prediction-<model display name>-<time of the call>`."""
        called = operation.created.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        return f"prediction-{file_name(model.display_name)}-{called}"

    def files(self, model: Model) -> tuple[str, str]:
        """Return the names of the only file of each."""
        return f"{model.problem}_1.jsonl", "errors_1.jsonl"

    def prediction(
        self, instance: Instance, found: Sequence[Prediction], model: Model, asked: object
    ) -> object:
        """Return the image's URI as its ID, with its annotations."""
        params = cast("Mapping[str, str]", cast("Mapping[str, object]", asked)["params"])
        annotations = _annotations(found, model, *_parameters(params))
        return {"ID": instance.shown, "annotations": annotations}

    def error(self, instance: Instance, failure: Failure) -> object:
        """Return the image's URI as its ID, with its error."""
        return {"ID": instance.shown, "error": failure._asdict()}


def _instance(uri: object, place: str) -> Instance:
    if isinstance(uri, str) and uri.startswith("gs://"):
        return Instance(uri, uri)
    return Instance("", uri, f"{place}: It must name an image by its gs:// URI.")


class AutomlPredictions:
    """models.predict and models.batchPredict."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        engine.batches.register(Api.AUTOML, BatchFiles())

    def predict(self, request: Request) -> Reply:
        """Return the labels whose score reaches `score_threshold`, best first."""
        scope, number = scope_of(request.params), number_of(request.params["model"])
        predict = partial(self._engine.models.predict, scope, number)
        return predicted(self._engine, request, scope, number, predict)

    def batch_predict(self, request: Request) -> Reply:
        """Start to predict the images of a list, with a model that need not be deployed."""
        check_query(request)
        scope, number = scope_of(request.params), number_of(request.params["model"])
        body = body_fields(request, "")
        read, written = body.message("inputConfig"), body.message("outputConfig")
        params = body.mapping("params")
        source = read.message("gcsSource") if read else None
        destination = written.message("gcsDestination") if written else None
        uris = source.texts("inputUris") if source else []
        prefix = destination.text("outputUriPrefix") if destination else ""
        for each in (source, destination, read, written, body):
            if each is not None:
                each.finish()
        _parameters(params)
        request_kept = {"params": params, "uris": uris}
        new = NewBatch(model_id=number, uris=uris, output=prefix, request=request_kept)
        return operation_reply(self._engine.batches.create(scope, new))


def predicted(
    engine: Engine,
    request: Request,
    scope: Scope,
    number: int,
    predict: Callable[[bytes], Sequence[Prediction]],
) -> Reply:
    """Return a PredictResponse message for the image of a PredictRequest."""
    check_query(request)
    body = body_fields(request, "")
    payload = body.message("payload")
    params = body.mapping("params")
    if payload is None:
        raise invalid(("payload.payload", "Required field not set."))
    image = payload.message("image")
    if image is None:
        raise invalid(("payload.payload", "Required field not set."))
    octets = image.octets("imageBytes")
    image.ignore("thumbnailUri")
    for each in (image, payload, body):
        each.finish()
    if not octets:
        raise invalid(("payload.image.image_bytes", "Required field not set."))
    if len(octets) > MAX_IMAGE_BYTES:
        limit = f"An image has at most {MAX_IMAGE_BYTES} bytes."
        raise invalid(("payload.image.image_bytes", limit))
    threshold, boxes = _parameters(params)
    model = engine.models.get(scope, number)
    try:
        predictions = predict(octets)
    except ImageUnreadable as error:
        raise invalid(("payload.image.image_bytes", str(error))) from error
    annotations = _annotations(predictions, model, threshold, boxes)
    said = {"metadata": {"simulated": "true"}} if model.simulated else {}
    return json_reply(omit_empty({"payload": annotations, **said}))


def _parameters(params: Mapping[str, str]) -> tuple[float, int]:
    """The least score, and the most boxes of an image."""
    threshold = _number(params, "score_threshold", _DEFAULT_THRESHOLD, 1.0)
    return threshold, int(_number(params, "max_bounding_box_count", _DEFAULT_BOXES, _MAX_BOXES))


def _annotations(
    predictions: Sequence[Prediction], model: Model, threshold: float, boxes: int
) -> list[dict[str, object]]:
    """The AnnotationPayload messages of an image, best first."""
    best = sorted(predictions, key=lambda each: -each.score)
    chosen = [each for each in best if each.score >= threshold]
    if model.problem is Problem.IMAGE_OBJECT_DETECTION:
        chosen = chosen[:boxes]
    ids = {label: spec_id for spec_id, label in model.specs}
    payload = []
    for each in chosen:
        found: dict[str, object] = {
            "annotationSpecId": str(ids[each.label]),
            "displayName": each.label,
        }
        score = omit_empty({"score": each.score})
        if each.box is None:
            found["classification"] = score
        else:
            corners = ((each.box.x_min, each.box.y_min), (each.box.x_max, each.box.y_max))
            vertices = [omit_empty({"x": x, "y": y}) for x, y in corners]
            found["imageObjectDetection"] = {
                "boundingBox": {"normalizedVertices": vertices},
                **score,
            }
        payload.append(found)
    return payload


def _number(params: Mapping[str, str], name: str, default: float, maximum: float) -> float:
    text = params.get(name)
    if text is None:
        return default
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= maximum:
        raise invalid((f"params.{name}", f"It must be a number between 0 and {maximum:g}."))
    return number
