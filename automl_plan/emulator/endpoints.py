"""Endpoints: where deployed models answer, one or several at each, by shares of the traffic."""

import json
import random
import re
from collections.abc import Mapping, Sequence
from sqlite3 import Connection, Row
from typing import cast

from msgspec import Struct
from msgspec.structs import replace

from automl_plan.emulator.billing import Billing
from automl_plan.emulator.clock import Clock, from_micros, to_micros
from automl_plan.emulator.errors import Code, ServiceError, invalid, not_found, precondition
from automl_plan.emulator.jobs import Cancellation
from automl_plan.emulator.lifespan import Lifespans, expired, too_old
from automl_plan.emulator.objects import (
    Deployment,
    Endpoint,
    ObjectKind,
    ObjectRef,
    Operation,
    OperationKind,
    Scope,
    new_id,
)
from automl_plan.emulator.operations import Operations
from automl_plan.emulator.rows import insert, json_text, scope_of, select_model
from automl_plan.emulator.sql_filters import Term
from automl_plan.emulator.store import Page, Store, Window, select_page

NOT_THERE = "The endpoint does not exist."
THE_NEW_ONE = "0"
"""What a traffic split calls the deployment that is just being made (proto: DeployModelRequest)."""
_CHOSEN_ID = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?|[1-9][0-9]{0,8}", re.ASCII)
_WORKING = (
    OperationKind.DEPLOY_TO_ENDPOINT,
    OperationKind.UNDEPLOY_FROM_ENDPOINT,
    OperationKind.DELETE_ENDPOINT,
)


class NewEndpoint(Struct, frozen=True):
    """What an endpoint is created from; without an id it gets one."""

    id: str
    display_name: str
    description: str
    labels: Mapping[str, str]


class EndpointChange(Struct, frozen=True):
    """New values for an endpoint's fields; None leaves a field as it is."""

    display_name: str | None = None
    description: str | None = None
    labels: Mapping[str, str] | None = None
    traffic: Mapping[str, int] | None = None


class NewDeployment(Struct, frozen=True):
    """What a model is deployed with; an empty id is chosen, an empty traffic split changes none."""

    id: str
    model_id: int
    display_name: str
    replicas: int
    max_replicas: int
    traffic: Mapping[str, int]


