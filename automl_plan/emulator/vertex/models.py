"""Vertex AI v1: models. Messages: model.proto, model_service.proto."""

from collections.abc import Sequence

from automl_plan.emulator.engine import Engine
from automl_plan.emulator.errors import invalid
from automl_plan.emulator.http import Reply, Request, json_reply
from automl_plan.emulator.limits import MODEL_TYPES
from automl_plan.emulator.models import ModelChange
from automl_plan.emulator.objects import Deployment, Model, Scope
from automl_plan.emulator.sql_filters import Condition, Term
from automl_plan.emulator.training.simulated_trainer import SimulatedTrainer
from automl_plan.emulator.vertex import filters
from automl_plan.emulator.vertex.names import (
    check_list,
    check_named,
    listed,
    number_of,
    parent,
    scope_of,
)
from automl_plan.emulator.vertex.operations import operation_reply
from automl_plan.emulator.vertex.schemata import EXPORT_FORMATS
from automl_plan.emulator.wire.messages import body_fields
from automl_plan.emulator.wire.requests import (
    check_query,
    enums_as_numbers,
    filled,
    masked,
    paging,
    timestamp,
)

_AUTOMATIC = (2, "AUTOMATIC_RESOURCES")
_ARTIFACT = (1, "ARTIFACT")
_AUTOML = (1, "AUTOML")
"""proto: Model.DeploymentResourcesType, ExportFormat.ExportableContent, ModelSourceType."""
_OUTPUT_FIELDS = (
    *("name", "versionId", "versionAliases", "versionCreateTime", "versionUpdateTime"),
    *("createTime", "updateTime", "trainingPipeline", "deployedModels", "modelSourceInfo"),
    *("supportedExportFormats", "supportedDeploymentResourcesTypes", "artifactUri", "metadata"),
)


def render(
    model: Model,
    training: int | None,
    serving: Sequence[tuple[str, Deployment]],
    *,
    enums: bool,
) -> dict[str, object]:
    """A Model message; `serving` says at which endpoints it is deployed."""
    which = 0 if enums else 1
    home = parent(model.scope)
    formats = MODEL_TYPES[model.problem][model.model_type].formats
    names = {engine: vertex for vertex, engine in EXPORT_FORMATS.items()}
    return filled(
        {
            "name": f"{home}/models/{model.id}",
            "versionId": "1",
            "versionAliases": ["default"],
            "versionCreateTime": timestamp(model.created),
            "versionUpdateTime": timestamp(model.updated),
            "displayName": model.display_name,
            "supportedExportFormats": [
                {"id": names[each], "exportableContents": [_ARTIFACT[which]]}
                for each in formats
                if each in names
            ],
            "trainingPipeline": training and f"{home}/trainingPipelines/{training}",
            "supportedDeploymentResourcesTypes": [_AUTOMATIC[which]],
            "createTime": timestamp(model.created),
            "updateTime": timestamp(model.updated),
            "deployedModels": [
                {"endpoint": f"{home}/endpoints/{endpoint}", "deployedModelId": deployment.id}
                for endpoint, deployment in serving
            ],
            "etag": model.etag,
            "labels": dict(model.labels) or None,
            "metadata": metadata(model),
            "modelSourceInfo": {"sourceType": _AUTOML[which]},
        }
    )


def metadata(model: Model) -> dict[str, object] | None:
    """What the API leaves free to say of a model, and of its evaluations (proto: Value)."""
    return {"simulated": True} if model.trainer == SimulatedTrainer.name else None


class ModelMethods:
    """The methods under `…/models`, without evaluations."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def get(self, request: Request) -> Reply:
        """models.get; `@1`, `@default` and no version are the same."""
        check_query(request)
        return self._reply(request, self._engine.models.get(*named(request)))

    def list(self, request: Request) -> Reply:
        """models.list; filters: model, display_name, labels."""
        check_list(request)
        scope, asked = scope_of(request.params), paging(request)
        terms = filters.read_filter(
            request,
            {
                "model": _id_term,
                "display_name": filters.text("display_name"),
                "labels": filters.labels("labels"),
            },
        )
        page = self._engine.models.list(scope, terms, asked.window)
        trainings = self._engine.models.trainings([each.id for each in page.items])
        serving = self._engine.endpoints.serving(scope)
        enums = enums_as_numbers(request)
        found = [
            render(each, trainings.get(each.id), serving.get(each.id, ()), enums=enums)
            for each in page.items
        ]
        return listed(request, "models", found, asked.token(page.next_before))

    def patch(self, request: Request) -> Reply:
        """models.patch: display name and labels; answers the model."""
        check_query(request, {"updateMask"})
        fields = body_fields(request.body, "model")
        fields.ignore(*_OUTPUT_FIELDS)
        mask = masked(request, {name: fields.has(name) for name in ("displayName", "labels")})
        change = ModelChange(
            display_name=fields.text("displayName") if "displayName" in mask else None,
            labels=fields.mapping("labels") if "labels" in mask else None,
        )
        etag = fields.text("etag")
        fields.finish()
        check_named("model", change.display_name, change.labels)
        model = self._engine.models.update(*named(request), change, etag or None)
        return self._reply(request, model)

    def delete(self, request: Request) -> Reply:
        """models.delete; refused while an endpoint serves it."""
        check_query(request)
        return operation_reply(self._engine.models.delete(*named(request)))

    def export(self, request: Request) -> Reply:
        """models.export, for types that can be exported."""
        check_query(request)
        body = body_fields(request.body, "")
        config = body.message("outputConfig")
        wanted = config.text("exportFormatId") if config else ""
        destination = config.message("artifactDestination") if config else None
        uri = destination.text("outputUriPrefix") if destination else ""
        for each in (body, config, destination):
            if each is not None:
                each.finish()
        if not uri.startswith("gs://"):
            raise invalid(("output_config.artifact_destination", "It must be a gs:// URI."))
        scope, number = named(request)
        model = self._engine.models.get(scope, number)
        formats = MODEL_TYPES[model.problem][model.model_type].formats
        chosen = EXPORT_FORMATS.get(wanted, wanted)
        if chosen not in formats:
            allowed = ", ".join(k for k, v in EXPORT_FORMATS.items() if v in formats) or "none"
            raise invalid(("output_config.export_format_id", f"It can be exported as: {allowed}."))
        return operation_reply(self._engine.models.export(scope, number, chosen, uri))

    def _reply(self, request: Request, model: Model) -> Reply:
        training = self._engine.models.trainings([model.id]).get(model.id)
        serving = self._engine.endpoints.serving(model.scope).get(model.id, ())
        return json_reply(render(model, training, serving, enums=enums_as_numbers(request)))


def named(request: Request) -> tuple[Scope, int]:
    """The scope and the number of the model that a path names, with or without a version."""
    model, _, version = request.params["model"].partition("@")
    number = number_of(model) if version in ("", "1", "default") else 0
    return scope_of(request.params), number


def _id_term(asked: filters.Comparison) -> Term:
    if asked.operator not in ("=", "!="):
        raise filters.bad(asked)
    return Condition("id", number_of(asked.value), asked.operator == "!=")
