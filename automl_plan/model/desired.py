"""The desired form: what the configuration declares."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

from msgspec import Struct, field

from automl_plan.model.address import Address
from automl_plan.model.json import Attributes, Json
from automl_plan.model.model_types import ClassificationType, Problem
from automl_plan.model.requirements import Requirements


class Move(Struct, frozen=True):
    """`moved`: what is recorded at one address belongs to another one now."""

    source: Address
    target: Address


class RemovalAction(StrEnum):
    """What becomes of the live objects of an address that is not declared any more."""

    FORGET = "forget"
    """They live on, unmanaged."""
    DELETE = "delete"


class Removal(Struct, frozen=True):
    """`removed`: an address that is not declared any more, said so on purpose."""

    address: Address
    action: RemovalAction


class Adoption(Struct, frozen=True):
    """`imports`: a live object that was made elsewhere and is to belong to an address."""

    address: Address
    object_id: str


class Check(StrEnum):
    """How a rule looks at a plan."""

    AT_MOST = "at-most"
    """An amount of the plan's total (US dollars) is at most as high as the rule's value; where
    `grows_from` names another amount, it may be higher as long as it is not above that."""
    NO_ACTION = "no-action"
    """The value maps globs of addresses to actions that may not be planned for them."""
    HAS_KEYS = "has-keys"
    """A mapping of every declared resource has all keys that the value lists."""
    ONE_OF = "one-of"
    """A field (`model.model_type`, `provider.location`) is among those that the value lists."""
    ADEQUATE = "adequate"
    """Where the value is true, data that is imported or trained on is known to be adequate."""


class PolicyRule(Struct, frozen=True):
    """One rule of a team's policy, with its value."""

    key: str
    """In `policy`, and the name of its violations."""
    check: Check
    value: Json
    message: str
    """What a violation says, with `{found}` and the allowed `{value}` filled in."""
    of: str = ""
    """What is looked at."""
    grows_from: str | None = None
    warns: bool = False
    """Whether a violation refuses nothing."""


Policy = tuple[PolicyRule, ...]
"""What nothing is written of forbids nothing."""


DEFAULT_KEEP_VERSIONS = 1


class Lifecycle(Struct, frozen=True):
    """The `lifecycle` of a resource: what a plan must not do to it."""

    prevent_destroy: bool = False
    """Refuse every plan that deletes it."""
    ignore_changes: tuple[str, ...] = ()
    """Dotted paths of fields whose differences are left alone, sorted."""


class OnSourceChange(StrEnum):
    """What a change of a dataset's data means (importing can only ever add)."""

    REPLACE = "replace"
    APPEND = "append"


class DesiredDataset(Struct, frozen=True):
    """A declared dataset."""

    address: Address
    display_name: str
    problem: Problem
    classification_type: ClassificationType | None
    """Set for image classification only."""
    description: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    sources: tuple[str, ...] = ()
    """Import CSVs: `gs://…`, or paths relative to the configuration's directory."""
    on_source_change: OnSourceChange = OnSourceChange.REPLACE
    data: str | None = None
    """The fingerprint of what `sources` hold; None when the data is not managed."""
    lifecycle: Lifecycle = Lifecycle()

    def attributes(self) -> dict[str, Json]:
        """What is compared and shown, in the configuration's own form."""
        kind: dict[str, Json] = {}
        if self.classification_type is not None:
            kind["classification_type"] = str(self.classification_type)
        attributes: dict[str, Json] = {
            "display_name": self.display_name,
            "description": self.description,
            "labels": dict(self.labels),
            str(self.problem): kind,
        }
        if self.data is not None:
            attributes["data"] = self.data
        return attributes


class DesiredModel(Struct, frozen=True):
    """A declared model."""

    address: Address
    display_name: str
    dataset: Address
    problem: Problem
    model_type: str
    train_budget_milli_node_hours: int
    base_model_id: str | None = None
    training_options: Attributes = field(default_factory=dict)
    """What one provider alone trains with, where it is the chosen one."""
    labels: Mapping[str, str] = field(default_factory=dict)
    node_count: int | None = None
    """Nodes to deploy on; None when the model is not to be deployed."""
    redeploys: bool = False
    """Whether another number of nodes takes a new deployment at the provider."""
    sets_all_or_none: bool = False
    """Whether the provider keeps the sets that import files give only if all images have one."""
    require: Requirements | None = None
    """What a new version must reach before it takes the current one's place."""
    keep_versions: int = DEFAULT_KEEP_VERSIONS
    """How many versions that were current once are kept, undeployed."""
    retrain_before_expiry: timedelta | None = None
    """Retrain when the current version expires within this time."""
    retrain_max_age: timedelta | None = None
    """Retrain when the current version is older than this."""
    lifecycle: Lifecycle = Lifecycle()

    def attributes(self, dataset: DesiredDataset) -> dict[str, Json]:
        """What is compared and shown; `dataset` is the one that `self.dataset` names."""
        kind: dict[str, Json] = {
            "model_type": self.model_type,
            "train_budget_milli_node_hours": self.train_budget_milli_node_hours,
        }
        if self.base_model_id is not None:
            kind["base_model_id"] = self.base_model_id
        kind.update(self.training_options)
        attributes: dict[str, Json] = {
            "display_name": self.display_name,
            "labels": dict(self.labels),
            str(self.problem): kind,
            "trained_on": trained_on(dataset.attributes()),
        }
        if self.node_count is not None:
            attributes["deploy"] = {"node_count": self.node_count}
        return attributes


def trained_on(dataset: Attributes) -> dict[str, Json]:
    """What of a dataset's attributes makes a model what it is."""
    keys = (*Problem, "data")
    return {str(key): dataset[key] for key in keys if key in dataset}


class Desired(Struct, frozen=True):
    """All declared resources, by address, and what is said about recorded ones."""

    datasets: Mapping[Address, DesiredDataset]
    models: Mapping[Address, DesiredModel]
    moves: tuple[Move, ...] = ()
    removals: tuple[Removal, ...] = ()
    adoptions: tuple[Adoption, ...] = ()

    def resource(self, address: Address) -> DesiredDataset | DesiredModel | None:
        """Return the declared dataset or model of an address."""
        return self.datasets.get(address) or self.models.get(address)
