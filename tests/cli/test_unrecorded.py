"""An older state, as people meet it: named by each command, refused, and settled by a command."""

from __future__ import annotations

import json

from tests.apis import BOTH
from tests.cli.command import ProjectLine

DATASET = {"image_classification": {"classification_type": "MULTICLASS"}, "sources": ["d.csv"]}


def model(budget: int) -> dict[str, object]:
    kind = {"train_budget_milli_node_hours": budget}
    return {"dataset": "digits", "image_classification": kind, "deploy": {"node_count": 1}}


@BOTH
def test_an_older_state_is_named_and_settled(project: ProjectLine) -> None:
    state = project.directory / "state.json"
    project.project.write({"digits": DATASET}, {"digits": model(8000)})
    project("apply", "--auto-approve")
    older = state.read_bytes()
    project.project.write({"digits": DATASET}, {"digits": model(9000)})
    project("apply", "--auto-approve")
    newer = json.loads(state.read_bytes())
    for path in project.directory.glob("state.json*"):
        if path.is_file():
            path.unlink()
    state.write_bytes(older)
    made = newer["resources"]["model.digits"]["current"]["id"]
    (found,) = project.json("drift", code=2)["unrecorded"]
    assert (found["id"], found["monthly"]) == (made, 1003.75)
    assert f"state rm {made}" in project("cost")
    assert f"models delete {made}" in project("plan", code=3)
    assert [each["rule"] for each in project.json("plan", code=3)["refused"]] == ["unrecorded"] * 2
    assert "Plan refused" in project.failure("apply", "--auto-approve", code=3)
    assert "Removed the ownership labels of the " in project("state", "rm", made, "--auto-approve")
    assert project.json("drift", code=2)["unrecorded"] == []
    assert "is recorded as" in project.failure(
        "state", "rm", json.loads(older)["resources"]["dataset.digits"]["current"]["id"]
    )
