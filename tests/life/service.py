"""The embedded service of a sequence, asked and changed behind the tool's back."""

from __future__ import annotations

import http.client
import json
import signal
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests import services

OWN = "automl-plan-"
"""What the tool's labels begin with."""
_SERVICES = "aiplatform.googleapis.com/"
USD_PER_NODE_HOUR = {"train": 3.465, "deploy": 1.375}
HOURS_A_MONTH = 730
MONTHS_OF_LIFE = 18
_HOUR = 3600.0
_WAITS = 4
"""Polls of one command after which it waits; a plan asks once for each open operation."""


@dataclass(frozen=True)
class Live:
    """A dataset or a model that the service has."""

    id: str
    name: str
    labels: Mapping[str, str]
    created: str
    items: int = 0
    """How many images a dataset holds."""

    @property
    def asked(self) -> tuple[str, Mapping[str, str]]:
        """What can be patched."""
        return self.name, self.labels

    @property
    def address_name(self) -> str | None:
        """The name of the address that its ownership label says."""
        parts = self.labels.get(f"{OWN}address", "").split("-", 2)
        return parts[2] if len(parts) == 3 else None

    @property
    def lineage(self) -> str:
        """The first digits of the lineage that its ownership label says."""
        return self.labels.get(f"{OWN}address", "").partition("-")[0]


@dataclass(frozen=True)
class Endpoint:
    """An endpoint of Vertex AI."""

    id: str
    labels: Mapping[str, str]
    deployed: Mapping[str, str]
    """Models by the ids of their deployments."""
    traffic: Mapping[str, int]


@dataclass(frozen=True)
class Training:
    """A training that was begun, as it is billed."""

    operation: str
    model: str
    name: str
    labels: Mapping[str, str]
    outcome: str
    usd: float
    began: str | None
    """None while it is queued."""


@dataclass(frozen=True)
class Snapshot:
    """All that the service has and bills at a moment."""

    now: datetime
    datasets: Mapping[str, Live]
    models: Mapping[str, Live]
    endpoints: Mapping[str, Endpoint]
    trainings: Mapping[str, Training]
    nodes: Mapping[str, int]
    """By the id of a deployed model: nodes that are billed now."""

    def like(self, other: Snapshot) -> bool:
        """Whether all is the same but the time, and what that costs."""
        outcomes = [{o: t.outcome for o, t in s.trainings.items()} for s in (self, other)]
        return outcomes[0] == outcomes[1] and all(
            getattr(self, name) == getattr(other, name)
            for name in ("datasets", "models", "endpoints", "nodes")
        )

    @property
    def objects(self) -> dict[str, Live]:
        """Datasets and models by id."""
        return {**self.datasets, **self.models}

    @property
    def monthly_usd(self) -> float:
        """What all deployments cost a month."""
        return self.monthly_of(self.nodes)

    def monthly_of(self, models: Iterable[str]) -> float:
        """What the deployments of some models cost a month, wherever they are."""
        nodes = sum(self.nodes.get(model, 0) for model in models)
        return nodes * USD_PER_NODE_HOUR["deploy"] * HOURS_A_MONTH

    def elsewhere(self, models: Collection[str], homes: Collection[str]) -> set[tuple[str, str]]:
        """Deployments at endpoints neither the tool's nor among `homes`: model and endpoint."""
        return {
            (model, endpoint.id)
            for endpoint in self.endpoints.values()
            for model in endpoint.deployed.values()
            if model in models and not endpoint.labels and endpoint.id not in homes
        }

    def monthly_at(
        self, models: Collection[str], homes: Collection[str], ended: Collection[object] = ()
    ) -> float:
        """The same without those elsewhere, but for those that the tool `ended`.

        Somebody else's deployments have one node each.
        """
        theirs = self.elsewhere(models, homes) - {*ended}
        foreign = len(theirs) * USD_PER_NODE_HOUR["deploy"] * HOURS_A_MONTH
        return round(self.monthly_of(models) - foreign, 2)

    def serving(self, model: str) -> set[str]:
        """The endpoints of the tool's where a model has traffic; AutoML v1 has none."""
        return {
            endpoint.id
            for endpoint in self.endpoints.values()
            for deployed, its in endpoint.deployed.items()
            if endpoint.labels and its == model and endpoint.traffic.get(deployed)
        }

    def expired(self, model: str) -> bool:
        """Whether a model's life is over."""
        there = self.models.get(model)
        return there is not None and self.now >= end_of_life(there.created)

    def may_have_expired(self, model: str) -> bool:
        """Whether it is over, or would be if it began with the training, which is not settled."""
        begun = (t.began for t in self.trainings.values() if t.model == model and t.began)
        return self.expired(model) or any(self.now >= end_of_life(each) for each in begun)


