"""Refuses calls that are about to be sent, by the same judgement as plans."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from automl_plan.config.configuration import Configuration
from automl_plan.errors import PlanRefused
from automl_plan.model.address import Address
from automl_plan.model.live import Live, Operation
from automl_plan.model.ownership_labels import address_in
from automl_plan.model.recorded import RecordedOperation
from automl_plan.planning.options import PlanOptions
from automl_plan.planning.plan import Action, Change, Refusal
from automl_plan.planning.refusals import Place, RefusalContext, find_refusals
from automl_plan.recovery.intents import STEPS
from automl_plan.workspace.data_checks import with_lint
from automl_plan.workspace.workspace import Workspace

_ACTIONS = {step: action for action, step in STEPS.items() if action is not Action.RETRAIN}


def field_locator(configuration: Configuration) -> Place:
    """Where fields are written."""

    def place(address: Address | None, field: str | None) -> str | None:
        if address is not None:
            position = configuration.position(address, field)
        else:
            section, _, name = (field or "").partition(".")
            path = (section, name) if section == "policy" and name else (section,)
            position = configuration.place(*path)
        return None if position is None else f"{position.file}:{position.line}"

    return place


def raise_if_refused(refused: Iterable[Refusal]) -> None:
    """Raise PlanRefused when there is a refusal."""
    texts = dict.fromkeys(refusal.text for refusal in refused)
    if texts:
        raise PlanRefused("\n".join(texts), hint="Change what is refused, and plan again.")


def check_command(workspace: Workspace, changes: Sequence[Change], live: Live) -> None:
    """Raise PlanRefused when changes may not be made that a command makes at once, by itself.

    `live` holds the objects that they are about.
    """
    configuration = workspace.configuration
    refusal_context = RefusalContext(
        desired=configuration.desired,
        recorded=workspace.store.read().recorded(),
        live=live,
        options=PlanOptions(),
        policy=configuration.policy,
        provider=configuration.provider.settings,
        prices=configuration.prices,
        meter=None,
        sources={},
        place=field_locator(configuration),
        capabilities=configuration.capabilities,
        part=True,
        chosen_by_user=True,
    )
    raise_if_refused(find_refusals(changes, refusal_context).refused)


def check_cancel(workspace: Workspace, operation: Operation) -> None:
    """Raise PlanRefused when an operation may not be cancelled.

    One that is not recorded is judged by the address that its labels name, where it has any.
    """
    resources = workspace.store.read().resources
    addresses = [
        address
        for address, record in resources.items()
        if any(each.id == operation.id for each in record.operations)
    ]
    named = address_in(operation.labels, (*resources, *workspace.configuration.desired.models))
    if not addresses and named is not None:
        addresses = [named]
    changes = [
        Change(address, Action.CANCEL, "cancellation requested", operation_id=operation.id)
        for address in addresses
    ]
    check_command(workspace, changes, Live({}, {}))


class ResendCheck:
    """Judges calls of an earlier run that this run sends: again, or the next of several.

    What an earlier run began was judged then, by what was declared then.
    """

    def __init__(
        self, changes: Sequence[Change], refusal_context: RefusalContext, workspace: Workspace
    ) -> None:
        """`changes`: all that the run carries out."""
        self._others = [c for c in changes if c.action is not Action.RESUME]
        self._refusal_context = refusal_context
        self._workspace = workspace

    def check(self, change: Change, operation: RecordedOperation) -> None:
        """Raise PlanRefused when the call of an operation must not be sent (again)."""
        if change.action is not Action.RESUME:
            return  # it was judged before it was sent
        record = self._refusal_context.recorded.resources.get(change.address)
        retrains = record is not None and record.current is not None
        action = _ACTIONS[operation.step]
        sent = replace(
            change,
            action=Action.RETRAIN if action is Action.TRAIN and retrains else action,
            object_id=operation.object_id,
            operation_id=None,
        )
        self._refusal_context = with_lint(self._refusal_context, [sent], self._workspace)
        changes = [*self._others, sent]
        raise_if_refused(find_refusals(changes, self._refusal_context).refused)
        self._others = changes  # what is sent counts for what is sent after it
