"""Vertex AI v1: evaluations, and their slices by label. Messages: model_evaluation.proto,
model_evaluation_slice.proto, and the schemata of metrics."""

from collections.abc import Mapping

from automl_plan.emulator.engine import Engine
from automl_plan.emulator.errors import not_found
from automl_plan.emulator.http import Reply, Request, json_reply
from automl_plan.emulator.objects import Model, ModelEvaluation
from automl_plan.emulator.readings import Readings
from automl_plan.emulator.sql_filters import Term, equals
from automl_plan.emulator.training.types import ClassificationMetrics
from automl_plan.emulator.vertex import filters
from automl_plan.emulator.vertex.models import metadata
from automl_plan.emulator.vertex.names import LISTS, model_name, scope_of
from automl_plan.emulator.vertex.schemas import METRICS
from automl_plan.emulator.wire.metrics import detection_json, labels_json, shows_matrix
from automl_plan.emulator.wire.names import read_number
from automl_plan.emulator.wire.requests import (
    apply_read_mask,
    check_list,
    check_query,
    list_reply,
    omit_empty,
    paging,
    timestamp,
)

_DIMENSION = "annotationSpec"


def render(
    readings: Readings, found: ModelEvaluation, model: Model, owner: str
) -> dict[str, object]:
    """Return a ModelEvaluation message, of the overall evaluation."""
    return omit_empty(
        {
            "name": f"{owner}/evaluations/{found.id}",
            "metricsSchemaUri": METRICS[model.problem],
            "metrics": _metrics(readings, found, model),
            "createTime": timestamp(found.created),
            "sliceDimensions": [_DIMENSION],
            "metadata": metadata(model),
        }
    )


def render_slice(
    readings: Readings, found: ModelEvaluation, overall: int, model: Model, owner: str
) -> dict[str, object]:
    """Return a ModelEvaluationSlice message, of the evaluation of a label."""
    return {
        "name": f"{owner}/evaluations/{overall}/slices/{found.id}",
        "slice": {"dimension": _DIMENSION, "value": found.evaluation.label},
        "metricsSchemaUri": METRICS[model.problem],
        "metrics": _metrics(readings, found, model),
        "createTime": timestamp(found.created),
    }


def _metrics(readings: Readings, found: ModelEvaluation, model: Model) -> dict[str, object]:
    metrics = found.evaluation.metrics
    if isinstance(metrics, ClassificationMetrics):
        return _classification(readings, metrics, dict(model.specs))
    return detection_json(readings, metrics, "boundingBoxMetrics", "confidenceMetrics")


def _classification(
    readings: Readings, metrics: ClassificationMetrics, specs: Mapping[int, str]
) -> dict[str, object]:
    found = labels_json(readings, metrics, ("confidenceMetrics", "maxPredictions"), au_roc=False)
    if shows_matrix(readings, metrics):
        found["confusionMatrix"] = {
            "annotationSpecs": [
                {"id": str(number), "displayName": label} for number, label in specs.items()
            ],
            "rows": [list(row) for row in metrics.confusion or ()],
        }
    return found


class VertexEvaluations:
    """The methods under `…/evaluations`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def list(self, request: Request) -> Reply:
        """List the evaluations of a model; there is one."""
        check_list(request, LISTS)
        model, page = self._model(request), paging(request)
        terms = [*filters.read_filter(request, {}), equals("annotation_spec_id", None)]
        found = self._engine.models.evaluations(model.scope, model.id, terms, page.window)
        messages = [
            render(self._engine.readings, each, model, self._owner(model)) for each in found.items
        ]
        return list_reply(request, "modelEvaluations", messages, page.token(found.next_before))

    def get(self, request: Request) -> Reply:
        check_query(request)
        model = self._model(request)
        return json_reply(
            render(self._engine.readings, self._overall(request, model), model, self._owner(model))
        )

    def list_slices(self, request: Request) -> Reply:
        """List the evaluations of labels; filter: slice.dimension."""
        check_list(request, LISTS)
        model, page = self._model(request), paging(request)
        overall, owner = self._overall(request, model), self._owner(model)
        terms = [equals("annotation_spec_id", None, negated=True)]
        terms += filters.read_filter(request, {"slice.dimension": _dimension_term})
        found = self._engine.models.evaluations(model.scope, model.id, terms, page.window)
        messages = [
            render_slice(self._engine.readings, each, overall.id, model, owner)
            for each in found.items
        ]
        token = page.token(found.next_before)
        return list_reply(request, "modelEvaluationSlices", messages, token)

    def get_slice(self, request: Request) -> Reply:
        check_query(request)
        model = self._model(request)
        overall = self._overall(request, model)
        number = read_number(request.params["slice"])
        found = self._engine.models.evaluation(model.scope, model.id, number)
        if found.annotation_spec_id is None:
            raise not_found("The model evaluation slice does not exist.")
        readings, owner = self._engine.readings, self._owner(model)
        message = render_slice(readings, found, overall.id, model, owner)
        return json_reply(apply_read_mask(request, message))

    def _model(self, request: Request) -> Model:
        scope = scope_of(request.params)
        number = self._engine.versions.find(scope, request.params["model"])
        return self._engine.models.get(scope, number)

    def _owner(self, model: Model) -> str:
        """The name of the model, with the version unless it is the default one."""
        return model_name(
            self._engine.readings,
            model.scope,
            model.family,
            model.number,
            versioned=not model.is_default,
        )

    def _overall(self, request: Request, model: Model) -> ModelEvaluation:
        number = read_number(request.params["evaluation"])
        found = self._engine.models.evaluation(model.scope, model.id, number)
        if found.annotation_spec_id is not None:
            raise not_found("The model evaluation does not exist.")
        return found


def _dimension_term(comparison: filters.Comparison) -> Term:
    if comparison.operator != "=":
        raise filters.bad_comparison(comparison)
    return equals("annotation_spec_id", None, negated=comparison.value == _DIMENSION)
