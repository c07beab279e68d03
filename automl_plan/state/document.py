"""The state document: its type, and its canonical form on disk."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from msgspec import Meta, Struct, field

from automl_plan.errors import StateForeign, StateMigrating, StateUnreadable
from automl_plan.model.address import Address
from automl_plan.model.fields import check_recorded
from automl_plan.model.history import EndedOperation, HistoryEntry, Ledger
from automl_plan.model.json import (
    Attributes,
    Count,
    Damaged,
    Document,
    Time,
    laid_out,
    read,
    read_plain,
)
from automl_plan.model.notices import Notice
from automl_plan.model.recorded import Recorded, RecordedResource, ResourceEntry, Step

FORMAT_VERSION: Literal[2] = 2
"""What is written, here and in the journal: raised by whatever an older version would not know."""
READS = (1, 2)
FindingKey: TypeAlias = Annotated[
    str, Meta(extra_json_schema={"pattern": r"^[a-z-]+ (dataset|model)\.[^ ]+ "})
]
"""Of a lasting finding: kind, address, object and what it is."""
Durations: TypeAlias = dict[Step, dict[str, EndedOperation]]


class StateDocument(Document, frozen=True, kw_only=True):
    """What automl-plan made, by address. Written by automl-plan only; it holds no secrets."""

    format_version: Literal[1, 2]
    lineage: str
    """The identity of this state, random, given at its first write."""
    serial: Count
    """Goes up by one with every run that changed something but the messages that wait."""
    provider: str | None
    """Service, project and location of the objects."""
    resources: dict[Address, ResourceEntry]
    history: dict[Step, dict[str, HistoryEntry]] = field(default_factory=dict)
    """How long operations took that ended well, by step and a random key: the newest 500 of each
    step."""
    outbox: dict[str, Notice] = field(default_factory=dict)
    """Messages that are still to be sent, by a stable id."""
    noticed: dict[FindingKey, Time] = field(default_factory=dict)
    """Drift and expirations that were reported: kind, address, object and what it is; when (RFC
    3339)."""
    ledger: Ledger | None = None
    """What trainings have cost since it began, in US dollars at list price."""


class State(Struct, frozen=True):
    """Everything recorded, with the identity of the state.

    The lineage of a state that was never written is empty: a plan that was made without a
    state fits only while there is none.
    """

    lineage: str = ""
    serial: int = 0
    """Goes up by one with every run that changed something but the messages that wait."""
    provider: str | None = None
    """The provider's identity that the state is bound to."""
    resources: dict[Address, RecordedResource] = field(default_factory=dict)
    history: Durations = field(default_factory=dict)
    """How long operations took that ended well, by step and key, oldest first."""
    outbox: dict[str, Notice] = field(default_factory=dict)
    """Messages that are still to be sent, by id, oldest first."""
    noticed: dict[str, str] = field(default_factory=dict)
    """What lasts and was reported already: when."""
    ledger: Ledger = field(default_factory=Ledger)
    """What trainings have cost since it began."""

    def recorded(self) -> Recorded:
        """What planning needs of it."""
        return Recorded(self.lineage, self.serial, self.resources)

    def check_provider(self, identity: str) -> None:
        """Raise StateForeign when the state is bound to another provider."""
        if self.provider not in (None, identity):
            raise StateForeign(
                f"The state belongs to {self.provider}, and the configuration says {identity}.",
                hint="Give each provider a state of its own (state: {local: {path: …}}).",
            )


def new_lineage() -> str:
    """Return the identity of a new state: 32 hex digits."""
    return uuid.uuid4().hex


def encode(state: State) -> bytes:
    """Return canonical JSON: equal states give equal bytes, and one resource is one block of
    lines."""
    document = StateDocument(
        format_version=FORMAT_VERSION,
        lineage=state.lineage,
        serial=state.serial,
        provider=state.provider,
        resources={address: record.entry for address, record in state.resources.items()},
        history={
            step: {key: ended.entry for key, ended in kept.items()}
            for step, kept in state.history.items()
            if kept
        },
        outbox=state.outbox,
        noticed=state.noticed,
        ledger=state.ledger if state.ledger.since is not None else None,
    )
    return laid_out(document, indent=2)


def decode(data: bytes, *, where: str) -> State:
    """Read a document. Raises StateUnreadable, which says what is wrong with it; StateMigrating."""
    try:
        document = read(data, StateDocument)
        state = State(
            document.lineage,
            document.serial,
            document.provider,
            {address: entry.at(address) for address, entry in document.resources.items()},
            {
                step: {key: entry.of(step) for key, entry in sorted(kept.items(), key=_ended)}
                for step, kept in document.history.items()
            },
            dict(sorted(document.outbox.items(), key=lambda item: (item[1].when, item[0]))),
            document.noticed,
            document.ledger or Ledger(),
        )
        check(state)
    except Damaged as error:
        raise _refused(data, error, where) from error
    except (ValueError, RecursionError) as error:
        raise _torn(data, where) from error
    return state


