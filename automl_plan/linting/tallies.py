"""Counts over all rows, and what they say of a dataset as a whole."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing

from msgspec import Struct

from automl_plan.linting.batch import Batch
from automl_plan.linting.digests import Digests, with_sets
from automl_plan.linting.kinds import Kind
from automl_plan.linting.limits import Limits
from automl_plan.linting.words import SETS, UNKNOWN, USES, named

_CODES = {use.encode(): ("UNASSIGNED", *SETS).index(chosen) for use, chosen in USES.items()}
_CODES[b""] = _CODES[UNKNOWN.encode()] = 0
MOST_LABELS = 20_000
"""Labels that are counted: four times what the service takes, so that memory stays bounded."""

Place = tuple[int, int]
"""The number of a source, and a line of it."""
Report = Callable[[str, Place, str], None]
"""Takes a rule, a place and words."""


def code_of(use: bytes) -> int:
    """The number of the set of an ML_USE."""
    return _CODES[use]


def set_of(use: bytes) -> str:
    """The API's name of the set of an ML_USE; that of what is none is not known."""
    return UNKNOWN if use == UNKNOWN.encode() else ("UNASSIGNED", *SETS)[_CODES[use]]


class Tally:
    """Counts rows; a context manager, as its digests may have files."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self._stack = ExitStack()
        self.images = self._stack.enter_context(closing(Digests()))
        """Of each row, the path of its image; of object detection with its set."""
        self.lines = self._stack.enter_context(closing(Digests()))
        """Of object detection only: of each row, the whole."""
        self.examples: Counter[tuple[bytes, bytes]] = Counter()
        """By ML_USE and label."""
        self.first: dict[bytes, Place] = {}
        """Where each label stands first."""
        self.labels_left_out = 0
        self.uses: set[bytes] = set()
        self.start: Place | None = None
        """The first row."""
        self.rows = self.boxes = self.unlabelled = 0
        self.first_unlabelled: Place | None = None

    def close(self) -> None:
        """Remove temporary files."""
        self._stack.close()

    def add(self, batch: Batch) -> None:
        """Count some rows."""
        place = (batch.source, batch.numbers[0])
        self.start = min(self.start or place, place)
        self.rows += len(batch.numbers)
        if self._kind is Kind.DETECTION:
            self._add_boxes(batch)
        else:
            self.images.add(array("q", map(hash, batch.paths)))
            if not batch.labels:
                self.unlabelled += len(batch.numbers)
                self.first_unlabelled = min(self.first_unlabelled or place, place)
        if not batch.labels:
            self.uses.update(batch.uses)
        for column, counts in zip(batch.labels, batch.counts, strict=True):
            self._count(batch, column, counts)

    def _count(
        self, batch: Batch, column: Sequence[bytes], counts: Counter[tuple[bytes, bytes]]
    ) -> None:
        for key, count in counts.items():
            label = key[1]
            self.uses.add(key[0])
            known = self.first.get(label)
            if known is None and len(self.first) >= MOST_LABELS:
                self.labels_left_out += count
                continue
            # Rows of a block don't come in the order of their lines.
            if known is None or known > (batch.source, batch.numbers[0]):
                here = (batch.source, batch.numbers[column.index(label)])
                self.first[label] = here if known is None else min(known, here)
            self.examples[key] += count

    def _add_boxes(self, batch: Batch) -> None:
        codes = map(_CODES.__getitem__, batch.uses)
        self.images.add(array("q", with_sets(map(hash, batch.paths), codes)))
        self.lines.add(array("q", map(hash, batch.lines)))
        if batch.boxes:
            self.boxes += len(batch.numbers)


class _Label(Struct, frozen=True):
    name: str
    sets: Counter[str]
    place: Place

    @property
    def examples(self) -> int:
        return self.sets.total()


def judge(tally: Tally, images: int, limits: Limits, kind: Kind, report: Report) -> None:
    """Say what the counts of a dataset show; `images` is the number of different ones."""
    if tally.start is None:
        return
    labels = _labels(tally)
    if tally.first_unlabelled is not None:
        message = f"{_counted(tally.unlabelled, 'row')} without a label, of {tally.rows:,}"
        report("unlabelled-rows", tally.first_unlabelled, message)
    _judge_quotas(tally, labels, images, limits, report)
    what = "box" if kind is Kind.DETECTION else "example"
    for label in labels:
        rule = _rule_for(label.examples, limits)
        if rule is not None:
            message = f"the label {named(label.name)} has {_counted(label.examples, what)}"
            report(rule, label.place, message)
    if labels:
        least = min(labels, key=lambda label: label.examples)
        most = max(labels, key=lambda label: label.examples)
        if most.examples > limits.balance * least.examples:
            message = (
                f"{named(most.name)} has {_counted(most.examples, what)} and {named(least.name)} "
                f"{least.examples:,}: {most.examples // least.examples:,} times as many"
            )
            report("label-balance", least.place, message)
    _judge_sets(tally, labels, report)


def _labels(tally: Tally) -> list[_Label]:
    sets: dict[bytes, Counter[str]] = {}
    for (use, label), count in tally.examples.items():
        sets.setdefault(label, Counter())[set_of(use)] += count
    return [_Label(label.decode(), found, tally.first[label]) for label, found in sets.items()]


def _judge_quotas(
    tally: Tally, labels: Sequence[_Label], images: int, limits: Limits, report: Report
) -> None:
    start = tally.start or (0, 1)
    if len(labels) < limits.labels_at_least:
        message = f"{_counted(len(labels), 'label')}, and at least {limits.labels_at_least} needed"
        report("label-minimum", start, message)
    if len(labels) > limits.labels_at_most:
        more = "more than " if tally.labels_left_out else ""
        message = f"{more}{len(labels):,} labels, and at most {limits.labels_at_most:,} are taken"
        report("label-quota", start, message)
    if images > limits.images_at_most:
        message = f"{images:,} images, and at most {limits.images_at_most:,} are taken"
        report("image-quota", start, message)
    if tally.boxes > limits.boxes_at_most:
        message = f"{tally.boxes:,} boxes, and at most {limits.boxes_at_most:,} are taken"
        report("box-quota", start, message)


def _rule_for(examples: int, limits: Limits) -> str | None:
    if examples < limits.few:
        return "label-under-10"
    if examples < limits.some:
        return "label-under-100"
    return "label-under-1000" if examples < limits.many else None


def _judge_sets(tally: Tally, labels: Sequence[_Label], report: Report) -> None:
    """Only where all sets are assigned by hand: else the service fills them up."""
    sets = {set_of(use) for use in tally.uses} - {UNKNOWN}
    if "UNASSIGNED" in sets or not sets:
        return
    for name in SETS:
        if name not in sets:
            report("set-empty", tally.start or (0, 1), f"no image is in {name}")
            continue
        for label in labels:
            if not label.sets[name]:
                message = f"the label {named(label.name)} has no example in {name}"
                report(f"label-not-in-{name.lower()}", label.place, message)


def _counted(count: int, noun: str) -> str:
    plural = f"{noun}es" if noun.endswith("x") else f"{noun}s"
    return f"{count:,} {noun if count == 1 else plural}"
