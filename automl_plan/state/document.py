"""The state document: what it holds, and its canonical form on disk."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from msgspec import Struct, field

from automl_plan.errors import StateForeign, StateMigrating, StateUnreadable
from automl_plan.model.address import Address, ResourceKind
from automl_plan.model.endpoints import Home
from automl_plan.model.fields import check_recorded
from automl_plan.model.history import History, Ledger
from automl_plan.model.json import Json
from automl_plan.model.notices import Noticed, Outbox
from automl_plan.model.recorded import (
    Decision,
    DecisionKind,
    PartialImport,
    Recorded,
    RecordedObject,
    RecordedOperation,
    RecordedResource,
    Status,
    Step,
)
from automl_plan.state import values
from automl_plan.state.history import (
    history_from_json,
    history_to_json,
    ledger_from_json,
    ledger_to_json,
)
from automl_plan.state.outbox import noticed_from_json, outbox_from_json, outbox_to_json

FORMAT_VERSION = 2
"""What is written, here and in the journal: raised by whatever an older version would not know."""
READS = (1, 2)
WRONG = (KeyError, TypeError, ValueError)
"""What is raised by entries that are not as this version writes them."""
_OF_STATE = frozenset(
    {"format_version", "lineage", "serial", "provider", "resources"}
    | {"history", "outbox", "noticed", "ledger"}
)
_OF_RESOURCE = frozenset(RecordedResource.__struct_fields__) - {"address"}
_OF_OBJECT = frozenset(RecordedObject.__struct_fields__)
_OF_OPERATION = frozenset(RecordedOperation.__struct_fields__)
_OF_DECISION = frozenset(Decision.__struct_fields__)
_OF_HOME = frozenset(Home.__struct_fields__)
_OF_PARTIAL = frozenset(PartialImport.__struct_fields__)
"""The fields of entries; a state that has others is not one of this version."""


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
    resources: Mapping[Address, RecordedResource] = field(default_factory=dict)
    history: History = field(default_factory=dict)
    """How long operations took that ended well."""
    outbox: Outbox = field(default_factory=dict)
    """Messages that are still to be sent."""
    noticed: Noticed = field(default_factory=dict)
    """What lasts and was told already."""
    ledger: Ledger = Ledger()
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
    """The identity of a new state: 32 hex digits."""
    return uuid.uuid4().hex


def encode(state: State) -> bytes:
    """Canonical JSON: equal states give equal bytes, and one resource is one block of lines."""
    document: dict[str, Json] = {
        "format_version": FORMAT_VERSION,
        "lineage": state.lineage,
        "serial": state.serial,
        "provider": state.provider,
        "resources": {str(a): resource_to_json(r) for a, r in state.resources.items()},
    }
    history = history_to_json(state.history)
    if history:
        document["history"] = history
    if state.outbox:
        document["outbox"] = outbox_to_json(state.outbox)
    if state.noticed:
        document["noticed"] = dict(state.noticed)
    ledger = ledger_to_json(state.ledger)
    if ledger:
        document["ledger"] = ledger
    text = json.dumps(document, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode()


def decode(data: bytes, *, where: str) -> State:
    """Read a document. Raises StateUnreadable, which says what is wrong with it; StateMigrating."""
    try:
        document = values.read_json(data)
    except (ValueError, RecursionError) as error:
        what = "is empty" if not data.strip() else "is torn, or no JSON"
        raise _unreadable(f"The state file {what}.", where) from error
    if not isinstance(document, dict) or "format_version" not in document:
        raise _unreadable("The file is not a state of automl-plan.", where)
    check_format(document["format_version"], what="state", where=where)
    try:
        return _state(document)
    except WRONG as error:
        if _migrates(document):
            raise unfinished_migration(where) from error
        raise _unreadable(f"The state file is damaged: {_said(error)}.", where) from error


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
        "A migration of this state to Vertex AI is not finished. This version can't go on with it.",
        where=where,
        hint="Use automl-plan 0.1: `automl-plan migrate --to vertex` finishes it; the same command "
        "with --abandon abandons it.",
    )


def resource_to_json(resource: RecordedResource) -> dict[str, Json]:
    """One resource's entry; what is empty is left out."""
    return _compact(
        current=None if resource.current is None else _object_to_json(resource.current),
        others=[_object_to_json(o) for o in resource.others] or None,
        operations=[_operation_to_json(o) for o in resource.operations] or None,
        versions=resource.versions or None,
        protected=resource.protected or None,
        endpoint=None if resource.endpoint is None else _home_to_json(resource.endpoint),
        foreign=list(resource.foreign) or None,
    )


def resource_from_json(address: Address, entry: Any) -> RecordedResource:
    """The inverse. Raises KeyError, TypeError or ValueError."""
    fields, kind = _fields(entry, _OF_RESOURCE), address.kind
    current = fields.get("current")
    return RecordedResource(
        address,
        current=None if current is None else _object(kind, current),
        others=tuple(_object(kind, o) for o in values.items(fields.get("others", []))),
        operations=tuple(_operation(kind, o) for o in values.items(fields.get("operations", []))),
        versions=values.count(fields.get("versions", 0)),
        protected=values.boolean(fields.get("protected", False)),
        endpoint=_home(fields.get("endpoint")),
        foreign=tuple(values.text(i) for i in values.items(fields.get("foreign", []))),
    )


def _home_to_json(home: Home) -> dict[str, Json]:
    """The endpoint of a model."""
    return _compact(id=home.id, adopted=home.adopted or None)


