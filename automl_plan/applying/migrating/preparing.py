"""Finds out how a migration stands, and plans it. Reads only."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from automl_plan.applying.migrating.target import differing
from automl_plan.applying.planned import read_sources
from automl_plan.applying.recovery import open_intents
from automl_plan.applying.workspace import Workspace
from automl_plan.errors import PlanRefused, SourceError, UsageError
from automl_plan.planning.costs import Amounts, CostLine, Costs
from automl_plan.planning.drift import assume_live
from automl_plan.planning.migration import Knowledge, MigrationPlan, plan_migration
from automl_plan.planning.policy import Subject, violation_text, violations
from automl_plan.providers.protocol import Takeover
from automl_plan.resources.address import Address, ResourceKind, model_address
from automl_plan.resources.desired import Desired
from automl_plan.resources.json import Json
from automl_plan.resources.live import Live, SourceData
from automl_plan.resources.recorded import RecordedOperation
from automl_plan.resources.takeover import Migratable, migrate_command
from automl_plan.state.document import State
from automl_plan.state.migrating import read_migration

FAILED = "failed"
"""The attribute of a call's record that tells why the service refused it."""


class Prepared(Struct, frozen=True):
    """A migration that can be shown, and carried out."""

    source: Workspace
    target: Workspace
    """The same configuration, with the provider that takes over."""
    state: State
    plan: MigrationPlan | None
    """None: all that is recorded is moved already, or nothing is recorded."""
    live: Live
    """What lives at the provider that everything is moved from."""
    found: Mapping[tuple[ResourceKind, str], Migratable]
    """What can be copied."""
    sources: Mapping[Address, SourceData]
    refreshed: bool
    """Whether what lives was asked for; else it is taken to be as recorded."""
    begun: bool
    """Whether an earlier run has begun it."""
    settings: Mapping[str, str]
    """What has to be written anew in the configuration."""

    @property
    def switched(self) -> bool:
        """Whether the state is that of the copies already."""
        return self.state.provider == self.target.provider.identity

    @property
    def providers(self) -> dict[str, Json]:
        """The settings of both providers, as a migration's state has them."""
        ends = {"from": self.source, "to": self.target}
        settings = {key: end.configuration.provider for key, end in ends.items()}
        return {key: {each.name: dict(each.settings)} for key, each in settings.items()}

    @property
    def command(self) -> str:
        """The command that goes on with it."""
        return migrate_command(self.providers)


def prepare(
    source: Workspace,
    target: Workspace,
    *,
    partial: bool = False,
    delete: bool = False,
    refresh: bool = True,
) -> Prepared:
    """Plan the migration of all that is recorded; `delete`: the originals go in the end.

    `partial` leaves behind what was refused; without `refresh` the former provider is not asked
    what lives there: it may answer no more. Raises PlanRefused for what has to be settled before,
    StateForeign, ProviderError.
    """
    known = stand(source, target, refresh=refresh)
    state, before, after = known.state, source.configuration, target.configuration
    if known.switched or not state.resources:
        return known
    state.check_provider(source.provider.identity)
    _check_settled(state)
    begun = read_migration(before.state_path)
    calls = {} if begun is None else calls_of(begun)
    found = {(each.kind, each.id): each for each in takeover_of(target).search()}
    live = source.provider.live() if refresh else assume_live(state.recorded())
    plan = plan_migration(
        Knowledge(
            resources=state.resources,
            live=live,
            desired=before.desired,
            wanted=after.desired,
            migratable=found,
            copied={i for i, (_, call) in calls.items() if call.made is not None},
            failed={i: why for i, why in _refused(calls).items() if partial},
            prices=before.prices,
            delete=delete,
        )
    )
    _check_policy(target, plan)
    try:
        sources = read_sources(source)
    except SourceError as error:
        sources = {}
        unknown = "whether images have their sets by hand stays unknown at Vertex AI"
        note = f"the sources can't be read, so {unknown}: {error.message.rstrip('.')}"
        plan = replace(plan, notes=(*plan.notes, note))
    return replace(known, plan=plan, live=live, found=found, sources=sources)


def stand(source: Workspace, target: Workspace, *, refresh: bool = True) -> Prepared:
    """How a migration stands, without a plan. Raises UsageError, StateUnreadable."""
    takeover_of(target)
    former = source.configuration
    return Prepared(
        source,
        target,
        source.store.read(),
        plan=None,
        live=Live({}, {}),
        found={},
        sources={},
        refreshed=refresh,
        begun=read_migration(former.state_path) is not None,
        settings=differing(former.provider, target.configuration.provider),
    )


def takeover_of(target: Workspace) -> Takeover:
    """What takes over at the provider. Raises UsageError when it takes nothing over."""
    found = target.provider.takeover
    if found is None:
        raise UsageError(f"{target.provider.identity} takes nothing over from other providers.")
    return found


def calls_of(migration: State) -> dict[str, tuple[Address, RecordedOperation]]:
    """The calls of a migration, by the ids of the originals."""
    return {
        call.object_id: (address, call)
        for address, record in migration.resources.items()
        for call in record.operations
        if call.object_id is not None
    }


def _refused(calls: Mapping[str, tuple[Address, RecordedOperation]]) -> dict[str, str]:
    return {i: str(c.attributes[FAILED]) for i, (_, c) in calls.items() if FAILED in c.attributes}


def _check_settled(state: State) -> None:
    running = [a for a, r in state.resources.items() if r.operations]
    cut_off = [a for a, r in state.resources.items() if open_intents(r)]
    if cut_off:
        raise PlanRefused(
            f"It is not known yet what came of calls that were cut off: {_told(cut_off)}.",
            hint="`automl-plan apply` finds out; `automl-plan resolve` says so where it can't.",
        )
    if running:
        raise PlanRefused(
            f"Operations of {_told(running)} are still open.",
            hint="Wait for them first: automl-plan wait",
        )


def _check_policy(target: Workspace, plan: MigrationPlan) -> None:
    """Hold where it goes, and what is deployed then, against the team's policy."""
    configuration = target.configuration
    # What is recorded then, as the next plan judges it: originals that stay are not in the state.
    after = sum(moving.monthly_usd for moving in plan.moving)
    amounts = Amounts(monthly_before=plan.monthly.before, monthly_after=after)
    line = CostLine(model_address("all"), amounts)
    costs = Costs(configuration.prices.date, (line,))
    subject = Subject(
        configuration.policy, (), Desired({}, {}), costs, configuration.provider.settings
    )
    denied = [violation_text(v) for v in violations(subject) if not v.warns]
    if denied:
        raise PlanRefused("\n".join(denied), hint="Change the policy, or where it goes.")


def _told(addresses: list[Address]) -> str:
    return ", ".join(map(str, sorted(addresses)))
