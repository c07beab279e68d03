"""Makes the plan of a workspace, with all that is needed to apply it later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from automl_plan.applying.recovery import Finding, settle
from automl_plan.applying.strays import check_strays
from automl_plan.applying.workspace import Workspace
from automl_plan.config.configuration import ProviderSettings
from automl_plan.planning.options import PlanMode, PlanOptions
from automl_plan.planning.plan import Plan
from automl_plan.planning.planner import make_plan as plan_changes
from automl_plan.resources.address import Address
from automl_plan.resources.desired import Desired
from automl_plan.resources.live import SourceData


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, bound to the configuration and the state that it was made of."""

    plan: Plan
    options: PlanOptions
    desired: Desired
    """With the fingerprints of the data."""
    provider: ProviderSettings
    identity: str
    """Of the provider; a state belongs to one."""
    configuration_digest: str
    lineage: str
    serial: int
    sources: Mapping[Address, SourceData]
    found: tuple[tuple[Address, Finding], ...] = ()
    """What came of calls that an earlier run was cut off in; not kept in a saved plan."""

    @property
    def mode(self) -> PlanMode:
        """What the plan is for."""
        return self.options.mode

    @property
    def empty(self) -> bool:
        """Whether applying it would do nothing."""
        drift_matters = self.mode is PlanMode.REFRESH_ONLY and self.plan.drift
        return self.plan.empty and not drift_matters


def make_plan(workspace: Workspace, options: PlanOptions) -> Planned:
    """Compare the configuration with what is recorded and what lives.

    Reads only: calls that were cut off are settled in memory, `apply` writes that down.
    Raises StateError, SourceError, ProviderError, UsageError, UnsettledOperation.
    """
    configuration = workspace.configuration
    state = workspace.store.read()
    provider = workspace.provider
    state.check_provider(provider.identity)
    sources = (
        {}
        if options.mode is PlanMode.DESTROY
        else {
            address: provider.read_sources(dataset.sources)
            for address, dataset in sorted(configuration.desired.datasets.items())
            if dataset.sources
        }
    )
    desired = _with_data(configuration.desired, sources)
    recorded = state.recorded()
    settled, found = settle(recorded.resources, provider)
    recorded = replace(recorded, resources={**recorded.resources, **settled})
    live = provider.live() if options.refresh else None
    plan = plan_changes(desired, recorded, live, options, datetime.now(UTC))
    if live is not None:
        check_strays(plan, recorded.resources, live, state.lineage)
    return Planned(
        plan=plan,
        options=options,
        desired=desired,
        provider=configuration.provider,
        identity=provider.identity,
        configuration_digest=configuration.digest,
        lineage=state.lineage,
        serial=state.serial,
        sources=sources,
        found=found,
    )


def _with_data(desired: Desired, sources: Mapping[Address, SourceData]) -> Desired:
    datasets = {
        address: replace(dataset, data=sources[address].fingerprint)
        if address in sources
        else dataset
        for address, dataset in desired.datasets.items()
    }
    return replace(desired, datasets=datasets)
