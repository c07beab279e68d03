"""Vertex AI v1: datasets. Messages: dataset.proto, dataset_service.proto."""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from automl_plan.emulator.call_readings import CREATE_ANSWER
from automl_plan.emulator.datasets import AnnotationKind, NewDataset
from automl_plan.emulator.engine import Engine
from automl_plan.emulator.errors import Code, ServiceError, invalid
from automl_plan.emulator.http import Reply, Request
from automl_plan.emulator.limits import RESERVED_LABELS
from automl_plan.emulator.objects import Change, Dataset
from automl_plan.emulator.readings import SAVED_QUERIES, SYSTEM_LABEL
from automl_plan.emulator.sql_filters import Term, compare
from automl_plan.emulator.training.types import Problem
from automl_plan.emulator.vertex import filters
from automl_plan.emulator.vertex.names import LISTS, check_named, scope_of
from automl_plan.emulator.vertex.operations import operation_reply
from automl_plan.emulator.vertex.saved_queries import SET_LABEL, render
from automl_plan.emulator.vertex.schemas import ANNOTATIONS, IMAGE_DATASET, IMAGE_ITEM, IMPORT_KINDS
from automl_plan.emulator.wire.messages import Fields, body_fields
from automl_plan.emulator.wire.names import parent, read_number
from automl_plan.emulator.wire.requests import ORDERS, check_query, omit_empty, timestamp
from automl_plan.emulator.wire.resources import ResourceMethods

_MAX_IMPORTS = 100
_SCHEMA_LABEL = f"{RESERVED_LABELS}dataset_metadata_schema"
"""Its value is the title of the metadata's schema."""


def _render(dataset: Dataset, saved_queries: Sequence[Mapping[str, object]]) -> dict[str, object]:
    """A Dataset message, which doesn't have the kind of its annotations."""
    return omit_empty(
        {
            "name": f"{parent(dataset.scope)}/datasets/{dataset.id}",
            "displayName": dataset.display_name,
            "description": dataset.description,
            "metadataSchemaUri": IMAGE_DATASET,
            "metadata": {"dataItemSchemaUri": IMAGE_ITEM},
            "dataItemCount": str(dataset.example_count) if dataset.example_count else None,
            "createTime": timestamp(dataset.created),
            "updateTime": timestamp(max(dataset.created, dataset.updated)),
            "etag": dataset.etag,
            "labels": dict(dataset.labels) or None,
            "savedQueries": saved_queries,
        }
    )


