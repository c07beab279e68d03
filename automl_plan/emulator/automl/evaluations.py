"""AutoML v1: model evaluations. Messages: model_evaluation, classification, detection protos."""

from collections.abc import Mapping

from automl_plan.emulator.automl.filters import Comparison, read_filter
from automl_plan.emulator.automl.names import (
    bare_number,
    number_of,
    parent,
    scope_of,
    wire_id,
)
from automl_plan.emulator.engine import Engine
from automl_plan.emulator.http import Reply, Request, json_reply
from automl_plan.emulator.objects import Model, ModelEvaluation
from automl_plan.emulator.sql_filters import Condition, Term
from automl_plan.emulator.training.types import (
    ClassificationMetrics,
    DetectionMetrics,
)
from automl_plan.emulator.wire.requests import (
    LIST_PARAMETERS,
    check_query,
    filled,
    paging,
    threshold_json,
    timestamp,
)

_ALL_MODELS = "-"


def render(found: ModelEvaluation, model: Model) -> dict[str, object]:
    """A ModelEvaluation message."""
    evaluation, specs = found.evaluation, dict(model.specs)
    metrics = evaluation.metrics
    spec_id = found.annotation_spec_id
    name = f"{parent(model.scope)}/models/{wire_id(model.problem, model.id)}"
    return filled(
        {
            "name": f"{name}/modelEvaluations/{found.id}",
            "annotationSpecId": None if spec_id is None else str(spec_id),
            "displayName": evaluation.label,
            "createTime": timestamp(found.created),
            "evaluatedExampleCount": evaluation.evaluated_example_count,
            **(
                {"classificationEvaluationMetrics": _classification(metrics, specs, spec_id)}
                if isinstance(metrics, ClassificationMetrics)
                else {"imageObjectDetectionEvaluationMetrics": _detection(metrics)}
            ),
        }
    )


def _classification(
    metrics: ClassificationMetrics, specs: Mapping[int, str], spec_id: int | None
) -> dict[str, object]:
    used = list(specs) if spec_id is None else [spec_id]
    confusion = None
    if metrics.confusion is not None:
        confusion = {
            "annotationSpecId": [str(each) for each in specs],
            "displayName": list(specs.values()),
            "row": [{"exampleCount": list(row)} for row in metrics.confusion],
        }
    return filled(
        {
            "auPrc": metrics.au_prc,
            "auRoc": metrics.au_roc,
            "logLoss": metrics.log_loss,
            "confidenceMetricsEntry": [
                threshold_json(entry, "positionThreshold") for entry in metrics.thresholds
            ],
            "confusionMatrix": confusion,
            "annotationSpecId": [str(each) for each in used],
        }
    )


def _detection(metrics: DetectionMetrics) -> dict[str, object]:
    return filled(
        {
            "evaluatedBoundingBoxCount": metrics.evaluated_box_count,
            "boundingBoxMeanAveragePrecision": metrics.mean_average_precision,
            "boundingBoxMetricsEntries": [
                filled(
                    {
                        "iouThreshold": entry.iou_threshold,
                        "meanAveragePrecision": entry.mean_average_precision,
                        "confidenceMetricsEntries": [
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
            ],
        }
    )


class EvaluationMethods:
    """The methods under `…/modelEvaluations`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def list(self, request: Request) -> Reply:
        """modelEvaluations.list, also of all models (`-`); filter: annotation_spec_id."""
        check_query(request, LIST_PARAMETERS)
        scope, model = scope_of(request.params), request.params["model"]
        asked = paging(request)
        terms = read_filter(request, {"annotation_spec_id": _spec_term})
        number = None if model == _ALL_MODELS else number_of(model)
        models = self._engine.models
        page = models.evaluations(scope, number, terms, asked.window)
        owners = {each: models.get(scope, each) for each in {item.model_id for item in page.items}}
        found = [render(item, owners[item.model_id]) for item in page.items]
        return json_reply(filled({"modelEvaluation": found}) | asked.token(page.next_before))

    def get(self, request: Request) -> Reply:
        """modelEvaluations.get."""
        check_query(request)
        scope, number = scope_of(request.params), number_of(request.params["model"])
        model = self._engine.models.get(scope, number)
        evaluation_id = bare_number(request.params["evaluation"])
        return json_reply(
            render(self._engine.models.evaluation(scope, number, evaluation_id), model)
        )


def _spec_term(comparison: Comparison) -> Term:
    if comparison.value is None:  # `annotation_spec_id:*`: per label; negated: the overall one
        return Condition("annotation_spec_id", None, not comparison.negated)
    return Condition("annotation_spec_id", bare_number(comparison.value), comparison.negated)
