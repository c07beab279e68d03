"""The images of live datasets: listed, counted by label, and changed behind our back."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest

from automl_plan.providers.local import process
from tests.apis import BOTH
from tests.cli.command import ProjectLine
from tests.output.schema import is_valid
from tests.project import png

VERTEX = pytest.mark.parametrize("api", ["vertex"], indirect=True)
AUTOML = pytest.mark.parametrize("api", ["automl"], indirect=True)
ONLY_DATA = ("apply", "--target", "dataset.digits", "--auto-approve")


class Console:
    """What people do by hand: `images` are the ids of a dataset's images by their URIs."""

    def __init__(self, project: ProjectLine) -> None:
        running = process.status(project.directory / ".automl-plan" / "emulator")
        assert running is not None
        [dataset] = project.json("datasets", "list")["datasets"]
        self._url = f"{running.url}/emulator/v1/datasets/{dataset['id']}/dataItems"
        self.images = {each["uri"]: each["id"] for each in self._ask("GET", "")["items"]}

    def change(self, uri: str, **fields: object) -> None:
        self._ask("PATCH", f"/{self.images[uri]}", fields)

    def remove(self, uri: str) -> None:
        self._ask("DELETE", f"/{self.images[uri]}")

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self._url}{path}", data, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())


def add(project: ProjectLine) -> None:
    """Import one more image, as somebody else would: past the state."""
    (project.directory / "new.png").write_bytes(png("new"))
    (project.directory / "more.csv").write_text("TRAIN,new.png,cat\n")
    [dataset] = project.json("datasets", "list")["datasets"]
    running = process.status(project.directory / ".automl-plan" / "emulator")
    assert running is not None
    schema = "image_classification_single_label_io_format_1.0.0.yaml"
    config = {
        "gcsSource": {"uris": ["more.csv"]},
        "importSchemaUri": f"gs://google-cloud-aiplatform/schema/dataset/ioformat/{schema}",
    }
    home = f"{running.url}/vertex/v1/projects/local/locations/us-central1"
    body = json.dumps({"importConfigs": [config]}).encode()
    url = f"{home}/datasets/{dataset['id']}:import"
    with urllib.request.urlopen(urllib.request.Request(url, body), timeout=30) as answer:
        name = json.loads(answer.read())["name"]
    url = f"{running.url}/vertex/v1/{name}:wait"
    with urllib.request.urlopen(urllib.request.Request(url, b"{}"), timeout=30) as answer:
        assert "error" not in json.loads(answer.read())


@VERTEX
def test_images_are_listed_by_label_and_set(project: ProjectLine) -> None:
    project(*ONLY_DATA)
    document = project.json("datasets", "images", "digits")
    assert is_valid("datasets-images", document)
    assert (document["address"], len(document["images"])) == ("dataset.digits", 16)
    first = document["images"][0]
    assert (first["uri"], first["set"], first["labels"]) == ("images/cat-0.png", "TRAIN", ["cat"])
    dogs = project("datasets", "images", "dataset.digits", "--label", "dog", "--set", "TEST")
    assert [line.split() for line in dogs.splitlines()] == [
        ["SET", "LABELS", "IMAGE"],
        ["TEST", "dog", "images/dog-3.png"],
        ["TEST", "dog", "images/dog-7.png"],
    ]
    assert project("datasets", "images", "digits", "--label", "bird") == "No images.\n"
    assert "There is no dataset other." in project.failure("datasets", "images", "other")

    shown = project.json("datasets", "show", "digits")
    assert (shown["labeled_images"], shown["labels_complete"]) == (16, True)
    dog = {"label": "dog", "images": 8, "train": 4, "validation": 2, "test": 2, "unassigned": 0}
    assert shown["images_by_label"][1] == dog
    assert "dog    8       4      2           2     0" in project("datasets", "show", "digits")


@AUTOML
def test_automl_counts_the_labels_of_a_model_and_lists_no_images(project: ProjectLine) -> None:
    project(*ONLY_DATA)
    before = project.json("datasets", "show", "digits")
    assert (before["images_by_label"], before["labels_complete"]) == (None, None)
    assert "Images by label:  - (AutoML v1 has no list" in project("datasets", "show", "digits")
    project("apply", "--auto-approve")
    shown = project.json("datasets", "show", "digits")
    assert is_valid("datasets-show", shown)
    assert not shown["labels_complete"]
    cat, dog = shown["images_by_label"]
    assert (cat["label"], cat["images"], cat["train"]) == ("cat", 8, None)
    assert (dog["label"], dog["images"]) == ("dog", 8)
    for command in (("datasets", "images", "digits"), ("drift", "--images")):
        refused = project.failure(*command)
        assert "AutoML v1 has no list of the images of a dataset." in refused
        assert "`automl-plan datasets show` counts images by label." in " ".join(refused.split())
    Console(project).remove("images/cat-0.png")
    drift = project("drift", code=2)
    assert "images were not compared: AutoML v1 has no list" in drift
    assert "images: 16 were imported, now 15" in drift


