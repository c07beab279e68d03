"""One run of the command line: what its shared flags say, and what they open."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, TypeVarTuple

from msgspec import Struct

from automl_plan.cli.output import say_warnings, stdout_style, write, write_json
from automl_plan.errors import UsageError

if TYPE_CHECKING:
    from automl_plan.config.configuration import Configuration
    from automl_plan.model.address import Address
    from automl_plan.output.style import Style
    from automl_plan.planning.options import PlanOptions
    from automl_plan.workspace.workspace import Workspace

T = TypeVarTuple("T")


class Run(Struct):
    """The values of shared flags, and the configuration that they name."""

    changed_to: Path = Path()
    """The directory of -C, from where the run began. It is the working directory by now."""
    var: Sequence[str] = ()
    var_file: Sequence[Path] = ()
    as_json: bool = False
    json_into: Path | None = None
    format_: str | None = None
    destroy: bool = False
    refresh_only: bool = False
    no_refresh: bool = False
    target: Sequence[str] = ()
    exclude: Sequence[str] = ()
    replace: Sequence[str] = ()
    allow_large_change: bool = False
    no_lint: bool = False
    allow_partial_import: bool = False
    auto_approve: bool = False
    parallelism: int = 10
    """Requests at a time."""
    lock_timeout: float = 0.0
    """In seconds."""
    configuration: Configuration | None = None
    """The one that this run is about."""

    def open(self) -> Workspace:
        """Open the configuration in the working directory."""
        from automl_plan.workspace.workspace import Workspace

        say_warnings()
        opened = Workspace(
            Path(),
            variables=self.variables(),
            var_files=self.var_file,
            follow=lambda configuration: self.command_line(["wait"], configuration.given),
        )
        self.configuration = opened.configuration
        return opened

    def load(self) -> Configuration:
        """Load the configuration in the working directory, and nothing else."""
        from automl_plan.config.load import load
        from automl_plan.providers.registry import PROVIDERS

        return load(
            Path(),
            PROVIDERS,
            variables=self.variables(),
            var_files=self.var_file,
            environ=os.environ,
        )

    def next_step(self) -> str | None:
        """Return what the configuration still needs before it declares anything."""
        if self.configuration is None:
            return None
        from automl_plan.config.scaffold import first_step

        return first_step(self.configuration)

    def variables(self) -> dict[str, str]:
        """Return the values of --var by name. Raises UsageError."""
        values = {}
        for pair in self.var:
            name, equals, value = pair.partition("=")
            if not equals or not name:
                raise UsageError(f"--var {pair}: write NAME=VALUE.")
            values[name] = value
        return values

    def show(self, document: str, text: Callable[[*T, Style], str], *values: *T) -> None:
        """Write a result to standard output: the document with --json, otherwise the text.

        `document`: `module:Type.maker` below `output.documents`, called with the values.
        """
        if self.as_json:
            module, _, maker = document.partition(":")
            found = import_module(f"automl_plan.output.documents.{module}")
            write_json(attrgetter(maker)(found)(*values))
        else:
            write(text(*values, stdout_style()))

    def output_format(self) -> str:
        """Return the format of the output. Raises UsageError for a contradiction."""
        if self.as_json and self.format_ not in (None, "json"):
            raise UsageError(f"--json and --format {self.format_} exclude each other.")
        return "json" if self.as_json else self.format_ or "text"

    def plan_options(self, *, destroy: bool = False, lint: bool = True) -> PlanOptions:
        """Return the options of a plan. Raises UsageError for a contradiction."""
        from automl_plan.planning.options import PlanMode, PlanOptions

        destroy = destroy or self.destroy
        if destroy and self.refresh_only:
            raise UsageError("--destroy and --refresh-only exclude each other.")
        if self.no_refresh and self.refresh_only:
            raise UsageError("--no-refresh and --refresh-only exclude each other.")
        mode = PlanMode.DESTROY if destroy else PlanMode.NORMAL
        return PlanOptions(
            mode=PlanMode.REFRESH_ONLY if self.refresh_only else mode,
            refresh=not self.no_refresh,
            targets=_addresses("--target", self.target),
            excludes=_addresses("--exclude", self.exclude),
            replaces=_addresses("--replace", self.replace),
            allow_large_change=self.allow_large_change,
            lint=lint and not self.no_lint,
            allow_partial_import=self.allow_partial_import,
        )

    def plan_command(self, out: Path, options: PlanOptions, given: Mapping[str, str | None]) -> str:
        """Return the `automl-plan plan` that makes a plan file again."""
        from automl_plan.planning.options import PlanMode

        words = ["plan", "--out", str(out)]
        flags = {
            "--destroy": options.mode is PlanMode.DESTROY,
            "--refresh-only": options.mode is PlanMode.REFRESH_ONLY,
            "--no-refresh": not options.refresh,
            "--allow-large-change": options.allow_large_change,
            "--allow-partial-import": options.allow_partial_import,
            "--no-lint": not options.lint,
        }
        words += [flag for flag, is_given in flags.items() if is_given]
        for flag in ("target", "exclude", "replace"):
            addresses = sorted(getattr(options, f"{flag}s"))
            words += [word for each in addresses for word in (f"--{flag}", str(each))]
        return self.command_line(words, given)

    def command_line(self, words: Iterable[str], given: Mapping[str, str | None]) -> str:
        """Return a command with the directory and variables of this run.

        `given`: the values that may be shown; a secret one is left out.
        """
        command = ["automl-plan", *words]
        if self.changed_to != Path():
            command += ["-C", str(self.changed_to)]
        command += [word for path in self.var_file for word in ("--var-file", str(path))]
        for name in self.variables():
            command += ["--var", f"{name}={given.get(name) or '…'}"]
        return shlex.join(command)


def parse_address(text: str, flag: str) -> Address:
    """Parse an address. Raises UsageError."""
    from automl_plan.model.address import Address

    try:
        return Address.parse(text)
    except ValueError as error:
        raise UsageError(f"{flag}: {error}.") from error


def _addresses(flag: str, texts: Iterable[str]) -> frozenset[Address]:
    return frozenset(parse_address(text, flag) for text in texts)