class VertexDatasets(ResourceMethods[Dataset, int]):
    """The methods under `…/datasets`; the filters are display_name, metadata_schema_uri, labels."""

    message = "dataset"
    list_field = "datasets"
    mutable = ("displayName", "description", "labels")
    ignored = ("metadata", "metadataSchemaUri", "savedQueries")
    get_parameters = frozenset({"readMask"})
    list_parameters = LISTS
    orders = ORDERS

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine.datasets, scope_of, operation_reply)
        self._engine = engine

    def object_id(self, request: Request) -> int:
        return read_number(request.params["dataset"])

    def terms(self, request: Request) -> Sequence[Term]:
        return filters.read_filter(
            request,
            {
                "display_name": filters.text("display_name"),
                "metadata_schema_uri": _schema_term,
                "labels": filters.labels("labels"),
            },
        )

    def check(self, change: Change) -> None:
        check_named(
            self._engine.readings,
            *("dataset", change.display_name, change.labels, change.description or ""),
        )

    def render(
        self,
        request: Request,  # noqa: ARG002 - other kinds need it
        items: Sequence[Dataset],
    ) -> Sequence[Mapping[str, object]]:
        told = self._engine.readings[SAVED_QUERIES] == "in-dataset"
        sets = self._engine.annotation_sets.of([each.id for each in items] if told else [])
        return [
            _render(each, [render(each, found) for found in sets.get(each.id, ())])
            for each in items
        ]

    def create(self, request: Request) -> Reply:
        """Create an image dataset.

        `metadata` is optional, though the proto calls it required: Google's own example has none.
        """
        check_query(request)
        scope = scope_of(request.params)
        fields = body_fields(request, "dataset")
        fields.ignore("etag")
        schema = fields.text("metadataSchemaUri")
        metadata = fields.message("metadata")
        new = NewDataset(
            problem=Problem.IMAGE_CLASSIFICATION,  # until the first import sets it
            multilabel=False,
            display_name=fields.text("displayName"),
            description=fields.text("description"),
            labels=fields.mapping("labels"),
        )
        if metadata is not None:
            metadata.ignore("dataItemSchemaUri", "gcsBucket")
            metadata.finish()
        fields.finish()
        if not schema:
            raise invalid(("dataset.metadata_schema_uri", "Required field not set."))
        if schema != IMAGE_DATASET:
            raise ServiceError(Code.UNIMPLEMENTED, f"The emulator has image datasets, no {schema}.")
        readings = self._engine.readings
        check_named(readings, "dataset", new.display_name, new.labels, new.description)
        if readings[SYSTEM_LABEL] == "dataset-metadata-schema":
            new = replace(new, labels={**new.labels, _SCHEMA_LABEL: "IMAGE"})
        if readings[CREATE_ANSWER] == "object":
            shown = {"labels": new.labels or None, "metadata": {"dataItemSchemaUri": IMAGE_ITEM}}
            new = replace(new, answer=omit_empty({"metadataSchemaUri": schema, **shown}))
        return operation_reply(self._engine.datasets.create(scope, new))

    def import_data(self, request: Request) -> Reply:
        """Import files, with one kind of annotations in all configs."""
        check_query(request)
        body = body_fields(request, "")
        configs = body.messages("importConfigs")
        body.finish()
        if not 1 <= len(configs) <= _MAX_IMPORTS:
            raise invalid(("import_configs", f"There must be 1 to {_MAX_IMPORTS} of them."))
        uris: list[str] = []
        kinds = set()
        item_labels: dict[str, Mapping[str, str]] = {}
        for config in configs:
            kind, annotation_set, sources, labels = _import_config(config)
            kinds.add((kind, annotation_set))
            uris += sources
            item_labels |= dict.fromkeys(sources, labels) if labels else {}
        if len({kind for kind, _ in kinds}) > 1:
            raise ServiceError(Code.UNIMPLEMENTED, "The emulator imports one kind at once.")
        if len(kinds) > 1:
            text = "The embedded service imports into one annotation set at once."
            raise ServiceError(Code.UNIMPLEMENTED, text)
        kind, annotation_set = kinds.pop()
        return operation_reply(
            self._engine.datasets.import_data(
                *self.named(request), uris, kind, annotation_set, item_labels
            )
        )

    def export_data(self, request: Request) -> Reply:
        """Export the examples as JSON Lines."""
        check_query(request)
        body = body_fields(request, "")
        config = body.message("exportConfig")
        destination = config.message("gcsDestination") if config else None
        uri = destination.text("outputUriPrefix") if destination else ""
        for each in (body, config, destination):
            if each is not None:
                each.finish()
        if not uri.startswith("gs://"):
            raise invalid(("export_config.gcs_destination", "It must be a gs:// URI."))
        titles = {problem: title for problem, (_, title) in ANNOTATIONS.items()}
        return operation_reply(self._engine.datasets.export_data(*self.named(request), uri, titles))


def _import_config(config: Fields) -> tuple[AnnotationKind, str, list[str], dict[str, str]]:
    """The kind of annotations, the annotation set that is named, the files, labels of images."""
    source = config.message("gcsSource")
    schema = config.text("importSchemaUri")
    labels = config.mapping("dataItemLabels")
    annotation_set = config.mapping("annotationLabels").get(SET_LABEL, "")
    uris = source.texts("uris") if source else []
    if source is not None:
        source.finish()
    config.finish()
    if not uris:
        raise invalid((config.path("gcsSource"), "Required field not set."))
    if schema not in IMPORT_KINDS:
        raise invalid((config.path("importSchemaUri"), "It is no schema of image annotations."))
    return IMPORT_KINDS[schema], annotation_set, uris, labels


def _schema_term(comparison: filters.Comparison) -> Term:
    """Match all datasets or none: all have the same schema."""
    all_match = (comparison.value == IMAGE_DATASET) != filters.is_negated(comparison)
    return compare("id", ">=" if all_match else "<", 0)
