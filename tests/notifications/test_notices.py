"""Messages of what happens: each once, whatever the receiver does, and never in the way."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from automl_plan.config.load import load
from automl_plan.errors import ConfigurationError
from automl_plan.execution.apply import apply
from automl_plan.execution.events import ApplyResult
from automl_plan.planning.options import PlanOptions
from automl_plan.providers.registry import PROVIDERS
from automl_plan.workspace.make_plan import make_plan
from automl_plan.workspace.workspace import Workspace
from tests.notifications.receiving import Receiving
from tests.project import DATASET, MODEL, Project
from tests.state.test_document import SCHEMA

SCHEMAS = Path(__file__).parents[2] / "schemas"
NOTICE_SCHEMA = Draft7Validator(json.loads((SCHEMAS / "notice.schema.json").read_text()))
SECRET = "not to be seen"
ENVIRON = {"HOOK_SECRET": SECRET}


@pytest.fixture
def receiving() -> Iterator[Receiving]:
    """A receiver that listens."""
    receiving = Receiving()
    yield receiving
    receiving.close()


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """One dataset with data, and one model."""
    project = Project(tmp_path)
    project.write_data("d.csv", {"cat": 8, "dog": 8})
    model = {key: value for key, value in MODEL.items() if key != "deploy"}
    project.write({"digits": DATASET}, {"digits": model})
    yield project
    project.stop_service()


def notify(project: Project, **receivers: Any) -> None:
    (project.directory / "notify.automl.yaml").write_text(json.dumps({"notify": receivers}))


def webhook(receiving: Receiving, **more: Any) -> dict[str, Any]:
    return {"webhook": {"url": receiving.url, "secret_env": "HOOK_SECRET"}, **more}


def run(
    project: Project, environ: dict[str, str] | None = None, *, lint: bool = True
) -> ApplyResult:
    with Workspace(project.directory, environ=ENVIRON if environ is None else environ) as opened:
        return apply(
            opened, make_plan(opened, PlanOptions(lint=lint)), on_event=project.events.append
        )


def test_each_event_is_one_signed_message(project: Project, receiving: Receiving) -> None:
    notify(project, ops=webhook(receiving))
    run(project)
    # What takes seconds is told of only when it fails.
    assert [d["event"] for d in receiving.documents] == ["ended"] * 2
    assert {(d["address"], d["action"]) for d in receiving.documents} == {
        ("dataset.digits", "import-data"),
        ("model.digits", "train"),
    }
    assert len(set(receiving.ids())) == 2
    for body, headers in zip(receiving.bodies, receiving.headers, strict=True):
        expected = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        assert headers["x-automl-plan-signature"] == f"sha256={expected}"
        assert headers["x-automl-plan-event-id"] == json.loads(body)["id"]
    assert project.state().outbox == {}
    for document in receiving.documents:
        NOTICE_SCHEMA.validate(document)
    (trained,) = (d for d in receiving.documents if d["action"] == "train")
    assert trained["simulated"] is True
    assert "auPRC: 1.0000 (simulated)\n" in trained["text"]
    run(project)
    assert len(receiving.bodies) == 2


def test_a_receiver_that_is_down_gets_it_from_the_next_run(
    project: Project, receiving: Receiving, caplog: pytest.LogCaptureFixture
) -> None:
    notify(project, ops=webhook(receiving))
    receiving.status = 500
    assert not run(project).failed
    waiting = project.state().outbox
    assert len(waiting) == 2
    assert "notify.ops: a message is left for the next run: it answered 500." in caplog.text
    text = (project.directory / "state.json").read_text()
    SCHEMA.validate(json.loads(text))
    assert SECRET not in text + caplog.text
    receiving.status = 200
    receiving.bodies.clear()
    serial = project.state().serial
    run(project)  # nothing to do but that
    assert set(receiving.ids()) == set(waiting)
    assert project.state().outbox == {}
    assert project.state().serial == serial  # a plan that was saved before still fits


def test_a_receiver_that_hangs_stops_no_apply(project: Project, receiving: Receiving) -> None:
    notify(project, ops=webhook(receiving))
    receiving.let_go.clear()
    result = run(project)
    assert len(result.done) == 3
    assert len(project.state().outbox) == 2


def test_killed_in_the_middle_it_sends_again_under_the_same_id(
    project: Project, receiving: Receiving
) -> None:
    """The receiver has the message, and nobody wrote that down."""
    notify(project, ops=webhook(receiving))
    command = [sys.executable, "-m", "automl_plan", "apply", "--auto-approve"]
    environ = {**os.environ, **ENVIRON}
    receiving.let_go.clear()  # until the process is there to be struck
    with subprocess.Popen(
        command, cwd=project.directory, env=environ, stdout=subprocess.DEVNULL
    ) as running:
        receiving.struck = lambda: running.send_signal(signal.SIGKILL)
        assert running.wait(60) == -signal.SIGKILL
    receiving.let_go.set()
    (first,) = receiving.ids()
    assert first in project.state().outbox
    run(project)
    ids = receiving.ids()
    assert ids.count(first) == 2
    assert len(set(ids)) == 2
    assert len(ids) == 3
    assert project.state().outbox == {}


def test_failures_are_told(project: Project, receiving: Receiving) -> None:
    notify(project, ops=webhook(receiving, events=["failed"]))
    rows = "".join(f"TRAIN,images/cat-{i}.png,{'x' * 129}\n" for i in range(8))
    (project.directory / "d.csv").write_text(rows, encoding="utf-8")
    assert run(project, lint=False).failed
    (told,) = receiving.documents
    NOTICE_SCHEMA.validate(told)
    assert (told["event"], told["action"]) == ("failed", "import-data")
    assert told["text"].endswith("\nNext: automl-plan plan")


def test_a_gate_that_rejects_is_told(project: Project, receiving: Receiving) -> None:
    notify(project, ops=webhook(receiving, events=["gate-rejected"]))
    model = {**MODEL, "require": {"au_prc": 0.99, "confidence": 0.95}}
    project.write({"digits": DATASET}, {"digits": model})
    assert run(project).failed
    (told,) = receiving.documents
    NOTICE_SCHEMA.validate(told)
    assert told["event"] == "gate-rejected"
    assert "Version 1 does not meet the requirements (" in told["text"]
    assert "by its simulated evaluation" in told["text"]
    assert told["simulated"] is True
    assert told["text"].endswith("Next: automl-plan models versions digits")


def test_slack_and_commands(project: Project, receiving: Receiving) -> None:
    script = "import sys; open('told.txt', 'ab').write(sys.stdin.buffer.read() + b'\\n')"
    notify(
        project,
        chat={"slack": {"url_env": "CHAT"}, "events": ["failed"]},
        script={"command": [sys.executable, "-c", script], "events": ["failed"]},
    )
    rows = "".join(f"TRAIN,images/cat-{i}.png,<no> & such!{'x' * 129}\n" for i in range(8))
    (project.directory / "d.csv").write_text(rows, encoding="utf-8")
    run(project, {"CHAT": receiving.url}, lint=False)
    (message,) = receiving.documents
    (line,) = (project.directory / "told.txt").read_text().splitlines()
    told = json.loads(line)
    escaped = told["text"].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert message == {"text": escaped}
    assert project.state().outbox == {}


def test_what_is_not_set_is_told_and_waits(
    project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    notify(
        project,
        chat={"slack": {"url_env": "CHAT"}},
        script={"command": ["./not-there"]},
    )
    run(project)
    assert "notify.chat: a message is left for the next run: CHAT is not set" in caplog.text
    assert "notify.script: a message is left for the next run: the command can't" in caplog.text
    assert {n.to for n in project.state().outbox.values()} == {("chat", "script")}
    notify(project, script={"command": [sys.executable, "-c", ""]})  # no chat any more
    run(project)
    assert project.state().outbox == {}


@pytest.mark.parametrize(
    ("receiver", "said"),
    [
        ({}, "no channel"),
        ({"slack": {"url_env": "A"}, "command": ["x"]}, "slack and command"),
        ({"webhook": {}}, "a webhook needs exactly one address"),
        ({"webhook": {"url": "https://x", "url_env": "A"}}, "a webhook needs exactly one address"),
        ({"webhook": {"url": "https://x", "secret": "s"}}, "unknown key"),
        ({"webhook": {"url": "ftp://x"}}, "is not a webhook URL"),
        (
            {"slack": {"url_env": "https://secret"}},
            "url_env is not the name of an environment variable",
        ),
        ({"command": []}, "the command is empty"),
        ({"command": ["x"], "events": ["lunch"]}, "lunch"),
    ],
)
def test_what_is_no_receiver(project: Project, receiver: dict[str, Any], said: str) -> None:
    notify(project, ops=receiver)
    with pytest.raises(ConfigurationError) as caught:
        load(project.directory, PROVIDERS)
    assert said in str(caught.value.diagnostics)


def test_no_plan_depends_on_who_is_told(project: Project, receiving: Receiving) -> None:
    before = load(project.directory, PROVIDERS).digest
    notify(project, ops=webhook(receiving))
    assert load(project.directory, PROVIDERS).digest == before
