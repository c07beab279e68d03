"""AutoML v1: online prediction. Messages: prediction_service.proto, data_items.proto."""

from collections.abc import Mapping, Sequence

from automl_plan.emulator.automl.names import number_of, scope_of
from automl_plan.emulator.engine import Engine
from automl_plan.emulator.errors import Code, ServiceError, invalid
from automl_plan.emulator.http import Reply, Request, json_reply
from automl_plan.emulator.training.types import ImageUnreadable, Prediction, Problem
from automl_plan.emulator.wire.messages import body_fields
from automl_plan.emulator.wire.requests import check_query, omit_empty

_DEFAULT_THRESHOLD = 0.5
_DEFAULT_BOXES, _MAX_BOXES = 100, 500
MAX_IMAGE_BYTES = 30_000_000
"""proto: ExamplePayload.image, up to 30 MB."""


class AutomlPredictions:
    """models.predict and models.batchPredict."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def predict(self, request: Request) -> Reply:
        """Return the labels whose score reaches `score_threshold`, best first."""
        check_query(request)
        scope, number = scope_of(request.params), number_of(request.params["model"])
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
        threshold = _number(params, "score_threshold", _DEFAULT_THRESHOLD, 1.0)
        boxes = _number(params, "max_bounding_box_count", _DEFAULT_BOXES, _MAX_BOXES)
        model = self._engine.models.get(scope, number)
        try:
            predictions = self._engine.models.predict(scope, number, octets)
        except ImageUnreadable as error:
            raise invalid(("payload.image.image_bytes", str(error))) from error
        best = sorted(predictions, key=lambda each: -each.score)
        chosen = [each for each in best if each.score >= threshold]
        if model.problem is Problem.IMAGE_OBJECT_DETECTION:
            chosen = chosen[: int(boxes)]
        ids = {label: spec_id for spec_id, label in model.specs}
        return json_reply(_render(chosen, ids))

    def batch_predict(self, request: Request) -> Reply:
        """Refuse batch prediction, which the emulator doesn't have."""
        self._engine.models.get(scope_of(request.params), number_of(request.params["model"]))
        raise ServiceError(
            Code.UNIMPLEMENTED,
            "The emulator has no batch prediction. Use models.predict, one image at a time.",
        )


def _render(predictions: Sequence[Prediction], ids: Mapping[str, int]) -> dict[str, object]:
    payload = []
    for each in predictions:
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
    return omit_empty({"payload": payload})


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
