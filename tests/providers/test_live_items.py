"""The images of a dataset at Vertex AI: whatever the service answers, and what it is asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl_plan.errors import ApiError, AutomlPlanError, TransportError, Unimplemented
from automl_plan.model.items import SETS, LiveBox, LiveItem, count_items
from automl_plan.planning.options import PlanMode, PlanOptions
from automl_plan.providers.google.vertex.items import item
from automl_plan.providers.protocol import Provider
from automl_plan.providers.registry import open_provider
from automl_plan.workspace.live_items import find_image_drift, live_counts
from automl_plan.workspace.plan_inputs import gather_inputs_for
from automl_plan.workspace.workspace import Workspace
from tests.conftest import StartEmulator
from tests.project import Project
from tests.providers.service import Received, Reply, Service, answer, failure

ML_USE = "aiplatform.googleapis.com/ml_use"


@pytest.fixture
def provider(service: Service) -> Iterator[Provider]:
    with closing(
        open_provider("vertex", {"project": "p", "endpoint": service.url}, Path(), {})
    ) as p:
        yield p


def view(number: int, *labels: str, use: str = "training") -> dict[str, Any]:
    return {
        "dataItem": {
            "name": f"projects/1/locations/l/datasets/2/dataItems/{number}",
            "labels": {ML_USE: use},
            "payload": {"gcsUri": f"gs://b/{number}.jpg"},
        },
        "annotations": [{"payload": {"displayName": label}} for label in labels],
    }


def test_a_page_takes_one_request(service: Service, provider: Provider) -> None:
    """However many images and annotations it has."""
    service.replies = [
        answer(
            {"dataItemViews": [view(n, "a", "b", "a") for n in range(100)], "nextPageToken": "t"}
        ),
        answer({"dataItemViews": [view(100, use="test"), view(101, use="?")]}),
    ]
    found = list(provider.items("2"))
    assert found[0] == LiveItem("0", "gs://b/0.jpg", "TRAIN", ("a", "b"))
    assert found[100:] == [
        LiveItem("100", "gs://b/100.jpg", "TEST"),
        LiveItem("101", "gs://b/101.jpg", "UNASSIGNED"),
    ]
    path = "/v1/projects/p/locations/us-central1/datasets/2:searchDataItems"
    assert [(each.path, dict(each.query)) for each in service.received] == [
        (path, {"pageSize": "100"}),
        (path, {"pageSize": "100", "pageToken": "t"}),
    ]


def test_images_without_labels_are_asked_for_by_annotation_set(
    service: Service, provider: Provider
) -> None:
    """The service may tell annotations in the context of a set only."""
    service.replies = [
        answer({"dataItemViews": [view(0), view(1)]}),
        answer(
            {"savedQueries": [{"name": "projects/1/locations/l/datasets/2/savedQueries/7"}, {}]}
        ),
        answer({"dataItemViews": [view(0, "a"), view(1)]}),
    ]
    with pytest.raises(AutomlPlanError):  # of a set without a name
        list(provider.items("2"))
    service.replies = [
        answer({"dataItemViews": [view(0), view(1)]}),
        answer({"savedQueries": [{"name": "7"}, {"name": "8"}]}),
        answer({"dataItemViews": [view(0, "a"), view(1)]}),
        answer({"dataItemViews": [view(0, "b", "a"), view(2, "c")]}),
    ]
    assert [each.labels for each in provider.items("2")] == [("a", "b"), (), ("c",)]
    home = "projects/p/locations/us-central1/datasets/2/savedQueries"
    assert service.received[-1].query["savedQuery"] == f"{home}/8"
    service.replies = [answer({"dataItemViews": [view(0)]}), failure(501, "UNIMPLEMENTED")]
    assert [each.labels for each in provider.items("2")] == [()]


def test_a_list_of_images_without_an_end(service: Service, provider: Provider) -> None:
    number = count()

    def reply(_: Received) -> Reply:
        return answer({"dataItemViews": [view(0)], "nextPageToken": f"t{next(number)}"})

    service.default = reply
    with pytest.raises(TransportError, match="the same page of a list again"):
        list(provider.items("2"))
    assert len(service.received) == 2


@pytest.mark.parametrize("dataset_id", ["../models/1", "1?x=", "", "a b"])
def test_an_id_leads_nowhere_else(service: Service, provider: Provider, dataset_id: str) -> None:
    with pytest.raises(AutomlPlanError):
        list(provider.items(dataset_id))
    assert service.received == []


@pytest.mark.parametrize("status", [(501, "UNIMPLEMENTED"), (403, "PERMISSION_DENIED")])
def test_a_service_that_refuses(
    service: Service, provider: Provider, status: tuple[int, str]
) -> None:
    service.default = lambda _: failure(*status, "Not for you.")
    with pytest.raises(ApiError):
        list(provider.items("2"))
    assert "Not for you" in str(live_counts(provider, "2"))


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("dataItem", "annotations", "payload", "displayName", "annotationSpecId"),
                    *("xMin", "yMax", "gcsUri", "imageGcsUri", "labels", ML_USE, "name"),
                    "hasTruncatedAnnotations",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.lists(st.dictionaries(st.sampled_from(["dataItem", "annotations"]), JSON), max_size=3))
def test_any_view_is_an_image(views: list[dict[str, Any]]) -> None:
    found = list(map(item, views))
    assert all(each.use in SETS and isinstance(each.uri, str) for each in found)
    assert all(isinstance(label, str) for each in found for label in each.all_labels)
    counts = count_items(found)
    assert sum(each.images for each in counts.labels) == sum(len(i.all_labels) for i in found)
    assert counts.labelled == sum(bool(each.all_labels) for each in found)


def test_boxes_are_no_labels_of_the_image() -> None:
    payloads = [
        {"annotationSpecId": "7", "xMin": 0, "xMax": 0.5, "yMax": 0.25},
        {"displayName": "car", "xMin": 0.1, "yMin": 0.1, "xMax": 1, "yMax": "far"},
    ]
    found = item({"annotations": [{"payload": payload} for payload in payloads]})
    assert found.labels == ()
    assert found.boxes == (
        LiveBox("7", 0.0, 0.0, 0.5, 0.25),
        LiveBox("car", 0.1, 0.1, 1.0, 0.0),
    )


class Staged(Project):
    """A project at Vertex AI whose local files are uploaded to a bucket of the emulator."""

    url = ""

    def provider(self) -> dict[str, Any]:
        settings = {
            "project": "p",
            "endpoint": f"{self.url}/vertex",
            "staging_bucket": "gs://staging/x",
        }
        return {"vertex": settings}

    def workspace(self) -> Workspace:
        return Workspace(self.directory, environ={"STORAGE_EMULATOR_HOST": self.url})


@pytest.mark.parametrize("reading", ["image-gcs-uri", "no-set", "refused", "untold"])
def test_readings(tmp_path: Path, start_emulator: StartEmulator, reading: str) -> None:
    """Images are found again, also staged ones; or it is said why not, and nothing else fails."""
    readings = {
        "image-gcs-uri": {"item-image": "image-gcs-uri"},
        "no-set": {"item-annotations": "no-set"},
        "refused": {"item-search": "refused"},
        "untold": {"item-annotations": "no-set", "saved-queries": "none"},
    }
    emulator = start_emulator(time_scale=1e6, readings=readings[reading])
    (emulator.bucket_root / "staging").mkdir()
    project = Staged(tmp_path)
    project.url = emulator.url
    project.write_data("d.csv", {"cat": 8, "dog": 8})
    kind = {"image_classification": {"classification_type": "MULTICLASS"}, "sources": ["d.csv"]}
    project.write({"digits": kind}, {})
    assert not project.apply().failed
    with project.workspace() as workspace:
        inputs = gather_inputs_for(workspace, PlanOptions(mode=PlanMode.REFRESH_ONLY))
        assert find_image_drift(inputs, everywhere=False) == ()
        if reading == "refused":
            with pytest.raises(Unimplemented):
                find_image_drift(inputs, everywhere=True)
            return
        [found] = find_image_drift(inputs, everywhere=True)
        if reading == "untold":
            assert "no labels" in (found.unknown or "")
            assert "no labels" in str(live_counts(workspace.provider, found.object_id))
            assert not found.is_drift
            return
        assert (found.images, found.unknown, bool(found.changes)) == (16, None, False)
        uris = [each.uri for each in workspace.provider.items(found.object_id)]
        assert all(uri.startswith("gs://staging/x/images/") for uri in uris)
