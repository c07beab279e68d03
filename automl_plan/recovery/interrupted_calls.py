"""Finds the outcome of interrupted calls: whether a call was received, and what it made.

An intent without an operation's name means that a run ended, or lost the answer, between
writing the intent and reading the answer. The proof is the token, which is a label of the object
that the call makes. Until it is found, or certain not to appear, the intent stays open and nothing
else is sent for it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from automl_plan.errors import InvalidArgument, NotFound, Unimplemented, UnsettledOperation
from automl_plan.model.address import Address, ResourceKind
from automl_plan.model.desired import Desired
from automl_plan.model.live import TOKEN_LABEL, LiveDataset, LiveModel, Operation, OperationKind
from automl_plan.model.ownership_labels import labels_object
from automl_plan.model.recorded import MAKING, RecordedOperation, RecordedResource, Step, known_ids
from automl_plan.model.transitions import after_operation, with_operation, without_operation
from automl_plan.providers.protocol import Provider

CLOCK_SKEW = timedelta(minutes=15)
"""How far the clocks of this machine, of the interrupted one and of the service may differ."""

KINDS = {
    Step.CREATE: OperationKind.CREATE_DATASET,
    Step.TRAIN: OperationKind.CREATE_MODEL,
    Step.IMPORT_DATA: OperationKind.IMPORT_DATA,
    Step.DEPLOY: OperationKind.DEPLOY_MODEL,
    Step.UNDEPLOY: OperationKind.UNDEPLOY_MODEL,
    Step.DELETE: OperationKind.DELETE,
}


class Verdict(StrEnum):
    """What is known of an interrupted call."""

    ARRIVED = "arrived"
    """It was received, and the object that it made exists."""
    NEVER = "never"
    """It was not received, or had no effect, or can be repeated without harm."""
    FOUND = "found"
    """It was received: its operation has the token, and will have the outcome."""
    OPEN = "open"
    """It is not known yet."""


class Finding(Struct, frozen=True):
    """What is known of one intent."""

    intent: RecordedOperation
    verdict: Verdict
    made: str | None = None
    """The id of the object that has the token."""
    candidates: tuple[Operation, ...] = ()
    """Running operations that the call may have started."""
    operation: Operation | None = None
    """The operation of the call, where it was found."""

    @property
    def conclusive(self) -> bool:
        """Whether a received call would have been found; an import, for one, leaves no proof."""
        return self.intent.step in MAKING


def open_intents(resource: RecordedResource) -> tuple[RecordedOperation, ...]:
    """Return the operations of a record whose ids are not known."""
    return tuple(operation for operation in resource.operations if operation.id is None)


def find_outcome(
    address: Address,
    intent: RecordedOperation,
    provider: Provider,
    known: Collection[str],
    waited: float | None = None,
) -> Finding:
    """Find out what is known of an intent now.

    `waited` is the number of seconds for which this run has searched. Without it the intent's own
    time counts; it may be another machine's, so the margin is wide. Raises UnsettledOperation when
    waiting would not help.
    """
    if intent.step is Step.TRAIN:
        labelled = provider.find_trainings(intent.token)
        if labelled is not None:
            return _outcome_by_label(intent, labelled, provider, waited)
    # Operations first, objects second: the other way round, a training that ends in between
    # would be in neither list, and be taken for one that was never received.
    try:
        candidates = _candidates(address, intent, provider, known)
    except (InvalidArgument, Unimplemented):
        candidates = None
    if intent.step not in MAKING:
        return Finding(
            intent, Verdict.OPEN if candidates else Verdict.NEVER, None, candidates or ()
        )
    late = _too_late(intent, provider.settle_seconds, waited)
    objects = provider.datasets() if intent.step is Step.CREATE else provider.models()
    for obj in objects:
        if obj.labels.get(TOKEN_LABEL) == intent.token:
            # It may be listed before its training is done.
            done = _finished(intent, obj.id, provider) or (candidates == () and late)
            return Finding(
                intent, Verdict.ARRIVED if done else Verdict.OPEN, obj.id, candidates or ()
            )
    suspects = [obj.id for obj in objects if obj.id not in known and _may_be(intent, obj)]
    if suspects or candidates is None:
        raise _unsettled(address, intent, suspects, candidates)
    if candidates or not late:
        return Finding(intent, Verdict.OPEN, None, candidates)
    if not labels_object(intent.token):
        raise _unsettled(address, intent, (), ())
    return Finding(intent, Verdict.NEVER)


def settle_intents(
    resources: Mapping[Address, RecordedResource],
    provider: Provider,
    *,
    but: Collection[str] = (),
    followed: Collection[str | None] = (),
    desired: Desired | None = None,
) -> tuple[dict[Address, RecordedResource], tuple[tuple[Address, Finding], ...]]:
    """Settle the intents whose outcome is known; return their records, and all findings.

    Sends no request when nothing is open. Skips intents whose tokens are in `but`. Operations in
    `followed` are followed by a plan, even if they have ended by now. `desired` says whose
    trainings a gate decides on by now, and what must not be undeployed any more.
    """
    settled: dict[Address, RecordedResource] = {}
    findings = []
    known: frozenset[str] | None = None
    for address in sorted(resources):
        for intent in open_intents(resources[address]):
            if intent.token in but:
                continue
            known = known or known_ids(resources)
            finding = find_outcome(address, intent, provider, known)
            if finding.operation is not None and finding.operation.id in followed:
                finding = replace(finding, verdict=Verdict.FOUND)
            findings.append((address, finding))
            record = settled.get(address, resources[address])
            match finding.verdict:
                case Verdict.ARRIVED:
                    gated = intent.gated or _gated(address, intent, desired)
                    ended = replace(intent, gated=gated)
                    settled[address] = after_operation(record, ended, made=finding.made)
                case Verdict.NEVER if not _is_resent(address, intent, record, desired):
                    settled[address] = without_operation(record, intent)
                case Verdict.FOUND if finding.operation is not None:
                    named = replace(intent, id=finding.operation.id)
                    settled[address] = with_operation(record, named)
    return settled, tuple(findings)


def _is_resent(
    address: Address,
    intent: RecordedOperation,
    record: RecordedResource,
    desired: Desired | None,
) -> bool:
    """Whether a call without effect is sent again: an undeployment may be one of several calls.

    The undeployment of a version that must serve by now is not.
    """
    model = None if desired is None else desired.models.get(address)
    current = None if record.current is None else record.current.id
    serves = model is not None and model.node_count is not None and current == intent.object_id
    return intent.step is Step.UNDEPLOY and not serves


def _outcome_by_label(
    intent: RecordedOperation,
    labelled: Sequence[Operation],
    provider: Provider,
    waited: float | None,
) -> Finding:
    """Return the finding at a service that labels its trainings, which proves the outcome.

    The record of a training that has ended can be deleted. The model that it made keeps the label,
    and is listed after the trainings, so that one that ends in between is not missed.
    """
    for training in labelled:
        if training.done and training.error is None and training.result_id is not None:
            return Finding(intent, Verdict.ARRIVED, training.result_id, operation=training)
        return Finding(intent, Verdict.FOUND, operation=training)
    late = _too_late(intent, provider.settle_seconds, waited)
    for model in provider.models():
        if model.labels.get(TOKEN_LABEL) == intent.token:
            done = late or _finished(intent, model.id, provider)
            return Finding(intent, Verdict.ARRIVED if done else Verdict.OPEN, model.id)
    return Finding(intent, Verdict.NEVER if late else Verdict.OPEN)


def _gated(address: Address, intent: RecordedOperation, desired: Desired | None) -> bool:
    """Whether a gate was declared after a training had been started."""
    model = None if desired is None else desired.models.get(address)
    return intent.step is Step.TRAIN and model is not None and model.require is not None


def _candidates(
    address: Address, intent: RecordedOperation, provider: Provider, known: Collection[str]
) -> tuple[Operation, ...]:
    """Return running operations of the intent's kind that are not older, and not known."""
    kind = KINDS[intent.step]
    earliest = datetime.fromisoformat(intent.started) - CLOCK_SKEW
    return tuple(
        operation
        for operation in _running(address, intent, provider)
        if operation.kind is kind
        and operation.id not in known
        and _time_of(operation.create_time) >= earliest
    )


