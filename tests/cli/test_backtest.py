"""`operations backtest`: of a file, of the state, of nothing."""

from __future__ import annotations

import json

from tests.cli.command import CommandLine, ProjectLine
from tests.output.schema import is_valid
from tests.planning.test_forecasting import simulated
from tests.state.test_document import good


def test_a_file_of_lines(cli: CommandLine) -> None:
    lines = (
        {
            "step": "train",
            "ended": each.ended,
            "seconds": each.seconds,
            "problem": "image_classification",
            "model_type": "cloud",
            "budget_milli_node_hours": each.work.budget,
        }
        for each in simulated(200, "lines")
    )
    (cli.directory / "h.jsonl").write_text("".join(f"{json.dumps(e)}\n" for e in lines))
    told = cli.json("operations", "backtest", "h.jsonl")
    assert is_valid("operations-backtest", told)
    assert told["total"] == told["steps"]["train"]
    assert (told["total"]["operations"], told["total"]["intervals"]) == (200, 190)
    share = f"{100 * told['total']['coverage']:.1f}%"
    assert f"80% intervals contained the duration {share} of the time" in cli(
        "operations", "backtest", "h.jsonl"
    )


def test_a_state(cli: CommandLine) -> None:
    (cli.directory / "s.json").write_text(json.dumps(good()))
    text = cli("operations", "backtest", "s.json")
    assert "An interval requires 9 operations that ended before." in text


def test_the_state_of_a_project(project: ProjectLine) -> None:
    assert project("operations", "backtest") == "No history yet.\n"
    told = project.json("operations", "backtest")
    assert is_valid("operations-backtest", told)
    assert told["total"]["coverage"] is None


def test_what_is_no_history(cli: CommandLine) -> None:
    assert "can't be read" in cli.failure("operations", "backtest", "none.jsonl")
    assert "can't be read" in cli.failure("operations", "backtest", "none.json")
    good_line = '{"step": "train", "ended": "2026-01-01T00:00:00Z", "seconds": 1}\n'
    for line in ("[]", "{", '{"step": "x"}', good_line.replace("1}", "NaN}"), "\x00"):
        (cli.directory / "h.jsonl").write_text(f"{good_line}\n{line}\n")
        assert "Line 3 is no entry of a history" in cli.failure("operations", "backtest", "h.jsonl")
