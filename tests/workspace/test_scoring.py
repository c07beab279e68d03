"""How good the versions are that a plan is about: which are read, and what is foretold."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

from automl_plan.execution.poller import wait_for_operation
from automl_plan.model.address import model_address
from automl_plan.planning.options import PlanOptions
from automl_plan.planning.scorecards import Role, Scorecard
from automl_plan.workspace.bound_plan import BoundPlan
from automl_plan.workspace.make_plan import make_plan
from automl_plan.workspace.plan_file import encode_plan, read_plan, write_plan
from tests.apis import fault_of
from tests.project import DATASET, MODEL, Project

ADDRESS = model_address("digits")
IMPOSSIBLE = {"au_prc": 1.0, "confidence": 0.99}
"""With so few test examples."""


def reviewed(project: Project) -> BoundPlan:
    with project.workspace() as workspace:
        return make_plan(workspace, PlanOptions(), for_review=True)


def declare(project: Project, **changed: object) -> None:
    project.write({"digits": DATASET}, {"digits": {**MODEL, **changed}})


def roles(planned: BoundPlan) -> list[tuple[Role, int | None]]:
    return [(card.role, card.version) for card in planned.scores]


def evaluations_read(project: Project) -> int:
    """So far, by the service's own count."""
    return calls_of(project, "modelEvaluations.list")


def calls_of(project: Project, method: str) -> int:
    """How often the service was called so, by its own count; `method` is AutoML v1's name."""
    server = project.directory / ".automl-plan" / "emulator" / "server.json"
    url = json.loads(server.read_text(encoding="utf-8"))["url"]
    with urllib.request.urlopen(f"{url}/emulator/v1/calls") as answer:
        calls = json.load(answer)["calls"]
    return int(calls.get(fault_of(project.api, method), 0))


def test_a_plan_that_changes_nothing_reads_nothing(project: Project) -> None:
    project.apply()
    before = evaluations_read(project)
    assert reviewed(project).scores == ()
    assert evaluations_read(project) == before


def test_a_plan_that_nobody_reviews_reads_nothing(project: Project) -> None:
    project.apply()
    declare(project, deploy={"node_count": 2})
    before = evaluations_read(project)
    planned = project.plan()
    assert (planned.scores, planned.made, planned.commit) == ((), None, None)
    assert evaluations_read(project) == before


def test_what_changes_is_told_as_it_is(project: Project) -> None:
    project.apply()
    declare(project, deploy={"node_count": 2})
    planned = reviewed(project)
    (card,) = planned.scores
    assert (card.role, card.version, card.gate) == (Role.CURRENT, 1, None)
    assert_whole(card)
    path = project.directory / "plan.json"
    write_plan(planned, path)
    assert read_plan(path).scores == planned.scores
    assert encode_plan(read_plan(path)) == path.read_bytes()


def test_that_numbers_are_made_up_takes_no_call_more(project: Project) -> None:
    project.apply()
    declare(project, deploy={"node_count": 2})
    before = [calls_of(project, method) for method in ("modelEvaluations.list", "models.get")]
    (card,) = reviewed(project).scores
    assert card.simulated
    after = [calls_of(project, method) for method in ("modelEvaluations.list", "models.get")]
    assert after == [before[0] + 1, before[1]]


def assert_whole(card: Scorecard) -> None:
    assert card.overall is not None
    assert card.overall.au_prc is not None
    assert [figures.label for figures in card.figures] == [None, "cat", "dog"]
    assert len(card.curve) > 10
    assert card.confusion is not None


def test_a_version_that_was_turned_down_stands_beside_the_current_one(project: Project) -> None:
    project.apply()
    kind = {"train_budget_milli_node_hours": 9000}
    declare(project, image_classification=kind, require=IMPOSSIBLE)
    assert project.apply().failed
    planned = reviewed(project)
    assert planned.empty
    assert roles(planned) == [(Role.CURRENT, 1), (Role.REJECTED, 2)]
    assert [card.gate for card in planned.scores] == [None, None], "nothing is decided on"


def test_what_was_trained_while_nobody_waited_is_foretold(tmp_path: Path, project: Project) -> None:
    assert project.directory == tmp_path
    project = Project(tmp_path, time_scale=18_000.0)  # an hour passes in a fifth of a second
    declare(project)
    project.apply()
    kind = {"train_budget_milli_node_hours": 9000}
    declare(project, image_classification=kind, require=IMPOSSIBLE)
    (running,) = project.apply(detach=True).running
    with project.workspace() as workspace:
        (operation,) = workspace.store.read().resources[ADDRESS].operations
        assert operation.id is not None
        wait_for_operation(workspace.provider, operation.id, timeout=30)
    assert running.address == ADDRESS
    planned = reviewed(project)
    assert roles(planned) == [(Role.CURRENT, 1), (Role.CANDIDATE, 2)]
    gate = planned.scores[1].gate
    assert gate is not None
    assert not gate.passed
    assert project.apply().failed, "it is as was foretold"


def test_a_gate_that_is_lowered_is_foretold_for_the_version_that_waits(project: Project) -> None:
    project.apply()
    kind = {"train_budget_milli_node_hours": 9000}
    declare(project, image_classification=kind, require=IMPOSSIBLE)
    assert project.apply().failed
    declare(project, image_classification=kind, require={"au_prc": 0.0})
    planned = reviewed(project)
    assert roles(planned) == [(Role.CURRENT, 1), (Role.CANDIDATE, 2)]
    gate = planned.scores[1].gate
    assert gate is not None
    assert gate.passed
    assert not project.apply().failed, "it is as was foretold"


def test_evaluations_that_can_not_be_read_stop_no_plan(project: Project) -> None:
    project.apply()
    declare(project, deploy={"node_count": 2})
    server = project.directory / ".automl-plan" / "emulator" / "server.json"
    url = json.loads(server.read_text(encoding="utf-8"))["url"]
    fault = json.dumps({"fault": fault_of(project.api, "modelEvaluations.list:401")}).encode()
    urllib.request.urlopen(f"{url}/emulator/v1/faults", data=fault).close()
    planned = reviewed(project)
    assert planned.scores == ()
    assert not planned.empty