def _home(entry: Any) -> Home | None:
    if entry is None:
        return None
    fields = _fields(entry, _OF_HOME)
    return Home(values.text(fields["id"]), adopted=values.boolean(fields.get("adopted", False)))


def _object_to_json(obj: RecordedObject) -> dict[str, Json]:
    return _compact(
        id=obj.id,
        attributes=dict(obj.attributes),
        created=obj.created,
        examples=obj.examples,
        labelled_examples=obj.labelled_examples,
        dataset_id=obj.dataset_id,
        version=obj.version,
        commit=obj.commit,
        status=obj.status and str(obj.status),
        decision=None if obj.decision is None else _decision_to_json(obj.decision),
        partial=None
        if obj.partial is None
        else _compact(rows=list(obj.partial.rows), allowed=obj.partial.allowed or None),
    )


def _decision_to_json(decision: Decision) -> dict[str, Json]:
    return _compact(
        kind=str(decision.kind),
        when=decision.when,
        by=decision.by,
        why=decision.why,
        require=None if decision.require is None else dict(decision.require),
        rows=[dict(row) for row in decision.rows] or None,
    )


def _operation_to_json(operation: RecordedOperation) -> dict[str, Json]:
    return _compact(
        step=str(operation.step),
        token=operation.token,
        started=operation.started,
        id=operation.id,
        object_id=operation.object_id,
        attributes=dict(operation.attributes) or None,
        dataset_id=operation.dataset_id,
        version=operation.version,
        commit=operation.commit,
        endpoints=list(operation.endpoints) or None,
        gated=operation.gated or None,
        examples=operation.examples,
        labelled_examples=operation.labelled_examples,
        variables=list(operation.variables) or None,
        protected=operation.protected,
    )


def _compact(**fields: Json) -> dict[str, Json]:
    return {key: value for key, value in fields.items() if value is not None}


def _state(document: dict[str, Any]) -> State:
    fields = _fields(document, _OF_STATE)
    serial = values.count(fields["serial"])
    resources = {}
    for text, entry in values.mapping(fields["resources"]).items():
        address = Address.parse(text)
        resources[address] = resource_from_json(address, entry)
    return State(
        values.text(fields["lineage"]),
        serial,
        values.optional_text(fields.get("provider")),
        resources,
        history_from_json(fields.get("history", {})),
        outbox_from_json(fields.get("outbox", {})),
        noticed_from_json(fields.get("noticed", {})),
        ledger_from_json(fields.get("ledger", {})),
    )


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


def _object(kind: ResourceKind, entry: Any) -> RecordedObject:
    fields = _fields(entry, _OF_OBJECT)
    status, decision = fields.get("status"), fields.get("decision")
    return RecordedObject(
        id=values.text(fields["id"]),
        attributes=_attributes(kind, fields["attributes"]),
        created=values.optional_text(fields.get("created")),
        examples=values.optional_count(fields.get("examples")),
        labelled_examples=values.optional_count(fields.get("labelled_examples")),
        dataset_id=values.optional_text(fields.get("dataset_id")),
        version=values.optional_count(fields.get("version")),
        commit=values.optional_text(fields.get("commit")),
        status=None if status is None else Status(status),
        decision=None if decision is None else _decision(decision),
        partial=None if fields.get("partial") is None else _partial(fields["partial"]),
    )


def _partial(entry: Any) -> PartialImport:
    fields = _fields(entry, _OF_PARTIAL)
    rows = tuple(values.text(row) for row in values.items(fields["rows"]))
    return PartialImport(rows, values.boolean(fields.get("allowed", False)))


def _decision(entry: Any) -> Decision:
    fields = _fields(entry, _OF_DECISION)
    require = fields.get("require")
    return Decision(
        kind=DecisionKind(fields["kind"]),
        when=values.text(fields["when"]),
        by=values.optional_text(fields.get("by")),
        why=values.optional_text(fields.get("why")),
        require=None if require is None else values.mapping(require),
        rows=tuple(values.mapping(row) for row in values.items(fields.get("rows", []))),
    )


def _operation(kind: ResourceKind, entry: Any) -> RecordedOperation:
    fields = _fields(entry, _OF_OPERATION)
    return RecordedOperation(
        step=Step(fields["step"]),
        token=values.text(fields["token"]),
        started=values.time(fields["started"]),
        id=values.optional_text(fields.get("id")),
        object_id=values.optional_text(fields.get("object_id")),
        attributes=_attributes(kind, fields.get("attributes", {})),
        dataset_id=values.optional_text(fields.get("dataset_id")),
        version=values.optional_count(fields.get("version")),
        commit=values.optional_text(fields.get("commit")),
        endpoints=tuple(values.text(i) for i in values.items(fields.get("endpoints", []))),
        gated=values.boolean(fields.get("gated", False)),
        examples=values.optional_count(fields.get("examples")),
        labelled_examples=values.optional_count(fields.get("labelled_examples")),
        variables=tuple(values.text(name) for name in values.items(fields.get("variables", []))),
        protected=values.boolean(fields["protected"]) if "protected" in fields else None,
    )


def _attributes(kind: ResourceKind, value: Any) -> dict[str, Json]:
    attributes = values.mapping(value)
    check_recorded(kind, attributes)
    return attributes


def _fields(entry: Any, known: AbstractSet[str]) -> dict[str, Any]:
    fields = values.mapping(entry)
    if not fields.keys() <= known:
        unknown = next(key for key in fields if key not in known)
        raise ValueError(f"{unknown!r:.60} is not a field of a state")
    return fields


def _said(error: Exception) -> str:
    return f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)


def _unreadable(message: str, where: str) -> StateUnreadable:
    return StateUnreadable(message, where=where)
