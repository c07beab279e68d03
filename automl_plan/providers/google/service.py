"""What the providers of Google's services share: place, clock, sources, masks and etags."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, ClassVar

from automl_plan.errors import (
    Aborted,
    FailedPrecondition,
    InvalidArgument,
    TransportError,
    Unimplemented,
    UsageError,
)
from automl_plan.model.address import ResourceKind
from automl_plan.model.capabilities import Capabilities, LabelGrammar
from automl_plan.model.contacts import Contact
from automl_plan.model.evaluation import ImageResult
from automl_plan.model.json import Attributes, Json
from automl_plan.model.live import LiveModel, Operation, user_labels
from automl_plan.model.predictions import Prediction
from automl_plan.providers.data_access import DataAccess, StagingBucket
from automl_plan.providers.google.base_url import is_google
from automl_plan.providers.google.json_fields import all_labels, labels_of, moment, text
from automl_plan.providers.google.predictions import (
    automl_body,
    image_result,
    of_annotations,
    predict_with_model,
)
from automl_plan.providers.google.storage import Storage
from automl_plan.providers.google.transport import HttpTransport


def merged_labels(
    there: Mapping[str, str], wanted: Json, ownership_labels: Mapping[str, str | None]
) -> dict[str, str]:
    """All labels of an object once the user's are as wanted (None: as they are), and ours set."""
    labels = dict(there)
    if isinstance(wanted, dict):
        mine = user_labels(labels_of({"labels": dict(there)}))
        kept = {k: v for k, v in there.items() if k not in mine}
        labels = {**{k: str(v) for k, v in wanted.items()}, **kept}
    for key, value in ownership_labels.items():
        if value is None:
            labels.pop(key, None)
        else:
            labels[key] = value
    return labels


def opened(operation: Operation, where: str) -> Operation:
    """Return the operation that a call opened. Raises TransportError when it has no name."""
    if not operation.id:
        raise TransportError(
            "The service took the call, but its answer names no operation.",
            sent=True,
            accepted=True,
            where=where,
        )
    return operation


