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
"""First digits of a lineage: they distinguish states on live objects."""


def new_token(lineage: str, address: Address, chance: str) -> str:
    """Return the token of one call for an address; `chance` is 32 random hex digits."""
    return f"{lineage[:LINEAGE_DIGITS]}-{address_digest(address)}-{chance}"


def rebuilt_token(operation_id: str) -> str:
    """Return a stand-in for the token of an operation that has none."""
    return f"{_REBUILT}{operation_id}"


def labels_object(token: str) -> bool:
    """Return whether the result of a call is labelled with its token.

    If not, an object without the token may be its result all the same.
    """
    return not token.startswith(_REBUILT)


def address_digest(address: Address) -> str:
    """Return 12 hex digits that stand for an address in tokens and labels."""
    return hashlib.sha256(str(address).encode()).hexdigest()[:12]


def address_digest_in(token: str, lineage: str) -> str | None:
    """Return the digest of the address in a token of this state; None for another state's.

    `lineage` "" means any state.
    """
    match = _TOKEN.fullmatch(token)
    if match is None or (lineage and match[1] != lineage[:LINEAGE_DIGITS]):
        return None
    return match[2]


def lineage_in(token: str) -> str | None:
    """Return the first digits of the lineage in a token; None for what is no token."""
    match = _TOKEN.fullmatch(token)
    return None if match is None else match[1]


ADDRESS = f"{OWN_LABEL_PREFIX}address"
"""First digits of the state's lineage, a digest of the address, and its name for people."""
VERSION = f"{OWN_LABEL_PREFIX}version"
_VERSION = re.compile(r"[1-9][0-9]{0,8}")
STATUS = f"{OWN_LABEL_PREFIX}status"
DATA = f"{OWN_LABEL_PREFIX}data"
"""Fingerprint of the data: of a dataset's content, or of what a model was trained on."""
INPUTS = f"{OWN_LABEL_PREFIX}inputs"
"""A digest of all that a model was trained with."""
COMMIT = f"{OWN_LABEL_PREFIX}commit"
PROTECTED = f"{OWN_LABEL_PREFIX}protected"
OWNERSHIP_LABELS = (ADDRESS, VERSION, STATUS, DATA, INPUTS, COMMIT, PROTECTED)

CURRENT = "current"
"""The status of the current version."""
_MAX_VALUE = 63
_ADDRESS = re.compile(r"([0-9a-f]{12})-([0-9a-f]{12})(?:-(.*))?")


def expected_labels(
    lineage: str, address: Address, obj: RecordedObject, *, protected: bool
) -> dict[str, str]:
    """Return the ownership labels that an object should have; `protected`: its whole address."""
    found = {ADDRESS: address_label(lineage, address)}
    if protected:
        found[PROTECTED] = "true"
    data = data_label(obj.attributes)
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


def differing_labels(
    wanted: Mapping[str, str], labels: Mapping[str, str], *, replaced: bool
) -> dict[str, tuple[str | None, str | None]]:
    """Return the ownership labels that differ: their present and their expected value.

    A former version that was `replaced` by a later one may still be labelled as current: the
    higher version number decides, so no call is spent on it.
    """
    wrong: dict[str, tuple[str | None, str | None]] = {}
    for key in OWNERSHIP_LABELS:
        there, should = labels.get(key), wanted.get(key)
        if there == should or (key == STATUS and replaced and there == CURRENT):
            continue
        if key == ADDRESS and there is not None and there[:_MAX_VALUE] == should:
            continue  # version 0.1 cut long names a character later
        wrong[key] = (there, should)
    return wrong


def data_label(attributes: Attributes) -> str | None:
    """Return the fingerprint of an object's data as the value of a label; None when unknown."""
    trained_on = attributes.get("trained_on")
    data = trained_on.get("data") if isinstance(trained_on, dict) else attributes.get("data")
    return data.replace(":", "-") if isinstance(data, str) else None


def fingerprint_of(label: str) -> str:
    """Return the fingerprint of the data from the value of its label."""
    return label.replace("-", ":", 1)


_INPUTS = (*map(str, Problem), "trained_on")
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


def inputs_digest(attributes: Attributes) -> str:
    """Return 32 hex digits that stand for all that a model was trained with."""
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
    """What the label of an address says: which state, which address."""

    lineage: str
    """The first digits of the lineage."""
    address_digest: str
    """As `address_digest` gives it."""
    name: str
    """The name in lower case, cut if it is long."""


def owner(labels: Mapping[str, str]) -> Owner | None:
    """Return the owner by the label of the address; None for an object without that."""
    match = _ADDRESS.fullmatch(labels.get(ADDRESS, ""))
    return None if match is None else Owner(match[1], match[2], match[3] or "")


def address_digest_of(labels: Mapping[str, str]) -> str | None:
    """Return the digest of the address in ownership labels: of that label, or of the token."""
    whose = owner(labels)
    return (
        address_digest_in(labels.get(TOKEN_LABEL, ""), "")
        if whose is None
        else whose.address_digest
    )


def address_in(labels: Mapping[str, str], addresses: Iterable[Address]) -> Address | None:
    """Return the one of some addresses that a model is labelled with, by whatever state."""
    found = address_digest_of(labels)
    models = (a for a in addresses if a.kind is ResourceKind.MODEL)
    return next((a for a in models if address_digest(a) == found), None)


def is_owned(labels: Mapping[str, str]) -> bool:
    """Return whether an object with these labels was created or adopted by a state."""
    return ADDRESS in labels or TOKEN_LABEL in labels


def status_of(labels: Mapping[str, str]) -> Status | None:
    """Return the status in a label; None for the current version, or without a known status."""
    value = labels.get(STATUS)
    return Status(value) if value in set(Status) else None


def version_in(labels: Mapping[str, str]) -> int | None:
    """Return the number of a version; None without a number that a version may have."""
    value = labels.get(VERSION, "")
    return int(value) if _VERSION.fullmatch(value) else None


def address_label(lineage: str, address: Address) -> str:
    """Return the value of the label of an address."""
    label = f"{lineage[:LINEAGE_DIGITS]}-{address_digest(address)}-{address.name.lower()}"
    return label[:_MAX_VALUE]
