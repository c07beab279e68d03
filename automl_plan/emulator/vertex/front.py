"""The routes of Vertex AI v1 (google/cloud/aiplatform/v1, discovery document aiplatform:v1)."""

from itertools import chain
from pathlib import Path

from automl_plan.emulator.engine import Engine
from automl_plan.emulator.http import Front, Route, route
from automl_plan.emulator.vertex.batches import VertexBatches
from automl_plan.emulator.vertex.data_items import VertexDataItems
from automl_plan.emulator.vertex.datasets import VertexDatasets
from automl_plan.emulator.vertex.endpoints import VertexEndpoints
from automl_plan.emulator.vertex.evaluations import VertexEvaluations
from automl_plan.emulator.vertex.messages import MESSAGES
from automl_plan.emulator.vertex.models import VertexModels
from automl_plan.emulator.vertex.names import LOCATIONS, PREFIX
from automl_plan.emulator.vertex.operations import VertexOperations
from automl_plan.emulator.vertex.pipelines import VertexPipelines
from automl_plan.emulator.vertex.predictions import VertexPredictions
from automl_plan.emulator.vertex.saved_queries import VertexSavedQueries
from automl_plan.emulator.wire.answers import Answers
from automl_plan.emulator.wire.operations import operation_routes
from automl_plan.emulator.wire.resources import LocationMethods
from automl_plan.emulator.wire.surface import Surface

_PROJECT = "/v1/projects/{project}/locations"
_SCOPE = _PROJECT + "/{location}"
_DATASETS, _PIPELINES = f"{_SCOPE}/datasets", f"{_SCOPE}/trainingPipelines"
_MODELS, _ENDPOINTS = f"{_SCOPE}/models", f"{_SCOPE}/endpoints"
_DATASET, _PIPELINE = _DATASETS + "/{dataset}", _PIPELINES + "/{pipeline}"
_MODEL, _ENDPOINT = _MODELS + "/{model}", _ENDPOINTS + "/{endpoint}"
_JOBS = f"{_SCOPE}/batchPredictionJobs"
_JOB = _JOBS + "/{job}"
_EVALUATION = _MODEL + "/evaluations/{evaluation}"
SURFACE = Surface("Vertex AI v1", Path(__file__).with_name("surface.json"))
"""From the discovery document aiplatform:v1, and its schemata of image data and trainings."""


def vertex_front(engine: Engine) -> Front:
    """Return Vertex AI v1 on top of the engine."""
    locations, operations = LocationMethods(LOCATIONS), VertexOperations(engine)
    owners = (_SCOPE, _DATASET, _PIPELINE, _MODEL, _ENDPOINT)
    routes = (
        *_datasets(VertexDatasets(engine), VertexDataItems(engine)),
        *_saved_queries(VertexSavedQueries(engine)),
        *_pipelines(VertexPipelines(engine)),
        *_models(VertexModels(engine), VertexEvaluations(engine)),
        *_endpoints(VertexEndpoints(engine), VertexPredictions(engine)),
        *_batches(VertexBatches(engine)),
        *chain.from_iterable(operation_routes(_v1_or_ui(path), operations) for path in owners),
        route("locations.list", "GET", _v1_or_ui(_PROJECT), locations.list),
        route("locations.get", "GET", _v1_or_ui(_SCOPE), locations.get),
    )
    answers = Answers(engine.readings, engine.projects, MESSAGES)
    return Front(routes, prefix=PREFIX, surface=SURFACE, call=answers.call)


def _datasets(methods: VertexDatasets, items: VertexDataItems) -> tuple[Route, ...]:
    of_items, of_specs = f"{_DATASET}/dataItems", _DATASET + "/annotationSpecs/{spec}"
    return (
        route("datasets.create", "POST", _DATASETS, methods.create),
        route("datasets.list", "GET", _DATASETS, methods.list),
        route("datasets.get", "GET", _DATASET, methods.get),
        route("datasets.patch", "PATCH", _DATASET, methods.patch),
        route("datasets.delete", "DELETE", _DATASET, methods.delete),
        route("datasets.import", "POST", f"{_DATASET}:import", methods.import_data),
        route("datasets.export", "POST", f"{_DATASET}:export", methods.export_data),
        route("datasets.searchDataItems", "GET", f"{_DATASET}:searchDataItems", items.search),
        route("dataItems.list", "GET", of_items, items.list),
        route("annotations.list", "GET", of_items + "/{item}/annotations", items.annotations),
        route("annotationSpecs.get", "GET", of_specs, items.annotation_spec),
    )


