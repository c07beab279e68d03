"""Why a change is planned, in plain words."""

from __future__ import annotations

from collections.abc import Sequence

from automl_plan.model.address import Address
from automl_plan.model.live import CANCELLED, OperationError
from automl_plan.planning.compare import names
from automl_plan.planning.plan import Difference

_MOST_ROWS = 20
"""Of an import that the service tells as refused (proto: OperationMetadata.partial_failures)."""
DOES_NOT_EXIST = "it does not exist yet"
NOT_YET_TRAINED = "no model is trained yet"
NOT_YET_IMPORTED = "its sources are not imported yet"
APPENDED = "the content of its sources changed, and on_source_change is append"
STILL_PARTIAL = (
    "rows of its last import were refused and nobody knows which others arrived: it takes a new "
    "dataset"
)
GONE = "it was deleted outside automl-plan"
ASKED_FOR = "--replace asks for it"
NOT_DECLARED = "it is not in the configuration any more"
DESTROY = "destroy asks for it"
REPLACED = "a new one takes its place"
STILL_RUNNING = "an earlier run started it and it is not recorded as finished"
CUT_OFF = "a run was cut off while it was sent, and what came of it is found out first"
NOT_WANTED = "it is running, and what it makes is not in the configuration any more"
OUTDATED = "it is running with inputs that are not the declared ones any more"
DATASET_REPLACED = "its dataset is replaced, and nobody knows whether the content is the same"
NONE_PASSED = "no version serves, and none was trained on what is declared"
UNDECIDED = "it is trained, and its gate has not decided yet"
REQUIRE_CHANGED = "its gate turned it down, and asks for something else now"
REQUIRE_GONE = "it is trained on what is declared, and no gate is declared any more"
NOT_CURRENT = "it was trained on what is declared, and has not become the current version yet"
REUSED = "it was trained on just what is declared again: no training is needed"
GATED = "the new version must meet what is required before it takes the current one's place"
KEPT = "it is kept as a way back, and does not serve"
NOT_KEPT = "it goes beyond lifecycle.keep_versions"
BOOKKEEPING = "the labels that automl-plan itself keeps on it are not as they should be"
MOVED = "it is recorded under another address now"
ADOPTED = "it exists, and is to be managed from now on"
FORGOTTEN = "it is to live on, unmanaged"
DEPLOY_DECLARED = "deploy is declared"
DEPLOY_NEW = "the newly trained model is to serve"
DEPLOY_REMOVED = "deploy is not declared any more"
NODES_CHANGED = "deploy.node_count changed"
REDEPLOYED = (
    "deploy.node_count changed, which a deployment can't: a new one takes over before the former "
    "one ends"
)
NO_TRAFFIC = "it is deployed, but does not answer all requests that are for it at its endpoint"
DEPLOYED_OUTSIDE = "it is deployed, and deploy is not declared"


def endpoint_made_again(endpoint: str) -> str:
    """What becomes of an endpoint of ours that is gone."""
    return (
        f"its endpoint {endpoint} was deleted outside automl-plan, and is made again with this id"
    )


def endpoint_replaced(endpoint: str) -> str:
    """What becomes of an adopted endpoint that is gone: its id can't be chosen."""
    return f"its endpoint {endpoint} was deleted outside automl-plan: {_told(endpoint)}"


def endpoint_taken(endpoint: str) -> str:
    """What becomes of an endpoint that another address answers at by now."""
    return f"its endpoint {endpoint} serves another model by now: {_told(endpoint)}"


def shares_traffic(endpoint: str, share: int) -> str:
    """What a deployment answers at an endpoint where models of others are deployed."""
    return (
        f"at the endpoint {endpoint} it answers {share} % of the requests, as the traffic of "
        "models of others is left as it is"
    )


def _told(endpoint: str) -> str:
    return f"a new one is made, and clients that ask at {endpoint} must be told"


def ended(error: OperationError | None) -> str:
    """How an operation ended that is not recorded as finished."""
    if error is None:
        return "it is done at the service, and not recorded as finished yet"
    how = "was cancelled" if error.code == CANCELLED else "failed"
    return f"it {how} at the service, and that is not recorded yet"


def imported_again(rows: Sequence[str]) -> str:
    """Why data that was imported is imported again."""
    return f"its last import was partial: the service refused {refused_rows(rows)}"


def refused_rows(rows: Sequence[str]) -> str:
    """Rows that an import left out, by what the service said of them."""
    count = len(rows)
    many = (
        f"{count} rows or more"
        if count >= _MOST_ROWS
        else f"{count} row{'s' if count != 1 else ''}"
    )
    return f"{many} (the first: {rows[0]})"


def dataset_replaced(found: Sequence[Difference]) -> str:
    """Why a dataset has to be made anew."""
    if [d.path for d in found] == ["data"]:
        return (
            "the content of its sources changed, and imported examples can't be taken back: "
            "it takes a new dataset"
        )
    return f"{names(found)} can't change in place: it takes a new dataset"


def retrained(found: Sequence[Difference]) -> str:
    """Why a model has to be trained again: all of it."""
    own = [d for d in found if not d.path.startswith("trained_on.")]
    trained_on = {d.path for d in found if d.path.startswith("trained_on.")}
    causes = [f"{names(own)} can't change on a trained model"] if own else []
    if trained_on:
        changed = "data" if trained_on == {"trained_on.data"} else "dataset"
        causes.append(f"the {changed} that it is trained on changed")
    return together(causes)


def together(causes: Sequence[str]) -> str:
    """Several causes as one reason."""
    return ", and ".join(causes)


def updated(found: Sequence[Difference]) -> str:
    """Why mutable fields are patched."""
    return f"{names(found)} changed"


def too_old(days: int, allowed: int) -> str:
    """Why age asks for a training."""
    return f"it is {days} days old, and retrain.max_age is {allowed} days"


def expiring(days: int, date: str) -> str:
    """Why the end of its life asks for a training."""
    left = f"its life ends in {days} days ({date})" if days >= 0 else f"its life ended on {date}"
    return f"{left}, and retrain.before_expiry asks for a new one"


def withdrawn(address: Address, version: int | None) -> str:
    """Why a version that was rolled back from does not come back by itself."""
    return (
        f"version {version} was trained on what is declared, and was rolled back from: it stays "
        f"withdrawn until `automl-plan models promote {address.name} {version}`, or until "
        "something else is declared"
    )


def rejected(address: Address, version: int | None) -> str:
    """Why a version that its gate turned down is not trained again."""
    return (
        f"version {version} was trained on what is declared, and its gate turned it down: it is "
        "not trained again until its data, its inputs or its requirements change "
        f"(`automl-plan models promote {address.name} {version}` takes it all the same)"
    )