def _running(
    address: Address, intent: RecordedOperation, provider: Provider
) -> Sequence[Operation]:
    target: tuple[ResourceKind, str] | None = None
    if intent.dataset_id is not None:
        target = (ResourceKind.DATASET, intent.dataset_id)
    elif intent.object_id is not None:
        target = (address.kind, intent.object_id)
    if target is not None:
        try:
            return provider.operations(done=False, works_on=target)
        except NotFound:
            return ()
        except (InvalidArgument, Unimplemented):
            pass  # the service can't filter by object: all running operations are considered
    return provider.operations(done=False)


def _finished(intent: RecordedOperation, object_id: str, provider: Provider) -> bool:
    """Whether an object is complete: a dataset at once, a model when it has evaluations."""
    if intent.step is Step.CREATE:
        return True
    try:
        return bool(provider.evaluations(object_id))
    except NotFound:
        return False


def _may_be(intent: RecordedOperation, obj: LiveDataset | LiveModel) -> bool:
    """Whether an object without a token matches the intent, as if its labels had been removed."""
    if TOKEN_LABEL in obj.labels or obj.display_name != intent.attributes.get("display_name"):
        return False
    if isinstance(obj, LiveModel) and obj.dataset_id not in ("", intent.dataset_id):
        return False  # "": the service does not report it
    return _time_of(obj.create_time) >= datetime.fromisoformat(intent.started) - CLOCK_SKEW


def _too_late(intent: RecordedOperation, settle_seconds: float, waited: float | None) -> bool:
    """Whether a request that was sent at that time can no longer take effect."""
    if waited is not None:
        return waited >= settle_seconds
    age = datetime.now(UTC) - datetime.fromisoformat(intent.started)
    return age > timedelta(seconds=settle_seconds) + CLOCK_SKEW


def _unsettled(
    address: Address,
    intent: RecordedOperation,
    suspects: Sequence[str],
    candidates: Sequence[Operation] | None,
) -> UnsettledOperation:
    call = f"{address}: a call ({intent.step}) was interrupted at {intent.started}"
    lines = [f"{call}, and it can't be proved whether the service received it."]
    lines += [f"{s} has its name, is no older, and has no label that proves it" for s in suspects]
    lines += [
        f"the operation {o.id} has been running since {o.create_time}" for o in candidates or ()
    ]
    if candidates is None:
        lines.append("the service does not list its operations")
    if not labels_object(intent.token):
        lines.append("it was started without the label that identifies its result")
    adopted = suspects[0] if suspects else "ID"
    return UnsettledOperation(
        "\n".join(lines),
        where=str(address),
        hint=f"Check the service. If it was received: `automl-plan resolve {address} --adopt "
        f"{adopted}`. If not, `automl-plan resolve {address} --abandon` lets it be sent again.",
    )


def _time_of(text: str | None) -> datetime:
    """Parse a time; an object without one counts as new, so that it is not ruled out."""
    return datetime.max.replace(tzinfo=UTC) if text is None else datetime.fromisoformat(text)
