"""Names the endpoints of a plan: where models are deployed, and which deployments end. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from msgspec.structs import replace

from automl_plan.model.address import Address
from automl_plan.model.endpoints import Home, LiveEndpoint
from automl_plan.model.homes import is_taken
from automl_plan.model.live import Live
from automl_plan.model.ownership_labels import LINEAGE_DIGITS, Owner, address_digest
from automl_plan.model.recorded import RecordedResource
from automl_plan.planning import reasons
from automl_plan.planning.plan import OTHERS_TRAFFIC, Action, Change, Difference, Refusal

_ALL = 100
"""Percent."""
KNOWN_LATER = "(known after apply)"


def with_endpoints(
    changes: Sequence[Change],
    resources: Mapping[Address, RecordedResource],
    homes: Mapping[Address, Home],
    live: Live,
    lineage: str,
) -> tuple[Change, ...]:
    """The changes with the endpoints that they are about.

    A model that is deleted must be deployed nowhere: its undeployment names each endpoint. Else a
    deployment ends at the home of its address only.
    """
    if live.endpoints is None:
        return tuple(changes)
    deleted = {c.object_id for c in changes if c.action is Action.DELETE}
    begun = {c.object_id for c in changes if c.action is Action.DEPLOY}
    first = {c.address: c for c in reversed(changes) if c.action is Action.DEPLOY}
    return tuple(
        _deployed(
            change,
            homes[change.address],
            resources,
            live.endpoints,
            lineage,
            first=first[change.address] is change,
        )
        if change.action is Action.DEPLOY and change.address in homes
        else _undeployed(change, homes.get(change.address), resources, live, deleted, begun)
        if change.action is Action.UNDEPLOY
        else change
        for change in changes
    )


def _undeployed(
    change: Change,
    home: Home | None,
    resources: Mapping[Address, RecordedResource],
    live: Live,
    deleted: Collection[str | None],
    begun: Collection[str | None],
) -> Change:
    object_id = _object_of(change, resources)
    there = live.models.get(object_id or "")
    places = {each.id for each in there.endpoints} if there is not None else set()
    kept = home is not None and (not home.adopted or home.id in (live.endpoints or {}))
    at_home = {home.id} if home is not None and kept else set()
    ids = places if object_id in deleted else places & at_home
    if object_id in begun:  # this plan deploys it before
        ids = ids | at_home
    return replace(change, endpoints=tuple(sorted(ids)))


def _deployed(
    change: Change,
    home: Home,
    resources: Mapping[Address, RecordedResource],
    endpoints: Mapping[str, LiveEndpoint],
    lineage: str,
    *,
    first: bool,
) -> Change:
    """`first`: of those of its address, it is the one that makes an endpoint, if one is made."""
    record = resources[change.address]
    there = endpoints.get(home.id)
    if there is not None:
        whose = Owner(lineage[:LINEAGE_DIGITS], address_digest(change.address), "")
        versions = {obj.id for obj in record.objects}
        if not is_taken(there, whose, versions):
            return _back_at(change, there, there.due(versions, adopted=home.adopted))
        reason = reasons.endpoint_taken(home.id)
    elif not home.adopted:
        served = first and record.current is not None and "deploy" in record.current.attributes
        said = f"{change.reason}; {reasons.endpoint_made_again(home.id)}"
        return replace(change, endpoints=(home.id,), reason=said if served else change.reason)
    else:
        reason = reasons.endpoint_replaced(home.id)
    if not first:
        return change
    return replace(
        change,
        reason=f"{change.reason}; {reason}",
        differences=(*change.differences, Difference("deploy.endpoint", home.id, KNOWN_LATER)),
    )


def _back_at(change: Change, there: LiveEndpoint, share: int) -> Change:
    """A deployment at an endpoint that is there, with what it answers beside models of others."""
    reason = change.reason
    if share < _ALL and not there.nodes_of(change.object_id or ""):
        reason = f"{reason}; {reasons.shares_traffic(there.id, share)}"
    return replace(change, endpoints=(there.id,), reason=reason)


def traffic_refusals(
    changes: Sequence[Change],
    resources: Mapping[Address, RecordedResource],
    homes: Mapping[Address, Home],
    live: Live,
    hint: str,
) -> tuple[Refusal, ...]:
    """Undeployments after which models of others would have to answer what these answer now.

    `hint`: how their traffic is moved by hand.
    """
    found = []
    for change in changes:
        for endpoint in _ended(change, live):
            home = homes.get(change.address)
            record = resources.get(change.address)
            leaving = {
                _object_of(each, resources)
                for each in changes
                if each.action is Action.UNDEPLOY and endpoint.id in each.endpoints
            }
            ours = {obj.id for obj in record.objects} if record is not None else set()
            at_home = home is not None and home.id == endpoint.id
            stays = at_home and (
                any(d.model_id in ours - leaving for d in endpoint.deployed)
                or any(c.action is Action.DEPLOY and c.address == change.address for c in changes)
            )
            share = endpoint.share_of({each for each in leaving if each is not None})
            remain = any(d.model_id not in leaving for d in endpoint.deployed)
            if share and remain and not stays:
                found.append(_refusal(change, endpoint, share, hint))
    return tuple(dict.fromkeys(found))


def ended_deployments(changes: Sequence[Change]) -> frozenset[tuple[str, str]]:
    """The deployments that a plan ends: ids of the model and of the endpoint."""
    return frozenset(
        (change.object_id, endpoint)
        for change in changes
        if change.action is Action.UNDEPLOY and change.object_id is not None
        for endpoint in change.endpoints
    )


def _ended(change: Change, live: Live) -> Iterator[LiveEndpoint]:
    if change.action is Action.UNDEPLOY:
        for each in change.endpoints:
            there = (live.endpoints or {}).get(each)
            if there is not None:
                yield there


def _refusal(change: Change, endpoint: LiveEndpoint, share: int, hint: str) -> Refusal:
    text = (
        f"{change.address} receives {share}% of the requests at the endpoint {endpoint.id}, where "
        "models of others are deployed, too: undeploying it would send these requests to them."
    )
    return Refusal(OTHERS_TRAFFIC, f"{text} {hint}".rstrip(), change.address, "deploy")


def _object_of(change: Change, resources: Mapping[Address, RecordedResource]) -> str | None:
    if change.object_id is not None:
        return change.object_id
    record = resources.get(change.address)
    return None if record is None or record.current is None else record.current.id
