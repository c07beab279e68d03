"""The recorded form: what the state says we made."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from enum import StrEnum

from msgspec import Struct, field
from msgspec.structs import asdict

from automl_plan.model.address import Address
from automl_plan.model.endpoints import Home
from automl_plan.model.json import Attributes, Count, Document, Json, Number, Time


class Status(StrEnum):
    """What an object beside the current one is."""

    FORMER = "former"
    """It was current until another took its place."""
    CANDIDATE = "candidate"
    """A trained version on which its gate has not decided, or could not."""
    REJECTED = "rejected"
    """A trained version that its gate turned down."""
    WITHDRAWN = "withdrawn"
    """A version that a person rolled back from."""


class DecisionKind(StrEnum):
    """How a version came to be what it is."""

    PASSED = "passed"
    """Its gate let it through."""
    REJECTED = "rejected"
    """Its gate turned it down."""
    UNDECIDED = "undecided"
    """A number that its gate needs is not reported by the service."""
    REUSED = "reused"
    """It was trained on what is declared again."""
    PROMOTED = "promoted"
    """A person chose it."""
    ROLLED_BACK = "rolled-back"
    """A person went back to it."""


class Decision(Document, frozen=True):
    """Models: why a version passed, was rejected, or was chosen by a person."""

    kind: DecisionKind
    when: str
    """RFC 3339, this machine's clock."""
    by: str | None = None
    """Who, where it was a person."""
    why: str | None = None
    """What that person gave as the reason."""
    require: Attributes | None = None
    """The requirements that were decided on, as the configuration had them."""
    rows: tuple[Attributes, ...] = ()
    """What was required and what was measured."""
    absent_is_unknown: bool = False
    """Of gates: whether numbers that the service does not report counted as unknown. Version 0.1
    took them for 0."""

    @property
    def undecided(self) -> tuple[str, ...]:
        """The requirements on numbers that the service does not report."""
        return tuple(
            str(row.get("requirement")) for row in self.rows if "met" in row and row["met"] is None
        )

    @property
    def lacked_numbers(self) -> bool:
        """Whether a version was rejected for nothing but numbers that were not reported.

        A 0 may be one: it is taken for one here, and decided on once more.
        """
        if self.kind is not DecisionKind.REJECTED or self.absent_is_unknown:
            return False
        missed = [row for row in self.rows if row.get("met") is False]
        return bool(missed) and all(map(_lacks_number, missed))


def _lacks_number(row: Attributes) -> bool:
    actual, required, low = row.get("actual"), row.get("required"), row.get("low")
    if not isinstance(actual, int | float) or not isinstance(required, int | float):
        return True
    return not actual or (actual >= required and low is None)


class Step(StrEnum):
    """The calls that open a long-running operation."""

    CREATE = "create"
    IMPORT_DATA = "import-data"
    TRAIN = "train"
    DEPLOY = "deploy"
    UNDEPLOY = "undeploy"
    DELETE = "delete"


MAKING = frozenset({Step.CREATE, Step.TRAIN})
"""Steps that create an object, labelled with the token. The others have no further effect when sent
again: images of the same content are in a dataset once (proto: InputConfig), and "deploying a
model a second time with the same parameters has no effect" (proto: AutoMl service)."""


class PartialImport(Document, frozen=True):
    """That the service refused rows of the last import into a dataset."""

    rows: tuple[str, ...]
    """What it said of them, of at most 20."""
    allowed: bool = False
    """Whether models are trained without them (`--allow-partial-import`)."""


class RecordedObject(Document, frozen=True):
    """One live object that we made, with the attributes last given to it."""

    id: str
    """The service's id."""
    attributes: Attributes
    """The attributes last given to it, in the configuration's form."""
    created: str | None = None
    """When it was seen to exist (RFC 3339)."""
    examples: Count | None = None
    """Datasets: images that the imported sources contained."""
    labelled_examples: Count | None = None
    """Datasets: those of them that had a label. Models: how many of them the training should use;
    absent where that is not known."""
    dataset_id: str | None = None
    """Models: the dataset that it was trained on."""
    version: Number | None = None
    """Models: counted from 1 for each address; no number is given twice while any exists."""
    commit: str | None = None
    """Models: the Git commit of the configuration, `-dirty` behind it if files had changed."""
    status: Status | None = None
    """Absent for the current object."""
    decision: Decision | None = None
    """Models: the last decision on this version."""
    partial: PartialImport | None = None
    """Datasets: absent where all rows of the last import arrived, or that is not known."""
    updated: Time | None = None
    """Datasets: when our last import or change of it had ended, by the service's clock (RFC 3339);
    absent where that is not known."""

    @property
    def is_undecided(self) -> bool:
        """Models: whether its gate could not decide."""
        return self.decision is not None and self.decision.kind is DecisionKind.UNDECIDED


