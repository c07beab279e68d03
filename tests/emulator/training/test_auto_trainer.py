"""The trainer `auto`: photographs by a pretrained network, small pictures by their pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace
from PIL import Image

from automl_plan.emulator.training.auto_trainer import AutoTrainer
from automl_plan.emulator.training.backbone import load_backbone
from automl_plan.emulator.training.head import Head
from automl_plan.emulator.training.trainers import load_trainer
from automl_plan.emulator.training.types import (
    ClassificationMetrics,
    ModelUnusable,
    Problem,
    SetName,
    TrainingCancelled,
    TrainingFailed,
    TrainingJob,
    TrainingResult,
    TrainingUnimplemented,
)
from tests.emulator.training.photographs import TEXTURES, job, texture, textures

BARS = texture("bars", 101)


def never() -> bool:
    return False


class Trained:
    """A training of three textures, and the directory where their features are kept."""

    def __init__(self, directory: Path) -> None:
        self.kept = directory / "kept"
        self.kept.mkdir()
        self.directory = directory
        self.job = job(tuple(textures(directory, 8)))
        self.trainer = AutoTrainer(self.kept)
        self.result = self.trainer.train(self.job, never)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return Trained(tmp_path_factory.mktemp("textures"))


@pytest.fixture(scope="module")
def of_sklearn(digits_job: TrainingJob) -> TrainingResult:
    return load_trainer("sklearn").train(digits_job, never)


def metrics(result: TrainingResult) -> ClassificationMetrics:
    found = result.evaluations[0].metrics
    assert isinstance(found, ClassificationMetrics)
    return found


def test_textures_are_learnt_by_their_features(trained: Trained) -> None:
    assert metrics(trained.result).au_prc >= 0.98
    details = trained.result.details
    assert (details["chosen"], details["imagesComputed"]) == ("features", 24)
    assert 0 < trained.result.train_cost_milli_node_hours <= 8000
    assert trained.result.stop_reason == "MODEL_CONVERGED"


def test_new_images_are_predicted(trained: Trained) -> None:
    for label in TEXTURES:
        found = trained.trainer.predict(trained.result.artefact, texture(label, 100))
        assert found[0].label == label
        assert sum(each.score for each in found) == pytest.approx(1)


def test_what_each_test_image_scored_and_resembles(trained: Trained) -> None:
    label_of = {each.content: each.labels[0] for each in trained.job.examples}
    tested = trained.result.tested
    assert len(tested) == trained.result.evaluations[0].evaluated_example_count
    for image in tested:
        assert sum(image.scores) == pytest.approx(1)
        cosines = [cosine for _, cosine in image.nearest]
        assert cosines == sorted(cosines, reverse=True)
        assert image.content not in dict(image.nearest)
        assert {label_of[content] for content, _ in image.nearest} == {label_of[image.content]}


def test_no_image_is_looked_at_twice_and_the_model_is_the_same(trained: Trained) -> None:
    again = trained.trainer.train(trained.job, never)
    assert again.details["imagesComputed"] == 0
    assert again.artefact == trained.result.artefact
    more = (*trained.job.examples, *textures(trained.directory, 1, begin=8))
    grown = trained.trainer.train(replace(trained.job, examples=more[::-1]), never)
    assert (grown.details["images"], grown.details["imagesComputed"]) == (27, 3)


def test_a_training_is_cancelled_between_two_images(trained: Trained) -> None:
    calls = iter([False] * 2)
    with pytest.raises(TrainingCancelled):
        AutoTrainer().train(trained.job, lambda: next(calls, True))
    kept = iter([False] * 3)
    with pytest.raises(TrainingCancelled):
        trained.trainer.train(trained.job, lambda: next(kept, True))


def test_a_model_goes_on_from_its_base_model(trained: Trained) -> None:
    """With one image of each label, what the base model knows decides."""
    few = tuple(
        replace(each, set=SetName.TRAIN if each.path.stem.endswith("-0") else SetName.TEST)
        for each in trained.job.examples
    )
    alone = trained.trainer.train(replace(trained.job, examples=few), never)
    based = trained.trainer.train(
        replace(trained.job, examples=few, base=trained.result.artefact), never
    )
    assert (alone.details["fromBaseModel"], based.details["fromBaseModel"]) == (False, True)
    assert metrics(based).log_loss < metrics(alone).log_loss
    assert metrics(based).au_prc >= 0.98


def test_images_with_several_labels(trained: Trained) -> None:
    """Bars and waves have a second label in common."""
    labelled = tuple(
        replace(each, labels=(*each.labels, "flat") if each.labels[0] != "dots" else each.labels)
        for each in trained.job.examples
    )
    several = replace(trained.job, examples=labelled, labels=(*TEXTURES, "flat"), multilabel=True)
    result = trained.trainer.train(several, never)
    assert result.details["imagesComputed"] == 0
    assert metrics(result).au_prc >= 0.95
    found = {each.label: each.score for each in trained.trainer.predict(result.artefact, BARS)}
    assert min(found["bars"], found["flat"]) > 0.5 > max(found["dots"], found["waves"])


def test_a_rare_label_is_found(trained: Trained) -> None:
    kept = ("dots-0", "dots-1", "dots-2")
    examples = tuple(
        replace(each, set=SetName.TEST if each.path.stem[-1] in "1567" else SetName.TRAIN)
        for each in trained.job.examples
        if each.labels[0] != "dots" or each.path.stem in kept
    )
    result = trained.trainer.train(replace(trained.job, examples=examples), never)
    of_label = {each.label: each for each in result.evaluations}
    rare = of_label["dots"].metrics
    assert isinstance(rare, ClassificationMetrics)
    assert rare.au_prc == 1.0


def test_the_budget_is_never_passed(trained: Trained) -> None:
    for budget in (100, 1_000):
        result = trained.trainer.train(replace(trained.job, budget_milli_node_hours=budget), never)
        assert 0 < result.train_cost_milli_node_hours <= budget
    assert result.stop_reason == "BUDGET_REACHED"


def test_a_model_of_another_network_is_not_used(trained: Trained) -> None:
    head = Head.load(trained.result.artefact)
    assert head is not None
    with pytest.raises(ModelUnusable, match="Train it again"):
        trained.trainer.predict(replace(head, backbone="other").dump(), BARS)


def test_images_that_cannot_be_used_are_named(trained: Trained) -> None:
    first, second, *others = trained.job.examples
    gone = replace(first, path=trained.directory / "gone.jpg", content="0" * 64)
    other = replace(second, path=others[0].path, content="1" * 64)
    examples = (gone, other, *others)
    with pytest.raises(TrainingFailed, match="2 of 24 images can't be used") as caught:
        trained.trainer.train(replace(trained.job, examples=examples), never)
    assert "The image has changed since it was imported." in str(caught.value)
    assert "The image can't be read: No such file or directory." in str(caught.value)


def test_digits_are_learnt_by_their_pixels_as_ever(
    digits_job: TrainingJob, of_sklearn: TrainingResult
) -> None:
    result = AutoTrainer().train(digits_job, never)
    assert result.artefact == of_sklearn.artefact
    assert result.evaluations == of_sklearn.evaluations
    assert result.train_cost_milli_node_hours == of_sklearn.train_cost_milli_node_hours
    assert metrics(result).au_prc >= 0.99
    assert result.details["chosen"] == "pixels"
    losses = result.details["losses"]
    assert isinstance(losses, dict)
    assert losses.keys() == {"pixels"}
    tested = {each.content for each in digits_job.examples if each.set is SetName.TEST}
    assert {each.content for each in result.tested} == tested


def test_object_detection_is_refused(trained: Trained) -> None:
    with pytest.raises(TrainingUnimplemented, match="--trainer simulated for object detection"):
        trained.trainer.check(replace(trained.job, problem=Problem.IMAGE_OBJECT_DETECTION))


LARGEST = {71: 4.676, 872: 4.539, 468: 4.398, 689: 3.295, 29: 3.256, 462: 3.146}
"""Features by their place, of the image below."""


def test_the_network_computes_what_it_computed_before() -> None:
    """The numbers are those of this code."""
    ramp = np.linspace(0, 255, 224 * 224 * 3).reshape(224, 224, 3).astype(np.uint8)
    found = load_backbone().features(Image.fromarray(ramp)).astype(np.float64)
    assert found.shape == (1280,)
    assert {*np.argsort(-found)[: len(LARGEST)].tolist()} == LARGEST.keys()
    for place, value in LARGEST.items():
        assert found[place] == pytest.approx(value, abs=0.01)
