"""A folder of images as a source, from the first plan to a folder that changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.apis import BOTH
from tests.cli.command import CommandLine, ProjectLine
from tests.project import png

FOLDER = {
    "image_classification": {"classification_type": "MULTICLASS"},
    "sources": ["data/photos"],
    "on_source_change": "append",
}
MODEL = {"dataset": "pets", "image_classification": {"train_budget_milli_node_hours": 8000}}


@BOTH
def test_a_folder_goes_all_the_way(project: ProjectLine) -> None:
    photos = project.directory / "data" / "photos"
    for label in ("cat", "baked goods"):
        (photos / label).mkdir(parents=True)
        for number in range(12):
            (photos / label / f"{number}.png").write_bytes(png(f"{label} {number}"))
    (photos / "cat" / "IMG_1.heic").write_bytes(b"\0\0\0\x18ftypheic")
    project.project.write({"pets": FOLDER}, {"pets": MODEL})
    refused = " ".join(project("plan", code=3).split())
    assert "data/photos/cat/IMG_1.heic" in refused
    assert "image-type" in refused
    (photos / "cat" / "IMG_1.heic").unlink()
    project("apply", "--auto-approve")
    assert project("plan").startswith("No changes.")
    (dataset,) = project.json("datasets", "list")["datasets"]
    assert dataset["total_images"] == 24
    assert "'baked goods'" in str(project.json("datasets", "show", "pets"))

    (photos / "cat" / "new.png").write_bytes(png("new"))
    project("apply", "--auto-approve")
    (dataset,) = project.json("datasets", "list")["datasets"]
    assert dataset["total_images"] == 25
    (photos / "cat" / "new.png").rename(photos / "baked goods" / "new.png")
    assert "1 image would keep labels, boxes or sets that changed" in " ".join(
        project("plan", code=3).split()
    )
    (photos / "baked goods" / "new.png").unlink()
    assert "1 image was removed from its sources" in project("plan", code=3)


def write(folder: Path, *labels: str, images: int = 12) -> None:
    for label in labels:
        (folder / label).mkdir(parents=True)
        for number in range(images):
            (folder / label / f"{number}.png").write_bytes(png(f"{label} {number}"))


def fingerprint(cli: CommandLine, source: str) -> object:
    """What a plan says of a source."""
    classes = {"image_classification": {"classification_type": "MULTICLASS"}, "sources": [source]}
    (cli.directory / "automl-plan.yaml").write_text(json.dumps({"datasets": {"d": classes}}))
    document = cli.json("plan", "--no-lint", "--no-refresh")
    (cli.directory / "automl-plan.yaml").unlink()
    return document["sources"]["dataset.d"]


def test_a_source_is_converted_and_back(cli: CommandLine) -> None:
    write(cli.directory / "photos", "cat", 'a,"b', "K\u00e4se", images=4)
    meant = fingerprint(cli, "photos/")
    for source, to in (("photos", "csv"), ("one.csv", "jsonl"), ("two.jsonl", "csv")):
        output = {"photos": "one.csv", "one.csv": "two.jsonl", "two.jsonl": "three.csv"}[source]
        done = cli.run("datasets", "convert", source, "--to", to, "--output", output)
        assert (done.returncode, done.stdout) == (0, "")
        assert done.stderr == f"Wrote {output}: 12 rows.\n"
        assert cli("datasets", "convert", source, "--to", to) == (cli.directory / output).read_text(
            encoding="utf-8"
        )
        assert fingerprint(cli, output) == meant
    assert (cli.directory / "one.csv").read_text() == (cli.directory / "three.csv").read_text()


def test_boxes_are_converted(cli: CommandLine) -> None:
    """Rows of one image that follow each other are a line; other numbers are reported."""
    one, other = "cat,0.1,0.2,,,0.5,0.75,,", "dog,0.10,.2,.5,.2,.5,.7,.1,.7"
    rows = f"TRAIN,1.png,{one}\nTRAIN,1.png,{other}\n1.jpg,,,,,,,,,\n"
    (cli.directory / "b.csv").write_text(rows)
    (cli.directory / "1.png").write_bytes(png("1"))
    done = cli.run("datasets", "convert", "b.csv", "--to", "jsonl", "--kind", "detection")
    first, second = map(json.loads, done.stdout.splitlines())
    assert [box["displayName"] for box in first["boundingBoxAnnotations"]] == ["cat", "dog"]
    assert first["boundingBoxAnnotations"][1] == {
        "displayName": "dog",
        "xMin": 0.1,
        "yMin": 0.2,
        "xMax": 0.5,
        "yMax": 0.7,
    }
    assert second == {"imageGcsUri": "1.jpg", "boundingBoxAnnotations": []}
    assert "Note: 1 row can't be written as before" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nowhere/", "--to", "csv"), "No such file or directory"),
        (("photos/cat", "--to", "csv"), "There are no images in it."),
        (("b.csv", "--to", "csv"), "The import file can't be read"),
        (("photos", "--to", "csv", "--output", "photos"), "photos can't be written"),
        (("photos", "--to", "csv", "--kind", "detection"), "but no boxes"),
        (("photos", "--to", "xml"), "'xml'"),
        (("pets", "--to", "csv"), "contains neither automl-plan.yaml"),
    ],
)
def test_what_can_not_be_converted(cli: CommandLine, arguments: tuple[str, ...], said: str) -> None:
    write(cli.directory / "photos", "cat", "dog", images=1)
    assert said in cli.failure("datasets", "convert", *arguments)
    assert [path.name for path in cli.directory.iterdir()] == ["photos"]


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("photos", "photos"),
        ("My 'photos', ${x} 2", "My_photos_x_2"),
        ("2024 K\u00e4se", "images_2024_Kase"),
        ("\u732b", "images"),
        ("p" * 40, "p" * 32),
    ],
)
def test_a_configuration_is_written_for_a_folder(cli: CommandLine, folder: str, name: str) -> None:
    """Whatever the name of the folder is, a plan of it passes."""
    write(cli.directory / "data" / folder, "cat", "dog")
    (cli.directory / "data" / folder / "test").mkdir()
    told = cli("init", "--images", f"data/{folder}")
    assert "has 24 images of 2 labels." in told
    document = cli.json("plan", "--no-refresh")
    assert [change["address"] for change in document["changes"]][-1] == f"model.{name}"
    assert document["refused"] == []


def test_a_folder_of_several_labels_an_image(cli: CommandLine) -> None:
    write(cli.directory / "photos", "cat", "dog", images=3)
    for number in range(2):
        (cli.directory / "photos" / "dog" / f"also-{number}.png").write_bytes(png(f"cat {number}"))
    cli("init", "--images", "photos")
    assert "MULTILABEL  # some images" in (cli.directory / "automl-plan.yaml").read_text()


def test_init_writes_nothing_for_a_folder_without_labels(cli: CommandLine) -> None:
    (cli.directory / "flat").mkdir()
    (cli.directory / "flat" / "1.png").write_bytes(png("1"))
    assert "No image is in a folder of its label." in cli.failure("init", "--images", "flat")
    assert "No such file" in cli.failure("init", "--images", "nowhere")
    write(cli.directory / "photos", "cat", "dog")
    assert "is not in the directory" in cli.failure("init", "-C", "flat", "--images", "photos")
    assert sorted(path.name for path in cli.directory.rglob("*.yaml")) == []
