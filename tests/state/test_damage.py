"""Every byte of what lies on disk may be another one: then it is refused, or it is a state."""

from __future__ import annotations

import copy
import json
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from automl_plan.errors import PlanFileInvalid, StateUnreadable
from automl_plan.model.endpoints import Home
from automl_plan.model.history import Charge, EndedOperation, Ledger, Work, enter
from automl_plan.model.json import written
from automl_plan.model.model_types import Problem
from automl_plan.model.notices import Notice, NoticeKind
from automl_plan.model.recorded import (
    Decision,
    DecisionKind,
    RecordedObject,
    RecordedOperation,
    RecordedResource,
    Status,
    Step,
)
from automl_plan.output.documents.inventory import StateList, StateShow
from automl_plan.output.state import resource_text, resources_text
from automl_plan.output.style import Style
from automl_plan.planning.options import PlanOptions
from automl_plan.planning.planner import make_plan
from automl_plan.state.document import State, decode, encode
from automl_plan.state.journal import (
    LineageStep,
    NoticedStep,
    NoticeStep,
    ProviderStep,
    SentStep,
    resource_step,
)
from automl_plan.state.store import StateStore
from automl_plan.workspace.plan_entries import ChangeEntry
from automl_plan.workspace.plan_file import encode_plan, read_plan
from tests.output import scenes
from tests.output.schema import content
from tests.planning.worlds import LINEAGE, dataset, desired, model

NOW = datetime(2026, 11, 30, tzinfo=UTC)
WHEN = "2026-11-29T12:00:00Z"
OPTIONS = PlanOptions(refresh=False)
PLAIN = Style()

DATASET = dataset(labels={"team": "vision"})
MODEL = model()
WANTED = desired(DATASET, MODEL)


def rich() -> State:
    """A state that holds something of everything."""
    trained = MODEL.attributes(DATASET)
    made = RecordedObject("D1", DATASET.attributes(), WHEN, 24, 24)
    former = Decision(DecisionKind.PASSED, WHEN, "me", "why", {"au_prc": 0.5}, ({"met": True},))
    versions = (
        RecordedObject("M2", trained, WHEN, dataset_id="D1", version=2, commit="c0ffee"),
        RecordedObject("M1", trained, WHEN, version=1, status=Status.FORMER, decision=former),
    )
    training = RecordedOperation(
        *(Step.TRAIN, "t" * 20, WHEN, "O1", None, trained, "D1", 3),
        gated=True,
        variables=("budget",),
    )
    work = Work(Step.TRAIN, Problem.IMAGE_CLASSIFICATION, "cloud", 8000, 24)
    told = Notice(
        kind=NoticeKind.ENDED,
        when=WHEN,
        address="model.digits",
        action="train",
        text="It ended.",
        to=("ops",),
        seconds=1.5,
        details={"cost_usd": 24.75},
    )
    return State(
        LINEAGE,
        3,
        "local:projects/local/locations/us-central1",
        {
            DATASET.address: RecordedResource(DATASET.address, current=made, foreign=("M9",)),
            MODEL.address: RecordedResource(
                MODEL.address,
                current=versions[0],
                others=versions[1:],
                operations=(training,),
                versions=3,
                protected=True,
                endpoint=Home("e1", adopted=True),
            ),
        },
        {Step.TRAIN: {"ab12": EndedOperation.of_work(work, WHEN, 60.5, 7140)}},
        {"ended-ab12": told},
        {"expiry-M1": WHEN},
        enter(Ledger(None, {}), Charge(MODEL.address, WHEN, 24.75, known=False, model_id="M2")),
    )


STATE = encode(rich())


def used(state: State) -> None:
    """What commands do with a state: it is written, listed, shown and planned from."""
    encode(state)
    resources_text(state, PLAIN)
    content(StateList.of(state))
    for record in state.resources.values():
        resource_text(record, PLAIN)
        content(StateShow.of(record))
    plan = make_plan(WANTED, state.recorded(), None, OPTIONS, service_now=NOW)
    json.dumps([written(ChangeEntry.of(change)) for change in plan.changes]).encode()


def damaged(data: bytes) -> Iterator[bytes]:
    """Without each byte, and with another one in its place."""
    for place, byte in enumerate(data):
        yield data[:place] + data[place + 1 :]
        for other in (byte ^ 1, byte ^ 0x20):
            yield data[:place] + bytes([other]) + data[place + 1 :]


