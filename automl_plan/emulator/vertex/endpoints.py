"""Vertex AI v1: endpoints and deployments. Messages: endpoint.proto, endpoint_service.proto."""

import re
from collections.abc import Mapping, Sequence

from automl_plan.emulator.endpoints import NewDeployment, NewEndpoint
from automl_plan.emulator.engine import Engine
from automl_plan.emulator.errors import Code, ServiceError, invalid
from automl_plan.emulator.http import Reply, Request
from automl_plan.emulator.limits import MAX_NODE_COUNT
from automl_plan.emulator.objects import Change, Deployment, Endpoint, Scope
from automl_plan.emulator.readings import Readings
from automl_plan.emulator.sql_filters import Term
from automl_plan.emulator.vertex import filters
from automl_plan.emulator.vertex.names import LISTS, check_named, model_key, model_name, scope_of
from automl_plan.emulator.vertex.operations import operation_reply
from automl_plan.emulator.wire.messages import Fields, body_fields, camel
from automl_plan.emulator.wire.names import parent
from automl_plan.emulator.wire.requests import ORDERS, check_query, omit_empty, parameter, timestamp
from automl_plan.emulator.wire.resources import ResourceMethods

_LEAST, _MOST = (f"automaticResources.{which}ReplicaCount" for which in ("min", "max"))


def _render(endpoint: Endpoint, readings: Readings) -> dict[str, object]:
    """An Endpoint message."""
    home = parent(endpoint.scope)
    return omit_empty(
        {
            "name": f"{home}/endpoints/{endpoint.id}",
            "displayName": endpoint.display_name,
            "description": endpoint.description,
            "deployedModels": [
                {
                    "id": each.id,
                    "model": model_name(readings, endpoint.scope, each.family, each.version),
                    "modelVersionId": str(each.version),
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


class VertexEndpoints(ResourceMethods[Endpoint, str]):
    """The methods under `…/endpoints`; the filters are endpoint, display_name, labels."""

    message = "endpoint"
    list_field = "endpoints"
    mutable = ("displayName", "description", "labels", "trafficSplit")
    ignored = ("name",)
    list_parameters = LISTS
    orders = ORDERS

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine.endpoints, scope_of, operation_reply)
        self._engine = engine

    def object_id(self, request: Request) -> str:
        return request.params["endpoint"]

    def terms(self, request: Request) -> Sequence[Term]:
        return filters.read_filter(
            request,
            {
                "endpoint": filters.text("id"),
                "display_name": filters.text("display_name"),
                "base_model_name": filters.no_text,
                "labels": filters.labels("labels"),
            },
        )

    def check(self, change: Change) -> None:
        check_named(
            self._engine.readings,
            *("endpoint", change.display_name, change.labels, change.description or ""),
        )

    def render(
        self,
        request: Request,  # noqa: ARG002 - other kinds need it
        items: Sequence[Endpoint],
    ) -> Sequence[Mapping[str, object]]:
        return [_render(endpoint, self._engine.readings) for endpoint in items]

    def create(self, request: Request) -> Reply:
        """Create an endpoint; `endpointId` may set its id."""
        check_query(request, {"endpointId"})
        fields = body_fields(request, "endpoint")
        fields.ignore("name", "etag")
        new = NewEndpoint(
            id=parameter(request, "endpointId") or "",
            display_name=fields.text("displayName"),
            description=fields.text("description"),
            labels=fields.mapping("labels"),
        )
        fields.finish()
        readings = self._engine.readings
        check_named(readings, "endpoint", new.display_name, new.labels, new.description)
        return operation_reply(self._engine.endpoints.create(scope_of(request.params), new))

    def deploy(self, request: Request) -> Reply:
        """Deploy a model, with automatic resources."""
        check_query(request)
        body = body_fields(request, "")
        deployed, traffic = body.message("deployedModel"), body.counts("trafficSplit")
        body.finish()
        if deployed is None:
            raise invalid(("deployed_model", "Required field not set."))
        scope, endpoint_id = self.named(request)
        new = self._new_deployment(scope, deployed, traffic)
        return operation_reply(self._engine.endpoints.deploy(scope, endpoint_id, new))

    def undeploy(self, request: Request) -> Reply:
        check_query(request)
        body = body_fields(request, "")
        deployed_id, traffic = body.text("deployedModelId"), body.counts("trafficSplit")
        body.finish()
        if not deployed_id:
            raise invalid(("deployed_model_id", "Required field not set."))
        scope, endpoint_id = self.named(request)
        return operation_reply(
            self._engine.endpoints.undeploy(scope, endpoint_id, deployed_id, traffic)
        )

    def mutate(self, request: Request) -> Reply:
        """Change the replicas of a deployed model; the mask names one or both of their numbers."""
        check_query(request)
        body = body_fields(request, "")
        deployed, mask = body.message("deployedModel"), body.text("updateMask")
        body.finish()
        for name, given in (("deployed_model", deployed), ("update_mask", mask)):
            if not given:
                raise invalid((name, "Required field not set."))
        assert deployed is not None  # noqa: S101 - as checked
        paths = {camel(path.strip()) for path in mask.split(",")}
        if "automaticResources" in paths:
            paths = {_LEAST, _MOST}
        if not paths <= {_LEAST, _MOST}:
            text = "Only the minReplicaCount and maxReplicaCount of automaticResources can change."
            raise invalid(("update_mask", text))
        deployed.ignore("model", "displayName", "createTime", "modelVersionId")
        deployment_id, resources = deployed.text("id"), deployed.message("automaticResources")
        low = resources.integer("minReplicaCount") if resources else None
        high = resources.integer("maxReplicaCount") if resources else None
        for each in (resources, deployed):
            if each is not None:
                each.finish()
        if not deployment_id:
            raise invalid(("deployed_model.id", "Required field not set."))

        def change(old: Deployment) -> tuple[int, int]:
            least = old.replicas if _LEAST not in paths or low is None else low
            most = old.max_replicas if _MOST not in paths or high is None else high
            return _checked("deployed_model.automatic_resources", least, most)

        scope, endpoint_id = self.named(request)
        return operation_reply(
            self._engine.endpoints.mutate(scope, endpoint_id, deployment_id, change)
        )

    def _new_deployment(
        self, scope: Scope, deployed: Fields, traffic: Mapping[str, int]
    ) -> NewDeployment:
        model = model_key(self._engine, scope, deployed.text("model"))
        shown, chosen = deployed.text("displayName"), deployed.text("id")
        if not re.fullmatch(r"[0-9]{0,10}", chosen, re.ASCII):
            raise invalid(
                (deployed.path("id"), "It has at most 10 characters, all of them digits.")
            )
        resources = deployed.message("automaticResources")
        deployed.finish()
        if resources is None:
            raise ServiceError(
                Code.UNIMPLEMENTED, "AutoML image models are deployed with automatic_resources."
            )
        low, high = resources.integer("minReplicaCount"), resources.integer("maxReplicaCount")
        resources.finish()
        replicas = 1 if low is None else low
        most = max(replicas, 1) if high is None else high
        _checked(resources.path("minReplicaCount"), replicas, most)
        return NewDeployment(chosen, model, shown, replicas, most, traffic)


def _checked(path: str, replicas: int, most: int) -> tuple[int, int]:
    """Return numbers of replicas that are within their limits; `path` names them in errors."""
    if not 1 <= replicas <= most <= MAX_NODE_COUNT:
        limits = f"Replicas are 1 to {MAX_NODE_COUNT}, at most as many as maxReplicaCount."
        raise invalid((path, limits))
    return replicas, most
