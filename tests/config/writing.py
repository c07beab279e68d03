"""Writes configurations for the tests, and puts what is wrong with them into words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from automl_plan.config.load import load
from automl_plan.errors import ConfigurationError, Diagnostic
from automl_plan.providers.registry import PROVIDERS

GOOD = """\
datasets:
  digits:
    image_classification: {classification_type: MULTICLASS}
    sources: [data/digits.csv]
models:
  digits:
    dataset: digits
    image_classification:
      model_type: cloud
      train_budget_milli_node_hours: 8000
"""


def write(directory: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write the files into the directory."""
    for name, content in files.items():
        data = content if isinstance(content, bytes) else content.encode()
        (directory / name).write_bytes(data)
    return directory


def diagnostics(
    directory: Path,
    *,
    variables: Mapping[str, str] | None = None,
    var_files: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
) -> tuple[Diagnostic, ...]:
    """What is wrong with the directory; nothing when it loads."""
    try:
        load(
            directory,
            PROVIDERS,
            variables=variables or {},
            var_files=[directory / name for name in var_files],
            environ=environ or {},
        )
    except ConfigurationError as error:
        return error.diagnostics
    return ()


def places(found: Sequence[Diagnostic]) -> list[str]:
    """`file:line:column rule` of each."""
    return [f"{d.file}:{d.line}:{d.column} {d.rule}" for d in found]