@VERTEX
def test_drift_names_the_images_that_somebody_changed(project: ProjectLine) -> None:
    project(*ONLY_DATA)
    assert "all of 16 images are as they were imported" in project("drift", "--images")
    console = Console(project)
    console.change("images/cat-0.png", labels=["dog"])
    console.change("images/cat-1.png", set="test")
    # The number of images is that which was imported: the time of the last update tells it.
    assert project.json("drift", code=2) == project.json("drift", "--images", code=2)
    document = project.json("drift", code=2)
    assert is_valid("drift", document)
    [found] = document["images"]
    assert (found["imported"], found["images"], found["unknown"]) == (16, 16, None)
    assert (found["added"], found["removed"]) == ([], [])
    assert found["relabelled"] == [
        {"image": "images/cat-0.png", "before": "TRAIN cat", "after": "TRAIN dog"},
        {"image": "images/cat-1.png", "before": "TRAIN cat", "after": "TEST cat"},
    ]

    console.remove("images/dog-5.png")
    add(project)
    add(project)  # once more: it is there already
    console.remove("images/dog-6.png")
    # The number tells that something changed, so the images are named without being asked for.
    [found] = project.json("drift", code=2)["images"]
    assert (found["imported"], found["images"]) == (16, 15)
    assert (found["added"], len(found["relabelled"])) == (["new.png"], 2)
    assert found["removed"] == ["images/dog-5.png", "images/dog-6.png"]
    told = project("drift", code=2)
    assert told == (
        "Images:\n\n"
        f"  dataset.digits  {found['object_id']}: of 15 images\n"
        "        added: 1\n          new.png\n"
        "        removed: 2\n          images/dog-5.png\n          images/dog-6.png\n"
        "        relabelled: 2\n"
        "          images/cat-0.png: TRAIN cat → TRAIN dog\n"
        "          images/cat-1.png: TRAIN cat → TEST cat\n"
    )
    advised = " ".join(project("datasets", "advise", "digits").split())
    assert "The service has 15 images, but 16 were imported" in advised
    assert "images of labels differ: dog 7 (sources: 8)" in advised


@VERTEX
def test_drift_without_a_manifest_asks_the_sources(project: ProjectLine) -> None:
    project(*ONLY_DATA)
    [manifest] = project.directory.rglob("*.jsonl.gz")
    manifest.unlink()
    Console(project).change("images/cat-0.png", labels=["dog"])
    [found] = project.json("drift", "--images", code=2)["images"]
    assert [each["image"] for each in found["relabelled"]] == ["images/cat-0.png"]
    (project.directory / "d.csv").write_text("TRAIN,images/cat-1.png,cat\n")
    [found] = project.json("drift", "--images")["images"]
    assert found["unknown"] == "the rows that were imported are not recorded"


@BOTH
def test_the_images_of_a_dataset_that_is_not_there(project: ProjectLine) -> None:
    for command in ("images", "show"):
        assert "There is no dataset 1." in project.failure("datasets", command, "1")
    assert project.json("drift", "--images")["images"] == []


@VERTEX
def test_drift_names_boxes(project: ProjectLine) -> None:
    """Of JSON Lines, where a box leaves out what is 0."""
    box = {"displayName": "car", "xMax": 0.5, "yMin": 0.25, "yMax": 0.75}
    items = [
        {
            "imageGcsUri": f"images/{name}-{number}.png",
            "boundingBoxAnnotations": [box, {**box, "displayName": "bus"}][: number + 1],
            "dataItemResourceLabels": {"aiplatform.googleapis.com/ml_use": "training"},
        }
        for name in ("cat", "dog")
        for number in range(3)
    ]
    lines = "".join(f"{json.dumps(item)}\n" for item in items)
    (project.directory / "boxes.jsonl").write_text(lines)
    project.project.write({"cars": {"image_object_detection": {}, "sources": ["boxes.jsonl"]}}, {})
    project("apply", "--auto-approve", "--no-lint")
    assert "all of 6 images are as they were imported" in project("drift", "--images")
    assert "TRAIN  car, bus  images/cat-1.png" in project("datasets", "images", "cars")
    console = Console(project)
    console.change("images/cat-1.png", labels=["car", "van"])
    console.change("images/dog-0.png", labels=[])
    [found] = project.json("drift", "--images", code=2)["images"]
    place = "(0,0.25 to 0.5,0.75)"
    assert found["relabelled"] == [
        {
            "image": "images/cat-1.png",
            "before": f"TRAIN car {place} bus {place}",
            "after": f"TRAIN car {place} van {place}",
        },
        {"image": "images/dog-0.png", "before": f"TRAIN car {place}", "after": "TRAIN"},
    ]
    [first, *_] = project.json("datasets", "images", "cars", "--label", "van")["images"]
    assert first["boxes"][1] == {
        "label": "van",
        "x_min": 0,
        "y_min": 0.25,
        "x_max": 0.5,
        "y_max": 0.75,
    }
