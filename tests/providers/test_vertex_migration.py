"""What Vertex AI may answer a migration, beyond what the embedded service does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from automl_plan.errors import PermissionDenied, TransportError, UsageError
from automl_plan.providers.protocol import Takeover
from automl_plan.providers.registry import open_provider
from automl_plan.resources.address import ResourceKind
from automl_plan.resources.takeover import Wish
from tests.providers.service import Received, Reply, Service, answer, failure

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


def listed(*names: str, page: str = "") -> Reply:
    told = [{"name": f"{PARENT}/{name}", "metadata": {"@type": KIND}} for name in names]
    return answer({"operations": told, **({"nextPageToken": page} if page else {})})


def test_operations_of_the_location_and_of_what_it_migrates(
    service: Service, takeover: Takeover
) -> None:
    def lists(request: Received) -> Reply:
        if request.path == f"/v1/{PARENT}/operations":
            return listed("operations/1", "operations/2")
        assert request.path == f"/v1/{PARENT}/migratableResources/-/operations"
        if "pageToken" not in request.query:
            return listed("operations/2", "migratableResources/7/operations/3", page="more")
        return listed("operations/4")

    service.default = lists
    names = sorted(each.operation.id for each in takeover.all())
    assert names == [
        "migratableResources/7/operations/3",
        *("operations/1", "operations/2", "operations/4"),
    ]


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "INVALID_ARGUMENT"),
        (403, "PERMISSION_DENIED"),
        (404, "NOT_FOUND"),
        (501, "UNIMPLEMENTED"),
    ],
)
def test_the_second_list_may_be_missing(
    service: Service, takeover: Takeover, status: int, name: str
) -> None:
    refused = failure(status, name)
    service.default = lambda r: refused if "/-/" in r.path else listed("operations/1")
    assert [each.operation.id for each in takeover.all()] == ["operations/1"]


def test_a_refusal_of_the_first_list_is_told(service: Service, takeover: Takeover) -> None:
    service.default = lambda r: listed() if "/-/" in r.path else failure(403, "PERMISSION_DENIED")
    with pytest.raises(PermissionDenied):
        takeover.all()
