"""What a provider can do, as far as it is known before it is opened: plain values, no decisions.

A provider is a folder with a `ProviderDefinition`: the names and labels that its service accepts,
the model types and their budgets, prices, limits of data, the settings below `provider:`. The
configuration, plans and the lint ask these values; nothing outside the folder knows the provider.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

from msgspec import Struct, field

from automl_plan.model.address import ResourceKind
from automl_plan.model.json import Json
from automl_plan.model.lifespan import Lifespan
from automl_plan.model.model_types import ClassificationType, ModelTypes, Problem
from automl_plan.model.requirements import Metric

BUDGET = "train_budget_milli_node_hours"
"""The key of the budget in plans, states and the protocol."""

Settings: TypeAlias = Mapping[str, Json]
"""A provider's block below `provider:`, without what is invalid; it may be empty."""


class Grammar(Struct, frozen=True):
    """Which texts the service accepts."""

    pattern: str
    """A regular expression for the whole text."""
    allowed: str
    """The same in words, to follow "write"."""


class LabelGrammar(Struct, frozen=True):
    """Which labels the service accepts on datasets and models.

    It must accept ownership labels: keys of a to z and -, values of up to 63 of a to z, 0 to 9,
    _ and -.
    """

    key_problem: Callable[[str], str | None]
    """Why a text can't be a key; None when it can."""
    value_problem: Callable[[str], str | None]
    key_hint: str
    """What to write as a key."""
    value_hint: str
    most: int
    """Labels of one object that users may write: without ours."""
    most_hint: str
    reserved: tuple[str, ...] = ()
    """Prefixes of keys that the service itself sets."""


class SourceForm(Struct, frozen=True):
    """Where the import files of a dataset may be."""

    scheme: str = "gs://"
    """Of the storage that the service imports from."""
    pattern: str = r"gs://[^/\s]+/\S(.*\S)?"
    example: str = "gs://BUCKET/OBJECT.csv"
    longest: int = 2_000
    """Characters of such a URI."""
    formats: tuple[str, ...] = (".csv",)
    """How the names of the import files end that the service reads; others become CSVs."""
    reads_local: bool = False
    """Whether the service reads files of this machine."""
    upload_setting: str | None = None
    """The setting of the provider with which local files are uploaded first."""
    upload_hint: str = ""
    """What to write there."""


class RowForms(Struct, frozen=True):
    """What rows of import files may say, by the service's documentation and by what it took."""

    label: Grammar | None = None
    """Labels as the documentation describes them; None: any. Others are taken, with a warning."""
    label_characters: int = 128
    """The longest label that is taken."""
    set_names: frozenset[str] = frozenset()
    """How it spells the sets, besides TRAIN, VALIDATION, VALIDATE, TEST and UNASSIGNED."""
    boxes_without_set: bool = False
    """Whether it is documented that a row of boxes may leave out its set, or be an image alone."""
    set_once: bool = False
    """Whether one row of an image may name its set, and another none."""
    any_vertices: bool = False
    """Whether an upright rectangle is made of any four vertices."""
    other_images: frozenset[str] = frozenset()
    """Extensions of images that only a part of the documentation allows."""
    bare_names: bool = False
    """Whether the name of an image may have no extension."""


class DataLimits(Struct, frozen=True):
    """What a dataset of one problem may and should contain."""

    labels_at_least: int
    labels_at_most: int
    images_at_most: int
    image_extensions: frozenset[str]
    """Of images that are imported, in lower case."""
    forms: RowForms = RowForms()
    boxes_at_most: int = 1_000_000
    boxes_of_an_image: int = 500
    box_edge: float = 0.01
    """The shortest edge of a box, in parts of the image's side."""
    box_pixels: int = 8
    """The shortest edge of a box in pixels."""
    csv_bytes: int = 100_000_000
    """Of one import file."""
    image_bytes: int = 30_000_000
    few: int = 10
    """Examples of a label: fewer can't be trained on."""
    some: int = 100
    """Examples that a label should have."""
    many: int = 1_000
    """Examples of a label that are recommended."""
    balance: int = 100
    """How many times the examples of the least common label the most common one may have."""
    set_shares: Mapping[str, float] = field(
        default_factory=lambda: {"TRAIN": 0.8, "VALIDATION": 0.1, "TEST": 0.1}
    )
    """How the service divides images that have no set, about."""

    @property
    def tiers(self) -> tuple[tuple[int, str], ...]:
        """The numbers of examples, ascending, and the rules that ask for them."""
        return (
            (self.few, "label-under-10"),
            (self.some, "label-under-100"),
            (self.many, "label-under-1000"),
        )


Limits: TypeAlias = Mapping[Problem, DataLimits]


class BudgetUnit(Struct, frozen=True):
    """The unit in which training budgets are declared and shown.

    Plans, states and the protocol have milli node hours: thousandths of an hour of one machine.
    """

    field: str = BUDGET
    """The key in the configuration."""
    name: str = "milli node hours"
    milli_node_hours: int = 1
    """How many are one of this unit."""
    hours: str = "node hours"
    """What 1,000 milli node hours are called."""

    def written(self, milli_node_hours: int) -> int | float:
        """Return a budget in this unit."""
        whole, rest = divmod(milli_node_hours, self.milli_node_hours)
        return milli_node_hours / self.milli_node_hours if rest else whole

    def text(self, milli_node_hours: int) -> str:
        """Return a budget with its unit: `8,000 milli node hours`."""
        return f"{self.written(milli_node_hours):,} {self.name}"


