"""Writes YAML for unmanaged live objects, to be imported."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

from automl_plan.config.files import is_configuration_name
from automl_plan.errors import UsageError
from automl_plan.model.address import (
    NAME_PATTERN,
    Address,
    ResourceKind,
    dataset_address,
    model_address,
)
from automl_plan.model.capabilities import Capabilities
from automl_plan.model.desired import Adoption
from automl_plan.model.live import Live, LiveDataset, LiveModel, user_labels
from automl_plan.model.ownership import Claim, Owners
from automl_plan.planning.refactoring import not_free
from automl_plan.workspace.plan_inputs import PlanInputs

_NAME_LENGTH = 63


class UnmanagedDeclarations(Struct, frozen=True):
    """Unmanaged live objects as YAML, and those that can't be declared."""

    text: str
    adoptions: tuple[Adoption, ...]
    skipped: tuple[tuple[str, str | None], ...]
    """Why an object was skipped, and what to do."""


def declare_unmanaged(inputs: PlanInputs) -> UnmanagedDeclarations:
    """Return declarations of all objects that can be imported."""
    assert inputs.live is not None  # noqa: S101 (asked for by the caller)
    return _Collector(inputs).collect(inputs.live)


def write_declarations(path: Path, text: str, directory: Path) -> None:
    """Write the YAML beside the configuration. Raises UsageError."""
    if not is_configuration_name(path.name):
        raise UsageError(f"{path} is not the name of a configuration file: use NAME.automl.yaml.")
    if path.resolve().parent != directory.resolve():
        raise UsageError(
            f"{path} would not be part of the configuration.",
            hint=f"Write a file in {directory}.",
        )
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise UsageError(f"{path} exists already.", hint="Choose another file.") from error
    except OSError as error:
        raise UsageError(f"{path} can't be written: {error.strerror}.") from error


class _Collector:
    def __init__(self, inputs: PlanInputs) -> None:
        operations = {} if inputs.live is None else inputs.live.operations
        self._capabilities = inputs.workspace.configuration.capabilities
        self._owners = Owners(inputs.recorded.lineage, inputs.recorded.resources, operations)
        self._names: dict[ResourceKind, set[str]] = {
            ResourceKind.DATASET: {a.name for a in inputs.desired.datasets},
            ResourceKind.MODEL: {a.name for a in inputs.desired.models},
        }
        # An address in a `moved` or `removed` block can't be declared beside it.
        former = [removal.address for removal in inputs.desired.removals]
        former += [move.source for move in inputs.desired.moves]
        for address in (*inputs.recorded.resources, *former):
            self._names[address.kind].add(address.name)
        # A model names its dataset: those that are managed already can be named too.
        self._datasets: dict[str, str] = {
            obj.id: address.name
            for address, record in inputs.recorded.resources.items()
            if address in inputs.desired.datasets
            for obj in record.objects
        }
        self._adoptions: list[Adoption] = []
        self._skipped: list[tuple[str, str | None]] = []

    def collect(self, live: Live) -> UnmanagedDeclarations:
        datasets, models = {}, {}
        for dataset in self._free(live.datasets.values()):
            name = self._name(ResourceKind.DATASET, dataset.display_name)
            self._datasets[dataset.id] = name
            self._adoptions.append(Adoption(dataset_address(name), dataset.id))
            datasets[name] = _dataset_entry(name, dataset)
        for model in self._free(live.models.values()):
            why = self._not_declarable(model)
            if why is not None:
                self._skipped.append((f"{model.id}: {why}", None))
                continue
            name = self._name(ResourceKind.MODEL, model.display_name)
            self._adoptions.append(Adoption(model_address(name), model.id))
            of = self._datasets[model.dataset_id]
            models[name] = _model_entry(name, model, of, self._capabilities)
        # With their ids: what can't be imported now is imported by the next apply, never trained.
        imports = [{"to": str(a.address), "id": a.object_id} for a in self._adoptions]
        sections = (("datasets", datasets), ("models", models), ("imports", imports))
        content = {name: section for name, section in sections if section}
        text = "# Written by automl-plan import: live objects that were not managed.\n"
        if content:
            text += yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
        return UnmanagedDeclarations(text, tuple(self._adoptions), tuple(self._skipped))

    def _free(self, objects: Iterable[Any]) -> list[Any]:
        free = []
        for obj in sorted(objects, key=lambda o: (o.create_time or "", o.id)):
            if self._owners.of(obj).claim is Claim.RECORDED:
                continue
            said = not_free(obj, self._owners)
            if said is None:
                free.append(obj)
            else:
                self._skipped.append(said)
        return free

    def _not_declarable(self, model: LiveModel) -> str | None:
        if model.dataset_id not in self._datasets:
            return f"the dataset {model.dataset_id or '(none)'} that it was trained on is gone"
        if model.train_budget_milli_node_hours is None:
            return "the service does not report its train budget"
        return None

    def _name(self, kind: ResourceKind, display_name: str) -> str:
        base = re.sub(r"[^A-Za-z0-9_-]", "_", display_name)[:_NAME_LENGTH]
        if not re.fullmatch(NAME_PATTERN, base):
            base = f"{kind}_{base}"[:_NAME_LENGTH]
        name, number = base, 1
        while name in self._names[kind]:
            number += 1
            name = f"{base[: _NAME_LENGTH - 4]}_{number}"
        self._names[kind].add(name)
        return name


def _dataset_entry(name: str, dataset: LiveDataset) -> dict[str, Any]:
    entry = _shared(name, dataset.display_name, dataset.labels)
    if dataset.description:
        entry["description"] = dataset.description
    kind = {}
    if dataset.classification_type is not None:
        kind["classification_type"] = str(dataset.classification_type)
    return {**entry, str(dataset.problem): kind}


def _model_entry(name: str, model: LiveModel, dataset: str, can: Capabilities) -> dict[str, Any]:
    kind: dict[str, Any] = {"model_type": model.model_type} if model.model_type else {}
    if model.train_budget_milli_node_hours is not None:
        unit = can.budget_unit
        kind[unit.field] = unit.written(model.train_budget_milli_node_hours)
    if model.base_model_id is not None:
        kind["base_model_id"] = model.base_model_id
    entry = {"dataset": dataset, **_shared(name, model.display_name, model.labels)}
    entry[str(model.problem)] = kind
    if model.disable_early_stopping and can.training_block is not None:
        entry[can.training_block] = {"disable_early_stopping": True}
    if model.deployed:
        entry["deploy"] = {"node_count": model.node_count or 1}
    return entry


def _shared(name: str, display_name: str, labels: Mapping[str, str]) -> dict[str, Any]:
    entry: dict[str, Any] = {}
    if display_name != name:
        entry["display_name"] = display_name
    if own := user_labels(labels):
        entry["labels"] = dict(own)
    return entry


def addresses(found: UnmanagedDeclarations) -> tuple[Address, ...]:
    """Return the addresses that will be managed."""
    return tuple(adoption.address for adoption in found.adoptions)
