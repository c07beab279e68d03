"""Counts labels over all rows, and judges the dataset as a whole."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing

from msgspec import Struct

from automl_plan.data.dataset_kinds import DatasetKind
from automl_plan.data.fast_path import RowBatch
from automl_plan.data.image_counts import MOST_LABELS, ImageCounts
from automl_plan.data.image_counts import SETS as NUMBERED
from automl_plan.data.import_rows import UNKNOWN
from automl_plan.data.row_checks import SETS, label_fault, named
from automl_plan.data.row_layout import USES, quoted
from automl_plan.data.spilled_records import Digests, with_sets
from automl_plan.model.capabilities import DataLimits, RowForms
from automl_plan.model.source_data import DataCounts, LabelCounts

_CODES = {use.encode(): NUMBERED.index(chosen) for use, chosen in USES.items()}
_CODES[b""] = _CODES[UNKNOWN.encode()] = 0

_LINE_BITS = 40
_FIRST_NAMED = 3
"""Labels that a finding on several names."""
RowPlace = tuple[int, int]
"""The number of a source, and a line in it."""
ReportAt = Callable[[str, RowPlace, str], None]
"""Takes a rule, a place and a message."""


def set_of(use: bytes) -> str:
    """Return the API's name of the set of an ML_USE, `?` for an invalid one."""
    return UNKNOWN if use == UNKNOWN.encode() else NUMBERED[_CODES[use]]


class LabelTally:
    """Counts rows; has to be closed, as it may have temporary files."""

    def __init__(
        self, kind: DatasetKind, contents: Callable[[Sequence[bytes]], Sequence[bytes]]
    ) -> None:
        """`contents` returns what identifies the content of each image, by their paths."""
        self._kind = kind
        self._contents = contents
        self._stack = ExitStack()
        self.counts = self._stack.enter_context(closing(ImageCounts()))
        self.images = self._stack.enter_context(closing(Digests()))
        """Of each row, the path of its image; for object detection with its set."""
        self.lines = self._stack.enter_context(closing(Digests()))
        """Of each whole row, for object detection only."""
        self.first: dict[bytes, RowPlace] = {}
        """The first row of each label."""
        self.uses: set[bytes] = set()
        self.start: RowPlace | None = None
        """The first row."""
        self.rows = self.boxes = 0
        self.first_unlabelled: RowPlace | None = None

    def close(self) -> None:
        """Remove temporary files."""
        self._stack.close()

    def add(self, batch: RowBatch) -> None:
        """Count some rows."""
        place = (batch.source, batch.numbers[0])
        self.start = min(self.start or place, place)
        self.rows += len(batch.numbers)
        codes = list(map(_CODES.__getitem__, batch.uses))
        contents = self._contents(batch.paths)
        places = [batch.source << _LINE_BITS | line for line in batch.numbers]
        for column in batch.labels or [[b""] * len(places)]:
            self.counts.add(contents, codes, column, places)
        if self._kind is DatasetKind.DETECTION:
            self._add_boxes(batch, codes)
        else:
            self.images.add_all(map(hash, batch.paths))
            if not batch.labels:
                self.first_unlabelled = min(self.first_unlabelled or place, place)
        if not batch.labels:
            self.uses.update(batch.uses)
        for column, counts in zip(batch.labels, batch.counts, strict=True):
            self._place(batch, column, counts)

    def _place(
        self, batch: RowBatch, column: Sequence[bytes], counts: Counter[tuple[bytes, bytes]]
    ) -> None:
        for use, label in counts:
            self.uses.add(use)
            known = self.first.get(label)
            if known is None and len(self.first) >= MOST_LABELS:
                continue
            # Rows of a block don't come in the order of their lines.
            if known is None or known > (batch.source, batch.numbers[0]):
                here = (batch.source, batch.numbers[column.index(label)])
                self.first[label] = here if known is None else min(known, here)

    def _add_boxes(self, batch: RowBatch, codes: Sequence[int]) -> None:
        self.images.add_all(with_sets(map(hash, batch.paths), codes))
        self.lines.add_all(map(hash, batch.lines))
        if batch.boxes:
            self.boxes += len(batch.numbers)


class _Label(Struct, frozen=True):
    counts: LabelCounts
    place: RowPlace

    @property
    def name(self) -> str:
        return named(self.counts.label)

    @property
    def examples(self) -> int:
        return self.counts.examples


