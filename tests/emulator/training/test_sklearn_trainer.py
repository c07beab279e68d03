"""Real training, on the real digits and on images made here."""

import hashlib
import io
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from PIL import Image

from automl_plan.emulator.training.trainers import load_trainer
from automl_plan.emulator.training.types import (
    ClassificationMetrics,
    Evaluation,
    Example,
    ImageUnreadable,
    Problem,
    SetName,
    TrainingCancelled,
    TrainingFailed,
    TrainingJob,
    TrainingResult,
    TrainingUnimplemented,
)
from tests.depth import times
from tests.emulator.training.conftest import DIGITS

SKLEARN = load_trainer("sklearn")


def never() -> bool:
    return False


def metrics(evaluation: Evaluation) -> ClassificationMetrics:
    assert isinstance(evaluation.metrics, ClassificationMetrics)
    return evaluation.metrics


def encoded(image: Image.Image, image_format: str) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, image_format)
    return buffer.getvalue()


def example(path: Path, content: bytes, chosen: SetName, *labels: str) -> Example:
    path.write_bytes(content)
    return Example(path.name, path, chosen, labels, (), hashlib.sha256(content).hexdigest())


def job(examples: list[Example], *labels: str, multilabel: bool = False) -> TrainingJob:
    return TrainingJob(
        problem=Problem.IMAGE_CLASSIFICATION,
        multilabel=multilabel,
        model_type="mobile-versatile-1",
        budget_milli_node_hours=1000,
        labels=labels,
        examples=tuple(examples),
        seed=3,
    )


def test_digits_are_learnt(trained: TrainingResult) -> None:
    overall = trained.evaluations[0]
    assert overall.label is None
    assert overall.evaluated_example_count == 179
    assert metrics(overall).au_prc >= 0.99
    assert metrics(overall).au_roc >= 0.99
    assert trained.stop_reason == "MODEL_CONVERGED"
    assert 0 < trained.train_cost_milli_node_hours < 8000
    assert trained.node_qps > 0


def test_evaluations_are_those_of_each_label(
    digits_job: TrainingJob, trained: TrainingResult
) -> None:
    tested = [each for each in digits_job.examples if each.set is SetName.TEST]
    assert [each.label for each in trained.evaluations] == [None, *DIGITS]
    for evaluation in trained.evaluations[1:]:
        count = sum(evaluation.label in each.labels for each in tested)
        assert evaluation.evaluated_example_count == count
        assert metrics(evaluation).confusion is None
        assert len(metrics(evaluation).thresholds) == 24
        entry = metrics(evaluation).thresholds[10]
        assert entry.true_positive_count + entry.false_negative_count == count


def test_predictions_agree_with_the_evaluation(
    digits_job: TrainingJob, trained: TrainingResult
) -> None:
    confusion = [[0] * 10 for _ in DIGITS]
    found_at_half = right_at_half = 0
    for each in digits_job.examples:
        if each.set is SetName.TEST:
            predictions = SKLEARN.predict(trained.artefact, each.path.read_bytes())
            assert sorted(prediction.label for prediction in predictions) == list(DIGITS)
            assert sum(prediction.score for prediction in predictions) == pytest.approx(1)
            confusion[int(each.labels[0])][int(predictions[0].label)] += 1
            found = [prediction.label for prediction in predictions if prediction.score >= 0.5]
            found_at_half += len(found)
            right_at_half += each.labels[0] in found
    overall = metrics(trained.evaluations[0])
    assert overall.confusion == tuple(map(tuple, confusion))
    at_half = overall.thresholds[10]
    assert at_half.confidence_threshold == 0.5
    assert at_half.true_positive_count == right_at_half
    assert at_half.false_positive_count == found_at_half - right_at_half


def test_a_small_budget_is_reached(digits_job: TrainingJob) -> None:
    result = SKLEARN.train(replace(digits_job, budget_milli_node_hours=300), never)
    assert result.stop_reason == "BUDGET_REACHED"
    assert result.train_cost_milli_node_hours == 300
    assert metrics(result.evaluations[0]).au_prc >= 0.95


