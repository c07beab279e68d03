"""Scores the rules: how much of what was put wrong is found, and how much that was not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from msgspec import Struct

from automl_plan.data.dataset_kinds import DatasetKind
from automl_plan.data.lint_rules import RULES
from tests.data.proof.case import EXAMPLES, Case, clean
from tests.data.proof.defects import DEFECTS
from tests.data.proof.folder_defects import FolderCase, folder_cases
from tests.data.proof.image_defects import IMAGE_DEFECTS, with_images


class Score(Struct, frozen=True):
    """How well a rule is found."""

    rule: str
    seeded: int
    """Defects that were put in."""
    found: int
    """Of these."""
    wrong: int
    """Findings of the rule where it holds."""

    @property
    def recall(self) -> float:
        """The part of the defects that is found; 0 where none was put in: nothing is proved."""
        return self.found / self.seeded if self.seeded else 0.0

    @property
    def precision(self) -> float:
        """The part of the findings that is right."""
        told = self.found + self.wrong
        return self.found / told if told else 0.0

    @property
    def holds(self) -> bool:
        """Whether every defect is found, and nothing else."""
        return self.recall == 1 and self.precision == 1


def scores(seeds: Iterable[int], examples: int = EXAMPLES) -> list[Score]:
    """Every rule's score over some seeds, in the order of the table of rules."""
    seeded: Counter[str] = Counter()
    found: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for seed in seeds:
        for case in cases(seed, examples):
            told: set[tuple[str, int | str]] = {*case.found(case.lint())}
            seeded.update(rule for rule, _ in case.expected)
            found.update(rule for rule, _ in told & case.expected)
            wrong.update(rule for rule, _ in told - case.expected)
    return [Score(rule, seeded[rule], found[rule], wrong[rule]) for rule in RULES]


def cases(seed: int, examples: int = EXAMPLES) -> Iterator[Case | FolderCase]:
    """Clean data of each kind, and each defect in data of each kind that can have it."""
    yield from folder_cases()
    for kind in DatasetKind:
        yield clean(kind, seed, examples)
    for defect in IMAGE_DEFECTS:
        for kind in defect.kinds:
            case = with_images(kind, seed)
            defect.put(case)
            yield case
    for defect in DEFECTS:
        for kind in defect.kinds:
            case = clean(kind, seed, examples)
            defect.put(case)
            yield case
