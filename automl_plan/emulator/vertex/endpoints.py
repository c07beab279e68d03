"""Vertex AI v1: endpoints and deployments. Messages: endpoint.proto, endpoint_service.proto."""

import re
from collections.abc import Mapping

from automl_plan.emulator.endpoints import EndpointChange, NewDeployment, NewEndpoint
from automl_plan.emulator.engine import Engine
from automl_plan.emulator.errors import Code, ServiceError, invalid
from automl_plan.emulator.http import Reply, Request, json_reply
from automl_plan.emulator.limits import MAX_NODE_COUNT
from automl_plan.emulator.objects import Endpoint, Scope
from automl_plan.emulator.sql_filters import Compared, Term
from automl_plan.emulator.vertex import filters
from automl_plan.emulator.vertex.names import (
    check_list,
    check_named,
    last_segment,
    listed,
    number_of,
    parent,
    scope_of,
)
from automl_plan.emulator.vertex.operations import operation_reply
from automl_plan.emulator.wire.messages import Fields, body_fields
from automl_plan.emulator.wire.requests import (
    check_query,
    filled,
    masked,
    paging,
    parameter,
    timestamp,
)

_OUTPUT_FIELDS = ("name", "createTime", "updateTime", "deployedModels")


def render(endpoint: Endpoint) -> dict[str, object]:
    """An Endpoint message."""
    home = parent(endpoint.scope)
    return filled(
        {
            "name": f"{home}/endpoints/{endpoint.id}",
            "displayName": endpoint.display_name,
            "description": endpoint.description,
            "deployedModels": [
                {
                    "id": each.id,
                    "model": f"{home}/models/{each.model_id}",
                    "modelVersionId": "1",
                    "displayName": each.display_name,
                    "createTime": timestamp(each.created),
                    "automaticResources": {
                        "minReplicaCount": each.replicas,
                        "maxReplicaCount": each.max_replicas,
                    },
                }
                for each in endpoint.deployments
            ],
            "trafficSplit": dict(endpoint.traffic) or None,
            "etag": endpoint.etag,
            "labels": dict(endpoint.labels) or None,
            "createTime": timestamp(endpoint.created),
            "updateTime": timestamp(endpoint.updated),
        }
    )


class EndpointMethods:
    """The methods under `…/endpoints`, without predictions."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create(self, request: Request) -> Reply:
        """endpoints.create; `endpointId` may choose the id."""
        check_query(request, {"endpointId"})
        fields = body_fields(request.body, "endpoint")
        fields.ignore(*_OUTPUT_FIELDS, "etag")
        new = NewEndpoint(
            id=parameter(request, "endpointId") or "",
            display_name=fields.text("displayName"),
            description=fields.text("description"),
            labels=fields.mapping("labels"),
        )
        fields.finish()
        check_named("endpoint", new.display_name, new.labels, new.description)
        return operation_reply(self._engine.endpoints.create(scope_of(request.params), new))

    def get(self, request: Request) -> Reply:
        """endpoints.get."""
        check_query(request)
        return json_reply(render(self._engine.endpoints.get(*_named(request))))

    def list(self, request: Request) -> Reply:
        """endpoints.list; filters: endpoint, display_name, labels."""
        check_list(request, "gdcZone")
        asked = paging(request)
        terms = filters.read_filter(
            request,
            {
                "endpoint": _id_term,
                "display_name": filters.text("display_name"),
                "labels": filters.labels("labels"),
            },
        )
        page = self._engine.endpoints.list(scope_of(request.params), terms, asked.window)
        found = [render(endpoint) for endpoint in page.items]
        return listed(request, "endpoints", found, asked.token(page.next_before))

    def patch(self, request: Request) -> Reply:
        """endpoints.patch: display name, description, labels and traffic; answers the endpoint."""
        check_query(request, {"updateMask"})
        fields = body_fields(request.body, "endpoint")
        fields.ignore(*_OUTPUT_FIELDS)
        names = ("displayName", "description", "labels", "trafficSplit")
        mask = masked(request, {name: fields.has(name) for name in names})
        change = EndpointChange(
            display_name=fields.text("displayName") if "displayName" in mask else None,
            description=fields.text("description") if "description" in mask else None,
            labels=fields.mapping("labels") if "labels" in mask else None,
            traffic=fields.counts("trafficSplit") if "trafficSplit" in mask else None,
        )
        etag = fields.text("etag")
        fields.finish()
        check_named("endpoint", change.display_name, change.labels, change.description or "")
        endpoint = self._engine.endpoints.update(*_named(request), change, etag or None)
        return json_reply(render(endpoint))

    def delete(self, request: Request) -> Reply:
        """endpoints.delete; refused while anything is deployed there."""
        check_query(request)
        return operation_reply(self._engine.endpoints.delete(*_named(request)))

    def deploy(self, request: Request) -> Reply:
        """endpoints.deployModel, with automatic resources."""
        check_query(request)
        body = body_fields(request.body, "")
        deployed, traffic = body.message("deployedModel"), body.counts("trafficSplit")
        body.finish()
        if deployed is None:
            raise invalid(("deployed_model", "Required field not set."))
        scope, endpoint_id = _named(request)
        new = _new_deployment(scope, deployed, traffic)
        return operation_reply(self._engine.endpoints.deploy(scope, endpoint_id, new))

    def undeploy(self, request: Request) -> Reply:
        """endpoints.undeployModel."""
        check_query(request)
        body = body_fields(request.body, "")
        deployed_id, traffic = body.text("deployedModelId"), body.counts("trafficSplit")
        body.finish()
        if not deployed_id:
            raise invalid(("deployed_model_id", "Required field not set."))
        scope, endpoint_id = _named(request)
        return operation_reply(
            self._engine.endpoints.undeploy(scope, endpoint_id, deployed_id, traffic)
        )


def _named(request: Request) -> tuple[Scope, str]:
    return scope_of(request.params), request.params["endpoint"]


def _new_deployment(scope: Scope, deployed: Fields, traffic: Mapping[str, int]) -> NewDeployment:
    name = deployed.text("model").partition("@")[0]
    model = last_segment(scope, name, "models")
    shown, chosen = deployed.text("displayName"), deployed.text("id")
    if not re.fullmatch(r"[0-9]{0,10}", chosen, re.ASCII):
        raise invalid((deployed.path("id"), "It has at most 10 characters, all of them digits."))
    resources = deployed.message("automaticResources")
    deployed.ignore("createTime", "modelVersionId")
    deployed.finish()
    if resources is None:
        raise ServiceError(
            Code.UNIMPLEMENTED, "AutoML image models are deployed with automatic_resources."
        )
    low, high = resources.integer("minReplicaCount"), resources.integer("maxReplicaCount")
    resources.finish()
    replicas = 1 if low is None else low
    most = max(replicas, 1) if high is None else high
    if not 1 <= replicas <= most <= MAX_NODE_COUNT:
        raise invalid(
            (
                resources.path("minReplicaCount"),
                f"Replicas are 1 to {MAX_NODE_COUNT}, at most as many as maxReplicaCount.",
            )
        )
    return NewDeployment(chosen, number_of(model or ""), shown, replicas, most, traffic)


def _id_term(asked: filters.Comparison) -> Term:
    if asked.operator not in ("=", "!="):
        raise filters.bad(asked)
    return Compared("id", "!=" if asked.operator == "!=" else "=", asked.value)
