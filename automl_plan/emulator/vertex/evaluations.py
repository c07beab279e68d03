"""Vertex AI v1: evaluations, and their slices by label. Messages: model_evaluation.proto,
model_evaluation_slice.proto, and the schemata of metrics."""

from collections.abc import Mapping

from automl_plan.emulator.engine import Engine
from automl_plan.emulator.errors import not_found
from automl_plan.emulator.http import Reply, Request, json_reply
from automl_plan.emulator.objects import Model, ModelEvaluation
from automl_plan.emulator.sql_filters import Condition, Term
from automl_plan.emulator.training.types import (
    ClassificationMetrics,
    DetectionMetrics,
)
from automl_plan.emulator.vertex import filters
from automl_plan.emulator.vertex.models import metadata, named
from automl_plan.emulator.vertex.names import check_list, listed, number_of, parent, shown
from automl_plan.emulator.vertex.schemata import METRICS
from automl_plan.emulator.wire.requests import (
    check_query,
    filled,
    paging,
    threshold_json,
    timestamp,
)

_DIMENSION = "annotationSpec"


def render(found: ModelEvaluation, model: Model) -> dict[str, object]:
    """A ModelEvaluation message, the overall one."""
    return filled(
        {
            "name": f"{parent(model.scope)}/models/{model.id}/evaluations/{found.id}",
            "metricsSchemaUri": METRICS[model.problem],
            "metrics": _metrics(found, model),
            "createTime": timestamp(found.created),
            "sliceDimensions": [_DIMENSION],
            "metadata": metadata(model),
        }
    )


def render_slice(found: ModelEvaluation, overall: int, model: Model) -> dict[str, object]:
    """A ModelEvaluationSlice message, of one label."""
    name = f"{parent(model.scope)}/models/{model.id}/evaluations/{overall}/slices/{found.id}"
    return {
        "name": name,
        "slice": {"dimension": _DIMENSION, "value": found.evaluation.label},
        "metricsSchemaUri": METRICS[model.problem],
        "metrics": _metrics(found, model),
        "createTime": timestamp(found.created),
    }


def _metrics(found: ModelEvaluation, model: Model) -> dict[str, object]:
    metrics = found.evaluation.metrics
    if isinstance(metrics, ClassificationMetrics):
        return _classification(metrics, dict(model.specs))
    return _detection(metrics)


def _classification(metrics: ClassificationMetrics, specs: Mapping[int, str]) -> dict[str, object]:
    confusion = None
    if metrics.confusion is not None:
        confusion = {
            "annotationSpecs": [
                {"id": str(number), "displayName": label} for number, label in specs.items()
            ],
            "rows": [list(row) for row in metrics.confusion],
        }
    return filled(
        {
            "auPrc": metrics.au_prc,
            "auRoc": metrics.au_roc,
            "logLoss": metrics.log_loss,
            "confidenceMetrics": [
                threshold_json(entry, "maxPredictions") for entry in metrics.thresholds
            ],
            "confusionMatrix": confusion,
        }
    )


def _detection(metrics: DetectionMetrics) -> dict[str, object]:
    entries = [
        filled(
            {
                "iouThreshold": entry.iou_threshold,
                "meanAveragePrecision": entry.mean_average_precision,
                "confidenceMetrics": [
                    filled(
                        {
                            "confidenceThreshold": each.confidence_threshold,
                            "recall": each.recall,
                            "precision": each.precision,
                            "f1Score": each.f1_score,
                        }
                    )
                    for each in entry.thresholds
                ],
            }
        )
        for entry in metrics.entries
    ]
    return filled(
        {
            "evaluatedBoundingBoxCount": metrics.evaluated_box_count,
            "boundingBoxMeanAveragePrecision": metrics.mean_average_precision,
            "boundingBoxMetrics": entries,
        }
    )


class EvaluationMethods:
    """The methods under `…/evaluations`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def list(self, request: Request) -> Reply:
        """evaluations.list: there is one."""
        check_list(request)
        model, asked = self._engine.models.get(*named(request)), paging(request)
        terms: tuple[Term, ...] = (Condition("annotation_spec_id", None),)
        terms = (*filters.read_filter(request, {}), *terms)
        page = self._engine.models.evaluations(model.scope, model.id, terms, asked.window)
        found = [render(each, model) for each in page.items]
        return listed(request, "modelEvaluations", found, asked.token(page.next_before))

    def get(self, request: Request) -> Reply:
        """evaluations.get."""
        check_query(request)
        model = self._engine.models.get(*named(request))
        return json_reply(render(self._overall(request, model), model))

    def list_slices(self, request: Request) -> Reply:
        """slices.list, by label; filter: slice.dimension."""
        check_list(request)
        model, asked = self._engine.models.get(*named(request)), paging(request)
        overall = self._overall(request, model)
        terms: list[Term] = [Condition("annotation_spec_id", None, negated=True)]
        terms += filters.read_filter(request, {"slice.dimension": _dimension})
        page = self._engine.models.evaluations(model.scope, model.id, terms, asked.window)
        found = [render_slice(each, overall.id, model) for each in page.items]
        return listed(request, "modelEvaluationSlices", found, asked.token(page.next_before))

    def get_slice(self, request: Request) -> Reply:
        """slices.get."""
        check_query(request)
        model = self._engine.models.get(*named(request))
        overall = self._overall(request, model)
        number = number_of(request.params["slice"])
        found = self._engine.models.evaluation(model.scope, model.id, number)
        if found.annotation_spec_id is None:
            raise not_found("The model evaluation slice does not exist.")
        return json_reply(shown(request, render_slice(found, overall.id, model)))

    def _overall(self, request: Request, model: Model) -> ModelEvaluation:
        number = number_of(request.params["evaluation"])
        found = self._engine.models.evaluation(model.scope, model.id, number)
        if found.annotation_spec_id is not None:
            raise not_found("The model evaluation does not exist.")
        return found


def _dimension(asked: filters.Comparison) -> Term:
    if asked.operator != "=":
        raise filters.bad(asked)
    return Condition("annotation_spec_id", None, asked.value == _DIMENSION)
