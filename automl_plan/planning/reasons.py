"""Why a change is planned: one short clause each. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from automl_plan.model.address import Address
from automl_plan.model.live import OperationError
from automl_plan.planning import commands
from automl_plan.planning.compare import names
from automl_plan.planning.plan import Difference

_MOST_ROWS = 20
"""Refused rows of an import that the service lists (proto: OperationMetadata.partial_failures)."""
DOES_NOT_EXIST = "does not exist yet"
NOT_YET_TRAINED = "no model has been trained yet"
NOT_YET_IMPORTED = "sources have not been imported yet"
APPENDED = "sources changed (on_source_change: append)"
STILL_PARTIAL = (
    "rows of the last import were refused, and which of the others arrived is unknown: requires a "
    "new dataset"
)
GONE = "deleted outside automl-plan"
REPLACE_REQUESTED = "replacement requested"
NOT_DECLARED = "no longer in the configuration"
DESTROY = "destroy requested"
REPLACED = "replaced by a new one"
STILL_RUNNING = "started by an earlier run; still running"
INTERRUPTED = "interrupted while being sent; its outcome is checked first"
NOT_WANTED = "still running, but no longer in the configuration"
OUTDATED = "still running, with inputs that differ from the configuration"
DATASET_REPLACED = "its dataset is replaced, and the content may differ"
NONE_PASSED = "no version is current, and none was trained on the declared inputs"
UNDECIDED = "trained; its gate has not decided yet"
REQUIRE_CHANGED = "rejected by its gate, whose requirements have changed since"
UNDECIDED_CHANGED = "its gate could not decide; its requirements have changed since"
REPORTED_SINCE = (
    "its gate could not decide; the service now reports what its requirements need: the gate "
    "decides again"
)
JUDGED_AGAIN = (
    "rejected for numbers that the service did not report, which now count as unknown: the gate "
    "decides again"
)
REQUIRE_GONE = "trained on the declared inputs; no gate is declared any more"
NOT_CURRENT = "trained on the declared inputs, but not current yet"
REUSED = "already trained on the declared inputs: no training needed"
GATED = "the new version must meet its requirements to become current"
KEPT = "kept (undeployed) for rollback"
OUTDATED_LABELS = "ownership labels are out of date"
MOVED = "recorded under a new address"
ADOPTED = "exists at the provider; will be managed from now on"
FORGOTTEN = "will no longer be managed; the live object is kept"
DEPLOY_DECLARED = "deploy is declared"
DEPLOY_NEW = "the new version will be deployed"
DEPLOY_REMOVED = "deploy is no longer declared"
NODES_CHANGED = "deploy.node_count changed"
REDEPLOYED = (
    "deploy.node_count changed: requires a new deployment, which takes over before the current one "
    "ends"
)
NO_TRAFFIC = "deployed, but does not receive all requests at its endpoint"
DEPLOYED_OUTSIDE = "deployed, but deploy is not declared"


def not_kept(keep: int) -> str:
    """Why a former or rejected version is deleted."""
    return f"exceeds keep_versions: {keep}"


def endpoint_made_again(endpoint: str) -> str:
    """State that a deleted endpoint of ours is created again."""
    return (
        f"its endpoint {endpoint} was deleted outside automl-plan and is created again with the "
        "same id"
    )


def endpoint_replaced(endpoint: str) -> str:
    """State that a deleted endpoint that was adopted is replaced: its id can't be chosen."""
    return f"its endpoint {endpoint} was deleted outside automl-plan: {_new_endpoint(endpoint)}"


def endpoint_taken(endpoint: str) -> str:
    """State that an endpoint that now belongs to another address is replaced."""
    return f"its endpoint {endpoint} now serves another model: {_new_endpoint(endpoint)}"


def shares_traffic(endpoint: str, share: int) -> str:
    """Return the share of requests that a deployment gets beside models of others."""
    return (
        f"receives {share}% of the requests at the endpoint {endpoint}, because the traffic of "
        "other models there is left unchanged"
    )


def _new_endpoint(endpoint: str) -> str:
    return f"a new one is created; clients of {endpoint} must be updated"


def ended(error: OperationError | None) -> str:
    """Return how an operation ended whose end is not recorded yet."""
    if error is None:
        return "finished at the service; not recorded yet"
    how = "was cancelled" if error.cancelled else "failed"
    return f"{how} at the service; not recorded yet"


def imported_again(rows: Sequence[str]) -> str:
    """Why imported data is imported again."""
    return f"the last import was partial: the service refused {refused_rows(rows)}"


def refused_rows(rows: Sequence[str]) -> str:
    """Return the number of rows that an import left out, and what the service said of the first."""
    count = len(rows)
    many = (
        f"at least {count} rows"
        if count >= _MOST_ROWS
        else f"{count} row{'s' if count != 1 else ''}"
    )
    return f"{many} (the first: {rows[0]})"


def dataset_replaced(found: Sequence[Difference]) -> str:
    """Why a dataset is replaced."""
    if [d.path for d in found] == ["data"]:
        return "sources changed, and imported images can't be removed: requires a new dataset"
    return f"{names(found)} can't change in place: requires a new dataset"


def retrained(found: Sequence[Difference]) -> str:
    """Why a model is retrained: every cause."""
    own = [d for d in found if not d.path.startswith("trained_on.")]
    trained_on = {d.path for d in found if d.path.startswith("trained_on.")}
    causes = [updated(own)] if own else []
    if trained_on:
        changed = "data" if trained_on == {"trained_on.data"} else "dataset"
        causes.append(f"its {changed} changed")
    return together(causes)


def together(causes: Sequence[str]) -> str:
    """Join several causes to one reason."""
    return ", and ".join(causes)


def updated(found: Sequence[Difference]) -> str:
    """Why mutable fields are patched."""
    return f"{names(found)} changed"


def too_old(days: int, allowed: int) -> str:
    """Why a model is retrained for its age."""
    return f"{_days(days)} old (retrain.max_age: {_days(allowed)})"


def expiring(days: int, date: str) -> str:
    """Why a model is retrained before, or after, it expires."""
    when = f"expires in {_days(days)}, on {date}" if days >= 0 else f"expired on {date}"
    return f"{when} (retrain.before_expiry)"


def _days(count: int) -> str:
    return f"{count} day{'s' if count != 1 else ''}"


def withdrawn(address: Address, version: int | None) -> str:
    """Why a version that was rolled back does not become current again."""
    return (
        f"version {version} matches the configuration but was rolled back: it stays withdrawn "
        "until "
        f"you promote it ({commands.promote(address, version)}) or the configuration changes"
    )


def rejected(address: Address, version: int | None) -> str:
    """Why a version that its gate rejected is not trained again."""
    return (
        f"version {version} matches the configuration but was rejected by its gate: it is not "
        "trained again until its data, inputs or requirements change (to use it anyway: "
        f"{commands.promote(address, version)})"
    )


def undecided(address: Address, version: int | None, missing: Sequence[str]) -> str:
    """Why a version that its gate could not decide on is neither current nor trained again."""
    return (
        f"version {version} matches the configuration, but its gate is undecided: the service does "
        f"not report what these requirements need: {', '.join(missing)}. It is kept, undeployed, "
        "judged again once the service reports it, and not trained again until its data, inputs or "
        f"requirements change (to use it: {commands.promote(address, version)})"
    )
