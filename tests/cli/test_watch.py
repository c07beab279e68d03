"""`automl-plan watch`: ends, drift and expiring models, told once, beside everything else."""

from __future__ import annotations

import configparser
import json
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from tests.apis import BOTH
from tests.cli.command import COMMAND, PATIENCE, ProjectLine, environment
from tests.notifications.receiving import Receiving

DAY = 86_400.0
EXAMPLE = Path(__file__).parents[2] / "examples" / "watch"


@pytest.fixture
def receiving(project: ProjectLine) -> Iterator[Receiving]:
    """A receiver of all events."""
    receiving = Receiving()
    document = {"notify": {"ops": {"webhook": {"url": receiving.url}}}}
    (project.directory / "notify.automl.yaml").write_text(json.dumps(document), encoding="utf-8")
    yield receiving
    receiving.close()


def events(receiving: Receiving) -> list[tuple[str, str]]:
    return [(str(d["event"]), str(d["address"])) for d in receiving.documents]


def service(project: ProjectLine, method: str, path: str, body: object) -> Any:
    url = project.json("emulator", "status")["url"]
    answer = requests.request(method, f"{url}/{path}", json=body, timeout=30)
    assert answer.ok, answer.text
    return answer.json()


def asked(project: ProjectLine) -> int:
    """How often anybody asked how a training goes on."""
    calls = service(project, "GET", "emulator/v1/calls", None)["calls"]
    return int(calls.get("operations.get", 0)) + int(calls.get("trainingPipelines.get", 0))


@contextmanager
def passing(project: ProjectLine, seconds: float) -> Iterator[None]:
    """Meanwhile the service's time passes, once somebody has asked how a training goes on."""
    before = asked(project)

    def advance() -> None:
        while asked(project) == before:
            time.sleep(0.05)
        service(project, "POST", "emulator/v1/clock:advance", {"seconds": seconds})

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(advance)
        yield
        done.result()


def rename(project: ProjectLine, name: str) -> None:
    """Somebody changes the dataset by hand."""
    (dataset,) = project.json("datasets", "list")["datasets"]
    path = f"v1/projects/local/locations/us-central1/datasets/{dataset['id']}"
    service(project, "PATCH", f"{path}?updateMask=displayName", {"displayName": name})


def watched(project: ProjectLine, *arguments: str) -> list[dict[str, Any]]:
    """The events of one watch, by its JSON lines; the last line is its result."""
    found = project("watch", *arguments, "--json").splitlines()
    return [json.loads(line) for line in found][1:]


@BOTH
def test_it_follows_detached_work_to_its_end(project: ProjectLine, receiving: Receiving) -> None:
    project.declare(hours_pass=100.0)  # an hour in 36 seconds
    project.detach()
    with passing(project, 2 * DAY):
        told = project("watch", "--interval", "1")
    assert "model.digits: train is running\n" in told
    assert "model.digits: train ended: " in told
    ending = "Nothing left to watch; 1 finished operation recorded.\nNext: automl-plan plan\n"
    assert told.endswith(ending)
    assert ("ended", "model.digits") in events(receiving)
    assert len(set(receiving.ids())) == len(receiving.ids())
    count = len(receiving.ids())
    assert project("watch", "--once") == "Nothing left to watch.\n"
    # What the plan would do next is an apply's to do; nothing was begun by the watch.
    assert project.json("operations", "list", "--running")["operations"] == []
    assert len(receiving.ids()) == count


def test_drift_is_told_once_for_as_long_as_it_lasts(
    project: ProjectLine, receiving: Receiving
) -> None:
    project("apply", "--auto-approve")
    receiving.bodies.clear()
    assert watched(project, "--once")[-1]["type"] == "watch-result"
    rename(project, "by_hand")
    first = watched(project, "--once")
    assert [e["event"] for e in first if e["type"] == "watched"] == ["found", "sent"]
    watched(project, "--once")
    assert events(receiving) == [("drift", "dataset.digits")]
    assert 'display_name: "digits" → "by_hand"' in receiving.documents[0]["text"]
    rename(project, "digits")
    watched(project, "--once")
    time.sleep(1.0)  # the id of a notice holds its second
    rename(project, "by_hand")
    watched(project, "--once")
    assert events(receiving) == [("drift", "dataset.digits")] * 2
    assert len(set(receiving.ids())) == 2
    assert project.project.state().outbox == {}


