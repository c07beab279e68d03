"""`make bench`: how long automl-plan takes by the number of resources, beside Terraform.

Each is run in turn, A B A B, so that a machine that becomes slower does so for both. Terraform's
first apply takes time by the square of the resources: above `--terraform-applies` its state is made
from that of a smaller apply, and its first apply is not measured.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.benchmarks.contenders import Contender, Ours, Terraform
from tests.benchmarks.measuring import Figure, Taken, run
from tests.benchmarks.report import OURS, THEIRS, Row, exponents, rows_json, table

SMALLEST_OF_FIT = 1_000


class Bench:
    """One benchmark in one directory."""

    def __init__(
        self, directory: Path, command: str, runs: int, applies: int, terraform: str | None
    ) -> None:
        self._directory = directory
        self._command = command
        self._runs = runs
        self._applies = applies
        self._terraform = terraform
        self._applied: Path | None = None
        """Where Terraform has applied two resources or more."""
        self.rows: list[Row] = []

    def small(self) -> None:
        """What every command costs."""
        ours = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        completion = {
            **ours,
            "_AUTOML_PLAN_COMPLETE": "complete_bash",
            "COMP_WORDS": "automl-plan pl",
            "COMP_CWORD": "1",
        }
        self._compare(
            Row("--version", 0),
            lambda: run([self._command, "--version"], self._directory, ours),
            lambda: run(["terraform", "version"], self._directory, dict(os.environ)),
            warm=True,
        )
        self._compare(
            Row("completion", 0),
            lambda: run([self._command], self._directory, completion),
            lambda: run(
                ["terraform", "pl"], self._directory, {**os.environ, "COMP_LINE": "terraform pl"}
            ),
            warm=True,
        )

    def size(self, size: int) -> None:
        """Everything with so many resources."""
        row, ours, theirs = Row("first apply", size), [], []
        mine: Ours | None = None
        other: Terraform | None = None
        # Applies of minutes are run once: what varies is small beside them.
        for number in range(self._runs if size <= SMALLEST_OF_FIT else 1):
            if mine is not None:
                mine.close()
            mine = Ours(self._directory / f"ours-{size}-{number}", size, self._command)
            ours.append(mine.apply())
            if self._terraform is None:
                continue
            if size <= self._applies:
                if other is not None:
                    other.close()
                other = Terraform(self._directory / f"terraform-{size}-{number}", size)
                theirs.append(other.apply())
                self._applied = other.directory if size >= 4 else self._applied
            elif other is None:
                other = self._grown(size)
        assert mine is not None
        row.figures[OURS] = Figure(tuple(ours))
        if theirs:
            row.figures[THEIRS] = Figure(tuple(theirs))
        self._add(row)
        self._plans(size, mine, other)
        self._changes(size, mine, other)
        mine.close()

    def _grown(self, size: int) -> Terraform:
        if self._applied is None:
            seed = Terraform(self._directory / "terraform-seed", 8)
            seed.apply()
            self._applied = seed.directory
        return Terraform(self._directory / f"terraform-{size}", size, self._applied)

    def _plans(self, size: int, mine: Ours, other: Terraform | None) -> None:
        def anew() -> Taken:
            mine.forget()
            return mine.plan()

        again: Callable[[], Taken] | None = None if other is None else other.plan
        self._compare(Row("plan, nothing to do, first time", size), anew, again)
        before = mine.requests()
        mine.plan()
        after = mine.requests()
        sent = {name: count - before.get(name, 0) for name, count in after.items()}
        row = Row("plan, nothing to do, again", size)
        row.requests = {name: count for name, count in sent.items() if count}
        self._compare(row, mine.plan, again)

    def _changes(self, size: int, mine: Ours, other: Terraform | None) -> None:
        mine.write(changed=True)
        if other is not None:
            other.write(changed=True)

        def anew() -> Taken:
            # Of the former runs only what was not changed is known.
            mine.forget()
            mine.write(changed=False)
            mine.plan()
            mine.write(changed=True)
            return mine.plan()

        theirs: Callable[[], Taken] | None = None if other is None else other.plan
        self._compare(Row("plan, 1 % changed", size), anew, theirs)

        def applying(contender: Contender) -> Callable[[], Taken]:
            changed = True

            def apply() -> Taken:
                nonlocal changed
                contender.write(changed=changed)
                changed = not changed
                return contender.apply()

            return apply

        last = None if other is None else applying(other)
        self._compare(Row("apply, 1 % changed", size), applying(mine), last)

    def _compare(
        self,
        row: Row,
        ours: Callable[[], Taken],
        theirs: Callable[[], Taken] | None,
        *,
        warm: bool = False,
    ) -> None:
        mine, other = [], []
        if self._terraform is None:
            theirs = None
        if warm:
            ours()
        # What takes a moment varies most.
        for _ in range(self._runs * (1 if row.size >= SMALLEST_OF_FIT else 5)):
            mine.append(ours())
            if theirs is not None:
                other.append(theirs())
        row.figures[OURS] = Figure(tuple(mine))
        if other:
            row.figures[THEIRS] = Figure(tuple(other))
        self._add(row)

    def _add(self, row: Row) -> None:
        self.rows.append(row)
        print(table([row]).splitlines()[1], flush=True)


def machine(terraform: str | None) -> dict[str, object]:
    """What it was measured on."""
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if line.startswith("model name")
    ]
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processors": os.cpu_count(),
        "processor": names[0] if names else platform.machine(),
        "python": platform.python_version(),
        "terraform": terraform,
    }


def version_of_terraform() -> str | None:
    """Its version; None where there is none."""
    if shutil.which("terraform") is None:
        return None
    done = subprocess.run(
        ["terraform", "version", "-json"], capture_output=True, text=True, check=True
    )
    return str(json.loads(done.stdout)["terraform_version"])


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--sizes", default="10,100,1000", help="numbers of resources")
    parser.add_argument("--runs", type=int, default=3, help="of each command")
    parser.add_argument(
        "--terraform-applies", type=int, default=1_000, help="the largest first apply of Terraform"
    )
    parser.add_argument(
        "--command",
        type=Path,
        default=Path(sys.executable).with_name("automl-plan"),
        help="the automl-plan that is measured (default: the one beside this Python)",
    )
    parser.add_argument("--out", type=Path, help="a file for the figures, as JSON")
    chosen = parser.parse_args(arguments)
    terraform = version_of_terraform()
    if terraform is None:
        print("There is no terraform on PATH: only our side is measured.")
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        command = str(chosen.command.absolute())
        bench = Bench(Path(directory), command, chosen.runs, chosen.terraform_applies, terraform)
        bench.small()
        for size in map(int, chosen.sizes.split(",")):
            bench.size(size)
    fitted = exponents(bench.rows, SMALLEST_OF_FIT)
    there = machine(terraform)
    print(f"\n{there['processors']} x {there['processor']}, {there['date']}")
    print(table(bench.rows), end="")
    for what, by in fitted.items():
        told = ", ".join(f"{who} {value:.2f}" for who, value in by.items())
        print(f"growth of {what}: {told}")
    if chosen.out is not None:
        document = {"machine": there, "rows": rows_json(bench.rows), "exponents": fitted}
        chosen.out.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
