"""Makes the plan of a workspace, with all that is needed to apply it later."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from automl_plan import __version__
from automl_plan.config.configuration import SECTION_OF, Configuration, ProviderSettings
from automl_plan.errors import ConfigurationError
from automl_plan.model.address import Address
from automl_plan.model.contacts import Contact, contact_of
from automl_plan.model.desired import Desired
from automl_plan.model.history import History
from automl_plan.model.homes import homes_of, resolved
from automl_plan.model.live import Live
from automl_plan.model.recorded import Recorded
from automl_plan.model.source_data import SourceData
from automl_plan.planning.adequacy import Advice
from automl_plan.planning.data_findings import DataFindings, advice_of
from automl_plan.planning.drift import acceptable, assume_live
from automl_plan.planning.endpoints import named
from automl_plan.planning.forecast import Forecast, forecasts_of
from automl_plan.planning.ignore_changes import ignores, without_ignored
from automl_plan.planning.options import PlanMode, PlanOptions
from automl_plan.planning.plan import Action, Change, Plan, Unrecorded
from automl_plan.planning.planner import make_plan as plan_changes
from automl_plan.planning.refactoring import RefactoringImpossible, apply_blocks
from automl_plan.planning.refusals import RefusalContext, costs_within, data_notes, find_refusals
from automl_plan.planning.resumption import resumption
from automl_plan.planning.scorecards import Scorecard
from automl_plan.planning.source_changes import Compared
from automl_plan.planning.trainable import models_with_ambiguous_split
from automl_plan.planning.unrecorded import without_imported
from automl_plan.recovery.billing import Moment, rfc3339
from automl_plan.recovery.interrupted_calls import Finding, settle_intents
from automl_plan.workspace.check_refusals import placer
from automl_plan.workspace.data_checks import with_lint
from automl_plan.workspace.evaluations import scorecards
from automl_plan.workspace.read_sources import read_sources
from automl_plan.workspace.unrecorded import find_unrecorded
from automl_plan.workspace.workspace import Workspace, fetch_open_operations

_CAUSED = frozenset({Action.CREATE, Action.IMPORT_DATA, Action.TRAIN, Action.RETRAIN, Action.GATE})
"""Actions whose reader is told where the field that caused them is written."""


class BoundPlan(Struct, frozen=True):
    """A plan, bound to the configuration and the state that it was made of."""

    plan: Plan
    options: PlanOptions
    desired: Desired
    """With the fingerprints of the data."""
    provider: ProviderSettings
    identity: str
    """Of the provider; a state belongs to one."""
    configuration_digest: str
    prices_digest: str
    tool_version: str
    lineage: str
    serial: int
    sources: Mapping[Address, SourceData]
    found: tuple[tuple[Address, Finding], ...] = ()
    """What came of calls that an earlier run was cut off in; not kept in a saved plan."""
    moment: Moment | None = None
    """By which it was made; None in plan files of version 0.1."""
    contacts: tuple[Contact, ...] = ()
    """What carrying it out may run, and whom it may contact, beside the provider's own service."""
    made: str | None = None
    """When, by this machine's clock (RFC 3339); like `commit` and `scores` only of a plan that is
    made to be reviewed."""
    commit: str | None = None
    """The Git commit of the configuration, `-dirty` behind it if files had changed."""
    scores: tuple[Scorecard, ...] = ()
    """How good the versions are that it is about."""
    forecasts: Mapping[str, Forecast | None] = field(default_factory=dict)
    """By the change's key: how long trainings and imports take; None without a history yet."""
    adequacy: Mapping[Address, Advice] = field(default_factory=dict)
    """By dataset: what is to be said of data that is imported or trained on."""
    data_findings: Mapping[Address, DataFindings] = field(default_factory=dict)
    """By dataset: what the lint found in data that is imported."""
    grounds: RefusalContext | None = None
    """What it was judged by; not kept in a saved plan, which is judged again."""

    @property
    def mode(self) -> PlanMode:
        """What the plan is for."""
        return self.options.mode

    @property
    def empty(self) -> bool:
        """Whether applying it would do nothing."""
        refreshes = self.mode is PlanMode.REFRESH_ONLY
        drift_matters = refreshes and acceptable(self.plan.drift) > 0
        return self.plan.empty and not drift_matters


