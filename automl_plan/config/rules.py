"""All named rules."""

from __future__ import annotations

from collections.abc import Mapping

from automl_plan.config import lifecycle_rules, notify_rules, resource_rules, vertex_rules
from automl_plan.config.rule import Rule

RULES: Mapping[str, Rule] = {
    **resource_rules.RULES,
    **lifecycle_rules.RULES,
    **vertex_rules.RULES,
    **notify_rules.RULES,
}
"""By id."""
