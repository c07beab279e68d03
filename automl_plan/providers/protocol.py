"""What every provider can do.

Calls that open a long-running operation return it at once; nothing here waits. Calls that are
not idempotent (`create_dataset`, `import_data`, `train`, `deploy`) are sent once and never
again by the provider itself; the others are retried inside. All raise ProviderError.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from automl_plan.model.address import ResourceKind
from automl_plan.model.capabilities import Capabilities
from automl_plan.model.contacts import Contact
from automl_plan.model.desired import DesiredDataset, DesiredModel
from automl_plan.model.endpoints import Home
from automl_plan.model.evaluation import Evaluation, ImageResult
from automl_plan.model.items import LiveCounts, LiveItem
from automl_plan.model.json import Attributes
from automl_plan.model.live import Live, LiveDataset, LiveModel, Operation
from automl_plan.model.predictions import Prediction
from automl_plan.model.source_data import SourceData
from automl_plan.providers.data_access import DataAccess

Check = Callable[[LiveDataset], None]
"""Looks at a live dataset before it is trained on."""


class Provider(Protocol):
    """A service that holds datasets and models."""

    @property
    def identity(self) -> str:
        """Which service, project and location: `automl:projects/P/locations/L`.

        A state belongs to one identity.
        """

    @property
    def bills_by_clock(self) -> bool:
        """Whether an hour that is billed is an hour of the clock.

        False for all but Google's own hosts: the embedded service takes a second for an hour, or
        what its time scale says.
        """

    @property
    def settle_seconds(self) -> float:
        """Seconds after which an interrupted call can no longer take effect or appear in lists."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can train."""

    @property
    def data_access(self) -> DataAccess:
        """How import data reaches it."""

    @property
    def contacts(self) -> Sequence[Contact]:
        """What settings and the environment make it contact beside its own service."""

    def now(self) -> datetime:
        """Return the time of the service's clock (UTC); of this machine's before any answer."""

    def fence(self, check: Callable[[], None]) -> None:
        """Call `check` directly before each request that changes something, on its thread.

        What it raises stops that request, before the service can act on it.
        """

    def close(self) -> None:
        """Close connections."""

    # -- reading (retried) ---------------------------------------------------------------

    def live(self) -> Live:
        """Everything that exists, by list calls."""

    def live_labels(self) -> Live:
        """Return what `live` does, without what takes lists of endpoints and ended trainings."""

    def datasets(self) -> Sequence[LiveDataset]:
        """All datasets, in the service's order."""

    def models(self) -> Sequence[LiveModel]:
        """All models, in the service's order."""

    def dataset(self, dataset_id: str) -> LiveDataset:
        """One dataset."""

    def model(self, model_id: str) -> LiveModel:
        """One model."""

    def operation(self, operation_id: str) -> Operation:
        """Return the present status of one operation."""

    def operations(
        self, *, done: bool | None = None, works_on: tuple[ResourceKind, str] | None = None
    ) -> Sequence[Operation]:
        """Operations, newest first where the service sorts; filtered by the service."""

    def active_operations(self) -> Sequence[Operation]:
        """Return running operations that one or two list calls find: others may be running too."""

    def recent_operations(self, most: int) -> Sequence[Operation]:
        """Return up to `most` operations that have ended, the newest where the service sorts.

        One or two list calls find them: others may have ended too.
        """

    def find_trainings(self, token: str) -> Sequence[Operation] | None:
        """Return all trainings, ended ones too, that are labelled with an intent's token.

        None when that is unknown: the service keeps no labels on trainings, or the token is no
        valid label value.
        """

    def evaluations(self, model_id: str) -> Sequence[Evaluation]:
        """The evaluations of a model: overall first, then one per label, by label."""

    def image_results(self, model_id: str) -> Sequence[ImageResult]:
        """Return what a model scored for each TEST image.

        Only where `Capabilities.keeps_image_results`; raises Unimplemented elsewhere, and
        FailedPrecondition for a model without them.
        """

    def items(self, dataset_id: str) -> Iterator[LiveItem]:
        """Yield the images of a dataset with their labels and sets, page by page.

        Raises Unimplemented where the service has no list of them; the text says so.
        """

    def label_counts(self, dataset_id: str) -> LiveCounts | None:
        """Return the images of each label, where no list of images tells it; None: unknown."""

    def predict(self, model: LiveModel, image: bytes) -> Sequence[Prediction]:
        """Return what a deployed model predicts for an image, the surest first; billed by node.

        Raises InvalidArgument for what the service takes for no image.
        """

    def predict_undeployed(self, model: LiveModel, image: bytes) -> Sequence[Prediction]:
        """Return the same of a model that need not be deployed, if the service can do that.

        Only where `Capabilities.predicts_undeployed`; raises Unimplemented elsewhere.
        """

    # -- writing -------------------------------------------------------------------------

    def create_dataset(
        self, dataset: DesiredDataset, ownership_labels: Mapping[str, str]
    ) -> Operation:
        """Start to create a dataset without content. Sent once."""

    def import_data(
        self, dataset: DesiredDataset, dataset_id: str, uris: Sequence[str], data: SourceData
    ) -> Operation:
        """Start to import CSVs, which contain `data`, into a live dataset. Sent once.

        `uris` are the dataset's sources, or what was staged of them.
        """

    def train(
        self,
        model: DesiredModel,
        dataset: DesiredDataset,
        dataset_id: str,
        ownership_labels: Mapping[str, str],
        check: Check | None = None,
    ) -> Operation:
        """Start to train a model on a live dataset, and what that declares. Costs money.

        Sent once. `check` looks at the dataset before; when it raises, nothing was sent.
        """

    def update(
        self,
        kind: ResourceKind,
        object_id: str,
        changed: Attributes,
        ownership_labels: Mapping[str, str | None] = ...,
    ) -> str | None:
        """Patch mutable fields: `changed` holds only those, with their desired values.

        Returns when the service says that it was updated (RFC 3339); None where it does not.

        `labels` are the user's; Google's own on the object are kept, and ours but for
        `ownership_labels`, which are set (None: taken away).
        """

    def deploy(
        self,
        model: LiveModel,
        node_count: int,
        home: Home | None = None,
        versions: Collection[str] = (),
    ) -> Operation | None:
        """Take the next step to a model on `node_count` nodes; None when nothing is left to do.

        At the endpoint that is recorded as its `home`, where the service has endpoints; the share
        of the traffic that models of these `versions` get there is its own then.
        Where that takes several calls (`Operation.has_next_step`), it is asked again after each.
        What was done is not done again.
        """

    def undeploy(
        self,
        model_id: str,
        at: Collection[str] | None = None,
        home: Home | None = None,
        versions: Collection[str] = (),
    ) -> Operation | None:
        """Take the next step to a model that is not deployed at these endpoints, as `deploy` does.

        `at` None: at none at all. Traffic is given to other `versions` only. An endpoint of ours
        that is left empty is deleted.
        """

    def delete(
        self, kind: ResourceKind, object_id: str, home: Home | None = None
    ) -> Operation | None:
        """Start to delete an object; None when it is already gone.

        With the last version of a declared model goes its empty `home`, if we made it.
        """

    def cancel(self, operation_id: str) -> None:
        """Ask for an operation's end; best effort, the operation may still succeed."""

    def delete_operation(self, operation_id: str) -> None:
        """Delete the record of an operation that has ended; its result stays."""
