"""The names of all methods that the fronts of Google's APIs have, as calls are counted by."""

from typing import Literal, get_args

Method = Literal[
    "annotationSpecs.get",
    "datasets.create",
    "datasets.delete",
    "datasets.exportData",
    "datasets.get",
    "datasets.importData",
    "datasets.list",
    "datasets.patch",
    "locations.get",
    "locations.list",
    "modelEvaluations.get",
    "modelEvaluations.list",
    "models.batchPredict",
    "models.create",
    "models.delete",
    "models.deploy",
    "models.export",
    "models.get",
    "models.list",
    "models.patch",
    "models.predict",
    "models.undeploy",
    "objects.get",
    "objects.list",
    "operations.cancel",
    "operations.delete",
    "operations.get",
    "operations.list",
    "operations.wait",
]
"""`objects.…` are Cloud Storage's, all others AutoML v1's."""

METHODS: tuple[Method, ...] = get_args(Method)
