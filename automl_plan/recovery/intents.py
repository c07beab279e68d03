"""Intents: what is recorded of a change before its call is sent."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping

from msgspec.structs import replace

from automl_plan.errors import PlanStale
from automl_plan.model.address import Address, ResourceKind
from automl_plan.model.desired import Desired, DesiredDataset, DesiredModel
from automl_plan.model.fields import Mutability
from automl_plan.model.json import Json
from automl_plan.model.ownership_labels import new_token
from automl_plan.model.recorded import (
    RecordedOperation,
    RecordedResource,
    Step,
    digest_of_values,
)
from automl_plan.model.source_data import SourceData
from automl_plan.model.timestamps import utc_now
from automl_plan.planning.compare import differences, of
from automl_plan.planning.plan import Action, Change
from automl_plan.planning.versions import Inputs
from automl_plan.state.store import StateSession

STEPS = {
    Action.CREATE: Step.CREATE,
    Action.IMPORT_DATA: Step.IMPORT_DATA,
    Action.TRAIN: Step.TRAIN,
    Action.RETRAIN: Step.TRAIN,
    Action.DEPLOY: Step.DEPLOY,
    Action.UNDEPLOY: Step.UNDEPLOY,
    Action.DELETE: Step.DELETE,
}


class Intents:
    """Makes the intents of one run."""

    def __init__(
        self,
        session: StateSession,
        desired: Desired,
        sources: Mapping[Address, SourceData],
        commit: Callable[[], str | None],
        given: Mapping[str, Json],
    ) -> None:
        """`given`: the values that variables have from outside the configuration."""
        self._session = session
        self._desired = desired
        self._sources = sources
        self._commit = commit
        self._given = given

    def intent_for(self, change: Change) -> RecordedOperation:
        """Return the intent of a change. Raises PlanStale."""
        address, step = change.address, STEPS[change.action]
        token, given = self._token(address), self._given
        intent = RecordedOperation(
            step,
            token=token,
            started=utc_now(),
            variables=tuple(sorted(given)),
            values=digest_of_values(token, given, given) if given else None,
        )
        match step:
            case Step.CREATE:
                dataset = self._desired.datasets[address]
                return replace(
                    intent,
                    attributes=_created(dataset),
                    protected=dataset.lifecycle.prevent_destroy,
                )
            case Step.TRAIN:
                model = self._desired.models[address]
                return replace(
                    intent,
                    version=self._record_of(address).versions + 1,
                    commit=self._commit(),
                    gated=model.require is not None,
                    protected=model.lifecycle.prevent_destroy,
                    attributes=_trained(model, self._desired.datasets[model.dataset]),
                    dataset_id=self._current_id(model.dataset),
                    labelled_examples=self._to_be_trained_on(model),
                )
            case Step.IMPORT_DATA:
                data = self._sources[address]
                return replace(
                    intent,
                    object_id=change.object_id or self._current_id(address),
                    attributes={"data": data.fingerprint},
                    examples=data.examples,
                    labelled_examples=data.labelled_examples,
                )
            case Step.DEPLOY:
                return replace(
                    intent,
                    object_id=change.object_id or self._current_id(address),
                    attributes={"deploy": (change.after or {})["deploy"]},
                )
            case Step.UNDEPLOY | Step.DELETE:
                return replace(
                    intent,
                    object_id=change.object_id or self._current_id(address),
                    endpoints=change.endpoints,
                )

    def renewed(self, address: Address, operation: RecordedOperation) -> RecordedOperation:
        """Return a new intent for a call that was never received.

        A training uses the dataset that is current by now: `still_wanted` says that it contains
        the same data.
        """
        intent = replace(operation, token=self._token(address), started=utc_now())
        declared = self._desired.resource(address)
        if operation.protected is not None and declared is not None:
            intent = replace(intent, protected=declared.lifecycle.prevent_destroy)
        if operation.step is Step.CREATE:
            intent = replace(intent, attributes=_created(self._desired.datasets[address]))
        if operation.step is Step.TRAIN:
            model = self._desired.models[address]
            attributes = _trained(model, self._desired.datasets[model.dataset])
            dataset_id = self._current_id(model.dataset)
            intent = replace(
                intent,
                attributes=attributes,
                dataset_id=dataset_id,
                labelled_examples=self._to_be_trained_on(model),
            )
        return intent

    def still_wanted(self, address: Address, operation: RecordedOperation) -> bool:
        """Whether the configuration still declares what an intent was written for.

        Fields that can be updated in place do not count: the call is sent with their new values.
        """
        match operation.step:
            case Step.CREATE:
                dataset = self._desired.datasets.get(address)
                return dataset is not None and not of(
                    ResourceKind.DATASET,
                    differences(operation.attributes, _created(dataset)),
                    Mutability.IMMUTABLE,
                )
            case Step.IMPORT_DATA:
                dataset = self._desired.datasets.get(address)
                return dataset is not None and dataset.data == operation.attributes.get("data")
            case Step.TRAIN:
                model = self._desired.models.get(address)
                if model is None:
                    return False
                dataset = self._desired.datasets[model.dataset]
                current = self._record_of(model.dataset).current
                ignored = "dataset" in model.lifecycle.ignore_changes
                inputs = Inputs(_trained(model, dataset), None, ignored)
                if current is None or inputs.differing(operation.attributes):
                    return False
                # Without sources it is unknown whether another dataset contains the same data.
                return dataset.data is not None or current.id == operation.dataset_id
            case Step.DEPLOY:
                model = self._desired.models.get(address)
                declared = None if model is None else model.node_count
                return {"deploy": {"node_count": declared}} == operation.attributes
            case Step.UNDEPLOY | Step.DELETE:
                return True

    def declares(self, address: Address) -> bool:
        """Whether a resource is declared."""
        return self._desired.resource(address) is not None

    def _to_be_trained_on(self, model: DesiredModel) -> int | None:
        """Return how many labelled images a training should use; None where that is not known."""
        held = self._record_of(model.dataset).current
        if held is None or held.partial is not None:
            return None
        if model.training_options.get("split") == "assigned":
            data = self._sources.get(model.dataset)
            if data is None or data.assigned_examples < data.examples:
                return None  # images without a set are left out
        return held.labelled_examples

    def _token(self, address: Address) -> str:
        return new_token(self._session.state.lineage, address, secrets.token_hex(16))

    def _record_of(self, address: Address) -> RecordedResource:
        return self._session.state.resources.get(address) or RecordedResource(address)

    def _current_id(self, address: Address) -> str:
        current = self._record_of(address).current
        if current is None:
            raise PlanStale(
                f"{address} should exist by now, but is not recorded.", hint="Plan again."
            )
        return current.id


def _created(dataset: DesiredDataset) -> dict[str, Json]:
    """Return the attributes of a dataset that is created and empty."""
    return {k: v for k, v in dataset.attributes().items() if k != "data"}


def _trained(model: DesiredModel, dataset: DesiredDataset) -> dict[str, Json]:
    """Return the attributes of a model that is trained and not deployed."""
    return {k: v for k, v in model.attributes(dataset).items() if k != "deploy"}
