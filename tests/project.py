"""A configuration directory on the embedded service with simulated trainings."""

from __future__ import annotations

import hashlib
import json
import signal
import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from automl_plan.execution.apply import apply
from automl_plan.execution.events import ApplyResult, Event
from automl_plan.planning.options import PlanOptions
from automl_plan.providers.local import process
from automl_plan.state.document import State
from automl_plan.workspace.bound_plan import BoundPlan
from automl_plan.workspace.make_plan import make_plan
from automl_plan.workspace.workspace import Workspace
from tests.services import Service

_SIDE = 8
FAST = 36_000_000.0
"""Time scale: an hour of simulated training passes in a ten-thousandth of a second."""


def as_kept(planned: BoundPlan) -> BoundPlan:
    """A plan as a file keeps it: without what it was judged by, and the labels of its sources."""
    sources = {name: replace(data, counts=None) for name, data in planned.sources.items()}
    return replace(planned, sources=sources, refusal_context=None)


def png(text: str) -> bytes:
    """A small grey image, another one for each text."""
    pixels = hashlib.sha512(text.encode()).digest()
    rows = (b"\0" + pixels[start : start + _SIDE] for start in range(0, _SIDE**2, _SIDE))
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"".join(rows))),
        (b"IEND", b""),
    )
    written = (
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(written)


class Project:
    """A directory, with the few verbs that tests need."""

    def __init__(self, directory: Path, time_scale: float = FAST, api: str = "automl") -> None:
        self.directory = directory
        self.time_scale = time_scale
        self.api = api
        self.events: list[Event] = []
        self._service: Service | None = None

    def write(
        self, datasets: Mapping[str, Any], models: Mapping[str, Any], state: str = "state.json"
    ) -> None:
        """Write the configuration; JSON is YAML."""
        document = {
            "provider": self.provider(),
            "state": {"local": {"path": state}},
            "datasets": datasets,
            "models": models,
        }
        text = json.dumps(document)
        (self.directory / "automl-plan.yaml").write_text(text, encoding="utf-8")

    def provider(self) -> dict[str, Any]:
        """The configuration's `provider`: a service of its own."""
        settings: dict[str, Any] = {"trainer": "simulated", "time_scale": self.time_scale}
        return {"local": settings if self.api == "automl" else {**settings, "api": self.api}}

    def write_data(self, name: str, labels: Mapping[str, int]) -> None:
        """An import CSV and its images: so many of each label, all of different content."""
        folder = self.directory / "images"
        folder.mkdir(exist_ok=True)
        rows = []
        for label, many in labels.items():
            for i in range(many):
                image = folder / f"{label}-{i}.png"
                image.write_bytes(png(f"{label} {i}"))
                use = ("TRAIN", "TRAIN", "VALIDATION", "TEST")[i % 4]
                rows.append(f"{use},images/{image.name},{label}\n")
        (self.directory / name).write_text("".join(rows), encoding="utf-8")

    def start_service(self) -> None:
        """Start the service that the first command would start: it is found running."""
        if self._service is not None or "local" not in self.provider():
            return
        data_dir = self.directory / ".automl-plan" / "emulator"
        if process.status(data_dir) is not None:
            return  # the test has started it otherwise
        arguments = ["--data-dir", str(data_dir), "--files-root", str(self.directory)]
        arguments += ["--trainer", "simulated", "--time-scale", str(self.time_scale)]
        arguments += ["--port", "0", "--idle-timeout", str(process.IDLE_SECONDS)]
        self._service = Service(arguments, data_dir / "emulator.log")
        self._service.note(data_dir)

    def stop_service(self) -> None:
        """End it, or the one that the test has started in its place."""
        if self._service is not None:
            self._service.send(signal.SIGKILL)
            self._service.wait(20)
        process.stop(self.directory / ".automl-plan" / "emulator")

    def workspace(self) -> Workspace:
        self.start_service()
        return Workspace(self.directory, environ={})

    def plan(self, options: PlanOptions | None = None) -> BoundPlan:
        with self.workspace() as workspace:
            return make_plan(workspace, options or PlanOptions())

    def apply(self, options: PlanOptions | None = None, *, detach: bool = False) -> ApplyResult:
        with self.workspace() as workspace:
            planned = make_plan(workspace, options or PlanOptions())
            return self._apply(workspace, planned, detach=detach)

    def apply_planned(self, planned: BoundPlan) -> ApplyResult:
        with self.workspace() as workspace:
            return self._apply(workspace, planned, detach=False)

    def _apply(self, workspace: Workspace, planned: BoundPlan, *, detach: bool) -> ApplyResult:
        return apply(workspace, planned, on_event=self.events.append, detach=detach)

    def state(self) -> State:
        with self.workspace() as workspace:
            return workspace.store.read()


DATASET = {"image_classification": {"classification_type": "MULTICLASS"}, "sources": ["d.csv"]}
MODEL = {
    "dataset": "digits",
    "image_classification": {"train_budget_milli_node_hours": 8000},
    "deploy": {"node_count": 1},
}


@pytest.fixture
def project(tmp_path: Path, api: str) -> Iterator[Project]:
    """A project that declares one dataset with data, and one deployed model."""
    project = Project(tmp_path, api=api)
    project.write_data("d.csv", {"cat": 8, "dog": 8})
    project.write({"digits": DATASET}, {"digits": MODEL})
    yield project
    project.stop_service()
