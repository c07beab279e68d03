"""examples/review: its plan, comment and page are what the walk makes, and are shown the same."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.e2e.command_line import COMMAND

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "review"
PIPELINE = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "example/models",
}
OF_ONE_RUN = re.compile(
    r"ICN\d+|[0-9a-f]{40}|sha256(:|&#58;)[0-9a-f]+|\d{4}-\d\d-\d\dT\d\d(:|&#58;)\d\d(:|&#58;)\d\dZ"
)
"""Ids, commits, digests and times."""


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


def test_the_walk_makes_what_is_kept(tmp_path: Path) -> None:
    work = tmp_path / "work"
    environ = {**os.environ, "PATH": f"{COMMAND.parent}:{os.environ['PATH']}"}
    subprocess.run([EXAMPLE / "walk.sh", work], check=True, capture_output=True, env=environ)
    for name in ("comment.md", "page.html"):
        made, kept = (
            OF_ONE_RUN.sub("…", (folder / name).read_text(encoding="utf-8"))
            for folder in (work, EXAMPLE)
        )
        assert made == kept
