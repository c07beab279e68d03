"""A plan with what it was made from: what `apply` and plan files need."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from automl_plan.config.configuration import ProviderSettings
from automl_plan.model.address import Address
from automl_plan.model.contacts import Contact
from automl_plan.model.desired import Desired
from automl_plan.model.source_data import SourceData
from automl_plan.planning.adequacy import Advice
from automl_plan.planning.data_findings import DataFindings
from automl_plan.planning.drift import acceptable
from automl_plan.planning.forecast import Forecast
from automl_plan.planning.options import PlanMode, PlanOptions
from automl_plan.planning.plan import Plan
from automl_plan.planning.refusals import RefusalContext
from automl_plan.planning.scorecards import Scorecard
from automl_plan.recovery.interrupted_calls import Finding
from automl_plan.workspace.billing import Moment


class BoundPlan(Struct, frozen=True):
    """A plan, bound to the configuration and the state that it was made of."""

    plan: Plan
    options: PlanOptions
    desired: Desired
    """With the fingerprints of the data."""
    provider: ProviderSettings
    identity: str
    """The identity of the provider; a state belongs to one."""
    configuration_digest: str
    prices_digest: str
    tool_version: str
    lineage: str
    serial: int
    sources: Mapping[Address, SourceData]
    found: tuple[tuple[Address, Finding], ...] = ()
    """Outcomes of calls that were interrupted in an earlier run; not kept in a saved plan."""
    moment: Moment | None = None
    """The time for which it was made; None in plan files of version 0.1."""
    contacts: tuple[Contact, ...] = ()
    """Commands that applying it may run, and hosts that it may contact, besides the provider's."""
    made: str | None = None
    """When it was made, by this machine's clock (RFC 3339). Like `commit` and `scores`, only in a
    plan that is made to be reviewed."""
    commit: str | None = None
    """The Git commit of the configuration, followed by `-dirty` if files had changed."""
    scores: tuple[Scorecard, ...] = ()
    """The quality of the versions that it is about."""
    forecasts: Mapping[str, Forecast | None] = field(default_factory=dict)
    """The duration of trainings and imports, by the key of the change; None without a history."""
    adequacy: Mapping[Address, Advice] = field(default_factory=dict)
    """Advice on the data that is imported or trained on, by dataset."""
    data_findings: Mapping[Address, DataFindings] = field(default_factory=dict)
    """Findings of the linter in data that is imported, by dataset."""
    refusal_context: RefusalContext | None = None
    """What its refusals were derived from; not kept in a saved plan, which is judged again."""

    @property
    def mode(self) -> PlanMode:
        """The purpose of the plan."""
        return self.options.mode

    @property
    def empty(self) -> bool:
        """Whether applying it would do nothing."""
        refreshes = self.mode is PlanMode.REFRESH_ONLY
        drift_matters = refreshes and acceptable(self.plan.drift) > 0
        return self.plan.empty and not drift_matters