MILLI_NODE_HOURS = BudgetUnit()
"""Google's unit, and that of plans and states."""


class Unavailable(Struct, frozen=True):
    """A model type of other providers that this one does not train."""

    reason: str
    instead: str
    """The type to write."""


class Capabilities(Struct, frozen=True, kw_only=True):
    """What a provider with certain settings can do."""

    # -- what may be declared
    dataset_name: Grammar
    """Display names."""
    model_name: Grammar
    labels: LabelGrammar
    sources: SourceForm
    model_types: ModelTypes
    default_model_types: Mapping[Problem, str]
    """What the service trains when `model_type` is left out."""
    unavailable_types: Mapping[str, Unavailable] = field(default_factory=dict)
    budget_unit: BudgetUnit = MILLI_NODE_HOURS
    training_block: str | None = None
    """The key in a model of training options that this provider alone has."""
    max_description: int = 25_000
    """Characters of a dataset's description."""
    max_nodes: int = 100
    """Of a deployment."""

    # -- how the service behaves
    lifespan: Lifespan | None = None
    """How long a model can be used; None: as long as it exists."""
    limits: Limits
    """Of what a dataset contains."""
    price_list: Path
    """A price book (YAML) of list prices."""
    free: bool = False
    """Whether nothing is billed: prices are those of the service that it rehearses."""
    redeploys: bool = False
    """Whether another number of nodes takes a new deployment."""
    traffic_hint: str = ""
    """How to move the traffic of an endpoint to another model by hand, as a whole sentence."""
    predicts_undeployed: bool = False
    """Whether models predict without a deployment, too."""
    keeps_image_results: bool = False
    """Whether the service keeps what a model scored for each TEST image."""
    prediction_bytes: int = 30_000_000
    """Of an image that is sent to a deployed model."""
    sets_all_or_none: bool = False
    """Whether sets that import files give (TRAIN, …) count only if all images have one."""

    # -- what evaluations report
    metrics: frozenset[Metric] = frozenset(Metric)
    """Those that evaluations are documented or recorded to have, or that follow from others."""
    counted: frozenset[ClassificationType | None] = frozenset((*ClassificationType, None))
    """The kinds of models (None: of boxes) whose evaluations tell how many examples there were: a
    `confidence` is decided by that."""

    trainer: str = ""
    """What trains its models, with how, where that is a choice."""

    # -- which trainings are known to fail
    problems: frozenset[Problem] = frozenset(Problem)
    """What its models can be for."""
    other_problems: str = ""
    """What to write to have models for the other ones trained."""
    evaluates: bool = False
    """Whether a training fails without an image to test the model by."""
    labels_in_train: int = 0
    """Labels of classification below which a training fails: those of the images of TRAIN."""
    first_test: int = 1
    """Of images without a set, the number of the first one that becomes a TEST image."""
    image_pixels: int | None = None
    """Of an image that a training decodes: more fail it; None: no limit is known."""


class SettingProblem(Struct, frozen=True):
    """What is invalid in a block of the configuration that a provider alone has."""

    path: tuple[str, ...]
    """Keys below the block."""
    message: str
    """`{}` stands for the value, quoted."""
    hint: str


class SettingRule(Struct, frozen=True):
    """A named rule on such a block that its schema can't say, or not in words that help."""

    id: str
    meaning: str
    check: Callable[[Settings], Iterable[SettingProblem]]
    """May find keys missing: it sees only values that have the type of the schema."""


def _unchanged(text: str, _kind: ResourceKind | None, _settings: Settings) -> str:
    return text


class ProviderDefinition(Struct, frozen=True, kw_only=True):
    """What a provider registers; using it imports and opens no transport."""

    name: str
    """The key below `provider:`."""
    capabilities: Callable[[Settings], Capabilities]
    opener: str
    """`module:function`, called with the settings, the configuration's directory and the
    environment; returns a Provider. Imported when a provider is opened."""
    settings_schema: Mapping[str, Json] | None = None
    """JSON Schema (draft-07) of the block below `provider:`: an object with
    `additionalProperties`. None: `schemas/config.schema.json` has it under its name."""
    rules: tuple[SettingRule, ...] = ()
    """On that block."""
    setting_hints: Mapping[str, str] = field(default_factory=dict)
    """What to write where a required key of that block is missing."""
    storage: str | None = None
    """`module:function`, called with the environment; returns the ObjectStorage that the service
    imports from, to lint a file without a configuration."""
    training_schema: Mapping[str, Json] | None = None
    """Of the block of this provider's name in a model, if it has training options of its own; None
    as above."""
    training_rules: tuple[SettingRule, ...] = ()
    object_id: Callable[[str, ResourceKind | None, Settings], str] = _unchanged
    """Returns the id in a full name of the service's, and another text as it is. Raises ValueError
    for a name of another place or kind."""
    object_id_hint: str = "`automl-plan models list` shows the ids of models."


Providers: TypeAlias = Mapping[str, ProviderDefinition]
"""All known providers, by name."""


def training_options(block: Mapping[str, Json]) -> dict[str, Json]:
    """Return what a training block says beyond the defaults, which are false."""
    return {key: block[key] for key in sorted(block) if block[key] is not False}
