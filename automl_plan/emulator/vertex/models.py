"""Vertex AI v1: models. Messages: model.proto, model_service.proto."""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from automl_plan.emulator.clock import from_micros
from automl_plan.emulator.engine import Engine
from automl_plan.emulator.errors import invalid, precondition
from automl_plan.emulator.http import Reply, Request, json_reply
from automl_plan.emulator.limits import MODEL_TYPES
from automl_plan.emulator.objects import Change, Deployment, Model
from automl_plan.emulator.readings import DATA_STATS
from automl_plan.emulator.sql_filters import LabelColumn, Term
from automl_plan.emulator.versions import DEFAULT, check_aliases
from automl_plan.emulator.vertex import filters
from automl_plan.emulator.vertex.names import LISTS, check_named, model_name, scope_of
from automl_plan.emulator.vertex.operations import operation_reply
from automl_plan.emulator.vertex.schemas import EXPORT_FORMATS, MODEL_METADATA, PREDICT_SCHEMATA
from automl_plan.emulator.wire.messages import body_fields
from automl_plan.emulator.wire.names import parent
from automl_plan.emulator.wire.requests import (
    ORDERS,
    check_list,
    check_query,
    enums_as_numbers,
    list_reply,
    omit_empty,
    ordering,
    paging,
    timestamp,
)
from automl_plan.emulator.wire.resources import ResourceMethods

_LABELS: LabelColumn = "json_patch(labels, version_labels)"
_VERSIONS = ":listVersions"
_AUTOMATIC = (2, "AUTOMATIC_RESOURCES")
_ARTIFACT = (1, "ARTIFACT")
_AUTOML = (1, "AUTOML")
"""proto: Model.DeploymentResourcesType, ExportFormat.ExportableContent, ModelSourceType."""


def _render(
    model: Model,
    name: str,
    training: int | None,
    deployments: Sequence[tuple[str, Deployment]],
    *,
    enums: bool,
    stats: bool,
) -> dict[str, object]:
    """A Model message; `deployments` has (endpoint id, deployment) pairs."""
    labels = {**model.labels, **model.version_labels}
    created = from_micros(model.first) if model.first else model.created
    which = 0 if enums else 1
    home = parent(model.scope)
    formats = MODEL_TYPES[model.problem][model.model_type].formats
    names = {engine: vertex for vertex, engine in EXPORT_FORMATS.items()}
    return omit_empty(
        {
            "name": name,
            "versionId": str(model.number),
            "versionAliases": [*([DEFAULT] if model.is_default else []), *model.aliases],
            "versionCreateTime": timestamp(model.created),
            "versionUpdateTime": timestamp(model.updated),
            "displayName": model.display_name,
            "description": model.description,
            "versionDescription": model.version_description,
            "predictSchemata": PREDICT_SCHEMATA[model.problem],
            "metadataSchemaUri": MODEL_METADATA[model.problem],
            "supportedInputStorageFormats": ["jsonl"],
            "supportedOutputStorageFormats": ["jsonl"],
            "supportedExportFormats": [
                {"id": names[each], "exportableContents": [_ARTIFACT[which]]}
                for each in formats
                if each in names
            ],
            "trainingPipeline": training and f"{home}/trainingPipelines/{training}",
            "supportedDeploymentResourcesTypes": [_AUTOMATIC[which]],
            "createTime": timestamp(created),
            "updateTime": timestamp(model.updated),
            "deployedModels": [
                {"endpoint": f"{home}/endpoints/{endpoint}", "deployedModelId": deployment.id}
                for endpoint, deployment in deployments
            ],
            "etag": model.etag,
            "labels": labels or None,
            "metadata": metadata(model),
            "dataStats": _data_stats(model) if stats else None,
            "modelSourceInfo": {"sourceType": _AUTOML[which]},
        }
    )


_STATS = (
    *("trainingDataItemsCount", "validationDataItemsCount", "testDataItemsCount"),
    *("trainingAnnotationsCount", "validationAnnotationsCount", "testAnnotationsCount"),
)


def _data_stats(model: Model) -> dict[str, str] | None:
    """A Model.DataStats message; zeros are left out."""
    counts = zip(_STATS, model.data_stats, strict=False)
    return {name: str(count) for name, count in counts if count} or None


def metadata(model: Model) -> dict[str, object] | None:
    """Return the metadata of a model and its evaluations, which may be anything (proto: Value)."""
    if model.simulated:
        return {"simulated": True}
    return {"trainer": model.trainer, **model.training} if model.training else None


