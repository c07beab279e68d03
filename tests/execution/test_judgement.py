"""Calls of an earlier run are judged when they are sent again, whatever was declared then."""

from __future__ import annotations

import json
import secrets

import pytest

from automl_plan.errors import PlanRefused
from automl_plan.model.address import dataset_address, model_address
from automl_plan.model.ownership_labels import new_token
from automl_plan.model.recorded import RecordedOperation, RecordedResource, Step
from automl_plan.model.timestamps import utc_now
from automl_plan.model.transitions import with_operation
from automl_plan.planning.options import PlanOptions
from tests.apis import BOTH
from tests.project import Project

pytestmark = BOTH
MODEL = model_address("digits")


def begin(project: Project) -> None:
    """Record the intent of a training whose call was never received."""
    assert not project.apply(PlanOptions(targets=frozenset({dataset_address("digits")}))).failed
    desired = project.plan().desired
    with project.workspace() as opened, opened.open_state(command="test") as session:
        on = session.state.resources[dataset_address("digits")].current
        assert on is not None
        model = desired.models[MODEL]
        attributes = model.attributes(desired.datasets[model.dataset])
        intent = RecordedOperation(
            Step.TRAIN,
            token=new_token(session.state.lineage, MODEL, secrets.token_hex(16)),
            started=utc_now(),
            version=1,
            attributes={k: v for k, v in attributes.items() if k != "deploy"},
            dataset_id=on.id,
        )
        session.record(with_operation(RecordedResource(MODEL), intent))


@pytest.mark.parametrize("policy", [{"max_training_cost": 1}, {"deny": {"model.*": ["train"]}}])
def test_what_the_policy_refuses_by_now_is_not_sent_again(
    project: Project, policy: dict[str, object]
) -> None:
    begin(project)
    path = project.directory / "policy.automl.yaml"
    path.write_text(json.dumps({"policy": policy}), encoding="utf-8")
    planned = project.plan()
    if planned.plan.refused:  # the call was proved lost before: the training is planned
        with pytest.raises(PlanRefused, match="policy"):
            project.apply_planned(planned)
    else:
        failed = project.apply_planned(planned).failed
        assert any(isinstance(each.error, PlanRefused) for each in failed)
    with project.workspace() as opened:
        assert opened.provider.models() == []
        assert [o for o in opened.provider.active_operations() if "model" in str(o.kind)] == []
    path.unlink()
    assert not project.apply().failed
    assert project.plan().empty
