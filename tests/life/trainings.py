"""What was trained, for what, and what it may cost: nothing is paid twice, nor more than said."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.life.effects import Act, Effects
from tests.life.service import OWN, USD_PER_NODE_HOUR, end_of_life
from tests.life.shown import PAID, from_json
from tests.life.world import Row, World, budget_of, ids_of, inputs_of, rows_of

CENT = 0.011
COUNTED = "the imported rows are not recorded"
"""A plan says so after a state was rebuilt: what was removed as another row came can't be seen."""
_SLACK_SECONDS = 5.0
"""Between two commands, on a busy machine, while a training uses what costs."""
_USD_PER_SECOND = 8 * USD_PER_NODE_HOUR["train"] / 3600
"""What a training with all its nodes costs."""
_UP_TO = re.compile(r"up to \$([0-9][0-9,]*(?:\.[0-9]+)?)")
_EARLY = timedelta(days=3)
"""A command may take days; what is due in its course is no surprise."""


@dataclass(frozen=True)
class Begun:
    """A training that the tool began."""

    address: str
    inputs: str
    operation: str
    model: str
    dataset: str
    """The name of its address."""


@dataclass
class Ledger:
    """Remembers what was begun, imported and promised."""

    world: World
    begun: list[Begun] = field(default_factory=list)
    promised: dict[str, float] = field(default_factory=dict)
    """US dollars at most, by the operation of a training."""
    contents: dict[str, dict[int, Row]] = field(default_factory=dict)
    """What was imported into a dataset, by image: what comes later changes nothing of it."""
    unsure: set[str] = field(default_factory=set)
    """Datasets of which a plan said that only counts were compared."""
    held: dict[str, str] = field(default_factory=dict)
    """The fingerprint that was last recorded for a dataset."""

    def models_of(self, address: str) -> set[str]:
        """The models of all trainings of an address."""
        return {b.model for b in self.begun if b.address == address}

    def money(self, act: Act, effects: Effects) -> Iterator[str]:
        """What is billed was said."""
        shown, after = act.shown, act.after
        for operation in effects.begun:
            address = act.address_of(operation)
            if address and shown.whole:
                # One that was cut off before it was sent is resumed: it is sent then.
                most = (shown.training_usd(address), shown.running_usd(address))
                self.promised[operation] = max(most)
        for operation, usd in self.promised.items():
            billed = after.trainings[operation].usd
            if billed > usd + CENT:
                yield f"${billed} is billed for {operation}, and at most ${usd} was said"
        slack = _SLACK_SECONDS * self.world.service.scale * _USD_PER_SECOND + CENT
        ended = [o for o in effects.begun if after.trainings[o].outcome == "cancelled"]
        ended += effects.cancelled
        for operation in ended:
            address, billed = act.address_of(operation), after.trainings[operation].usd
            if address and shown.whole and not act.stale:
                said = shown.running_usd(address, "running_spent")
                recorded = (act.recorded.get(address) or {}).get("operations")
                if recorded and billed > said + slack:
                    yield f"${billed} is billed for {operation}, and ${said} was said so far"
            told = [float(m.replace(",", "")) for m in _UP_TO.findall(act.outcome.text)]
            if told and len(ended) == 1 and billed > max(told) + slack:
                yield f"${billed} is billed for {operation}, and up to ${max(told)} was told"
        if shown.whole.get("cost") and not act.stale:
            said, truth = shown.monthly_usd("monthly_before"), act.before.monthly_usd
            if said < truth - CENT:
                yield f"deployments cost ${truth:.2f} a month, and ${said:.2f} was said"
            said, truth = shown.monthly_usd("monthly_after"), after.monthly_usd
            whole = act.outcome.code == 0  # midway two versions may be deployed
            if whole and not effects.none and truth > max(said, act.before.monthly_usd) + CENT:
                yield f"deployments now cost ${truth:.2f} a month, and ${said:.2f} was said"

    def training_was_due(self, act: Act, effects: Effects) -> Iterator[str]:
        """Nothing that runs, or lives and may serve, was trained on just the same."""
        for operation in effects.begun:
            training, address = act.after.trainings[operation], act.address_of(operation)
            if address is None:
                yield f"a training that bears no address was begun: {training.name}"
                continue
            name = address.partition(".")[2]
            if name not in act.here.models:
                yield f"{address} was trained, and is not declared"
                continue
            inputs = inputs_of(self.world, act.here, name)
            paid = [b for b in self.begun if b.inputs == inputs and self._still(b, address, act)]
            dataset = act.here.models[name]["dataset"]
            if _ignores_data(act.here.models[name], act.here.datasets[dataset]):
                inputs += " as its dataset had them"  # which may not be what is declared
            self.begun.append(Begun(address, inputs, operation, training.model, dataset))
            asked = address in act.given("--replace") or self._by_age(act, name, paid)
            if paid and not asked:
                yield f"{address} was trained, and {paid[-1].model} was trained on just the same"

    def trained_on_what_is_declared(self, act: Act, effects: Effects) -> Iterator[str]:
        """The dataset holds the declared rows, no others, as its labels say them."""
        self._imported(act)
        for operation in effects.begun:
            name = (act.address_of(operation) or "").partition(".")[2]
            declared = act.here.models.get(name)
            if declared is None or not act.whole or act.killed or act.stale:
                continue
            dataset = act.here.datasets[declared["dataset"]]
            record = act.recorded_now.get(f"dataset.{declared['dataset']}") or {}
            object_id = (record.get("current") or {}).get("id", "")
            there = self.contents.get(object_id)
            if there is None or object_id in self.unsure or _ignores_data(declared, dataset):
                continue
            wanted = set(rows_of(self.world, act.here, declared["dataset"]))
            if set(there.values()) != wanted:
                more, less = set(there.values()) - wanted, wanted - set(there.values())
                yield f"model.{name} was trained on {sorted(more)} and not on {sorted(less)}"

    def _imported(self, act: Act) -> None:
        """Take in what was imported, by what the state records of datasets."""
        plan = from_json(act.outcome.stdout)
        for note in plan.whole.get("notes", ()) if plan is not None else ():
            current = (act.recorded_now.get(note["address"]) or {}).get("current") or {}
            if COUNTED in note["text"] and current:
                self.unsure.add(current["id"])
        for address, record in act.recorded_now.items():
            name, current = address.partition(".")[2], record.get("current") or {}
            data = current.get("attributes", {}).get("data")
            if not address.startswith("dataset.") or data is None:
                continue
            if self.held.get(current["id"]) == data or name not in act.here.datasets:
                continue
            self.held[current["id"]] = data
            there = self.contents.setdefault(current["id"], {})
            for row in rows_of(self.world, act.here, name):
                there.setdefault(row[1], row)

    def _still(self, begun: Begun, address: str, act: Act) -> bool:
        """Whether an earlier training of an address runs, or has made what lives and may serve."""
        training = act.before.trainings.get(begun.operation) or act.after.trainings[begun.operation]
        if training.outcome == "running":
            # AutoML v1's bear no labels: without a state only the labels of a dataset tell of them.
            told = act.state or self.world.api == "vertex" or begun.dataset in act.here.datasets
            return bool(told) and begun.address == address
        model = act.before.models.get(begun.model)
        if training.outcome != "trained" or model is None or act.before.expired(begun.model):
            return False
        if model.labels.get("automl-plan-status") == "rejected":
            return False
        lineage = str(act.now.get("lineage", ""))
        ours = bool(model.lineage) and lineage.startswith(model.lineage)
        # What is not recorded proves by these labels what it was trained on, or not at all.
        proved = ours and {OWN + "data", OWN + "inputs"} <= model.labels.keys()
        return begun.model in ids_of(act.recorded.get(address) or {}) or (
            proved and f"model.{model.address_name}" == address
        )

    def _by_age(self, act: Act, name: str, paid: list[Begun]) -> bool:
        """Whether `retrain` asks for a training by age."""
        asked: dict[str, Any] = act.here.models[name].get("retrain", {})
        now = act.after.now + _EARLY
        for begun in paid:
            model = act.before.models.get(begun.model)
            if model is None:
                return False
            born = datetime.fromisoformat(model.created)
            old = "max_age" in asked and now - born > _days(asked["max_age"])
            ending = "before_expiry" in asked and now > end_of_life(model.created) - _days(
                asked["before_expiry"]
            )
            if not old and not ending:
                return False
        return bool(asked)


def _ignores_data(model: Mapping[str, Any], dataset: Mapping[str, Any]) -> bool:
    """Whether a training may be on other data than the sources hold."""
    ignored = {
        field
        for home in (model, dataset)
        for field in home.get("lifecycle", {}).get("ignore_changes", ())
    }
    return not ignored.isdisjoint({"sources", "dataset"})


def most_usd(act: Act, operation: str) -> float:
    """What a training costs at most, by its declared budget."""
    name = (act.address_of(operation) or "").partition(".")[2]
    if name not in act.here.models:
        return 0.0
    return budget_of(act.here, name) / 1000 * USD_PER_NODE_HOUR["train"]


def said_to_train(act: Act, address: str) -> int:
    """How many trainings of an address were shown, with one that is sent when it is resumed."""
    said = [c for c in act.shown.of(*PAID) if c.address == address]
    said += [c for c in act.shown.of("resume") if (c.address, c.subject) == (address, None)]
    return len(said)


def _days(text: str) -> timedelta:
    assert text.endswith("d")
    return timedelta(days=int(text[:-1]))
