"""Vertex AI v1: online prediction. Messages: prediction_service.proto, and the schemata of image
instances, parameters and predictions."""

import base64
from collections.abc import Sequence

from msgspec.structs import replace

from automl_plan.emulator.answer_readings import PROJECT_IN_NAMES
from automl_plan.emulator.engine import Engine
from automl_plan.emulator.errors import Code, ServiceError, invalid
from automl_plan.emulator.http import Reply, Request, encoded, json_reply
from automl_plan.emulator.objects import Model
from automl_plan.emulator.training.types import ImageUnreadable, Prediction, Problem
from automl_plan.emulator.vertex.names import model_name, scope_of
from automl_plan.emulator.wire.messages import Fields, body_fields
from automl_plan.emulator.wire.requests import check_query

_DEFAULT_THRESHOLD = 0.0
_DEFAULT_PREDICTIONS = 10
_MAX_IMAGE_BYTES = 1_500_000
"""Of one online prediction (the API's page on image predictions)."""


class VertexPredictions:
    """endpoints.predict, rawPredict and explain."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def predict(self, request: Request) -> Reply:
        """Return labels for each image, by decreasing confidence."""
        check_query(request)
        return json_reply(self._predict(request, body_fields(request, "")))

    def raw_predict(self, request: Request) -> Reply:
        """Reply to a body like that of `predict`, also one in the `data` of a HttpBody message.

        Google's generated clients wrap it and expect an answer that is wrapped likewise; people
        send and get it as it is. Headers say which model answered.
        """
        check_query(request)
        raw = body_fields(request, "")
        message = raw.message("httpBody")
        known = request.called.message if request.called else None
        predict = known.surface.message("PredictRequest") if known else None
        if message is None:
            answer = self._named(request, Fields(raw.raw, "", predict))
            reply = json_reply(answer)
        else:
            message.text("contentType")
            inner = replace(request, body=message.octets("data"), called=None)
            for each in (message, raw):
                each.finish()
            answer = self._named(request, Fields(body_fields(inner, "").raw, "", predict))
            data = base64.b64encode(encoded(json_reply(answer)).body).decode()
            reply = json_reply({"contentType": "application/json", "data": data})
        headers = {
            "X-Vertex-AI-Endpoint-Id": request.params["endpoint"],
            "X-Vertex-AI-Deployed-Model-Id": str(answer["deployedModelId"]),
            "X-Vertex-AI-Model": str(answer["model"]),
            "X-Vertex-AI-Model-Version-Id": str(answer["modelVersionId"]),
        }
        return replace(reply, headers=headers)

    def explain(self, request: Request) -> Reply:
        """Refuse explanations, of endpoints that exist."""
        check_query(request)
        self._engine.endpoints.get(scope_of(request.params), request.params["endpoint"])
        raise ServiceError(Code.UNIMPLEMENTED, "The embedded service has no explanations.")

    def _named(self, request: Request, body: Fields) -> dict[str, object]:
        """A PredictResponse message that is no answer's content, with the project's name in it."""
        answer = self._predict(request, body)
        if self._engine.readings[PROJECT_IN_NAMES] == "id":
            return answer
        project = request.params["project"]
        number = self._engine.projects.number_of(project)
        name = str(answer["model"]).removeprefix(f"projects/{project}/")
        return answer | {"model": f"projects/{number}/{name}"}

    def _predict(self, request: Request, body: Fields) -> dict[str, object]:
        """A PredictResponse message."""
        instances, parameters = body.messages("instances"), body.message("parameters")
        body.finish()
        if not instances:
            raise invalid(("instances", "Required field not set."))
        threshold, most = read_parameters(parameters)
        images = [_image(instance) for instance in instances]
        scope = scope_of(request.params)
        deployment = self._engine.endpoints.choose_deployment(scope, request.params["endpoint"])
        model = self._engine.models.get(scope, deployment.model_id)
        predictions = []
        for image in images:
            try:
                found = self._engine.models.predict(scope, model.id, image)
            except ImageUnreadable as error:
                raise invalid(("instances", str(error))) from error
            predictions.append(render(found, threshold, most, model))
        return {
            "predictions": predictions,
            "deployedModelId": deployment.id,
            "model": model_name(self._engine.readings, scope, model.family, model.number),
            "modelDisplayName": model.display_name,
            "modelVersionId": str(model.number),
            **({"metadata": {"simulated": True}} if model.simulated else {}),
        }


def read_parameters(parameters: Fields | None) -> tuple[float, int]:
    """Return the least confidence and the most predictions of an image."""
    if parameters is None:
        return _DEFAULT_THRESHOLD, _DEFAULT_PREDICTIONS
    threshold = parameters.number("confidenceThreshold")
    most = parameters.integer("maxPredictions")
    parameters.finish()
    if threshold is not None and not 0 <= threshold <= 1:
        raise invalid(("parameters.confidence_threshold", "It is a number from 0 to 1."))
    if most is not None and most < 1:
        raise invalid(("parameters.max_predictions", "It is at least 1."))
    return threshold or _DEFAULT_THRESHOLD, most or _DEFAULT_PREDICTIONS


def _image(instance: Fields) -> bytes:
    octets = instance.octets("content")
    instance.text("mimeType")
    instance.finish()
    if not octets:
        raise invalid((instance.path("content"), "Required field not set."))
    if len(octets) > _MAX_IMAGE_BYTES:
        limit = f"An image has at most {_MAX_IMAGE_BYTES} bytes."
        raise invalid((instance.path("content"), limit))
    return octets


def render(
    found: Sequence[Prediction], threshold: float, most: int, model: Model
) -> dict[str, object]:
    """Return the prediction of an image, by the schema of its kind of model."""
    ids = {label: number for number, label in model.specs}
    best = sorted(found, key=lambda each: -each.score)
    chosen = [each for each in best if each.score >= threshold][:most]
    shown: dict[str, object] = {
        "ids": [str(ids[each.label]) for each in chosen],
        "displayNames": [each.label for each in chosen],
        "confidences": [each.score for each in chosen],
    }
    if model.problem is Problem.IMAGE_OBJECT_DETECTION:
        shown["bboxes"] = [
            [box.x_min, box.x_max, box.y_min, box.y_max]
            for box in (each.box for each in chosen)
            if box is not None
        ]
    return shown
