"""Named rules on what Vertex AI can't do, or needs said otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterator

from automl_plan.config.findings import Finding, quoted
from automl_plan.config.rule import ResolvedConfig, Rule, problem_of, registrar

RULES: dict[str, Rule] = {}
"""All rules of this module, by id."""
_rule = registrar(RULES)

_CORE_ML = "mobile-core-ml-"
_ROUNDING = 1e-6
_FRACTIONS = ("training", "validation", "test")


@_rule("vertex-model-type", "A model's type is one that the provider trains.")
def _vertex_model_type(config: ResolvedConfig) -> Iterator[Finding]:
    if not config.at_vertex:
        return
    for name, entry in config.models.items():
        problem = problem_of(entry)
        written = entry[problem].get("model_type", "") if problem else ""
        if problem is None or not written.startswith(_CORE_ML):
            continue
        yield Finding(
            ("models", name, problem, "model_type"),
            "vertex-model-type",
            f"Vertex AI has no type {quoted(written)}: its mobile types are exported to Core ML",
            f"write mobile-{written.removeprefix(_CORE_ML)}",
        )


@_rule("location-form", "A location of Vertex AI is a region.")
def _location_form(config: ResolvedConfig) -> Iterator[Finding]:
    location = config.provider_settings.get("location")
    if config.provider != "vertex" or location is None:
        return
    if not re.fullmatch(r"[a-z]+-[a-z]+[0-9]+", location):
        hint = "write a region, such as us-central1 or europe-west4"
        if location == "eu":
            hint = "write a region of Europe, such as europe-west4"
        message = f"{quoted(location)} is no region"
        yield Finding(("provider", "vertex", "location"), "location-form", message, hint)


@_rule("split-sum", "The fractions of a split add up to 1.")
def _split_sum(config: ResolvedConfig) -> Iterator[Finding]:
    for name, entry in config.models.items():
        split = entry.get("vertex", {}).get("split")
        if not isinstance(split, dict) or len(split) < len(_FRACTIONS):
            continue  # what is missing or wrong is said already
        if abs(sum(split.values()) - 1) > _ROUNDING:
            message = f"the fractions add up to {sum(split.values()):g}"
            hint = "write fractions of 1, such as 0.8, 0.1 and 0.1"
            yield Finding(("models", name, "vertex", "split"), "split-sum", message, hint)
