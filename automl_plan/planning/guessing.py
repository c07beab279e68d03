"""Whether a model is known to be better than guessing. Pure."""

from __future__ import annotations

from automl_plan.planning.intervals import two_sided, wilson
from automl_plan.planning.measures import Measure, measure
from automl_plan.resources.evaluation import Evaluation
from automl_plan.resources.requirements import DEFAULT_THRESHOLD, Metric

_CONFIDENCE = 0.95
_AU_ROC_OF_GUESSING = 0.5


def no_better_than_guessing(overall: Evaluation) -> str | None:
    """That a model is no better than guessing, by its overall evaluation; None: it is better.

    Also None where nothing tells: object detection, no TEST images, no area.

    Scores that have nothing to do with the labels give an area under the precision-recall curve
    that is the share of the positive class, and one of 0.5 under the ROC curve: Saito &
    Rehmsmeier 2015, "The Precision-Recall Plot Is More Informative than the ROC Plot When
    Evaluating Binary Classifiers on Imbalanced Datasets". Overall figures pool the decisions on
    all labels, so the share is the mean over labels: one in three with three classes. A model is
    said to be no better when the 95 % interval of each area that is told reaches down to the
    value of guessing. The interval of auPRC is that of `Measure`. An area under the ROC curve is
    the chance that a positive example scores above a negative one, whose variance is at most that
    of a share of as many examples as the rarer of the two has (Birnbaum & Klose 1957, "Bounds for
    the Variance of the Mann-Whitney Statistic"); so that share's score interval is taken.
    """
    images = overall.example_count
    if overall.label is not None or images <= 0:
        return None
    z = two_sided(_CONFIDENCE)
    positive, negative = _counted(overall)
    told = []
    share = positive / (positive + negative) if positive and negative else None
    found = measure(overall, Metric.AU_PRC, DEFAULT_THRESHOLD)
    if share is not None and isinstance(found, Measure) and (within := found.within(z)):
        told.append(("auPRC", found.value, share, within.low))
    if overall.au_roc is not None:
        examples = min(each for each in (images, positive, negative) if each)
        low = wilson(overall.au_roc * examples, examples, z).low
        told.append(("auROC", overall.au_roc, _AU_ROC_OF_GUESSING, low))
    if not told or any(low > guessed for *_, guessed, low in told):
        return None
    areas = "; ".join(
        f"{name} {area:.4f}, by guessing {guess:.4f}" for name, area, guess, _ in told
    )
    many = f"{images:,} TEST image{'' if images == 1 else 's'}"
    tell = "tells" if images == 1 else "tell"
    return f"no better than guessing, as far as {many} {tell}: {areas}"


def _counted(overall: Evaluation) -> tuple[int, int]:
    """How many decisions on a label are positive, and how many negative; 0 where no count tells.

    A service that leaves out true negatives still tells all decisions where everything is
    predicted; without that, each image of a confusion matrix is positive for one of its labels.
    """
    all_told = [e for e in overall.thresholds if e.threshold <= 0 or e.true_negatives]
    for entry in all_told[:1]:
        positive = (entry.true_positives or 0) + (entry.false_negatives or 0)
        return positive, (entry.false_positives or 0) + (entry.true_negatives or 0)
    if overall.confusion is None:
        return 0, 0
    images = sum(map(sum, overall.confusion.rows))
    return images, images * (len(overall.confusion.labels) - 1)
