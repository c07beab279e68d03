"""Google's full resource names, wherever an id is taken."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl_plan.model.address import ResourceKind
from automl_plan.providers.google.resource_names import Place, bare_id

MODEL, DATASET = ResourceKind.MODEL, ResourceKind.DATASET
LOCAL = Place("local", "us-central1", numbered=False)
PLACE = Place("shop-1", "us-central1", numbered=True)
PARENT = "projects/shop-1/locations/us-central1"


@pytest.mark.parametrize(
    "text",
    [
        "5954663479989517623",
        "5954663479989517623@1",
        "5954663479989517623@default",
        "models/5954663479989517623",
        f"{PARENT}/models/5954663479989517623",
        f"{PARENT}/models/5954663479989517623@1",
        f"//aiplatform.googleapis.com/{PARENT}/models/5954663479989517623",
        f"//us-central1-aiplatform.googleapis.com/{PARENT}/models/5954663479989517623",
        f"https://us-central1-aiplatform.googleapis.com/v1/{PARENT}/models/5954663479989517623",
        "projects/123456789012/locations/us-central1/models/5954663479989517623",
    ],
)
def test_the_id_of_a_model(text: str) -> None:
    assert bare_id(text, PLACE, MODEL) == bare_id(text, PLACE) == "5954663479989517623"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"{PARENT}/datasets/ICN123", "ICN123"),
        (f"{PARENT}/operations/ICN123", "ICN123"),
        (f"{PARENT}/datasets/1/operations/2", "datasets/1/operations/2"),
        (f"{PARENT}/trainingPipelines/7", "trainingPipelines/7"),
        *((name, name) for name in ("digits", "model.digits", "a@b", "operations/1", "a/b", "")),
    ],
)
def test_of_others_and_what_is_no_name(text: str, found: str) -> None:
    assert bare_id(text, PLACE) == found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("projects/other/locations/us-central1/models/1", "in the project other.*about shop-1"),
        (f"{PARENT.replace('us-', 'eu-')}/models/1", "in the location eu-central1.*us-central1"),
        (f"//x.googleapis.com/{PARENT.replace('shop', 'ship')}/models/1", "project ship-1"),
        (f"{PARENT}/datasets/1", "the name of a dataset, not of a model"),
        (f"{PARENT}/models/1@2", "version 2"),
        ("12345@3", "version 3"),
        ("projects/shop-1/models/1", "no full name"),
        ("//aiplatform.googleapis.com/models/1", "no full name"),
    ],
)
def test_another_project_location_kind_or_version(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        bare_id(text, PLACE, MODEL)


def test_the_embedded_service_s_project_has_no_number() -> None:
    with pytest.raises(ValueError, match="the project 123"):
        bare_id("projects/123/locations/us-central1/models/1", LOCAL, MODEL)


@given(st.from_regex(r"[A-Za-z0-9_-]{1,128}", fullmatch=True), st.sampled_from(ResourceKind))
def test_a_full_name_and_its_id_are_the_same(object_id: str, kind: ResourceKind) -> None:
    assert bare_id(f"{PARENT}/{kind}s/{object_id}", PLACE, kind) == object_id
    assert bare_id(object_id, PLACE, kind) == object_id


@given(st.text())
def test_any_text_is_taken_or_refused_in_words(text: str) -> None:
    with suppress(ValueError):
        assert len(bare_id(text, PLACE)) <= len(text)
