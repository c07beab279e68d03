"""What a gate found, as people read it."""

from __future__ import annotations

from automl_plan.model.address import model_address
from automl_plan.model.evaluation import ConfidenceMetrics, Evaluation
from automl_plan.model.requirements import Metric, Requirements
from automl_plan.output.evaluations import gate_text, gates_text
from automl_plan.output.style import PLAIN
from automl_plan.planning.gate import evaluate_gate
from tests.output.golden import matches_golden
from tests.output.scenes import HOSTILE

THRESHOLDS = (ConfidenceMetrics(0.5, 0.9, 0.96, 0.929, 0.01, 48, 5, 2, 400),)
NEW = (
    Evaluation("1", None, 1200, au_prc=0.981, thresholds=THRESHOLDS),
    Evaluation("2", "seven", 50, au_prc=0.97, thresholds=THRESHOLDS),
    Evaluation("3", HOSTILE, 50, au_prc=0.6),
)
CURRENT = (Evaluation("4", None, 1200, au_prc=0.975), Evaluation("5", "seven", 50, au_prc=0.96))
REQUIRE = Requirements(
    {Metric.AU_PRC: 0.95, Metric.MEAN_AVERAGE_PRECISION: 0.5},
    each_label={Metric.AU_PRC: 0.9},
    labels={"seven": {Metric.RECALL: 0.9}, f"no {HOSTILE}": {Metric.F1: 0.5}},
    not_worse_than_current=0.02,
)


def test_measured_values() -> None:
    text = gate_text(evaluate_gate(REQUIRE, NEW, CURRENT), PLAIN)
    assert matches_golden("gate", text)
    assert "\x1b" not in text


def test_made_up_numbers_of_who_guesses() -> None:
    everything = ConfidenceMetrics(0.0, 1 / 3, 1.0, 0.5, 1.0, 75, 150, 0, 0)
    guesses = Evaluation(
        "1", None, 75, 0.397, 0.54, thresholds=(everything, *THRESHOLDS), simulated=True
    )
    report = evaluate_gate(Requirements({Metric.AU_PRC: 0.2}), [guesses], None)
    text = gates_text([(model_address("textures"), 2, report)], PLAIN)
    assert matches_golden("gate-guessing", text)


def test_bounds_for_a_first_version() -> None:
    require = Requirements(
        {Metric.AU_PRC: 0.95, Metric.RECALL: 0.8}, not_worse_than_current=0.02, confidence=0.975
    )
    assert matches_golden("gate-confidence", gate_text(evaluate_gate(require, NEW, None), PLAIN))
