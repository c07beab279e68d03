"""Requests for online predictions, and what the answers of both APIs say."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from automl_plan.errors import ProviderError
from automl_plan.model.evaluation import ImageResult, Resembled
from automl_plan.model.json import Json
from automl_plan.model.live import LiveModel
from automl_plan.model.predictions import Box, Prediction
from automl_plan.providers.google.json_fields import items, mapping, number
from automl_plan.providers.google.transport import HttpTransport

MOST = 100
"""Predictions of an image that are requested."""


def automl_body(image: bytes) -> dict[str, Json]:
    """Return the body of models.predict (proto: PredictRequest), for any score."""
    payload: dict[str, Json] = {"image": {"imageBytes": _encoded(image)}}
    return {"payload": payload, "params": {"score_threshold": "0"}}


def vertex_body(image: bytes) -> dict[str, Json]:
    """Return the body of endpoints.predict (schemata of image instances and parameters)."""
    parameters: dict[str, Json] = {"confidenceThreshold": 0.0, "maxPredictions": MOST}
    return {"instances": [{"content": _encoded(image)}], "parameters": parameters}


def predict_with_model(
    transport: HttpTransport, parent: str, model: LiveModel, image: bytes
) -> list[Prediction]:
    """Return what a model of AutoML predicts."""
    path = f"/v1/{parent}/models/{quote(model.id, safe='')}:predict"
    return of_annotations(transport.repeatable("POST", path, automl_body(image)))


def predict_at_endpoint(
    transport: HttpTransport, parent: str, model: LiveModel, image: bytes
) -> list[Prediction]:
    """Return what a model of Vertex AI predicts at the endpoint where it gets most requests.

    Who answers there is drawn by the traffic: another model that answers is an error.
    """
    if not model.endpoints:
        raise ProviderError(f"The model {model.id} is not deployed.")
    at = max(model.endpoints, key=lambda each: (each.share_of([model.id]), each.id))
    path = f"/v1/{parent}/endpoints/{quote(at.id, safe='')}:predict"
    answer = transport.repeatable("POST", path, vertex_body(image))
    ours = {each.id for each in at.deployed if each.model_id == model.id}
    if answer.get("deployedModelId") not in ours:
        share = at.share_of([model.id])
        raise ProviderError(
            f"Another model answered at the endpoint {at.id}: {model.id} gets {share} % of its "
            "requests.",
            hint="Give it all of them, or deploy it at an endpoint of its own.",
        )
    return of_instance(answer)


def _encoded(image: bytes) -> str:
    return base64.b64encode(image).decode()


def of_annotations(answer: Mapping[str, Any]) -> list[Prediction]:
    """Return what a PredictResponse of AutoML has (proto: AnnotationPayload)."""
    found = []
    for each in map(mapping, items(answer.get("payload"))):
        detection = mapping(each.get("imageObjectDetection"))
        said = detection or mapping(each.get("classification"))
        corners = items(mapping(detection.get("boundingBox")).get("normalizedVertices"))
        box = None
        if corners:
            xs = [_number(mapping(corner).get("x", 0)) for corner in corners]
            ys = [_number(mapping(corner).get("y", 0)) for corner in corners]
            box = Box(min(xs), min(ys), max(xs), max(ys))
        found.append(Prediction(str(each.get("displayName")), _number(said.get("score", 0)), box))
    return _best_first(found)


def of_instance(answer: Mapping[str, Any]) -> list[Prediction]:
    """Return what a PredictResponse of Vertex AI has for its only instance (its schemata)."""
    said = mapping(next(iter(items(answer.get("predictions"))), None))
    names, scores = items(said.get("displayNames")), items(said.get("confidences"))
    places = items(said.get("bboxes")) or [None] * len(names)
    if not len(names) == len(scores) == len(places):
        raise ProviderError("The service answers with labels and scores of different numbers.")
    return _best_first(
        Prediction(str(name), _number(score), _box(place))
        for name, score, place in zip(names, scores, places, strict=True)
    )


def image_result(answer: Mapping[str, Any]) -> ImageResult:
    """Return what the embedded service kept of a TEST image, by a method of its own."""
    scores = map(mapping, items(answer.get("scores")))
    nearest = map(mapping, items(answer.get("nearest")))
    return ImageResult(
        uri=str(answer.get("uri")),
        sha256=str(answer.get("sha256")),
        labels=_texts(answer.get("labels")),
        predicted=_texts(answer.get("predicted")),
        wrong=_texts(answer.get("wrong")),
        scores=tuple(Prediction(str(s.get("label")), _number(s.get("score"))) for s in scores),
        nearest=tuple(
            Resembled(
                uri=str(each.get("uri")),
                sha256=str(each.get("sha256")),
                labels=_texts(each.get("labels")),
                similarity=_number(each.get("similarity")),
            )
            for each in nearest
        ),
    )


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(str, items(value)))


def _box(place: object) -> Box | None:
    """A box is [xMin, xMax, yMin, yMax] (schema: ImageObjectDetectionPredictionResult)."""
    if place is None:
        return None
    sides = [_number(side) for side in items(place)]
    if len(sides) != 4:
        raise ProviderError("The service answers with a box that has not four sides.")
    return Box(sides[0], sides[2], sides[1], sides[3])


def _number(value: object) -> float:
    found = number(value)
    if found is None:
        raise ProviderError("The service answers with a number that is none.")
    return found


def _best_first(found: Iterable[Prediction]) -> list[Prediction]:
    return sorted(found, key=lambda each: (-each.score, each.label))
