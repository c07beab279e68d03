"""Which endpoint is the home of an address, and how a model looks from there. Pure.

The home is what the state records, by its id: ownership labels can be taken off, or copied. Where
nothing is recorded, as in states of version 0.1, the labels decide.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from msgspec.structs import replace

from automl_plan.model.address import Address, ResourceKind
from automl_plan.model.endpoints import NOBODYS_ENDPOINT, Home, LiveEndpoint, endpoint_digest
from automl_plan.model.live import Live, LiveModel
from automl_plan.model.ownership_labels import ADDRESS, LINEAGE_DIGITS, Owner, address_digest, owner
from automl_plan.model.recorded import RecordedResource


def home_of(record: RecordedResource, models: Mapping[str, LiveModel], lineage: str) -> Home | None:
    """Return the home of an address; None when none is recorded or known from its versions."""
    if record.endpoint is not None:
        return record.endpoint
    for obj in record.objects:
        there = models.get(obj.id)
        if there is None or not there.endpoints:
            continue
        made = _made(there, record.address, lineage)
        found = made or unrecorded_home(there.id, there.endpoints, lineage)
        # What someone else deployed is theirs.
        if found is not None and (not found.adopted or "deploy" in obj.attributes):
            return found
    return None


def _made(model: LiveModel, address: Address, lineage: str) -> Home | None:
    """The endpoint with an id that only we choose for an address."""
    whose = (lineage[:LINEAGE_DIGITS], address_digest(address))
    ends = [f"-{endpoint_digest(*whose)}", f"-{endpoint_digest(*whose, model.id)}"]
    for end in ends:
        for each in model.endpoints:
            if each.id.endswith(end):
                return Home(each.id)
    return None


def unrecorded_home(
    model_id: str, places: Iterable[LiveEndpoint], lineage: str = ""
) -> Home | None:
    """The home among the endpoints of a model of which nothing is recorded.

    One with ownership labels of the state (`lineage` "": of any), else the one where it
    answers most requests, which someone else created.
    """
    found = sorted(places, key=lambda each: (each.share_of({model_id}), each.id))
    ours = [each for each in found if labelled(each, lineage)]
    if ours:
        return Home(ours[-1].id)
    return Home(found[-1].id, adopted=True) if found else None


def labelled(endpoint: LiveEndpoint, lineage: str = "") -> bool:
    """Whether an endpoint's labels or id say that this state made it (`lineage` "": any)."""
    if endpoint.id.startswith(NOBODYS_ENDPOINT):
        return True
    if not lineage:
        return ADDRESS in endpoint.labels
    whose = owner(endpoint.labels)
    return whose is not None and lineage[:LINEAGE_DIGITS] == whose.lineage


def is_taken(endpoint: LiveEndpoint, whose: Owner | None, versions: Collection[str]) -> bool:
    """Whether an endpoint that was the home of an address serves another one of the state now.

    An address that was moved may be undeployed, and its former name be given to a new model.
    """
    there = owner(endpoint.labels)
    if there is None or whose is None or there.lineage != whose.lineage:
        return False
    ours = any(d.model_id in versions for d in endpoint.deployed)
    return there.address_digest != whose.address_digest and not ours and bool(endpoint.deployed)


def seen_from(home: Home | None, model: LiveModel, versions: Collection[str] = ()) -> LiveModel:
    """A model as it is deployed at its home, and what is elsewhere.

    `versions` are the ids of all models that are of the same address.
    """
    if not model.endpoints:
        return model
    nodes = {each.id: each.nodes_of(model.id) for each in model.endpoints}
    here = next((each for each in model.endpoints if home is not None and each.id == home.id), None)
    elsewhere = {place: count for place, count in nodes.items() if here is None or place != here.id}
    if here is None or home is None:
        return replace(
            model,
            deployed=False,
            node_count=None,
            endpoint=None,
            traffic_percent=None,
            expected_traffic_percent=None,
            foreign_deployments=elsewhere,
        )
    return replace(
        model,
        deployed=True,
        node_count=nodes[here.id],
        endpoint=here.id,
        traffic_percent=here.share_of({model.id}),
        expected_traffic_percent=here.due({*versions, model.id}, adopted=home.adopted),
        foreign_deployments=elsewhere,
    )


def homes_of(
    resources: Mapping[Address, RecordedResource], models: Mapping[str, LiveModel], lineage: str
) -> dict[Address, Home]:
    """The homes of all addresses that have one."""
    found = {
        address: home_of(record, models, lineage)
        for address, record in resources.items()
        if address.kind is ResourceKind.MODEL
    }
    return {address: home for address, home in found.items() if home is not None}


def resolved(live: Live, resources: Mapping[Address, RecordedResource], lineage: str) -> Live:
    """Return live objects, each recorded model as it is deployed at the home of its address."""
    if not live.endpoints:
        return live
    return replace(live, models=resolved_models(live.models, resources, lineage))


def resolved_models(
    models: Mapping[str, LiveModel],
    resources: Mapping[Address, RecordedResource],
    lineage: str,
) -> dict[str, LiveModel]:
    """The same of models alone."""
    homes = homes_of(resources, models, lineage)
    found = dict(models)
    for address, record in resources.items():
        if address.kind is not ResourceKind.MODEL:
            continue
        versions = frozenset(obj.id for obj in record.objects)
        for object_id in versions & models.keys():
            found[object_id] = seen_from(homes.get(address), models[object_id], versions)
    return found
