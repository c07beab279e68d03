"""Carries a migration out: copies, marks, deploys, switches the state, then the configuration.

Whatever cuts it off, the next run finds on disk and at the service what was done, and goes on.
Until the state is switched nothing but copies is made; the originals serve all the while. They
are deleted, where that is asked for, before the configuration is changed: until then it says how
they are reached.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from automl_plan.applying.migrating.configuring import configure
from automl_plan.applying.migrating.copying import Copier, Wanted
from automl_plan.applying.migrating.dressing import Dresser
from automl_plan.applying.migrating.events import (
    MigrationEvent,
    MigrationResult,
    MigrationStep,
    Tell,
)
from automl_plan.applying.migrating.originals import (
    delete_originals,
    protected,
    why_not_now,
    why_without_copy,
)
from automl_plan.applying.migrating.preparing import Prepared, calls_of, takeover_of
from automl_plan.applying.migrating.switching import switched
from automl_plan.applying.moments import now
from automl_plan.applying.planned import make_plan
from automl_plan.applying.workspace import Workspace
from automl_plan.errors import (
    ApplyFailed,
    AutomlPlanError,
    Interrupted,
    PlanStale,
    StateForeign,
)
from automl_plan.planning.options import PlanOptions
from automl_plan.planning.plan import Change
from automl_plan.resources.address import Address, ResourceKind
from automl_plan.state.document import State
from automl_plan.state.migrating import (
    begin_migration,
    end_migration,
    former_path,
    keep_former,
    keep_migrated,
    open_migration,
    read_migrated,
    read_migration,
)
from automl_plan.state.store import StateSession


def migrate(
    prepared: Prepared,
    *,
    delete: bool = False,
    write: bool = True,
    lock_timeout: float = 0.0,
    tell: Tell,
) -> MigrationResult:
    """Do what is left of a migration.

    `delete` deletes the originals in the end, `write` False leaves the configuration as it is.
    Raises StateLocked and PlanStale before anything is sent, ApplyFailed when the service refuses
    to copy something, UnsettledOperation, ProviderError, StateUnwritable, Interrupted.
    """
    path = prepared.source.configuration.state_path
    try:
        with prepared.source.store.open(timeout=lock_timeout, command="migrate") as session:
            _check_fresh(prepared, session.state)
            kept = None
            if session.state.lineage and not prepared.switched:
                kept = _switch(prepared, session, tell)
            return _finish(prepared, session.state, kept, delete=delete, write=write, tell=tell)
    except KeyboardInterrupt:
        begun = read_migration(path) is not None
        raise Interrupted(
            "Interrupted; what was done is recorded." if begun else "Interrupted.",
            hint=f"Run it again, and it goes on where it ended: {prepared.command}"
            if begun
            else None,
        ) from None


def _check_fresh(prepared: Prepared, state: State) -> None:
    known = prepared.state
    if (known.lineage, known.serial, known.provider) != (
        state.lineage,
        state.serial,
        state.provider,
    ):
        raise PlanStale("The state changed after the migration was planned.", hint="Run it again.")


def _switch(prepared: Prepared, session: StateSession, tell: Tell) -> str:
    """Make the copies, and put their state in the place of the former one; where that is kept."""
    state, target = session.state, prepared.target.provider
    path = prepared.source.configuration.state_path
    moving = () if prepared.plan is None else prepared.plan.moving
    begin_migration(path, state, target.identity, prepared.providers)
    with open_migration(path) as side:
        copier = Copier(target, takeover_of(prepared.target), side, tell)
        copier.settle()
        for kind in ResourceKind:  # datasets first: copies of models name those of theirs
            wanted = [
                Wanted(m.address, prepared.found[kind, m.object.id])
                for m in moving
                if m.address.kind is kind and (kind, m.object.id) in prepared.found
            ]
            copier.copy(wanted)
        copies = copier.copies
        refused = [each for each in copier.refused if each[1] in {m.object.id for m in moving}]
        if refused:
            raise _refused(refused, prepared.command)
        dresser = Dresser(prepared, moving, copies, tell)
        dresser.mark()
        dresser.deploy()
    kept = _shown(keep_former(path), prepared)
    session.switch(switched(state, moving, copies, target.identity, now()))
    tell(MigrationEvent(MigrationStep.SWITCHED, message=kept))
    return kept


def _shown(path: Path, prepared: Prepared) -> str:
    """A path as the reader knows it: below the configuration's directory, where it lies there."""
    directory = prepared.source.configuration.directory.resolve()
    return str(path.relative_to(directory) if path.is_relative_to(directory) else path)


