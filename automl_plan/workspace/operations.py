"""Lists operations of the service by what they work on; checks forecasts against history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from automl_plan.errors import NotFound, UsageError
from automl_plan.model.address import Address, ResourceKind
from automl_plan.model.history import EndedOperation, History
from automl_plan.model.live import Operation
from automl_plan.model.model_types import ModelTypes
from automl_plan.model.recorded import RecordedResource
from automl_plan.planning.forecast import Backtest, backtest
from automl_plan.providers.protocol import Provider
from automl_plan.providers.registry import DEFAULT, PROVIDERS
from automl_plan.state.document import read_history
from automl_plan.state.file import read_state_file
from automl_plan.workspace.inventory import matching


def list_operations(
    provider: Provider,
    resources: Mapping[Address, RecordedResource],
    *,
    done: bool | None,
    works_on: str | None,
    operation_id: str | None,
) -> list[Operation]:
    """List operations, newest first. Raises UsageError for an unknown `works_on`."""
    if operation_id is not None:
        try:
            found = [provider.operation(operation_id)]
        except NotFound:
            found = []
        if works_on is not None:
            on_it = {o.id for o in _working_on(provider, resources, works_on, done)}
            found = [o for o in found if o.id in on_it]
        return [o for o in found if done is None or o.done is done]
    if works_on is None:
        listed = provider.operations(done=done)
    else:
        listed = _working_on(provider, resources, works_on, done)
    return sorted(listed, key=lambda o: o.create_time or "", reverse=True)


def _working_on(
    provider: Provider,
    resources: Mapping[Address, RecordedResource],
    works_on: str,
    done: bool | None,
) -> Sequence[Operation]:
    """Return operations that work on an object, and those recorded as open for its address.

    To the service a training works on a dataset; only the state knows its model.
    """
    record = next((r for a, r in resources.items() if str(a) == works_on), None)
    ids = [] if record is None else [o.id for o in record.operations if o.id is not None]
    if not ids or (record is not None and record.objects):
        listed = provider.operations(
            done=done, works_on=_find_target(provider, resources, works_on)
        )
    else:
        listed = ()  # no object exists yet that could be worked on
    found = {operation.id: operation for operation in listed}
    for operation_id in ids:
        if operation_id not in found:
            try:
                found[operation_id] = provider.operation(operation_id)
            except NotFound:
                continue
    return [o for o in found.values() if done is None or o.done is done]


def _find_target(
    provider: Provider, resources: Mapping[Address, RecordedResource], name: str
) -> tuple[ResourceKind, str]:
    """Return the dataset or model with a name."""
    live = provider.live()
    datasets = matching(name, ResourceKind.DATASET, live.datasets.values(), resources)
    models = matching(name, ResourceKind.MODEL, live.models.values(), resources)
    found = [(ResourceKind.DATASET, dataset.id) for dataset in datasets]
    found += [(ResourceKind.MODEL, model.id) for model in models]
    if len(found) == 1:
        return found[0]
    if found:
        options = " or ".join(f"the {kind} {object_id}" for kind, object_id in found)
        raise UsageError(f"{name} may mean {options}.", hint="Give the id, or an address.")
    raise UsageError(
        f"There is no dataset or model {name}.",
        hint="Give an address or an id. A model exists when its training is done; until then, "
        "list the operations of its dataset.",
    )


def backtest_history(history: History, types: ModelTypes) -> tuple[Backtest, ...]:
    """Of a state's history, with the model types of its provider."""
    return backtest(_flat(history), types)


def backtest_file(path: Path) -> tuple[Backtest, ...]:
    """Of a file: a state, or JSON lines. Raises StateUnreadable."""
    types = PROVIDERS[DEFAULT].capabilities({}).model_types
    if path.suffix == ".jsonl":
        return backtest(read_history(path), types)
    return backtest_history(read_state_file(path).history, types)


def _flat(history: History) -> list[EndedOperation]:
    return [each for kept in history.values() for each in kept.values()]
