"""Makes and judges the plan of a workspace."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from msgspec.structs import replace

from automl_plan.config.configuration import SECTION_OF, Configuration
from automl_plan.data.sources import SourceReader
from automl_plan.errors import ConfigurationError
from automl_plan.model.address import Address
from automl_plan.model.desired import Desired
from automl_plan.model.homes import homes_of
from automl_plan.model.timestamps import rfc3339
from automl_plan.planning.data_findings import advice_of
from automl_plan.planning.endpoints import with_endpoints
from automl_plan.planning.notes import gate_notes
from automl_plan.planning.options import PlanMode, PlanOptions
from automl_plan.planning.plan import Action, Change, Plan
from automl_plan.planning.planner import make_plan as plan_changes
from automl_plan.planning.refactoring import RefactoringImpossible
from automl_plan.planning.refusals import costs_within, data_notes, find_refusals
from automl_plan.planning.resumption import resumption
from automl_plan.planning.scorecards import Scorecard
from automl_plan.planning.trainable import models_with_ambiguous_split
from automl_plan.planning.unrecorded import without_imported
from automl_plan.workspace.bound_plan import BoundPlan
from automl_plan.workspace.data_checks import with_lint
from automl_plan.workspace.evaluations import scorecards
from automl_plan.workspace.plan_inputs import PlanInputs, gather_inputs_for
from automl_plan.workspace.workspace import Workspace

_CAUSED = frozenset({Action.CREATE, Action.IMPORT_DATA, Action.TRAIN, Action.RETRAIN, Action.GATE})
"""Actions that are shown with the location of the field that caused them."""


def make_plan(
    workspace: Workspace,
    options: PlanOptions,
    *,
    for_review: bool = False,
    resuming: Collection[Address] | None = None,
) -> BoundPlan:
    """Compare the configuration with recorded and live resources.

    `for_review`: add the time, the commit and the quality of versions. `resuming`: only resume the
    open operations of these addresses, or of all when it is empty.
    Raises as `gather_inputs`, UsageError, and ConfigurationError for blocks that can't be carried
    out, and for trainings that the provider can't do on such data.
    """
    inputs = gather_inputs_for(workspace, options)
    return plan_from(inputs, options, for_review=for_review, resuming=resuming)


def plan_from(
    inputs: PlanInputs,
    options: PlanOptions,
    *,
    for_review: bool = False,
    resuming: Collection[Address] | None = None,
) -> BoundPlan:
    """Make the plan of inputs that were gathered before, for the time of their gathering.

    Raises UsageError and ConfigurationError as `make_plan`, SourceError and ProviderError for data
    that can't be read.
    """
    workspace = inputs.workspace
    configuration = workspace.configuration
    try:
        plan = plan_changes(
            inputs.desired,
            inputs.recorded,
            inputs.live,
            options,
            inputs.moment.meter(workspace.provider),
            service_now=inputs.moment.service,
            examples=inputs.examples,
            prices=configuration.prices,
            unrecorded=inputs.unrecorded,
            given=configuration.given_values,
        )
    except RefactoringImpossible as error:
        raise _misplaced(error, configuration) from error
    refusal_context = inputs.refusal_context(options, part=resuming is not None)
    if resuming is not None:
        plan = resumption(plan, resuming)
        plan = replace(plan, costs=costs_within(plan.changes, refusal_context))
    if models := models_with_ambiguous_split(plan.changes, inputs.desired, inputs.sources):
        raise _undecided(models, inputs)
    changes = tuple(_placed(c, inputs.desired, configuration) for c in plan.changes)
    gates = gate_notes(plan.changes, inputs.desired, configuration.capabilities)
    noted = (*plan.notes, *data_notes(plan.changes, refusal_context), *gates)
    plan = replace(plan, changes=changes, notes=noted)
    planned = judge_plan(inputs.bind(plan, options, refusal_context), workspace, inputs.reader)
    limits = configuration.capabilities.limits
    wanted = Desired({}, {}) if options.mode is PlanMode.DESTROY else inputs.desired
    planned = replace(planned, adequacy=advice_of(plan.changes, wanted, inputs.sources, limits))
    return _for_review(planned, inputs) if for_review else planned


def _for_review(planned: BoundPlan, inputs: PlanInputs) -> BoundPlan:
    scores: tuple[Scorecard, ...] = ()
    if inputs.live is not None:
        resources, models = inputs.recorded.resources, inputs.desired.models
        provider = inputs.workspace.provider
        scores = scorecards(planned.plan, models, resources, inputs.live, provider)
    adequacy = planned.adequacy
    if adequacy:
        limits = inputs.workspace.configuration.capabilities.limits
        changes = planned.plan.changes
        adequacy = advice_of(changes, inputs.desired, inputs.sources, limits, scores)
    return replace(
        planned,
        made=rfc3339(inputs.moment.machine),
        commit=inputs.workspace.commit,
        scores=scores,
        adequacy=adequacy,
    )


def judge_plan(
    planned: BoundPlan, workspace: Workspace, reader: SourceReader | None = None
) -> BoundPlan:
    """Add refusals, policy violations and lint findings. `apply` judges the plan again.

    Raises SourceError and ProviderError for data that can't be read.
    """
    refusal_context, changes = planned.refusal_context, planned.plan.changes
    assert refusal_context is not None  # noqa: S101 (plans that are made here have them)
    refusal_context = with_lint(refusal_context, changes, workspace, reader)
    if reader is not None:
        reader.objects.clear()  # some hundred bytes for each image
    found = find_refusals(changes, refusal_context)
    plan = replace(planned.plan, refused=found.refused, violations=found.violations)
    return replace(
        planned,
        plan=plan,
        refusal_context=refusal_context,
        data_findings=refusal_context.data_findings,
    )


def field_location(
    address: Address, field: str, desired: Desired, configuration: Configuration
) -> str | None:
    """Return the file and line of a field, as `models.yaml:12`.

    For a field of what a model is trained on, those of its dataset.
    """
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


def _undecided(models: Sequence[Address], inputs: PlanInputs) -> ConfigurationError:
    configuration, diagnostics = inputs.workspace.configuration, []
    block = str(configuration.capabilities.training_block)
    for address in models:
        dataset = inputs.desired.models[address].dataset
        data = inputs.sources[dataset]
        path = (SECTION_OF[address.kind], address.name, block, "split")
        message = (
            f"{data.assigned_examples:,} of the {data.examples:,} images of {dataset} have a set "
            "(TRAIN, VALIDATION, TEST) in the import files: the provider can't keep those and "
            "draw the others"
        )
        hint = (
            f"give all images a set, or write {block}: {{split: assigned}} to leave out those "
            f"without one, or {block}: {{split: drawn}} to draw all sets again"
        )
        diagnostics.append(configuration.diagnostic(path, "mixed-sets", message, hint))
    return ConfigurationError(diagnostics)


def bind_command_plan(inputs: PlanInputs, plan: Plan) -> BoundPlan:
    """Bind the plan of a command, such as `models promote`, and judge its changes."""
    assert inputs.live is not None  # noqa: S101 (it was asked for)
    recorded = inputs.recorded
    homes = homes_of(recorded.resources, inputs.live.models, recorded.lineage)
    plan = replace(
        plan,
        changes=with_endpoints(
            plan.changes, recorded.resources, homes, inputs.live, recorded.lineage
        ),
        unrecorded=without_imported(inputs.unrecorded, plan.changes),
        endpoints=homes,
    )
    refusal_context = inputs.refusal_context(PlanOptions(), part=True)
    return judge_plan(
        inputs.bind(plan, refusal_context=refusal_context), inputs.workspace, inputs.reader
    )
