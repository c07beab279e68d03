"""What the state should know and does not, in each form of a plan, of drift and of costs."""

from __future__ import annotations

from msgspec.structs import replace

from automl_plan.output.code_hosts.comments import Origin
from automl_plan.output.documents.plan import Cost, DriftFound
from automl_plan.output.drift import unrecorded_text
from automl_plan.output.html.page import plan_html
from automl_plan.output.markdown import plan_markdown
from automl_plan.output.plan import plan_text
from automl_plan.output.review_summary import advice
from automl_plan.output.style import PLAIN
from automl_plan.planning.plan import Costs, Unrecorded, UnrecordedKind
from automl_plan.workspace.bound_plan import BoundPlan
from automl_plan.workspace.plan_file import planned_to_json
from tests.output import scenes
from tests.output.golden import matches_golden
from tests.output.schema import is_valid
from tests.planning.worlds import LINEAGE, guarded

FOUND = (
    Unrecorded(
        UnrecordedKind.MODEL,
        "ICN9",
        "model.digits",
        "model.digits: the model ICN9, deployed for $1,003.75 a month, has this state's "
        "ownership labels but is not recorded: delete it (`automl-plan models delete ICN9`), or "
        "remove its ownership labels (`automl-plan state rm ICN9`)",
        "digits",
        monthly=1003.75,
    ),
    Unrecorded(
        UnrecordedKind.TRAINING,
        "ICN8",
        "dataset.digits",
        "dataset.digits: the operation ICN8 trains a model on it, and this state did not start "
        "it: wait until it ends (`automl-plan operations wait ICN8`)",
        labelled=False,
    ),
)


def forms(planned: BoundPlan) -> tuple[str, str, str]:
    return (
        plan_text(planned, PLAIN),
        plan_markdown(planned, Origin()),
        plan_html(planned),
    )


def test_a_plan_without_changes_names_each() -> None:
    scene = scenes.no_changes()
    planned = replace(scene, plan=guarded(scene.plan, FOUND, LINEAGE))
    assert planned.empty
    text, markdown, html = forms(planned)
    assert matches_golden("plan-unrecorded", text)
    for form in (text, markdown, html):
        assert "ICN8" in form
        assert "ICN9" in form
        assert "1,003.75" in form
    assert "not recorded" in advice(planned)
    assert len(planned_to_json(planned)["unrecorded"]) == 2
    assert "ICN9" not in "".join(forms(scene))


def test_a_plan_that_pays_is_refused_and_says_it_once() -> None:
    scene = scenes.retrain()
    planned = replace(scene, plan=guarded(scene.plan, FOUND, LINEAGE))
    text, markdown, html = forms(planned)
    assert matches_golden("plan-unrecorded-refused", text)
    assert text.count("models delete ICN9") == 1
    for form in (text, markdown, html):
        assert "Refused" in form
        assert "state rebuild" in form


def test_drift_and_cost_name_them_too() -> None:
    assert "ICN9" in unrecorded_text(FOUND, PLAIN)
    assert unrecorded_text((), PLAIN) == ""
    assert is_valid("drift", DriftFound.of((), FOUND, ()))
    assert is_valid("drift", DriftFound.of((), (), ()))
    assert is_valid("cost", Cost.of(Costs("2026-10-07"), FOUND))


def test_of_many_some_are_named() -> None:
    many = tuple(replace(FOUND[0], id=f"ICN{i}", text=f"ICN{i}") for i in range(100))
    text = unrecorded_text(many, PLAIN)
    assert "and 80 more" in text
    assert "100 live objects have ownership labels of this state ($100,375.00 per month)" in text
