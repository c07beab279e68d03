"""Makes the plan of a workspace, with all that is needed to apply it later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from automl_plan.applying.recovery import Finding, settle
from automl_plan.applying.strays import check_strays
from automl_plan.applying.workspace import Workspace
from automl_plan.config.configuration import Configuration, ProviderSettings
from automl_plan.errors import ConfigurationError
from automl_plan.planning.ignoring import ignores, without_ignored
from automl_plan.planning.options import PlanMode, PlanOptions
from automl_plan.planning.plan import Action, Change, Plan
from automl_plan.planning.planner import make_plan as plan_changes
from automl_plan.planning.refactoring import RefactoringImpossible
from automl_plan.resources.address import Address
from automl_plan.resources.desired import Desired
from automl_plan.resources.live import SourceData

_MAKING = frozenset({Action.CREATE, Action.IMPORT_DATA, Action.TRAIN, Action.RETRAIN, Action.GATE})


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
    examples = {address: data.examples for address, data in sources.items()}
    if ignores(desired):
        desired = without_ignored(desired, recorded.resources, live)
    try:
        plan = plan_changes(
            desired,
            recorded,
            live,
            options,
            datetime.now(UTC),
            service_now=provider.now(),
            examples=examples,
        )
    except RefactoringImpossible as error:
        raise _misplaced(error, configuration) from error
    plan = replace(plan, changes=tuple(_placed(c, desired, configuration) for c in plan.changes))
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


def _placed(change: Change, desired: Desired, configuration: Configuration) -> Change:
    """A change that makes something anew, with the place of the field that caused it."""
    if change.field is None or change.action not in _MAKING:
        return change
    address, field = change.address, change.field
    model = desired.models.get(address)
    if model is not None and field.startswith("trained_on."):
        address, field = model.dataset, field.removeprefix("trained_on.")
    if field == "data":
        field = "sources"
    position = configuration.position(address, field)
    return change if position is None else replace(change, where=f"{position.file}:{position.line}")


def _misplaced(error: RefactoringImpossible, configuration: Configuration) -> ConfigurationError:
    return ConfigurationError(
        [
            configuration.diagnostic((p.section, str(p.index)), p.section, p.message, p.hint)
            for p in error.problems
        ]
    )


def _with_data(desired: Desired, sources: Mapping[Address, SourceData]) -> Desired:
    datasets = {
        address: replace(dataset, data=sources[address].fingerprint)
        if address in sources
        else dataset
        for address, dataset in desired.datasets.items()
    }
    return replace(desired, datasets=datasets)
