"""What differs between the two APIs of the embedded service, where tests name it."""

from __future__ import annotations

import pytest

APIS = ("automl", "vertex")
BOTH = pytest.mark.parametrize("api", APIS, indirect=True)
"""For scenarios among tests of which most have nothing to do with an API, and are of AutoML v1."""

_METHODS = {
    "datasets.importData": "datasets.import",
    "modelEvaluations.list": "evaluations.list",
    "models.create": "trainingPipelines.create",
    "models.deploy": "endpoints.deployModel",
    "models.undeploy": "endpoints.undeployModel",
}
"""AutoML v1's methods that have another name at Vertex AI."""


def fault_of(api: str, spec: str) -> str:
    """A fault of AutoML v1's methods, as one of the same calls of an API."""
    method, colon, rest = spec.partition(":")
    return f"{_METHODS.get(method, method) if api == 'vertex' else method}{colon}{rest}"


def id_start(api: str) -> str:
    """What all ids of objects start with."""
    return "" if api == "vertex" else "ICN"


def training_start(api: str) -> str:
    """What all ids of trainings start with."""
    return "trainingPipelines/" if api == "vertex" else "ICN"


def endpoint_of(api: str, url: str) -> str:
    """Where a service that listens at a URL has an API: what the setting `endpoint` takes."""
    return f"{url}/vertex" if api == "vertex" else url