class RecordedOperation(Document, frozen=True):
    """A call that was, or may have been, received and whose end is not recorded yet.

    Written before the call with `id` None (the intent), again with the id that the answer
    gave; removed together with recording the result.
    """

    step: Step
    token: str
    """Random; a label on the object that the call makes."""
    started: Time
    """When the intent was written, before the call (RFC 3339, this machine's clock)."""
    id: str | None = None
    """The operation's id; absent while no answer was read."""
    object_id: str | None = None
    """The object worked on; absent while it is being made."""
    attributes: Attributes = field(default_factory=dict)
    """What the object will have once the operation is done."""
    dataset_id: str | None = None
    """Trainings: the dataset that is trained on."""
    version: Number | None = None
    """Trainings: the number of the version to be made."""
    commit: str | None = None
    """Trainings: the Git commit of the configuration."""
    endpoints: tuple[str, ...] = ()
    """Deployments: the ids of the endpoints where they are made or ended, as far as known."""
    gated: bool = False
    """Trainings: whether a gate decides on what is made before it becomes current."""
    examples: Count | None = None
    labelled_examples: Count | None = None
    """As of the object that is made or changed."""
    variables: tuple[str, ...] = ()
    """Names of the variables that a flag, a file or the environment gave a value when it was
    started; never the values."""
    values: str | None = None
    """A salted digest of their values, to see whether these variables have others now; absent:
    not known."""
    protected: bool | None = None
    """Creations and trainings: whether what is made is labelled as protected; absent: not known."""


def digest_of_values(token: str, values: Mapping[str, Json], names: Iterable[str]) -> str:
    """Return a digest of what the named variables hold, which an operation keeps.

    The operation's random token is part of it: the digest alone does not give a value away.
    """
    content = [token, {name: values.get(name) for name in sorted(names)}]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


class ResourceEntry(Document, frozen=True, kw_only=True):
    """All that the state holds about one address, without the address."""

    current: RecordedObject | None = None
    """The current object of the address."""
    others: tuple[RecordedObject, ...] = ()
    """Objects beside the current one that still exist; each has a status."""
    operations: tuple[RecordedOperation, ...] = ()
    """Calls whose end is not recorded yet."""
    versions: Count = 0
    """Models: the highest number that a version was given."""
    protected: bool = False
    """Whether `lifecycle.prevent_destroy` was declared when it was last applied."""
    endpoint: Home | None = None
    """Models: where its versions answer, as far as known; it is theirs by its id."""
    foreign: tuple[str, ...] = ()
    """Datasets: ids of models that someone else trained on it, and that were accepted."""

    def at(self, address: Address) -> RecordedResource:
        """Return what is recorded under an address."""
        return RecordedResource(address, **asdict(self))


class RecordedResource(ResourceEntry, frozen=True):
    """All that the state holds about one address."""

    address: Address

    @property
    def entry(self) -> ResourceEntry:
        """What documents have under the address."""
        return ResourceEntry(**{n: getattr(self, n) for n in ResourceEntry.__struct_fields__})

    @property
    def objects(self) -> tuple[RecordedObject, ...]:
        """The current object, if there is one, and the others."""
        return self.others if self.current is None else (self.current, *self.others)

    @property
    def empty(self) -> bool:
        """Whether nothing is left to remember."""
        return self.current is None and not self.others and not self.operations


class Recorded(Struct, frozen=True):
    """The recorded resources, by address, with the state's identity."""

    lineage: str
    serial: int
    resources: Mapping[Address, RecordedResource]


def known_ids(resources: Mapping[Address, RecordedResource]) -> frozenset[str]:
    """Ids of all operations and objects that are recorded."""
    ids = {operation.id for r in resources.values() for operation in r.operations}
    ids |= {obj.id for r in resources.values() for obj in r.objects}
    return frozenset(i for i in ids if i is not None)
