"""The Plan: one list of typed changes that is shown, saved and carried out.

Each change is one call to the provider on one object, with the changes that must be done
before it. Nothing else is needed to carry it out.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from automl_plan.resources.address import Address
from automl_plan.resources.json import Attributes, Json


class Action(StrEnum):
    """What a change does."""

    CREATE = "create"
    """Create a dataset."""
    IMPORT_DATA = "import-data"
    """Load a dataset's sources into it."""
    TRAIN = "train"
    """Train the first model of an address."""
    RETRAIN = "retrain"
    """Train a new model that takes the place of the current one."""
    UPDATE = "update"
    """Patch mutable fields."""
    DEPLOY = "deploy"
    """Deploy a model, or change the number of its nodes."""
    UNDEPLOY = "undeploy"
    """Undeploy a model."""
    DELETE = "delete"
    """Delete an object."""
    CANCEL = "cancel"
    """Cancel a running operation that is not wanted any more."""
    RESUME = "resume"
    """Wait for an operation that an earlier run started, and record its result."""
    FORGET = "forget"
    """Drop a record whose object is gone."""
    NO_OP = "no-op"
    """Nothing to do."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One attribute that differs, by its dotted path."""

    path: str
    before: Json
    after: Json


@dataclass(frozen=True, slots=True)
class Change:
    """One step of a plan."""

    address: Address
    action: Action
    reason: str
    """In plain words, for the reader."""
    field: str | None = None
    """The dotted path of the field that caused it."""
    object_id: str | None = None
    """The live object acted upon; None: the current one, made earlier in this plan or before."""
    operation_id: str | None = None
    """For `resume` and `cancel`."""
    differences: tuple[Difference, ...] = ()
    after: Attributes | None = None
    """The attributes that the address will have; None when nothing will be left."""
    needs: tuple[str, ...] = ()
    """Keys of the changes that must be done before."""

    @property
    def key(self) -> str:
        """Unique in a plan and stable: `model.digits retrain` or `model.digits delete ICN1`."""
        subject = self.operation_id or self.object_id
        return " ".join(filter(None, (str(self.address), self.action, subject)))


@dataclass(frozen=True, slots=True)
class Drift:
    """What changed at the provider behind our back."""

    address: Address
    object_id: str
    gone: bool
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """All changes, in an order in which they could be carried out one after the other."""

    changes: tuple[Change, ...]
    drift: tuple[Drift, ...] = ()
    unchanged: tuple[Address, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.changes
