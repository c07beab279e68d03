"""The world of one sequence: a service, a bucket, checkouts of a configuration, and a log of it."""

from __future__ import annotations

import copy
import json
import shlex
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.chaos.boundaries import KILL
from tests.life.names import Names
from tests.life.service import Service, Snapshot
from tests.life.zygote import Order, Outcome, Zygote, outputs

Document = dict[str, Any]
Row = tuple[str, int, str]
"""Set, number of the image, label."""
BUDGET = "train_budget_milli_node_hours"
USES = ("TRAIN", "TRAIN", "VALIDATION", "TEST")
COMMAND_HOURS = 48.0
"""Simulated hours for which a command may wait: some trainings, one after the other."""
_LOOKS_FOR_ONE = "its operation may be"
_PAUSE = 0.05
"""Seconds between two looks; an import, a deployment and a deletion take less."""
WRONG_LABEL = "hot_dog_" * 17
"""One that the lint takes for an error."""


@dataclass
class Checkout:
    """A directory with the configuration and a state."""

    name: str
    directory: Path
    document: Document
    copies: list[str] = field(default_factory=list)
    """Names of older copies of its state directory."""
    plans: list[str] = field(default_factory=list)
    """Files that plans were saved in."""
    given: int = 0
    """What the variable `budget` is given on the command line."""
    lineage: str = ""
    """Of its state, also when that is lost."""
    settled: bool = False
    """Whether the last thing done here was a whole apply after which nothing was left."""

    @property
    def datasets(self) -> dict[str, Any]:
        """The declared datasets."""
        found: dict[str, Any] = self.document["datasets"]
        return found

    @property
    def models(self) -> dict[str, Any]:
        """The declared models."""
        found: dict[str, Any] = self.document["models"]
        return found

    def blocks(self, section: str) -> list[dict[str, str]]:
        """The blocks of moved, removed or imports."""
        found: list[dict[str, str]] = self.document.get(section, [])
        return found

    def state(self) -> dict[str, Any]:
        """What the state file says; empty where there is none."""
        try:
            found: dict[str, Any] = json.loads((self.directory / "state/state.json").read_bytes())
        except FileNotFoundError:
            return {}
        self.lineage = str(found.get("lineage", "")) or self.lineage
        return found

    @property
    def journalled(self) -> bool:
        """Whether a journal lies beside the state: the file alone does not tell all."""
        return any((self.directory / "state").glob("*journal*"))

    def recorded(self) -> dict[str, Any]:
        """What the state file says of each address."""
        found: dict[str, Any] = self.state().get("resources", {})
        return found


def ids_of(record: Mapping[str, Any]) -> list[str]:
    """The objects that are recorded for an address, the current one first."""
    current = record.get("current")
    return [o["id"] for o in (*([current] if current else []), *record.get("others", ()))]


