"""Why a change is planned, in plain words."""

from __future__ import annotations

from collections.abc import Sequence

from automl_plan.planning.compare import names
from automl_plan.planning.plan import Difference

NOT_YET_CREATED = "it does not exist yet"
NOT_YET_TRAINED = "no model is trained yet"
NOT_YET_IMPORTED = "its sources are not imported yet"
APPENDED = "the content of its sources changed, and on_source_change is append"
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
DEPLOY_DECLARED = "deploy is declared"
DEPLOY_NEW = "the newly trained model is to serve"
DEPLOY_REMOVED = "deploy is not declared any more"
DEPLOYED_OUTSIDE = "it is deployed, and deploy is not declared"


def dataset_replaced(found: Sequence[Difference]) -> str:
    """Why a dataset has to be made anew."""
    if [d.path for d in found] == ["data"]:
        return (
            "the content of its sources changed, and imported examples can't be taken back: "
            "it takes a new dataset"
        )
    return f"{names(found)} can't change in place: it takes a new dataset"


def retrained(found: Sequence[Difference]) -> str:
    """Why a model has to be trained again."""
    paths = {d.path for d in found}
    if paths == {"trained_on.data"}:
        return "the data that it is trained on changed"
    if all(path.startswith("trained_on.") for path in paths):
        return "the dataset that it is trained on changed"
    own = [d for d in found if not d.path.startswith("trained_on.")]
    return f"{names(own)} can't change on a trained model"


def updated(found: Sequence[Difference]) -> str:
    """Why mutable fields are patched."""
    return f"{names(found)} changed"
