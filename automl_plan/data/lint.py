"""Lints the sources of one dataset: all rows once, and again only those that may repeat others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct, field

from automl_plan.data.dataset_kinds import DatasetKind, guess_kind
from automl_plan.data.duplicates import RepeatedRows
from automl_plan.data.fast_path import RowConsumer
from automl_plan.data.folders import Folder, FolderRows
from automl_plan.data.image_checks import ImageChecks
from automl_plan.data.import_rows import ImportRow, read_rows
from automl_plan.data.label_counts import LabelTally, RowPlace, judge
from automl_plan.data.lint_reader import LintReader
from automl_plan.data.lint_rule import Severity
from automl_plan.data.lint_rules import REFUSED, RULES
from automl_plan.data.row_checks import bucket_of
from automl_plan.data.row_layout import quoted
from automl_plan.data.source_files import FORMATS
from automl_plan.data.spilled_records import Candidates, in_several_sets, repeated
from automl_plan.errors import ProviderError, SourceError
from automl_plan.model.capabilities import Limits
from automl_plan.model.source_data import DataCounts, is_folder
from automl_plan.providers.data_access import ObjectStorage, StoredObject

OpenSource = Callable[[str], BinaryIO]
"""Opens a source from its first byte. Raises SourceError, ProviderError."""
_FIRST_ROWS = 1_000
"""Rows by which a kind is guessed."""


KEPT = 10_000
"""Findings of one rule that are kept; more are only counted, so that memory stays bounded."""


class LintFinding(Struct, frozen=True, order=True):
    """A broken rule at one place in the data."""

    file: str
    """As the sources name it."""
    line: int
    """Lines and columns count from 1; 0: the finding is about the file, or the row, as a whole."""
    column: int
    """In characters; only of rows that need no quotes."""
    rule: str
    message: str
    severity: Severity

    @property
    def hint(self) -> str:
        """What to do about it."""
        return RULES[self.rule].hint


class LintFindings:
    """Findings with the severities that a configuration gives them."""

    def __init__(self, severities: Mapping[str, Severity]) -> None:
        self._severities = {rule.id: rule.severity for rule in RULES.values()} | dict(severities)
        self.refused = frozenset(r for r in REFUSED if self._severities[r] is Severity.ERROR)
        """The rules that exclude rows: those that a configuration softens exclude none."""
        self._kept: list[LintFinding] = []
        self.counts: Counter[str] = Counter()
        """Findings of each rule, kept or not."""

    def wants(self, rule: str) -> bool:
        """Return whether a rule is on."""
        return self._severities[rule] is not Severity.OFF

    def add(self, rule: str, file: str, line: int, message: str, column: int = 0) -> None:
        """Add a finding, unless its rule is off."""
        severity = self._severities[rule]
        if severity is Severity.OFF:
            return
        self.counts[rule] += 1
        if self.counts[rule] <= KEPT:
            self._kept.append(LintFinding(file, line, column, rule, message, severity))

    def ordered(self) -> tuple[LintFinding, ...]:
        """Return the findings that are kept, by file and line."""
        return tuple(sorted(self._kept))

    def count_of(self, severity: Severity) -> int:
        """Return the number of findings of a severity, kept or not."""
        return sum(n for rule, n in self.counts.items() if self._severities[rule] is severity)


class Linted(Struct, frozen=True):
    """The result of linting one dataset."""

    name: str
    """The address of the dataset, or the file."""
    sources: tuple[str, ...]
    kind: DatasetKind
    guessed: bool
    """Whether the kind is a guess from the rows."""
    rows: int
    data: DataCounts
    """Counts of all rows that are not refused."""
    findings: tuple[LintFinding, ...]
    """By file and line; of each rule up to a number."""
    counts: Mapping[str, int]
    """Findings of each rule, kept or not."""
    by_severity: Mapping[Severity, int]
    rows_unchecked: tuple[str, ...] = ()
    """What was not checked of rows, with their number: of those with errors, for most rules."""
    images_unchecked: tuple[str, ...] = ()
    """What was not checked of images, and why."""
    unread: tuple[tuple[str, str], ...] = ()
    """Sources that can't be read, or not to their ends, and why."""

    @property
    def unchecked(self) -> tuple[str, ...]:
        """What was not checked."""
        return (*self.rows_unchecked, *self.images_unchecked)

    @property
    def images(self) -> int:
        """The number of different images."""
        return self.data.images

    @property
    def has_errors(self) -> bool:
        """Whether a finding is an error."""
        return self.by_severity[Severity.ERROR] > 0