class Endpoints:
    """The endpoints of all scopes, and what is deployed there."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        operations: Operations,
        billing: Billing,
        lifespans: Lifespans,
    ) -> None:
        self._store = store
        self._clock = clock
        self._operations = operations
        self._billing = billing
        self._lifespans = lifespans
        operations.register(OperationKind.CREATE_ENDPOINT, self._run_create)
        operations.register(OperationKind.DELETE_ENDPOINT, self._run_delete)
        operations.register(OperationKind.DEPLOY_TO_ENDPOINT, self._run_deploy)
        operations.register(OperationKind.UNDEPLOY_FROM_ENDPOINT, self._run_undeploy)

    def create(self, scope: Scope, new: NewEndpoint) -> Operation:
        """Create an endpoint; it appears when the operation is done."""
        if new.id and not _CHOSEN_ID.fullmatch(new.id):
            raise invalid(("endpoint_id", "It must be [a-z][a-z0-9-]*, or up to 9 digits."))

        def prepare(db: Connection) -> tuple[Mapping[str, object], Sequence[ObjectRef]]:
            number = new_id(db)
            endpoint_id = new.id or str(number)
            if _select(db, scope, endpoint_id) is not None or self._is_being_made(
                db, scope, endpoint_id
            ):
                raise ServiceError(Code.ALREADY_EXISTS, f"The endpoint {endpoint_id} exists.")
            spec = {
                "endpoint": number,
                "endpoint_id": endpoint_id,
                "display_name": new.display_name,
                "description": new.description,
                "labels": dict(new.labels),
            }
            return spec, [ObjectRef(ObjectKind.ENDPOINT, number)]

        return self._operations.begin(scope, None, OperationKind.CREATE_ENDPOINT, prepare)

    def get(self, scope: Scope, endpoint_id: str) -> Endpoint:
        """The endpoint of that id."""
        with self._store.reading() as db:
            self._lifespans.settle()
            return _required(_select(db, scope, endpoint_id))

    def serving(self, scope: Scope) -> dict[int, list[tuple[str, Deployment]]]:
        """All deployments of a scope: by model, at which endpoint."""
        found: dict[int, list[tuple[str, Deployment]]] = {}
        with self._store.reading() as db:
            self._lifespans.settle()
            for row in db.execute(
                "SELECT d.*, e.id AS endpoint_id FROM deployments d "
                "JOIN endpoints e ON e.number = d.endpoint "
                "WHERE e.api = ? AND e.project = ? AND e.location = ? ORDER BY d.seq",
                tuple(scope),
            ):
                place = (row["endpoint_id"], _deployment_of(row))
                found.setdefault(row["model_id"], []).append(place)
        return found

    def list(self, scope: Scope, terms: Sequence[Term], window: Window) -> Page[Endpoint]:
        """Endpoints, newest first."""
        with self._store.reading() as db:
            self._lifespans.settle()
            rows, more = select_page(db, "endpoints", scope, terms, window)
            return Page(tuple(_endpoint_of(db, row) for row in rows), more)

    def update(
        self, scope: Scope, endpoint_id: str, change: EndpointChange, etag: str | None
    ) -> Endpoint:
        """Change fields; with an etag, only if the endpoint is still the one that was read."""
        with self._store.transaction() as db:
            old = _required(_select(db, scope, endpoint_id))
            if etag and etag != old.etag:
                raise ServiceError(Code.ABORTED, "The etag is not that of the current endpoint.")
            if change.traffic is not None:
                _check_traffic(change.traffic, {each.id for each in old.deployments})
            new = replace(
                old,
                display_name=_chosen(change.display_name, old.display_name),
                description=_chosen(change.description, old.description),
                labels=old.labels if change.labels is None else change.labels,
                traffic=old.traffic if change.traffic is None else change.traffic,
                version=old.version + 1,
                updated=self._clock.now(),
            )
            db.execute(
                "UPDATE endpoints SET display_name = ?, description = ?, labels = ?, traffic = ?, "
                "version = ?, updated = ? WHERE number = ?",
                (
                    new.display_name,
                    new.description,
                    json_text(dict(new.labels)),
                    json_text(dict(new.traffic)),
                    new.version,
                    to_micros(new.updated),
                    new.number,
                ),
            )
        return new

    def delete(self, scope: Scope, endpoint_id: str) -> Operation:
        """Delete an endpoint at which nothing is deployed."""

        def prepare(db: Connection) -> tuple[Mapping[str, object], Sequence[ObjectRef]]:
            endpoint = _required(_select(db, scope, endpoint_id))
            target = ObjectRef(ObjectKind.ENDPOINT, endpoint.number)
            busy = self._operations.running_on(db, target, [OperationKind.DEPLOY_TO_ENDPOINT])
            if endpoint.deployments or busy:
                raise precondition(
                    "The endpoint can't be deleted while models are deployed there. Undeploy them."
                )
            return _about(endpoint), [target]

        return self._operations.begin(scope, None, OperationKind.DELETE_ENDPOINT, prepare)

    def deploy(self, scope: Scope, endpoint_id: str, new: NewDeployment) -> Operation:
        """Deploy a model at an endpoint."""

        def prepare(db: Connection) -> tuple[Mapping[str, object], Sequence[ObjectRef]]:
            self._lifespans.settle()
            endpoint = _required(_select(db, scope, endpoint_id))
            target = ObjectRef(ObjectKind.ENDPOINT, endpoint.number)
            if self._operations.running_on(db, target, [OperationKind.DELETE_ENDPOINT]):
                raise not_found(NOT_THERE)
            model = select_model(db, scope, new.model_id)
            on_model = ObjectRef(ObjectKind.MODEL, new.model_id)
            if model is None or self._operations.running_on(
                db, on_model, [OperationKind.DELETE_MODEL]
            ):
                raise not_found("The model does not exist.")
            if expired(model.created, self._clock.now()):
                raise too_old()
            if any(each.id == new.id for each in endpoint.deployments) or self._is_deploying(
                db, endpoint, new.id
            ):
                raise ServiceError(Code.ALREADY_EXISTS, f"The deployed model {new.id} exists.")
            if new.traffic:
                known = {each.id for each in endpoint.deployments}
                _check_traffic(new.traffic, known | {THE_NEW_ONE})
            spec = {
                **_about(endpoint),
                "model_id": new.model_id,
                "deployment_id": new.id or str(new_id(db)),
                "display_name": new.display_name or model.display_name,
                "replicas": new.replicas,
                "max_replicas": new.max_replicas,
                "traffic": dict(new.traffic),
            }
            return spec, [target, on_model]

        return self._operations.begin(scope, None, OperationKind.DEPLOY_TO_ENDPOINT, prepare)

    def undeploy(
        self, scope: Scope, endpoint_id: str, deployment_id: str, traffic: Mapping[str, int]
    ) -> Operation:
        """Undeploy a model from an endpoint; an empty traffic split leaves it as it is."""

        def prepare(db: Connection) -> tuple[Mapping[str, object], Sequence[ObjectRef]]:
            self._lifespans.settle()
            endpoint = _required(_select(db, scope, endpoint_id))
            mine = [each for each in endpoint.deployments if each.id == deployment_id]
            if not mine:
                raise not_found("The deployed model does not exist at this endpoint.")
            others = {each.id for each in endpoint.deployments} - {deployment_id}
            if traffic:
                _check_traffic(traffic, others)
            elif others and endpoint.traffic.get(deployment_id):
                raise precondition(
                    "The deployed model still gets traffic. Give it to another one with it."
                )
            spec = {
                **_about(endpoint),
                "deployment_id": deployment_id,
                "model_id": mine[0].model_id,
                "traffic": dict(traffic),
            }
            target = ObjectRef(ObjectKind.ENDPOINT, endpoint.number)
            return spec, [target, ObjectRef(ObjectKind.MODEL, mine[0].model_id)]

        return self._operations.begin(scope, None, OperationKind.UNDEPLOY_FROM_ENDPOINT, prepare)

    def answering(self, scope: Scope, endpoint_id: str) -> Deployment:
        """The deployment that answers a request, drawn by the shares of the traffic."""
        endpoint = self.get(scope, endpoint_id)
        shares = [endpoint.traffic.get(each.id, 0) for each in endpoint.deployments]
        if not any(shares):
            raise precondition("No model that is deployed at the endpoint gets any traffic.")
        drawn = random.choices(endpoint.deployments, shares)  # noqa: S311 - no secret
        return drawn[0]

    def _is_being_made(self, db: Connection, scope: Scope, endpoint_id: str) -> bool:
        row = db.execute(
            "SELECT 1 FROM operations WHERE api = ? AND project = ? AND location = ? "
            "AND kind = ? AND done = 0 AND json_extract(spec, '$.endpoint_id') = ?",
            (*scope, OperationKind.CREATE_ENDPOINT, endpoint_id),
        ).fetchone()
        return row is not None

    def _is_deploying(self, db: Connection, endpoint: Endpoint, deployment_id: str) -> bool:
        row = db.execute(
            "SELECT 1 FROM operations WHERE kind = ? AND done = 0 "
            "AND json_extract(spec, '$.endpoint') = ? "
            "AND json_extract(spec, '$.deployment_id') = ?",
            (OperationKind.DEPLOY_TO_ENDPOINT, endpoint.number, deployment_id),
        ).fetchone()
        return row is not None

    def _run_create(self, operation: Operation, _: Cancellation) -> None:
        spec = operation.spec
        with self._store.transaction() as db:
            insert(
                db,
                "endpoints",
                {
                    "number": spec["endpoint"],
                    "id": spec["endpoint_id"],
                    **operation.scope._asdict(),
                    "display_name": spec["display_name"],
                    "description": spec["description"],
                    "labels": json_text(spec["labels"]),
                    "version": 1,
                    "created": to_micros(operation.created),
                    "updated": to_micros(operation.created),
                    "traffic": "{}",
                },
            )
            made = ObjectRef(ObjectKind.ENDPOINT, cast("int", spec["endpoint"]))
            self._operations.finish(db, operation, result=made)

    def _run_delete(self, operation: Operation, _: Cancellation) -> None:
        with self._store.transaction() as db:
            db.execute("DELETE FROM endpoints WHERE number = ?", (operation.spec["endpoint"],))
            self._operations.finish(db, operation)

    def _run_deploy(self, operation: Operation, _: Cancellation) -> None:
        spec = operation.spec
        model_id = cast("int", spec["model_id"])
        with self._store.transaction() as db:
            self._lifespans.settle()
            endpoint = _required(_select(db, operation.scope, cast("str", spec["endpoint_id"])))
            model = select_model(db, operation.scope, model_id)
            if model is None or expired(model.created, self._clock.now()):
                raise too_old()
            names = ("display_name", "replicas", "max_replicas", "model_id", "endpoint")
            chosen = {name: spec[name] for name in names}
            now = to_micros(self._clock.now())
            insert(db, "deployments", {"id": spec["deployment_id"], "created": now, **chosen})
            split = cast("Mapping[str, int]", spec["traffic"])
            if split:
                new = cast("str", spec["deployment_id"])
                named = {new if key == THE_NEW_ONE else key: n for key, n in split.items()}
                self._split(db, endpoint, named)
            self._meter(db, operation, model_id)
            self._operations.finish(db, operation)

    def _run_undeploy(self, operation: Operation, _: Cancellation) -> None:
        spec = operation.spec
        with self._store.transaction() as db:
            self._lifespans.settle()
            endpoint = _select(db, operation.scope, cast("str", spec["endpoint_id"]))
            db.execute(
                "DELETE FROM deployments WHERE endpoint = ? AND id = ?",
                (spec["endpoint"], spec["deployment_id"]),
            )
            if endpoint is not None:
                left = {each.id for each in endpoint.deployments} - {spec["deployment_id"]}
                split = cast("Mapping[str, int]", spec["traffic"]) or endpoint.traffic
                self._split(db, endpoint, {key: n for key, n in split.items() if key in left})
            self._meter(db, operation, cast("int", spec["model_id"]))
            self._operations.finish(db, operation)

    def _split(self, db: Connection, endpoint: Endpoint, traffic: Mapping[str, int]) -> None:
        db.execute(
            "UPDATE endpoints SET traffic = ?, version = version + 1, updated = ? WHERE number = ?",
            (json_text(dict(traffic)), to_micros(self._clock.now()), endpoint.number),
        )

    def _meter(self, db: Connection, operation: Operation, model_id: int) -> None:
        """A model runs on all replicas of all its deployments."""
        row = db.execute(
            "SELECT coalesce(sum(replicas), 0) FROM deployments WHERE model_id = ?", (model_id,)
        ).fetchone()
        model = select_model(db, operation.scope, model_id)
        if model is not None and model.node_count != row[0]:
            db.execute(
                "UPDATE models SET deployed = ?, node_count = ?, updated = ? WHERE id = ?",
                (row[0] > 0, row[0], to_micros(self._clock.now()), model_id),
            )
            self._billing.deployed(db, operation, model, row[0])


def _select(db: Connection, scope: Scope, endpoint_id: str) -> Endpoint | None:
    row = db.execute(
        "SELECT * FROM endpoints WHERE id = ? AND api = ? AND project = ? AND location = ?",
        (endpoint_id, *scope),
    ).fetchone()
    return None if row is None else _endpoint_of(db, row)


def _endpoint_of(db: Connection, row: Row) -> Endpoint:
    rows = db.execute("SELECT * FROM deployments WHERE endpoint = ? ORDER BY seq", (row["number"],))
    deployments = tuple(map(_deployment_of, rows))
    there = {each.id for each in deployments}
    return Endpoint(
        number=row["number"],
        id=row["id"],
        scope=scope_of(row),
        display_name=row["display_name"],
        description=row["description"],
        labels=json.loads(row["labels"]),
        version=row["version"],
        created=from_micros(row["created"]),
        updated=from_micros(row["updated"]),
        traffic={key: n for key, n in json.loads(row["traffic"]).items() if key in there},
        deployments=deployments,
    )


def _deployment_of(row: Row) -> Deployment:
    return Deployment(
        id=row["id"],
        endpoint=row["endpoint"],
        model_id=row["model_id"],
        display_name=row["display_name"],
        replicas=row["replicas"],
        max_replicas=row["max_replicas"],
        created=from_micros(row["created"]),
    )


def _check_traffic(traffic: Mapping[str, int], known: set[str]) -> None:
    """proto: Endpoint.traffic_split: percentages of known deployments, of 100 in all, or none."""
    strange = [key for key in traffic if key not in known]
    if strange:
        raise invalid(("traffic_split", f"There is no deployed model {strange[0]}."))
    if any(n < 0 for n in traffic.values()) or sum(traffic.values()) not in (0, 100):
        raise invalid(("traffic_split", "The percentages must add up to 100."))


def _about(endpoint: Endpoint) -> dict[str, object]:
    return {"endpoint": endpoint.number, "endpoint_id": endpoint.id}


def _required(endpoint: Endpoint | None) -> Endpoint:
    if endpoint is None:
        raise not_found(NOT_THERE)
    return endpoint


def _chosen(new: str | None, old: str) -> str:
    return old if new is None else new
