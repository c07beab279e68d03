"""Vertex AI v1: datasets. Messages: dataset.proto, dataset_service.proto."""

from automl_plan.emulator.datasets import AnnotationKind, DatasetChange, NewDataset
from automl_plan.emulator.engine import Engine
from automl_plan.emulator.errors import Code, ServiceError, invalid
from automl_plan.emulator.http import Reply, Request, json_reply
from automl_plan.emulator.objects import Dataset, Scope
from automl_plan.emulator.sql_filters import Compared
from automl_plan.emulator.training.types import Problem
from automl_plan.emulator.vertex import filters
from automl_plan.emulator.vertex.names import (
    check_list,
    check_named,
    listed,
    number_of,
    parent,
    scope_of,
    shown,
)
from automl_plan.emulator.vertex.operations import operation_reply
from automl_plan.emulator.vertex.schemata import IMAGE_DATASET, IMAGE_ITEM, IMPORT_KINDS
from automl_plan.emulator.wire.messages import Fields, body_fields
from automl_plan.emulator.wire.requests import check_query, filled, masked, paging, timestamp

_MAX_IMPORTS = 100
_OUTPUT_FIELDS = ("name", "createTime", "updateTime", "dataItemCount", "metadataArtifact")


def render(dataset: Dataset) -> dict[str, object]:
    """A Dataset message. What its images are labelled for is not a part of it."""
    return filled(
        {
            "name": f"{parent(dataset.scope)}/datasets/{dataset.id}",
            "displayName": dataset.display_name,
            "description": dataset.description,
            "metadataSchemaUri": IMAGE_DATASET,
            "metadata": {"dataItemSchemaUri": IMAGE_ITEM},
            "dataItemCount": str(dataset.example_count) if dataset.example_count else None,
            "createTime": timestamp(dataset.created),
            "updateTime": timestamp(dataset.created),
            "etag": dataset.etag,
            "labels": dict(dataset.labels) or None,
        }
    )


class DatasetMethods:
    """The methods under `…/datasets`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create(self, request: Request) -> Reply:
        """datasets.create, of image datasets.

        Google's own example leaves out `metadata`, which the proto calls required.
        """
        check_query(request)
        scope = scope_of(request.params)
        fields = body_fields(request.body, "dataset")
        fields.ignore(*_OUTPUT_FIELDS, "etag")
        schema = fields.text("metadataSchemaUri")
        metadata = fields.message("metadata")
        new = NewDataset(
            problem=Problem.IMAGE_CLASSIFICATION,  # the first import says what it is
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
        check_named("dataset", new.display_name, new.labels, new.description)
        return operation_reply(self._engine.datasets.create(scope, new))

    def get(self, request: Request) -> Reply:
        """datasets.get."""
        check_query(request, {"readMask"})
        return json_reply(shown(request, render(self._engine.datasets.get(*_named(request)))))

    def list(self, request: Request) -> Reply:
        """datasets.list; filters: display_name, metadata_schema_uri, labels."""
        check_list(request)
        asked = paging(request)
        terms = filters.read_filter(
            request,
            {
                "display_name": filters.text("display_name"),
                "metadata_schema_uri": _schema_term,
                "labels": filters.labels("labels"),
            },
        )
        page = self._engine.datasets.list(scope_of(request.params), terms, asked.window)
        found = [render(dataset) for dataset in page.items]
        return listed(request, "datasets", found, asked.token(page.next_before))

    def patch(self, request: Request) -> Reply:
        """datasets.patch: display name, description and labels; answers the dataset."""
        check_query(request, {"updateMask"})
        fields = body_fields(request.body, "dataset")
        fields.ignore(*_OUTPUT_FIELDS, "metadata", "metadataSchemaUri")
        given = {name: fields.has(name) for name in ("displayName", "description", "labels")}
        mask = masked(request, given)
        change = DatasetChange(
            display_name=fields.text("displayName") if "displayName" in mask else None,
            description=fields.text("description") if "description" in mask else None,
            labels=fields.mapping("labels") if "labels" in mask else None,
        )
        etag = fields.text("etag")
        fields.finish()
        check_named("dataset", change.display_name, change.labels, change.description or "")
        dataset = self._engine.datasets.update(*_named(request), change, etag or None)
        return json_reply(render(dataset))

    def delete(self, request: Request) -> Reply:
        """datasets.delete."""
        check_query(request)
        return operation_reply(self._engine.datasets.delete(*_named(request)))

    def import_data(self, request: Request) -> Reply:
        """datasets.import: one kind of annotation in all its configs."""
        check_query(request)
        body = body_fields(request.body, "")
        configs = body.messages("importConfigs")
        body.finish()
        if not 1 <= len(configs) <= _MAX_IMPORTS:
            raise invalid(("import_configs", f"There must be 1 to {_MAX_IMPORTS} of them."))
        uris: list[str] = []
        kinds = set()
        for config in configs:
            kind, sources = _import_config(config)
            kinds.add(kind)
            uris += sources
        if len(kinds) > 1:
            raise ServiceError(Code.UNIMPLEMENTED, "The emulator imports one kind at once.")
        return operation_reply(
            self._engine.datasets.import_data(*_named(request), uris, kinds.pop())
        )

    def export_data(self, request: Request) -> Reply:
        """datasets.export, as a CSV file."""
        check_query(request)
        body = body_fields(request.body, "")
        config = body.message("exportConfig")
        destination = config.message("gcsDestination") if config else None
        uri = destination.text("outputUriPrefix") if destination else ""
        for each in (body, config, destination):
            if each is not None:
                each.finish()
        if not uri.startswith("gs://"):
            raise invalid(("export_config.gcs_destination", "It must be a gs:// URI."))
        return operation_reply(self._engine.datasets.export_data(*_named(request), uri))


def _named(request: Request) -> tuple[Scope, int]:
    return scope_of(request.params), number_of(request.params["dataset"])


def _import_config(config: Fields) -> tuple[AnnotationKind, list[str]]:
    source = config.message("gcsSource")
    schema = config.text("importSchemaUri")
    config.mapping("dataItemLabels")
    config.mapping("annotationLabels")
    uris = source.texts("uris") if source else []
    if source is not None:
        source.finish()
    config.finish()
    if not uris:
        raise invalid((config.path("gcsSource"), "Required field not set."))
    if schema not in IMPORT_KINDS:
        raise invalid((config.path("importSchemaUri"), "It is no schema of image annotations."))
    return IMPORT_KINDS[schema], uris


def _schema_term(asked: filters.Comparison) -> Compared:
    """All datasets have the one schema."""
    if asked.operator not in ("=", "!="):
        raise filters.bad(asked)
    fits = (asked.value == IMAGE_DATASET) == (asked.operator == "=")
    return Compared("id", ">=" if fits else "<", 0)
