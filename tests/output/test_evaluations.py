"""Evaluations, as people and programs read them."""

from __future__ import annotations

from automl_plan.model.address import model_address
from automl_plan.model.evaluation import (
    ConfidenceMetrics,
    ConfusionMatrix,
    Evaluation,
    at_threshold,
)
from automl_plan.output.documents.models import ModelsEvaluations
from automl_plan.output.evaluations import evaluations_text, headline_text
from automl_plan.output.style import PLAIN
from tests.output.golden import matches_golden
from tests.output.scenes import HOSTILE
from tests.output.schema import is_valid

THRESHOLDS = (
    ConfidenceMetrics(0.0, 0.5, 1.0, 2 / 3, 0.5, 9, 9, 0, 9),
    ConfidenceMetrics(0.5, 0.9, 0.8, 0.847, 0.1),
    ConfidenceMetrics(0.9, 1.0, 0.25, 0.4, 0.0),
)
OVERALL = Evaluation(
    "100",
    None,
    1234,
    au_prc=0.9876,
    au_roc=0.99,
    log_loss=0.1,
    thresholds=THRESHOLDS,
    confusion=ConfusionMatrix(("daisy", "rose", HOSTILE), ((400, 12, 0), (3, 411, 8), (0, 0, 400))),
    create_time="2019-10-02T15:30:00Z",
)
CLASSIFICATION = (
    OVERALL,
    Evaluation("101", "daisy", 412, au_prc=0.99, thresholds=THRESHOLDS),
    Evaluation("102", "rose", 422, au_prc=0.97),
    Evaluation("103", HOSTILE, 400),
)
DETECTION = (
    Evaluation("200", None, 1, mean_average_precision=0.75, thresholds=THRESHOLDS),
    Evaluation("201", "box", 1, mean_average_precision=0.75),
)


def test_classification() -> None:
    text = evaluations_text(f"flowers {HOSTILE}", CLASSIFICATION, 0.5, PLAIN)
    assert matches_golden("evaluations-classification", text)


def test_detection() -> None:
    assert matches_golden("evaluations-detection", evaluations_text("box", DETECTION, 0.95, PLAIN))


def test_a_matrix_too_wide_for_a_terminal_is_told_by_its_worst_pairs() -> None:
    labels = tuple(f"species-{i:03}" for i in range(100))
    rows = tuple(
        tuple(50 if i == j else int(j == i + 1) * (i % 7) for j in range(100)) for i in range(100)
    )
    wide = Evaluation("300", None, 5000, au_prc=0.9, confusion=ConfusionMatrix(labels, rows))
    assert matches_golden("evaluations-wide", evaluations_text("species", [wide], 0.5, PLAIN))
    sure = ConfusionMatrix(
        labels, tuple(tuple(int(i == j) for j in range(100)) for i in range(100))
    )
    text = evaluations_text("species", [Evaluation("1", None, 100, confusion=sure)], 0.5, PLAIN)
    assert "No TEST image was confused with another label." in text


def test_the_entry_is_the_highest_threshold_not_above_the_one_asked_for() -> None:
    shown = [at_threshold(OVERALL, threshold) for threshold in (0.0, 0.49, 0.5, 0.8999, 0.9, 1.0)]
    assert [entry.threshold for entry in shown if entry] == [0.0, 0.0, 0.5, 0.5, 0.9, 0.9]
    assert at_threshold(Evaluation("1", None, 1), 0.5) is None


def test_headline() -> None:
    assert headline_text(model_address("digits"), OVERALL, PLAIN) == (
        "model.digits: auPRC 0.9876, auROC 0.9900, log loss 0.1000 on 1,234 TEST images\n"
    )


def test_made_up_numbers_of_who_guesses() -> None:
    """Of three labels one is never predicted; half of the others' images are."""
    entry = ConfidenceMetrics(0.0, 1 / 3, 1.0, 0.5, 1.0, 75, 150, 0, 0)
    never = ConfidenceMetrics(0.5, None, 0.0, 0.0, 0.0, 0, 0, 25, 50)
    found = (
        Evaluation("1", None, 75, 0.397, 0.54, thresholds=(entry,), simulated=True),
        Evaluation("2", "brick", 25, 0.33, thresholds=(never,), simulated=True),
        Evaluation("3", "wood", 25, 0.4, thresholds=(entry,), simulated=True),
    )
    headline = headline_text(model_address("textures"), found[0], PLAIN)
    text = evaluations_text("textures", found, 0.5, PLAIN)
    assert matches_golden("evaluations-guessing", f"{headline}\n{text}")
    assert is_valid("models-evaluations", ModelsEvaluations.of("ICN1", found))


def test_no_evaluations() -> None:
    assert evaluations_text("flowers", (), 0.5, PLAIN) == "flowers has no evaluations.\n"


def test_json() -> None:
    for evaluations in (CLASSIFICATION, DETECTION, ()):
        assert is_valid("models-evaluations", ModelsEvaluations.of("ICN1", evaluations))