def checked_id(object_id: str) -> str:
    """An id that can't lead elsewhere. Raises UsageError."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,128}", object_id):
        raise UsageError(f"{object_id!r} can't be the id of an object.")
    return object_id


_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:_-]*")
COLLECTIONS = {ResourceKind.DATASET: "datasets", ResourceKind.MODEL: "models"}
_UPDATE_MASKS = {"display_name": "displayName", "description": "description", "labels": "labels"}
_NO_LABELS: Mapping[str, str | None] = MappingProxyType({})
_ETAG_TRIES = 3


def is_outdated(
    error: Aborted | FailedPrecondition, transport: HttpTransport, path: str, etag: str | None
) -> bool:
    """Return whether a change was refused because its etag is not the object's any more.

    AIP-154 has ABORTED for it. Where the service says FAILED_PRECONDITION, the object says it.
    """
    if isinstance(error, Aborted):
        return True
    return etag is not None and text(transport.get(path).get("etag")) != etag


def patch(
    transport: HttpTransport,
    path: str,
    changed: Attributes,
    ownership_labels: Mapping[str, str | None],
    grammar: LabelGrammar,
) -> str | None:
    """Patch mutable fields of an object; labels that are not the user's or named stay.

    Returns its `updateTime`, if it has one.

    Something else may write between our read and our write: then it is read again.
    """
    for attempt in range(1, _ETAG_TRIES + 1):
        there = transport.get(path)
        body: dict[str, Json] = {_UPDATE_MASKS[f]: value for f, value in changed.items()}
        before = all_labels(there)
        labels = merged_labels(before, changed.get("labels"), ownership_labels)
        if "labels" in changed or labels != before:
            body["labels"] = dict(labels)
        if not body:
            return moment(there.get("updateTime"))
        mask = ",".join(sorted(body))
        if etag := text(there.get("etag")):
            body["etag"] = etag
        try:
            return moment(_send(transport, path, body, mask, grammar).get("updateTime"))
        except (Aborted, FailedPrecondition) as error:
            if attempt == _ETAG_TRIES or not is_outdated(error, transport, path, etag):
                raise
    return None


def _send(
    transport: HttpTransport, path: str, body: dict[str, Json], mask: str, grammar: LabelGrammar
) -> Mapping[str, Any]:
    """Send a patch with all labels, or without those of the service's own that it refuses.

    Whether Google's services take back labels under their reserved prefixes is not documented.
    Those are immutable (proto: Dataset.labels), so that leaving them out takes none away.
    """
    labels = all_labels(body)
    own = frozenset(key for key in labels if key.startswith(grammar.reserved))
    malformed = frozenset(key for key in own if grammar.key_problem(key) is not None)
    refused: InvalidArgument | None = None
    for without in dict.fromkeys((frozenset[str](), malformed, own)):
        kept: dict[str, Json] = {k: v for k, v in labels.items() if k not in without}
        sent: dict[str, Json] = {**body, "labels": kept} if without else body
        try:
            return transport.repeatable("PATCH", path, sent, {"updateMask": mask})
        except InvalidArgument as error:
            refused = refused or error
    assert refused is not None  # noqa: S101 (the first one was sent)
    raise refused


class GoogleService:
    """One project and location of a service, which imports from Cloud Storage.

    Raises UsageError for what can't be a project or a location.
    """

    _predicted = staticmethod(predict_with_model)
    set_names: ClassVar[Mapping[str, str] | None] = None
    """Its words for the sets of images in import CSVs; None: as they are written."""

    def __init__(
        self,
        transport: HttpTransport,
        storage: Storage,
        staging: StagingBucket | None = None,
        *,
        name: str,
        project: str,
        location: str,
        settle_seconds: float,
        capabilities: Capabilities,
        contacts: Sequence[Contact] = (),
    ) -> None:
        self._transport = transport
        self._storage = storage
        self._staging = staging
        for part, value in (("project", project), ("location", location)):
            if not _PART.fullmatch(value):
                raise UsageError(f"{value!r} can't be a {part}.")
        self._parent = f"projects/{project}/locations/{location}"
        self._identity = f"{name}:{self._parent}"
        self._settle_seconds = settle_seconds
        self._capabilities = capabilities
        self._contacts = contacts

    @property
    def identity(self) -> str:
        """Which service, project and location."""
        return self._identity

    @property
    def bills_by_clock(self) -> bool:
        """Whether an hour that is billed is an hour of the clock: at Google's own hosts."""
        return is_google(self._transport.base_url)

    @property
    def settle_seconds(self) -> float:
        """Seconds after which an interrupted call can no longer take effect or appear in lists."""
        return self._settle_seconds

    @property
    def capabilities(self) -> Capabilities:
        """What it can train."""
        return self._capabilities

    @property
    def data_access(self) -> DataAccess:
        """How import data reaches the service."""
        formats = self._capabilities.sources.formats
        return DataAccess(self._storage, self._staging, self.set_names, formats)

    @property
    def contacts(self) -> Sequence[Contact]:
        """What settings and the environment make it contact beside Google's own services."""
        return self._contacts

    def now(self) -> datetime:
        """What time it is at the service (UTC)."""
        return self._transport.now()

    def fence(self, check: Callable[[], None]) -> None:
        """Call `check` directly before each request that changes something."""
        self._transport.fence(check)
        self._storage.fence(check)

    def close(self) -> None:
        """Close connections."""
        self._transport.close()
        self._storage.close()

    def update(
        self,
        kind: ResourceKind,
        object_id: str,
        changed: Attributes,
        ownership_labels: Mapping[str, str | None] = _NO_LABELS,
    ) -> str | None:
        """Patch mutable fields; labels that are not the user's or named stay as they are."""
        path = self._path(COLLECTIONS[kind], object_id)
        return patch(self._transport, path, changed, ownership_labels, self._capabilities.labels)

    def predict(self, model: LiveModel, image: bytes) -> Sequence[Prediction]:
        """Return what a deployed model predicts for an image."""
        return self._predicted(self._transport, self._parent, model, image)

    def predict_undeployed(self, model: LiveModel, image: bytes) -> Sequence[Prediction]:
        """Return what the embedded service predicts with any of its models."""
        if not self._capabilities.predicts_undeployed:
            raise Unimplemented("Only the embedded service predicts with undeployed models.")
        path = f"/emulator/v1/{self._parent}/models/{checked_id(model.id)}:predict"
        return of_annotations(self._transport.repeatable("POST", path, automl_body(image)))

    def image_results(self, model_id: str) -> Sequence[ImageResult]:
        """Return what the embedded service kept of each TEST image."""
        if not self._capabilities.keeps_image_results:
            raise Unimplemented("Only the embedded service keeps results of single images.")
        path = f"/emulator/v1/{self._parent}/models/{checked_id(model_id)}/testedImages"
        found = self._transport.pages(path, "testedImages", {"pageSize": "1000"})
        return [image_result(each) for each in found]

    def _path(self, collection: str, object_id: str | None = None, verb: str = "") -> str:
        path = f"/v1/{self._parent}/{collection}"
        if object_id is not None:
            path += f"/{checked_id(object_id)}"
        return f"{path}:{verb}" if verb else path
