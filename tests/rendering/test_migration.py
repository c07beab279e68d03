"""What is shown of a migration."""

from __future__ import annotations

from automl_plan.applying.migrating.events import Abandoned, MigrationEvent, MigrationStep, Untold
from automl_plan.planning.migration import MigrationPlan, Monthly, Moving, Staying
from automl_plan.rendering.migration import (
    abandoned_json,
    abandoned_text,
    event_text,
    plan_text,
    staying_text,
)
from automl_plan.rendering.style import PLAIN
from automl_plan.resources.address import dataset_address, model_address
from automl_plan.resources.recorded import RecordedObject, Status
from tests.rendering.golden import matches_golden
from tests.rendering.scenes import HOSTILE
from tests.rendering.schema import is_valid

DIGITS = model_address("digits")
PLAN = MigrationPlan(
    moving=(
        Moving(dataset_address("digits"), RecordedObject("ICN1", {}), "digits", copied=True),
        Moving(DIGITS, RecordedObject("ICN3", {}, version=2), "digits", node_count=1),
        Moving(DIGITS, RecordedObject("ICN2", {}, version=1, status=Status.FORMER), "digits"),
        Moving(model_address("old"), RecordedObject("ICN4", {}), HOSTILE),
    ),
    staying=(
        Staying(DIGITS, "ICN5", f"it was refused: {HOSTILE}"),
        Staying(model_address("gone"), None, "it does not live any more", 27.72),
    ),
    notes=("model.digits: its age (`retrain`) counts anew from the migration",),
    monthly=Monthly(1003.75, 2007.5, 1003.75),
)


def test_the_plan() -> None:
    whole = plan_text(PLAN, PLAIN, delete=True)
    well = MigrationPlan(PLAN.moving[1:2], (), (), Monthly(0.0, 0.0, 0.0))
    staying = MigrationPlan(PLAN.moving[1:2], (), (), Monthly(1003.75, 2007.5, 2007.5))
    shown = (plan_text(each, PLAIN, delete=False) for each in (well, staying))
    assert matches_golden("migration", "---\n".join([whole, *shown]))


def test_the_events() -> None:
    for step in MigrationStep:
        text = event_text(MigrationEvent(step, DIGITS, HOSTILE, HOSTILE, HOSTILE), PLAIN)
        assert text.count("\n") == 1
        assert all(letter.isprintable() for letter in text.rstrip("\n"))
    copied = MigrationEvent(MigrationStep.COPIED, DIGITS, "ICN1", "123")
    assert event_text(copied, PLAIN) == "model.digits ICN1: copied to 123\n"


def test_a_refusal_names_what_stays() -> None:
    assert staying_text(PLAN).endswith(
        "model.gone: it does not live any more (trained anew: up to $27.72)"
    )
    assert len(staying_text(PLAN).splitlines()) == 2


def test_what_was_given_up() -> None:
    untold = (Untold(DIGITS, HOSTILE, "automl-plan-1"),)
    copies = ((dataset_address("digits"), HOSTILE),)
    told = [
        abandoned_text(Abandoned(*left), "vertex:projects/p/locations/us-central1")
        for left in (((), ()), (copies, ()), ((), untold), (copies, untold))
    ]
    assert matches_golden("migration_abandoned", "---\n".join(told))
    assert is_valid("migrate", abandoned_json(Abandoned(copies, untold)))
