"""State files through crashes, full disks, and two runs at once."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automl_plan.errors import (
    StateConflict,
    StateForeign,
    StateLocked,
    StateUnreadable,
    StateUnwritable,
)
from automl_plan.model.address import Address, dataset_address
from automl_plan.model.recorded import RecordedObject, RecordedResource
from automl_plan.state.document import State
from automl_plan.state.store import StateStore
from tests.state.strategies import recorded

ADDRESS = dataset_address("digits")


def resource(name: str = "digits", object_id: str | None = None) -> RecordedResource:
    """With an object of its own: one object belongs to one address."""
    current = RecordedObject(object_id or f"ICN-{name}", {"display_name": name})
    return RecordedResource(dataset_address(name), current=current)


def cut_off(path: Path, *resources: RecordedResource) -> None:
    """Record as a run does that is killed before it ends."""
    script = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from automl_plan.state.store import StateStore\n"
        "from tests.state.test_store import resource\n"
        "session = StateStore(Path(sys.argv[1])).open()\n"
        "for text in sys.argv[2:]:\n"
        "    session.record(resource(*text.split(':')))\n"
        "os._exit(9)\n"
    )
    steps = [f"{r.address.name}:{r.current.id if r.current else ''}" for r in resources]
    subprocess.run([sys.executable, "-c", script, str(path), *steps], check=False)


def files(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def test_what_was_never_written_is_a_fresh_state(tmp_path: Path) -> None:
    store = StateStore(tmp_path / "state" / "s.json")
    assert store.read() == State()
    assert not (tmp_path / "state").exists()


def test_a_session_that_records_nothing_writes_nothing(tmp_path: Path) -> None:
    with StateStore(tmp_path / "s.json").open():
        pass
    assert files(tmp_path) == {"s.json.lock"}


def test_a_session_writes_once_and_keeps_the_version_before(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    store = StateStore(path)
    with store.open() as session:
        session.bind("local:x")
        session.record(resource())
    first = store.read()
    assert (first.serial, first.provider) == (1, "local:x")
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.read_bytes()
    with store.open() as session:
        session.record(RecordedResource(ADDRESS))
    second = store.read()
    assert (second.serial, second.lineage) == (2, first.lineage)
    assert second.resources == {}
    assert (tmp_path / "s.json.backup").read_bytes() == before
    assert files(tmp_path) == {"s.json", "s.json.backup", "s.json.lock"}


def test_a_run_that_was_cut_off_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    cut_off(path, resource("a"), resource("b", "ICN3"), resource("a", "ICN2"))
    assert not path.exists()
    state = StateStore(path).read()
    current = state.resources[dataset_address("a")].current
    assert current is not None
    assert current.id == "ICN2"
    with StateStore(path).open() as session:
        assert session.state == state, "a plan made before fits what is opened after"
    assert StateStore(path).read() == state
    assert "s.json.journal" not in files(tmp_path)


def test_a_journal_that_is_folded_in_already_is_dropped(tmp_path: Path) -> None:
    path, journal = tmp_path / "s.json", tmp_path / "s.json.journal"
    cut_off(path, resource("a"))
    left = journal.read_bytes()
    with StateStore(path).open():
        pass
    state = StateStore(path).read()
    journal.write_bytes(left)  # as after a crash between the rename and the removal
    assert StateStore(path).read() == state
    with StateStore(path).open() as session:
        session.record(resource("b"))
    assert set(StateStore(path).read().resources) == {
        dataset_address("a"),
        dataset_address("b"),
    }


def test_a_journal_of_another_state_is_not_taken_for_ours(tmp_path: Path) -> None:
    path, other = tmp_path / "s.json", tmp_path / "other.json"
    with StateStore(path).open() as session:
        session.record(resource("a"))
    with StateStore(other).open() as session:
        session.record(resource("b"))
    cut_off(other, resource("c"))
    (tmp_path / "other.json.journal").rename(tmp_path / "s.json.journal")
    with pytest.raises(StateUnreadable, match="another state"):
        StateStore(path).read()


def test_a_journal_of_a_newer_format_asks_for_an_upgrade(tmp_path: Path) -> None:
    path, journal = tmp_path / "s.json", tmp_path / "s.json.journal"
    cut_off(path, resource("a"))
    head, _, *steps = journal.read_bytes().splitlines(keepends=True)
    body = b'{"format_version":3}'
    journal.write_bytes(b"".join([head, b"%08x %s\n" % (zlib.crc32(body), body), *steps]))
    with pytest.raises(StateUnreadable, match="The journal has format 3") as caught:
        StateStore(path).read()
    assert "Upgrade" in (caught.value.hint or "")


@pytest.mark.parametrize("garbage", [b"\x00\x01", b"12345678 {}", b"no newline", b"\n\n\n"])
def test_a_journal_cut_at_its_end_is_read_up_to_there(tmp_path: Path, garbage: bytes) -> None:
    path, journal = tmp_path / "s.json", tmp_path / "s.json.journal"
    cut_off(path, resource("a"))
    with journal.open("ab") as file:
        file.write(garbage.split(b"\n")[0])
    assert set(StateStore(path).read().resources) == {dataset_address("a")}


def test_every_cut_of_a_journal_gives_a_state_that_once_was(tmp_path: Path) -> None:
    path, journal = tmp_path / "s.json", tmp_path / "s.json.journal"
    steps = [resource("a"), resource("b", "ICN3"), resource("a", "ICN2")]
    cut_off(path, *steps)
    whole = journal.read_bytes()
    once: list[dict[Address, RecordedResource]] = [{}]
    for step in steps:
        once.append({**once[-1], step.address: step})
    reached = 0
    for cut in range(len(whole) + 1):
        journal.write_bytes(whole[:cut])
        found = StateStore(path).read().resources
        reached = max(reached, once.index(dict(found)))
        assert once.index(dict(found)) == reached, "a longer journal never says less"
    assert reached == len(steps)


def test_a_damaged_step_in_the_middle_is_told(tmp_path: Path) -> None:
    path, journal = tmp_path / "s.json", tmp_path / "s.json.journal"
    cut_off(path, resource("a"), resource("b"))
    lines = journal.read_bytes().splitlines(keepends=True)
    lines[1] = lines[1].replace(b"a", b"z", 1)
    journal.write_bytes(b"".join(lines))
    with pytest.raises(StateUnreadable, match="damaged"):
        StateStore(path).read()
    with pytest.raises(StateUnreadable):
        StateStore(path).open()


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(recorded, max_size=6))
def test_steps_and_the_folded_file_agree(
    tmp_path_factory: pytest.TempPathFactory, steps: list[RecordedResource]
) -> None:
    store = StateStore(tmp_path_factory.mktemp("s") / "s.json")
    expected: dict[Address, RecordedResource] = {}
    with store.open() as session:
        for step in steps:
            try:
                session.record(step)
            except StateConflict:  # an object of another address: nothing is recorded
                continue
            expected[step.address] = step
            if step.empty:
                del expected[step.address]
        assert session.state.resources == expected
    assert store.read().resources == expected


def test_a_kill_at_any_moment_loses_nothing_that_was_recorded(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from automl_plan.state.store import StateStore\n"
        "from tests.state.test_store import resource\n"
        "while True:\n"
        "    with StateStore(Path(sys.argv[1])).open() as session:\n"
        "        for i in range(7):\n"
        "            number = len(session.state.resources)\n"
        "            session.record(resource(f'd{number}'))\n"
        "            print(number, flush=True)\n"
    )
    path = tmp_path / "s.json"
    promised = -1
    for delay in (0.0, 0.003, 0.011, 0.017, 0.029, 0.041):
        with subprocess.Popen(
            [sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            promised = int(process.stdout.readline())
            time.sleep(delay)
            process.kill()
            for line in process.stdout:
                promised = int(line)
        found = StateStore(path).read().resources
        assert len(found) >= promised + 1
        assert set(found) == {dataset_address(f"d{i}") for i in range(len(found))}


def test_a_full_disk_is_told_and_nothing_before_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    with StateStore(path).open() as session:
        session.record(resource("before"))
    before = path.read_bytes()
    script = (
        "import resource as limits, signal, sys\n"
        "from pathlib import Path\n"
        "from automl_plan.errors import StateUnwritable\n"
        "from automl_plan.state.store import StateStore\n"
        "from tests.state.test_store import resource\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "session = StateStore(Path(sys.argv[1])).open()\n"
        "limits.setrlimit(limits.RLIMIT_FSIZE, (400, limits.RLIM_INFINITY))\n"
        "try:\n"
        "    for i in range(100):\n"
        "        session.record(resource(f'd{i}'))\n"
        "        print(i, flush=True)\n"
        "except StateUnwritable as error:\n"
        "    assert len(session.state.resources) == i + 2, 'memory is what happened'\n"
        "    print(error.hint)\n"
        "    raise SystemExit(7)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 7, done.stderr
    *promised, hint = done.stdout.splitlines()
    assert "Free disk space" in hint
    assert path.read_bytes() == before
    found = set(StateStore(path).read().resources)
    assert found == {dataset_address("before")} | {dataset_address(f"d{i}") for i in promised}


def test_a_step_costs_the_same_however_large_the_state_is(tmp_path: Path) -> None:
    def bytes_of_a_step(many: int) -> int:
        path = tmp_path / f"{many}.json"
        with StateStore(path).open() as session:
            for i in range(many):
                session.record(resource(f"d{i}"))
        with StateStore(path).open() as session:
            session.record(resource("x0"))
            before = path.with_name(f"{path.name}.journal").stat().st_size
            session.record(resource("x1"))
            return path.with_name(f"{path.name}.journal").stat().st_size - before

    assert bytes_of_a_step(1) == bytes_of_a_step(500)


def test_what_can_not_be_a_state_is_told(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(StateUnreadable, match="directory"):
        StateStore(tmp_path / "folder").read()
    (tmp_path / "file").write_text("x")
    with pytest.raises(StateUnwritable):
        StateStore(tmp_path / "file" / "s.json").open()


def test_a_link_to_a_state_is_followed(tmp_path: Path) -> None:
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    link.symlink_to(real)
    with StateStore(link).open() as session:
        session.record(resource())
    assert link.is_symlink()
    assert real.exists()
    assert StateStore(link).read() == StateStore(real).read()


def test_one_run_works_and_the_other_says_who_does(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    with StateStore(path).open(command="apply"):
        with pytest.raises(StateLocked) as caught:
            StateStore(path).open()
        assert caught.value.exit_code == 4
        assert f"apply, process {os.getpid()}, since 20" in caught.value.message
        with pytest.raises(StateLocked):
            StateStore(path).open(timeout=0.15)
    with StateStore(path).open():
        pass


@pytest.mark.parametrize("note", ["", "garbage", "[]", json.dumps({"who": 1})])
def test_a_lock_without_a_holder_is_no_failure(tmp_path: Path, note: str) -> None:
    (tmp_path / "s.json.lock").write_text(note)
    with StateStore(tmp_path / "s.json").open():
        pass


def test_a_killed_run_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    script = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from automl_plan.state.store import StateStore\n"
        "session = StateStore(Path(sys.argv[1])).open(command='apply')\n"
        "print('locked', flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(StateLocked):
            StateStore(path).open()
        process.send_signal(signal.SIGKILL)
        process.wait()
        with StateStore(path).open(timeout=5.0):
            pass


def test_a_state_is_bound_once(tmp_path: Path) -> None:
    store = StateStore(tmp_path / "s.json")
    with store.open() as session:
        session.bind("local:x")
        session.bind("local:x")
        with pytest.raises(StateForeign):
            session.bind("automl:y")
    assert store.read().provider == "local:x"


def test_a_step_costs_the_same_however_much_is_recorded(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    journal = path.with_name("s.json.journal")
    with StateStore(path).open() as session:
        session.record(resource("d00000"))
        sizes = [journal.stat().st_size]
        for number in range(1, 200):
            session.record(resource(f"d{number:05d}"))
            sizes.append(journal.stat().st_size)
    steps = {after - before for before, after in itertools.pairwise(sizes)}
    assert len(steps) == 1


def test_what_is_recorded_together_is_on_disk_at_its_end(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    journal = path.with_name("s.json.journal")
    with StateStore(path).open() as session:
        with session.together():
            session.record(resource("a"))
            session.record(resource("b"))
            assert not journal.exists()
            session.sync()
            assert journal.read_bytes().count(b"\n") == 5  # head, format, lineage, two steps
            session.record(resource("c"))
        assert journal.read_bytes().count(b"\n") == 6
        session.record(resource("d"))
        assert journal.read_bytes().count(b"\n") == 7
