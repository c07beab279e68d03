"""`plan --github-output`: the outputs of a step of GitHub Actions, and its summary."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from automl_plan.cli.output import say
from automl_plan.errors import OutputUnwritable, UsageError

if TYPE_CHECKING:
    from automl_plan.applying.planned import Planned

_OUTPUT = "GITHUB_OUTPUT"
_SUMMARY = "GITHUB_STEP_SUMMARY"
MOST_BYTES = 1024 * 1024
"""Of the summary of one step; GitHub shows nothing of a longer one."""
_LEAST_BYTES = 8 * 1024
"""Too little room to tell a plan in."""


class GithubOutput:
    """The two files that GitHub names for a step. Raises UsageError where it names none."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        missing = [name for name in (_OUTPUT, _SUMMARY) if not environ.get(name)]
        if missing:
            raise UsageError(
                f"--github-output: {' and '.join(missing)} is not set.",
                hint="It is for steps of GitHub Actions, which set it.",
            )
        self._output = Path(environ[_OUTPUT])
        self._summary = Path(environ[_SUMMARY])

    def write(self, planned: Planned) -> None:
        """Add to both files. Raises OutputUnwritable."""
        from automl_plan.rendering.step_outputs import step_outputs

        outputs = step_outputs(planned)
        _append(self._output, "".join(f"{name}={value}\n" for name, value in outputs.items()))
        room = MOST_BYTES - _size(self._summary) - 1
        if room < _LEAST_BYTES:
            say("Warning: the summary of this step has no room for the plan.\n")
            return
        _append(self._summary, _markdown(planned, room))


def _markdown(planned: Planned, room: int) -> str:
    """What a comment in a pull request would say."""
    from automl_plan.applying.commit import place_in_repository
    from automl_plan.rendering.links import source_links
    from automl_plan.rendering.markdown import plan_markdown
    from automl_plan.rendering.marker import Origin

    origin = Origin(commit=planned.commit, made=planned.made)
    links = source_links(os.environ, planned.commit, place_in_repository(Path()))
    return plan_markdown(planned, origin, links=links, limit=room)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _append(path: Path, text: str) -> None:
    """Add lines to a file, on lines of their own: what is there may not have ended its last one."""
    try:
        with path.open("a+b") as file:
            end = file.tell()
            file.seek(max(end - 1, 0))
            unfinished = end > 0 and file.read(1) != b"\n"
            file.write((b"\n" if unfinished else b"") + text.encode())
    except OSError as error:
        raise OutputUnwritable(f"{path} can't be written: {error.strerror}.") from error
