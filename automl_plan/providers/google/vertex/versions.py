"""Versions of Vertex AI's models: others may train some into a model of ours.

An id is that of the model for its first version, which is what a training of ours makes, and
ID@VERSION for each other one. Requests name the version: without one they mean the default version,
which anyone may change.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from automl_plan.errors import FailedPrecondition, NotFound, UsageError
from automl_plan.model.live import OWN_LABEL_PREFIX
from automl_plan.providers.google.json_fields import (
    items,
    labels_of,
    mapping,
    service_labels_of,
    tail,
    text,
)
from automl_plan.providers.google.transport import HttpTransport

_FIRST = "1"
_DEFAULT = "default"
_ID = re.compile(r"([A-Za-z0-9_-]{1,128})(?:@([0-9]{1,18}))?")
_PAGE = MappingProxyType({"pageSize": "100"})


def live_id(name: object, version: object = None) -> str:
    """Return the id of the version that an answer names: in the name, or beside it."""
    model, _, in_name = tail(name).partition("@")
    known = text(version) or in_name
    return f"{model}@{known}" if model and known and known != _FIRST else model


def id_in(answer: Mapping[str, Any]) -> str:
    """Return the id of a Model."""
    return live_id(answer.get("name"), answer.get("versionId"))


def id_made_by(pipeline: Mapping[str, Any]) -> str:
    """Return the id of what a TrainingPipeline made; empty when it names none."""
    made = mapping(pipeline.get("modelToUpload"))
    return live_id(made.get("name"), made.get("versionId"))


def versioned(model_id: str) -> str:
    """Return the last part of the name of a version. Raises UsageError for what is no id."""
    model, version = _parts(model_id)
    return f"{model}@{version}"


def model_of(model_id: str) -> str:
    """Return the id of the model whose version this is. Raises UsageError for what is no id."""
    return _parts(model_id)[0]


def _parts(model_id: str) -> tuple[str, str]:
    found = _ID.fullmatch(model_id)
    if found is None:
        raise UsageError(f"{model_id!r} can't be the id of an object.")
    return found[1], found[2] or _FIRST


class Versions:
    """The versions of the models of one location."""

    def __init__(self, transport: HttpTransport, parent: str) -> None:
        self._transport = transport
        self._models = f"/v1/{parent}/models"

    def get(self, model_id: str) -> dict[str, Any]:
        """Return the Model of a version, with labels of its own only. Raises NotFound."""
        answer = self._transport.get(f"{self._models}/{versioned(model_id)}")
        if id_in(answer) == model_of(model_id):
            return answer
        try:
            first = self._transport.get(f"{self._models}/{model_of(model_id)}@{_FIRST}")
        except NotFound:
            first = None
        return _own(answer, first)

    def each(
        self, listed: Iterable[Mapping[str, Any]], known: Iterable[str]
    ) -> Iterator[Mapping[str, Any]]:
        """Yield all versions of listed models, which are their default versions.

        Versions are asked for where the default version is not the first one, or others are
        `known`: ids of what trainings made and of what is deployed.
        """
        several = {each.partition("@")[0] for each in known if "@" in each}
        for answer in listed:
            model = live_id(answer.get("name"), _FIRST)
            is_only = id_in(answer) == model and model not in several
            if is_only or not _ID.fullmatch(model):  # answers may name anything
                yield answer
                continue
            answers = self._all(model)
            first = next((each for each in answers if id_in(each) == model), None)
            for each in answers:
                yield each if each is first else _own(each, first)

    def to_delete(self, model_id: str) -> str | None:
        """Return the path to delete a version by, and nothing else; None when it is gone.

        Raises FailedPrecondition for the default one of several: the service keeps it.
        """
        answers = self._all(model_of(model_id))
        there = [each for each in answers if id_in(each) == model_id]
        if not there:
            return None
        path = f"{self._models}/{model_of(model_id)}"
        if len(answers) == 1:
            return path
        if _DEFAULT in items(there[0].get("versionAliases")):
            others = ", ".join(sorted(id_in(each) for each in answers if each is not there[0]))
            raise FailedPrecondition(
                f"{model_id} is the default version of a model that has others: {others}. "
                "automl-plan does not delete versions that it does not manage.",
                http_status=400,
                where=f"DELETE {path}",
                hint="Make another version the default in the Model Registry, and apply again.",
            )
        return f"{self._models}/{versioned(model_id)}:deleteVersion"

    def _all(self, model: str) -> Sequence[dict[str, Any]]:
        """The versions of a model; none when it is gone."""
        path = f"{self._models}/{model_of(model)}:listVersions"
        try:
            return list(self._transport.pages(path, "models", _PAGE))
        except NotFound:
            return []


def _own(answer: Mapping[str, Any], first: Mapping[str, Any] | None) -> dict[str, Any]:
    """A Model without the labels that its version has from the model.

    Ownership labels of the first version would say that each version is ours. Where the first one
    was deleted, no ownership label is taken for that of another.
    """
    inherited = labels_of(first or {})
    labels = {
        key: value
        for key, value in labels_of(answer).items()
        if inherited.get(key) != value and not (first is None and key.startswith(OWN_LABEL_PREFIX))
    }
    return {**answer, "labels": {**labels, **service_labels_of(answer)}}
