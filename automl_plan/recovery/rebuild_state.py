"""Rebuilds a lost state from ownership labels on live resources."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from automl_plan.errors import StateError, UsageError
from automl_plan.model.address import Address, ResourceKind
from automl_plan.model.desired import Desired, DesiredModel, trained_on
from automl_plan.model.json import Json
from automl_plan.model.live import Live, LiveDataset, LiveModel
from automl_plan.model.model_types import Problem
from automl_plan.model.ownership_labels import (
    COMMIT,
    DATA,
    INPUTS,
    LINEAGE_DIGITS,
    PROTECTED,
    Owner,
    address_digest,
    fingerprint_of,
    inputs_digest,
    owner,
    possible_inputs,
    status_of,
    version_in,
)
from automl_plan.model.recorded import (
    Decision,
    DecisionKind,
    RecordedObject,
    RecordedResource,
    Status,
)
from automl_plan.model.timestamps import utc_now
from automl_plan.providers.protocol import Provider
from automl_plan.recovery.running_operations import (
    adopt_running_operations,
    running_imports_and_trainings,
)
from automl_plan.state.document import State

_LINEAGE_LENGTH = 32
_Live = TypeVar("_Live", LiveDataset, LiveModel)


class RebuiltState(Struct, frozen=True):
    """A rebuilt state, and remarks on it for the user."""

    state: State
    remarks: tuple[str, ...]


def rebuild_state(desired: Desired, provider: Provider, lineage: str | None = None) -> RebuiltState:
    """Rebuild a state from live objects with ownership labels.

    `lineage` is the start of the lineage that is meant. Raises StateError when no object has
    ownership labels, or when they are those of several states; UsageError.
    """
    while True:
        # A training that ends between two lists would be in neither, and be lost.
        running = running_imports_and_trainings(provider)
        live = provider.live()
        chosen = _lineage(live, desired, lineage)
        rebuilt = _Rebuilder(desired, live, provider, chosen, running=bool(running)).state()
        if not running or running <= running_imports_and_trainings(provider):
            return rebuilt


def _lineage(live: Live, desired: Desired, asked: str | None) -> str:
    """Return the first digits of the lineage to rebuild."""
    labels = [dataset.labels for dataset in live.datasets.values()]
    labels += [model.labels for model in live.models.values()]
    owners = [owner(each) for each in labels]
    found = {whose.lineage for whose in owners if whose is not None}
    if asked is not None:
        matching = {each for each in found if asked.startswith(each) or each.startswith(asked)}
        if len(matching) != 1:
            raise UsageError(f"--lineage {asked}: {_lineages(found)}")
        return matching.pop()
    if len(found) > 1:
        addresses = (*desired.datasets, *desired.models)
        digests = {address_digest(address) for address in addresses}
        owned = {w.lineage for w in owners if w is not None and w.address_digest in digests}
        found = owned or found
    if not found:
        raise StateError(
            "No live object has ownership labels: there is nothing to rebuild a state from.",
            hint="Adopt live objects instead: automl-plan import --all --write FILE",
        )
    if len(found) > 1:
        raise StateError(_lineages(found), hint="Choose one: --lineage DIGITS")
    return found.pop()


def _lineages(found: Iterable[str]) -> str:
    reported = ", ".join(sorted(found)) or "none"
    return f"The live objects have the ownership labels of these states: {reported}."


class _Rebuilder:
    def __init__(
        self, desired: Desired, live: Live, provider: Provider, lineage: str, *, running: bool
    ) -> None:
        self._running = running
        self._desired = desired
        self._live = live
        self._provider = provider
        self._lineage = lineage
        self._remarks: list[str] = []
        declared = (*desired.datasets, *desired.models)
        self._declared = {(a.kind, address_digest(a)): a for a in declared}

    def state(self) -> RebuiltState:
        resources: dict[Address, RecordedResource] = {}
        for address, datasets in self._grouped(self._live.datasets.values()).items():
            resources[address] = self._dataset(address, datasets)
        for address, models in self._grouped(self._live.models.values()).items():
            resources[address] = self._model(address, models)
        if self._running:
            adopt_running_operations(resources, self._desired, self._live, self._provider)
        rest = secrets.token_hex(_LINEAGE_LENGTH // 2)[LINEAGE_DIGITS:]
        state = State(
            lineage=self._lineage + rest,
            serial=1,
            provider=self._provider.identity,
            resources=resources,
        )
        return RebuiltState(state, tuple(self._remarks))

    def _grouped(self, objects: Iterable[_Live]) -> dict[Address, list[_Live]]:
        grouped: dict[Address, list[_Live]] = {}
        for obj in objects:
            whose = owner(obj.labels)
            if whose is None or whose.lineage != self._lineage:
                continue
            kind = ResourceKind.DATASET if isinstance(obj, LiveDataset) else ResourceKind.MODEL
            address = self._address(kind, whose, obj.id)
            if address is not None:
                grouped.setdefault(address, []).append(obj)
        return grouped

    def _address(self, kind: ResourceKind, whose: Owner, object_id: str) -> Address | None:
        declared = self._declared.get((kind, whose.address_digest))
        if declared is not None:
            return declared
        try:
            reported = Address.parse(f"{kind}.{whose.name}")
        except ValueError:
            self._remarks.append(f"{object_id}: its label names no address; skipped")
            return None
        if address_digest(reported) != whose.address_digest:
            self._remarks.append(
                f"{object_id}: recorded as {reported}; its name had capitals, or was longer"
            )
        return reported

    # -- datasets --------------------------------------------------------------------------

    def _dataset(self, address: Address, datasets: Sequence[LiveDataset]) -> RecordedResource:
        newest, *older = sorted(datasets, key=lambda d: d.create_time or "", reverse=True)
        return RecordedResource(
            address,
            current=self._dataset_object(newest, None),
            others=tuple(self._dataset_object(d, Status.FORMER) for d in older),
            protected=newest.labels.get(PROTECTED) == "true",
        )

    def _dataset_object(self, dataset: LiveDataset, status: Status | None) -> RecordedObject:
        attributes = dataset.attributes()
        mark = dataset.labels.get(DATA)
        if mark is not None and dataset.example_count:
            attributes["data"] = fingerprint_of(mark)
        return RecordedObject(dataset.id, attributes, created=dataset.create_time, status=status)

    # -- models ----------------------------------------------------------------------------

    def _model(
        self,
        address: Address,
        models: Sequence[LiveModel],
    ) -> RecordedResource:
        objects = sorted(
            (self._version(address, model) for model in models),
            key=lambda obj: obj.version or 0,
            reverse=True,
        )
        current = next((obj for obj in objects if obj.status is None), None)
        others = tuple(
            replace(obj, status=obj.status or Status.FORMER) for obj in objects if obj != current
        )
        return RecordedResource(
            address,
            current=current,
            others=others,
            versions=max((obj.version or 0 for obj in objects), default=0),
            protected=any(model.labels.get(PROTECTED) == "true" for model in models),
        )

    def _version(
        self,
        address: Address,
        model: LiveModel,
    ) -> RecordedObject:
        declared = self._desired.models.get(address)
        status = status_of(model.labels)
        decision = None
        if status is Status.REJECTED and declared is not None and declared.require is not None:
            # The labels do not have the evaluation; deciding again would give the same result.
            require = declared.require.to_json()
            decision = Decision(DecisionKind.REJECTED, utc_now(), require=require)
        return RecordedObject(
            model.id,
            {**model.attributes(), **self._inputs(address, model, declared)},
            created=model.create_time,
            dataset_id=model.dataset_id,
            version=version_in(model.labels),
            commit=model.labels.get(COMMIT),
            status=status,
            decision=decision,
        )

    def _inputs(
        self,
        address: Address,
        model: LiveModel,
        declared: DesiredModel | None,
    ) -> dict[str, Json]:
        """Return the inputs of a training: those that match the digest in its label.

        Without a digest they are assumed to be the declared ones, unless the service contradicts
        that: a missing label must not cause a paid training.
        """
        digest, likely = model.labels.get(INPUTS), list(self._reported_inputs(model))
        as_declared = self._as_declared(declared)
        for guess in (*as_declared, *likely):
            if inputs_digest(guess) == digest:
                return guess
        self._remarks.append(
            f"{address}: not all training inputs of {model.id} could be determined"
        )
        if digest is not None:
            return likely[-1]
        fitting = (g for g in as_declared if any(_consistent(g, reported) for reported in likely))
        return next(fitting, likely[0])

    def _as_declared(self, declared: DesiredModel | None) -> list[dict[str, Json]]:
        if declared is None:
            return []
        attributes = declared.attributes(self._desired.datasets[declared.dataset])
        return [{k: v for k, v in attributes.items() if k in (*Problem, "trained_on")}]

    def _reported_inputs(self, model: LiveModel) -> Iterable[dict[str, Json]]:
        problem = str(model.problem or Problem.IMAGE_CLASSIFICATION)
        kind: dict[str, Json] = {
            "model_type": model.model_type,
            "train_budget_milli_node_hours": model.train_budget_milli_node_hours,
        }
        if model.base_model_id is not None:
            kind["base_model_id"] = model.base_model_id
        there, known = self._live.datasets.get(model.dataset_id), None
        if there is not None:
            known = {k: v for k, v in trained_on(there.attributes()).items() if k != "data"}
        return possible_inputs(model, {problem: kind}, known)


def _consistent(declared: Mapping[str, Json], reported: Mapping[str, Json]) -> bool:
    """Whether two are equal, except for the data where that is unknown."""
    of_declared, of_told = declared["trained_on"], reported["trained_on"]
    assert isinstance(of_declared, dict)  # noqa: S101 (both are made here)
    assert isinstance(of_told, dict)  # noqa: S101
    if "data" not in of_told:
        of_declared = {k: v for k, v in of_declared.items() if k != "data"}
    return {**declared, "trained_on": of_declared} == reported
