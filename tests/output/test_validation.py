"""What `validate` says of a valid configuration."""

from __future__ import annotations

from pathlib import Path

from automl_plan.config.load import load
from automl_plan.config.scaffold import scaffold
from automl_plan.output.documents.commands import Validate
from automl_plan.output.failures import validation_text
from automl_plan.output.style import PLAIN
from automl_plan.providers.registry import PROVIDERS
from tests.output.schema import is_valid


def test_validation(tmp_path: Path) -> None:
    scaffold(tmp_path)
    configuration = load(tmp_path, PROVIDERS)
    assert validation_text(configuration, PLAIN) == (
        "Success! The configuration is valid: 1 dataset, 1 model.\n"
    )
    assert is_valid("validate", Validate.of(configuration))
