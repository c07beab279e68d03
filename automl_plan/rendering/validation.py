"""What `validate` found, as text and as JSON."""

from __future__ import annotations

from automl_plan.config.configuration import Configuration
from automl_plan.rendering.document import document
from automl_plan.rendering.style import Style, counted
from automl_plan.resources.json import Json


def validation_text(configuration: Configuration, style: Style) -> str:
    """`Success! The configuration is valid: 1 dataset, 1 model.`"""
    desired = configuration.desired
    counts = f"{counted(len(desired.datasets), 'dataset')}, {counted(len(desired.models), 'model')}"
    return f"{style.bold(style.green('Success!'))} The configuration is valid: {counts}.\n"


def validation_json(configuration: Configuration) -> dict[str, Json]:
    """The same for programs."""
    desired = configuration.desired
    return document(
        valid=True,
        datasets=[str(address) for address in sorted(desired.datasets)],
        models=[str(address) for address in sorted(desired.models)],
    )
