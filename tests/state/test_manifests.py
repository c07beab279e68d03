"""What was imported, row by row, beside the state."""

from __future__ import annotations

import gzip
import hashlib
import tempfile
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl_plan.errors import SourceError, StateUnreadable, StateUnwritable
from automl_plan.model.address import dataset_address
from automl_plan.model.recorded import (
    RecordedObject,
    RecordedOperation,
    RecordedResource,
    Status,
    Step,
)
from automl_plan.model.source_data import SourceRow
from automl_plan.state.manifests import Manifests
from automl_plan.state.store import StateStore

ADDRESS = dataset_address("digits")
BLOCK = 16_384


def content(number: int) -> str:
    return b64encode(hashlib.md5(b"%d" % number).digest()).decode().rstrip("=")


def row(number: int, *labels: str) -> SourceRow:
    return SourceRow(content(number), "TRAIN", f"images/{number}.png", labels or ("cat",))


ROWS = st.lists(
    st.builds(
        SourceRow,
        st.integers(0, 9).map(content),
        st.sampled_from(["TRAIN", "VALIDATION", "TEST", "UNASSIGNED"]),
        st.text(min_size=1, max_size=8),
        st.lists(st.text(max_size=4), max_size=9).map(tuple),
    ),
    max_size=8,
)


@settings(max_examples=60)
@given(ROWS)
def test_rows_come_back_as_they_were(rows: list[SourceRow]) -> None:
    with tempfile.TemporaryDirectory() as name:
        kept = Manifests(Path(name) / "s.json.manifests")
        kept.write("ICN1", "v1:aa", rows)
        assert kept.has("ICN1", "v1:aa")
        assert list(kept.rows("ICN1", "v1:aa")) == rows


@pytest.mark.parametrize("count", [BLOCK - 1, BLOCK, 2 * BLOCK + 1])
def test_many_rows(tmp_path: Path, count: int) -> None:
    kept = Manifests(tmp_path / "m")
    kept.write("1", "v1:aa", map(row, range(count)))
    assert all(a == row(n) for n, a in enumerate(kept.rows("1", "v1:aa")))
    assert sum(1 for _ in kept.rows("1", "v1:aa")) == count


def test_the_owner_alone_reads_it_and_equal_rows_are_equal_bytes(tmp_path: Path) -> None:
    files = []
    for name in ("a", "b"):
        Manifests(tmp_path / name).write("ICN1", "v1:aa", [row(1), row(2)])
        (file,) = (tmp_path / name).iterdir()
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o700
        assert file.stat().st_mode & 0o777 == 0o600
        files.append((file.name, file.read_bytes()))
    assert files[0] == files[1]


def test_what_can_t_be_written_or_read_leaves_the_former_one(tmp_path: Path) -> None:
    def broken() -> Iterator[SourceRow]:
        yield row(1)
        raise SourceError("The import CSV changed while it was read.")

    kept = Manifests(tmp_path / "m")
    with pytest.raises(SourceError):
        kept.write("ICN1", "v1:aa", broken())
    assert list((tmp_path / "m").iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(StateUnwritable):
        Manifests(tmp_path / "file").write("ICN1", "v1:aa", [])
    kept.write("ICN1", "v1:aa", [row(1)])
    with pytest.raises(SourceError):
        kept.write("ICN1", "v1:aa", broken())
    assert list(kept.rows("ICN1", "v1:aa")) == [row(1)]


def test_a_damaged_or_foreign_one_is_named_with_the_way_out(tmp_path: Path) -> None:
    kept = Manifests(tmp_path / "m")
    kept.write("ICN1", "v1:aa", map(row, range(50)))
    (file,) = (tmp_path / "m").iterdir()
    whole = file.read_bytes()
    others = [
        whole[:-4],
        whole[: len(whole) // 2],
        b"",
        b"x" * 40,
        gzip.compress(b"[]\n"),
        gzip.compress(b'{"format_version":2,"dataset_id":"ICN1","data":"v1:aa"}\n'),
        gzip.compress(b'{"format_version":1,"dataset_id":"ICN2","data":"v1:aa"}\n'),
        gzip.compress(gzip.decompress(whole).replace(b'"sets":["TRAIN",', b'"sets":[')),
        gzip.compress(gzip.decompress(whole).replace(b'"contents":"', b'"contents":"x')),
    ]
    for other in others:
        file.write_bytes(other)
        with pytest.raises(StateUnreadable) as caught:
            list(kept.rows("ICN1", "v1:aa"))
        assert caught.value.where == str(file)
        assert "Remove the file" in (caught.value.hint or "")


def test_those_that_nothing_records_go_with_the_next_run_that_writes(tmp_path: Path) -> None:
    store = StateStore(tmp_path / "s.json")
    held = RecordedObject("ICN1", {"data": "v1:aa"})
    former = RecordedObject("ICN2", {"data": "v1:bb"}, status=Status.FORMER)
    importing = RecordedOperation(
        Step.IMPORT_DATA, "0" * 32, "2026-01-01T00:00:00Z", "ICN9", "ICN1", {"data": "v1:cc"}
    )
    wanted = {("ICN1", "v1:aa"), ("ICN2", "v1:bb"), ("ICN1", "v1:cc")}
    with store.open() as session:
        for each in [*wanted, ("ICN1", "v1:old"), ("ICN3", "v1:aa")]:
            session.manifests.write(*each, [row(1)])
        session.record(
            RecordedResource(ADDRESS, current=held, others=(former,), operations=(importing,))
        )
    assert {each for each in wanted if store.manifests.has(*each)} == wanted
    assert len(list((tmp_path / "s.json.manifests").iterdir())) == len(wanted)
    with store.open():
        pass  # it records nothing
    assert store.manifests.has("ICN1", "v1:aa")
    with store.open() as session:
        session.record(RecordedResource(ADDRESS, current=held))
    assert store.manifests.has("ICN1", "v1:aa")
    assert len(list((tmp_path / "s.json.manifests").iterdir())) == 1
    with store.open() as session:
        session.record(RecordedResource(ADDRESS))
    assert not (tmp_path / "s.json.manifests").exists()
