"""The routes of AutoML v1 (google/cloud/automl/v1/service.proto, automl_v1.yaml)."""

from automl_plan.emulator.automl.datasets import DatasetMethods
from automl_plan.emulator.automl.evaluations import EvaluationMethods
from automl_plan.emulator.automl.models import ModelMethods
from automl_plan.emulator.automl.names import LOCATIONS
from automl_plan.emulator.automl.operations import OperationMethods
from automl_plan.emulator.automl.predictions import PredictionMethods
from automl_plan.emulator.engine import Engine
from automl_plan.emulator.errors import ServiceError
from automl_plan.emulator.http import (
    Found,
    Reply,
    Request,
    error_reply,
    find,
    route,
)
from automl_plan.emulator.wire.requests import LocationMethods

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
        predictions, locations = PredictionMethods(engine), LocationMethods(LOCATIONS)
        self._routes = (
            route("datasets.create", "POST", _DATASETS, datasets.create),
            route("datasets.list", "GET", _DATASETS, datasets.list),
            route("datasets.get", "GET", _DATASET, datasets.get),
            route("datasets.patch", "PATCH", _DATASET, datasets.patch),
            route("datasets.delete", "DELETE", _DATASET, datasets.delete),
            route("datasets.importData", "POST", f"{_DATASET}:importData", datasets.import_data),
            route("datasets.exportData", "POST", f"{_DATASET}:exportData", datasets.export_data),
            route(
                "annotationSpecs.get",
                "GET",
                _DATASET + "/annotationSpecs/{spec}",
                datasets.annotation_spec,
            ),
            route("models.create", "POST", _MODELS, models.create),
            route("models.list", "GET", _MODELS, models.list),
            route("models.get", "GET", _MODEL, models.get),
            route("models.patch", "PATCH", _MODEL, models.patch),
            route("models.delete", "DELETE", _MODEL, models.delete),
            route("models.deploy", "POST", f"{_MODEL}:deploy", models.deploy),
            route("models.undeploy", "POST", f"{_MODEL}:undeploy", models.undeploy),
            route("models.export", "POST", f"{_MODEL}:export", models.export),
            route("models.predict", "POST", f"{_MODEL}:predict", predictions.predict),
            route(
                "models.batchPredict", "POST", f"{_MODEL}:batchPredict", predictions.batch_predict
            ),
            route("modelEvaluations.list", "GET", _EVALUATIONS, evaluations.list),
            route("modelEvaluations.get", "GET", _EVALUATIONS + "/{evaluation}", evaluations.get),
            route("operations.list", "GET", _OPERATIONS, operations.list),
            route("operations.get", "GET", _OPERATION, operations.get),
            route("operations.delete", "DELETE", _OPERATION, operations.delete),
            route("operations.cancel", "POST", f"{_OPERATION}:cancel", operations.cancel),
            route("operations.wait", "POST", f"{_OPERATION}:wait", operations.wait),
            route("locations.list", "GET", _PROJECT, locations.list),
            route("locations.get", "GET", _SCOPE, locations.get),
        )

    def handler(self, request: Request) -> Found | None:
        """The method that a request calls."""
        return find(self._routes, request)

    def error(self, error: ServiceError) -> Reply:
        """The error in the envelope of Google's APIs."""
        return error_reply(error)
