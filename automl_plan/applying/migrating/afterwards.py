"""Deletes originals once the configuration names the provider that has taken over.

What is kept of the migration tells which copy took over from which original, and how the former
provider is reached.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from automl_plan.applying.migrating.events import MigrationEvent, MigrationStep, Tell
from automl_plan.applying.migrating.originals import (
    delete_originals,
    protected,
    why_not_now,
    why_without_copy,
)
from automl_plan.applying.migrating.preparing import calls_of
from automl_plan.applying.migrating.target import ends_of
from automl_plan.applying.planned import make_plan
from automl_plan.applying.workspace import Workspace
from automl_plan.errors import PlanRefused, PlanStale, StateUnreadable, UsageError
from automl_plan.planning.options import PlanOptions
from automl_plan.providers.protocol import Provider
from automl_plan.providers.registry import open_provider
from automl_plan.resources.address import Address
from automl_plan.resources.live import Live
from automl_plan.state.document import State
from automl_plan.state.migrating import MIGRATED, former_path, keep_migrated, read_migrated


class Original(Struct, frozen=True):
    """What was copied and lives on."""

    address: Address
    id: str
    copy_id: str
    nodes: int | None
    """That it is deployed on; None when it is not deployed."""
    why_kept: str | None
    """Why it is not deleted."""


class Leftover(Struct, frozen=True):
    """What lives on at the former provider, found out by asking both."""

    former: Provider
    live: Live
    """There."""
    originals: tuple[Original, ...]
    state: State

    @property
    def going(self) -> tuple[Original, ...]:
        """What can be deleted."""
        return tuple(each for each in self.originals if each.why_kept is None)


def open_former(workspace: Workspace) -> Provider:
    """The provider that everything was moved from, to be closed.

    Raises UsageError where it is not known, StateUnreadable, ProviderError.
    """
    path = workspace.configuration.state_path
    done = read_migrated(path, workspace.store.read())
    ends = None if done is None or done.migration is None else ends_of(done.migration)
    if ends is None:
        kept = former_path(path).name
        raise UsageError(
            "Which copies took over from which originals is not known any more.",
            where=str(former_path(path)),
            hint="That state records the originals. Put a copy of it into another directory, "
            "beside a configuration that says the former provider and "
            f"`state: {{local: {{path: {kept}}}}}`, and run `automl-plan destroy` there.",
        )
    directory = workspace.configuration.directory
    try:
        return open_provider(ends[0].name, ends[0].settings, directory, workspace.environ)
    except (KeyError, TypeError, ValueError) as error:
        raise StateUnreadable(
            "What is kept of the migration does not tell how the former provider is reached.",
            where=f"{former_path(path).with_name(path.name)}.{MIGRATED}",
        ) from error


def left_over(workspace: Workspace, former: Provider) -> Leftover:
    """Which originals live on, and which of them can go. Reads only.

    Raises PlanRefused while the next plan would make one of them anew, ProviderError.
    """
    state = workspace.store.read()
    done = read_migrated(workspace.configuration.state_path, state)
    there, here = former.live(), workspace.provider.live()
    copies = {} if done is None else _copies(done, there)
    following = make_plan(workspace, PlanOptions()).plan.changes
    why = why_not_now(following, {address for address, _ in copies.values()})
    if why is not None:
        raise PlanRefused(
            f"The originals are not deleted now: {why}.",
            hint="Look at it (automl-plan plan), and apply it first.",
        )
    kept = protected(workspace.configuration.desired, state)
    return Leftover(
        former,
        there,
        tuple(
            Original(
                address,
                original,
                copy_id,
                _nodes(there, original),
                _why_kept(here, copy_id, protected=address in kept),
            )
            for original, (address, copy_id) in sorted(copies.items(), key=lambda c: c[1])
        ),
        state,
    )


def delete_left_over(
    workspace: Workspace, leftover: Leftover, *, lock_timeout: float, tell: Tell
) -> tuple[tuple[Address, str], ...]:
    """Delete what can go; what stays. Raises StateLocked, PlanStale, ProviderError."""
    path = workspace.configuration.state_path
    with workspace.store.open(timeout=lock_timeout, command="migrate") as session:
        state = session.state
        if (state.lineage, state.serial) != (leftover.state.lineage, leftover.state.serial):
            raise PlanStale("The state changed meanwhile.", hint="Run it again.")
        for each in leftover.originals:
            if each.why_kept is not None:
                step = MigrationStep.KEPT
                tell(MigrationEvent(step, each.address, each.id, message=each.why_kept))
        going = {each.id: each.address for each in leftover.going}
        delete_originals(leftover.former, going, leftover.live, (), tell)
        stays = tuple((o.address, o.id) for o in leftover.originals if o.why_kept is not None)
        done = read_migrated(path, state)
        if done is not None:
            keep_migrated(path, done, [original for _, original in stays])
    return stays


def _copies(done: State, there: Live) -> Mapping[str, tuple[Address, str]]:
    """Addresses and copies, by the ids of the originals that live."""
    return {
        original: (address, call.made)
        for original, (address, call) in calls_of(done).items()
        if call.made is not None and (original in there.datasets or original in there.models)
    }


def _nodes(there: Live, original: str) -> int | None:
    model = there.models.get(original)
    return None if model is None or not model.deployed else model.node_count or 1


def _why_kept(here: Live, copy_id: str, *, protected: bool) -> str | None:
    return "lifecycle.prevent_destroy" if protected else why_without_copy(here, copy_id)
