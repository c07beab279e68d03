"""The end of a model's life as users meet it, by the service's clock."""

from __future__ import annotations

import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from msgspec.structs import replace

from automl_plan.execution.poller import wait_for_operation
from tests.apis import BOTH
from tests.cli.command import COMMAND, PATIENCE, ProjectLine, environment
from tests.output.ics import Component, read
from tests.output.schema import is_valid

DAY = 86_400.0


def service(project: ProjectLine, path: str, body: object) -> Any:
    """Ask the project's embedded service."""
    url = project.json("emulator", "status")["url"]
    answer = requests.post(f"{url}/{path}", json=body, timeout=30)
    assert answer.ok, answer.text
    return answer.json()


def advance(project: ProjectLine, days: float) -> None:
    service(project, "emulator/v1/clock:advance", {"seconds": days * DAY})


def written(project: ProjectLine, *arguments: str) -> bytes:
    """The standard output of a command, to the byte."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        cwd=project.directory,
        env=environment({"PYTHONIOENCODING": "ascii"}),
        capture_output=True,
        timeout=PATIENCE,
        check=True,
    )
    assert done.stderr == b""
    return done.stdout


def event_of(calendar: Component) -> Component:
    (event,) = calendar.components
    return event


def train_by_hand(project: ProjectLine) -> None:
    """A model that nobody manages."""
    with project.project.workspace() as opened:
        provider, desired = opened.provider, opened.configuration.desired
        (dataset,), (on,) = provider.datasets(), desired.datasets.values()
        (model,) = desired.models.values()
        operation = provider.train(replace(model, display_name="by_hand"), on, dataset.id, {})
        wait_for_operation(provider, operation.id, timeout=30)


@BOTH
def test_the_end_is_told_by_the_services_clock(project: ProjectLine) -> None:
    project("apply", "--auto-approve")
    (model,) = project.json("models", "list")["models"]
    made, ends = (datetime.fromisoformat(model[name]) for name in ("created", "expires"))
    assert timedelta(days=546) <= ends - made <= timedelta(days=550)
    assert 545 <= model["expires_in_days"] <= 550
    assert "Warning" not in project("models", "list")

    advance(project, 500.5)  # so that the days that are left are the same for some hours
    document = project.json("models", "list")
    assert is_valid("models-list", document)
    (soon,) = document["models"]
    assert soon["expires"] == model["expires"]
    assert 45 <= soon["expires_in_days"] <= 50
    listed = project("models", "list")
    assert f"expires in {soon['expires_in_days']} days. Add `retrain: " in listed
    assert "`automl-plan apply --replace model.digits`" in listed
    shown = project("models", "show", "digits")
    assert f"Expires:       {ends.date()}, in {soon['expires_in_days']} days\n" in shown
    with project.terminal("models", "list") as terminal:
        terminal.expect(f"\x1b[33min {soon['expires_in_days']} days\x1b[0m")
        assert terminal.ended() == 0

    advance(project, 60)
    assert "expired. Add `retrain: " in project("models", "list")
    document = project.json("models", "show", "digits")
    assert is_valid("models-show", document)
    assert document["expires_in_days"] < 0
    assert not document["deployed"]
    told = project("models", "delete", "digits", "--auto-approve")
    assert told.startswith(f"Deleted {model['id']}")


@BOTH
def test_the_calendar(project: ProjectLine) -> None:
    assert project("models", "calendar") == "No models expire.\n"
    project("apply", "--auto-approve")
    train_by_hand(project)
    advance(project, 500)
    document = project.json("models", "list")["models"]
    (managed,) = (model for model in document if model["address"])
    day = managed["expires"][:10]

    text = project("models", "calendar")
    assert f"{day}  model.digits" in text
    assert "by_hand" not in text
    assert "by_hand" in project("models", "calendar", "--all")

    event = event_of(read(written(project, "models", "calendar", "--ics")))
    assert event.text("SUMMARY") == "model.digits expires"
    assert event.properties["DTSTART;VALUE=DATE"] == day.replace("-", "")
    stamp = datetime.strptime(event.properties["DTSTAMP"] + "+0000", "%Y%m%dT%H%M%SZ%z")
    assert stamp - datetime.fromisoformat(managed["created"]) >= timedelta(days=499)
    assert managed["id"] in event.text("DESCRIPTION")

    said = project("models", "calendar", "--ics", "--all", "--out", "models.ics")
    assert said == "Wrote models.ics.\n"
    both = read((project.directory / "models.ics").read_bytes()).components
    assert {each.text("SUMMARY") for each in both} == {
        "model.digits expires",
        "by_hand expires",
    }
    again = event_of(read(written(project, "models", "calendar", "--ics")))
    assert again.properties["UID"] == event.properties["UID"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--out", "models.ics"), "Add --ics."),
        (("--ics", "--out", "no/such/folder.ics"), "can't be written: No such file"),
    ],
)
def test_what_the_calendar_refuses(
    project: ProjectLine, arguments: tuple[str, ...], said: str
) -> None:
    assert said in project.failure("models", "calendar", *arguments)
    assert not Path(project.directory / "models.ics").exists()
