"""Simulated training: instant, repeatable, and of the shape of the real one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from automl_plan.emulator.training.trainers import load_trainer
from automl_plan.emulator.training.types import (
    Box,
    ClassificationMetrics,
    DetectionMetrics,
    Example,
    Problem,
    SetName,
    TrainingCancelled,
    TrainingJob,
)

SIMULATED = load_trainer("simulated")
LABELS = ("cat", "dog", "fish")


def never() -> bool:
    return False


def job(
    problem: Problem = Problem.IMAGE_CLASSIFICATION,
    *,
    multilabel: bool = False,
    labels: tuple[str, ...] = LABELS,
    model_type: str = "cloud",
    budget: int = 8000,
    seed: int = 1,
    count: int = 90,
) -> TrainingJob:
    """A job whose images aren't there."""
    examples = []
    for number in range(count):
        label = labels[number % len(labels)]
        detection = problem is Problem.IMAGE_OBJECT_DETECTION
        boxes = (Box(label, 0.0, 0.0, 0.5, 0.5), Box(label, 0.5, 0.5, 1.0, 1.0))
        examples.append(
            Example(
                uri=f"gs://nowhere/{number}.png",
                path=Path("absent"),
                set=list(SetName)[number % 4],
                labels=() if detection else (label,),
                boxes=boxes if detection else (),
                content=f"{number:064x}",
            )
        )
    return TrainingJob(problem, multilabel, model_type, budget, labels, tuple(examples), seed)


jobs = st.builds(
    job,
    st.sampled_from(Problem),
    multilabel=st.booleans(),
    labels=st.integers(1, 12).map(lambda count: tuple(f"label_{n}" for n in range(count))),
    model_type=st.sampled_from(["cloud", "mobile-versatile-1"]),
    budget=st.integers(1000, 900_000),
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(0, 60),
)


def test_without_a_label_every_threshold_is_there() -> None:
    [overall] = SIMULATED.train(job(labels=(), count=0), never).evaluations
    assert isinstance(overall.metrics, ClassificationMetrics)
    assert len(overall.metrics.thresholds) == 24
    assert {each.true_positive_count for each in overall.metrics.thresholds} == {0}


@given(jobs)
def test_results_say_that_they_are_simulated_and_hang_together(given_job: TrainingJob) -> None:
    SIMULATED.check(given_job)
    result = SIMULATED.train(given_job, never)
    assert result == SIMULATED.train(given_job, never)
    assert result.stop_reason.startswith("SIMULATED")
    budget = given_job.budget_milli_node_hours
    assert budget // 2 <= result.train_cost_milli_node_hours <= budget
    assert [each.label for each in result.evaluations] == [None, *given_job.labels]
    for evaluation in result.evaluations:
        if isinstance(evaluation.metrics, DetectionMetrics):
            assert given_job.problem is Problem.IMAGE_OBJECT_DETECTION
            _check_detection(evaluation.metrics)
        else:
            _check_classification(evaluation.metrics)
    overall = result.evaluations[0].metrics
    if isinstance(overall, ClassificationMetrics):
        shown = not given_job.multilabel and len(given_job.labels) <= 10
        assert (overall.confusion is not None) == shown
        if overall.confusion is not None:
            counted = [each.evaluated_example_count for each in result.evaluations[1:]]
            assert [sum(row) for row in overall.confusion] == counted


def _check_classification(metrics: ClassificationMetrics) -> None:
    assert len(metrics.thresholds) == 24
    assert 0 <= metrics.au_prc <= 1
    assert 0 <= metrics.au_roc <= 1
    positive = metrics.thresholds[0].true_positive_count
    negative = metrics.thresholds[0].false_positive_count
    before = metrics.thresholds[0]
    for entry in metrics.thresholds:
        assert entry.true_positive_count + entry.false_negative_count == positive
        assert entry.false_positive_count + entry.true_negative_count == negative
        assert entry.recall <= before.recall
        assert entry.false_positive_rate <= before.false_positive_rate
        assert 0 <= entry.recall_at1 <= entry.recall
        assert min(entry.precision, entry.precision_at1, entry.f1_score, entry.f1_score_at1) >= 0
        assert max(entry.precision, entry.precision_at1, entry.f1_score, entry.f1_score_at1) <= 1
        before = entry


