"""Clean import data, made by a seed, and ready to have something put wrong in it."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from msgspec import Struct, field
from msgspec.structs import replace

from automl_plan.data.dataset_kinds import DatasetKind
from automl_plan.data.lint import Linted, Linter
from automl_plan.data.lint_rule import Severity
from automl_plan.errors import SourceError
from automl_plan.model.capabilities import DataLimits
from automl_plan.providers.google.capabilities import LIMITS
from automl_plan.providers.google.storage import Storage

LABELS = ("cat", "dog", "bird_of_prey")
EXAMPLES = 1_040
"""Of each label: more than the 1,000 that no rule says anything of, even without a few rows."""
FEW_EXAMPLES = 60
"""Of each label, with limits that are as much smaller: quick enough for every run of tests."""
BUCKET = "bucket"
_USES = ("TRAIN",) * 8 + ("VALIDATION", "TEST")


class Case(Struct):
    """Rows that nothing is wrong with, until a defect is put in."""

    kind: DatasetKind
    chance: random.Random
    rows: list[list[str]]
    limits: DataLimits
    name: str = "data.csv"
    before: bytes = b""
    """What stands before the first row."""
    raw: dict[int, bytes] = field(default_factory=dict)
    """Lines, from 0, that are written otherwise than by their fields."""
    is_there: bool = True
    images: dict[str, bytes] = field(default_factory=dict)
    """Local images; where there are none, none are looked at."""
    image_pixels: int | None = None
    """The limit of the provider."""
    only: list[int] | None = None
    """The rows, from 0, that a defect may touch; None: any but the first."""
    expected: set[tuple[str, int]] = field(default_factory=set)
    """Rules, and the lines that they should name."""

    def expect(self, rule: str, place: int) -> None:
        """Say that a rule should be told at a row, from 0; -1: of the file as a whole."""
        self.expected.add((rule, place + 1))

    def some(self) -> list[int]:
        """One to three rows, from 0; never the first."""
        if self.only is not None:
            return self.only
        return sorted(self.chance.sample(range(1, len(self.rows)), self.chance.randint(1, 3)))

    def first_of(self, label: str) -> int:
        """The first row of a label."""
        return next(place for place, row in enumerate(self.rows) if label in self.labels(row))

    def labels(self, row: Sequence[str]) -> Sequence[str]:
        """The labels of a row."""
        return row[2:3] if self.kind is DatasetKind.DETECTION else row[2:]

    def content(self) -> bytes:
        """The file."""
        lines = [self.raw.get(place, ",".join(row).encode()) for place, row in enumerate(self.rows)]
        end = self.chance.choice((b"\n", b"\r\n"))
        return self.before + end.join([*lines, b""])

    @staticmethod
    def found(linted: Linted) -> set[tuple[str, int]]:
        """Rules, and lines as they are expected."""
        return {(finding.rule, finding.line) for finding in linted.findings}

    def lint(
        self, *, fast: bool = True, severities: Mapping[str, Severity] | None = None
    ) -> Linted:
        """What is found in it."""
        content = self.content()

        def opened(source: str) -> BinaryIO:
            if not self.is_there:
                raise SourceError("there is no such file", where=source)
            return BytesIO(content)

        linter = Linter(
            opened,
            {self.kind.problem: self.limits},
            severities or {},
            image_pixels=self.image_pixels,
            fast=fast,
        )
        if not self.images:
            return linter.lint(self.name, [self.name], self.kind)
        with TemporaryDirectory() as directory:
            for name, image in self.images.items():
                path = Path(directory, name)
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(image)
            looking = replace(linter, directory=Path(directory), storage=no_storage)
            return looking.lint(self.name, [self.name], self.kind)


def no_storage() -> Storage:
    """All images are files."""
    raise SourceError("the images of a case are files")


def clean(kind: DatasetKind, seed: int, examples: int = EXAMPLES) -> Case:
    """Data of a kind that every rule holds for: some thousand rows, in any order."""
    chance = random.Random(f"{kind} {seed}")
    folder = chance.choice((f"gs://{BUCKET}/images/", "images/"))
    rows = []
    for number in range(examples * len(LABELS)):
        label = LABELS[number % len(LABELS)]
        use = _USES[number // len(LABELS) % len(_USES)]
        row = [use, f"{folder}{number:06}.{chance.choice(('jpg', 'png'))}", label]
        if kind is DatasetKind.DETECTION:
            row += box(chance)
        elif kind is DatasetKind.MULTILABEL and chance.random() < 0.3:
            row.append(chance.choice([other for other in LABELS if other != label]))
        rows.append(row)
    chance.shuffle(rows)
    limits = LIMITS[kind.problem]
    if examples < FEW_EXAMPLES:
        limits = replace(limits, few=2, some=3, many=4)
    elif examples < EXAMPLES:
        limits = replace(limits, few=4, some=10, many=40, balance=15, boxes_of_an_image=20)
    return Case(kind, chance, rows, limits)


def box(chance: random.Random) -> list[str]:
    """A box of two vertices, or of four."""
    x0, y0 = chance.uniform(0, 0.4), chance.uniform(0, 0.4)
    a, b, c, d = (f"{n:.4f}" for n in (x0, y0, x0 + chance.uniform(0.1, 0.5), y0 + 0.3))
    return chance.choice(([a, b, "", "", c, d, "", ""], [a, b, c, b, c, d, a, d]))
