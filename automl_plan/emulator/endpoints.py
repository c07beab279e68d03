"""Endpoints: create, read, change and delete them; deploy models to them and split traffic."""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from sqlite3 import Connection
from typing import cast

from msgspec import Struct
from msgspec.structs import asdict

from automl_plan.emulator.clock import to_micros
from automl_plan.emulator.errors import (
    Code,
    ServiceError,
    invalid,
    not_found,
    precondition,
    required,
)
from automl_plan.emulator.jobs import Cancellation
from automl_plan.emulator.lifespan import expired, too_old
from automl_plan.emulator.objects import (
    Change,
    Deployment,
    Endpoint,
    Model,
    ObjectKind,
    ObjectRef,
    Operation,
    OperationKind,
    Scope,
    new_id,
)
from automl_plan.emulator.operations import Context, Manager, in_order
from automl_plan.emulator.rows import (
    Page,
    Window,
    apply_change,
    column,
    insert,
    is_running,
    read_row,
    select,
    select_page,
)
from automl_plan.emulator.sql_filters import Term

_NO_ENDPOINT = "The endpoint does not exist."
_NO_DEPLOYMENT = "The deployed model does not exist at this endpoint."
_NEW_DEPLOYMENT = "0"
"""The id of the new deployment in the traffic split of its request (proto: DeployModelRequest)."""
_CHOSEN_ID = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?|[1-9][0-9]{0,8}", re.ASCII)


class NewEndpoint(Struct, frozen=True):
    """What an endpoint is created from; an empty id means that the service chooses one."""

    id: str
    display_name: str
    description: str
    labels: Mapping[str, str]


class NewDeployment(Struct, frozen=True):
    """A deployment to create; for an empty id one is chosen, an empty split changes no traffic."""

    id: str
    model_id: int
    display_name: str
    replicas: int
    max_replicas: int
    traffic: Mapping[str, int]


