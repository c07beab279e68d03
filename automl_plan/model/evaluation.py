"""Evaluations of a model, in words common to all providers. What a service does not report is
None: no number is taken for 0 because it is absent."""

from __future__ import annotations

from msgspec import Struct

from automl_plan.model.predictions import Prediction


class ConfidenceMetrics(Struct, frozen=True):
    """Precision and recall when only scores of at least `threshold` count. Null: not known."""

    threshold: float | None
    precision: float | None
    """Null also where nothing was predicted, so that there is none; services write 1 then."""
    recall: float | None
    """Null also where no example has the label."""
    f1_score: float | None
    false_positive_rate: float | None = None
    true_positives: int | None = None
    false_positives: int | None = None
    false_negatives: int | None = None
    true_negatives: int | None = None


class ConfusionMatrix(Struct, frozen=True, forbid_unknown_fields=True):
    """`rows[i][j]`: examples of label i that were predicted as label j."""

    labels: tuple[str, ...]
    rows: tuple[tuple[int, ...], ...]

    def examples(self, label: str | None) -> int | None:
        """Return the examples of a label, or of all; None for one that it has not just once."""
        if label is None:
            return sum(map(sum, self.rows))
        if self.labels.count(label) != 1:
            return None
        return sum(self.rows[self.labels.index(label)])


class Evaluation(Struct, frozen=True):
    """The evaluation of a model on its TEST examples: overall, or for one label.

    For object detection `au_prc` is None, `mean_average_precision` is set, and `thresholds`
    are those at an intersection over union of 0.5.
    """

    id: str
    label: str | None
    """None: overall."""
    example_count: int | None
    """None: not known."""
    au_prc: float | None = None
    au_roc: float | None = None
    log_loss: float | None = None
    mean_average_precision: float | None = None
    thresholds: tuple[ConfidenceMetrics, ...] = ()
    """By rising threshold; one that is not known is between its neighbours'."""
    confusion: ConfusionMatrix | None = None
    create_time: str | None = None
    simulated: bool = False
    """Whether the numbers are made up: no model was trained."""
    positives: int | None = None
    """Labels of examples, or boxes, that are there to be found; None: not known."""


_SAME = 1e-6
"""Services report single-precision thresholds."""


def at_threshold(evaluation: Evaluation, threshold: float) -> ConfidenceMetrics | None:
    """The entry for the highest threshold that is not above the one asked for.

    None also where another entry, whose threshold is not known, may be that one.
    """
    found, doubtful = None, False
    for entry in evaluation.thresholds:
        if entry.threshold is None:
            doubtful = True
        elif entry.threshold > threshold + _SAME:
            break
        else:
            found, doubtful = entry, False
    exact = (
        found is not None
        and found.threshold is not None
        and abs(found.threshold - threshold) <= _SAME
    )
    return found if exact or not doubtful else None


_WHOLE = 0.05
"""How far a count that follows from single-precision shares may be from a whole number."""


class Counts(Struct, frozen=True):
    """How many labels or boxes there are at a threshold. None: not known."""

    hits: int | None = None
    """Those that were found."""
    positives: int | None = None
    """Those that are there to be found."""
    predicted: int | None = None
    """Those that were predicted, rightly or not."""

    @property
    def involved(self) -> int | None:
        """Those that are there or were predicted."""
        if self.hits is None or self.positives is None or self.predicted is None:
            return None
        return self.positives + self.predicted - self.hits


def counts_of(entry: ConfidenceMetrics, positives: int | None) -> Counts:
    """Return the counts of an entry: those that are reported, and those that follow from others.

    `positives` are those of its evaluation. Counts that contradict each other are not known.
    """
    hits, wrong, missed = entry.true_positives, entry.false_positives, entry.false_negatives
    if not (hits or wrong or missed):
        hits = wrong = missed = None  # noughts alone: it does not count
    if hits is not None and missed is not None:
        positives = hits + missed
    elif positives is None and hits and entry.recall:
        positives = _whole(hits / entry.recall)
    if hits is None and 0 in (entry.precision, entry.recall):
        hits = 0
    elif hits is None and positives is not None:
        if missed is not None:
            hits = positives - missed
        elif entry.recall is not None:
            hits = _whole(positives * entry.recall)
    if hits is not None and (hits < 0 or (positives is not None and hits > positives)):
        return Counts()
    predicted = None
    if hits is not None and wrong is not None:
        predicted = hits + wrong
    elif hits and entry.precision:
        predicted = _whole(hits / entry.precision)
    elif hits == 0 and entry.precision == 1:
        predicted = 0  # services write 1 for the precision of nothing
    return Counts(hits, positives, predicted)


def _whole(count: float) -> int | None:
    """Return the whole number that a count is, but for rounding; None when it is none."""
    nearest = round(count)
    return nearest if abs(count - nearest) <= _WHOLE else None


class Resembled(Struct, frozen=True):
    """A TRAIN image that resembles a TEST image."""

    uri: str
    """As it was imported: a path below the configuration's directory, or of a stored object."""
    sha256: str
    """Of its bytes, in hexadecimal."""
    labels: tuple[str, ...]
    similarity: float
    """The cosine of what the model sees in both: 1 for the same."""


class ImageResult(Struct, frozen=True):
    """What a model scored for one TEST image."""

    uri: str
    """As of TRAIN images; so is `sha256`."""
    sha256: str
    labels: tuple[str, ...]
    """The truth."""
    predicted: tuple[str, ...]
    wrong: tuple[str, ...]
    """Labels that are predicted and not there; of a multilabel model also those that are there
    and not predicted."""
    scores: tuple[Prediction, ...]
    """Of its labels, of those predicted and of the best few, the best first."""
    nearest: tuple[Resembled, ...]
    """The nearest first."""

    def score(self, label: str) -> float | None:
        """Return the score of a label, where it is kept."""
        return next((each.score for each in self.scores if each.label == label), None)

    @property
    def sureness(self) -> float:
        """How sure the model is of what is most wrong, from 0 to 1: 0 where nothing is."""
        return max((self._sureness(label) for label in self.wrong), default=0.0)

    def _sureness(self, label: str) -> float:
        score = self.score(label) or 0.0
        return score if label in self.predicted else 1 - score

    def concerns(self, label: str) -> bool:
        """Return whether a label is predicted wrongly, or is there and not predicted."""
        return label in self.wrong or (label in self.labels and label not in self.predicted)
