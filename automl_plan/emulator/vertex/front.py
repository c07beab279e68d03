"""The routes of Vertex AI v1 (google/cloud/aiplatform/v1, discovery document aiplatform:v1)."""

from automl_plan.emulator.engine import Engine
from automl_plan.emulator.errors import ServiceError
from automl_plan.emulator.http import (
    Found,
    Reply,
    Request,
    Route,
    error_reply,
    find,
    route,
)
from automl_plan.emulator.vertex.datasets import DatasetMethods
from automl_plan.emulator.vertex.endpoints import EndpointMethods
from automl_plan.emulator.vertex.evaluations import EvaluationMethods
from automl_plan.emulator.vertex.models import ModelMethods
from automl_plan.emulator.vertex.names import LOCATIONS, PREFIX
from automl_plan.emulator.vertex.operations import OperationMethods
from automl_plan.emulator.vertex.pipelines import PipelineMethods
from automl_plan.emulator.vertex.predictions import PredictionMethods
from automl_plan.emulator.wire.requests import LocationMethods

_PROJECT = PREFIX + "/v1/projects/{project}/locations"
_SCOPE = _PROJECT + "/{location}"
_DATASETS, _PIPELINES = f"{_SCOPE}/datasets", f"{_SCOPE}/trainingPipelines"
_MODELS, _ENDPOINTS = f"{_SCOPE}/models", f"{_SCOPE}/endpoints"
_DATASET, _PIPELINE = _DATASETS + "/{dataset}", _PIPELINES + "/{pipeline}"
_MODEL, _ENDPOINT = _MODELS + "/{model}", _ENDPOINTS + "/{endpoint}"
_EVALUATION = _MODEL + "/evaluations/{evaluation}"


class VertexFront:
    """Vertex AI v1 on top of the engine."""

    def __init__(self, engine: Engine) -> None:
        locations = LocationMethods(LOCATIONS)
        self._routes = (
            *_datasets(DatasetMethods(engine)),
            *_pipelines(PipelineMethods(engine)),
            *_models(ModelMethods(engine), EvaluationMethods(engine)),
            *_endpoints(EndpointMethods(engine), PredictionMethods(engine)),
            *_operations(OperationMethods(engine)),
            route("locations.list", "GET", _either(_PROJECT), locations.list),
            route("locations.get", "GET", _either(_SCOPE), locations.get),
        )

    def handler(self, request: Request) -> Found | None:
        """The method that a request calls."""
        return find(self._routes, request) if request.path.startswith(PREFIX) else None

    def error(self, error: ServiceError) -> Reply:
        """The error in the envelope of Google's APIs."""
        return error_reply(error)


def _datasets(methods: DatasetMethods) -> tuple[Route, ...]:
    return (
        route("datasets.create", "POST", _DATASETS, methods.create),
        route("datasets.list", "GET", _DATASETS, methods.list),
        route("datasets.get", "GET", _DATASET, methods.get),
        route("datasets.patch", "PATCH", _DATASET, methods.patch),
        route("datasets.delete", "DELETE", _DATASET, methods.delete),
        route("datasets.import", "POST", f"{_DATASET}:import", methods.import_data),
        route("datasets.export", "POST", f"{_DATASET}:export", methods.export_data),
    )


def _pipelines(methods: PipelineMethods) -> tuple[Route, ...]:
    return (
        route("trainingPipelines.create", "POST", _PIPELINES, methods.create),
        route("trainingPipelines.list", "GET", _PIPELINES, methods.list),
        route("trainingPipelines.get", "GET", _PIPELINE, methods.get),
        route("trainingPipelines.delete", "DELETE", _PIPELINE, methods.delete),
        route("trainingPipelines.cancel", "POST", f"{_PIPELINE}:cancel", methods.cancel),
    )


def _models(methods: ModelMethods, evaluations: EvaluationMethods) -> tuple[Route, ...]:
    slices = f"{_EVALUATION}/slices"
    return (
        route("models.list", "GET", _MODELS, methods.list),
        route("models.get", "GET", _MODEL, methods.get),
        route("models.patch", "PATCH", _MODEL, methods.patch),
        route("models.delete", "DELETE", _MODEL, methods.delete),
        route("models.export", "POST", f"{_MODEL}:export", methods.export),
        route("evaluations.list", "GET", f"{_MODEL}/evaluations", evaluations.list),
        route("evaluations.get", "GET", _EVALUATION, evaluations.get),
        route("slices.list", "GET", slices, evaluations.list_slices),
        route("slices.get", "GET", slices + "/{slice}", evaluations.get_slice),
    )


def _endpoints(methods: EndpointMethods, predictions: PredictionMethods) -> tuple[Route, ...]:
    return (
        route("endpoints.create", "POST", _ENDPOINTS, methods.create),
        route("endpoints.list", "GET", _ENDPOINTS, methods.list),
        route("endpoints.get", "GET", _ENDPOINT, methods.get),
        route("endpoints.patch", "PATCH", _ENDPOINT, methods.patch),
        route("endpoints.delete", "DELETE", _ENDPOINT, methods.delete),
        route("endpoints.deployModel", "POST", f"{_ENDPOINT}:deployModel", methods.deploy),
        route("endpoints.undeployModel", "POST", f"{_ENDPOINT}:undeployModel", methods.undeploy),
        route("endpoints.predict", "POST", f"{_ENDPOINT}:predict", predictions.predict),
    )


def _operations(methods: OperationMethods) -> tuple[Route, ...]:
    """Operations of the location, and of each kind of object."""
    routes: list[Route] = []
    for home in map(_either, (_SCOPE, _DATASET, _PIPELINE, _MODEL, _ENDPOINT)):
        all_of, one = f"{home}/operations", home + "/operations/{operation}"
        routes += [
            route("operations.list", "GET", all_of, methods.list),
            route("operations.get", "GET", one, methods.get),
            route("operations.delete", "DELETE", one, methods.delete),
            route("operations.cancel", "POST", f"{one}:cancel", methods.cancel),
            route("operations.wait", "POST", f"{one}:wait", methods.wait),
        ]
    return tuple(routes)


def _either(path: str) -> str:
    """The path below `/v1/` or `/ui/`.

    That is where Google's own clients ask for operations and locations: it is the first binding
    that they have of these methods.
    """
    return path.replace("/v1/", "/(?:v1|ui)/", 1)