def test_a_byte_of_a_state() -> None:
    """A byte within a text, or of a number, makes another state; of that nothing can know."""
    taken = 0
    forms = set()
    for data in damaged(STATE):
        try:
            state = decode(data, where="x")
        except StateUnreadable:
            continue
        taken += 1
        # Of those that differ in the letters of one text, one stands for all.
        form = re.sub(rb"[a-zA-Z]", b"a", data)
        if form not in forms:
            forms.add(form)
            used(state)
    assert taken


ODD: tuple[Any, ...] = (None, True, 0, -1, 1.5, 10**30, "", "x", "\n", [], {}, ["x"], [1], [None])
ODD += ({"x": 1}, {"x": {}}, {"x": None}, {"current": {}})
NO_JSON = (b"1e999", b"NaN", b"Infinity", b'"\\ud800"', b"9" * 5000, b"[" * 2000 + b"]" * 2000)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all values within one."""
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield (*path, key)
            yield from places(value[key], (*path, key))


def around(document: Any, path: tuple[Any, ...]) -> Any:
    """What holds the value at a path."""
    for key in path[:-1]:
        document = document[key]
    return document


def turned(document: Any, path: tuple[Any, ...]) -> Iterator[bytes]:
    """A document with something else at a path, with another key there, or without it."""
    changed = copy.deepcopy(document)
    holder, key = around(changed, path), path[-1]
    former = holder[key]
    for value in ODD:
        holder[key] = value
        yield json.dumps(changed).encode()
    holder[key] = "@"
    for text in NO_JSON:
        yield json.dumps(changed).encode().replace(b'"@"', text)
    del holder[key]
    yield json.dumps(changed).encode()
    if isinstance(holder, dict):
        for other in (f"x{key}", "", "\u202e\n::error::", f"{key}.x"):
            holder[other] = former
            yield json.dumps(changed).encode()
            del holder[other]


@pytest.mark.parametrize("path", [*places(json.loads(STATE))], ids=str)
def test_a_value_of_a_state(path: tuple[Any, ...]) -> None:
    for data in turned(json.loads(STATE), path):
        try:
            state = decode(data, where="x")
        except StateUnreadable:
            continue
        used(state)


def test_a_byte_of_a_journal(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    store, state = StateStore(path), rich()
    with store.open() as session:
        session.bind("local:x")
        for record in state.resources.values():
            session.record(record)
        journal = path.with_name("state.json.journal")
        whole = journal.read_bytes()
    path.unlink()
    for data in damaged(whole):
        journal.write_bytes(data)
        with suppress(StateUnreadable):
            used(StateStore(path).read())


def test_a_step_of_a_journal_that_is_none(tmp_path: Path) -> None:
    """The checksum of a line fits, and what it says does not."""
    path = tmp_path / "state.json"
    journal = path.with_name("state.json.journal")
    record = next(iter(rich().resources.values()))
    ended = ("ab12", EndedOperation(Step.TRAIN, ended=WHEN, seconds=60.5))
    notice = ("x", next(iter(rich().outbox.values())))
    charge = Charge(MODEL.address, WHEN, 24.75, known=True)
    steps = [
        resource_step(record, ended, notice, DATASET.address, charge),
        ProviderStep("x"),
        LineageStep("x"),
        SentStep("x", "y"),
        NoticedStep("x", WHEN, NoticeStep(*notice)),
        NoticedStep("x", None),
    ]
    head = [line({"lineage": "", "serial": 0}), line({"format_version": 2})]
    for document in map(written, steps):
        for place in places(document):
            for body in turned(document, place):
                journal.write_bytes(b"".join([*head, line_of(body)]))
                with suppress(StateUnreadable):
                    used(StateStore(path).read())


def line(entry: Any) -> bytes:
    return line_of(json.dumps(entry).encode())


def line_of(body: bytes) -> bytes:
    return b"%08x %s\n" % (zlib.crc32(body), body)


def test_a_byte_of_a_plan_file(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    whole = encode_plan(scenes.retrain())
    path.write_bytes(whole)
    read_plan(path)
    for place in range(0, len(whole), 13):  # each is parsed and held against its schema
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(PlanFileInvalid):
            read_plan(path)


@pytest.mark.parametrize("text", NO_JSON)
def test_a_plan_file_with_what_is_no_json(text: bytes, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    document = json.loads(encode_plan(scenes.retrain()))
    for place in places(document):
        changed = copy.deepcopy(document)
        around(changed, place)[place[-1]] = "@"
        path.write_bytes(json.dumps(changed).encode().replace(b'"@"', text))
        with pytest.raises(PlanFileInvalid):
            read_plan(path)