class World:
    """All of it."""

    def __init__(self, root: Path, api: str, scale: float, zygote: Zygote) -> None:
        self.root = root
        self.api = api
        self._zygote = zygote
        self.rows: dict[str, tuple[Row, ...]] = {}
        self.former_rows: dict[str, list[tuple[Row, ...]]] = {}
        self.images = 0
        self.names = 0
        self.ids = Names()
        self.log: list[str] = []
        self.checkouts: dict[str, Checkout] = {}
        self._seen: Snapshot | None = None
        self._in_motion = False
        self.last: Outcome | None = None
        (root / "buckets" / "data").mkdir(parents=True)
        local: dict[str, Any] = {"trainer": "simulated", "time_scale": scale}
        local |= {"data_dir": "../service", "bucket_root": "../buckets"}
        if api == "vertex":
            local["api"] = "vertex"
        document: Document = {
            "provider": {"local": local},
            "state": {"local": {"path": "state/state.json"}},
            "datasets": {},
            "models": {},
        }
        self.checkouts["a"] = Checkout("a", root / "a", document)
        (root / "a" / "state").mkdir(parents=True)
        self.service = Service.start(root, api, scale)

    def close(self) -> None:
        """End the service."""
        self.service.stop()

    # -- what is seen --------------------------------------------------------------------------

    def look(self) -> Snapshot:
        """What the service has now, and what short operations will have done to it."""
        if self._seen is None:
            self._seen = self.service.snapshot()
            while self._in_motion:
                time.sleep(_PAUSE)
                before, self._seen = self._seen, self.service.snapshot()
                self._in_motion = not before.like(self._seen)
            self.ids.see(self._seen)
        return self._seen

    def changed(self) -> None:
        """Something was done to the service: it is to be asked again."""
        self._seen = None

    # -- what is done --------------------------------------------------------------------------

    def write(self, checkout: Checkout) -> None:
        """Write the configuration."""
        text = _text_of(checkout.document)
        (checkout.directory / "automl-plan.yaml").write_text(text, encoding="utf-8")
        text = text.replace("$", "\\$")  # what a shell leaves as it is
        self.log.append(f"cat > {checkout.name}/automl-plan.yaml <<END\n{text}\nEND")

    def new_name(self, prefix: str) -> str:
        """A name that was never used."""
        self.names += 1
        return f"{prefix}{self.names}"

    def new_rows(self, many: int, label: str | None = None) -> tuple[Row, ...]:
        """Rows with images that were never used, of two labels or one, in all sets."""
        found = []
        for i in range(many):
            self.images += 1
            use, kind = USES[i // 2 % len(USES)], label or ("cat", "dog")[i % 2]
            found.append((use, self.images, kind))
        return tuple(found)

    def put_rows(self, name: str, rows: tuple[Row, ...]) -> None:
        """Write an import file and the images that it names."""
        if name in self.rows:
            self.former_rows.setdefault(name, []).append(self.rows[name])
        self.rows[name] = rows
        bucket = self.root / "buckets" / "data"
        for _, image, _ in rows:
            path = bucket / f"{image}.png"
            if not path.exists():
                path.write_bytes(f"image {image}".encode())
        lines = [f"{use},gs://data/{image}.png,{label}" for use, image, label in rows]
        text = "\n".join(lines)
        (bucket / f"{name}.csv").write_text(text + "\n", encoding="utf-8")
        self.log.append(f"cat > buckets/data/{name}.csv <<END\n{text}\nEND\nimages")

    def run(
        self,
        checkout: Checkout,
        *arguments: str,
        patient: bool = False,
        strike: int = 0,
        action: str = KILL,
    ) -> Outcome:
        """Run a command; `patient` lets time pass while it waits for a training."""
        words = shlex.join(arguments)
        start = "patiently" if patient else "plainly"
        if strike:
            start = f"strike {strike} {action}"
        self.log.append(f"{start} {checkout.name} {words}")
        return self._ordered(Order(arguments, str(checkout.directory), strike, action), patient)

    def go_on(self, checkout: Checkout) -> Outcome:
        """Continue the command that was stopped."""
        self.log.append("# the command that was stopped goes on")
        return self._ordered(Order(("…",), str(checkout.directory), goes_on=True), patient=True)

    def _ordered(self, order: Order, patient: bool) -> Outcome:
        if not order.goes_on:
            Path(order.directory, outputs(order)[0]).unlink(missing_ok=True)
        with self.service.patient(COMMAND_HOURS if patient else 0.0):
            outcome = self._zygote.run(order, lambda: self._meanwhile(order))
        self.log.append(f"# exit code {outcome.code}")
        # One that did not wait for what it had begun.
        self._in_motion = outcome.code not in (0, 2, 3) or order.arguments[0] == "operations"
        self.last = outcome
        self.changed()
        return outcome

    def _meanwhile(self, order: Order) -> None:
        """While a command runs, hours pass if it waits for a training."""
        said = Path(order.directory, outputs(order)[0])
        text = said.read_text(encoding="utf-8", errors="replace") if said.exists() else ""
        self.service.pass_hours(looks_for_one=_LOOKS_FOR_ONE in text)

    def pass_time(self, span: timedelta) -> None:
        """Let days pass."""
        self.service.advance(span)
        self.changed()
        self.log.append(f"advance {span.total_seconds():.0f}")

    def rest(self, path: str, method: str, body: object = None) -> tuple[int, Any]:
        """Do something to the service that the tool does not know of."""
        answer = self.service.call(path, method, body)
        self.changed()
        self._in_motion = True
        data = "" if body is None else f" -d {json.dumps(json.dumps(body))}"
        self.log.append(f'rest {method} "{path}"{data}  # {answer[0]}')
        return answer

    def keep_state(self, checkout: Checkout) -> None:
        """Keep a copy of the state directory."""
        name = f"copy-{checkout.name}-{len(checkout.copies) + 1}"
        shutil.copytree(checkout.directory / "state", self.root / name)
        checkout.copies.append(name)
        self.log.append(f"cp -r {checkout.name}/state {name}")

    def restore_state(self, checkout: Checkout, name: str) -> None:
        """Bring an older copy back."""
        shutil.rmtree(checkout.directory / "state")
        shutil.copytree(self.root / name, checkout.directory / "state")
        self.log.append(f"rm -r {checkout.name}/state; cp -r {name} {checkout.name}/state")

    def lose_state(self, checkout: Checkout) -> None:
        """The state directory is gone."""
        shutil.rmtree(checkout.directory / "state")
        (checkout.directory / "state").mkdir()
        self.log.append(f"rm -r {checkout.name}/state; mkdir {checkout.name}/state")

    def clone(self, source: Checkout, name: str) -> Checkout:
        """A second checkout, with the state as it is in the first one now."""
        directory = self.root / name
        shutil.rmtree(directory, ignore_errors=True)
        shutil.copytree(source.directory, directory)
        found = Checkout(name, directory, copy.deepcopy(source.document))
        found.lineage = source.lineage
        self.checkouts[name] = found
        self.log.append(f"rm -rf {name}; cp -r {source.name} {name}")
        return found


def _text_of(document: Document) -> str:
    """The YAML of a configuration: JSON with a line for each resource and block."""

    def section(value: object) -> str:
        if isinstance(value, list):
            return "[\n" + ",\n".join(f"  {json.dumps(each)}" for each in value) + "\n ]"
        if isinstance(value, dict):
            entries = (f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in value.items())
            return "{\n" + ",\n".join(entries) + "\n }"
        return json.dumps(value)

    sections = (f" {json.dumps(key)}: {section(value)}" for key, value in document.items())
    return "{\n" + ",\n".join(sections) + "\n}"


def content_of(world: World, checkout: Checkout, dataset: str) -> object:
    """All of a declared dataset that a model is trained on."""
    rows = sorted(rows_of(world, checkout, dataset))
    return [checkout.datasets[dataset]["image_classification"], rows]


def rows_of(world: World, checkout: Checkout, dataset: str) -> list[Row]:
    """The declared rows of a dataset."""
    return [row for name in sources_of(checkout, dataset) for row in world.rows[name]]


def inputs_of(world: World, checkout: Checkout, model: str) -> str:
    """The declared training input of a model, as one comparable text."""
    declared = checkout.models[model]
    kind = {**declared["image_classification"], BUDGET: budget_of(checkout, model)}
    return json.dumps([kind, content_of(world, checkout, declared["dataset"])], sort_keys=True)


def budget_of(checkout: Checkout, model: str) -> int:
    """The declared train budget of a model, in milli node hours."""
    written = checkout.models[model]["image_classification"][BUDGET]
    return checkout.given if isinstance(written, str) else int(written)


def sources_of(checkout: Checkout, dataset: str) -> list[str]:
    """The names of the import files of a declared dataset."""
    return [_name_of(source) for source in checkout.datasets[dataset].get("sources", ())]


def _name_of(source: str) -> str:
    return source.rpartition("/")[2].removesuffix(".csv")
