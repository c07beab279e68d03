"""The images of a training: which set has which, and reading them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import TypeVar

import numpy as np

from automl_plan.emulator.training.metrics import Truth
from automl_plan.emulator.training.splitting import split
from automl_plan.emulator.training.types import (
    Example,
    ImageUnreadable,
    SetName,
    TrainingCancelled,
    TrainingFailed,
    TrainingJob,
)

_FAULTS_NAMED = 5
_AHEAD = 4
"""How many images a thread is ahead of who uses what was read."""
Found = TypeVar("Found")


def labelled_sets(job: TrainingJob) -> dict[SetName, list[Example]]:
    """Return the labelled examples of each set. Raises TrainingFailed for too few of them."""
    sets = split(example for example in job.examples if example.labels)
    if not sets[SetName.TEST]:
        raise TrainingFailed(
            "The dataset has no labelled TEST images, so a model couldn't be evaluated. "
            "Import some with ML_USE TEST."
        )
    trained = {label for example in sets[SetName.TRAIN] for label in example.labels}
    if len(trained) < 2:
        raise TrainingFailed(
            f"The TRAIN images have {len(trained)} of the dataset's {len(job.labels)} labels; "
            "a model needs images of at least 2 to learn from."
        )
    return sets


def truth_of(job: TrainingJob, examples: Sequence[Example]) -> Truth:
    """Return which labels (columns) the examples (rows) have."""
    columns = {label: column for column, label in enumerate(job.labels)}
    truth = np.zeros((len(examples), len(job.labels)), dtype=np.bool_)
    for row, example in enumerate(examples):
        truth[row, [columns[label] for label in example.labels]] = True
    return truth


def read_images(
    examples: Sequence[Example],
    look: Callable[[bytes], Found],
    cancelled: Callable[[], bool],
    *,
    threads: int = 1,
    total: int | None = None,
) -> Iterator[Found]:
    """Yield what `look` finds in the bytes of each image, in their order.

    `total` is the number of images of the training, where others need not be read.
    Only a few images are in memory at a time. Raises TrainingCancelled, and at the end
    TrainingFailed with the images that can't be used.
    """
    faults = []
    for found in _in_order(partial(_read, look), examples, cancelled, threads):
        if isinstance(found, _Fault):
            faults.append(found)
        elif not faults:
            yield found
    if faults:
        named = " ".join(faults[:_FAULTS_NAMED])
        raise TrainingFailed(
            f"{len(faults)} of {total or len(examples)} images can't be used. {named}"
        )


def processors() -> int:
    """Return how many images are read at once: one for each processor that may be used."""
    available = getattr(os, "sched_getaffinity", None)
    return len(available(0)) if available else os.cpu_count() or 1


class _Fault(str):
    """Why an image can't be used."""


def _read(look: Callable[[bytes], Found], example: Example) -> Found | _Fault:
    try:
        image = example.path.read_bytes()
        if hashlib.sha256(image).hexdigest() == example.content:
            return look(image)
    except OSError as error:
        return _Fault(f"{example.uri}: The image can't be read: {error.strerror}.")
    except ImageUnreadable as error:
        return _Fault(f"{example.uri}: {error}")
    return _Fault(f"{example.uri}: The image has changed since it was imported.")


def _in_order(
    read: Callable[[Example], Found],
    examples: Sequence[Example],
    cancelled: Callable[[], bool],
    threads: int,
) -> Iterator[Found]:
    if threads == 1:
        for example in examples:
            if cancelled():
                raise TrainingCancelled
            yield read(example)
        return
    with ThreadPoolExecutor(threads) as pool:
        waiting = iter(examples)
        running = [pool.submit(read, each) for each in islice(waiting, threads * _AHEAD)]
        while running:
            if cancelled():
                for each in running:
                    each.cancel()
                raise TrainingCancelled
            yield running.pop(0).result()
            running += [pool.submit(read, each) for each in islice(waiting, 1)]
