"""What Vertex AI v1's messages have beyond what the renderers write, by method.

Sources: the discovery document aiplatform:v1. Fields of google.protobuf.Value have no empty form.
"""

from collections.abc import Mapping

from automl_plan.emulator.methods import Method
from automl_plan.emulator.wire.answers import Message, listed

_DATASET = Message(
    {"description": "", "dataItemCount": "0", "etag": "", "labels": {}, "savedQueries": []}
)
_UPLOAD = {"name": "", "description": "", "versionDescription": "", "versionAliases": []}
_MODEL = Message(
    {
        "description": "",
        "versionDescription": "",
        "etag": "",
        "labels": {},
        "artifactUri": "",
        "deployedModels": [],
        "supportedExportFormats": [],
    }
)
_DEPLOYED = Message({"displayName": "", "serviceAccount": "", "disableContainerLogging": False})
_ENDPOINT = Message(
    {
        "description": "",
        "deployedModels": [],
        "trafficSplit": {},
        "labels": {},
        "network": "",
        "enablePrivateServiceConnect": False,
        "etag": "",
    },
    {"deployedModels": _DEPLOYED},
)
_STATE = "PIPELINE_STATE_"
_UNDER_WAY = {f"{_STATE}{name}" for name in ("QUEUED", "PENDING", "RUNNING", "CANCELLING")}
_PIPELINE = Message(
    empty={"labels": {}, "modelId": "", "parentModel": ""},
    nested={
        "modelToUpload": Message(_UPLOAD),
        "trainingTaskInputs": Message(model_type={"modelType": "CLOUD_2"}),
    },
    running={"state": (f"{_STATE}PROVISIONING", frozenset({*_UNDER_WAY, 1, 2, 3, 6}))},
    lasting={"state": f"{_STATE}ARCHIVED"},
)
_JOB = Message(
    running={
        "state": (
            "JOB_STATE_PROVISIONING",
            frozenset({*(name.replace("PIPELINE", "JOB") for name in _UNDER_WAY), 1, 2, 3, 6}),
        )
    },
    lasting={"state": "JOB_STATE_ARCHIVED"},
)
_EVALUATION = Message({"sliceDimensions": []})
_OPERATION = Message(
    {"done": False},
    {"metadata": Message(nested={"genericMetadata": Message({"partialFailures": []})})},
)

MESSAGES: Mapping[Method, Message] = {
    "batchPredictionJobs.create": _JOB,
    "batchPredictionJobs.delete": _OPERATION,
    "batchPredictionJobs.get": _JOB,
    "batchPredictionJobs.list": listed("batchPredictionJobs", _JOB),
    "dataItems.list": listed("dataItems", Message()),
    "datasets.create": _OPERATION,
    "datasets.delete": _OPERATION,
    "datasets.export": _OPERATION,
    "datasets.get": _DATASET,
    "datasets.import": _OPERATION,
    "datasets.list": listed("datasets", _DATASET),
    "datasets.patch": _DATASET,
    "endpoints.create": _OPERATION,
    "endpoints.delete": _OPERATION,
    "endpoints.deployModel": _OPERATION,
    "endpoints.get": _ENDPOINT,
    "endpoints.mutateDeployedModel": _OPERATION,
    "endpoints.list": listed("endpoints", _ENDPOINT),
    "endpoints.patch": _ENDPOINT,
    "endpoints.undeployModel": _OPERATION,
    "evaluations.get": _EVALUATION,
    "evaluations.list": listed("modelEvaluations", _EVALUATION),
    "models.delete": _OPERATION,
    "models.deleteVersion": _OPERATION,
    "models.export": _OPERATION,
    "models.get": _MODEL,
    "models.list": listed("models", _MODEL),
    "models.listVersions": listed("models", _MODEL),
    "models.mergeVersionAliases": _MODEL,
    "models.patch": _MODEL,
    "operations.get": _OPERATION,
    "operations.list": listed("operations", _OPERATION),
    "operations.wait": _OPERATION,
    "slices.list": listed("modelEvaluationSlices", Message()),
    "trainingPipelines.create": _PIPELINE,
    "trainingPipelines.delete": _OPERATION,
    "trainingPipelines.get": _PIPELINE,
    "trainingPipelines.list": listed("trainingPipelines", _PIPELINE),
}
