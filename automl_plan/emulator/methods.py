"""The names of all API methods, and counts of their calls."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from typing import Literal, get_args

Method = Literal[
    "annotationSpecs.get",
    "annotations.list",
    "batchPredictionJobs.cancel",
    "batchPredictionJobs.create",
    "batchPredictionJobs.delete",
    "batchPredictionJobs.get",
    "batchPredictionJobs.list",
    "dataItems.list",
    "datasets.create",
    "datasets.delete",
    "datasets.export",
    "datasets.exportData",
    "datasets.get",
    "datasets.import",
    "datasets.importData",
    "datasets.list",
    "datasets.patch",
    "datasets.searchDataItems",
    "endpoints.create",
    "endpoints.delete",
    "endpoints.deployModel",
    "endpoints.explain",
    "endpoints.get",
    "endpoints.list",
    "endpoints.mutateDeployedModel",
    "endpoints.patch",
    "endpoints.predict",
    "endpoints.rawPredict",
    "endpoints.undeployModel",
    "evaluations.get",
    "evaluations.list",
    "locations.get",
    "locations.list",
    "modelEvaluations.get",
    "modelEvaluations.list",
    "models.batchPredict",
    "models.create",
    "models.delete",
    "models.deleteVersion",
    "models.deploy",
    "models.export",
    "models.get",
    "models.list",
    "models.listVersions",
    "models.mergeVersionAliases",
    "models.patch",
    "models.predict",
    "models.undeploy",
    "objects.get",
    "objects.insert",
    "objects.list",
    "operations.cancel",
    "operations.delete",
    "operations.get",
    "operations.list",
    "operations.wait",
    "savedQueries.delete",
    "savedQueries.list",
    "slices.get",
    "slices.list",
    "trainingPipelines.cancel",
    "trainingPipelines.create",
    "trainingPipelines.delete",
    "trainingPipelines.get",
    "trainingPipelines.list",
]
"""`objects.…` are of Cloud Storage, all others of AutoML v1, Vertex AI v1, or both."""

METHODS: tuple[Method, ...] = get_args(Method)


class CallCounts:
    """Counts calls since the start of the service."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[Method] = Counter()

    def add(self, method: Method) -> None:
        """Count a call, whatever its outcome."""
        with self._lock:
            self._counts[method] += 1

    def by_method(self) -> Mapping[Method, int]:
        """Return the number of calls of each called method, by name."""
        with self._lock:
            return dict(sorted(self._counts.items()))
