"""What must hold after every command, asked of the service and of the state file."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.life.service import HOURS_A_MONTH, USD_PER_NODE_HOUR, Live, Snapshot
from tests.life.shown import PAID, Shown
from tests.life.world import Checkout, World, ids_of, inputs_of
from tests.life.zygote import HANGS, Outcome

CODES = frozenset({0, 1, 2, 3, 4, 5, 130})
_CENT = 0.011
_BUG = re.compile(r"Traceback|this is a bug")
_FAILED = re.compile(r"changes? failed")
_TAKES_DOWN = ("undeploy", "delete")


class Violation(Exception):
    """Something that must hold did not."""

    def __init__(self, rule: str, text: str) -> None:
        super().__init__(f"{rule}: {text}")
        self.rule = rule


@dataclass(frozen=True)
class Begun:
    """A training that the tool began."""

    address: str
    inputs: str
    operation: str
    model: str


@dataclass(frozen=True)
class Act:
    """A command, and all that is known of it."""

    here: Checkout
    arguments: tuple[str, ...]
    outcome: Outcome
    shown: Shown
    before: Snapshot
    after: Snapshot
    recorded: Mapping[str, Any]
    """The state's resources before it."""
    killed: bool = False
    stale: bool = False
    """Whether the plan that was shown may be an old one."""
    asked_for: frozenset[str] = frozenset()
    """Models whose training was asked for by the command itself."""


@dataclass(frozen=True)
class Effects:
    """What the service tells of a command."""

    begun: tuple[str, ...]
    """Operations of trainings."""
    cancelled: tuple[str, ...]
    deleted: tuple[str, ...]
    created: tuple[str, ...]
    """Datasets."""
    undeployed: tuple[str, ...]
    deployed: tuple[str, ...]
    resized: tuple[str, ...]
    relabelled: tuple[str, ...]
    endpoints: tuple[str, ...]
    """Those that were made, are gone, or changed."""

    @property
    def none(self) -> bool:
        """Whether nothing was done."""
        return not any(getattr(self, name) for name in self.__dataclass_fields__)


def effects_of(before: Snapshot, after: Snapshot) -> Effects:
    """What differs, but for what ends by itself: trainings and lives."""
    there, now = before.objects, after.objects
    down = [m for m in before.nodes if m not in after.nodes and not after.expired(m)]
    return Effects(
        tuple(o for o in after.trainings if o not in before.trainings),
        tuple(
            o
            for o, t in after.trainings.items()
            if t.outcome == "cancelled"
            and o in before.trainings
            and before.trainings[o].outcome == "running"
        ),
        tuple(i for i in there if i not in now),
        tuple(i for i in after.datasets if i not in before.datasets),
        tuple(down),
        tuple(m for m in after.nodes if m not in before.nodes),
        tuple(m for m, n in after.nodes.items() if before.nodes.get(m, n) != n),
        tuple(
            i
            for i, o in now.items()
            if i in there and (o.labels, o.name) != (there[i].labels, there[i].name)
        ),
        tuple(
            e
            for e in {**before.endpoints, **after.endpoints}
            if before.endpoints.get(e) != after.endpoints.get(e)
        ),
    )


