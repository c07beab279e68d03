"""How imported examples join those that stand: importing data only ever adds.

proto: io.proto, InputConfig: images of the same content count as one, even under another path;
their labels and boxes are appended.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from automl_plan.emulator.training.types import Example


class Merged(Struct, frozen=True):
    """The examples to write, each once, and the texts of those that could not be joined."""

    standing: tuple[Example, ...]
    """All that there are then, in the order in which their images first came."""
    written: tuple[Example, ...]
    failures: tuple[str, ...]


def merge_examples(known: Iterable[Example], new: Sequence[Example], *, multiclass: bool) -> Merged:
    """Join new examples with known ones of the same content.

    With `multiclass`, an image that has a label keeps it; another one is a failure.
    """
    standing = {example.content: example for example in known}
    written: dict[str, Example] = {}
    failures = []
    for example in new:
        old = standing.get(example.content)
        if old is None:
            standing[example.content] = written[example.content] = example
            continue
        labels = tuple(label for label in example.labels if label not in old.labels)
        boxes = tuple(box for box in example.boxes if box not in old.boxes)
        if (example.labels or example.boxes) and not (labels or boxes):
            failures.append(f"{example.uri}: The label is already a ground truth.")
        elif multiclass and labels and old.labels:
            failures.append(f"{example.uri}: The image already has the label {old.labels[0]}.")
        elif labels or boxes:
            joined = replace(old, labels=old.labels + labels, boxes=old.boxes + boxes)
            standing[example.content] = written[example.content] = joined
    return Merged(tuple(standing.values()), tuple(written.values()), tuple(failures))
