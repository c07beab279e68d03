"""The money in a plan, in words and as a table."""

from __future__ import annotations

from msgspec.structs import replace

from automl_plan.model.address import model_address
from automl_plan.output.cost import costs_text, usd
from automl_plan.output.review_summary import money
from automl_plan.output.style import PLAIN
from automl_plan.planning.plan import Amounts, CostLine, Costs, Idle
from tests.output import scenes

DIGITS, PARITY = model_address("digits"), model_address("parity")
COSTS = Costs(
    "2026-10-07",
    (
        CostLine(DIGITS, Amounts(31.19, monthly_before=1003.75, monthly_after=2007.5)),
        CostLine(PARITY, Amounts(running_spent=3.47, running_most=27.72)),
    ),
    (Idle("ICN9", "left behind", 1003.75),),
)


def test_the_table() -> None:
    assert costs_text(COSTS, PLAIN, free=True) == (
        "COST          TRAINING (MAX)  RUNNING         MONTHLY NOW  MONTHLY AFTER\n"
        "model.digits  $31.19          -               $1,003.75    $2,007.50\n"
        "model.parity  -               $3.47 / $27.72  -            -\n"
        "total         $31.19          $3.47 / $27.72  $1,003.75    $2,007.50\n"
        "(prices of 2026-10-07; the local provider is free)\n"
        "(RUNNING: spent so far / maximum. Cancelling now costs the first amount.)\n"
        "Idle: left behind (ICN9) is deployed but not managed: $1,003.75 per month.\n"
    )
    assert costs_text(Costs("2026-10-07"), PLAIN, free=True) == ""


def test_the_sentences() -> None:
    planned = scenes.retrain()
    told = money(replace(planned, plan=replace(planned.plan, costs=COSTS)), usd)
    assert told == (
        (
            "One-time cost: at most $31.19 for 1 training. Monthly: $2,007.50 for deployments "
            "(was $1,003.75)."
        ),
        (
            "Running trainings: up to $3.47 so far, at most $27.72. Cancelling them now costs the "
            "first amount."
        ),
        "1 deployed model not managed: $1,003.75 per month.",
        "These are cloud prices; the local provider is free.",
    )
    free = replace(scenes.update(), plan=replace(scenes.update().plan, costs=Costs("")))
    assert money(free, usd)[0] == "One-time cost: none. Monthly: none."
    assert money(planned, usd) == ()