@dataclass
class Judge:
    """Remembers what was begun, declared and promised, and judges each command."""

    world: World
    begun: list[Begun] = field(default_factory=list)
    promised: dict[str, float] = field(default_factory=dict)
    """US dollars at most, by the operation of a training."""
    used: dict[str, float] = field(default_factory=dict)
    """US dollars at most, by the operation of a training, when it is cancelled now."""

    def judge(self, act: Act) -> Effects:
        """Raise Violation for the first thing that does not hold."""
        effects = effects_of(act.before, act.after)
        for rule in (
            self._ended_in_order,
            self._state_is_sound,
            self._money,
            self._nothing_unsaid,
            self._training_was_due,
            self._policy_holds,
            self._protection_holds,
            self._serves_on,
            self._nothing_fails,
        ):
            for text in rule(act, effects):
                name = rule.__name__.strip("_").replace("_", " ")
                raise Violation(name, f"{' '.join(act.arguments)}: {text}")
        return effects

    # -- the rules -----------------------------------------------------------------------------

    def _ended_in_order(self, act: Act, _: Effects) -> Iterator[str]:
        code = act.outcome.code
        if code == HANGS:
            yield "it hangs"
        elif not act.killed and code not in CODES:
            yield f"the exit code is {code}: {act.outcome.text[-500:]}"
        if _BUG.search(act.outcome.text):
            yield act.outcome.text[-1500:]

    def _state_is_sound(self, act: Act, _: Effects) -> Iterator[str]:
        homes: dict[str, list[str]] = {}
        for address, record in act.here.recorded().items():
            for object_id in ids_of(record):
                homes.setdefault(object_id, []).append(address)
        for object_id, addresses in homes.items():
            if len(addresses) > 1:
                yield f"{object_id} is recorded at {' and '.join(addresses)}"

    def _money(self, act: Act, effects: Effects) -> Iterator[str]:
        shown = act.shown
        for operation in effects.begun:
            address = self._address(act.after.trainings[operation].labels)
            if address and shown.whole:
                # One that was cut off before it was sent is resumed: it is sent then.
                most = (shown.training_usd(address), shown.running_usd(address))
                self.promised[operation] = max(most)
        for operation, usd in self.promised.items():
            billed = act.after.trainings[operation].usd
            if billed > usd + _CENT:
                yield f"${billed} is billed for {operation}, and at most ${usd} was said"
        for operation, usd in self.used.items():
            training = act.after.trainings[operation]
            if training.outcome == "cancelled" and training.usd > usd:
                yield f"${training.usd} is billed for {operation}, and ${usd} so far was said"
        self.used.clear()
        if shown.whole.get("cost") and not act.stale:
            said, truth = shown.monthly_usd("monthly_before"), act.before.monthly_usd
            if said < truth - _CENT:
                yield f"deployments cost ${truth:.2f} a month, and ${said:.2f} was said"

    def _nothing_unsaid(self, act: Act, effects: Effects) -> Iterator[str]:
        shown, after = act.shown, act.after
        if not shown.changes and not effects.none:
            yield f"nothing was shown, and this was done: {effects}"
        for operation in effects.begun:
            address = self._address(after.trainings[operation].labels)
            labels = (after.trainings[o].labels for o in effects.begun)
            trained = [each for each in labels if self._address(each) == address]
            said = [c for c in shown.of(*PAID) if c.address == address]
            said += [c for c in shown.of("resume") if (c.address, c.subject) == (address, None)]
            if len(trained) > len(said):
                yield f"{len(trained)} trainings of {address} were begun, {len(said)} were shown"
        yield from self._unnamed("cancelled", effects.cancelled, act, "cancel")
        yield from self._unnamed("deleted", effects.deleted, act, "delete")
        yield from self._unnamed("undeployed", effects.undeployed, act, "undeploy", "delete")
        made = {after.trainings[o].model for o in after.trainings}
        made -= {i for record in act.recorded.values() for i in ids_of(record)}
        deploys = shown.of("deploy", "update")
        for model in (*effects.deployed, *effects.resized):
            named = any(c.subject == model for c in deploys)
            # What is trained or taken up by this plan has no id in it.
            anonymous = any(c.subject is None for c in deploys)
            if not named and not anonymous:
                yield f"{model} was deployed, and no plan said so"
        if len(effects.created) > len(shown.of("create")):
            yield f"datasets were created that were not shown: {effects.created}"
        homes = self._homes(act)
        for object_id in effects.relabelled:
            if not homes.get(object_id, set()) & shown.addresses:
                yield f"{object_id} got other labels or another name, and nothing was shown of it"

    def _unnamed(self, what: str, ids: tuple[str, ...], act: Act, *actions: str) -> Iterator[str]:
        said = {c.subject for c in act.shown.of(*actions)}
        known = {i for record in act.recorded.values() for i in ids_of(record)}
        for each in ids:
            # What an open operation will have made has no id in the plan yet.
            if each not in said and not (None in said and each not in known):
                yield f"{each} was {what}, and the plan shown did not say so"

    def _training_was_due(self, act: Act, effects: Effects) -> Iterator[str]:
        for operation in effects.begun:
            training = act.after.trainings[operation]
            address = self._address(training.labels)
            if address is None:
                yield f"a training that bears no address was begun: {training.name}"
                continue
            name = address.partition(".")[2]
            if name not in act.here.models:
                yield f"{address} was trained, and is not declared"
                continue
            inputs = inputs_of(self.world, act.here, name)
            begun = Begun(address, inputs, operation, training.model)
            paid = [b for b in self.begun if b.inputs == inputs and self._still(b, address, act)]
            self.begun.append(begun)
            if paid and address not in act.asked_for and not self._is_old(act, name, paid):
                yield f"{address} was trained, and {paid[-1].model} was trained on just the same"

    def _still(self, begun: Begun, address: str, act: Act) -> bool:
        """Whether an earlier training of an address runs, or has made what lives and may serve."""
        training = act.before.trainings.get(begun.operation) or act.after.trainings[begun.operation]
        if training.outcome == "running":
            return begun.address == address
        model = act.before.models.get(begun.model)
        if training.outcome != "trained" or model is None or act.before.expired(begun.model):
            return False
        if model.labels.get("automl-plan-status") == "rejected":
            return False
        record = act.recorded.get(address) or {}
        lineage = str(act.here.state().get("lineage", ""))
        ours = lineage.startswith(model.lineage) and bool(model.lineage)
        return begun.model in ids_of(record) or (ours and self._address(model.labels) == address)

    def _is_old(self, act: Act, name: str, paid: list[Begun]) -> bool:
        """Whether `retrain` asks for a training by age."""
        return bool(act.here.models[name].get("retrain"))

    def _policy_holds(self, act: Act, effects: Effects) -> Iterator[str]:
        policy = act.here.document.get("policy") or {}
        limit = policy.get("max_training_cost")
        if limit is not None and effects.begun:
            most = sum(self._most_usd(act, operation) for operation in effects.begun)
            if most > limit:
                yield f"trainings of up to ${most:.2f} were begun, and ${limit} are allowed"
        limit = policy.get("max_monthly_cost")
        before, after = act.before.monthly_usd, act.after.monthly_usd
        if limit is not None and after > before and after > limit:
            yield f"deployments went from ${before} to ${after} a month, and ${limit} are allowed"
        homes = self._homes(act)
        done = [("undeploy", i) for i in effects.undeployed]
        done += [("delete", i) for i in effects.deleted]
        done += [("deploy", i) for i in (*effects.deployed, *effects.resized)]
        for action, object_id in done:
            for address in homes.get(object_id, ()):
                if self._denied(policy, address, action):
                    yield f"{address}: {action} of {object_id}, which the policy denies"
        for operation in effects.begun:
            address = self._address(act.after.trainings[operation].labels) or ""
            said = {c.action for c in act.shown.of(*PAID) if c.address == address}
            if any(self._denied(policy, address, action) for action in said):
                yield f"{address} was trained, which the policy denies"

    def _denied(self, policy: Mapping[str, Any], address: str, action: str) -> bool:
        return any(
            fnmatch.fnmatchcase(address, glob) and action in actions
            for glob, actions in policy.get("deny", {}).items()
        )

    def _protection_holds(self, act: Act, effects: Effects) -> Iterator[str]:
        now = act.here.recorded()
        for address, record in act.recorded.items():
            current = record.get("current")
            if not current or current["id"] not in effects.deleted:
                continue
            after = (now.get(address) or {}).get("current")
            replaced = after is not None and after["id"] != current["id"]
            if self._protected(act, address, record) and not replaced:
                yield f"{address} is protected, and {current['id']} was deleted"

    def _protected(self, act: Act, address: str, record: Mapping[str, Any]) -> bool:
        kind, _, name = address.partition(".")
        declared = act.here.document[f"{kind}s"].get(name)
        if declared is not None:
            return bool(declared.get("lifecycle", {}).get("prevent_destroy"))
        gone = {"from": address, "action": "delete"}
        return bool(record.get("protected")) and gone not in act.here.blocks("removed")

    def _serves_on(self, act: Act, effects: Effects) -> Iterator[str]:
        """Of each declared deployment that served: something of it serves, unless it was said."""
        now = act.here.recorded()
        for name, model in act.here.models.items():
            address = f"model.{name}"
            record = act.recorded.get(address)
            if record is None or "deploy" not in model:
                continue
            current = str((record.get("current") or {}).get("id"))
            served = [current] if current in act.before.nodes else []
            ids = {*ids_of(record), *ids_of(now.get(address) or {})}
            ids |= {b.model for b in self.begun if b.address == address}
            if not served or any(i in act.after.nodes for i in ids):
                continue
            if any(act.after.expired(i) for i in served):
                continue
            said = [c for c in act.shown.changes if c.address == address]
            comes = any(c.action == "deploy" for c in said)
            goes = any(c.action in _TAKES_DOWN for c in said)
            if not goes or comes:
                yield f"{address} served, and now nothing of it does; shown was {said}"

    def _nothing_fails(self, act: Act, _: Effects) -> Iterator[str]:
        """What was planned a moment ago, in a world that nobody else touches, can be done."""
        found = _FAILED.search(act.outcome.text)
        if found and not act.killed and not act.stale and act.outcome.code == 1:
            yield act.outcome.text[-1500:]

    # -- who is who ----------------------------------------------------------------------------

    def _homes(self, act: Act) -> dict[str, set[str]]:
        """The addresses of objects, by the state before and after, and by their labels."""
        homes: dict[str, set[str]] = {}
        for recorded in (act.recorded, act.here.recorded()):
            for address, record in recorded.items():
                for object_id in ids_of(record):
                    homes.setdefault(object_id, set()).add(address)
        for seen in (act.before, act.after):
            for object_id, obj in seen.objects.items():
                kind = "dataset" if object_id in seen.datasets else "model"
                if obj.address_name is not None:
                    homes.setdefault(object_id, set()).add(f"{kind}.{obj.address_name}")
        return homes

    def _address(self, labels: Mapping[str, str]) -> str | None:
        name = Live("", "", labels, "").address_name
        return None if name is None else f"model.{name}"

    def _most_usd(self, act: Act, operation: str) -> float:
        address = self._address(act.after.trainings[operation].labels) or ""
        declared = act.here.models.get(address.partition(".")[2])
        if declared is None:
            return 0.0
        budget = declared["image_classification"]["train_budget_milli_node_hours"]
        return float(budget / 1000 * USD_PER_NODE_HOUR["train"])


def monthly(nodes: int) -> float:
    """US dollars a month."""
    return nodes * USD_PER_NODE_HOUR["deploy"] * HOURS_A_MONTH
