"""What must hold after every command, asked of the service and of the state file."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.life.effects import Act, Effects, Violation, effects_of
from tests.life.shown import PAID
from tests.life.trainings import COUNTED, Ledger, most_usd, said_to_train
from tests.life.world import WRONG_LABEL, World, ids_of, rows_of
from tests.life.zygote import HANGS

CODES = frozenset({0, 1, 2, 3, 4, 5, 130})
_BUG = re.compile(r"Traceback|this is a bug")
_FAILED = re.compile(r"changes? failed")
_GOES_ON = re.compile(r"the current version continues to serve")
_NAME_STRAYS = ("plan", "drift", "cost")
_IN_USE = "an operation is running on it"
"""Why a dataset can't be deleted that somebody else trains on: not every plan can know that."""
_TAKEN_UP = "that the rebuilt state adopted"
"""Whose a training of AutoML v1 is that a rebuilt state waits for is known when it has ended."""
_REFUSED_ROWS = "the service refused"
_MAY_REFUSE = re.compile(f"{COUNTED}|the last import was partial")
"""A plan says so where a relabelled row may be appended."""
_TAKES_DOWN = ("undeploy", "delete")


@dataclass
class Judge:
    """Judges each command. Rules on trainings and money are the ledger's."""

    world: World
    ledger: Ledger
    passed_over: frozenset[str] = frozenset()
    """Rules that are not held, to look for what others find while one is broken."""

    def judge(self, act: Act) -> Effects:
        """Raise Violation for the first thing that does not hold."""
        effects = effects_of(act.before, act.after)
        for rule in (
            self.ended_in_order,
            self.one_address,
            self.ledger.money,
            self.nothing_unsaid,
            self.ledger.training_was_due,
            self.ledger.trained_on_what_is_declared,
            self.older_state_pays_nothing,
            self.policy_holds,
            self.protection_holds,
            self.serves_on,
            self.nothing_fails,
            self.says_what_is,
        ):
            name = rule.__name__.replace("_", " ")
            for text in rule(act, effects):
                if name not in self.passed_over:
                    raise Violation(name, f"{' '.join(act.arguments)}: {text}")
        return effects

    def ended_in_order(self, act: Act, _: Effects) -> Iterator[str]:
        """With a documented exit code, and no traceback."""
        code = act.outcome.code
        if code == HANGS:
            yield "it hangs"
        elif not act.killed and code not in CODES:
            yield f"the exit code is {code}"
        if _BUG.search(act.outcome.text):
            yield "it says that it has a bug"

    def one_address(self, act: Act, _: Effects) -> Iterator[str]:
        """An object is recorded at one address only."""
        homes: dict[str, list[str]] = {}
        for address, record in act.recorded_now.items():
            for object_id in ids_of(record):
                homes.setdefault(object_id, []).append(address)
        for object_id, addresses in homes.items():
            if len(addresses) > 1:
                yield f"{object_id} is recorded at {' and '.join(addresses)}"

    def nothing_unsaid(self, act: Act, effects: Effects) -> Iterator[str]:
        """Nothing was done that the plan shown did not say."""
        shown = act.shown
        if not shown.changes and not effects.none:
            yield f"nothing was shown, and this was done: {effects}"
        begun = [act.address_of(operation) for operation in effects.begun]
        for address in filter(None, begun):
            if begun.count(address) > said_to_train(act, address):
                yield f"{begun.count(address)} trainings of {address} were begun, not as shown"
        yield from self._unnamed("cancelled", effects.cancelled, act, "cancel")
        yield from self._unnamed("deleted", effects.deleted, act, "delete")
        yield from self._unnamed("undeployed", effects.undeployed, act, *_TAKES_DOWN)
        deploys = shown.of("deploy", "update")
        ends = {c.subject for c in shown.of(*_TAKES_DOWN)}
        for model in (*effects.deployed, *effects.resized):
            less = act.after.nodes[model] < act.before.nodes.get(model, 0)
            # What is trained or taken up by this plan has no id in it.
            said = any(c.subject in (model, None) for c in deploys)
            if not said and not (less and model in ends):
                yield f"{model} was deployed, and no plan said so"
        if len(effects.created) > len(shown.of("create")) + len(shown.of("resume")):
            yield f"datasets were created that were not shown: {effects.created}"
        if len(effects.imported) > len(shown.of("import-data", "resume")):
            yield f"data was imported that was not shown: {effects.imported}"
        homes = act.homes()
        for object_id in effects.relabelled:
            if not homes.get(object_id, set()) & shown.addresses:
                yield f"{object_id} got other labels or another name, and nothing was shown of it"

    def _unnamed(self, what: str, ids: tuple[str, ...], act: Act, *actions: str) -> Iterator[str]:
        said = {c.subject for c in act.shown.of(*actions)}
        if what == "cancelled" and act.given("--on-interrupt") == {"cancel"}:
            return
        known = {i for record in act.recorded.values() for i in ids_of(record)}
        resumed = {(c.address, c.subject) for c in act.shown.of("resume")}
        homes = act.homes()
        for each in ids:
            if {(home, named) for home in homes.get(each, ()) for named in (None, each)} & resumed:
                continue  # a call that was cut off is sent again
            # What an open operation will have made has no id in the plan yet.
            if each not in said and not (None in said and each not in known):
                yield f"{each} was {what}, and the plan shown did not say so"

    def older_state_pays_nothing(self, act: Act, effects: Effects) -> Iterator[str]:
        """Where something bears this state's labels and the state lacks it, nothing is paid.

        Plans, drift and cost name each such object.
        """
        if not act.here.lineage or act.unsure:
            return
        declared = {f"dataset.{n}" for n in act.here.datasets}
        declared |= {f"model.{n}" for n in act.here.models}
        operations = [o for r in act.recorded.values() for o in r.get("operations", ())]
        tokens = {operation.get("token") for operation in operations}
        known = {i for record in act.recorded.values() for i in ids_of(record)}
        # At Vertex AI an operation names the dataset that it makes.
        known |= {part for o in operations for part in str(o.get("id")).split("/")}
        known |= {act.before.trainings[o].model for o in _open(act)}
        adopted = {change.subject for change in act.shown.of("import")}
        strays = [
            o.id
            for o in act.before.objects.values()
            if o.lineage
            and act.here.lineage.startswith(o.lineage)
            and o.id not in known
            and o.id not in adopted
            and o.labels.get("automl-plan-token") not in tokens
            # Without a state nobody can know whose the others are.
            and (act.state or act.homes()[o.id] & declared)
        ]
        paid = (*effects.begun, *effects.imported, *effects.deployed)
        if strays and paid:
            yield f"{paid} was paid for, and the state does not know {strays}"
        unnamed = [i for i in strays if i not in act.outcome.text]
        if act.arguments[0] in _NAME_STRAYS and act.outcome.code in (0, 2, 3) and unnamed:
            yield f"it does not name {unnamed}, which bear this state's labels"

    def policy_holds(self, act: Act, effects: Effects) -> Iterator[str]:
        """No command goes around the policy or the lint."""
        policy = act.here.document.get("policy") or {}
        limit = policy.get("max_training_cost")
        if limit is not None and effects.begun:
            most = sum(most_usd(act, operation) for operation in effects.begun)
            if most > limit:
                yield f"trainings of up to ${most:.2f} were begun, and ${limit} are allowed"
        limit = policy.get("max_monthly_cost")
        records = [*act.recorded.values(), *act.recorded_now.values()]
        had, have = (
            {i for record in r.values() for i in ids_of(record)}
            for r in (act.recorded, act.recorded_now)
        )
        at = {record["endpoint"]["id"] for record in records if record.get("endpoint")}
        # What it ends elsewhere costs no more: plans count that, too.
        ended = act.before.elsewhere(had, at) - act.after.elsewhere(had | have, at)
        before, after = act.before.monthly_at(had | have, at, ended), act.after.monthly_at(have, at)
        midway = act.killed or act.outcome.code in (1, 130)  # what it takes down may still run
        if limit is not None and after > before and after > limit and not midway:
            yield f"deployments went from ${before} to ${after} a month, and ${limit} are allowed"
        homes = act.homes()
        done = [("undeploy", i) for i in effects.undeployed]
        done += [("delete", i) for i in effects.deleted]
        done += [("deploy", i) for i in (*effects.deployed, *effects.resized)]
        done += [("import-data", i) for i in effects.imported]
        moved = {block["from"] for block in act.here.blocks("moved")}
        forgotten = {block["from"] for block in act.here.blocks("removed")}
        adopted = {block["id"] for block in act.here.blocks("imports")}
        for action, object_id in done:
            former = moved | forgotten if object_id in adopted else moved  # the new one is judged
            for address in homes.get(object_id, set()) - former:
                if _denied(policy, address, action):
                    yield f"{address}: {action} of {object_id}, which the policy denies"
        for operation in effects.begun:
            address = act.address_of(operation) or ""
            said = {c.action for c in act.shown.of(*PAID) if c.address == address}
            if any(_denied(policy, address, action) for action in said):
                yield f"{address} was trained, which the policy denies"
        for object_id in effects.imported:
            for address in homes.get(object_id, ()):
                name = address.partition(".")[2]
                rows = rows_of(self.world, act.here, name) if name in act.here.datasets else ()
                if any(label == WRONG_LABEL for _, _, label in rows):
                    yield f"data of {address} was imported, which the lint refuses"

    def protection_holds(self, act: Act, effects: Effects) -> Iterator[str]:
        """The current object of a protected address is not deleted."""
        for address, record in act.recorded.items():
            current = record.get("current")
            if not current or current["id"] not in effects.deleted:
                continue
            after = (act.recorded_now.get(address) or {}).get("current")
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

    def serves_on(self, act: Act, effects: Effects) -> Iterator[str]:
        """Of each declared deployment that served something serves, unless that was said."""
        if act.arguments[:2] == ("models", "delete"):
            return  # it was named
        for name, model in act.here.models.items():
            address = f"model.{name}"
            record = act.recorded.get(address)
            if record is None or "deploy" not in model:
                continue
            current = str((record.get("current") or {}).get("id"))
            said = [c for c in act.shown.changes if c.address == address]
            comes = any(c.action == "deploy" for c in said)
            goes = any(c.action in _TAKES_DOWN for c in said)
            if act.after.expired(current) or (goes and not comes):
                continue
            ids = {*ids_of(record), *ids_of(act.recorded_now.get(address) or {})}
            ids |= self.ledger.models_of(address)
            if current in act.before.nodes and not any(i in act.after.nodes for i in ids):
                yield f"{address} served, and now nothing of it does; shown was {said}"
            for endpoint in act.before.serving(current):
                if not any(endpoint in act.after.serving(i) for i in ids):
                    yield f"{address} served at {endpoint}, and now nothing of it does"

    def nothing_fails(self, act: Act, _: Effects) -> Iterator[str]:
        """What was planned a moment ago, in a world that nobody else touches, can be done."""
        found = _FAILED.search(act.outcome.text)
        if found and not act.killed and not act.stale and act.outcome.code == 1:
            errors = re.findall(r"Error: .*", act.outcome.text)
            theirs = any(
                t.outcome == "running" and act.address_of(o) is None
                for o, t in act.before.trainings.items()
            )
            told = act.arguments[0] == "wait" and any("was cancelled" in e for e in errors)
            told = told or any(_TAKEN_UP in e for e in errors)
            told = told or (
                any(_REFUSED_ROWS in e for e in errors)
                and bool(_MAY_REFUSE.search(act.outcome.text) or self._imports_unsure(act))
            )
            if not told and not (theirs and any(_IN_USE in e for e in errors)):
                yield "; ".join(errors)

    def _imports_unsure(self, act: Act) -> bool:
        """Whether an import is open into what a plan said so of when it was begun."""
        importing = {
            operation.get("object_id")
            for record in act.recorded.values()
            for operation in record.get("operations", ())
            if operation.get("step") == "import-data"
        }
        return not self.ledger.unsure.isdisjoint(importing)

    def says_what_is(self, act: Act, effects: Effects) -> Iterator[str]:
        """What is said of what serves, and of what was done, is so."""
        text = act.outcome.text
        if _GOES_ON.search(text):
            for address in re.findall(
                r"^(model\.\S+) version \d+: rejected by", text, re.MULTILINE
            ):
                if act.after.nodes.keys().isdisjoint(ids_of(act.recorded_now.get(address) or {})):
                    yield f"it says that {address} continues to serve, and nothing of it serves"
        if "nothing was done" in text and not effects.none:
            yield f"it says that nothing was done, and did {effects}"
        if act.outcome.code == 5 and "Error:" in text:
            yield "what continues at the service is told as an error"


def _open(act: Act) -> Iterator[str]:
    """The trainings that the state waits for."""
    for record in act.recorded.values():
        for operation in record.get("operations", ()):
            name = str(operation.get("id")).rpartition("/")[2]
            if name in act.before.trainings:
                yield name


def _denied(policy: Mapping[str, Any], address: str, action: str) -> bool:
    return any(
        fnmatch.fnmatchcase(address, glob) and action in actions
        for glob, actions in policy.get("deny", {}).items()
    )