def judge(tally: LabelTally, data: DataCounts, limits: DataLimits, report: ReportAt) -> None:
    """Report what the counts of a dataset show."""
    if tally.start is None:
        return
    places = tally.first
    labels = [_Label(each, places.get(each.label.encode(), tally.start)) for each in data.labels]
    if data.unlabelled and tally.first_unlabelled is not None:
        message = f"{counted(data.unlabelled, 'image')} without a label, of {data.images:,}"
        report("unlabelled-rows", tally.first_unlabelled, message)
    _judge_quotas(tally, data, limits, report)
    _judge_forms(labels, limits.forms, report)
    _judge_alike(labels, report)
    what = "image" if data.boxes else "example"
    for label in labels:
        rule = _rule_for(label.examples, limits)
        if rule is not None:
            report(rule, label.place, f"the label {label.name} has {counted(label.examples, what)}")
    if labels:
        least = min(labels, key=lambda label: (label.examples, label.place))
        most = max(labels, key=lambda label: (label.examples, label.place))
        if most.examples > limits.balance * least.examples:
            message = (
                f"{most.name} has {counted(most.examples, what)} and {least.name} "
                f"{least.examples:,}: {most.examples // least.examples:,} times as many"
            )
            report("label-balance", least.place, message)
    _judge_sets(tally, labels, report)


def _judge_quotas(
    tally: LabelTally, data: DataCounts, limits: DataLimits, report: ReportAt
) -> None:
    start, labels, images = tally.start or (0, 1), data.labels, data.images
    if len(labels) < limits.labels_at_least:
        message = f"{counted(len(labels), 'label')}, at least {limits.labels_at_least} needed"
        report("label-minimum", start, message)
    if len(labels) > limits.labels_at_most:
        more = "more than " if data.labels_left_out else ""
        message = f"{more}{len(labels):,} labels, the maximum is {limits.labels_at_most:,}"
        report("label-quota", start, message)
    if images > limits.images_at_most:
        message = f"{images:,} images, the maximum is {limits.images_at_most:,}"
        report("image-quota", start, message)
    if tally.boxes > limits.boxes_at_most:
        message = f"{tally.boxes:,} boxes, the maximum is {limits.boxes_at_most:,}"
        report("box-quota", start, message)


def _judge_forms(labels: Sequence[_Label], forms: RowForms, report: ReportAt) -> None:
    """Report, once, the labels that are taken, but are not as the documentation has them."""
    form = forms.label
    if form is None:
        return
    others = sorted(
        (
            label
            for label in labels
            if not re.fullmatch(form.pattern, label.counts.label)
            and label_fault(label.counts.label, forms) is None
        ),
        key=lambda label: (label.place, label.counts.label),
    )
    if not others:
        return
    names = ", ".join(quoted(label.counts.label) for label in others[:_FIRST_NAMED])
    if len(others) == 1:
        message = f"the label {names} is not"
    else:
        more = f" and {len(others) - _FIRST_NAMED:,} more" if len(others) > _FIRST_NAMED else ""
        message = f"{len(others):,} labels ({names}{more}): none is"
    message += f" {form.allowed}, as the documentation has it"
    report("label-documented", others[0].place, message)


def _judge_alike(labels: Sequence[_Label], report: ReportAt) -> None:
    """Report labels that people would take for one: each once."""
    alike: dict[str, list[_Label]] = {}
    for label in labels:
        folded = unicodedata.normalize("NFKC", label.counts.label).casefold()
        alike.setdefault(" ".join(folded.split()), []).append(label)
    for first, *others in alike.values():
        for other in others:
            message = f"the labels {quoted(first.counts.label)} and {quoted(other.counts.label)} "
            report("label-alike", max(first.place, other.place), f"{message}are almost the same")


def _rule_for(examples: int, limits: DataLimits) -> str | None:
    if examples < limits.few:
        return "label-under-10"
    if examples < limits.some:
        return "label-under-100"
    return "label-under-1000" if examples < limits.many else None


def _judge_sets(tally: LabelTally, labels: Sequence[_Label], report: ReportAt) -> None:
    """Report empty sets, if all images have a set: else the service fills them."""
    sets = {set_of(use) for use in tally.uses} - {UNKNOWN}
    if "UNASSIGNED" in sets or not sets:
        return
    for name in SETS:
        if name not in sets:
            report("set-empty", tally.start or (0, 1), f"no image is in {name}")
            continue
        for label in labels:
            if not label.counts.by_set[name]:
                message = f"the label {label.name} has no example in {name}"
                report(f"label-not-in-{name.lower()}", label.place, message)


def counted(count: int, noun: str) -> str:
    """`1 image`, `2 images`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
