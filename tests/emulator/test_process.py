"""The emulator as a process: its files, lock, shutdown, and recovery from a crash."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image

from automl_plan import __version__
from tests.conftest import RunningEmulator, StartEmulator

PARENT = "v1/projects/p/locations/us-central1"
HAS_PROC = Path("/proc/self/stat").exists()


def call(emulator: RunningEmulator, method: str, path: str, body: object = None) -> Any:
    """A request's answer, which must be a success."""
    answer = requests.request(method, f"{emulator.url}/{path}", json=body, timeout=30)
    assert answer.ok, answer.text
    return answer.json()


def wait(emulator: RunningEmulator, operation: Any) -> Any:
    """The operation when it is done."""
    done = call(emulator, "POST", f"v1/{operation['name']}:wait", {"timeout": "60s"})
    assert done.get("done"), "the operation still runs"
    return done


def dataset(emulator: RunningEmulator) -> str:
    """The name of a new dataset with twenty images of two labels."""
    kind = {"imageClassificationDatasetMetadata": {"classificationType": "MULTICLASS"}}
    made = wait(
        emulator, call(emulator, "POST", f"{PARENT}/datasets", {"displayName": "d", **kind})
    )
    name: str = made["response"]["name"]
    rows = []
    for number in range(20):
        shade = number * 6 + (number % 2) * 120
        path = emulator.files_root / f"{number}.png"
        Image.new("L", (8, 8), shade).save(path)
        use = ("TRAIN", "TRAIN", "TRAIN", "VALIDATION", "TEST")[number // 2 % 5]
        rows.append(f"{use},{number}.png,{('dark', 'light')[number % 2]}\n")
    (emulator.files_root / "d.csv").write_text("".join(rows))
    source = {"inputConfig": {"gcsSource": {"inputUris": ["d.csv"]}}}
    done = wait(emulator, call(emulator, "POST", f"v1/{name}:importData", source))
    assert "response" in done, done
    return name


def train(emulator: RunningEmulator, dataset_name: str) -> Any:
    """A training that has begun."""
    body = {
        "displayName": "m",
        "datasetId": dataset_name.rpartition("/")[2],
        "imageClassificationModelMetadata": {"trainBudgetMilliNodeHours": "8000"},
    }
    return call(emulator, "POST", f"{PARENT}/models", body)


def test_it_says_where_it_is(start_emulator: StartEmulator) -> None:
    emulator = start_emulator()
    note = json.loads((emulator.data_dir / "server.json").read_text())
    assert note["url"] == f"http://127.0.0.1:{note['port']}"
    assert note["pid"] == emulator.process.pid
    assert (note["version"], note["trainer"]) == (__version__, "simulated")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", note["started"])


def test_vertex_ai_may_have_a_port_of_its_own(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(vertex_port=0)
    note = json.loads((emulator.data_dir / "server.json").read_text())
    vertex, home = note["vertex_url"], "projects/p/locations/us-central1"
    body = {"displayName": "e"}
    made = requests.post(f"{vertex}/v1/{home}/endpoints", json=body, timeout=20).json()["name"]
    listed = requests.get(f"{emulator.url}/vertex/v1/{home}/endpoints", timeout=20).json()
    assert made.startswith(listed["endpoints"][0]["name"])
    assert requests.get(f"{vertex}/v1/{home}/datasets", timeout=20).json() == {}
    assert requests.get(f"{vertex}/vertex/v1/{home}/datasets", timeout=20).status_code == 404
    assert requests.get(f"{vertex}/emulator/v1/calls", timeout=20).status_code == 404
    calls = requests.get(f"{emulator.url}/emulator/v1/calls", timeout=20).json()["calls"]
    assert calls == {"datasets.list": 1, "endpoints.create": 1, "endpoints.list": 1}
    assert emulator.stop() == 0


def test_its_files_are_the_users_own(start_emulator: StartEmulator) -> None:
    emulator = start_emulator()
    dataset(emulator)
    modes = {path.name: path.stat().st_mode for path in emulator.data_dir.iterdir()}
    assert {"server.json", "lock", "emulator.sqlite3", "images"} <= set(modes)
    assert stat.S_IMODE(modes.pop("images")) == 0o700
    assert {stat.S_IMODE(mode) for mode in modes.values()} == {0o600}
    assert stat.S_IMODE(emulator.data_dir.stat().st_mode) == 0o700


def test_sigterm_ends_it_in_order(start_emulator: StartEmulator) -> None:
    emulator = start_emulator()
    assert emulator.stop() == 0
    assert not (emulator.data_dir / "server.json").exists()


def test_those_who_wait_are_answered_when_it_ends(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(time_scale=1.0)
    operation = train(emulator, dataset(emulator))
    path = f"v1/{operation['name']}:wait"
    waiting = http.client.HTTPConnection(emulator.url.removeprefix("http://"), timeout=20)
    with contextlib.closing(waiting):
        waiting.request("POST", f"/{path}", body='{"timeout": "60s"}')
        call(emulator, "POST", path, {"timeout": "0.3s"})  # by then the first one waits, too
        assert emulator.stop() == 0
        assert json.load(waiting.getresponse()) == operation


def test_it_can_be_started_again_on_the_same_port(start_emulator: StartEmulator) -> None:
    emulator = start_emulator()
    with requests.Session() as session:
        session.get(f"{emulator.url}/{PARENT}/datasets", timeout=20)
        emulator.stop()
    port = int(emulator.url.rpartition(":")[2])
    again = start_emulator(data_dir=emulator.data_dir, port=port)
    assert again.url == emulator.url


def test_a_second_process_is_refused(start_emulator: StartEmulator) -> None:
    emulator = start_emulator()
    command = [sys.executable, "-m", "automl_plan.emulator", "--data-dir", str(emulator.data_dir)]
    second = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert second.returncode == 4
    assert "Another emulator serves" in second.stderr
    assert call(emulator, "GET", f"{PARENT}/datasets") == {}


def test_a_port_in_use_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "automl_plan.emulator", "--data-dir", str(tmp_path / "d")]
        command += ["--port", port, "--trainer", "simulated"]
        run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert run.returncode == 1
    assert f"error: Can't listen on 127.0.0.1:{port}" in run.stderr


def test_a_database_that_is_none_is_said(tmp_path: Path) -> None:
    (tmp_path / "emulator.sqlite3").write_bytes(b"not a database" * 100)
    command = [sys.executable, "-m", "automl_plan.emulator", "--data-dir", str(tmp_path)]
    command += ["--trainer", "simulated"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert run.returncode == 1
    assert "can't be opened as the emulator's database" in run.stderr


def test_missing_packages_are_said(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['sklearn'] = None; "
        "from automl_plan.emulator.__main__ import main; "
        f"sys.exit(main(['--data-dir', {str(tmp_path / 'd')!r}]))"
    )
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert run.returncode == 1
    assert "pip install 'automl-plan[local]'. Or start with --trainer simulated." in run.stderr


@pytest.mark.parametrize(
    "option", ["--time-scale=0", "--time-scale=nan", "--port=70000", "--idle-timeout=-1"]
)
def test_bad_options_are_refused(tmp_path: Path, option: str) -> None:
    command = [sys.executable, "-m", "automl_plan.emulator", "--data-dir", str(tmp_path), option]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert run.returncode == 2
    assert "invalid" in run.stderr


def test_it_ends_when_idle(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(idle_timeout=0.3)
    assert emulator.process.wait(20) == 0


def test_it_does_not_end_while_a_training_runs(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(idle_timeout=0.2, time_scale=3600.0)
    operation = train(emulator, dataset(emulator))
    time.sleep(0.6)
    assert "response" in wait(emulator, operation)
    assert emulator.process.wait(20) == 0


def test_a_restart_keeps_everything(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(time_scale=1_000_000.0)
    name = dataset(emulator)
    model = wait(emulator, train(emulator, name))["response"]["name"]
    wait(emulator, call(emulator, "POST", f"v1/{model}:deploy", {}))
    paths = [f"{PARENT}/{each}" for each in ("datasets", "models", "operations")] + [
        f"v1/{model}/modelEvaluations"
    ]
    before = [call(emulator, "GET", path) for path in paths]
    emulator.stop()
    again = start_emulator(data_dir=emulator.data_dir)
    assert [call(again, "GET", path) for path in paths] == before


def test_a_simulated_training_goes_on_by_time_after_a_crash(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(time_scale=2400.0)  # one hour in 1.5 s
    operation = train(emulator, dataset(emulator))
    assert emulator.kill() == -signal.SIGKILL
    again = start_emulator(data_dir=emulator.data_dir, time_scale=2400.0)
    done = wait(again, operation)
    assert "/locations/us-central1/models/ICN" in done["response"]["name"]
    assert done["metadata"]["createTime"] == operation["metadata"]["createTime"]
    assert len(call(again, "GET", f"{PARENT}/models")["model"]) == 1


def test_a_training_whose_time_passed_while_it_was_down_is_done(
    start_emulator: StartEmulator,
) -> None:
    emulator = start_emulator(time_scale=1.0)
    operation = train(emulator, dataset(emulator))
    assert emulator.stop() == 0
    again = start_emulator(data_dir=emulator.data_dir, time_scale=10_000_000.0)
    assert "response" in wait(again, operation)


def test_a_real_training_begins_again_after_a_crash(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(trainer="sklearn")
    operation = train(emulator, dataset(emulator))
    emulator.kill()
    again = start_emulator(trainer="sklearn", data_dir=emulator.data_dir)
    assert "response" in wait(again, operation)
    assert len(call(again, "GET", f"{PARENT}/models")["model"]) == 1


def test_a_folder_that_moved_is_found_again(start_emulator: StartEmulator, tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    before.mkdir()
    emulator = start_emulator(trainer="sklearn", files_root=before, data_dir=before / "data")
    name = dataset(emulator)
    emulator.stop()
    before.rename(after)
    again = start_emulator(trainer="sklearn", files_root=after, data_dir=after / "data")
    assert "response" in wait(again, train(again, name))


def test_images_are_kept_as_they_were_imported(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(trainer="sklearn")
    name = dataset(emulator)
    for image in emulator.files_root.glob("*.png"):
        image.write_bytes(b"something else")
    assert "response" in wait(emulator, train(emulator, name))
    copies = emulator.data_dir / "images"
    assert any(path.is_file() for path in copies.rglob("*"))
    wait(emulator, call(emulator, "DELETE", f"v1/{name}"))
    assert not any(path.is_file() for path in copies.rglob("*"))


def test_a_real_training_can_be_cancelled_and_leaves_no_process(
    start_emulator: StartEmulator,
) -> None:
    emulator = start_emulator(trainer="sklearn")
    operation = train(emulator, dataset(emulator))
    while HAS_PROC and not children(emulator.process.pid):
        time.sleep(0.01)
    call(emulator, "POST", f"v1/{operation['name']}:cancel")
    assert wait(emulator, operation)["error"]["code"] == 1
    assert call(emulator, "GET", f"{PARENT}/models") == {}
    assert not children(emulator.process.pid)


def children(pid: int) -> set[str]:
    """The command lines of a process's children, without multiprocessing's own book-keeper."""
    found = set()
    for process in Path("/proc").glob("[0-9]*") if HAS_PROC else ():
        with contextlib.suppress(OSError):  # it may exit meanwhile
            parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
            command = (process / "cmdline").read_text()
            if int(parent) == pid and "resource_tracker" not in command:
                found.add(command)
    return found


def test_a_cancellation_is_not_forgotten_by_a_crash(start_emulator: StartEmulator) -> None:
    emulator = start_emulator(time_scale=1.0)
    name = dataset(emulator)
    operations = [train(emulator, name) for _ in range(7)]
    for operation in operations:
        call(emulator, "POST", f"v1/{operation['name']}:cancel")
    os.kill(emulator.process.pid, signal.SIGKILL)
    emulator.kill()
    again = start_emulator(data_dir=emulator.data_dir, time_scale=1.0)
    assert {wait(again, operation)["error"]["code"] for operation in operations} == {1}
