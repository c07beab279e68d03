"""What was spent on trainings, held against the service's own bill."""

from __future__ import annotations

import json
import urllib.request

from tests.apis import BOTH
from tests.cli.command import ProjectLine
from tests.output.schema import is_valid


def billed(project: ProjectLine) -> float:
    url = project.json("emulator", "status")["url"]
    with urllib.request.urlopen(f"{url}/emulator/v1/billing", timeout=30) as answer:
        return float(json.load(answer)["training_usd"])


@BOTH
def test_the_ledger_says_no_less_than_the_bill(project: ProjectLine) -> None:
    assert "No training is in the ledger" in project("cost", "--spent")
    project("apply", "--auto-approve")
    project.declare(budget=9000)
    project("apply", "--auto-approve")
    document = project.json("cost", "--spent")
    assert is_valid("cost-spent", document)
    (row,) = document["spent"]
    assert (row["address"], row["trainings"]) == ("model.digits", 2)
    bill = billed(project)
    assert 0.0 < bill <= row["billed"] < bill + 0.02  # both models tell what they cost
    assert row["at_most"] == 0.0
    assert f"${row['billed']:,.2f}" in project("cost", "--spent")
    project("destroy", "--auto-approve")
    (row,) = project.json("cost", "--spent")["spent"]
    assert row["billed"] + row["at_most"] >= bill
    assert billed(project) == bill


@BOTH
def test_a_cancelled_training_is_in_it(project: ProjectLine) -> None:
    project.declare(hours_pass=1.0)
    project.detach()
    project.declare(budget=9000, hours_pass=1.0)
    project("apply", "--auto-approve", "--detach", code=5)
    (row,) = project.json("cost", "--spent")["spent"]
    assert (row["trainings"], row["billed"], row["at_most"]) == (1, 0.0, 27.72)


def test_it_takes_no_part_of_a_plan(project: ProjectLine) -> None:
    assert "--spent can't be combined" in project.failure("cost", "--spent", "--target", "model.x")
