"""The routes of AutoML v1 (google/cloud/automl/v1/service.proto, automl_v1.yaml)."""

from collections.abc import Mapping

from automl_plan.emulator.automl.calls import LIST_PARAMETERS, check_query
from automl_plan.emulator.automl.datasets import DatasetMethods
from automl_plan.emulator.automl.evaluations import EvaluationMethods
from automl_plan.emulator.automl.models import ModelMethods
from automl_plan.emulator.automl.names import LOCATIONS
from automl_plan.emulator.automl.operations import OperationMethods
from automl_plan.emulator.automl.predictions import PredictionMethods
from automl_plan.emulator.engine import Engine
from automl_plan.emulator.errors import ServiceError, not_found
from automl_plan.emulator.http import (
    Handler,
    Reply,
    Request,
    error_reply,
    find,
    json_reply,
    route,
)

_PROJECT = "/v1/projects/{project}/locations"
_SCOPE = _PROJECT + "/{location}"
_DATASETS, _MODELS = f"{_SCOPE}/datasets", f"{_SCOPE}/models"
_DATASET, _MODEL = _DATASETS + "/{dataset}", _MODELS + "/{model}"
_EVALUATIONS, _OPERATIONS = f"{_MODEL}/modelEvaluations", f"{_SCOPE}/operations"
_OPERATION = _OPERATIONS + "/{operation}"


class AutomlFront:
    """AutoML v1 on top of the engine."""

    def __init__(self, engine: Engine) -> None:
        datasets, models = DatasetMethods(engine), ModelMethods(engine)
        evaluations, operations = EvaluationMethods(engine), OperationMethods(engine)
        predictions = PredictionMethods(engine)
        self._routes = (
            route("POST", _DATASETS, datasets.create),
            route("GET", _DATASETS, datasets.list),
            route("GET", _DATASET, datasets.get),
            route("PATCH", _DATASET, datasets.patch),
            route("DELETE", _DATASET, datasets.delete),
            route("POST", f"{_DATASET}:importData", datasets.import_data),
            route("POST", f"{_DATASET}:exportData", datasets.export_data),
            route("GET", _DATASET + "/annotationSpecs/{spec}", datasets.annotation_spec),
            route("POST", _MODELS, models.create),
            route("GET", _MODELS, models.list),
            route("GET", _MODEL, models.get),
            route("PATCH", _MODEL, models.patch),
            route("DELETE", _MODEL, models.delete),
            route("POST", f"{_MODEL}:deploy", models.deploy),
            route("POST", f"{_MODEL}:undeploy", models.undeploy),
            route("POST", f"{_MODEL}:export", models.export),
            route("POST", f"{_MODEL}:predict", predictions.predict),
            route("POST", f"{_MODEL}:batchPredict", predictions.batch_predict),
            route("GET", _EVALUATIONS, evaluations.list),
            route("GET", _EVALUATIONS + "/{evaluation}", evaluations.get),
            route("GET", _OPERATIONS, operations.list),
            route("GET", _OPERATION, operations.get),
            route("DELETE", _OPERATION, operations.delete),
            route("POST", f"{_OPERATION}:cancel", operations.cancel),
            route("POST", f"{_OPERATION}:wait", operations.wait),
            route("GET", _PROJECT, _list_locations),
            route("GET", _SCOPE, _get_location),
        )

    def handler(self, request: Request) -> tuple[Handler, Mapping[str, str]] | None:
        """The method that a request calls."""
        return find(self._routes, request)

    def error(self, error: ServiceError) -> Reply:
        """The error in the envelope of Google's APIs."""
        return error_reply(error)


def _location(project: str, location: str) -> dict[str, str]:
    return {
        "name": f"projects/{project}/locations/{location}",
        "locationId": location,
        "displayName": LOCATIONS[location],
    }


def _list_locations(request: Request) -> Reply:
    check_query(request, LIST_PARAMETERS)
    project = request.params["project"]
    return json_reply({"locations": [_location(project, each) for each in LOCATIONS]})


def _get_location(request: Request) -> Reply:
    check_query(request)
    location = request.params["location"]
    if location not in LOCATIONS:
        raise not_found(f"Location {location} does not exist.")
    return json_reply(_location(request.params["project"], location))