class VertexModels(ResourceMethods[Model, int]):
    """The methods under `…/models`; the filters are model, display_name, labels."""

    message = "model"
    list_field = "models"
    mutable = ("displayName", "description", "versionDescription", "labels")
    ignored = (
        *("name", "versionAliases", "artifactUri", "metadata", "dataStats"),
        *("metadataSchemaUri", "predictSchemata"),
    )
    list_parameters = LISTS
    orders = ORDERS

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine.models, scope_of, operation_reply)
        self._engine = engine

    def object_id(self, request: Request) -> int:
        return self._engine.versions.find(scope_of(request.params), request.params["model"])

    def terms(self, request: Request) -> Sequence[Term]:
        return filters.read_filter(
            request,
            {
                "model": filters.text("family"),
                "display_name": filters.text("display_name"),
                "base_model_name": filters.no_text,
                "labels": filters.labels(_LABELS),
            },
        )

    def check(self, change: Change) -> None:
        described = change.description or ""
        readings = self._engine.readings
        check_named(readings, "model", change.display_name, change.labels, described)

    def render(self, request: Request, items: Sequence[Model]) -> Sequence[Mapping[str, object]]:
        enums, stats = enums_as_numbers(request), self._engine.readings[DATA_STATS] == "counted"
        trainings = self._engine.models.trainings([each.id for each in items])
        deployments = self._engine.endpoints.deployments(scope_of(request.params))
        versions = request.path.endswith(_VERSIONS)
        return [
            _render(
                each,
                self._name(each, versioned=versions or not each.is_default),
                trainings.get(each.id),
                deployments.get(each.id, ()),
                enums=enums,
                stats=stats,
            )
            for each in items
        ]

    def _name(self, model: Model, *, versioned: bool) -> str:
        readings = self._engine.readings
        return model_name(readings, model.scope, model.family, model.number, versioned=versioned)

    def update(self, request: Request, change: Change, etag: str | None) -> Model:
        """Change the model, or one version if the path names one.

        Proto: UpdateModelRequest.model says what belongs to which; the others are refused.
        """
        scope, number = self.named(request)
        if request.params["model"].partition("@")[2] not in ("", "-"):
            return self._engine.versions.update(scope, number, change, etag)
        if change.version_description:
            raise precondition(
                "versionDescription belongs to a version. Name the model as MODEL@VERSION."
            )
        change = replace(change, version_description=None)
        return self._engine.models.update(scope, number, change, etag)

    def list_versions(self, request: Request) -> Reply:
        """List the versions of a model; the filter is labels."""
        check_list(request, LISTS)
        by_time = {name: ORDERS[name] for name in ("create_time", "update_time")}
        page = paging(request, order=ordering(request, by_time))
        scope, number = self.named(request)
        terms = filters.read_filter(request, {"labels": filters.labels(_LABELS)})
        found = self._engine.versions.list(scope, number, terms, page.window)
        messages = self.render(request, found.items)
        return list_reply(request, self.list_field, messages, page.token(found.next_before))

    def delete_version(self, request: Request) -> Reply:
        """Delete the version that the path names."""
        check_query(request)
        self._check_versioned(request)
        return operation_reply(self._engine.versions.delete(*self.named(request)))

    def merge_aliases(self, request: Request) -> Reply:
        """Add aliases to the version that the path names, and remove others."""
        check_query(request)
        self._check_versioned(request)
        body = body_fields(request, "")
        given = body.texts("versionAliases")
        body.finish()
        if not given:
            raise invalid(("version_aliases", "Required field not set."))
        check_aliases("version_aliases", [alias.removeprefix("-") for alias in given])
        changed = self._engine.versions.merge_aliases(*self.named(request), given)
        [message] = self.render(request, [changed])
        return json_reply(message)

    def _check_versioned(self, request: Request) -> None:
        if not request.params["model"].partition("@")[2]:
            raise invalid(("name", "It must name a version, as models/MODEL@VERSION does."))

    def export(self, request: Request) -> Reply:
        """Export a model whose type can be exported."""
        check_query(request)
        body = body_fields(request, "")
        config = body.message("outputConfig")
        wanted = config.text("exportFormatId") if config else ""
        destination = config.message("artifactDestination") if config else None
        uri = destination.text("outputUriPrefix") if destination else ""
        for each in (body, config, destination):
            if each is not None:
                each.finish()
        if not uri.startswith("gs://"):
            raise invalid(("output_config.artifact_destination", "It must be a gs:// URI."))
        scope, number = self.named(request)
        model = self._engine.models.get(scope, number)
        formats = MODEL_TYPES[model.problem][model.model_type].formats
        chosen = EXPORT_FORMATS.get(wanted, wanted)
        if chosen not in formats:
            allowed = ", ".join(k for k, v in EXPORT_FORMATS.items() if v in formats) or "none"
            raise invalid(("output_config.export_format_id", f"It can be exported as: {allowed}."))
        return operation_reply(self._engine.models.export(scope, number, chosen, uri))
