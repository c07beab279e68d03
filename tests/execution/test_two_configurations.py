"""Two configurations of one project, with the same names: neither takes the other's for its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from automl_plan.errors import PlanRefused
from automl_plan.execution.apply import apply
from automl_plan.execution.events import ApplyResult
from automl_plan.planning.options import PlanMode, PlanOptions
from automl_plan.state.replace import begin_new
from automl_plan.workspace.make_plan import make_plan
from automl_plan.workspace.workspace import Workspace
from tests.apis import endpoint_of, id_start
from tests.conftest import RunningEmulator, StartEmulator

MANY = 12


class Configuration:
    """A directory that declares `dataset.digits` and `model.digits` in the shared project."""

    def __init__(self, directory: Path, emulator: RunningEmulator, api: str) -> None:
        directory.mkdir()
        self.directory = directory
        rows = []
        bucket = emulator.bucket_root / directory.name
        bucket.mkdir(parents=True)
        for i in range(MANY):
            (bucket / f"{i}.png").write_bytes(f"{directory.name} {i}".encode())
            use = ("TRAIN", "TRAIN", "VALIDATION", "TEST")[i % 4]
            rows.append(f"{use},gs://{directory.name}/{i}.png,{'ab'[i // 4 % 2]}\n")
        (bucket / "d.csv").write_text("".join(rows), encoding="utf-8")
        kind = {"classification_type": "MULTICLASS"}
        document = {
            "provider": {api: {"project": "shared", "endpoint": endpoint_of(api, emulator.url)}},
            "datasets": {
                "digits": {"image_classification": kind, "sources": [f"gs://{bucket.name}/d.csv"]}
            },
            "models": {
                "digits": {
                    "dataset": "digits",
                    "image_classification": {"train_budget_milli_node_hours": 8000},
                }
            },
        }
        (directory / "c.automl.yaml").write_text(json.dumps(document), encoding="utf-8")

    @property
    def state_path(self) -> Path:
        return self.directory / "state" / "default.json"

    def apply(self, mode: PlanMode = PlanMode.NORMAL) -> ApplyResult:
        with Workspace(self.directory, environ={}) as workspace:
            planned = make_plan(workspace, PlanOptions(mode=mode))
            return apply(workspace, planned, on_event=lambda _: None)

    def is_settled(self) -> bool:
        with Workspace(self.directory, environ={}) as workspace:
            return make_plan(workspace, PlanOptions()).empty

    def live(self) -> tuple[int, int]:
        with Workspace(self.directory, environ={}) as workspace:
            live = workspace.provider.live()
        return len(live.datasets), len(live.models)


@pytest.fixture
def pair(
    tmp_path: Path, start_emulator: StartEmulator, api: str
) -> tuple[Configuration, Configuration]:
    emulator = start_emulator(time_scale=36_000_000.0)
    one, two = (Configuration(tmp_path / name, emulator, api) for name in ("one", "two"))
    return one, two


def test_the_second_is_asked_whether_it_lost_its_state(
    pair: tuple[Configuration, Configuration],
) -> None:
    one, two = pair
    assert not one.apply().failed
    with pytest.raises(PlanRefused, match="There is no state"):
        two.apply()
    begin_new(two.state_path)
    assert not two.apply().failed
    assert one.is_settled()
    assert two.is_settled()
    assert one.live() == (2, 2)
    assert not one.apply(PlanMode.DESTROY).failed
    assert two.is_settled()
    assert two.live() == (1, 1)


def test_an_older_state_does_not_make_again_what_a_newer_one_made(
    pair: tuple[Configuration, Configuration], api: str
) -> None:
    one, _ = pair
    begin_new(one.state_path)
    older = one.state_path.read_bytes()
    assert not one.apply().failed
    one.state_path.write_bytes(older)
    with pytest.raises(PlanRefused, match="is outdated") as caught:
        one.apply()
    assert f"dataset.digits: the dataset {id_start(api)}" in caught.value.message
    assert f"model.digits: the model {id_start(api)}" in caught.value.message
    assert one.live() == (1, 1)
