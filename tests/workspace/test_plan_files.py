"""What was reviewed is what is applied: nothing in a plan file is believed.

Anybody can compute the digest of a plan file, so each file here is sealed again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from automl_plan.errors import PlanFileInvalid, PlanStale
from automl_plan.planning.options import PlanOptions
from automl_plan.workspace.bound_plan import BoundPlan
from automl_plan.workspace.make_plan import make_plan
from automl_plan.workspace.plan_file import planned_to_json, read_plan, sealed, write_plan
from automl_plan.workspace.stale_plan import verify_saved_plan
from automl_plan.workspace.workspace import Workspace
from tests.project import DATASET, MODEL, Project, png

REMAKE = "automl-plan plan --out plan.json"
NOT_PLANNED = {
    "digest",  # sealed anew
    "commit",  # where it was made: a merge gives what was reviewed another one
    "found",  # a run finds it out by itself
    "allow_large_change",  # what was asked for: planned with it, nothing else comes of it here
    "allow_partial_import",
}
MOST_OF_A_LIST = 4
"""Entries of one list that are changed: a curve has a hundred points."""

NOTIFY: dict[str, Any] = {
    "page": {"command": ["./page.sh", "--to", "a b"], "events": ["failed"]},
    "hook": {"webhook": {"url": "https://ops.example.com/T0/hidden", "secret_env": "KEY"}},
    "team": {"slack": {"url_env": "SLACK"}},
    "mail": {"email": {"host": "smtp.example.com", "from": "a@b.example", "to": ["c@d.example"]}},
}


def declare(project: Project, notify: Mapping[str, Any] | None = None, **more: Any) -> None:
    """A configuration of which a plan has something in each of its parts."""
    document = {
        "provider": project.provider(),
        "state": {"local": {"path": "state.json"}},
        "datasets": {"digits": DATASET},
        "models": {"digits": {**MODEL, **more}},
        "policy": {"required_labels": ["team"], "warn": ["required_labels"]},
        "notify": NOTIFY if notify is None else notify,
    }
    (project.directory / "automl-plan.yaml").write_text(json.dumps(document), encoding="utf-8")


def reviewed(project: Project) -> dict[str, Any]:
    with project.workspace() as workspace:
        planned = make_plan(workspace, PlanOptions(), for_review=True)
    document: dict[str, Any] = json.loads(json.dumps(planned_to_json(planned)))
    return document


def checked(workspace: Workspace, document: Mapping[str, Any]) -> BoundPlan:
    """As `apply PLANFILE` reads and checks a file."""
    path = workspace.configuration.directory / "plan.json"
    path.write_bytes(sealed(document))
    saved = read_plan(path, to_apply=True)
    return verify_saved_plan(saved, workspace, saved.options, REMAKE)


def others(value: Any) -> Any:
    """Another value of the same kind, as a forger would write it."""
    match value:
        case bool():
            return not value
        case str():
            return value[:-1] + ("0" if value[-1:] != "0" else "1")
        case int():
            return value + 1
        case float():
            return value / 2 + 0.1234567
        case None:
            return "x"
    raise AssertionError(value)


def forgeries(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The places of all values of a document, of long lists of some."""
    if isinstance(document, dict):
        for key in document:
            yield from forgeries(document[key], (*path, key))
    elif isinstance(document, list):
        step = max(1, len(document) // MOST_OF_A_LIST)
        for number in range(0, len(document), step):
            yield from forgeries(document[number], (*path, number))
        if document:
            yield path
    else:
        yield path


def forged(document: dict[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    """The document with another value in one place; of a list without its last entry."""
    copy: dict[str, Any] = json.loads(json.dumps(document))
    place: Any = copy
    for key in path[:-1]:
        place = place[key]
    if isinstance(place[path[-1]], list):
        place[path[-1]].pop()
    else:
        place[path[-1]] = others(place[path[-1]])
    return copy


def test_no_value_of_a_plan_file_can_be_another(project: Project) -> None:
    declare(project, {})
    project.apply()
    (project.directory / "images" / "cat-0.png").write_bytes(png("another cat"))
    with project.workspace() as workspace:
        (model,) = workspace.provider.models()
        workspace.provider.undeploy(model.id)
    declare(project, image_classification={"train_budget_milli_node_hours": 9000})
    document = reviewed(project)
    for part in ("changes", "drift", "scores", "violations", "contacts", "forecasts", "adequacy"):
        assert document[part], part
    believed, tried = [], 0
    with project.workspace() as workspace:
        assert checked(workspace, document).plan.changes
        for path in forgeries({k: v for k, v in document.items() if k not in NOT_PLANNED}):
            tried += 1
            with_it = forged(document, path)
            try:
                checked(workspace, with_it)
            except (PlanStale, PlanFileInvalid):
                continue
            believed.append(path)
    assert believed == []
    assert tried > 100


@pytest.mark.parametrize(
    "forge",
    [
        lambda d: d["changes"][0].update(reason="only a label; nothing is trained"),
        lambda d: d["cost"]["total"].update(training=0.0),
        lambda d: d["notes"].append(
            {"address": "model.digits", "kind": "held", "text": "nothing is paid for"}
        ),
        lambda d: d.update(violations=[]),
        lambda d: d.update(contacts=[]),
        lambda d: d["scores"][0].update(version=7),
        lambda d: d.pop("moment"),
    ],
)
def test_what_is_shown_and_not_planned_is_refused_and_costs_nothing(
    project: Project, forge: Callable[[dict[str, Any]], None]
) -> None:
    declare(project, {})
    project.apply()
    declare(project, image_classification={"train_budget_milli_node_hours": 9000})
    document = reviewed(project)
    forge(document)
    with (
        project.workspace() as workspace,
        pytest.raises((PlanStale, PlanFileInvalid)) as caught,
    ):
        checked(workspace, document)
    assert "lan again" in str(caught.value.hint) or REMAKE in str(caught.value.hint)
    with project.workspace() as workspace:
        assert len(workspace.provider.models()) == 1


def test_what_differs_is_named_with_both_values(project: Project) -> None:
    declare(project)
    document = reviewed(project)
    document["changes"][2]["reason"] = "it is free"
    document["cost"]["resources"]["model.digits"]["training"] = 0.0
    document["cost"]["total"]["training"] = 0.0
    with project.workspace() as workspace, pytest.raises(PlanStale) as caught:
        checked(workspace, document)
    told = str(caught.value.message)
    assert (
        'changes: model.digits train: reason is "it is free" in the file, '
        'but "no model has been trained yet" now\n'
    ) in told
    assert "cost: total: training is 0.0 in the file, but 27.72 now" in told
    assert REMAKE in str(caught.value.hint)


CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "a command's argument": lambda n: n["page"]["command"].append("--quiet"),
    "a new command": lambda n: n.update(other={"command": ["sh", "-c", "curl evil.example"]}),
    "a receiver's events": lambda n: n["page"].pop("events"),
    "the hidden part of an address": lambda n: n["hook"]["webhook"].update(
        url="https://ops.example.com/T0/other"
    ),
    "the host of an address": lambda n: n["hook"]["webhook"].update(url="https://evil.example"),
    "where an address is": lambda n: n["team"]["slack"].update(url_env="OTHER"),
    "who gets a mail": lambda n: n["mail"]["email"]["to"].append("x@evil.example"),
    "by which server": lambda n: n["mail"]["email"].update(host="smtp.evil.example"),
    "no receiver": lambda n: n.pop("team"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_whom_a_run_contacts_is_what_was_reviewed(
    project: Project, change: Callable[[dict[str, Any]], object]
) -> None:
    declare(project)
    document = reviewed(project)
    notify = json.loads(json.dumps(NOTIFY))
    change(notify)
    declare(project, notify)
    with project.workspace() as workspace, pytest.raises(PlanStale, match="contacts: ") as caught:
        checked(workspace, document)
    assert REMAKE in str(caught.value.hint)


def test_time_that_passes_is_no_other_plan(project: Project, tmp_path: Path) -> None:
    """What tells of time is planned again at the moment of the file."""
    declare(project, {}, retrain={"max_age": "30d"})
    project.apply()
    declare(project, {}, retrain={"max_age": "30d"}, deploy={"node_count": 2})
    document = reviewed(project)
    with project.workspace() as workspace:
        planned = checked(workspace, document)
        assert planned.moment is not None
        assert json.loads(json.dumps(planned_to_json(planned))) == document
    path = tmp_path / "plan.json"
    write_plan(planned, path)
    assert json.loads(path.read_bytes()) == document
    assert not project.apply_planned(planned).failed
    assert project.plan().empty


def test_a_moment_is_shown_as_it_is_planned_at(project: Project) -> None:
    document = reviewed(project)
    document["made"] = "2020-01-01T00:00:00Z"
    with project.workspace() as workspace, pytest.raises(PlanStale, match="made is"):
        checked(workspace, document)


def test_a_plan_is_the_same_at_the_same_moment(project: Project) -> None:
    declare(project)
    with project.workspace() as workspace:
        planned = make_plan(workspace, PlanOptions(), for_review=True)
        again = checked(workspace, planned_to_json(planned))
    assert planned_to_json(again) == planned_to_json(planned)
    assert replace(again, refusal_context=None).desired == planned.desired