def _finish(
    prepared: Prepared, state: State, kept: str | None, *, delete: bool, write: bool, tell: Tell
) -> MigrationResult:
    """What follows once the state is switched."""
    path = prepared.source.configuration.state_path
    done = read_migration(path) or read_migrated(path, state)
    originals = {} if done is None else _originals(done)
    live = prepared.source.provider.live() if originals and prepared.refreshed else None
    if live is not None:
        originals = {i: a for i, a in originals.items() if i in live.datasets or i in live.models}
    following = _next_plan(prepared)
    if delete and live is not None:
        why = why_not_now(following, {*originals.values()})
        if why is not None:
            for original, address in originals.items():
                tell(MigrationEvent(MigrationStep.KEPT, address, original, message=why))
        else:
            kept_here = protected(prepared.source.configuration.desired, state)
            source = prepared.source.provider
            bereft = {} if done is None else _bereft(prepared, done, originals, tell)
            going = {i: a for i, a in originals.items() if i not in bereft}
            originals = {**bereft, **delete_originals(source, going, live, kept_here, tell)}
    why_not = configure(prepared) if write else None
    configured = write and why_not is None
    if configured:
        tell(MigrationEvent(MigrationStep.CONFIGURED))
    if done is not None:
        keep_migrated(path, done, originals)
        end_migration(path)
    return MigrationResult(
        kept,
        configured,
        why_not,
        tuple(sorted((address, original) for original, address in originals.items())),
        None if following is None else tuple(f"{c.address} {c.action}" for c in following),
    )


def _bereft(
    prepared: Prepared, done: State, originals: Mapping[str, Address], tell: Tell
) -> dict[str, Address]:
    """The originals whose copies don't live any more."""
    here, calls = prepared.target.provider.live(), calls_of(done)
    found: dict[str, Address] = {}
    for original, address in originals.items():
        why = why_without_copy(here, calls[original][1].made)
        if why is not None:
            found[original] = address
            tell(MigrationEvent(MigrationStep.KEPT, address, original, message=why))
    return found


def _next_plan(prepared: Prepared) -> Sequence[Change] | None:
    """What the next plan does, by the provider that has taken over; None when it can't be made."""
    try:
        with prepared.source.migrating(prepared.target.configuration.provider) as after:
            return make_plan(after, PlanOptions()).plan.changes
    except AutomlPlanError:
        return None


def finish_at_target(workspace: Workspace) -> tuple[tuple[Address, str], ...] | None:
    """End what is left where the configuration names the new provider already; what stayed.

    None when that is not known. Raises StateForeign when the state is not that of the copies.
    """
    path = workspace.configuration.state_path
    state, done = workspace.store.read(), read_migration(path)
    if state.provider not in (None, workspace.provider.identity):
        raise StateForeign(
            f"The state belongs to {state.provider}, and the configuration says "
            f"{workspace.provider.identity} already.",
            hint="Let the configuration say the former provider; migrate then changes both.",
        )
    if done is not None:
        with workspace.migrating() as opened, opened.store.open(command="migrate"):
            keep_migrated(path, done, _originals(done))
            end_migration(path)
    else:
        done = read_migrated(path, state)
    if done is None:
        return None if former_path(path).exists() else ()
    return tuple(sorted((address, original) for original, address in _originals(done).items()))


def _originals(migration: State) -> dict[str, Address]:
    """The addresses of all that was copied, by the ids of the originals."""
    calls = calls_of(migration).items()
    return {original: address for original, (address, call) in calls if call.made is not None}


def _refused(refused: list[tuple[Address, str, str]], command: str) -> ApplyFailed:
    lines = [f"{address} {original}: {why}" for address, original, why in refused]
    return ApplyFailed(
        "\n".join(["The service refused to copy these; the state is as it was:", *lines]),
        hint=f"Mend the cause and run it again: {command}; --partial leaves them out.",
    )
