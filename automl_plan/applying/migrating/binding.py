"""Refuses a configuration whose state belongs to another provider, and tells what to do."""

from __future__ import annotations

from automl_plan.applying.migrating.target import ends_of, section_of
from automl_plan.applying.workspace import Workspace
from automl_plan.errors import StateForeign
from automl_plan.resources.takeover import migrate_command
from automl_plan.state.document import State
from automl_plan.state.migrating import read_migrated


def check_bound(workspace: Workspace, state: State) -> None:
    """Raise StateForeign when the state belongs to another provider than the configuration's.

    After a migration that has not changed the configuration, it tells how to finish it.
    """
    try:
        state.check_provider(workspace.provider.identity)
    except StateForeign as error:
        done = read_migrated(workspace.configuration.state_path, state)
        ends = None if done is None or done.migration is None else ends_of(done.migration)
        if done is None or ends is None or ends[0].name != workspace.configuration.provider.name:
            raise
        raise StateForeign(
            f"{error.message} It was migrated, and the configuration is still to follow.",
            hint=f"`{migrate_command(done.migration)}` writes it, or write this in the place of "
            f"its provider:\n\n{section_of(ends[1])}",
        ) from None
