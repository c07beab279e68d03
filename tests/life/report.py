"""The totals of a run, and what never happened in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.life.commands import COMMANDS
from tests.life.edits import EDITS
from tests.life.machine import REFUSALS
from tests.life.names import Names
from tests.life.outside import ONLY, OUTSIDE
from tests.life.states import STATES


@dataclass
class Report:
    """What came of one sequence, or of many."""

    sequences: int = 0
    commands: int = 0
    kills: int = 0
    interrupts: int = 0
    stopped: int = 0
    """Runs that lost their lock, and went on."""
    trainings: int = 0
    days: float = 0.0
    steps: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    effects: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    def add(self, other: Report) -> None:
        """Take another one in."""
        self.sequences += other.sequences
        self.commands += other.commands
        self.kills += other.kills
        self.interrupts += other.interrupts
        self.stopped += other.stopped
        self.trainings += other.trainings
        self.days += other.days
        self.steps += other.steps
        self.refusals += other.refusals
        self.effects += other.effects
        self.violations += other.violations


def totals(name: str, report: Report, seconds: float) -> str:
    """What was done, refused and found."""
    years = report.days / 365
    did = (
        f"{report.sequences} sequences, {report.steps.total()} steps, {report.commands} commands",
        f"{report.kills} kills, {report.interrupts} interrupts, {report.stopped} lost locks",
        f"{report.trainings} trainings, {years:.0f} years",
    )
    found = f"{len(report.violations)} violations"
    lines = [
        f"{name}: {', '.join(did)} · {found} · {seconds:.0f} s",
        f"  steps: {_counts(report.steps)}",
        f"  refusals: {_counts(report.refusals)}",
        f"  at the service: {_counts(report.effects)}",
    ]
    return "\n".join(lines)


_HEADER = """\
#!/usr/bin/env bash
# {title}
# Run it in an empty directory; PYTHON: the repository's .venv/bin/python, PYTHONPATH: its root.
PYTHON=${{PYTHON:-python3}}; export NO_COLOR=1
mkdir -p a/state buckets/data
start() {{
  "$PYTHON" -m automl_plan.emulator --trainer simulated --time-scale {scale} --data-dir service \\
    --bucket-root buckets --files-root a > service.log 2>&1 &
  until [ -e service/server.json ]; do sleep 0.1; done
  URL=$("$PYTHON" -c 'import json; print(json.load(open("service/server.json"))["url"])')
}}
names() {{ eval "$("$PYTHON" -m tests.life.names "$URL" {api})"; }}
advance() {{ curl -s -X POST "$URL/emulator/v1/clock:advance" -d "{{\\"seconds\\": $1}}"; echo; }}
rest() {{ curl -s -X "$1" "$URL$2" -H 'Content-Type: application/json' "${{@:3}}"; names; }}
images() {{ for i in $(seq 200); do echo -n "image $i" > "buckets/data/$i.png"; done; }}
plainly() {{ (cd "$1" && "$PYTHON" -m automl_plan "${{@:2}}"); echo "exit code $?"; names; }}
patiently() {{
  while sleep 0.3; do advance {hours} > /dev/null; done & hurry=$!
  plainly "$@"; kill "$hurry"
}}
strike() {{
  "$PYTHON" -m tests.life.zygote --strike "$1" --action "$2" -C "$3" -- "${{@:4}}"; names
}}
start
"""


def script(title: str, api: str, scale: float, log: Sequence[str], names: Names) -> str:
    """A shell script that repeats a sequence."""
    header = _HEADER.format(title=title, api=api, scale=scale, hours=7200 / scale)
    return header + "\n".join(map(names.in_script, log))


def missing(api: str, report: Report) -> list[str]:
    """The kinds of steps, refusals and effects of which there was none."""
    others = {n for other, only in ONLY.items() if other != api for n in only}
    wanted = [f"edit: {name}" for name in EDITS]
    wanted += [f"command: {name}" for name in (*COMMANDS, *STATES)]
    wanted += [f"outside: {name}" for name in OUTSIDE if name not in others]
    found = [name for name in wanted if not report.steps[name]]
    found += [f"refusal: {name}" for name in REFUSALS if not report.refusals[name]]
    return found + [n for n in ("kills", "interrupts", "stopped") if not getattr(report, n)]


def _counts(counts: Counter[str]) -> str:
    return " · ".join(f"{name} {count}" for name, count in sorted(counts.items()))
