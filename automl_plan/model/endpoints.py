"""Endpoints, where deployed models answer, and which part of their traffic is a model's. Pure.

An endpoint may be shared: others deploy models there too, and decide on the traffic of those.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping

from msgspec import Struct, field

from automl_plan.model.json import Document

NOBODYS_ENDPOINT = "automl-plan-model-"
"""What the ids of our endpoints start with that are for a model without an address."""


_DIGITS = 12


class Deployed(Struct, frozen=True):
    """A model's deployment at an endpoint."""

    id: str
    model_id: str
    replicas: int
    """The least number that runs all the time, and is billed."""


class LiveEndpoint(Struct, frozen=True):
    """An endpoint, with what is deployed there."""

    id: str
    deployed: tuple[Deployed, ...] = ()
    traffic: Mapping[str, int] = field(default_factory=dict)
    """Percent of the requests, by the ids of the deployments; 100 in all, or none."""
    labels: Mapping[str, str] = field(default_factory=dict)
    etag: str | None = None

    def nodes_of(self, model_id: str) -> int:
        """Replicas of a model here; 0 where it is not deployed."""
        return sum(d.replicas for d in self.deployed if d.model_id == model_id)

    def share_of(self, model_ids: Collection[str]) -> int:
        """Percent of the requests that these models answer."""
        return sum(self.traffic.get(d.id, 0) for d in self.deployed if d.model_id in model_ids)

    def has_others(self, model_ids: Collection[str]) -> bool:
        """Whether models but these are deployed here."""
        return any(d.model_id not in model_ids for d in self.deployed)

    def due(self, versions: Collection[str], *, adopted: bool) -> int:
        """Percent of the requests that the current one of these versions is to answer.

        All that other models do not answer. Where nothing gets any traffic at an endpoint that
        someone else created, that is left so.
        """
        others = sum(self.traffic.get(d.id, 0) for d in self.deployed if d.model_id not in versions)
        if adopted and self.deployed and not any(self.traffic.values()):
            return 0
        return 100 - others

    def split(self, chosen: str, share: int, versions: Collection[str]) -> dict[str, int]:
        """The traffic with this share for one deployment of these versions, and none for others.

        What other models answer stays as it is.
        """
        left = {
            d.id: self.traffic[d.id]
            for d in self.deployed
            if d.model_id not in versions and self.traffic.get(d.id)
        }
        return {**left, chosen: share} if share else left


class Home(Document, frozen=True):
    """The endpoint at which the versions of an address answer."""

    id: str
    adopted: bool = False
    """Someone else made it: it is never deleted, and its traffic is not the model's alone."""


def endpoint_digest(lineage: str, mark: str, apart: str = "") -> str:
    """What the id of an endpoint that we make ends with, by the labels of its address.

    `apart` is the id of a model for which a second one is made.
    """
    source = f"{lineage} {mark}" + (f" {apart}" if apart else "")
    return hashlib.sha256(source.encode()).hexdigest()[:_DIGITS]
