"""Attributes as text: their leaves by dotted path, each on one line."""

from __future__ import annotations

import json
from collections.abc import Iterator

from automl_plan.model.json import Attributes, Json
from automl_plan.output.style import Style, clean
from automl_plan.planning.plan import Difference

_SHOWN = 200
"""Characters of one value that are shown."""
_FINGERPRINTS = ("v1:", "v1-")
"""As attributes and as labels have them."""
_SHOWN_OF_FINGERPRINT = 15


def leaves(attributes: Attributes, prefix: str = "") -> Iterator[tuple[str, Json]]:
    """Every value that is no mapping, by its path. Empty texts and labels say nothing."""
    for key, value in sorted(attributes.items()):
        if isinstance(value, dict) and (value or key == "labels"):
            yield from leaves(value, f"{prefix}{key}.")
        elif value != "":
            yield f"{prefix}{key}", value


def shown(value: Json) -> str:
    """A value as JSON, made harmless and cut; of fingerprints, what tells two apart."""
    if value is None:
        return "(none)"
    if isinstance(value, str) and value.startswith(_FINGERPRINTS):
        text = clean(value)
        cut = text[:_SHOWN_OF_FINGERPRINT]
        return text if len(text) <= len(cut) + 1 else f"{cut}…"
    text = clean(json.dumps(value, ensure_ascii=False, sort_keys=True))
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def shown_difference(difference: Difference, style: Style, width: int = 0) -> str:
    """`path  before -> after`, the path filled up to a width."""
    path = f"{clean(difference.path):<{width}}"
    before, after = difference.before, difference.after
    if before is None:
        return f"{path}  {style.green(shown(after))}"
    if after is None:
        return f"{path}  {style.red(shown(before))} -> (none)"
    return f"{path}  {shown(before)} -> {style.yellow(shown(after))}"
