"""The routes of AutoML v1 (google/cloud/automl/v1/service.proto, automl_v1.yaml)."""

from pathlib import Path

from automl_plan.emulator.automl.datasets import AutomlDatasets
from automl_plan.emulator.automl.evaluations import AutomlEvaluations
from automl_plan.emulator.automl.messages import MESSAGES
from automl_plan.emulator.automl.models import AutomlModels
from automl_plan.emulator.automl.names import LOCATIONS
from automl_plan.emulator.automl.operations import AutomlOperations
from automl_plan.emulator.automl.predictions import AutomlPredictions
from automl_plan.emulator.engine import Engine
from automl_plan.emulator.http import Front, route
from automl_plan.emulator.wire.answers import Answers
from automl_plan.emulator.wire.operations import operation_routes
from automl_plan.emulator.wire.resources import LocationMethods
from automl_plan.emulator.wire.surface import Surface

_PROJECT = "/v1/projects/{project}/locations"
_SCOPE = _PROJECT + "/{location}"
_DATASETS, _MODELS = f"{_SCOPE}/datasets", f"{_SCOPE}/models"
_DATASET, _MODEL = _DATASETS + "/{dataset}", _MODELS + "/{model}"
_EVALUATIONS = f"{_MODEL}/modelEvaluations"
SURFACE = Surface("AutoML v1", Path(__file__).with_name("surface.json"))
"""From Google's client library google-cloud-automl, and automl_v1.yaml."""


def automl_front(engine: Engine) -> Front:
    """Return AutoML v1 on top of the engine."""
    datasets, models = AutomlDatasets(engine), AutomlModels(engine)
    evaluations, operations = AutomlEvaluations(engine), AutomlOperations(engine)
    predictions, locations = AutomlPredictions(engine), LocationMethods(LOCATIONS)
    return Front(
        (
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
            *operation_routes(_SCOPE, operations),
            route("locations.list", "GET", _PROJECT, locations.list),
            route("locations.get", "GET", _SCOPE, locations.get),
        ),
        surface=SURFACE,
        call=Answers(engine.readings, engine.projects, MESSAGES).call,
    )