def _saved_queries(methods: VertexSavedQueries) -> tuple[Route, ...]:
    queries = f"{_DATASET}/savedQueries"
    return (
        route("savedQueries.list", "GET", queries, methods.list),
        route("savedQueries.delete", "DELETE", queries + "/{query}", methods.delete),
    )


def _pipelines(methods: VertexPipelines) -> tuple[Route, ...]:
    return (
        route("trainingPipelines.create", "POST", _PIPELINES, methods.create),
        route("trainingPipelines.list", "GET", _PIPELINES, methods.list),
        route("trainingPipelines.get", "GET", _PIPELINE, methods.get),
        route("trainingPipelines.delete", "DELETE", _PIPELINE, methods.delete),
        route("trainingPipelines.cancel", "POST", f"{_PIPELINE}:cancel", methods.cancel),
    )


def _models(methods: VertexModels, evaluations: VertexEvaluations) -> tuple[Route, ...]:
    slices, merge = f"{_EVALUATION}/slices", f"{_MODEL}:mergeVersionAliases"
    return (
        route("models.list", "GET", _MODELS, methods.list),
        route("models.get", "GET", _MODEL, methods.get),
        route("models.patch", "PATCH", _MODEL, methods.patch),
        route("models.delete", "DELETE", _MODEL, methods.delete),
        route("models.listVersions", "GET", f"{_MODEL}:listVersions", methods.list_versions),
        route("models.deleteVersion", "DELETE", f"{_MODEL}:deleteVersion", methods.delete_version),
        route("models.mergeVersionAliases", "POST", merge, methods.merge_aliases),
        route("models.export", "POST", f"{_MODEL}:export", methods.export),
        route("evaluations.list", "GET", f"{_MODEL}/evaluations", evaluations.list),
        route("evaluations.get", "GET", _EVALUATION, evaluations.get),
        route("slices.list", "GET", slices, evaluations.list_slices),
        route("slices.get", "GET", slices + "/{slice}", evaluations.get_slice),
    )


def _endpoints(methods: VertexEndpoints, predictions: VertexPredictions) -> tuple[Route, ...]:
    mutate = f"{_ENDPOINT}:mutateDeployedModel"
    return (
        route("endpoints.create", "POST", _ENDPOINTS, methods.create),
        route("endpoints.list", "GET", _ENDPOINTS, methods.list),
        route("endpoints.get", "GET", _ENDPOINT, methods.get),
        route("endpoints.patch", "PATCH", _ENDPOINT, methods.patch),
        route("endpoints.delete", "DELETE", _ENDPOINT, methods.delete),
        route("endpoints.deployModel", "POST", f"{_ENDPOINT}:deployModel", methods.deploy),
        route("endpoints.undeployModel", "POST", f"{_ENDPOINT}:undeployModel", methods.undeploy),
        route("endpoints.mutateDeployedModel", "POST", mutate, methods.mutate),
        route("endpoints.predict", "POST", f"{_ENDPOINT}:predict", predictions.predict),
        route("endpoints.rawPredict", "POST", f"{_ENDPOINT}:rawPredict", predictions.raw_predict),
        route("endpoints.explain", "POST", f"{_ENDPOINT}:explain", predictions.explain),
    )


def _batches(methods: VertexBatches) -> tuple[Route, ...]:
    return (
        route("batchPredictionJobs.create", "POST", _JOBS, methods.create),
        route("batchPredictionJobs.list", "GET", _JOBS, methods.list),
        route("batchPredictionJobs.get", "GET", _JOB, methods.get),
        route("batchPredictionJobs.delete", "DELETE", _JOB, methods.delete),
        route("batchPredictionJobs.cancel", "POST", f"{_JOB}:cancel", methods.cancel),
    )


def _v1_or_ui(path: str) -> str:
    """The path below `/v1/` or `/ui/`.

    Google's own clients ask for operations and locations below `/ui/`, the first HTTP binding
    that they have for these methods.
    """
    return path.replace("/v1/", "/(?:v1|ui)/", 1)
