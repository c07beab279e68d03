"""One configuration at both APIs of one service: the same steps, and the same clock."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from automl_plan.execution.apply import apply
from automl_plan.execution.events import ApplyResult
from automl_plan.model.address import model_address
from automl_plan.model.recorded import Decision, DecisionKind
from automl_plan.planning.command_plans import plan_promotion
from automl_plan.workspace.make_plan import bind_command_plan
from automl_plan.workspace.plan_inputs import gather_inputs
from tests.apis import APIS, endpoint_of
from tests.conftest import RunningEmulator, StartEmulator
from tests.project import FAST, Project

T = TypeVar("T")
DAYS = 10
"""By which the clock is advanced at a time."""


class Front(Project):
    """A directory whose provider is one of the APIs of the shared service."""

    def __init__(self, directory: Path, api: str, emulator: RunningEmulator) -> None:
        super().__init__(directory, FAST, api)
        self.url = endpoint_of(api, emulator.url)

    def provider(self) -> dict[str, Any]:
        """The API itself, in a project that bears its name."""
        return {self.api: {"project": self.api, "endpoint": self.url}}

    def promote(self, name: str, version: int, kind: DecisionKind) -> ApplyResult:
        """Make a version the current one, as a person would."""
        when = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        with self.workspace() as workspace:
            seen = gather_inputs(workspace)
            assert seen.live is not None
            address = model_address(name)
            plan = plan_promotion(
                address,
                version,
                seen.desired,
                seen.recorded,
                seen.live,
                "asked for",
                seen.moment.service,
            )
            return apply(
                workspace,
                bind_command_plan(seen, plan),
                on_event=self.events.append,
                decision=Decision(kind, when, by="somebody", why="by hand"),
            )


class Fronts:
    """Both of them."""

    def __init__(self, directory: Path, start: StartEmulator, time_scale: float = FAST) -> None:
        self.time_scale = time_scale
        self.emulator = start(time_scale=time_scale)
        self._images = self.emulator.bucket_root / "images"
        self._images.mkdir()
        self.each = []
        for api in APIS:
            (directory / api).mkdir()
            self.each.append(Front(directory / api, api, self.emulator))

    def write_data(self, name: str, labels: Mapping[str, int]) -> str:
        """An import CSV in a bucket, with images of these labels; its URI."""
        return self._write(name, labels, "")

    def write_boxes(self, name: str, labels: Mapping[str, int]) -> str:
        """The same, with a box in each image."""
        return self._write(name, labels, ",0.1,0.1,,,0.9,0.9,,")

    def _write(self, name: str, labels: Mapping[str, int], box: str) -> str:
        rows = []
        for label, many in labels.items():
            for i in range(many):
                (self._images / f"{label}-{i}.png").write_bytes(f"{label} {i}".encode())
                use = ("TRAIN", "TRAIN", "VALIDATION", "TEST")[i % 4]
                rows.append(f"{use},gs://images/{label}-{i}.png,{label}{box}\n")
        (self._images / name).write_text("".join(rows), encoding="utf-8")
        return f"gs://images/{name}"

    def write(self, datasets: Mapping[str, Any], models: Mapping[str, Any]) -> None:
        """Write the same configuration, but for its provider."""
        for front in self.each:
            front.write(datasets, models)

    def both(self, verb: Callable[[Front], T]) -> tuple[T, T]:
        """Do the same at both, one after the other; then days pass."""
        first, second = (verb(front) for front in self.each)
        self.ask("clock:advance", {"seconds": DAYS * 24 * 3600})
        return first, second

    def ask(self, path: str, body: object = None, method: str | None = None) -> Any:
        """What the service answers of itself."""
        data = None if body is None else json.dumps(body).encode()
        url = f"{self.emulator.url}/emulator/v1/{path}"
        request = urllib.request.Request(url, data, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"{}")
