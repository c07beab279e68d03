"""AutoML v1: model evaluations. Messages: model_evaluation, classification, detection protos."""

from collections.abc import Mapping

from automl_plan.emulator.automl.filters import Comparison, read_filter
from automl_plan.emulator.automl.names import number_of, scope_of, wire_id
from automl_plan.emulator.engine import Engine
from automl_plan.emulator.http import Reply, Request, json_reply
from automl_plan.emulator.objects import Model, ModelEvaluation
from automl_plan.emulator.readings import Readings
from automl_plan.emulator.sql_filters import Term, equals
from automl_plan.emulator.training.types import ClassificationMetrics
from automl_plan.emulator.wire.metrics import (
    detection_json,
    examples_json,
    labels_json,
    shows_matrix,
)
from automl_plan.emulator.wire.names import parent, read_number
from automl_plan.emulator.wire.requests import (
    LIST_PARAMETERS,
    check_query,
    list_reply,
    omit_empty,
    paging,
    timestamp,
)

_ALL_MODELS = "-"


def render(readings: Readings, found: ModelEvaluation, model: Model) -> dict[str, object]:
    """Return a ModelEvaluation message."""
    evaluation, metrics = found.evaluation, found.evaluation.metrics
    spec_id = found.annotation_spec_id
    if isinstance(metrics, ClassificationMetrics):
        field = "classificationEvaluationMetrics"
        message = _classification(readings, metrics, dict(model.specs), spec_id)
    else:
        field = "imageObjectDetectionEvaluationMetrics"
        lists = ("boundingBoxMetricsEntries", "confidenceMetricsEntries")
        message = detection_json(readings, metrics, *lists)
    name = f"{parent(model.scope)}/models/{wire_id(model.problem, model.id)}"
    texts = omit_empty(
        {
            "name": f"{name}/modelEvaluations/{found.id}",
            "annotationSpecId": None if spec_id is None else str(spec_id),
            "displayName": evaluation.label,
            "createTime": timestamp(found.created),
        }
    )
    examples = examples_json(
        readings,
        "evaluatedExampleCount",
        evaluation.evaluated_example_count,
        overall=spec_id is None,
    )
    return {**texts, **examples, field: message}


def _classification(
    readings: Readings,
    metrics: ClassificationMetrics,
    specs: Mapping[int, str],
    spec_id: int | None,
) -> dict[str, object]:
    used = list(specs) if spec_id is None else [spec_id]
    lists = ("confidenceMetricsEntry", "positionThreshold")
    found = labels_json(readings, metrics, lists, au_roc=spec_id is not None)
    if shows_matrix(readings, metrics):
        found["confusionMatrix"] = {
            "annotationSpecId": [str(each) for each in specs],
            "displayName": list(specs.values()),
            "row": [{"exampleCount": list(row)} for row in metrics.confusion or ()],
        }
    return {**found, **omit_empty({"annotationSpecId": [str(each) for each in used]})}


class AutomlEvaluations:
    """The methods under `…/modelEvaluations`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def list(self, request: Request) -> Reply:
        """List the evaluations of a model, or of all models (`-`); filter: annotation_spec_id."""
        check_query(request, LIST_PARAMETERS)
        scope, model, page = scope_of(request.params), request.params["model"], paging(request)
        terms = read_filter(request, {"annotation_spec_id": _spec_term})
        number = None if model == _ALL_MODELS else number_of(model)
        models = self._engine.models
        found = models.evaluations(scope, number, terms, page.window)
        owners = {each: models.get(scope, each) for each in {item.model_id for item in found.items}}
        readings = self._engine.readings
        messages = [render(readings, item, owners[item.model_id]) for item in found.items]
        return list_reply(request, "modelEvaluation", messages, page.token(found.next_before))

    def get(self, request: Request) -> Reply:
        check_query(request)
        scope, number = scope_of(request.params), number_of(request.params["model"])
        model = self._engine.models.get(scope, number)
        evaluation_id = read_number(request.params["evaluation"])
        found = self._engine.models.evaluation(scope, number, evaluation_id)
        return json_reply(render(self._engine.readings, found, model))


def _spec_term(comparison: Comparison) -> Term:
    if comparison.value is None:  # `annotation_spec_id:*`: per label; negated: the overall one
        return equals("annotation_spec_id", None, negated=not comparison.negated)
    number = read_number(comparison.value)
    return equals("annotation_spec_id", number, negated=comparison.negated)