def _check_detection(metrics: DetectionMetrics) -> None:
    overlaps = [entry.iou_threshold for entry in metrics.entries]
    assert (len(overlaps), overlaps[0], overlaps[-1]) == (23, 0.05, 0.99)
    mean = sum(entry.mean_average_precision for entry in metrics.entries) / 23
    assert metrics.mean_average_precision == pytest.approx(mean)
    for entry in metrics.entries:
        assert [each.confidence_threshold for each in entry.thresholds] == overlaps
        for each in entry.thresholds:
            assert min(each.recall, each.precision, each.f1_score) >= 0
            assert max(each.recall, each.precision, each.f1_score) <= 1


def test_plausible_figures() -> None:
    overall = SIMULATED.train(job(count=4000), never).evaluations[0]
    assert isinstance(overall.metrics, ClassificationMetrics)
    assert 0.8 < overall.metrics.au_prc < 1
    assert 0.9 < overall.metrics.au_roc < 1
    boxes = job(Problem.IMAGE_OBJECT_DETECTION, count=400)
    overall = SIMULATED.train(boxes, never).evaluations[0]
    assert isinstance(overall.metrics, DetectionMetrics)
    assert overall.metrics.evaluated_box_count == 2 * overall.evaluated_example_count == 220
    assert 0.4 < overall.metrics.mean_average_precision < 0.9


@pytest.mark.parametrize(
    ("problem", "model_type", "nodes"),
    [
        (Problem.IMAGE_CLASSIFICATION, "cloud", 8),
        (Problem.IMAGE_CLASSIFICATION, "mobile-core-ml-versatile-1", 1),
        (Problem.IMAGE_OBJECT_DETECTION, "cloud-low-latency-1", 9),
        (Problem.IMAGE_OBJECT_DETECTION, "mobile-low-latency-1", 1),
    ],
)
def test_duration_is_cost_by_nodes(problem: Problem, model_type: str, nodes: int) -> None:
    given_job = job(problem, model_type=model_type, budget=24_000)
    cost = SIMULATED.train(given_job, never).train_cost_milli_node_hours
    assert SIMULATED.duration(given_job) == pytest.approx(cost / 1000 / nodes)


def test_another_seed_or_budget_is_another_result() -> None:
    first = SIMULATED.train(job(), never).evaluations
    assert first != SIMULATED.train(job(seed=2), never).evaluations
    assert first != SIMULATED.train(job(budget=9000), never).evaluations


def test_it_can_be_cancelled() -> None:
    with pytest.raises(TrainingCancelled):
        SIMULATED.train(job(), lambda: True)


@given(st.binary(), st.sampled_from(Problem), st.booleans(), st.integers(1, 40))
def test_predictions_depend_on_the_bytes_only(
    image: bytes, problem: Problem, multilabel: bool, count: int
) -> None:
    labels = tuple(f"label_{number}" for number in range(count))
    given_job = job(problem, multilabel=multilabel, labels=labels)
    artefact = SIMULATED.train(given_job, never).artefact
    found = SIMULATED.predict(artefact, image)
    assert found == SIMULATED.predict(artefact, image)
    assert found == sorted(found, key=lambda each: -each.score)
    assert all(each.label in labels and 0 <= each.score <= 1 for each in found)
    if problem is Problem.IMAGE_OBJECT_DETECTION:
        for each in found:
            assert each.box is not None
            assert each.box.label == each.label
            assert 0 <= each.box.x_min < each.box.x_max <= 1
            assert 0 <= each.box.y_min < each.box.y_max <= 1
    else:
        assert sorted(each.label for each in found) == sorted(labels)
        assert multilabel or sum(each.score for each in found) == pytest.approx(1)


def test_results_are_the_same_in_another_process() -> None:
    program = (
        "from tests.emulator.training.test_simulated_trainer import SIMULATED, job, never\n"
        "print(repr(SIMULATED.train(job(), never)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[3],
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == repr(SIMULATED.train(job(), never))


def test_nothing_of_scikit_learn_is_imported() -> None:
    program = (
        "import json, sys\n"
        "from automl_plan.emulator.training.trainers import load_trainer\n"
        "from automl_plan.emulator.training.import_files import read_file\n"
        "load_trainer('simulated')\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert {"sklearn", "numpy", "PIL", "scipy"}.isdisjoint(json.loads(done.stdout))


def test_there_is_no_other_trainer() -> None:
    with pytest.raises(ValueError, match="no trainer 'magic': use auto, sklearn or simulated"):
        load_trainer("magic")


def test_a_job_without_labels_can_be_simulated() -> None:
    empty = replace(job(), labels=(), examples=())
    result = SIMULATED.train(empty, never)
    assert [each.label for each in result.evaluations] == [None]
    assert SIMULATED.predict(result.artefact, b"image") == []