class PlanInputs(Struct, frozen=True):
    """All that a plan is made of."""

    workspace: Workspace
    desired: Desired
    """With the fingerprints of the data."""
    recorded: Recorded
    """With what came of calls that were cut off."""
    live: Live | None
    """None: it was not asked for."""
    sources: Mapping[Address, SourceData]
    moment: Moment
    """When all that was read."""
    found: tuple[tuple[Address, Finding], ...]
    history: History
    unrecorded: tuple[Unrecorded, ...] = ()
    """What bears the labels of this state, and is not in it; what is imported included."""
    compared: Compared = {}
    """What sources hold beside what was imported, where that is known row by row."""
    data_findings: Mapping[Address, DataFindings] = {}
    """What the lint is known to find in data; the rest is looked at when it is judged."""

    @property
    def examples(self) -> dict[Address, int]:
        """How many images the sources of each dataset hold."""
        return {address: data.examples for address, data in self.sources.items()}

    def grounds(self, options: PlanOptions, *, part: bool = False) -> RefusalContext:
        """What changes are judged by; `part`: without what is declared and not changed."""
        configuration = self.workspace.configuration
        live = assume_live(self.recorded) if self.live is None else self.live
        moved = apply_blocks(self.desired, self.recorded, live, self.examples).resources
        return RefusalContext(
            desired=self.desired,
            recorded=replace(self.recorded, resources=moved),
            live=live,
            options=options,
            policy=configuration.policy,
            provider=configuration.provider.settings,
            prices=configuration.prices,
            meter=self.moment.meter(self.workspace.provider),
            sources=self.sources,
            place=placer(configuration),
            unrecorded=self.unrecorded,
            compared=self.compared,
            capabilities=self.workspace.provider.capabilities,
            part=part,
            data_findings=self.data_findings,
        )

    def planned(
        self, plan: Plan, options: PlanOptions | None = None, grounds: RefusalContext | None = None
    ) -> BoundPlan:
        """A plan, bound to what it was made of."""
        configuration = self.workspace.configuration
        return BoundPlan(
            plan=plan,
            options=options or PlanOptions(),
            desired=self.desired,
            provider=configuration.provider,
            identity=self.workspace.provider.identity,
            configuration_digest=configuration.digest,
            prices_digest=configuration.prices.digest,
            tool_version=__version__,
            lineage=self.recorded.lineage,
            serial=self.recorded.serial,
            sources=self.sources,
            found=self.found,
            moment=self.moment,
            contacts=contacts_of(self.workspace),
            grounds=grounds,
            forecasts=forecasts_of(
                plan.changes,
                self.desired,
                self.recorded.resources,
                self.history,
                self.examples,
                self.moment.machine,
            ),
        )


def contacts_of(workspace: Workspace) -> tuple[Contact, ...]:
    """What a run may execute and contact, beside the provider's own service."""
    told = tuple(map(contact_of, workspace.configuration.receivers))
    return (*workspace.provider.contacts, *told)


def bind_command_plan(seen: PlanInputs, plan: Plan) -> BoundPlan:
    """A plan that a command asks for, judged for what it does."""
    assert seen.live is not None  # noqa: S101 (it was asked for)
    recorded = seen.recorded
    homes = homes_of(recorded.resources, seen.live.models, recorded.lineage)
    plan = replace(
        plan,
        changes=named(plan.changes, recorded.resources, homes, seen.live, recorded.lineage),
        unrecorded=without_imported(seen.unrecorded, plan.changes),
        endpoints=homes,
    )
    grounds = seen.grounds(PlanOptions(), part=True)
    return judge_plan(seen.planned(plan, grounds=grounds), seen.workspace)