class Linter(Struct):
    """Lints datasets."""

    open: OpenSource
    limits: Limits
    """Of the provider."""
    severities: Mapping[str, Severity] = field(default_factory=dict)
    directory: Path | None = None
    """The directory of local images; without it no image is checked."""
    storage: Callable[[], ObjectStorage] | None = None
    """The storage of objects; without it no object is checked."""
    objects: Mapping[str, StoredObject] = field(default_factory=dict)
    """Images in Cloud Storage that were listed before, by URI."""
    image_pixels: int | None = None
    """The maximum of pixels that the provider decodes; None: unknown."""
    decode: bool = True
    """Whether images are decoded, and compared by their hashes, if possible."""
    fast: bool = True
    """Whether many rows are checked at once; the findings don't depend on it."""
    expand: Callable[[str], Sequence[str]] | None = None
    """Returns the sources that one with a wildcard names. Raises SourceError, ProviderError."""

    def lint(self, name: str, sources: Sequence[str], kind: DatasetKind | None) -> Linted:
        """Lint the sources of one dataset together; without a kind it is guessed."""
        given = kind
        named: list[str] = []
        unread: list[tuple[str, SourceError | ProviderError]] = []
        for source in sources:
            try:
                named += [source] if self.expand is None else self.expand(source)
            except (SourceError, ProviderError) as error:
                unread.append((source, error))
        if kind is None:
            kind = kind_by_looks(self.open, named)
        work = _Work(self, tuple(dict.fromkeys(named)), kind)
        with closing(work):
            work.run()
            for source, problem in unread:
                work.unread_for(source, problem)
        findings = work.findings
        return Linted(
            name,
            work.sources,
            kind,
            given is None,
            work.rows,
            work.data,
            findings.ordered(),
            dict(findings.counts),
            {severity: findings.count_of(severity) for severity in Severity},
            tuple(work.rows_unchecked),
            tuple(work.images_unchecked),
            tuple(work.unread),
        )


def kind_by_looks(open_: OpenSource, sources: Sequence[str]) -> DatasetKind:
    """Return the kind that the first rows of sources suggest."""
    return guess_kind(islice(_first_rows(open_, sources), _FIRST_ROWS))


def _first_rows(open_: OpenSource, sources: Sequence[str]) -> Iterator[ImportRow]:
    for source in sources:
        try:
            file = open_(source)
        except (SourceError, ProviderError):
            continue
        with file:
            for row in islice(read_rows(source, file), _FIRST_ROWS):
                if isinstance(row, ImportRow):
                    yield row


