"""Gives a migration up that was cut off, so that the state can be worked on again."""

from __future__ import annotations

from automl_plan.applying.migrating.copying import Copier
from automl_plan.applying.migrating.events import Abandoned
from automl_plan.applying.migrating.preparing import Prepared, calls_of, takeover_of
from automl_plan.errors import StateForeign, StateMigrating
from automl_plan.state.migrating import end_migration, open_migration, read_migration


def abandon(prepared: Prepared) -> Abandoned:
    """Give up a migration that has not switched the state; what it has made lives on.

    What nobody can tell of holds nothing up: it is told, with the name to look for. Raises
    StateMigrating when the state is switched already, StateForeign when the migration goes to
    another provider than this one, StateLocked, ProviderError when the service does not answer.
    """
    path = prepared.source.configuration.state_path
    target = prepared.target.provider
    with prepared.source.store.open(command="migrate") as session:
        if session.state.provider == target.identity:
            raise StateMigrating(
                "The state is that of the copies already: there is nothing to give up.",
                hint=f"Run it again, and it does what is left: {prepared.command}",
            )
        found = read_migration(path)
        if found is None:
            return Abandoned((), ())
        if found.provider != target.identity:
            raise StateForeign(
                f"A migration to {found.provider} is under way, and from this configuration "
                f"one goes to {target.identity}.",
                hint="Let the configuration name the provider that it was begun from.",
            )
        with open_migration(path) as side:
            copier = Copier(target, takeover_of(prepared.target), side, lambda _: None)
            unknown = copier.settle_as_told()
            calls = calls_of(side.state).values()
            copies = tuple((a, call.made) for a, call in calls if call.made is not None)
        end_migration(path)
    return Abandoned(copies, tuple(unknown))
