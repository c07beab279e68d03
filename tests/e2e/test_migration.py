"""From AutoML to Vertex AI with the example: real images, a model that was really trained."""

from __future__ import annotations

import json

import pytest

from tests.e2e.command_line import CommandLine
from tests.e2e.test_main_job import digits


@pytest.mark.parametrize("api", ["automl"])
def test_the_example_moves_with_what_it_has_learnt(cli: CommandLine) -> None:
    configuration = digits(cli)
    cli.apply()
    before = configuration.read_text(encoding="utf-8")
    judged = json.loads(cli("models", "evaluations", "digits", "--json"))["evaluations"]

    assert "The next plan is empty." in cli("migrate", "--to", "vertex", "--auto-approve")
    after = configuration.read_text(encoding="utf-8")
    assert after == before.replace("local: {} ", "local: {api: vertex} ")
    assert "No changes." in cli("plan", "--detailed-exitcode")
    again = json.loads(cli("models", "evaluations", "digits", "--json"))["evaluations"]
    assert again[0]["au_prc"] == judged[0]["au_prc"] > 0.95
    assert "deployed (1 node)" in cli("models", "list")
