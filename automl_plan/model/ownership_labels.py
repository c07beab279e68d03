"""Ownership labels: what we write on live objects, enough to rebuild a lost state."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from automl_plan.model.address import Address, ResourceKind
from automl_plan.model.json import Attributes, Json
from automl_plan.model.live import OWN_LABEL_PREFIX, TOKEN_LABEL, LiveModel
from automl_plan.model.model_types import ClassificationType, Problem
from automl_plan.model.recorded import RecordedObject, Status

_TOKEN = re.compile(r"([0-9a-f]{12})-([0-9a-f]{12})-[0-9a-f]{32}")
_REBUILT = "rebuilt-"
LINEAGE_DIGITS = 12
"""First digits of a lineage that tell states apart on live objects."""


def new_token(lineage: str, address: Address, chance: str) -> str:
    """The token of one call for an address; `chance` is 32 random hex digits."""
    return f"{lineage[:LINEAGE_DIGITS]}-{address_mark(address)}-{chance}"


def rebuilt_token(operation_id: str) -> str:
    """What stands for the token of an operation that bears none."""
    return f"{_REBUILT}{operation_id}"


def is_borne(token: str) -> bool:
    """Whether what the call makes bears the token: else the lack of one proves nothing."""
    return not token.startswith(_REBUILT)


def address_mark(address: Address) -> str:
    """What stands for an address in a token."""
    return hashlib.sha256(str(address).encode()).hexdigest()[:12]


def mark_in(token: str, lineage: str) -> str | None:
    """The mark of the address that a token was given for by this state; None for another's.

    `lineage` "" means any state.
    """
    match = _TOKEN.fullmatch(token)
    if match is None or (lineage and match[1] != lineage[:LINEAGE_DIGITS]):
        return None
    return match[2]


def lineage_in(token: str) -> str | None:
    """The first digits of the lineage of the state that gave a token; None for no token."""
    match = _TOKEN.fullmatch(token)
    return None if match is None else match[1]


ADDRESS = f"{OWN_LABEL_PREFIX}address"
"""First digits of the state's lineage, a digest of the address, and its name for people."""
VERSION = f"{OWN_LABEL_PREFIX}version"
STATUS = f"{OWN_LABEL_PREFIX}status"
DATA = f"{OWN_LABEL_PREFIX}data"
"""Fingerprint of the data: of a dataset's content, or of what a model was trained on."""
INPUTS = f"{OWN_LABEL_PREFIX}inputs"
"""A digest of all that a model was trained with."""
COMMIT = f"{OWN_LABEL_PREFIX}commit"
PROTECTED = f"{OWN_LABEL_PREFIX}protected"
MARKS = (ADDRESS, VERSION, STATUS, DATA, INPUTS, COMMIT, PROTECTED)

CURRENT = "current"
"""The status of the current version."""
_MAX_VALUE = 63
_ADDRESS = re.compile(r"([0-9a-f]{12})-([0-9a-f]{12})(?:-(.*))?")


def marks(
    lineage: str, address: Address, obj: RecordedObject, *, protected: bool
) -> dict[str, str]:
    """The marks that an object should bear; `protected` is said of the whole address."""
    found = {ADDRESS: address_label(lineage, address)}
    if protected:
        found[PROTECTED] = "true"
    data = data_mark(obj.attributes)
    if data is not None:
        found[DATA] = data
    if address.kind is ResourceKind.MODEL:
        found[STATUS] = CURRENT if obj.status is None else str(obj.status)
        found[INPUTS] = inputs_digest(obj.attributes)
        if obj.version is not None:
            found[VERSION] = str(obj.version)
        if obj.commit is not None:
            found[COMMIT] = obj.commit
    return found


