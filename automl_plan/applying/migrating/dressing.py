"""Makes copies what their originals are: name, labels, description, deployment.

Everything here has no further effect when it is done again, so a run that was cut off begins it
anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

from automl_plan.applying.migrating.events import MigrationEvent, MigrationStep
from automl_plan.applying.migrating.preparing import Prepared, takeover_of
from automl_plan.applying.steps import UNDECIDED
from automl_plan.applying.waiting import wait_for
from automl_plan.errors import OperationFailed, TransportError
from automl_plan.planning.migration import Moving, kind_of_object
from automl_plan.resources.address import Address
from automl_plan.resources.json import Json
from automl_plan.resources.live import TOKEN_LABEL, LiveDataset, LiveModel, user_labels
from automl_plan.resources.marks import MARKS, marks

_REQUESTS = 10
"""At a time."""
_TRIES = 5
"""How often a step of a deployment is asked for whose answer is lost; it is not done again."""
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class Dresser:
    """Brings the copies of one migration to what their originals are."""

    def __init__(
        self,
        prepared: Prepared,
        moving: Sequence[Moving],
        copies: Mapping[str, str],
        tell: Callable[[MigrationEvent], None],
    ) -> None:
        self._state = prepared.state
        self._command = prepared.command
        self._target = prepared.target.provider
        self._takeover = takeover_of(prepared.target)
        self._sources = prepared.sources
        live = prepared.live
        self._originals: dict[str, LiveDataset | LiveModel] = {**live.datasets, **live.models}
        self._moving = moving
        self._copies = copies
        self._tell = tell

    def mark(self) -> None:
        """Give the copies their names and labels. Raises ProviderError."""
        for _ in _each(self._mark, self._moving):
            pass
        self._tell(MigrationEvent(MigrationStep.MARKED, count=len(self._moving)))

    def deploy(self) -> None:
        """Deploy the copies of what is deployed. Raises ProviderError."""
        served: dict[Address, list[Moving]] = {}
        for moving in self._moving:
            if moving.node_count is not None:
                served.setdefault(moving.address, []).append(moving)
        # Versions of one model share an endpoint; the last one deployed gets its traffic.
        groups = [sorted(g, key=lambda m: m.object.status is None) for g in served.values()]
        for group in _each(self._deploy, groups):
            for moving in group:
                copy_id = self._copies[moving.object.id]
                event = MigrationEvent(
                    MigrationStep.DEPLOYED, moving.address, moving.object.id, copy_id
                )
                self._tell(event)

    def _mark(self, moving: Moving) -> None:
        address, original = moving.address, self._originals[moving.object.id]
        changed: dict[str, Json] = {
            "display_name": original.display_name,
            "labels": dict(user_labels(original.labels)),
        }
        if isinstance(original, LiveDataset):
            changed["description"] = original.description
        self._target.update(
            address.kind, self._copies[moving.object.id], changed, self._own_labels(moving)
        )

    def _own_labels(self, moving: Moving) -> dict[str, str | None]:
        """Ours as they should be; what the service has carried over of others goes."""
        address, obj = moving.address, moving.object
        record = self._state.resources[address]
        own = marks(self._state.lineage, address, obj, protected=record.protected)
        found: dict[str, str | None] = {key: own.get(key) for key in MARKS}
        about = kind_of_object(address.kind, obj)
        assert about is not None  # noqa: S101 (what has none stays)
        data = self._sources.get(address)
        if data is not None and data.fingerprint != obj.attributes.get("data"):
            data = None  # its sources have changed since it was imported
        inputs = obj.attributes.get(about[0])
        found |= self._takeover.own_labels(
            address.kind,
            *about,
            inputs=inputs if isinstance(inputs, dict) else None,
            dataset_id=self._copies.get(obj.dataset_id or ""),
            data=data,
        )
        return {**found, TOKEN_LABEL: None}

    def _deploy(self, group: list[Moving]) -> list[Moving]:
        for moving in group:
            assert moving.node_count is not None  # noqa: S101 (only those are in groups)
            while self._next_step(self._copies[moving.object.id], moving.node_count):
                pass
        return group

    def _next_step(self, copy_id: str, node_count: int) -> bool:
        """Take the next step to a deployment; whether another one may follow."""
        for attempt in range(1, _TRIES + 1):
            try:
                begun = self._target.deploy(self._target.model(copy_id), node_count)
                break
            except (TransportError, *UNDECIDED):
                if attempt == _TRIES:
                    raise
        if begun is None:
            return False
        ended = begun if begun.done else wait_for(self._target, begun.id)
        if ended.error is not None:
            raise OperationFailed(
                f"deploy failed: {ended.error.message or 'the service says no more'}",
                where=f"operation {ended.id}",
                hint=f"Mend the cause and run it again: {self._command}",
            )
        return begun.more


def _each(work: Callable[[_Item], _Result], items: Iterable[_Item]) -> Iterator[_Result]:
    """What comes of each item, as it comes, several at a time."""
    pool = ThreadPoolExecutor(_REQUESTS, thread_name_prefix="request")
    try:
        for future in as_completed([pool.submit(work, item) for item in items]):
            yield future.result()
    except Exception:
        pool.shutdown(cancel_futures=True)
        raise
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
