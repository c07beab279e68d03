"""The part of a plan that continues what runs, and where that is not what is declared."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from msgspec.structs import replace

from automl_plan.model.address import Address, ResourceKind
from automl_plan.model.desired import Desired, DesiredDataset, DesiredModel
from automl_plan.model.fields import Mutability
from automl_plan.model.json import Json
from automl_plan.model.recorded import (
    RecordedOperation,
    RecordedResource,
    Step,
    digest_of_values,
)
from automl_plan.planning.compare import differences, of
from automl_plan.planning.plan import (
    TRAININGS,
    Action,
    Change,
    Difference,
    DifferingOperation,
    Plan,
)
from automl_plan.planning.projection import MAKES
from automl_plan.planning.versions import Inputs


def find_differing_operations(
    desired: Desired,
    resources: Mapping[Address, RecordedResource],
    given: Mapping[str, Json] | None = None,
) -> tuple[DifferingOperation, ...]:
    """The open operations that the configuration would not start so now.

    `given` are the values that variables are given from outside; None: that is not known.
    """
    found = []
    for address, record in sorted(resources.items()):
        for operation in record.operations:
            declared, differing = _differences_of(desired, address, operation)
            missing = () if given is None else tuple(sorted({*operation.variables} - {*given}))
            changed = () if given is None or missing else _with_other_values(operation, given)
            if not declared or differing or missing or changed:
                found.append(
                    DifferingOperation(
                        address,
                        operation.step,
                        operation.id,
                        declared,
                        differing,
                        missing=missing,
                        changed=changed,
                    )
                )
    return tuple(found)


def _with_other_values(operation: RecordedOperation, given: Mapping[str, Json]) -> tuple[str, ...]:
    """Return the variables of an operation where they do not all have the values of its start."""
    if operation.values is None:
        return ()
    same = operation.values == digest_of_values(operation.token, given, operation.variables)
    return () if same else operation.variables


def _differences_of(
    desired: Desired, address: Address, operation: RecordedOperation
) -> tuple[bool, tuple[Difference, ...]]:
    """Whether its address is declared, and in what it differs."""
    if operation.step not in MAKES:
        return True, ()
    model, dataset = desired.models.get(address), desired.datasets.get(address)
    if model is not None:
        return True, _of_model(model, desired.datasets[model.dataset], operation)
    if dataset is not None:
        return True, _of_dataset(dataset, operation)
    return False, ()


def _of_model(
    model: DesiredModel, dataset: DesiredDataset, operation: RecordedOperation
) -> tuple[Difference, ...]:
    before, after = operation.attributes, model.attributes(dataset)
    ignored = model.lifecycle.ignore_changes
    if operation.step is Step.DEPLOY:
        found = differences(before, {k: v for k, v in after.items() if k == "deploy"})
        return _not_ignored(found, ignored)
    if not before:
        return ()
    patched = of(ResourceKind.MODEL, differences(before, after), Mutability.MUTABLE)
    inputs = Inputs(after, None, "dataset" in ignored).differing(before)
    return (*inputs, *_not_ignored(patched, ignored))


def _of_dataset(dataset: DesiredDataset, operation: RecordedOperation) -> tuple[Difference, ...]:
    before, after = operation.attributes, dataset.attributes()
    imports = operation.step is Step.IMPORT_DATA
    after = {k: v for k, v in after.items() if (k == "data") is imports}
    if not before or not after:  # not known, or not managed
        return ()
    return _not_ignored(differences(before, after), dataset.lifecycle.ignore_changes)


def _not_ignored(found: Collection[Difference], ignored: Collection[str]) -> tuple[Difference, ...]:
    """The differences in fields that are not ignored."""
    fields = {"data" if path == "sources" else path for path in ignored}
    return tuple(
        d for d in found if not any(f"{d.path}.".startswith(f"{path}.") for path in fields)
    )


_OPEN = (Action.RESUME, Action.CANCEL)


def resumption(plan: Plan, addresses: Collection[Address] = ()) -> Plan:
    """Reduce a plan to the open operations (of these addresses, or all) and what only needs them.

    An operation that differs from the configuration is followed to its end and recorded, and
    nothing continues from it: it is not cancelled, and neither its result nor another version
    becomes current. The same applies where a continuation would use other variables.
    `differing_operations` of the result has both. Operations of a moved address move with it.
    """
    asked = {
        (each.address, each.operation_id): each
        for each in plan.differing_operations
        if not addresses or each.address in addresses
    }
    about = {
        change.key: asked[change.address, change.operation_id]
        for change in plan.changes
        if change.action in _OPEN and (change.address, change.operation_id) in asked
    }
    differing = {key for key, each in about.items() if each.differs}
    differing_addresses = {about[key].address for key in differing}
    could = _going_on(plan, addresses, differing, differing_addresses)
    sure = _going_on(plan, addresses, about.keys(), differing_addresses)
    left_out = [c for c in plan.changes if c.key in could - sure - about.keys()]
    held = differing | about.keys() & {need for change in left_out for need in change.needs}
    open_at = {c.address for c in plan.changes if c.key in {*held, *sure, *about}}
    moves = {c.key for c in plan.changes if c.action is Action.MOVE and c.address in open_at}
    changes = []
    for change in plan.changes:
        if change.key in held:
            changes.append(_only_followed(change, moves))
        elif change.key in {*sure, *about, *moves}:
            changes.append(change)
    return replace(
        plan,
        changes=tuple(changes),
        drift=(),
        notes=(),
        differing_operations=tuple(about[key] for key in sorted(held)),
    )


def _only_followed(change: Change, moves: Collection[str]) -> Change:
    """Wait for its end. Without `after` it is not sent again, and what it makes is a candidate."""
    needs = tuple(need for need in change.needs if need in moves)
    return replace(change, action=Action.RESUME, after=None, needs=needs)


def _going_on(
    plan: Plan,
    addresses: Collection[Address],
    without: Collection[str],
    differing_addresses: Collection[Address],
) -> set[str]:
    """Return the keys that continue: none that need `without`; of differing ones only open ones."""
    all_keys = {change.key for change in plan.changes}
    kept: set[str] = set()
    resumed = {change.address for change in plan.changes if change.action is Action.RESUME}
    for change in plan.changes:  # in order: each after what it needs
        if change.key in without:
            continue
        if change.action in TRAININGS and change.address in resumed:
            continue  # what its address had begun has ended; another one is not going on
        open_ = change.action is Action.RESUME and (not addresses or change.address in addresses)
        needs = all_keys.intersection(change.needs)
        goes_on = needs and needs <= kept and change.address not in differing_addresses
        if open_ or goes_on:
            kept.add(change.key)
    return kept