def gather_inputs(
    workspace: Workspace,
    *,
    refresh: bool = True,
    sources: bool = True,
    anew: Collection[Address] = (),
) -> PlanInputs:
    """Read the configuration, the state, the sources and what lives; `anew` is to be made again.

    Reads only: calls that were cut off are settled in memory, `apply` writes that down.
    Raises StateError, SourceError, ProviderError, UnsettledOperation.
    """
    configuration = workspace.configuration
    state = workspace.store.read()
    provider = workspace.provider
    state.check_provider(provider.identity)
    read, compared = read_sources(workspace, state.resources) if sources else ({}, {})
    desired = _with_data(configuration.desired, read)
    recorded = state.recorded()
    settled, found = settle_intents(recorded.resources, provider, desired=desired)
    recorded = replace(recorded, resources={**recorded.resources, **settled})
    live = None
    if refresh:
        # Operations first: what a training makes must not be missing where it has ended.
        operations = fetch_open_operations(recorded.resources, provider)
        live = replace(provider.live(), operations=operations)
        live = resolved(live, recorded.resources, recorded.lineage)
    unrecorded = () if live is None else find_unrecorded(workspace, desired, state, recorded, live)
    if ignores(desired):
        # As the planner does, with the addresses that resources will have.
        there = assume_live(recorded) if live is None else live
        counts = {address: data.examples for address, data in read.items()}
        moved = apply_blocks(desired, recorded, there, counts).resources
        desired = without_ignored(desired, moved, there, anew)
    return PlanInputs(
        workspace,
        desired,
        recorded,
        live,
        read,
        Moment.at(provider),
        found,
        state.history,
        unrecorded,
        compared,
    )


def make_plan(
    workspace: Workspace,
    options: PlanOptions,
    *,
    for_review: bool = False,
    resuming: Collection[Address] | None = None,
) -> BoundPlan:
    """Compare the configuration with what is recorded and what lives.

    `for_review`: also tell when and at which commit it is made, and how good the versions are.
    `resuming`: only go on with the open operations of these addresses (none: of all).
    Raises as `gather_inputs`, UsageError, and ConfigurationError for blocks that can't be carried
    out, and for trainings that the provider can't do on such data.
    """
    seen = gather_inputs_for(workspace, options)
    return plan_from(seen, options, for_review=for_review, resuming=resuming)


def gather_inputs_for(workspace: Workspace, options: PlanOptions) -> PlanInputs:
    """All that a plan with these options is made of. Raises as `gather_inputs`."""
    destroy = options.mode is PlanMode.DESTROY
    return gather_inputs(
        workspace, refresh=options.refresh, sources=not destroy, anew=options.replaces
    )


def plan_from(
    seen: PlanInputs,
    options: PlanOptions,
    *,
    for_review: bool = False,
    resuming: Collection[Address] | None = None,
) -> BoundPlan:
    """The plan of what was read, at the moment that it tells: `make_plan` but for the reading.

    Raises UsageError and ConfigurationError as that does, SourceError and ProviderError of data
    that can't be read.
    """
    workspace = seen.workspace
    configuration = workspace.configuration
    try:
        plan = plan_changes(
            seen.desired,
            seen.recorded,
            seen.live,
            options,
            seen.moment.meter(workspace.provider),
            service_now=seen.moment.service,
            examples=seen.examples,
            prices=configuration.prices,
            unrecorded=seen.unrecorded,
            given=configuration.given,
        )
    except RefactoringImpossible as error:
        raise _misplaced(error, configuration) from error
    grounds = seen.grounds(options, part=resuming is not None)
    if resuming is not None:
        plan = resumption(plan, resuming)
        plan = replace(plan, costs=costs_within(plan.changes, grounds))
    if models := models_with_ambiguous_split(plan.changes, seen.desired, seen.sources):
        raise _undecided(models, seen)
    changes = tuple(_placed(c, seen.desired, configuration) for c in plan.changes)
    plan = replace(plan, changes=changes, notes=(*plan.notes, *data_notes(plan.changes, grounds)))
    planned = judge_plan(seen.planned(plan, options, grounds), workspace)
    wanted = Desired({}, {}) if options.mode is PlanMode.DESTROY else seen.desired
    planned = replace(planned, adequacy=advice_of(plan.changes, wanted, seen.sources))
    return _for_review(planned, seen) if for_review else planned


