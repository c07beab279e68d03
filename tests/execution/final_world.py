"""What a run leaves behind, in words common to both APIs: what lives, serves, is billed, recorded.

Told as text in which ids, tokens, lineages and times are placeholders, so that two worlds are
equal, byte for byte, when the tool has done the same at both. What differs by its nature is left
out, or put into one form, here and nowhere else; each place says why.
"""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Mapping, Sequence
from difflib import unified_diff
from typing import Any

from msgspec import to_builtins

from automl_plan.model.evaluation import Evaluation
from automl_plan.model.live import LiveDataset, LiveModel, user_labels
from automl_plan.model.ownership_labels import ADDRESS, OWNERSHIP_LABELS, VERSION
from automl_plan.providers.protocol import Provider
from tests.execution.fronts import Front, Fronts

_ID = re.compile(r"(?:trainingPipelines/)?(?:ICN|IOD)?\d{19}")
"""Of an object or a training, as either API writes it."""
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
_CHANCE = re.compile(r"(?<=-)[0-9a-f]{32}\b")
"""What is drawn for a token."""


def same_world(fronts: Fronts) -> str:
    """The world of both fronts, which is one."""
    first, second = (world_of(front, fronts) for front in fronts.each)
    differing = [*unified_diff(first.splitlines(), second.splitlines(), lineterm="", n=0)]
    assert not differing, "\n".join(differing)
    return first


def world_of(front: Front, fronts: Fronts) -> str:
    """The whole world of one front, as text."""
    with front.workspace() as workspace:
        provider, state = workspace.provider, workspace.store.read()
        datasets = sorted(provider.datasets(), key=lambda d: (d.display_name, d.create_time or ""))
        models = sorted(provider.models(), key=_order)
        world = {
            "datasets": [_dataset(dataset) for dataset in datasets],
            "models": [_model(model, provider) for model in models],
            "serving": serving(front, models),
            "bill": _bill(front, fronts),
        }
    path = front.directory / "state.json"
    recorded = json.loads(path.read_bytes()) if path.exists() else None
    if recorded is not None:
        # How long it took is another matter each time; at AutoML v1 no operation tells its cost.
        history = recorded.pop("history", {})
        # After a lost answer a deployment is seen at Vertex AI, and its operation never followed.
        compared = {"train", "import-data"} & history.keys()
        recorded["history"] = {step: _took(history[step]) for step in compared}
        # Nor what it has cost: there the model tells the bill, for as long as it exists.
        spent = recorded.pop("ledger", {}).get("spent", {})
        recorded["ledger"] = {
            address: sum(each["trainings"] for each in months.values())
            for address, months in spent.items()
        }
        for record in recorded["resources"].values():
            record.pop("endpoint", None)  # AutoML v1 has none
        assert recorded.pop("provider") == f"{front.api}:projects/{front.api}/locations/us-central1"
    text = json.dumps({**world, "recorded": recorded}, indent=1, sort_keys=True)
    return _with_placeholders(text, state.lineage)


def _took(kept: Mapping[str, dict[str, Any]]) -> list[str]:
    left_out = ("ended", "seconds", "cost_milli_node_hours")
    told = ({k: v for k, v in each.items() if k not in left_out} for each in kept.values())
    return sorted(json.dumps(each, sort_keys=True) for each in told)


def _order(model: LiveModel) -> tuple[str, int, str]:
    return (
        model.display_name,
        int(model.labels.get(VERSION, 0)),
        model.create_time or "",
    )


def _dataset(dataset: LiveDataset) -> dict[str, Any]:
    return {
        "id": dataset.id,
        **dataset.attributes(),
        **_labels(dataset.labels),
        "problem": dataset.problem,
        "examples": dataset.example_count,
    }


def _model(model: LiveModel, provider: Provider) -> dict[str, Any]:
    return {
        "id": model.id,
        **model.attributes(),
        **_labels(model.labels),
        "dataset": model.dataset_id,
        "problem": model.problem,
        "model_type": model.model_type,
        "base_model": model.base_model_id,
        "budget": model.train_budget_milli_node_hours,
        "cost": model.train_cost_milli_node_hours,
        # Vertex AI's is an enum, in which the emulator can't say that it only simulates.
        "stop_reason": (model.stop_reason or "").removeprefix("SIMULATED_"),
        # Not node_qps: Vertex AI tells none.
        "evaluations": _evaluations(provider.evaluations(model.id)),
    }


def _labels(labels: Mapping[str, str]) -> dict[str, Any]:
    """The user's, and our marks.

    Not the labels that say at Vertex AI what AutoML v1 says in fields: the kind of a dataset, and
    whether its images have their sets.
    """
    return {
        "labels": user_labels(labels),
        "marks": {key: labels[key] for key in OWNERSHIP_LABELS if key in labels},
    }


def _evaluations(found: Sequence[Evaluation]) -> list[dict[str, Any]]:
    # AutoML v1's evaluations of labels have that area, as printed; Vertex AI's have none.
    left_out: dict[str, Any] = {"id": "", "create_time": "", "au_roc": None}
    # The number of images of a label is told by one of them, or follows from other numbers.
    left_out["example_count"] = None
    return [{**to_builtins(e), **left_out} for e in found]


def serving(front: Front, models: Sequence[LiveModel]) -> dict[str, int]:
    """By the mark of an address: how many nodes it is served by, by one version alone."""
    found: dict[str, int] = {}
    for model in models:
        if model.deployed:
            mark = model.labels[ADDRESS]
            assert mark not in found, f"two versions serve {mark}"
            found[mark] = model.node_count or 0
    if front.api == "vertex":
        # AutoML v1 has no endpoints; here each address has one, and its one version all traffic.
        # One without a deployment waits for the next, after one that failed.
        homes = [home for home in endpoints(front) if home.get("deployedModels")]
        assert sorted(home["labels"][ADDRESS] for home in homes) == sorted(found)
        for home in homes:
            (deployed,) = home["deployedModels"]
            assert home["trafficSplit"] == {deployed["id"]: 100}
    return found


def endpoints(front: Front) -> list[dict[str, Any]]:
    """All that live, as Vertex AI tells them."""
    url = f"{front.url}/v1/projects/{front.api}/locations/us-central1/endpoints"
    with urllib.request.urlopen(url, timeout=30) as answer:
        found: list[dict[str, Any]] = json.load(answer).get("endpoints", [])
    return found


def _bill(front: Front, fronts: Fronts) -> dict[str, Any]:
    bill = {
        kind: [charge for charge in charges if charge["project"] == front.api]
        for kind, charges in fronts.ask("billing").items()
        if isinstance(charges, list)
    }
    trainings = [
        [charge[key] for key in ("display_name", "model_type", "outcome", "milli_node_hours")]
        for charge in bill["trainings"]
    ]
    deployments = [
        [charge["display_name"], charge["nodes"], charge["ended"] is None, days]
        for charge in bill["deployments"]
        # Another number of nodes is another deployment at Vertex AI: for a moment both run.
        if (days := round(charge["milli_node_hours"] / 1000 / 24 / fronts.time_scale))
    ]
    # What ran at the same time may have been begun in either order.
    return {"trainings": sorted(trainings), "deployments (node days)": sorted(deployments)}


def _with_placeholders(text: str, lineage: str) -> str:
    if lineage:
        text = text.replace(lineage, "LINEAGE").replace(lineage[:12], "LINEAGE")
    names: dict[str, str] = {}

    def numbered(found: re.Match[str]) -> str:
        return names.setdefault(found[0], f"ID {len(names)}")

    return _TIME.sub("TIME", _CHANCE.sub("CHANCE", _ID.sub(numbered, text)))