def test_the_end_of_a_life_is_told_once(project: ProjectLine, receiving: Receiving) -> None:
    project("apply", "--auto-approve")
    receiving.bodies.clear()
    service(project, "POST", "emulator/v1/clock:advance", {"seconds": 500 * DAY})
    watched(project, "--once")
    watched(project, "--once")
    assert events(receiving) == [("expiry", "model.digits")]
    assert "Next: automl-plan apply --replace model.digits" in receiving.documents[0]["text"]
    service(project, "POST", "emulator/v1/clock:advance", {"seconds": 60 * DAY})
    watched(project, "--once")  # that it is over is another event
    watched(project, "--once")
    assert events(receiving).count(("expiry", "model.digits")) == 2


def test_a_receiver_that_is_down_is_asked_again(project: ProjectLine, receiving: Receiving) -> None:
    project("apply", "--auto-approve")
    rename(project, "by_hand")
    receiving.bodies.clear()
    receiving.status = 503
    (*_, not_sent, result) = watched(project, "--once")
    assert (not_sent["event"], result["waiting"]) == ("not-sent", 1)
    receiving.status = 200
    assert watched(project, "--once")[-1]["waiting"] == 0
    first, second = receiving.ids()
    assert first == second  # the same message, that nobody took before


def test_killed_in_the_middle_it_sends_the_same_message_again(
    project: ProjectLine, receiving: Receiving
) -> None:
    project("apply", "--auto-approve")
    rename(project, "by_hand")
    receiving.bodies.clear()
    receiving.let_go.clear()  # until the process is there to be struck
    with subprocess.Popen(
        [*COMMAND, "watch"], cwd=project.directory, env=environment({}), stdout=subprocess.DEVNULL
    ) as running:
        receiving.struck = lambda: running.send_signal(signal.SIGKILL)
        assert running.wait(PATIENCE) == -signal.SIGKILL
    receiving.let_go.set()
    watched(project, "--once")
    watched(project, "--once")
    first, second = receiving.ids()
    assert first == second
    assert project.project.state().outbox == {}


@pytest.mark.parametrize("signal_", [signal.SIGINT, signal.SIGTERM])
def test_an_apply_runs_beside_it_and_a_signal_ends_it(
    project: ProjectLine, receiving: Receiving, signal_: signal.Signals
) -> None:
    command = [*COMMAND, "watch", "--for-ever", "--interval", "1", "--json"]
    with subprocess.Popen(
        command,
        cwd=project.directory,
        env=environment({}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline()  # it has begun
        project("apply", "--auto-approve")
        rename(project, "by_hand")
        line = {"event": ""}
        while line.get("event") != "sent":
            line = json.loads(running.stdout.readline())
        running.send_signal(signal_)
        said = running.communicate(timeout=PATIENCE)[1]
    assert running.returncode == 130
    assert "Traceback" not in said
    assert events(receiving).count(("drift", "dataset.digits")) == 1
    assert len(set(receiving.ids())) == len(receiving.ids())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--once", "--for-ever"), "exclude each other"),
        (("--interval", "0"), "write seconds"),
        (("--interval", "2d"), "From one second to one day"),
    ],
)
def test_what_is_asked_wrongly(project: ProjectLine, arguments: tuple[str, ...], said: str) -> None:
    assert said in project.failure("watch", *arguments)


def commands_of_examples() -> list[list[str]]:
    """What the units and the workflow run of automl-plan."""
    found = []
    for path in sorted(EXAMPLE.glob("*.service")):
        unit = configparser.ConfigParser(interpolation=None)
        unit.read(path, encoding="utf-8")
        program, *arguments = shlex.split(unit["Service"]["ExecStart"])
        assert program.endswith("/automl-plan")
        found.append(arguments)
    (job,) = yaml.safe_load((EXAMPLE / "github.yml").read_text(encoding="utf-8"))["jobs"].values()
    runs = [shlex.split(step["run"]) for step in job["steps"] if "run" in step]
    return [*found, *(words[1:] for words in runs if words[0] == "automl-plan")]


def test_the_examples_run_what_there_is(project: ProjectLine) -> None:
    commands = commands_of_examples()
    assert [command[0] for command in commands] == ["watch"] * 3
    for command in commands:
        if "--for-ever" in command:
            command.remove("--for-ever")
        assert project(*command) == "Nothing left to watch.\n"
    timer = configparser.ConfigParser(interpolation=None)
    timer.read(EXAMPLE / "automl-plan-watch-once.timer", encoding="utf-8")
    assert (EXAMPLE / "automl-plan-watch-once.service").exists()
    assert timer["Timer"]["OnUnitActiveSec"] == "10min"