def _for_review(planned: BoundPlan, seen: PlanInputs) -> BoundPlan:
    scores: tuple[Scorecard, ...] = ()
    if seen.live is not None:
        resources, models = seen.recorded.resources, seen.desired.models
        provider = seen.workspace.provider
        scores = scorecards(planned.plan, models, resources, seen.live, provider)
    adequacy = planned.adequacy
    if adequacy:
        adequacy = advice_of(planned.plan.changes, seen.desired, seen.sources, scores)
    return replace(
        planned,
        made=rfc3339(seen.moment.machine),
        commit=seen.workspace.commit,
        scores=scores,
        adequacy=adequacy,
    )


def judge_plan(planned: BoundPlan, workspace: Workspace) -> BoundPlan:
    """A plan with all that is to be said against it: `apply` judges again what it is given.

    Raises SourceError and ProviderError of data that can't be read.
    """
    grounds, changes = planned.grounds, planned.plan.changes
    assert grounds is not None  # noqa: S101 (plans that are made here have them)
    grounds = with_lint(grounds, changes, workspace)
    found = find_refusals(changes, grounds)
    plan = replace(planned.plan, refused=found.refused, violations=found.violations)
    return replace(planned, plan=plan, grounds=grounds, data_findings=grounds.data_findings)


def field_location(
    address: Address, field: str, desired: Desired, configuration: Configuration
) -> str | None:
    """The file and line of a field: `models.yaml:12`; for what a model is trained on, of that."""
    model = desired.models.get(address)
    if model is not None and field.startswith("trained_on."):
        address, field = model.dataset, field.removeprefix("trained_on.")
    position = configuration.position(address, "sources" if field == "data" else field)
    return None if position is None else f"{position.file}:{position.line}"


def _placed(change: Change, desired: Desired, configuration: Configuration) -> Change:
    if change.field is None or change.action not in _CAUSED:
        return change
    return replace(
        change, where=field_location(change.address, change.field, desired, configuration)
    )


def _misplaced(error: RefactoringImpossible, configuration: Configuration) -> ConfigurationError:
    return ConfigurationError(
        [
            configuration.diagnostic((p.section, str(p.index)), p.section, p.message, p.hint)
            for p in error.problems
        ]
    )


def _undecided(models: Sequence[Address], seen: PlanInputs) -> ConfigurationError:
    configuration, diagnostics = seen.workspace.configuration, []
    for address in models:
        dataset = seen.desired.models[address].dataset
        data = seen.sources[dataset]
        path = (SECTION_OF[address.kind], address.name, "vertex", "split")
        message = (
            f"{data.assigned_examples:,} of the {data.examples:,} images of {dataset} have a set "
            "(TRAIN, VALIDATION, TEST) in the import files: the provider can't keep those and "
            "draw the others"
        )
        hint = (
            "give all images a set, or write vertex: {split: assigned} to leave out those without "
            "one, or vertex: {split: drawn} to draw all anew"
        )
        diagnostics.append(configuration.diagnostic(path, "mixed-sets", message, hint))
    return ConfigurationError(diagnostics)


def _with_data(desired: Desired, sources: Mapping[Address, SourceData]) -> Desired:
    datasets = {
        address: replace(dataset, data=sources[address].fingerprint)
        if address in sources
        else dataset
        for address, dataset in desired.datasets.items()
    }
    return replace(desired, datasets=datasets)
