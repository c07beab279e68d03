"""Takes our labels off one live object that is not recorded, outside of any plan.

A plan would begin a state where there is none, and what else bears the labels of the lost one
would not be known as its own any more.
"""

from __future__ import annotations

from automl_plan.applying.workspace import Workspace
from automl_plan.errors import UsageError
from automl_plan.resources.address import ResourceKind
from automl_plan.resources.live import OWN_LABEL_PREFIX, TOKEN_LABEL, LiveDataset, LiveModel
from automl_plan.resources.marks import is_owned, owner
from automl_plan.resources.recorded import known_ids
from automl_plan.state.document import State


def labelled_object(
    workspace: Workspace, object_id: str
) -> tuple[ResourceKind, LiveDataset | LiveModel]:
    """The live object of an id that is not recorded, and its kind.

    Raises UsageError when it is recorded or being made, bears no ownership labels, or those of
    another state. Raises ProviderError.
    """
    state = workspace.store.read()
    resources = state.resources
    if object_id in known_ids(resources):
        owner = next(a for a, record in resources.items() if object_id in known_ids({a: record}))
        raise UsageError(
            f"{object_id} is recorded, as {owner}.",
            hint=f"`automl-plan state rm {owner}` forgets it, and takes the labels off.",
        )
    provider = workspace.provider
    for kind, objects in (
        (ResourceKind.DATASET, provider.datasets()),
        (ResourceKind.MODEL, provider.models()),
    ):
        for obj in objects:
            if obj.id == object_id and is_owned(obj.labels):
                _check_free(obj, state)
                return kind, obj
    raise UsageError(
        f"There is no dataset and no model {object_id} with ownership labels.",
        hint="`automl-plan plan` names those that bear labels of this state and are not recorded.",
    )


def _check_free(obj: LiveDataset | LiveModel, state: State) -> None:
    token = obj.labels.get(TOKEN_LABEL, "")
    for address, record in state.resources.items():
        if any(operation.token == token for operation in record.operations):
            raise UsageError(
                f"An open operation of {address} makes {obj.id}.",
                hint="Let it end first: `automl-plan wait`.",
            )
    whose = owner(obj.labels)
    ours = whose is None or state.lineage.startswith(whose.lineage)
    if state.lineage and not ours:
        raise UsageError(f"{obj.id} bears the ownership labels of another state.")


def disown(workspace: Workspace, kind: ResourceKind, obj: LiveDataset | LiveModel) -> None:
    """Take the labels off. It has no further effect when it is sent again. Raises ProviderError."""
    own = dict.fromkeys(key for key in obj.labels if key.startswith(OWN_LABEL_PREFIX))
    workspace.provider.update(kind, obj.id, {}, own)
