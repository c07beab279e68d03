"""What Vertex AI may answer a migration, beyond what the embedded service does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from automl_plan.errors import TransportError, UsageError
from automl_plan.providers.protocol import Takeover
from automl_plan.providers.registry import open_provider
from automl_plan.resources.address import ResourceKind
from automl_plan.resources.takeover import Wish
from tests.providers.service import Service, answer

PARENT = "projects/my-project/locations/us-central1"
KIND = "type.googleapis.com/google.cloud.aiplatform.v1.BatchMigrateResourcesOperationMetadata"
WISH = Wish(ResourceKind.DATASET, f"{PARENT}/datasets/ICN1", "automl-plan-1")
LEAD_ELSEWHERE = ["../../../datasets/1", "datasets/1", "operations/1:cancel", "operations/1?x=y"]


@pytest.fixture
def takeover(service: Service, tmp_path: Path) -> Iterator[Takeover]:
    settings = {"project": "my-project", "endpoint": service.url}
    provider = open_provider("vertex", settings, tmp_path, {})
    assert provider.takeover is not None
    yield provider.takeover
    provider.close()


@pytest.mark.parametrize("name", LEAD_ELSEWHERE)
def test_a_name_that_leads_elsewhere_is_not_followed(
    service: Service, takeover: Takeover, name: str
) -> None:
    with pytest.raises(UsageError, match="can't be the id of an operation"):
        takeover.copying(name)
    assert not service.received


@pytest.mark.parametrize("name", LEAD_ELSEWHERE)
def test_a_name_that_leads_elsewhere_is_not_kept(
    service: Service, takeover: Takeover, name: str
) -> None:
    told = {"name": f"{PARENT}/{name}", "metadata": {"@type": KIND}}
    service.default = lambda r: answer({"operations": [told]} if r.method == "GET" else told)
    with pytest.raises(TransportError, match="no operation can be called") as caught:
        takeover.begin([WISH])
    assert caught.value.sent
    assert takeover.all() == []


def test_names_below_an_object_are_followed(service: Service, takeover: Takeover) -> None:
    name = "migratableResources/7/operations/8"
    service.default = lambda _: answer({"name": f"{PARENT}/{name}", "metadata": {"@type": KIND}})
    assert takeover.copying(takeover.begin([WISH]).operation.id).operation.id == name
    assert service.received[-1].path == f"/v1/{PARENT}/{name}"