def check(state: State) -> None:
    """Raise Damaged for what the types can't say: times, and attributes by the kind of address."""
    for address, record in state.resources.items():
        check_resource(record, f"$.resources[{str(address)!r}]")
    for step, kept in state.history.items():
        for key, ended in kept.items():
            check_time(ended.ended, f"$.history.{step}[{key!r:.60}].ended")
    for key, notice in state.outbox.items():
        check_time(notice.when, f"$.outbox[{key!r:.60}].when")
    if state.ledger.since is not None:
        check_time(state.ledger.since, "$.ledger.since")


def check_resource(record: RecordedResource, place: str) -> None:
    """Raise Damaged for attributes that are none of a kind, and for times that are none."""
    attributes: list[tuple[str, Attributes]] = [
        *((f"object {obj.id!r:.60}", obj.attributes) for obj in record.objects),
        *((f"operation {each.token!r:.60}", each.attributes) for each in record.operations),
    ]
    for of, content in attributes:
        try:
            check_recorded(record.address.kind, content)
        except (TypeError, ValueError) as error:
            raise Damaged(f"{place}, {of}: {error}") from error
    for number, operation in enumerate(record.operations):
        check_time(operation.started, f"{place}.operations[{number}].started")


def check_time(value: str, place: str) -> None:
    """Raise Damaged for a text that is not a time with its zone, from 1970 on."""
    try:
        if datetime.fromisoformat(value).tzinfo is not None and "1970" <= value < "9999":
            return
    except ValueError:
        pass
    raise Damaged(f"{place}: {value!r:.60} is not a time with its zone")


def check_format(version: Any, *, what: str, where: str) -> None:
    """Raise StateUnreadable for a format that this version does not read."""
    number = isinstance(version, int) and not isinstance(version, bool)
    if number and version in READS:
        return
    raise StateUnreadable(
        f"The {what} has format {version!r:.60}; this automl-plan reads {READS[0]} to {READS[-1]}.",
        where=where,
        hint="Upgrade automl-plan: a newer one wrote it."
        if number and version > FORMAT_VERSION
        else None,
    )


def unfinished_migration(where: str) -> StateMigrating:
    """What is said where version 0.1 has begun to move a state to Vertex AI, and not ended it."""
    return StateMigrating(
        "A migration of this state to Vertex AI is not finished. This version can't continue it.",
        where=where,
        hint="Use automl-plan 0.1: `automl-plan migrate --to vertex` finishes it; the same command "
        "with --abandon abandons it.",
    )


def read_history(path: Path) -> list[EndedOperation]:
    """Read a file of JSON lines: each an entry of a state's history, and its `step`.

    Raises StateUnreadable, with the line.
    """
    try:
        return list(_history_lines(path))
    except OSError as error:
        raise StateUnreadable(
            f"The history can't be read: {error.strerror}.", where=str(path)
        ) from error


def _history_lines(path: Path) -> Iterator[EndedOperation]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                ended = read(line, EndedOperation)
                check_time(ended.ended, "$.ended")
                yield ended
            except (ValueError, RecursionError) as error:
                raise StateUnreadable(
                    f"Line {number} is no entry of a history: {error}.",
                    where=str(path),
                    hint='A line is {"step": "train", "ended": …, "seconds": …, …}, with the '
                    "fields that the history of a state has.",
                ) from error


def _ended(item: tuple[str, HistoryEntry]) -> tuple[str, str]:
    return item[1].ended, item[0]


def _refused(data: bytes, error: Damaged, where: str) -> StateUnreadable | StateMigrating:
    """Return what is wrong with JSON that is not a state of this version."""
    try:
        document = read_plain(data)
    except (ValueError, RecursionError):
        return _torn(data, where)
    if not isinstance(document, dict) or "format_version" not in document:
        return StateUnreadable("The file is not a state of automl-plan.", where=where)
    check_format(document["format_version"], what="state", where=where)
    if _migrates(document):
        return unfinished_migration(where)
    return StateUnreadable(f"The state file is damaged at {_named(document, error)}.", where=where)


def _named(document: dict[str, Any], error: Damaged) -> str:
    """Return the error with the address of the resource that it is in."""
    entries = document.get("resources")
    if str(error).startswith(_RESOURCE) and isinstance(entries, dict):
        for text, entry in entries.items():
            try:
                read(json.dumps(entry).encode(), ResourceEntry)
            except Damaged as found:
                return f"$.resources[{text!r:.80}]{str(found).removeprefix('$')}"
    return str(error)


_RESOURCE = "$.resources[...]"


def _torn(data: bytes, where: str) -> StateUnreadable:
    what = "is empty" if not data.strip() else "is damaged: it is not JSON"
    return StateUnreadable(f"The state file {what}.", where=where)


def _migrates(document: dict[str, Any]) -> bool:
    """Whether version 0.1 wrote it for a migration: with both providers, or calls that copy."""
    if "migration" in document:
        return True
    entries = document.get("resources")
    lists = (
        entry.get("operations")
        for entry in (entries.values() if isinstance(entries, dict) else ())
        if isinstance(entry, dict)
    )
    return any(
        isinstance(operation, dict) and operation.get("step") == "migrate"
        for operations in lists
        if isinstance(operations, list)
        for operation in operations
    )
