"""examples/review: its plan, comment and page are what the walk makes, and are shown the same."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.command_line import COMMAND, spoken_by

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "review"
PIPELINE = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "example/models",
}
OF_ONE_RUN = re.compile(
    r"(ICN)?\d{19}|[0-9a-f]{40}|sha256(:|&#58;)[0-9a-f]+|\d{4}-\d\d-\d\dT\d\d(:|&#58;)\d\d(:|&#58;)\d\dZ"
    r"|(?<=takes about )[\d.]+\w+"
)
"""Ids, commits, digests, times, and how long steps took on that machine."""
ENDPOINTS = re.compile(
    r" at <code>[a-z]+-[0-9a-f]{12}</code>| at [a-z]+-[0-9a-f]{12}$| \(at [a-z]+-[0-9a-f]{12}\)",
    re.MULTILINE,
)
"""What a plan names at Vertex AI alone: AutoML v1 has no endpoints."""
OF_RUNS = shutil.ignore_patterns(".automl-plan", "data", "state", "work")
"""What may lie in a directory in which somebody has tried an example."""
SERVICES = {"automl": "local:projects", "vertex": "local-vertex:projects"}
"""How a page tells whose objects they are: all that differs."""


def shown(form: str) -> str:
    command = [str(COMMAND), "show", str(EXAMPLE / "plan.json"), "--format", form]
    environ = {**os.environ, **PIPELINE}
    # Elsewhere than in this repository, whose folders would stand in the links.
    done = subprocess.run(command, env=environ, cwd="/", capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.parametrize(("form", "name"), [("markdown", "comment.md"), ("html", "page.html")])
def test_what_is_kept_is_what_is_shown(form: str, name: str) -> None:
    path = EXAMPLE / name
    if os.environ.get("AUTOML_PLAN_UPDATE_GOLDEN") == "1":
        path.write_text(shown(form), encoding="utf-8")
    assert shown(form) == path.read_text(encoding="utf-8")


def test_the_walk_makes_what_is_kept(tmp_path: Path, api: str) -> None:
    """By which API the service is spoken to makes no difference to who reviews."""
    work, example = tmp_path / "work", tmp_path / "examples" / "review"
    for name in ("review", "lifecycle", "digits"):
        shutil.copytree(EXAMPLE.parent / name, example.parent / name, ignore=OF_RUNS)
    for name in ("main", "pull-request"):
        configuration = example / name / "automl-plan.yaml"
        told = spoken_by(api, configuration.read_text(encoding="utf-8"))
        if api == "vertex":  # whose documentation has names of labels that AutoML's has not
            told += "\nlint: {label-documented: off}\n"
        configuration.write_text(told, encoding="utf-8")
    environ = {**os.environ, "PATH": f"{COMMAND.parent}:{os.environ['PATH']}"}
    subprocess.run([example / "walk.sh", work], check=True, capture_output=True, env=environ)
    for name in ("comment.md", "page.html"):
        made, kept = (
            OF_ONE_RUN.sub("…", (folder / name).read_text(encoding="utf-8"))
            for folder in (work, EXAMPLE)
        )
        made = ENDPOINTS.sub("", made)
        assert made == kept.replace(SERVICES["automl"], SERVICES[api])
