"""On a terminal: colour, questions, the live view, Ctrl-C."""

from __future__ import annotations

import signal

import pytest

from tests.apis import training_start
from tests.cli.command import CommandLine, ProjectLine

QUESTION = "Type yes to continue: "


def test_yes_is_yes(project: ProjectLine) -> None:
    with project.terminal("apply") as terminal:
        terminal.expect(QUESTION)
        assert "\x1b[32m+ create" in terminal.shown
        terminal.type("yes")
        assert terminal.ended() == 0
        assert "Apply complete:" in terminal.shown
    with project.terminal("destroy", "--no-color") as terminal:
        terminal.expect("Trained models can't be restored.")
        terminal.expect(QUESTION)
        assert "\x1b" not in terminal.shown
        terminal.type("yes")
        assert terminal.ended() == 0


@pytest.mark.parametrize("answer", ["", "y", "YES", "no", "\x04"])
def test_nothing_else_is(project: ProjectLine, answer: str) -> None:
    with project.terminal("apply") as terminal:
        terminal.expect(QUESTION)
        terminal.type(answer)
        assert terminal.ended() == 3
        assert "Not approved; nothing was done." in terminal.shown
    assert project("state", "list") == "The state is empty.\n"


def test_a_question_is_interrupted(project: ProjectLine) -> None:
    with project.terminal("apply") as terminal:
        terminal.expect(QUESTION)
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.ended() == 130
        assert "Interrupted: not approved, nothing was done." in terminal.shown
        assert "Traceback" not in terminal.shown
    assert project("state", "list") == "The state is empty.\n"


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_a_training_is_left_running_and_shown_meanwhile(
    project: ProjectLine, api: str, sign: signal.Signals
) -> None:
    project.declare(hours_pass=1.0)
    with project.terminal("apply", "--auto-approve") as terminal:
        terminal.expect("training… [1.")
        terminal.expect(f", operation {training_start(api)}")
        terminal.process.send_signal(sign)
        assert terminal.ended() == 130
        assert "Traceback" not in terminal.shown
        assert "1 training started and running (" in terminal.shown
        assert "Follow it with `automl-plan wait`" in " ".join(terminal.shown.split())
    assert "> resume" in project("plan")
    assert f"train {training_start(api)}" in project("state", "list")


def test_a_dumb_terminal_gets_lines(project: ProjectLine) -> None:
    with project.terminal("apply", "--auto-approve", TERM="dumb") as terminal:
        assert terminal.ended() == 0
        assert "\x1b" not in terminal.shown
        assert "model.digits: trained ICN" in terminal.shown


def test_colour(cli: CommandLine) -> None:
    cli("init")
    green = "\x1b[32mSuccess!"
    for extra, arguments, coloured in (
        ({}, (), True),
        ({"NO_COLOR": "1"}, (), False),
        ({"NO_COLOR": ""}, (), True),
        ({}, ("--no-color",), False),
        ({"FORCE_COLOR": "1"}, ("--no-color",), False),
        ({"TERM": "dumb"}, (), False),
    ):
        with cli.terminal("validate", *arguments, **extra) as terminal:
            assert terminal.ended() == 0
            assert (green in terminal.shown) is coloured, (extra, arguments)
    assert green not in cli.run("validate").stdout
    assert green in cli.run("validate", extra={"FORCE_COLOR": "1"}).stdout
    assert "\x1b" not in cli.run("--no-color", "validate", extra={"FORCE_COLOR": "1"}).stdout