def test_the_same_job_gives_the_same_model_in_another_process(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from tests.emulator.training.test_sklearn_trainer import SKLEARN, coloured, never
result = SKLEARN.train(coloured(Path(sys.argv[1]), SetName.UNASSIGNED, 14), never)
sys.stdout.buffer.write(result.artefact)
""".replace("import sys\n", "import sys\nfrom automl_plan.emulator.training.types import SetName\n")
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        cwd=Path(__file__).parents[3],
        check=True,
        capture_output=True,
    )
    result = SKLEARN.train(coloured(tmp_path, SetName.UNASSIGNED, 14), never)
    assert result.artefact == done.stdout
    other = SKLEARN.train(replace(coloured(tmp_path, SetName.UNASSIGNED, 14), seed=4), never)
    assert result.artefact != other.artefact


def coloured(directory: Path, chosen: SetName, count: int = 40) -> TrainingJob:
    """Large images in many formats and modes: mostly red ones and mostly blue ones."""
    chance = np.random.default_rng(1)
    examples = []
    for number in range(count):
        label = ("red", "blue")[number % 2]
        width, height = (int(side) for side in chance.integers(20, 300, 2))
        noise = chance.integers(0, 120, (height, width, 3), dtype=np.uint8)
        noise[..., 0 if label == "red" else 2] += 100
        image = Image.fromarray(noise)
        made = [
            ("a.png", encoded(image, "PNG")),
            ("b.jpg", encoded(image, "JPEG")),
            ("c.gif", encoded(image.quantize(), "GIF")),
            ("d.webp", encoded(image, "WEBP")),
            ("e.bmp", encoded(image, "BMP")),
            ("f.tiff", encoded(image.convert("CMYK"), "TIFF")),
            ("g.ico", encoded(image.convert("RGBA"), "ICO")),
        ][number // 2 % 7]
        examples.append(example(directory / f"{number}{made[0]}", made[1], chosen, label))
    return job(examples, "blue", "red")


def test_unassigned_images_of_any_size_and_format(tmp_path: Path) -> None:
    given_job = coloured(tmp_path, SetName.UNASSIGNED)
    result = SKLEARN.train(given_job, never)
    assert result.evaluations[0].evaluated_example_count == 4
    assert [each.evaluated_example_count for each in result.evaluations[1:]] == [2, 2]
    assert metrics(result.evaluations[0]).confusion == ((2, 0), (0, 2))
    for mode in ("RGB", "RGBA", "P"):
        blue = encoded(Image.new("RGB", (500, 30), (60, 60, 160)).convert(mode), "PNG")
        assert SKLEARN.predict(result.artefact, blue)[0].label == "blue"
    turned_round = replace(given_job, examples=given_job.examples[::-1])
    assert SKLEARN.train(turned_round, never).artefact == result.artefact


def test_grey_images_of_16_bits_are_scaled_not_cut_off(tmp_path: Path) -> None:
    examples = []
    for number in range(40):
        grey = 20_000 if number % 2 else 50_000
        image = Image.fromarray(np.full((9, 9), grey + number, dtype=np.uint16))
        label = "dark" if number % 2 else "light"
        path = tmp_path / f"{number}.png"
        examples.append(example(path, encoded(image, "PNG"), SetName.UNASSIGNED, label))
    result = SKLEARN.train(job(examples, "dark", "light"), never)
    assert metrics(result.evaluations[0]).confusion == ((2, 0), (0, 2))


def test_labels_that_come_together(tmp_path: Path) -> None:
    chance = np.random.default_rng(2)
    examples = []
    for number in range(240):
        flags = [(number >> bit) % 2 for bit in range(3)]
        picture = chance.integers(0, 60, (8, 8, 3), dtype=np.uint8)
        for channel, flag in enumerate(flags):
            picture[..., channel] += 150 * flag
        labels = [name for name, flag in zip(("r", "g", "b"), flags, strict=True) if flag]
        chosen = (SetName.TRAIN, SetName.VALIDATION, SetName.TEST)[max(0, number % 10 - 7)]
        content = encoded(Image.fromarray(picture), "PNG")
        examples.append(example(tmp_path / f"{number}.png", content, chosen, *labels))
    result = SKLEARN.train(job(examples, "r", "g", "b", multilabel=True), never)
    overall = metrics(result.evaluations[0])
    assert overall.au_prc >= 0.99
    assert overall.confusion is None
    labelled = [each for each in examples if each.set is SetName.TEST and each.labels]
    assert result.evaluations[0].evaluated_example_count == len(labelled)
    violet = encoded(Image.new("RGB", (64, 64), (180, 30, 180)), "JPEG")
    scores = {each.label: each.score for each in SKLEARN.predict(result.artefact, violet)}
    assert scores["r"] > 0.5
    assert scores["b"] > 0.5
    assert scores["g"] < 0.5


def test_training_stops_when_it_is_cancelled(digits_job: TrainingJob) -> None:
    images = sum(bool(each.labels) for each in digits_job.examples)

    def after(calls: int) -> Callable[[], bool]:
        left = iter(range(calls))
        return lambda: next(left, None) is None

    for calls in (0, images // 2, images + 3):  # at once, while reading, while it learns
        with pytest.raises(TrainingCancelled):
            SKLEARN.train(digits_job, after(calls))


def test_object_detection_is_left_to_the_simulated_trainer(digits_job: TrainingJob) -> None:
    detection = replace(digits_job, problem=Problem.IMAGE_OBJECT_DETECTION)
    with pytest.raises(TrainingUnimplemented, match="--trainer simulated for object detection"):
        SKLEARN.check(detection)
    SKLEARN.check(digits_job)
    assert SKLEARN.duration(digits_job) == 0.0


def test_too_few_examples(digits_job: TrainingJob) -> None:
    def kept(keep: Callable[[Example], bool]) -> TrainingJob:
        return replace(digits_job, examples=tuple(filter(keep, digits_job.examples)))

    with pytest.raises(TrainingFailed, match="has no labelled TEST images"):
        SKLEARN.train(kept(lambda each: each.set is not SetName.TEST), never)
    with pytest.raises(TrainingFailed, match="have 1 of the dataset's 10 labels"):
        SKLEARN.train(kept(lambda each: each.labels == ("3",)), never)
    with pytest.raises(TrainingFailed, match="has no labelled TEST images"):
        SKLEARN.train(kept(lambda _: False), never)


def test_without_validation_images_it_stops_on_its_own_loss(digits_job: TrainingJob) -> None:
    some = [each for each in digits_job.examples if each.set is not SetName.VALIDATION][:300]
    result = SKLEARN.train(replace(digits_job, examples=tuple(some)), never)
    assert metrics(result.evaluations[0]).au_prc >= 0.9


def test_images_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    examples = list(coloured(tmp_path, SetName.UNASSIGNED, 20).examples)
    examples.append(example(tmp_path / "broken.png", b"\x89PNG broken", SetName.TRAIN, "red"))
    changed = examples[2]
    changed.path.write_bytes(encoded(Image.new("L", (3, 3)), "PNG"))
    (absent := examples[4]).path.unlink()
    with pytest.raises(TrainingFailed) as caught:
        SKLEARN.train(job(examples, "red", "blue"), never)
    message = str(caught.value)
    assert message.startswith("3 of 17 images can't be used.")
    assert "broken.png: The image can't be decoded as one of BMP, GIF" in message
    assert f"{changed.uri}: The image has changed since it was imported." in message
    assert f"{absent.uri}: The image can't be read: No such file or directory." in message
    assert str(tmp_path) not in message


def bomb(side: int) -> bytes:
    """A PNG of few bytes that says it is a square of such a side."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [7_100, 9_500, 13_500, 60_000])
def test_an_image_of_too_many_pixels_is_not_unpacked(trained: TrainingResult, side: int) -> None:
    with pytest.raises(ImageUnreadable, match="more than 50000000 pixels"):
        SKLEARN.predict(trained.artefact, bomb(side))


def test_predictions_are_for_the_formats_of_the_service(trained: TrainingResult) -> None:
    for image_format in ("BMP", "TIFF", "EPS"):
        image = encoded(Image.new("RGB", (8, 8)), image_format)
        with pytest.raises(ImageUnreadable, match="can't be decoded as one of GIF, JPEG, PNG"):
            SKLEARN.predict(trained.artefact, image)


@given(st.data())
@settings(max_examples=times(100, 600))
def test_broken_images_never_crash(trained: TrainingResult, data: st.DataObject) -> None:
    image_format = data.draw(st.sampled_from(["PNG", "JPEG", "GIF"]))
    image = bytearray(encoded(Image.new("RGB", (12, 12), (9, 99, 200)), image_format))
    for _ in range(data.draw(st.integers(0, 4))):
        image[data.draw(st.integers(0, len(image) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(image)))
    try:
        predictions = SKLEARN.predict(trained.artefact, bytes(image[:cut]))
    except ImageUnreadable:
        return
    assert len(predictions) == 10
