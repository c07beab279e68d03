"""What was started, held against what is declared: an open operation may be something else. Pure.

Another value of a variable, or an edit of the configuration, may have come in between. What is
recorded of an operation holds what it makes; of what would have come after it only the names of
the variables are known that were given a value, for a value may be secret.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from automl_plan.planning.compare import differences, of
from automl_plan.planning.foresight import MAKES
from automl_plan.planning.plan import Difference, Otherwise
from automl_plan.planning.versions import Inputs
from automl_plan.resources.address import Address, ResourceKind
from automl_plan.resources.desired import Desired, DesiredDataset, DesiredModel
from automl_plan.resources.fields import Mutability
from automl_plan.resources.recorded import RecordedOperation, RecordedResource, Step


def started_otherwise(
    desired: Desired,
    resources: Mapping[Address, RecordedResource],
    given: Collection[str] | None = None,
) -> tuple[Otherwise, ...]:
    """The open operations that the configuration would not start so now.

    `given` names the variables that are given a value from outside; None: that is not known.
    """
    found = []
    for address, record in sorted(resources.items()):
        for operation in record.operations:
            declared, differing = _held_against(desired, address, operation)
            missing = () if given is None else tuple(sorted({*operation.variables} - {*given}))
            if not declared or differing or missing:
                found.append(
                    Otherwise(
                        address, operation.step, operation.id, declared, differing, missing=missing
                    )
                )
    return tuple(found)


def _held_against(
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
        return _heeded(found, ignored)
    if not before:
        return ()
    patched = of(ResourceKind.MODEL, differences(before, after), Mutability.MUTABLE)
    inputs = Inputs(after, None, "dataset" in ignored).differing(before)
    return (*inputs, *_heeded(patched, ignored))


def _of_dataset(dataset: DesiredDataset, operation: RecordedOperation) -> tuple[Difference, ...]:
    before, after = operation.attributes, dataset.attributes()
    imports = operation.step is Step.IMPORT_DATA
    after = {k: v for k, v in after.items() if (k == "data") is imports}
    if not before or not after:  # not known, or not managed
        return ()
    return _heeded(differences(before, after), dataset.lifecycle.ignore_changes)


def _heeded(found: Collection[Difference], ignored: Collection[str]) -> tuple[Difference, ...]:
    """The differences in fields that are not ignored."""
    fields = {"data" if path == "sources" else path for path in ignored}
    return tuple(
        d for d in found if not any(f"{d.path}.".startswith(f"{path}.") for path in fields)
    )
