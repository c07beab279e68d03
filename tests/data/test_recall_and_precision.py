"""Every rule finds every defect that is put in, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from automl_plan.config.load import RULES as CONFIG_RULES
from automl_plan.config.schema import config_schema
from automl_plan.data.lint_rule import Severity
from automl_plan.data.lint_rules import RULES
from tests.data.proof.case import EXAMPLES, FEW_EXAMPLES
from tests.data.proof.defects import DEFECTS
from tests.data.proof.folder_defects import FOLDER_DEFECTS
from tests.data.proof.image_defects import IMAGE_DEFECTS
from tests.data.proof.scores import Score, scores


@pytest.mark.parametrize(("seed", "examples"), [(1, EXAMPLES), (20, FEW_EXAMPLES)])
def test_recall_and_precision(seed: int, examples: int) -> None:
    """Each rule has defects to find; a rule without any would not hold."""
    assert [score for score in scores([seed], examples) if not score.holds] == []


def test_a_score_tells_what_is_missed_and_what_is_wrong() -> None:
    score = Score("ml-use", seeded=4, found=3, wrong=1)
    assert (score.recall, score.precision, score.holds) == (0.75, 0.75, False)
    assert Score("ml-use", seeded=4, found=4, wrong=0).holds
    assert not Score("ml-use", seeded=0, found=0, wrong=0).holds


def test_every_rule_is_proved_and_told() -> None:
    of_folders = {rule for rule, _, _ in FOLDER_DEFECTS}
    assert {defect.rule for defect in [*DEFECTS, *IMAGE_DEFECTS]} | of_folders == set(RULES)
    for rule in RULES.values():
        assert rule.meaning.endswith("."), rule.id
        assert rule.hint.endswith("."), rule.id
        assert rule.source, rule.id
        assert rule.severity is not Severity.OFF, rule.id
    assert set(RULES).isdisjoint(CONFIG_RULES)


def test_the_schema_has_every_rule() -> None:
    schema: Any = config_schema()
    rules = schema["definitions"]["lint"]["properties"]
    told = {key: rule["description"] for key, rule in rules.items()}
    assert told == {rule.id: rule.meaning for rule in RULES.values()}
