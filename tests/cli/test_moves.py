"""What is declared while the service still makes something: its labels were chosen before."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.apis import BOTH
from tests.cli.command import ProjectLine
from tests.cli.test_ended import trainings


@BOTH
@pytest.mark.parametrize(
    ("gated", "first"),
    [(False, ()), (True, ()), (False, ("wait", "--auto-approve")), (True, ("watch", "--once"))],
)
def test_what_a_training_makes_bears_the_new_address(
    project: ProjectLine, gated: bool, first: tuple[str, ...]
) -> None:
    """The labels were chosen when it was begun: the plan that takes it up mends them.

    What follows it `first` waits for what was started, under the new name or the former one.
    """
    project.declare(hours_pass=100.0)
    path = project.directory / "automl-plan.yaml"
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if gated:
        document["models"]["digits"]["require"] = {"au_prc": 0.1}
        path.write_text(json.dumps(document), encoding="utf-8")
    project.detach()
    document["models"]["numbers"] = document["models"].pop("digits")
    document["moved"] = [{"from": "model.digits", "to": "model.numbers"}]
    path.write_text(json.dumps(document), encoding="utf-8")
    project("emulator", "advance", "2d")
    if first:
        project(*first, code=3 if first[0] == "wait" else 0)  # its display name is another one
    project("apply", "--auto-approve")
    assert project("plan").startswith("No changes.")
    assert trainings(project) == 1
    (model,) = project.json("models", "list")["models"]
    assert model["address"] == "model.numbers"


@BOTH
@pytest.mark.parametrize("protected", [False, True])
def test_what_a_training_makes_is_protected_as_declared_by_now(
    project: ProjectLine, protected: bool
) -> None:
    """Also where the training still runs when the plan is made."""
    project.declare(hours_pass=900.0)
    path = project.directory / "automl-plan.yaml"
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    model = document["models"]["digits"]
    model["lifecycle"] = {"prevent_destroy": not protected}
    path.write_text(json.dumps(document), encoding="utf-8")
    project.detach()
    model["lifecycle"] = {"prevent_destroy": protected}
    path.write_text(json.dumps(document), encoding="utf-8")
    project("apply", "--auto-approve")
    assert project("plan").startswith("No changes.")