class Endpoints(Manager):
    """The endpoints of all scopes, and their deployments."""

    def __init__(self, context: Context) -> None:
        runners = {
            OperationKind.CREATE_ENDPOINT: self._run_create,
            OperationKind.DELETE_ENDPOINT: self._run_delete,
            OperationKind.DEPLOY_TO_ENDPOINT: self._run_deploy,
            OperationKind.UNDEPLOY_FROM_ENDPOINT: self._run_undeploy,
            OperationKind.MUTATE_DEPLOYMENT: self._run_mutate,
        }
        super().__init__(context, runners)

    def create(self, scope: Scope, new: NewEndpoint) -> Operation:
        """Create an endpoint; it appears when the operation is done."""
        if new.id and not _CHOSEN_ID.fullmatch(new.id):
            raise invalid(("endpoint_id", "It must be [a-z][a-z0-9-]*, or up to 9 digits."))
        with self._store.transaction() as db:
            number = new_id(db)
            endpoint_id = new.id or str(number)
            exists = select(db, Endpoint, scope, endpoint_id) is not None
            if exists or is_running(
                db, scope, OperationKind.CREATE_ENDPOINT, endpoint_id=endpoint_id
            ):
                raise ServiceError(Code.ALREADY_EXISTS, f"The endpoint {endpoint_id} exists.")
            spec = {**asdict(new), "endpoint": number, "endpoint_id": endpoint_id}
            target = ObjectRef(ObjectKind.ENDPOINT, number)
            kind = OperationKind.CREATE_ENDPOINT
            return self._operations.begin(db, scope, kind, None, spec, [target])

    def get(self, scope: Scope, endpoint_id: str) -> Endpoint:
        """Return the endpoint of that id."""
        with self._store.reading() as db:
            return self._existing(db, scope, endpoint_id)

    def deployments(self, scope: Scope) -> dict[int, list[tuple[str, Deployment]]]:
        """Return all deployments of a scope by model, each with the id of its endpoint."""
        found: dict[int, list[tuple[str, Deployment]]] = {}
        with self._store.reading() as db:
            self._lifespans.settle()
            for row in db.execute(
                "SELECT d.*, e.id AS endpoint_id, m.family, m.number AS version "
                "FROM deployments d JOIN endpoints e ON e.number = d.endpoint "
                "JOIN models m ON m.id = d.model_id "
                "WHERE e.api = ? AND e.project = ? AND e.location = ? ORDER BY d.seq",
                tuple(scope),
            ):
                place = (row["endpoint_id"], read_row(row, Deployment))
                found.setdefault(row["model_id"], []).append(place)
        return found

    def list(self, scope: Scope, terms: Sequence[Term], window: Window) -> Page[Endpoint]:
        """Return endpoints, newest first."""
        with self._store.reading() as db:
            self._lifespans.settle()
            return select_page(db, Endpoint, scope, terms, in_order(window, self._readings))

    def update(self, scope: Scope, endpoint_id: str, change: Change, etag: str | None) -> Endpoint:
        """Change fields; with an etag, only if it is the current one."""
        with self._store.transaction() as db:
            old = self._existing(db, scope, endpoint_id)
            if change.traffic is not None and (not etag or etag == old.etag):
                _check_traffic(change.traffic, {each.id for each in old.deployments})
            return apply_change(db, old, change, etag, self._clock.now())

    def delete(self, scope: Scope, endpoint_id: str) -> Operation:
        """Delete an endpoint; refused while models are deployed there."""
        with self._store.transaction() as db:
            endpoint = self._existing(db, scope, endpoint_id)
            target = ObjectRef(ObjectKind.ENDPOINT, endpoint.number)
            busy = self._operations.running_on(db, target, [OperationKind.DEPLOY_TO_ENDPOINT])
            if endpoint.deployments or busy:
                raise precondition(
                    "The endpoint can't be deleted while models are deployed there. Undeploy them."
                )
            kind, spec = OperationKind.DELETE_ENDPOINT, _ids(endpoint)
            return self._operations.begin(db, scope, kind, None, spec, [target])

    def deploy(self, scope: Scope, endpoint_id: str, new: NewDeployment) -> Operation:
        """Deploy a model to an endpoint."""
        running_on = self._operations.running_on
        with self._store.transaction() as db:
            endpoint = self._existing(db, scope, endpoint_id)
            target = ObjectRef(ObjectKind.ENDPOINT, endpoint.number)
            if running_on(db, target, [OperationKind.DELETE_ENDPOINT]):
                raise not_found(_NO_ENDPOINT)
            model = select(db, Model, scope, new.model_id)
            on_model = ObjectRef(ObjectKind.MODEL, new.model_id)
            if model is None or running_on(db, on_model, [OperationKind.DELETE_MODEL]):
                raise not_found("The model does not exist.")
            if expired(model.created, self._clock.now()):
                raise too_old()
            ids = {each.id for each in endpoint.deployments}
            if new.id in ids or is_running(
                db,
                endpoint.scope,
                OperationKind.DEPLOY_TO_ENDPOINT,
                endpoint=endpoint.number,
                deployment_id=new.id,
            ):
                raise ServiceError(Code.ALREADY_EXISTS, f"The deployed model {new.id} exists.")
            if new.traffic:
                _check_traffic(new.traffic, ids | {_NEW_DEPLOYMENT})
            spec = {
                **asdict(new),
                **_ids(endpoint),
                "family": model.family,
                "deployment_id": new.id or str(new_id(db)),
                "display_name": new.display_name or model.display_name,
            }
            kind = OperationKind.DEPLOY_TO_ENDPOINT
            return self._operations.begin(db, scope, kind, None, spec, [target, on_model])

    def undeploy(
        self, scope: Scope, endpoint_id: str, deployment_id: str, traffic: Mapping[str, int]
    ) -> Operation:
        """Undeploy a model from an endpoint; an empty traffic split leaves the traffic as it is."""
        with self._store.transaction() as db:
            endpoint = self._existing(db, scope, endpoint_id)
            ids = {each.id: each.model_id for each in endpoint.deployments}
            model_id = ids.pop(deployment_id, None)
            if model_id is None:
                raise not_found(_NO_DEPLOYMENT)
            if traffic:
                _check_traffic(traffic, set(ids))
            elif ids and endpoint.traffic.get(deployment_id):
                raise precondition(
                    "The deployed model still gets traffic. Move its traffic to another one."
                )
            spec = {
                **_ids(endpoint),
                "deployment_id": deployment_id,
                "model_id": model_id,
                "traffic": traffic,
            }
            targets = [
                ObjectRef(ObjectKind.ENDPOINT, endpoint.number),
                ObjectRef(ObjectKind.MODEL, model_id),
            ]
            kind = OperationKind.UNDEPLOY_FROM_ENDPOINT
            return self._operations.begin(db, scope, kind, None, spec, targets)

    def mutate(
        self,
        scope: Scope,
        endpoint_id: str,
        deployment_id: str,
        change: Callable[[Deployment], tuple[int, int]],
    ) -> Operation:
        """Change the replicas of a deployment to what `change` returns: the least, the most."""
        with self._store.transaction() as db:
            endpoint = self._existing(db, scope, endpoint_id)
            found = [each for each in endpoint.deployments if each.id == deployment_id]
            if not found:
                raise not_found(_NO_DEPLOYMENT)
            [old] = found
            replicas, most = change(old)
            spec = {
                **_ids(endpoint),
                "deployment_id": deployment_id,
                "model_id": old.model_id,
                "family": old.family,
                "display_name": old.display_name,
                "replicas": replicas,
                "max_replicas": most,
            }
            targets = [
                ObjectRef(ObjectKind.ENDPOINT, endpoint.number),
                ObjectRef(ObjectKind.MODEL, old.model_id),
            ]
            kind = OperationKind.MUTATE_DEPLOYMENT
            return self._operations.begin(db, scope, kind, None, spec, targets)

    def choose_deployment(self, scope: Scope, endpoint_id: str) -> Deployment:
        """Return the deployment that answers a request, drawn by the traffic split."""
        endpoint = self.get(scope, endpoint_id)
        shares = [endpoint.traffic.get(each.id, 0) for each in endpoint.deployments]
        if not any(shares):
            raise precondition("No model that is deployed at the endpoint gets any traffic.")
        return random.choices(endpoint.deployments, shares)[0]  # noqa: S311 - no secret

    def _existing(self, db: Connection, scope: Scope, endpoint_id: str) -> Endpoint:
        self._lifespans.settle()
        return required(select(db, Endpoint, scope, endpoint_id), _NO_ENDPOINT)

    def _run_create(self, operation: Operation, _: Cancellation) -> None:
        spec = operation.spec
        columns = {
            "number": spec["endpoint"],
            "id": spec["endpoint_id"],
            **operation.scope._asdict(),
            "display_name": spec["display_name"],
            "description": spec["description"],
            "labels": spec["labels"],
            "version": 1,
            "created": operation.created,
            "updated": operation.created,
            "traffic": {},
        }
        with self._store.transaction() as db:
            insert(db, "endpoints", columns)
            created = ObjectRef(ObjectKind.ENDPOINT, cast("int", spec["endpoint"]))
            self._operations.finish(db, operation, result=created)

    def _run_delete(self, operation: Operation, _: Cancellation) -> None:
        with self._store.transaction() as db:
            db.execute("DELETE FROM endpoints WHERE number = ?", (operation.spec["endpoint"],))
            self._operations.finish(db, operation)

    def _run_deploy(self, operation: Operation, cancellation: Cancellation) -> None:
        self._wait_for_nodes(operation, cancellation)
        spec = operation.spec
        model_id = cast("int", spec["model_id"])
        with self._store.transaction() as db:
            endpoint = self._existing(db, operation.scope, cast("str", spec["endpoint_id"]))
            model = select(db, Model, operation.scope, model_id)
            if model is None or expired(model.created, self._clock.now()):
                raise too_old()
            names = ("display_name", "replicas", "max_replicas", "model_id", "endpoint")
            chosen = {name: spec[name] for name in names}
            columns = {"id": spec["deployment_id"], "created": self._clock.now(), **chosen}
            insert(db, "deployments", columns)
            split = cast("Mapping[str, int]", spec["traffic"])
            new = cast("str", spec["deployment_id"])
            named = {new if key == _NEW_DEPLOYMENT else key: n for key, n in split.items()}
            self._write_traffic(db, endpoint, named or endpoint.traffic)
            self._meter(db, operation, model_id)
            self._operations.finish(db, operation)

    def _run_undeploy(self, operation: Operation, _: Cancellation) -> None:
        spec = operation.spec
        with self._store.transaction() as db:
            self._lifespans.settle()
            endpoint = select(db, Endpoint, operation.scope, cast("str", spec["endpoint_id"]))
            db.execute(
                "DELETE FROM deployments WHERE endpoint = ? AND id = ?",
                (spec["endpoint"], spec["deployment_id"]),
            )
            if endpoint is not None:
                left = {each.id for each in endpoint.deployments} - {spec["deployment_id"]}
                split = cast("Mapping[str, int]", spec["traffic"]) or endpoint.traffic
                self._write_traffic(
                    db, endpoint, {key: n for key, n in split.items() if key in left}
                )
            self._meter(db, operation, cast("int", spec["model_id"]))
            self._operations.finish(db, operation)

    def _run_mutate(self, operation: Operation, _: Cancellation) -> None:
        spec = operation.spec
        with self._store.transaction() as db:
            self._lifespans.settle()
            changed = db.execute(
                "UPDATE deployments SET replicas = ?, max_replicas = ? "
                "WHERE endpoint = ? AND id = ?",
                tuple(
                    spec[key] for key in ("replicas", "max_replicas", "endpoint", "deployment_id")
                ),
            )
            if not changed.rowcount:
                raise not_found(_NO_DEPLOYMENT)  # it was undeployed meanwhile
            self._meter(db, operation, cast("int", spec["model_id"]))
            self._operations.finish(db, operation)

    def _write_traffic(
        self, db: Connection, endpoint: Endpoint, traffic: Mapping[str, int]
    ) -> None:
        db.execute(
            "UPDATE endpoints SET traffic = ?, version = version + 1, updated = ? WHERE number = ?",
            (column(traffic), to_micros(self._clock.now()), endpoint.number),
        )

    def _meter(self, db: Connection, operation: Operation, model_id: int) -> None:
        """Bill a model for the replicas of all its deployments."""
        row = db.execute(
            "SELECT coalesce(sum(replicas), 0) FROM deployments WHERE model_id = ?", (model_id,)
        ).fetchone()
        model = select(db, Model, operation.scope, model_id)
        if model is not None and model.node_count != row[0]:
            db.execute(
                "UPDATE models SET deployed = ?, node_count = ?, updated = ? WHERE id = ?",
                (row[0] > 0, row[0], to_micros(self._updated(model)), model_id),
            )
            self._billing.deployment_changed(db, operation, model, row[0])


def _check_traffic(traffic: Mapping[str, int], known: set[str]) -> None:
    """Check that percentages of known deployments add up to 100 or 0 (Endpoint.traffic_split)."""
    unknown = [key for key in traffic if key not in known]
    if unknown:
        raise invalid(("traffic_split", f"There is no deployed model {unknown[0]}."))
    if any(n < 0 for n in traffic.values()) or sum(traffic.values()) not in (0, 100):
        raise invalid(("traffic_split", "The percentages must add up to 100."))


def _ids(endpoint: Endpoint) -> dict[str, object]:
    return {"endpoint": endpoint.number, "endpoint_id": endpoint.id}
