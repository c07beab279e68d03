"""What messages of AutoML v1 have beyond what renderers write, by method. Sources: the protos."""

from collections.abc import Mapping

from automl_plan.emulator.methods import Method
from automl_plan.emulator.wire.answers import Message, listed

_DATASET = Message(
    empty={"description": "", "exampleCount": 0, "etag": "", "labels": {}},
    nested={
        "imageClassificationDatasetMetadata": Message(lasting={"classificationType": "ORDINAL"})
    },
)
_TYPE = {"modelType": "cloud-2"}
_NODES = {"nodeQps": 0, "nodeCount": "0", "stopReason": "", "trainCostMilliNodeHours": "0"}
_MODEL = Message(
    empty={"etag": "", "labels": {}},
    nested={
        "imageClassificationModelMetadata": Message(
            {"baseModelId": "", **_NODES}, model_type=_TYPE
        ),
        "imageObjectDetectionModelMetadata": Message(_NODES, model_type=_TYPE),
    },
    lasting={"deploymentState": "HIBERNATED"},
)
_ENTRY = Message({"confidenceThreshold": 0, "recall": 0, "precision": 0})
_EVALUATION = Message(
    empty={"annotationSpecId": "", "displayName": ""},
    nested={"classificationEvaluationMetrics": Message(nested={"confidenceMetricsEntry": _ENTRY})},
)
_OPERATION = Message(
    empty={"done": False},
    nested={"metadata": Message({"progressPercent": 0, "partialFailures": []})},
)

MESSAGES: Mapping[Method, Message] = {
    "annotationSpecs.get": Message({"exampleCount": 0}),
    "datasets.create": _OPERATION,
    "datasets.delete": _OPERATION,
    "datasets.exportData": _OPERATION,
    "datasets.get": _DATASET,
    "datasets.importData": _OPERATION,
    "datasets.list": listed("datasets", _DATASET),
    "datasets.patch": _DATASET,
    "modelEvaluations.get": _EVALUATION,
    "modelEvaluations.list": listed("modelEvaluation", _EVALUATION),
    "models.create": _OPERATION,
    "models.delete": _OPERATION,
    "models.deploy": _OPERATION,
    "models.export": _OPERATION,
    "models.get": _MODEL,
    "models.list": listed("model", _MODEL),
    "models.patch": _MODEL,
    "models.predict": Message({"payload": []}),
    "models.undeploy": _OPERATION,
    "operations.get": _OPERATION,
    "operations.list": listed("operations", _OPERATION),
    "operations.wait": _OPERATION,
}
