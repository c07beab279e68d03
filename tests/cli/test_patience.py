"""Who waits for longer than a second is told what for, on a terminal only."""

from __future__ import annotations

from tests.cli.command import ProjectLine


def test_a_terminal_is_told_and_left_clean(project: ProjectLine) -> None:
    slow = ("--trainer", "simulated", "--fault", "datasets.list:delay-before=1.3")
    project("emulator", "start", *slow)
    with project.terminal("plan") as terminal:
        terminal.expect("Reading the configuration, its data and live resources (1 s)…")
        assert terminal.ended() == 0
    _, _, rest = terminal.shown.rpartition("\r\x1b[K")
    assert "automl-plan will perform the following actions" in rest


def test_a_pipe_is_told_nothing(project: ProjectLine) -> None:
    assert project.run("plan").stderr == ""
