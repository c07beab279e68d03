"""AutoML v1: datasets and their annotation specs. Messages: dataset.proto, io.proto."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from automl_plan.emulator.automl.filters import metadata_terms, read_filter
from automl_plan.emulator.automl.names import number_of, scope_of, wire_id
from automl_plan.emulator.automl.operations import operation_reply
from automl_plan.emulator.datasets import NewDataset
from automl_plan.emulator.engine import Engine
from automl_plan.emulator.errors import Code, ServiceError, invalid
from automl_plan.emulator.http import Reply, Request, json_reply
from automl_plan.emulator.limits import MAX_DESCRIPTION, dataset_name_fault, label_faults
from automl_plan.emulator.objects import CACHED_ROWS, Change, Dataset
from automl_plan.emulator.sql_filters import Term
from automl_plan.emulator.training.types import Problem
from automl_plan.emulator.wire.messages import Fields, body_fields
from automl_plan.emulator.wire.names import parent, read_number
from automl_plan.emulator.wire.requests import (
    check_query,
    enums_as_numbers,
    omit_empty,
    timestamp,
)
from automl_plan.emulator.wire.resources import ResourceMethods

_CLASSIFICATION_TYPES = {
    "CLASSIFICATION_TYPE_UNSPECIFIED": 0,
    "MULTICLASS": 1,
    "MULTILABEL": 2,
}
_MULTICLASS, _MULTILABEL = 1, 2
_OTHER_KINDS = (
    "translationDatasetMetadata",
    "textClassificationDatasetMetadata",
    "textExtractionDatasetMetadata",
    "textSentimentDatasetMetadata",
)
_MAX_URI = 2_000


@lru_cache(CACHED_ROWS)
def _render(dataset: Dataset, *, enums: bool) -> Mapping[str, object]:
    """A Dataset message; with `enums`, enums are numbers."""
    number = _MULTILABEL if dataset.multilabel else _MULTICLASS
    names = {value: name for name, value in _CLASSIFICATION_TYPES.items()}
    kind: dict[str, object]
    if dataset.problem is Problem.IMAGE_CLASSIFICATION:
        classification_type = number if enums else names[number]
        kind = {"imageClassificationDatasetMetadata": {"classificationType": classification_type}}
    else:
        kind = {"imageObjectDetectionDatasetMetadata": {}}
    return omit_empty(
        {
            "name": f"{parent(dataset.scope)}/datasets/{wire_id(dataset.problem, dataset.id)}",
            "displayName": dataset.display_name,
            "description": dataset.description,
            "exampleCount": dataset.example_count,
            "createTime": timestamp(dataset.created),
            "etag": dataset.etag,
            "labels": dict(dataset.labels) or None,
            **kind,
        }
    )


class AutomlDatasets(ResourceMethods[Dataset, int]):
    """The methods under `…/datasets`; the filters are the kinds of metadata."""

    message = "dataset"
    list_field = "datasets"
    mutable = ("displayName", "description", "labels")
    ignored = (
        *("name", "createTime", "exampleCount"),
        *("imageClassificationDatasetMetadata", "imageObjectDetectionDatasetMetadata"),
    )

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine.datasets, scope_of, operation_reply)
        self._engine = engine

    def object_id(self, request: Request) -> int:
        return number_of(request.params["dataset"])

    def terms(self, request: Request) -> Sequence[Term]:
        return read_filter(request, metadata_terms("dataset"))

    def check(self, change: Change) -> None:
        _check(change)

    def render(self, request: Request, items: Sequence[Dataset]) -> Sequence[Mapping[str, object]]:
        enums = enums_as_numbers(request)
        return [_render(dataset, enums=enums) for dataset in items]

    def create(self, request: Request) -> Reply:
        check_query(request)
        scope = scope_of(request.params)
        fields = body_fields(request, "dataset")
        fields.ignore("name", "createTime", "exampleCount", "etag")
        problem, multilabel = _kind(fields)
        new = NewDataset(
            problem=problem,
            multilabel=multilabel,
            display_name=fields.text("displayName"),
            description=fields.text("description"),
            labels=fields.mapping("labels"),
        )
        fields.finish()
        _check(Change(new.display_name, new.description, new.labels))
        return operation_reply(self._engine.datasets.create(scope, new))

    def import_data(self, request: Request) -> Reply:
        check_query(request)
        body = body_fields(request, "")
        config = body.message("inputConfig")
        source = config.message("gcsSource") if config else None
        if config is None or source is None:
            raise invalid(("input_config.gcs_source", "Required field not set."))
        uris = source.texts("inputUris")
        config.mapping("params")
        for each in (body, config, source):
            each.finish()
        if not uris:
            raise invalid(("input_config.gcs_source.input_uris", "Required field not set."))
        if any(len(uri) > _MAX_URI for uri in uris):
            raise invalid(
                ("input_config.gcs_source.input_uris", f"A URI has at most {_MAX_URI} characters.")
            )
        return operation_reply(self._engine.datasets.import_data(*self.named(request), uris))

    def export_data(self, request: Request) -> Reply:
        check_query(request)
        body = body_fields(request, "")
        config = body.message("outputConfig")
        uri = output_prefix(config)
        for each in (body, config):
            if each is not None:
                each.finish()
        return operation_reply(self._engine.datasets.export_data(*self.named(request), uri))

    def annotation_spec(self, request: Request) -> Reply:
        check_query(request)
        scope, number = self.named(request)
        spec = self._engine.datasets.spec(scope, number, read_number(request.params["spec"]))
        name = f"{parent(scope)}/datasets/{request.params['dataset']}/annotationSpecs/{spec.id}"
        fields = {"name": name, "displayName": spec.label, "exampleCount": spec.example_count}
        return json_reply(omit_empty(fields))


def output_prefix(config: Fields | None) -> str:
    """Return the gs:// prefix of an output config (proto: GcsDestination.output_uri_prefix)."""
    destination = config.message("gcsDestination") if config else None
    if destination is None:
        raise invalid(("output_config.gcs_destination", "Required field not set."))
    uri = destination.text("outputUriPrefix")
    destination.finish()
    if not uri.startswith("gs://") or len(uri) > _MAX_URI:
        raise invalid(
            ("output_config.gcs_destination.output_uri_prefix", "It must be a gs:// URI.")
        )
    return uri