def wrong_marks(
    wanted: Mapping[str, str], labels: Mapping[str, str], *, replaced: bool
) -> dict[str, tuple[str | None, str | None]]:
    """The marks that are not as they should be: what is there, and what should be.

    A former version that has been `replaced` by a later one may say that it is current: the
    higher number tells, and no call is spent on it.
    """
    wrong: dict[str, tuple[str | None, str | None]] = {}
    for key in MARKS:
        there, should = labels.get(key), wanted.get(key)
        if there == should or (key == STATUS and replaced and there == CURRENT):
            continue
        if key == ADDRESS and there is not None and there[:_MAX_VALUE] == should:
            continue  # version 0.1 cut long names a character later
        wrong[key] = (there, should)
    return wrong


def data_mark(attributes: Attributes) -> str | None:
    """The fingerprint of an object's data, as a label's value; None when it is not known."""
    trained_on = attributes.get("trained_on")
    data = trained_on.get("data") if isinstance(trained_on, dict) else attributes.get("data")
    return data.replace(":", "-") if isinstance(data, str) else None


def fingerprint_of(mark: str) -> str:
    """The fingerprint that a mark of data stands for."""
    return mark.replace("-", ":", 1)


_INPUTS = (*map(str, Problem), "trained_on")
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


def inputs_digest(attributes: Attributes) -> str:
    """32 hex digits that stand for all that a model was trained with."""
    inputs = {key: attributes[key] for key in _INPUTS if key in attributes}
    canonical = _CANONICAL.encode(inputs)
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]


def possible_inputs(
    model: LiveModel, attributes: Attributes, known: Attributes | None
) -> Iterator[dict[str, Json]]:
    """Yield what a model may have been trained with, likeliest first.

    `attributes` are the model's own, `known` what is known of its dataset. The dataset may be gone
    by now, or have other data: that is taken from the label. `inputs_digest` proves which it was.
    """
    kinds = [] if known is None else [known]
    if model.problem is Problem.IMAGE_CLASSIFICATION:
        kinds += [{str(model.problem): {"classification_type": str(t)}} for t in ClassificationType]
    elif model.problem is not None:
        kinds.append({str(model.problem): {}})
    data = model.labels.get(DATA)
    content = {} if data is None else {"data": fingerprint_of(data)}
    for kind in kinds:
        yield {**attributes, "trained_on": {**kind, **content}}


class Owner(Struct, frozen=True):
    """What the mark of an address says: which state, which address."""

    lineage: str
    """The first digits of the lineage."""
    mark: str
    """As `address_mark` gives it."""
    name: str
    """The name in lower case, cut if it is long."""


def owner(labels: Mapping[str, str]) -> Owner | None:
    """Whose object it is by its mark; None for an object without one."""
    match = _ADDRESS.fullmatch(labels.get(ADDRESS, ""))
    return None if match is None else Owner(match[1], match[2], match[3] or "")


def mark_of(labels: Mapping[str, str]) -> str | None:
    """The mark of the address that ownership labels name, by the token where that is all."""
    whose = owner(labels)
    return mark_in(labels.get(TOKEN_LABEL, ""), "") if whose is None else whose.mark


def address_in(labels: Mapping[str, str], addresses: Iterable[Address]) -> Address | None:
    """Which of some addresses the ownership labels of a model name, whichever state put them on."""
    mark = mark_of(labels)
    models = (a for a in addresses if a.kind is ResourceKind.MODEL)
    return next((a for a in models if address_mark(a) == mark), None)


def is_owned(labels: Mapping[str, str]) -> bool:
    """Whether labels tell of a state that made or adopted what bears them."""
    return ADDRESS in labels or TOKEN_LABEL in labels


def status_of(labels: Mapping[str, str]) -> Status | None:
    """The status that a mark tells; None for the current version, or when it tells none."""
    value = labels.get(STATUS)
    return Status(value) if value in set(Status) else None


def address_label(lineage: str, address: Address) -> str:
    """The value of the label that tells an address."""
    told = f"{lineage[:LINEAGE_DIGITS]}-{address_mark(address)}-{address.name.lower()}"
    return told[:_MAX_VALUE]
