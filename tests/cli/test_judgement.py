"""Every command that can change something, against every rule: what is refused costs nothing.

A new command, or a new rule, has to find its place here. The service itself is asked what it has
and what it bills.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from automl_plan.cli.commands import COMMANDS
from automl_plan.cli.main import run
from automl_plan.config.schema import config_schema
from automl_plan.model.live import OperationKind
from automl_plan.planning.plan import REFUSAL_RULES
from automl_plan.providers.local import process
from automl_plan.workspace.plan_file import read_plan, sealed
from tests.apis import APIS
from tests.project import FAST, Project

BOTH = pytest.mark.parametrize("api", APIS, indirect=True, scope="module")

Edit = Callable[[dict[str, Any]], None]
"""Changes a configuration so that a command violates a rule."""

SENDS_NOTHING = {
    "datasets convert",
    "emulator prune",
    "init",
    "validate",
    "fmt",
    "schema",
    "graph",
    "plan",
    "watch",  # records how operations ended
    "why",
    "drift",
    "cost",
    "show",
    "comment",
    "resolve",  # records what a person says; the next apply is judged
    "force-unlock",
    "version",
    "datasets list",
    "datasets show",
    "datasets images",
    "datasets lint",
    "datasets advise",
    "models list",
    "models show",
    "models versions",
    "models evaluations",
    "models predict",
    "models calendar",
    "operations list",
    "operations get",
    "operations wait",
    "operations backtest",
    "operations delete",  # of the record of what has ended
    "state list",
    "state show",
    "state push",
    "state new",
    "state rebuild",
    "emulator start",
    "emulator stop",
    "emulator readings",
    "emulator status",
    "emulator advance",
}
"""Commands that make, change, pay for and delete nothing of a project at the service."""

APPLY = ("apply", "--auto-approve")
PAIRS: dict[str, dict[str, tuple[Edit, ...]]] = {}
"""By command: the rules that can refuse it, each with edits that make it so."""


def policy(**rules: Any) -> Edit:
    def edit(document: dict[str, Any]) -> None:
        document["policy"] = rules

    return edit


def deny(*actions: str) -> tuple[Edit, ...]:
    return tuple(policy(deny={"*": [action]}) for action in actions)


def retrained(document: dict[str, Any]) -> None:
    training(document, "digits")["train_budget_milli_node_hours"] = 10_000


def retrained_all(document: dict[str, Any]) -> None:
    for name in document["models"]:
        training(document, name)["train_budget_milli_node_hours"] = 10_000


def training(document: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = document["models"][name]["image_classification"]
    return found


def more_nodes(document: dict[str, Any]) -> None:
    document["models"]["digits"]["deploy"]["node_count"] = 3


def undeclared(document: dict[str, Any]) -> None:
    del document["models"]["digits"]


def unprotected(document: dict[str, Any]) -> None:
    document["models"]["digits"]["lifecycle"] = {"keep_versions": 1}


def bad_data(document: dict[str, Any]) -> None:
    document["datasets"]["digits"]["sources"] = ["bad.csv"]


def both(*edits: Edit) -> Edit:
    def edit(document: dict[str, Any]) -> None:
        for each in edits:
            each(document)

    return edit


def nothing(_document: dict[str, Any]) -> None:
    pass


def adopted(document: dict[str, Any]) -> None:
    document["models"]["free"] = document["models"]["m0"]


DECLARED = {
    "required_labels": (policy(required_labels=["team"]),),
    "allowed_model_types": (policy(allowed_model_types=["mobile-versatile-1"]),),
}
PAIRS["apply"] = {
    "max_training_cost": (both(retrained, policy(max_training_cost=1)),),
    "max_monthly_cost": (both(more_nodes, policy(max_monthly_cost=1)),),
    "deny": tuple(
        both(retrained, each) for each in deny("retrain", "deploy", "undeploy", "delete")
    ),
    "required_labels": DECLARED["required_labels"],
    "allowed_model_types": DECLARED["allowed_model_types"],
    "require_adequate_data": (both(retrained, policy(require_adequate_data=True)),),
    "protected": (undeclared,),
    "large-change": (retrained_all,),
    "data-lint": (bad_data,),
}
PAIRS["apply PLANFILE"] = PAIRS["apply"]
PAIRS["destroy"] = {"deny": deny("delete"), "protected": (nothing,)}
PAIRS["destroy --exclude model.digits --exclude dataset.digits"] = {"large-change": (nothing,)}
PAIRS["models promote digits 1"] = {"deny": deny("promote", "deploy", "undeploy"), **DECLARED}
PAIRS["models rollback digits"] = PAIRS["models promote digits 1"]
PAIRS["models delete model.digits"] = {"deny": deny("delete"), "protected": (nothing, unprotected)}
PAIRS["import model.free FREE"] = {
    rule: tuple(both(adopted, each) for each in edits)
    for rule, edits in {"deny": deny("import"), **DECLARED}.items()
}
PAIRS["state mv model.m0 model.m00"] = {"deny": deny("move")}
PAIRS["state rm model.m0"] = {"deny": deny("forget")}
RUNNING: dict[str, dict[str, tuple[Edit, ...]]] = {
    "wait": {
        "max_monthly_cost": (policy(max_monthly_cost=1),),
        "deny": deny("resume", "deploy"),
        **DECLARED,
    },
    "operations cancel RUNNING": {"deny": deny("cancel")},
}
"""The same where a training runs that was detached from."""
ELSEWHERE = {
    "allowed_locations": "tests/planning/test_policy.py: the local provider is nowhere",
    "unrecorded": "tests/workspace/test_unrecorded.py",
    "shared": "tests/planning/test_sharing.py",
    "in-use": "tests/planning/test_sharing.py",
    "others-traffic": "tests/planning/test_endpoints.py: AutoML v1 has no endpoints",
    "append-only": "tests/cli/test_sources.py",
    "no-data": "tests/planning/test_trainable.py and tests/cli/test_sources.py",
    "annotation-sets": "tests/execution/test_annotation_sets.py",
    "data-missing": "tests/planning/test_trainable.py and tests/cli/test_sources.py",
    "unknown-state": "tests/planning/test_endpoints.py: the embedded service has no such states",
    "trainer": "tests/planning/test_trainable.py: only the real trainer has such limits",
    "base-model": "tests/planning/test_trainable.py",
    "not-recorded": "plan files of a former format, which are not applied at all",
}
"""Rules that other tests hold against what can be refused for them."""


def commands() -> set[str]:
    found = set()
    for name, entry in COMMANDS.items():
        found |= {f"{name} {part}" for part in entry.commands} or {name}
    return found


def of(line: str, known: set[str]) -> str:
    """The command that a line gives."""
    return next(name for name in known if line == name or line.startswith(f"{name} "))


class Scene:
    """A project in a state in which commands are tried; those that are refused leave it so."""

    def __init__(self, directory: Path, api: str, time_scale: float) -> None:
        self.project = Project(directory, time_scale, api)
        self.directory = directory
        self.project.write_data("d.csv", {"cat": 8, "dog": 8})
        rows = "".join(f"TRAIN,images/cat-{i}.png,{'x' * 129}\n" for i in range(8))
        (directory / "bad.csv").write_text(rows, encoding="utf-8")
        self.document: dict[str, Any] = {
            "provider": self.project.provider(),
            "state": {"local": {"path": "state.json"}},
            "datasets": {
                "digits": {
                    "image_classification": {"classification_type": "MULTICLASS"},
                    "sources": ["d.csv"],
                }
            },
            "models": {"digits": model(8000, deploy={"node_count": 1})},
        }
        self.known: dict[str, str] = {}
        self.write(nothing)

    def write(self, edit: Edit) -> None:
        document = json.loads(json.dumps(self.document))
        edit(document)
        text = json.dumps(document, indent=1)
        (self.directory / "automl-plan.yaml").write_text(text, encoding="utf-8")

    def run(self, *arguments: str) -> int:
        return run(["-C", str(self.directory), *arguments])

    def seen(self) -> Mapping[str, Any]:
        """All that the service has, runs and bills, and what is recorded."""
        running = process.status(self.directory / ".automl-plan" / "emulator")
        assert running is not None
        with urllib.request.urlopen(f"{running.url}/emulator/v1/billing", timeout=30) as answer:
            bill = json.load(answer)
        with self.project.workspace() as opened:
            live = opened.provider.live()
            return {
                "trainings": [training["operation"] for training in bill["trainings"]],
                "deployed": sorted(
                    (m.id, m.node_count) for m in live.models.values() if m.deployed
                ),
                "models": {m.id: dict(m.labels) for m in live.models.values()},
                "datasets": {d.id: d.example_count for d in live.datasets.values()},
                "running": sorted(
                    operation.id for operation in opened.provider.active_operations()
                ),
                "resources": opened.store.read().resources,
            }


def model(budget: int, **more: Any) -> dict[str, Any]:
    kind = {"train_budget_milli_node_hours": budget}
    return {"dataset": "digits", "image_classification": kind, **more}


@pytest.fixture(scope="module")
def api(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, api: str) -> Iterator[Scene]:
    """A protected model that serves in its second version, nine more, and one that is free."""
    scene = Scene(tmp_path_factory.mktemp("served"), api, FAST)
    models = scene.document["models"]
    models["digits"]["lifecycle"] = {"prevent_destroy": True, "keep_versions": 1}
    scene.write(nothing)
    assert scene.run(*APPLY) == 0
    training(scene.document, "digits")["train_budget_milli_node_hours"] = 9000
    models |= {f"m{i}": model(8000) for i in range(9)} | {"free": model(8000)}
    scene.write(nothing)
    assert scene.run(*APPLY) == 0
    free = scene.project.state().resources
    (scene.known["FREE"],) = (
        obj.id for address, r in free.items() if address.name == "free" for obj in r.objects
    )
    assert scene.run("state", "rm", "model.free", "--auto-approve") == 0
    del models["free"]
    scene.write(nothing)
    yield scene
    process.stop(scene.directory / ".automl-plan" / "emulator")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, api: str) -> Iterator[Scene]:
    """A training that runs, detached."""
    scene = Scene(tmp_path_factory.mktemp("running"), api, 100.0)
    while not scene.known:
        assert scene.run(*APPLY, "--detach") == 5
        with scene.project.workspace() as opened:
            for operation in opened.provider.active_operations():
                if operation.kind is OperationKind.CREATE_MODEL:
                    scene.known["RUNNING"] = operation.id
    yield scene
    process.stop(scene.directory / ".automl-plan" / "emulator")


SAID = {
    "protected": "is protected by",
    "large-change": "more than 30%",
    "data-lint": "datasets lint digits",
}


def hold(
    scene: Scene,
    pairs: Mapping[str, Mapping[str, tuple[Edit, ...]]],
    shown: pytest.CaptureFixture[str],
) -> list[str]:
    """The pairs that are not refused, or do something all the same."""
    broken = []
    for line, rules in pairs.items():
        for rule, edits in rules.items():
            for number, edit in enumerate(edits):
                scene.write(edit)
                before = scene.seen()
                arguments = [scene.known.get(word, word) for word in line.split()]
                arguments = with_approval(scene, arguments)
                shown.readouterr()
                code = scene.run(*arguments)
                said = "".join(shown.readouterr())
                why = SAID.get(rule, f"(policy {rule}, automl-plan.yaml:")
                if code != 3 or why not in said or scene.seen() != before:
                    broken.append(f"{line} · {rule} · {number}: {code}: {said}")
    scene.write(nothing)
    return broken


def with_approval(scene: Scene, arguments: list[str]) -> list[str]:
    if arguments == ["apply", "PLANFILE"]:
        path = scene.directory / "plan.json"
        assert scene.run("plan", "--out", str(path)) == 3
        assert read_plan(path).plan.refused
        # Whoever takes the refusals out of a plan file has won nothing.
        path.write_bytes(sealed(json.loads(path.read_bytes()) | {"refused": []}))
        return ["apply", str(path)]
    return (
        arguments if arguments[:2] == ["operations", "cancel"] else [*arguments, "--auto-approve"]
    )


def test_each_command_and_each_rule_has_its_place() -> None:
    known = commands()
    judged = {of(line, known) for line in (*PAIRS, *RUNNING)}
    assert judged.isdisjoint(SENDS_NOTHING)
    assert known <= judged | SENDS_NOTHING
    schema: Any = config_schema()
    rules = {*schema["definitions"]["policy"]["properties"], *REFUSAL_RULES} - {"warn"}
    tried = {r for pairs in (PAIRS, RUNNING) for found in pairs.values() for r in found}
    assert rules == tried | {*ELSEWHERE}


@BOTH
def test_what_is_refused_costs_nothing(served: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    assert hold(served, PAIRS, capsys) == []


@BOTH
def test_nor_does_what_goes_on(running: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    assert hold(running, RUNNING, capsys) == []


@BOTH
def test_what_runs_is_followed_whatever_refuses_others(
    running: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    """A refusal of an address of which nothing is carried out stops nothing of this one."""

    def another(document: dict[str, Any]) -> None:
        document["models"]["other"] = model(20_000)
        document["policy"] = {"deny": {"model.other": ["train"]}, "max_training_cost": 1}

    running.document["provider"]["local"]["time_scale"] = FAST
    process.stop(running.directory / ".automl-plan" / "emulator")
    running.write(another)
    assert running.run("plan") == 3
    assert running.run("wait", "--auto-approve") == 0
    assert "model.digits" in capsys.readouterr().out
    (trained,) = running.seen()["models"]
    assert [each for each, _ in running.seen()["deployed"]] == [trained]
