"""`models evaluations --wrong`: what a model misreads, on both APIs of the embedded service."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
import sqlite3
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from automl_plan.emulator.tested_images import ImageResult, Resembled, insert_results
from automl_plan.errors import ProviderError
from automl_plan.providers.google.predictions import image_result
from automl_plan.providers.local import process
from tests.apis import BOTH
from tests.cli.command import ProjectLine
from tests.output.schema import is_valid

EVALUATIONS = ("models", "evaluations", "digits")
WRONG = (*EVALUATIONS, "--wrong")


def result(directory: Path, name: str, label: str, read_as: str, score: float) -> ImageResult:
    """Of an image of two labels, which `images/cat-0.png` resembles."""
    uris = [f"images/{each}.png" for each in (name, "cat-0")]
    contents = [hashlib.sha256((directory / uri).read_bytes()).hexdigest() for uri in uris]
    other = "dog" if read_as == "cat" else "cat"
    return ImageResult(
        uri=uris[0],
        content=contents[0],
        labels=(label,),
        predicted=(read_as,),
        wrong=() if label == read_as else (read_as,),
        scores=((read_as, score), (other, round(1 - score, 4))),
        nearest=(Resembled(uris[1], contents[1], ("cat",), 0.875),),
    )


class Service:
    """The database of a project's service, with what a real training would keep."""

    def __init__(self, project: ProjectLine) -> None:
        self._data = project.directory / ".automl-plan" / "emulator"

    def keep(self, trainer: str, results: Sequence[ImageResult] = ()) -> None:
        """Say that this trainer made the only model, with these results."""
        with contextlib.closing(sqlite3.connect(self._data / "emulator.sqlite3")) as db, db:
            db.execute("UPDATE models SET trainer = ?", (trainer,))
            ((model_id,),) = db.execute("SELECT id FROM models").fetchall()
            insert_results(db, model_id, results)

    def rows(self) -> int:
        """How many results it keeps."""
        with contextlib.closing(sqlite3.connect(self._data / "emulator.sqlite3")) as db:
            return int(db.execute("SELECT count(*) FROM tested_images").fetchone()[0])

    def get(self, path: str) -> dict[str, Any]:
        running = process.status(self._data)
        assert running is not None
        with urllib.request.urlopen(f"{running.url}{path}", timeout=20) as answer:
            found: dict[str, Any] = json.load(answer)
            return found


def applied(project: ProjectLine) -> Service:
    problem = {"classification_type": "MULTICLASS"}
    project.project.write_data("d.csv", {"cat": 8, "dog": 8})
    project.project.write(
        {"digits": {"image_classification": problem, "sources": ["d.csv"]}},
        {
            "digits": {
                "dataset": "digits",
                "image_classification": {"train_budget_milli_node_hours": 8000},
            }
        },
    )
    project("apply", "--auto-approve")
    return Service(project)


@BOTH
def test_what_is_misread(project: ProjectLine, api: str) -> None:
    service = applied(project)
    at = project.directory
    results = [
        result(at, "cat-3", "cat", "dog", 0.75),
        result(at, "cat-7", "cat", "cat", 0.9),
        result(at, "dog-3", "dog", "cat", 0.875),
    ]
    service.keep("auto", results)
    document = project.json(*WRONG)
    assert is_valid("models-evaluations-wrong", document)
    assert document["tested"] == 3
    found = [(each["image"], each["sureness"]) for each in document["images"]]
    assert found == [("images/dog-3.png", 0.875), ("images/cat-3.png", 0.75)]
    assert document["images"][1]["labels"] == ["cat"]
    assert document["images"][1]["scores"][0] == {"label": "dog", "score": 0.75}
    (near,) = document["images"][1]["nearest"]
    assert (near["image"], near["similarity"]) == ("images/cat-0.png", 0.875)
    shown = project(*WRONG, "--label", "cat")
    assert "2 of 3 TEST images are misread: they have the label cat, or are read as it." in shown
    assert "images/dog-3.png  dog     cat      0.8750  0.88 cat  images/cat-0.png" in shown
    assert "It has cat, dog." in project.failure(*WRONG, "--label", "cta")

    # By pages, as the service gives them.
    prefix = "/vertex" if api == "vertex" else ""
    path = (
        f"{prefix}/emulator/v1/projects/local/locations/us-central1/models/{document['model_id']}"
    )
    first = service.get(f"{path}/testedImages?pageSize=2")
    token = first["nextPageToken"]
    rest = service.get(f"{path}/testedImages?pageSize=2&pageToken={token}")
    listed = [each["uri"] for each in (*first["testedImages"], *rest["testedImages"])]
    assert listed == [each.uri for each in results]
    assert "nextPageToken" not in rest

    (at / "images" / "dog-3.png").write_bytes((at / "images" / "dog-2.png").read_bytes())
    said = project(*WRONG, "--html", "sheet.html")
    assert said == "Wrote sheet.html. 2 of 3 TEST images are misread.\n"
    page = (at / "sheet.html").read_text()
    pictures = re.findall('src="data:image/png;base64,([^"]+)"', page)
    assert len(pictures) == 3, "cat-3, and cat-0 twice"
    assert all(base64.b64decode(each).startswith(b"\x89PNG") for each in pictures)
    assert page.count('class="gone"') == 1, "dog-3 has changed"

    (at / "images").rename(at / "moved")
    done = project.run(*WRONG, "--html", "sheet.html")
    assert "The page has no pictures: the images are gone" in done.stderr
    assert "<img" not in (at / "sheet.html").read_text()

    project("models", "delete", document["model_id"], "--auto-approve")
    assert service.rows() == 0


def test_models_without_such_results(project: ProjectLine) -> None:
    """An error says why, and what is there in their place."""
    service = applied(project)
    reasons = {
        "simulated": "The results of the model are simulated: no image was tested.",
        "sklearn": "The trainer sklearn keeps no results of single TEST images",
        "auto": "An earlier version trained the model, and kept no results",
    }
    for trainer, reason in reasons.items():
        service.keep(trainer)
        for flags in ((), ("--json",), ("--html", "sheet.html")):
            failure = project.failure(*WRONG, *flags)
            assert reason in failure
        assert "`automl-plan models evaluations digits` shows the figures" in failure
    assert not (project.directory / "sheet.html").exists()
    service.keep("auto", [result(project.directory, "cat-7", "cat", "cat", 0.9)])
    assert "None of 1 TEST image is misread.\n" in project(*WRONG)


@pytest.mark.parametrize(
    "answer",
    [
        {"scores": [{"label": "a"}]},
        {"scores": [{"label": "a", "score": "0.5"}]},
        {"nearest": [{"uri": "a", "similarity": float("nan")}]},
    ],
)
def test_answers_that_say_nothing(answer: dict[str, object]) -> None:
    with pytest.raises(ProviderError, match="a number that is none"):
        image_result(answer)


def test_answers_of_another_form() -> None:
    found = image_result({"labels": "a", "predicted": [1], "scores": [], "nearest": {}})
    assert (found.labels, found.predicted, found.scores, found.nearest) == ((), ("1",), (), ())


def test_flags_that_contradict_each_other(project: ProjectLine) -> None:
    for flags, said in (
        (("--label", "cat"), "--label is for images that are misread."),
        (("--html", "x.html"), "--html is for images that are misread."),
        (("--wrong", "--threshold", "0.5"), "--wrong and --threshold exclude each other."),
        (("--wrong", "--html", "x.html", "--json"), "--json and --html exclude each other."),
    ):
        assert said in project.failure(*EVALUATIONS, *flags)