class _Work:
    """The work of linting one dataset."""

    def __init__(self, linter: Linter, sources: tuple[str, ...], kind: DatasetKind) -> None:
        self._linter = linter
        self.sources = sources
        self._kind = kind
        self._limits = linter.limits[kind.problem]
        self.findings = LintFindings(linter.severities)
        self._images = self._image_checks()
        self.tally = LabelTally(kind, _paths if self._images is None else self._images.contents)
        self.rows = 0
        self.data = DataCounts((), 0)
        self.unread: list[tuple[str, str]] = []
        self._folders: dict[int, Folder] = {}
        """Of the sources that are folders, by their numbers."""
        self.refused = self.unreadable = self.unnamed = 0
        self.rows_unchecked: list[str] = []
        self.images_unchecked: list[str] = []

    def _image_checks(self) -> ImageChecks | None:
        directory = self._linter.directory
        if directory is None:
            return None
        return ImageChecks(
            directory,
            self._linter.storage,
            self._kind,
            self._limits,
            self._where,
            self._report,
            decode=self._linter.decode,
            most_pixels=self._linter.image_pixels,
            objects=self._linter.objects,
        )

    def close(self) -> None:
        """Remove temporary files, end threads."""
        self.tally.close()
        if self._images is not None:
            self._images.close()

    def run(self) -> None:
        """Read all sources, and report the findings."""
        images = self._images
        for number, source in enumerate(self.sources):
            self._read_first(number, source)
        self.rows_unchecked += self._rows_left_out()
        if images is not None:
            images.judge()
            self.images_unchecked += images.unchecked()
        paths, lines = self._candidates()
        self.data = self.tally.counts.counted().data(
            boxes=self._kind is DatasetKind.DETECTION,
            refused=self.rows - self.tally.rows,
            by_name=0 if images is None else images.by_name,
        )
        judge(self.tally, self.data, self._limits, self._report)
        if paths.digests or lines.digests:
            self._compare_repeated(paths, lines)

    def _rows_left_out(self) -> Iterator[str]:
        """Yield which rows most rules did not check."""
        if self.refused:
            yield f"images, labels and sets of {_rows(self.refused)} with errors"
        if self.unreadable:
            yield f"{_rows(self.unreadable)} that can't be read"
        if self.unnamed:
            yield f"labels and sets of {_rows(self.unnamed)} without an image"

    def _candidates(self) -> tuple[Candidates, Candidates]:
        none = Candidates(0, frozenset())
        if self._kind is DatasetKind.DETECTION:
            images = in_several_sets(self.tally.images, self._limits.boxes_of_an_image)
            wanted = self.findings.wants("row-repeated")
            return images, repeated(self.tally.lines) if wanted else none
        return repeated(self.tally.images), none

    def _read_first(self, number: int, source: str) -> None:
        if not source.lower().endswith(FORMATS) and not is_folder(source):
            message = f"its name does not end in {' or '.join(FORMATS)}"
            self.findings.add("csv-name", source, 0, message)

        def report(rule: str, line: int, message: str, column: int) -> None:
            folder = self._folders.get(number)
            if folder is None:
                self.findings.add(rule, source, line, message, column)
                return
            place = folder.places[line - 1]
            if rule == "several-labels" and (others := folder.others.get(place)):
                message += f", as its content is also that of {', '.join(map(quoted, others))}"
            self.findings.add(rule, place, 0, message)

        try:
            with self._linter.open(source) as file:
                if isinstance(file, FolderRows):
                    self._folders[number] = file.folder
                    for found in file.folder.findings:
                        self.findings.add(found.rule, found.place, 0, found.message)
                sinks: list[RowConsumer] = [self.tally]
                if self._images is not None:  # first: it finds the contents that are counted
                    sinks.insert(0, self._images)
                reader = self._reader(number, sinks, report)
                size = 0 if number in self._folders else file.seek(0, 2)
                if size > self._limits.csv_bytes:
                    message = (
                        f"the file has {size:,} bytes, the maximum is {self._limits.csv_bytes:,}"
                    )
                    self.findings.add("csv-size", source, 0, message)
                file.seek(0)
                reader.read(file)
        except (SourceError, ProviderError) as error:
            self.unread_for(source, error)
            return
        except OSError as error:
            self._unread(source, f"it can't be read: {error.strerror}")
            return
        self.rows += reader.rows
        self.refused += reader.refused
        self.unreadable += reader.unreadable
        self.unnamed += reader.unnamed
        if reader.stopped is not None:
            why = f"from line {reader.stopped:,} on"
            self.rows_unchecked.append(f"{source} {why}")
            self.unread.append((source, f"it can't be read {why}"))
        elif reader.rows == 0 and number not in self._folders:
            self.findings.add("csv-empty", source, 0, "the file has no rows")

    def unread_for(self, source: str, error: SourceError | ProviderError) -> None:
        """Report a source that can't be read."""
        message = error.message.rstrip(".")
        self._unread(source, message[:1].lower() + message[1:])

    def _unread(self, source: str, why: str) -> None:
        self.findings.add("csv-unreadable", source, 0, why)
        self.rows_unchecked.append(f"{source}: {why}")
        self.unread.append((source, why))

    def _reader(
        self,
        number: int,
        sinks: Sequence[RowConsumer],
        report: Callable[[str, int, str, int], None],
    ) -> LintReader:
        bucket = bucket_of(self.sources[number])
        return LintReader(
            self._kind,
            self._limits,
            (number, self.sources[number]),
            bucket,
            sinks,
            report,
            refused=self.findings.refused,
            fast=self._linter.fast,
        )

    def _compare_repeated(self, images: Candidates, lines: Candidates) -> None:
        repeats = RepeatedRows(self._kind, self._limits, images.digests, lines.digests)
        for number, source in enumerate(self.sources):
            try:
                with self._linter.open(source) as file:
                    self._reader(number, [repeats], lambda *_: None).read(file)
            except (SourceError, ProviderError, OSError):
                continue  # reported at the first reading
        repeats.judge(self._where, self._report)
        left_out = images.left_out + lines.left_out + repeats.left_out
        if left_out:
            self.images_unchecked.append(
                f"{left_out:,} more images or rows that occur several times: too many to compare"
            )

    def _report(self, rule: str, place: RowPlace, message: str) -> None:
        file, line = self._place(place)
        self.findings.add(rule, file, line, message)

    def _where(self, place: RowPlace) -> str:
        file, line = self._place(place)
        return f"{file}:{line}" if line else file

    def _place(self, place: RowPlace) -> tuple[str, int]:
        """Return the file and the line of a row; of a folder, the image and 0."""
        number, line = place
        folder = self._folders.get(number)
        return (self.sources[number], line) if folder is None else (folder.places[line - 1], 0)


def _paths(paths: Sequence[bytes]) -> Sequence[bytes]:
    """Identify images by their paths where none is read."""
    return paths


def _rows(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"
