"""What a reviewer is told first must be true of every plan."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from automl_plan.model.address import model_address
from automl_plan.output.code_hosts.comments import Origin
from automl_plan.output.cost import usd
from automl_plan.output.markdown import plan_markdown
from automl_plan.output.review_summary import Worry, advice, caveats, effects, risks, worry_of
from automl_plan.planning.gate import GateReport, GateRow
from automl_plan.planning.options import PlanOptions
from automl_plan.planning.plan import Action, Change, Plan, Refusal
from automl_plan.planning.scorecards import Role, Scorecard
from automl_plan.workspace.bound_plan import BoundPlan
from tests.output import scenes

MODEL = model_address("digits")


@pytest.mark.parametrize(
    ("planned", "worry", "told"),
    [
        (scenes.no_changes(), Worry.NOTHING, "match the configuration"),
        (scenes.nothing_to_destroy(), Worry.NOTHING, "Nothing is recorded"),
        (scenes.update(), Worry.CHANGES, "nothing is trained"),
        (scenes.retrain(), Worry.COSTS, "training is billed"),
        (scenes.create(), Worry.COSTS, "training is billed"),
        (scenes.undeploy(), Worry.STOPS, "model.digits will stop serving predictions"),
        (scenes.delete_model(), Worry.FINAL, "can't be undone"),
        (scenes.destroy(), Worry.FINAL, "can't be undone"),
        (scenes.replace_dataset(), Worry.COSTS, "training is billed"),
        (scenes.resume(), Worry.CHANGES, "nothing is trained"),
    ],
)
def test_whether_to_worry(planned: BoundPlan, worry: Worry, told: str) -> None:
    assert worry_of(planned) is worry
    assert told in advice(planned)
    refused = replace(
        planned, plan=replace(planned.plan, refused=(Refusal("protected", "because"),))
    )
    assert worry_of(refused) is Worry.REFUSED


def test_what_it_does() -> None:
    assert effects(scenes.destroy(), str) == (
        "Trains nothing. Deletes model.digits, dataset.digits."
    )
    assert effects(scenes.delete_model(), str).endswith("(no longer declared).")
    assert "Deletes the replaced objects of dataset.digits" in effects(
        scenes.replace_dataset(), str
    )


def test_how_it_was_made() -> None:
    planned = scenes.update()
    assert caveats(planned) == ()
    partly = replace(planned, options=PlanOptions(targets=frozenset({MODEL}), refresh=False))
    assert len(caveats(partly)) == 2
    assert "Only a part" in plan_markdown(partly, Origin())
    assert caveats(scenes.destroy()) == ("Everything recorded will be deleted.",)


def test_drift_is_told_in_a_comment() -> None:
    text = plan_markdown(scenes.drift(), Origin())
    assert "**Changed outside automl-plan**" in text
    assert "was deleted" in text


@pytest.mark.parametrize("simulated", [True, False])
@pytest.mark.parametrize("met", [True, False])
def test_a_gate_is_foretold(met: bool, simulated: bool) -> None:
    gate = Change(MODEL, Action.GATE, "it was not decided on", object_id="M2")
    row = GateRow("recall at 0.5", 0.9, met=met, actual=0.95 if met else 0.8)
    report = GateReport((row,), None, None, simulated=simulated)
    card = Scorecard(MODEL, "M2", Role.CANDIDATE, 0.5, (), 2, (), None, report)
    planned = replace(scenes.update(), plan=Plan((gate,)), scores=(card,))
    (risk,) = risks(planned.plan, planned.scores, usd)
    assert risk.would_be_rejected is not met
    text = plan_markdown(planned, Origin())
    how = "its simulated evaluation" if simulated else "its evaluation"
    assert (f"{how} passes" in text) is met
    assert (f"{how} fails" in text) is not met
    assert ("recall at 0.5 0.8000, 0.9000 required" in text) is not met


def test_a_gate_after_a_training_is_not_foretold() -> None:
    train = Change(MODEL, Action.RETRAIN, "it is asked for")
    gate = Change(MODEL, Action.GATE, "gated", needs=(train.key,))
    card = Scorecard(MODEL, "M1", Role.REJECTED, 0.5, (), 1, (), None, GateReport((), None, None))
    found = risks(Plan((train, gate)), (card,), usd)
    assert [risk.forecast for risk in found] == [None, None]
