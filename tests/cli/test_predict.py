"""`models predict`: on every API, deployed or not, of files, folders and standard input."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from automl_plan.errors import ProviderError, UsageError
from automl_plan.providers.google.predictions import of_annotations, of_instance
from automl_plan.workspace.predictions import fitting, subjects
from tests.apis import BOTH
from tests.cli.command import COMMAND, ProjectLine, environment
from tests.output.schema import is_valid
from tests.project import DATASET, png

MODEL = {"dataset": "digits", "image_classification": {"train_budget_milli_node_hours": 8000}}


def declare(project: ProjectLine, **model: object) -> None:
    project.project.write({"digits": DATASET}, {"digits": {**MODEL, **model}})


def large(path: Path) -> None:
    """An image of more bytes than an online prediction of Vertex AI may have."""
    noise = random.Random(1).randbytes(800 * 800 * 3)
    Image.frombytes("RGB", (800, 800), noise).save(path)
    assert path.stat().st_size > 1_500_000


@BOTH
def test_a_deployed_model_predicts(project: ProjectLine, api: str) -> None:
    declare(project, deploy={"node_count": 1})
    project("apply", "--auto-approve")
    images = project.directory / "images"
    (images / ".hidden.png").write_bytes(png("hidden"))
    (images / "notes.txt").write_text("no image")
    document = project.json("models", "predict", "digits", "images")
    assert is_valid("models-predict", document)
    assert [each["image"] for each in document["images"]] == sorted(
        str(path.relative_to(project.directory)) for path in images.glob("[!.]*.png")
    )
    for each in document["images"]:
        scores = [found["score"] for found in each["predictions"]]
        assert scores == sorted(scores, reverse=True)
        assert {found["label"] for found in each["predictions"]} == {"cat", "dog"}

    large(images / "large.png")
    Image.new("RGB", (9, 9)).save(images / "1.webp")
    names = ("images/large.png", "images/1.webp", "images/notes.txt", "nowhere.png")
    done = project.run("models", "predict", "digits", *names, "--csv", "--top", "1")
    assert done.returncode == 1
    header, *rows = csv.reader(io.StringIO(done.stdout))
    assert header[:3] == ["image", "label", "score"]
    assert [row[0] for row in rows] == list(names)
    assert [bool(row[1]) for row in rows] == [True, True, False, False]
    assert [row[-1] for row in rows[2:]] == [
        "it is no image of a supported type",
        "it can't be read: No such file or directory",
    ]
    changed = 2 if api == "vertex" else 1
    assert f"{changed} image{'s' * (changed > 1)} changed before sending" in done.stderr
    assert "2 images of 4 not predicted." in done.stderr
    assert "made up" in done.stderr
    shown = project("models", "predict", "digits", "images/1.webp", "--threshold", "1")
    assert shown == "images/1.webp  no label  (sent as JPEG, 9 by 9)\n"


@BOTH
def test_an_undeployed_model_predicts_offline(project: ProjectLine) -> None:
    declare(project)
    project("apply", "--auto-approve")
    refused = project.failure("models", "predict", "digits", "images/cat-0.png")
    assert "The model digits is not deployed." in refused
    assert "--offline" in refused
    project.project.write({"digits": DATASET}, {"digits": {**MODEL, "deploy": {"node_count": 1}}})
    offline = project.json("models", "predict", "digits", "images", "--offline")
    project("apply", "--auto-approve")
    assert (offline["offline"], offline["simulated"]) == (True, True)
    deployed = project.json("models", "predict", "digits", "images")
    assert deployed == {**offline, "offline": False}
    content = (project.directory / "images" / "cat-0.png").read_bytes()
    done = subprocess.run(
        [*COMMAND, "models", "predict", "digits", "-"],
        cwd=project.directory,
        env=environment({}),
        input=content,
        capture_output=True,
        check=True,
    )
    shown = project("models", "predict", "digits", "images/cat-0.png")
    assert done.stdout.decode().split()[1:] == shown.split()[1:]


def test_another_provider_has_no_offline_predictions(project: ProjectLine) -> None:
    said = project.failure("models", "predict", "digits", "images", "--json", "--csv")
    assert "--json and --csv exclude each other." in said


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Path]:
    before = Path.cwd()
    os.chdir(tmp_path)
    yield tmp_path
    os.chdir(before)


def test_standard_input_is_an_image_or_a_list(here: Path) -> None:
    (here / "a").mkdir()
    for name in ("a/2.png", "a/1.JPG", "b c.png"):
        (here / name).write_bytes(png(name))
    [image] = subjects(["-"], io.BytesIO(png("x")).read)
    assert (image.name, image.content) == ("-", png("x"))
    for listed in (b"b c.png\na\n\n", b"b c.png\r\na\r\n", b"b c.png\0a\0"):
        found = subjects(["b c.png", "-"], io.BytesIO(listed).read)
        assert [each.name for each in found] == ["b c.png", "a/1.JPG", "a/2.png"]
    for nothing in (b"", b"\n"):
        with pytest.raises(UsageError, match="no images"):
            subjects(["-"], io.BytesIO(nothing).read)


@pytest.mark.parametrize(
    ("mode", "colour", "seen"),
    [
        ("I;16", 32_768, (128, 128, 128)),
        ("RGBA", (255, 0, 0, 0), (255, 255, 255)),
        ("LA", (0, 0), (255, 255, 255)),
        ("RGB", (255, 0, 0), (255, 0, 0)),
    ],
)
def test_what_is_written_anew_looks_the_same(
    mode: str, colour: int | tuple[int, ...], seen: tuple[int, int, int]
) -> None:
    written = io.BytesIO()
    Image.new(mode, (64, 64), colour).save(written, "TIFF")
    sent, sent_as = fitting(written.getvalue(), 1_000_000)
    assert sent_as == "JPEG, 64 by 64"
    with Image.open(io.BytesIO(sent)) as image:
        found = image.convert("RGB").getpixel((32, 32))
    assert isinstance(found, tuple)
    assert all(abs(a - b) <= 3 for a, b in zip(found, seen, strict=True))


@given(st.integers(0, 400), st.binary(max_size=40))
def test_no_damaged_image_is_a_traceback(place: int, damage: bytes) -> None:
    written = io.BytesIO()
    Image.new("P", (32, 32), 3).save(written, "TIFF")
    content = written.getvalue()
    damaged = content[:place] + damage + content[place + len(damage) :]
    with contextlib.suppress(ValueError):
        fitting(damaged, 1_000_000)


@pytest.mark.parametrize(
    "answer",
    [
        {"predictions": [{"displayNames": ["a"], "confidences": []}]},
        {"predictions": [{"displayNames": ["a"], "confidences": ["0.5"]}]},
        {"predictions": [{"displayNames": ["a"], "confidences": [True]}]},
        {"predictions": [{"displayNames": ["a"], "confidences": [10**400]}]},
        {"predictions": [{"displayNames": ["a"], "confidences": [1], "bboxes": [[1]]}]},
        {"payload": [{"displayName": "a", "classification": {"score": "1"}}]},
    ],
)
def test_answers_that_say_nothing(answer: dict[str, object]) -> None:
    with pytest.raises(ProviderError, match="The service answers with"):
        (of_annotations if "payload" in answer else of_instance)(answer)


def test_answers_of_boxes() -> None:
    box = {"normalizedVertices": [{"x": 0.1}, {"x": 0.5, "y": 0.75}]}
    automl = {"displayName": "a", "imageObjectDetection": {"score": 0.5, "boundingBox": box}}
    vertex = {"displayNames": ["a"], "confidences": [0.5], "bboxes": [[0.1, 0.5, 0, 0.75]]}
    one, other = of_annotations({"payload": [automl]}), of_instance({"predictions": [vertex]})
    assert one == other
    assert of_annotations({}) == of_instance({}) == of_instance({"predictions": [None]}) == []