def _kind(fields: Fields) -> tuple[Problem, bool]:
    classification = fields.message("imageClassificationDatasetMetadata")
    detection = fields.message("imageObjectDetectionDatasetMetadata")
    others = [name for name in _OTHER_KINDS if fields.has(name)]
    if others:
        raise ServiceError(Code.UNIMPLEMENTED, f"The emulator has images only, not {others[0]}.")
    if (classification is None) == (detection is None):
        raise invalid(("dataset.dataset_metadata", "Exactly one kind of metadata must be set."))
    if classification is not None:
        number = classification.enum("classificationType", _CLASSIFICATION_TYPES)
        classification.finish()
        if not number:
            raise invalid((classification.path("classificationType"), "Required field not set."))
        return Problem.IMAGE_CLASSIFICATION, number == _MULTILABEL
    if detection is not None:
        detection.finish()
    return Problem.IMAGE_OBJECT_DETECTION, False


def _check(change: Change) -> None:
    faults = []
    if change.display_name is not None:
        fault = dataset_name_fault(change.display_name)
        if fault:
            faults.append(("dataset.display_name", fault))
    if change.description is not None and len(change.description) > MAX_DESCRIPTION:
        limit = f"A description has at most {MAX_DESCRIPTION} characters."
        faults.append(("dataset.description", limit))
    faults += [("dataset.labels", fault) for fault in label_faults(change.labels or {})]
    if faults:
        raise invalid(*faults)
