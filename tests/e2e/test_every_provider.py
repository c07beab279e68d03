"""Each example on each provider: only `provider:` is changed, and the same lives at the end."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from automl_plan.model.live import user_labels
from automl_plan.workspace.workspace import Workspace
from tests.conftest import RunningEmulator, StartEmulator
from tests.e2e.command_line import CommandLine, edit, thin_out
from tests.project import png

EXAMPLES = Path(__file__).parents[2] / "examples"
AS_IT_IS = "  local: {}"
FAST = 36_000_000.0
"""Time scale: an hour of simulated training passes in a ten-thousandth of a second."""
MARKS = ("automl-plan-data", "automl-plan-inputs", "automl-plan-status", "automl-plan-version")


@dataclass(frozen=True)
class Example:
    """An example, and its configurations as they follow one another."""

    name: str
    steps: Sequence[str]
    trainer: str
    """Real training adds nothing to what the first one shows."""


ALL = (
    Example("digits", ["automl-plan.yaml"], "sklearn"),
    Example("lifecycle", ["automl-plan.yaml"], "simulated"),
    Example("review", ["main/automl-plan.yaml", "pull-request/automl-plan.yaml"], "simulated"),
)


def providers(example: Example, emulator: RunningEmulator) -> Iterator[tuple[str, str]]:
    """Each provider, and the block that takes the place of the example's own."""
    local = "" if example.trainer == "sklearn" else f"trainer: simulated, time_scale: {FAST}"
    yield "local", f"  local: {{{local}}}"
    for name, path in (("automl", ""), ("vertex", "/vertex")):
        where = f"project: {example.name}, endpoint: '{emulator.url}{path}'"
        yield name, f"  {name}: {{{where}, staging_bucket: gs://staging/x}}"


def configure(directory: Path, example: Path, provider: str) -> None:
    text = example.read_text(encoding="utf-8")
    assert text.count(AS_IT_IS) == 1
    (directory / "automl-plan.yaml").write_text(text.replace(AS_IT_IS, provider), "utf-8")


def world(directory: Path) -> dict[str, list[Any]]:
    """What lives, in words common to all providers; without ids, times, speeds."""
    with Workspace(directory, environ={}) as workspace:
        provider = workspace.provider
        live = provider.live()
        datasets = [
            (d.attributes(), user_labels(d.labels), d.example_count, marks(d.labels))
            for d in live.datasets.values()
        ]
        models = []
        for m in live.models.values():
            overall = provider.evaluations(m.id)[0]
            assert overall.au_prc is not None
            trained = (m.model_type, m.train_budget_milli_node_hours, m.base_model_id)
            score = (round(overall.au_prc, 9), overall.example_count)
            models.append((m.attributes(), user_labels(m.labels), trained, score, marks(m.labels)))
    return {"datasets": sorted(datasets, key=repr), "models": sorted(models, key=repr)}


def marks(labels: Mapping[str, str]) -> dict[str, str | None]:
    """What the labels of the tool's own tell that is no matter of the state."""
    return {mark: labels.get(mark) for mark in MARKS}


def test_only_the_provider_is_changed(start_emulator: StartEmulator, tmp_path: Path) -> None:
    staging = tmp_path / "buckets" / "staging"
    staging.mkdir(parents=True)
    directory = tmp_path / "work"
    directory.mkdir()
    writer = [sys.executable, str(EXAMPLES / "lifecycle" / "write_data.py"), str(directory)]
    subprocess.run(writer, check=True, capture_output=True)
    tables = list((directory / "data").glob("*.csv"))
    rows = {row for table in tables for row in thin_out(table, 6)}
    cli = CommandLine(directory, installed=False)
    for example in ALL:
        emulator = start_emulator(
            trainer=example.trainer, time_scale=FAST, files_root=tmp_path / "nowhere"
        )
        worlds = {}
        for name, provider in providers(example, emulator):
            for step in example.steps:
                configure(directory, EXAMPLES / example.name / step, provider)
                cli("apply", "--auto-approve")
            assert "No changes." in cli("plan", "--detailed-exitcode", code=0)
            worlds[name] = world(directory)
            shutil.rmtree(directory / "state")
            if name == "local":
                cli("emulator", "stop")
                shutil.rmtree(directory / ".automl-plan")
        assert worlds["local"]["models"]
        assert worlds["automl"] == worlds["local"]
        assert worlds["vertex"] == worlds["local"]
        emulator.stop()
    images = list((staging / "x" / "images").iterdir())
    named = {(directory / row.split(",")[1]).read_bytes() for row in rows}
    assert {path.read_bytes() for path in images} == named
    assert len(images) == len(named) > 250
    # one for each CSV of the examples, in the words of each API
    assert len(list((staging / "x" / "imports").iterdir())) == 3 * 2


def test_what_is_uploaded_may_be_declared_itself(
    start_emulator: StartEmulator, tmp_path: Path
) -> None:
    """Data keeps its fingerprint, so nothing is trained. Nodes are another matter."""
    emulator = start_emulator(time_scale=FAST, files_root=tmp_path / "nowhere")
    directory = tmp_path / "work"
    directory.mkdir()
    for number in range(8):
        (directory / f"{number}.png").write_bytes(png(str(number)))
    uses = ("TRAIN", "TRAIN", "VALIDATION", "TEST")
    rows = [f"{uses[n % 4]},{n}.png,{'even' if n % 2 else 'odd'}\n" for n in range(8)]
    (directory / "d.csv").write_text("".join(rows), encoding="utf-8")
    configuration = directory / "automl-plan.yaml"
    configuration.write_text(
        f"provider:\n  vertex: {{project: p, endpoint: '{emulator.url}/vertex',"
        " staging_bucket: gs://staging}\n"
        "datasets:\n  d:\n    image_classification: {classification_type: MULTICLASS}\n"
        "    sources: [d.csv]\n"
        "models:\n  d:\n    dataset: d\n    deploy: {node_count: 1}\n"
        "    image_classification: {train_budget_milli_node_hours: 8000}\n",
        encoding="utf-8",
    )
    cli = CommandLine(directory, installed=False)
    told = cli("apply", "--auto-approve", code=1)
    assert "There is no bucket gs://staging." in told
    assert "`gcloud storage buckets create gs://staging --project p" in told
    (emulator.bucket_root / "staging").mkdir()
    cli("plan", "--detailed-exitcode", code=2)
    assert not list((emulator.bucket_root / "staging").iterdir())  # to plan uploads nothing
    cli("apply", "--auto-approve")
    (staged,) = (emulator.bucket_root / "staging" / "imports").iterdir()
    edit(configuration, "[d.csv]", f"['gs://staging/imports/{staged.name}']")
    assert "No changes." in cli("plan", "--detailed-exitcode", code=0)

    edit(configuration, "node_count: 1", "node_count: 2")
    told = " ".join(cli("plan", "--detailed-exitcode", code=2).split())
    assert "takes over before the current one ends" in told
    cli("apply", "--auto-approve")
    assert "No changes." in cli("plan", "--detailed-exitcode", code=0)
