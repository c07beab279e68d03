"""Damaged configurations, import files, states and plan files."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

from automl_plan.providers.local import process
from tests.cli.command import ProjectLine
from tests.config.cases import CASES
from tests.fuzz.mutations import as_bytes, of_bytes, of_fields, of_json, of_yaml
from tests.fuzz.running import Report, check

EXAMPLES = Path(__file__).parents[2] / "examples"
FILE = "automl-plan.yaml"
ON_STATES = (
    ("state", "list", "--json"),
    ("state", "show", "model.digits"),
    ("plan", "--no-refresh"),
    ("models", "versions", "digits"),
    ("cost", "--spent"),
)
ON_PLANS = (
    ("show", "plan.json"),
    ("show", "plan.json", "--format", "markdown"),
    ("show", "plan.json", "--format", "html"),
    ("apply", "plan.json", "--auto-approve"),
)


ON_DATA = (
    ("datasets", "lint"),
    ("datasets", "lint", "--json"),
    ("datasets", "advise", "d"),
    ("plan", "--no-refresh"),
)
BOXES = ("0.1", "3e-05", "", "", "0.5", "0.5", "", "")
DECLARED = {
    "provider": {"local": {"trainer": "simulated"}},
    "datasets": {
        "d": {
            "image_classification": {"classification_type": "MULTICLASS"},
            "sources": ["d.csv", "d.jsonl"],
        },
        "b": {"image_object_detection": {}, "sources": ["b.csv"]},
    },
}
"""What import files are damaged of."""


def corpus() -> list[str]:
    """Configurations to begin with: the examples, and what the tests have of bad ones."""
    examples = [path.read_text(encoding="utf-8") for path in sorted(EXAMPLES.rglob("*.yaml"))]
    found = examples * 10
    written = (content for case in CASES for content in case.written.values())
    found += [text for text in written if isinstance(text, str) and len(text) < 10_000]
    return found


def configurations(seeds: range) -> Report:
    """Validate each damaged configuration, and plan what is left of some."""
    report, texts = Report(), corpus()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        directory = Path(folder)
        for seed in seeds:
            chance = Random(f"configuration {seed}")
            text = of_yaml(chance.choice(texts), chance)
            data = text.encode("utf-8", "surrogatepass")
            if chance.random() < 0.1:
                data = of_bytes(data, chance)
            (directory / FILE).write_bytes(data)
            commands: list[tuple[str, ...]] = [("validate", "--json")]
            if chance.random() < 0.1:
                commands += [("validate",), ("fmt", "--diff"), ("graph",)]
            check(report, f"configuration {seed}", directory, commands)
            report.tried["configurations"] += 1
    return report


@contextmanager
def applied(api: str) -> Iterator[ProjectLine]:
    """A project with a state and a plan file."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        line = ProjectLine(Path(folder), api)
        line.declare()
        line("apply", "--auto-approve")
        line.declare(budget=9000)
        line("plan", "--out", "plan.json")
        try:
            yield line
        finally:
            process.stop(line.directory / ".automl-plan" / "emulator")


def states_and_plans(api: str, seeds: range) -> Report:
    """Read each damaged state, and each damaged plan file."""
    report = Report()
    with applied(api) as line:
        state, plan = line.directory / "state.json", line.directory / "plan.json"
        kept = {path: path.read_bytes() for path in (state, plan)}
        for seed in seeds:
            chance = Random(f"state {api} {seed}")
            path, commands = chance.choice(((state, ON_STATES), (plan, ON_PLANS)))
            document: Any = json.loads(kept[path])
            damaged = (
                of_bytes(kept[path], chance)
                if chance.random() < 0.5
                else as_bytes(of_json(document, chance))
            )
            if path == plan and chance.random() < 0.5:
                damaged = _sealed(damaged)
            path.write_bytes(damaged)
            check(report, f"{api}, state {seed}", line.directory, [chance.choice(commands)])
            report.tried["states" if path == state else "plan files"] += 1
            for other in line.directory.glob("state.json*"):
                if other.is_file():
                    other.unlink()
                else:
                    shutil.rmtree(other)
            for each, data in kept.items():
                each.write_bytes(data)
    return report


def import_files() -> dict[str, bytes]:
    """Import files of each format."""
    rows = [(("TRAIN", "TEST", "")[n % 3], f"{n}.png", ("cat", "dog")[n % 2]) for n in range(12)]
    lines = [
        {"imageGcsUri": f"j{path}", "classificationAnnotation": {"displayName": label}}
        for _, path, label in rows
    ]
    return {
        "d.csv": "".join(f"{','.join(row)}\n" for row in rows).encode(),
        "b.csv": "".join(f"{','.join((*row, *BOXES))}\r\n" for row in rows).encode(),
        "d.jsonl": "".join(f"{json.dumps(line)}\n" for line in lines).encode(),
    }


def data(seeds: range) -> Report:
    """Lint and plan with each damaged import file."""
    report, kept = Report(), import_files()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        directory = Path(folder)
        (directory / FILE).write_text(json.dumps(DECLARED), encoding="utf-8")
        for name, content in kept.items():
            (directory / name).write_bytes(content)
        for seed in seeds:
            chance = Random(f"data {seed}")
            name = chance.choice(sorted(kept))
            damage = of_bytes if chance.random() < 0.5 else of_fields
            (directory / name).write_bytes(damage(kept[name], chance))
            check(report, f"data {seed}", directory, [chance.choice(ON_DATA)])
            report.tried["import files"] += 1
            (directory / name).write_bytes(kept[name])
    return report


def _sealed(data: bytes) -> bytes:
    """A plan file with a digest that fits, as anybody can make it."""
    from automl_plan.workspace.plan_file import sealed

    try:
        return sealed(json.loads(data))
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        return data
