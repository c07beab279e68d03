"""A folder of images as a source, from the first plan to a folder that changed."""

from __future__ import annotations

from tests.apis import BOTH
from tests.cli.command import ProjectLine
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
