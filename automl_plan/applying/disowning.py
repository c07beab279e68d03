"""Takes our labels off one live object that is not recorded, outside of any plan.

A plan would begin a state where there is none, and what else bears the labels of the lost one
would not be known as its own any more.
"""

from __future__ import annotations

from automl_plan.applying.workspace import Workspace
from automl_plan.errors import UsageError
from automl_plan.resources.address import ResourceKind
from automl_plan.resources.live import OWN_LABEL_PREFIX, LiveDataset, LiveModel
from automl_plan.resources.ownership import Claim, Owners


def labelled_object(
    workspace: Workspace, object_id: str
) -> tuple[ResourceKind, LiveDataset | LiveModel]:
    """The live object of an id that bears ownership labels and is not recorded, and its kind.

    Raises UsageError for another one, ProviderError.
    """
    state, provider = workspace.store.read(), workspace.provider
    objects: tuple[LiveDataset | LiveModel, ...] = (*provider.datasets(), *provider.models())
    obj = next((each for each in objects if each.id == object_id), None)
    if obj is None:
        raise UsageError(
            f"There is no dataset and no model {object_id}.",
            hint="`automl-plan plan` names those that are not recorded.",
        )
    owned = Owners(state.lineage, state.resources).of(obj)
    match owned.claim:
        case Claim.RECORDED:
            raise UsageError(
                f"{object_id} is recorded, as {owned.address}.",
                hint=f"`automl-plan state rm {owned.address}` forgets it.",
            )
        case Claim.BEING_MADE:
            raise UsageError(
                f"An open operation of {owned.address} makes {object_id}.",
                hint="Let it end first: `automl-plan wait`.",
            )
        case Claim.OTHER_STATE if state.lineage:
            raise UsageError(f"{object_id} bears the ownership labels of another state.")
        case Claim.UNMANAGED:
            raise UsageError(f"{object_id} bears no ownership labels.")
    return ResourceKind.MODEL if isinstance(obj, LiveModel) else ResourceKind.DATASET, obj


def disown(workspace: Workspace, kind: ResourceKind, obj: LiveDataset | LiveModel) -> None:
    """Take the labels off. It has no further effect when it is sent again. Raises ProviderError."""
    own = dict.fromkeys(key for key in obj.labels if key.startswith(OWN_LABEL_PREFIX))
    workspace.provider.update(kind, obj.id, {}, own)