def end_of_life(created: str) -> datetime:
    """18 calendar months after a moment; a day early where the month is too short."""
    born = datetime.fromisoformat(created)
    years, month = divmod(born.month - 1 + MONTHS_OF_LIFE, 12)
    day = born.day
    while True:
        try:
            return born.replace(year=born.year + years, month=month + 1, day=day)
        except ValueError:
            day -= 1


@dataclass
class Service:
    """One process, and a connection to it."""

    api: str
    scale: float
    process: services.Service | None
    url: str
    _connection: http.client.HTTPConnection = field(repr=False)
    seconds_advanced: float = 0.0
    _allowed: float = 0.0
    """Seconds for which a command that waits may have the clock moved on."""
    _moved: float = 0.0
    _polls: int = 0

    @classmethod
    def start(cls, root: Path, api: str, scale: float) -> Service:
        """Start it below a directory."""
        arguments = ["--data-dir", str(root / "service"), "--trainer", "simulated"]
        arguments += ["--time-scale", str(scale), "--bucket-root", str(root / "buckets")]
        arguments += ["--files-root", str(root / "a"), "--idle-timeout", "600"]
        process = services.Service(arguments, root / "service.log")
        return cls.at(process.note(root / "service")["url"], api, scale, process)

    @classmethod
    def at(
        cls, url: str, api: str, scale: float = 1.0, process: services.Service | None = None
    ) -> Service:
        """One that listens at a URL."""
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60)
        return cls(api, scale, process, url, connection)

    def stop(self) -> None:
        """End the process."""
        self._connection.close()
        if self.process is not None:
            self.process.send(signal.SIGKILL)
            self.process.wait(20)

    # -- asking --------------------------------------------------------------------------------

    def ask(self, path: str, method: str = "GET", body: object = None) -> Any:
        """The answer's JSON. AssertionError for an error."""
        status, answer = self.call(path, method, body)
        assert status == 200, f"{method} {path}: {status} {answer}"
        return answer

    def call(self, path: str, method: str = "GET", body: object = None) -> tuple[int, Any]:
        """The status and the JSON of an answer."""
        data = None if body is None else json.dumps(body)
        headers = {} if data is None else {"Content-Type": "application/json"}
        self._connection.request(method, path, data, headers)
        answer = self._connection.getresponse()
        return answer.status, json.loads(answer.read() or b"{}")

    def path(self, collection: str) -> str:
        """The path of a collection in the only project and location."""
        start = "/vertex" if self.api == "vertex" else ""
        return f"{start}/v1/projects/local/locations/us-central1/{collection}"

    def listed(self, collection: str) -> list[Any]:
        """All of a collection, the oldest first."""
        found: list[Any] = []
        token = ""
        while True:
            query = f"?pageToken={token}" if token else ""
            answer = self.ask(self.path(collection) + query)
            key = "model" if collection == "models" and self.api == "automl" else collection
            found += answer.get(key, [])
            token = answer.get("nextPageToken", "")
            if not token:
                # Of those that were made at once, random ids decide nothing.
                return sorted(found, key=lambda o: (o["createTime"][:19], o["displayName"]))

    def now(self) -> datetime:
        """What time it is there."""
        return datetime.fromisoformat(self.ask("/emulator/v1/clock")["now"])

    def snapshot(self) -> Snapshot:
        """All that it has, and bills."""
        models = {o.id: o for o in map(_live, self.listed("models"))}
        datasets = {o.id: o for o in map(_live, self.listed("datasets"))}
        found = self.listed("endpoints") if self.api == "vertex" else []
        endpoints = {e.id: e for e in map(_endpoint, found)}
        bill = self.ask("/emulator/v1/billing")
        trainings = {
            self._id(c["operation"]): Training(
                self._id(c["operation"]),
                self._id(c["model"]),
                c["display_name"],
                c["labels"],
                c["outcome"],
                c["usd"],
                c["began"],
            )
            for c in bill["trainings"]
        }
        nodes: dict[str, int] = {}
        for charge in bill["deployments"]:
            if charge["ended"] is None:
                model = self._id(charge["model"])
                nodes[model] = nodes.get(model, 0) + charge["nodes"]
        return Snapshot(self.now(), datasets, models, endpoints, trainings, nodes)

    def _id(self, billed: str) -> str:
        """An id of the bill as the API has it."""
        return billed.removeprefix("ICN") if self.api == "vertex" else billed

    def training_runs(self) -> bool:
        """Whether any training runs."""
        bill = self.ask("/emulator/v1/billing")
        return any(charge["outcome"] == "running" for charge in bill["trainings"])

    # -- time ----------------------------------------------------------------------------------

    def advance(self, time: timedelta) -> None:
        """Let time pass."""
        seconds = time.total_seconds()
        self.seconds_advanced += seconds
        self.ask("/emulator/v1/clock:advance", "POST", {"seconds": seconds})

    @contextmanager
    def patient(self, hours: float) -> Iterator[None]:
        """While a command waits for trainings, let at most so many simulated hours pass.

        When any passed, all of them have in the end, so that the same seed has the same days.
        """
        self._allowed, self._moved = hours * _HOUR / self.scale, 0.0
        self._polls = self._polled() if hours else 0
        try:
            yield
        finally:
            if self._moved:
                self.advance(timedelta(seconds=max(self._allowed - self._moved, 0.0)))
            self._allowed = self._moved = 0.0

    def pass_hours(self, *, looks_for_one: bool) -> None:
        """Let some hours pass, if a training runs and a command waits for it.

        Its polls tell, or that it says that it `looks_for_one` whose name it does not know.
        """
        if self._moved >= self._allowed:
            return
        if not looks_for_one and self._polled() < self._polls + _WAITS:
            return
        if self.training_runs():
            step = min(2 * _HOUR / self.scale, self._allowed - self._moved)
            self._moved += step
            self.advance(timedelta(seconds=step))

    def _polled(self) -> int:
        calls: dict[str, int] = self.ask("/emulator/v1/calls")["calls"]
        return calls.get("operations.get", 0) + calls.get("trainingPipelines.get", 0)


def _labels(obj: Mapping[str, Any]) -> dict[str, str]:
    """The labels of an object without those that the service itself sets."""
    labels = obj.get("labels", {})
    return {key: labels[key] for key in labels if not key.startswith(_SERVICES)}


def _live(obj: Mapping[str, Any]) -> Live:
    return Live(
        str(obj["name"]).rpartition("/")[2],
        obj["displayName"],
        _labels(obj),
        obj["createTime"],
        int(obj.get("exampleCount", obj.get("dataItemCount", 0))),
    )


def _endpoint(obj: Mapping[str, Any]) -> Endpoint:
    deployed = {d["id"]: d["model"].rpartition("/")[2] for d in obj.get("deployedModels", ())}
    return Endpoint(
        str(obj["name"]).rpartition("/")[2],
        _labels(obj),
        deployed,
        obj.get("trafficSplit", {}),
    )
