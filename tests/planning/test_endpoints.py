"""Where models answer: whose an endpoint is, which part of its traffic, and what a plan names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from automl_plan.model.address import model_address
from automl_plan.model.desired import Desired, DesiredModel
from automl_plan.model.endpoints import Deployed, Home, LiveEndpoint, endpoint_digest
from automl_plan.model.homes import home_of, resolved
from automl_plan.model.live import Live
from automl_plan.model.ownership_labels import ADDRESS, address_digest
from automl_plan.model.recorded import Recorded, RecordedOperation, RecordedResource, Step
from automl_plan.model.transitions import after_operation, with_endpoint
from automl_plan.planning.options import PlanOptions
from automl_plan.planning.plan import OTHERS_TRAFFIC, UNKNOWN_STATE, Action, Change, NoteKind, Plan
from automl_plan.planning.planner import make_plan
from automl_plan.planning.refusals import find_refusals
from tests.planning.worlds import LINEAGE, World, dataset, desired, model

DIGITS = model_address("digits")
LABEL = f"{LINEAGE[:12]}-{address_digest(DIGITS)}-digits"
CHOSEN = f"digits-{endpoint_digest(LINEAGE[:12], address_digest(DIGITS))}"


def endpoint(name: str, *labels: str, **shares: int) -> LiveEndpoint:
    """With these models, each on one node, and with these percents of the traffic."""
    return LiveEndpoint(
        name,
        tuple(Deployed(f"at-{m}", m, 1) for m in shares),
        {f"at-{m}": share for m, share in shares.items() if share},
        dict.fromkeys([ADDRESS] if labels else [], "".join(labels)),
    )


class Endpoints:
    """A world of one model that is trained, and of endpoints."""

    def __init__(self, *endpoints: LiveEndpoint, home: Home | None = None, deployed: bool) -> None:
        self.world = World()
        self.declared: DesiredModel = model()
        self.world.apply(desired(dataset(), self.declared))
        record = self.world.resources[DIGITS]
        assert record.current is not None
        self.id = record.current.id
        kept = {k: v for k, v in record.current.attributes.items() if k != "deploy" or deployed}
        current = replace(record.current, attributes=kept)
        self.record = replace(record, current=current, endpoint=home)
        # "m" in a test stands for the model.
        self.endpoints = [self._here(each) for each in endpoints]

    def _here(self, there: LiveEndpoint) -> LiveEndpoint:
        named = [replace(d, model_id=self.id) if d.model_id == "m" else d for d in there.deployed]
        return replace(there, deployed=tuple(named))

    @property
    def live(self) -> Live:
        there = self.world.models[self.id]
        places = tuple(e for e in self.endpoints if e.nodes_of(self.id))
        found = replace(there, deployed=bool(places), node_count=None, endpoints=places)
        return Live(
            self.world.datasets,
            {self.id: found},
            endpoints={each.id: each for each in self.endpoints},
        )

    def plan(self, *declared: DesiredModel) -> Plan:
        wanted, resources = desired(dataset(), *declared), {**self.world.resources}
        resources[DIGITS] = self.record
        recorded = Recorded(LINEAGE, 1, resources)
        live = resolved(self.live, resources, LINEAGE)
        plan = make_plan(wanted, recorded, live, PlanOptions(), service_now=self.world.now)
        grounds = self.world.grounds(wanted, PlanOptions())
        found = find_refusals(plan.changes, replace(grounds, recorded=recorded, live=live))
        return replace(plan, refused=found.refused)

    def changes(self, *declared: DesiredModel) -> list[Change]:
        return [c for c in self.plan(*declared).changes if c.address == DIGITS]


@pytest.mark.parametrize(
    ("endpoints", "deployed", "home"),
    [
        ([endpoint("theirs", m=100)], True, Home("theirs", adopted=True)),
        ([endpoint("theirs", m=100)], False, None),  # what we did not deploy is not ours
        ([endpoint("ours", LABEL, m=0), endpoint("theirs", m=100)], True, Home("ours")),
        ([endpoint("of another state", "0" * 12 + LABEL[12:], m=100)], False, None),
        ([endpoint(CHOSEN, m=0), endpoint("copied", LABEL, m=100)], True, Home(CHOSEN)),
        ([endpoint(CHOSEN, m=0), endpoint("theirs", m=100)], False, Home(CHOSEN)),
        ([endpoint("theirs", x=100)], True, None),
    ],
)
def test_where_nothing_is_recorded_ids_and_labels_decide(
    endpoints: list[LiveEndpoint], deployed: bool, home: Home | None
) -> None:
    there = Endpoints(*endpoints, deployed=deployed)
    assert home_of(there.record, there.live.models, LINEAGE) == home
    known = replace(there.record, endpoint=Home("recorded"))
    assert home_of(known, there.live.models, LINEAGE) == Home("recorded")


@pytest.mark.parametrize(
    ("there", "adopted", "due"),
    [
        (endpoint("e"), False, 100),
        (endpoint("e"), True, 100),
        (endpoint("e", m=100), True, 100),
        (endpoint("e", m=0), False, 100),  # nothing gets any traffic: at ours that is mended
        (endpoint("e", m=0), True, 0),
        (endpoint("e", m=0, x=0), True, 0),
        (endpoint("e", m=30, x=70), True, 30),
        (endpoint("e", m=30, x=70), False, 30),
        (endpoint("e", former=30, x=70), True, 30),
        (endpoint("e", m=10, former=20, x=70), False, 30),
        (endpoint("e", m=0, x=100), False, 0),
    ],
)
def test_the_share_of_an_address(there: LiveEndpoint, adopted: bool, due: int) -> None:
    versions = {"m", "former"}
    assert there.due(versions, adopted=adopted) == due
    split = there.split("at-m", due, versions)
    assert sum(split.values()) in (0, 100)
    assert {d: n for d, n in split.items() if d != "at-m"} == {
        d: n for d, n in there.traffic.items() if d not in ("at-m", "at-former")
    }


HOME = Home("home")
ADOPTED = Home("home", adopted=True)


@pytest.mark.parametrize("home", [HOME, ADOPTED])
@pytest.mark.parametrize("labels", [(), (LABEL,)])
@pytest.mark.parametrize("elsewhere", [False, True])
def test_what_is_as_declared_is_left(home: Home, labels: tuple[str, ...], elsewhere: bool) -> None:
    others = [endpoint("theirs", LABEL, m=40, y=60)] if elsewhere else []
    there = Endpoints(endpoint("home", *labels, m=30, x=70), *others, home=home, deployed=True)
    plan = there.plan(there.declared)
    assert (plan.changes, plan.refused, plan.drift) == ((), (), ())
    assert [n.kind for n in plan.notes] == [NoteKind.ELSEWHERE] * elsewhere
    assert plan.endpoints == {DIGITS: home}


def test_a_deployment_elsewhere_ends_only_with_the_model() -> None:
    there = Endpoints(endpoint("home", m=100), endpoint("theirs", m=100), home=HOME, deployed=True)
    (undeploy,) = there.changes(replace(there.declared, node_count=None))
    assert (undeploy.action, undeploy.endpoints) == (Action.UNDEPLOY, ("home",))
    undeploy, delete = there.changes()
    assert (undeploy.action, delete.action) == (Action.UNDEPLOY, Action.DELETE)
    assert undeploy.endpoints == ("home", "theirs")
    assert undeploy.key in delete.needs
    assert "this plan undeploys it there" in there.plan().notes[0].text


def test_what_somebody_deployed_elsewhere_alone_is_not_ended() -> None:
    there = Endpoints(endpoint("theirs", m=100), home=HOME, deployed=False)
    assert there.changes(replace(there.declared, node_count=None)) == []
    (deploy,) = there.changes(there.declared)
    assert (deploy.action, deploy.endpoints) == (Action.DEPLOY, ("home",))


@pytest.mark.parametrize(
    ("home", "endpoints", "named", "said"),
    [
        (HOME, [endpoint("home", x=100)], ("home",), "receives 0% of the requests"),
        (ADOPTED, [endpoint("home", x=70)], ("home",), "receives 30% of the requests"),
        (HOME, [endpoint("home", x=0)], ("home",), ""),
        (HOME, [], ("home",), "is created again with the same id"),
        (ADOPTED, [], (), "clients of home must be updated"),
        (
            HOME,
            [endpoint("home", f"{LINEAGE[:12]}-{'0' * 12}-other", x=100)],
            (),
            "clients of home must be updated",
        ),
    ],
)
def test_a_model_that_somebody_undeployed_is_put_back(
    home: Home, endpoints: list[LiveEndpoint], named: tuple[str, ...], said: str
) -> None:
    there = Endpoints(*endpoints, home=home, deployed=True)
    (deploy,) = there.changes(there.declared)
    assert (deploy.action, deploy.endpoints) == (Action.DEPLOY, named)
    assert said in deploy.reason
    told = [(d.before, d.after) for d in deploy.differences if d.path == "deploy.endpoint"]
    assert told == ([] if named else [("home", "(known after apply)")])


@pytest.mark.parametrize("home", [HOME, ADOPTED])
def test_a_successor_answers_where_the_current_version_does(home: Home) -> None:
    there = Endpoints(endpoint("home", m=30, x=70), home=home, deployed=True)
    trained = replace(there.declared, train_budget_milli_node_hours=9000, keep_versions=1)
    changes = there.changes(trained)
    assert [(c.action, c.endpoints) for c in changes if c.endpoints] == [
        (Action.DEPLOY, ("home",)),
        (Action.UNDEPLOY, ("home",)),
    ]
    assert there.plan(trained).refused == ()


@pytest.mark.parametrize(("home", "named"), [(HOME, [("home",)] * 3), (ADOPTED, [(), (), ()])])
def test_an_endpoint_that_is_gone_is_told_of_once(home: Home, named: list[tuple[str, ...]]) -> None:
    there = Endpoints(home=home, deployed=True)
    trained = replace(there.declared, train_budget_milli_node_hours=9000, keep_versions=1)
    changes = [c for c in there.changes(trained) if c.action in (Action.DEPLOY, Action.UNDEPLOY)]
    assert [c.action for c in changes] == [Action.DEPLOY, Action.DEPLOY, Action.UNDEPLOY]
    assert [c.endpoints for c in changes] == named
    assert ["was deleted outside" in c.reason for c in changes] == [True, False, False]


@pytest.mark.parametrize(
    ("endpoints", "refused"),
    [
        ([endpoint("home", m=100)], False),
        ([endpoint("home", m=0, x=100)], False),
        ([endpoint("home", m=30, x=70)], True),
        ([endpoint("home", m=100), endpoint("theirs", m=30, x=70)], True),
        ([endpoint("home", m=100), endpoint("theirs", m=100)], False),
    ],
)
def test_no_plan_gives_requests_to_models_of_others(
    endpoints: list[LiveEndpoint], refused: bool
) -> None:
    there = Endpoints(*endpoints, home=HOME, deployed=True)
    assert [each.rule for each in there.plan().refused] == [OTHERS_TRAFFIC] * refused


def test_the_endpoint_is_recorded_with_the_deployment() -> None:
    deployed = RecordedOperation(
        Step.DEPLOY, "t", "", object_id="M1", attributes={"deploy": {}}, endpoints=("e",)
    )
    record = RecordedResource(DIGITS)
    assert after_operation(record, deployed).endpoint == Home("e")
    adopted = replace(record, endpoint=Home("e", adopted=True))
    assert after_operation(adopted, deployed).endpoint == Home("e", adopted=True)
    assert with_endpoint(adopted, replace(deployed, endpoints=())) == adopted


@given(st.data())
def test_whatever_others_do_only_named_deployments_end(data: st.DataObject) -> None:
    """Undeployed, moved, shared, without labels, with copied ones: what a plan ends, it names."""
    names = data.draw(st.lists(st.sampled_from(["home", "a", "b"]), unique=True))
    shares = st.dictionaries(st.sampled_from(["m", "x"]), st.sampled_from([0, 50, 100]), max_size=2)
    endpoints = [
        endpoint(name, *data.draw(st.sampled_from([(), (LABEL,)])), **data.draw(shares))
        for name in names
    ]
    home = data.draw(st.sampled_from([None, HOME, ADOPTED]))
    there = Endpoints(*endpoints, home=home, deployed=data.draw(st.booleans()))
    declared = data.draw(
        st.sampled_from(
            [
                (there.declared,),
                (replace(there.declared, node_count=None),),
                (replace(there.declared, train_budget_milli_node_hours=9000, keep_versions=1),),
                (),
            ]
        )
    )
    plan = there.plan(*declared)
    places = {e.id for e in there.endpoints if e.nodes_of(there.id)}
    known = plan.endpoints.get(DIGITS)
    changes = [c for c in plan.changes if c.address == DIGITS]
    deleted = any(c.action is Action.DELETE for c in changes)
    for change in changes:
        if change.action is Action.UNDEPLOY and deleted:
            assert set(change.endpoints) >= places
        elif change.action is Action.UNDEPLOY:
            assert set(change.endpoints) <= ({known.id} if known else set())
    if home is not None:
        assert known == home
    if not changes and places:
        noted = " ".join(note.text for note in plan.notes)
        assert all(each in noted for each in places - ({known.id} if known else set()))


@pytest.mark.parametrize(
    ("wanted", "refused"),
    [
        (desired(dataset(), model(labels={"a": "b"})), False),
        (desired(dataset(), model(node_count=2)), True),
        (desired(dataset(), model(train_budget_milli_node_hours=9_000)), True),
        (desired(dataset()), True),
    ],
    ids=["update", "deploy", "retrain", "delete"],
)
def test_of_an_unknown_state_nothing_is_concluded(wanted: Desired, refused: bool) -> None:
    """Only what does not depend on whether the model is deployed is done."""
    world = World()
    world.apply(desired(dataset(), model()))
    ((object_id, there),) = world.models.items()
    world.models[object_id] = replace(there, deployment_state="DEPLOYMENT_STATE_ARCHIVED")
    plan = world.plan(wanted)
    assert not plan.empty
    assert ({each.rule for each in plan.refused} == {UNKNOWN_STATE}) is refused
