"""How good, how fast and how large trainings of the embedded service are.

`python -m tests.benchmarks.photographs` writes a table. Times are those of the processors.
The photographs are crops of the pictures that scikit-image carries; TEST images are from other
places of a picture than those that are trained on.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image

from automl_plan.emulator.training.backbone import FEATURES, SIDE, features_kind, load_backbone
from automl_plan.emulator.training.decoding import PIXELS, TRAINING_FORMATS, decode
from automl_plan.emulator.training.kept import KeptFeatures, Seen
from automl_plan.emulator.training.trainers import load_trainer
from automl_plan.emulator.training.types import (
    ClassificationMetrics,
    Example,
    Problem,
    SetName,
    TrainingJob,
    TrainingResult,
)

TEXTURES = ("brick.png", "grass.png", "gravel.png")
OBJECTS = (
    *("astronaut.png", "chelsea.png", "coffee.png", "coins.png"),
    *("hubble_deep_field.jpg", "motorcycle_left.png", "retina.jpg", "rocket.jpg"),
)
_OF_EACH = 60
_SEED = 1
_TEST_FROM = 0.66
"""Of the width of a picture: what lies right of it is tested on only."""
_SETS = (*(8 * [SetName.TRAIN]), SetName.VALIDATION, SetName.TEST)


def pictures() -> Path:
    """The folder of scikit-image's own pictures."""
    found = find_spec("skimage")
    if found is None or not found.submodule_search_locations:
        raise SystemExit("scikit-image is not installed: it carries the pictures.")
    return Path(found.submodule_search_locations[0]) / "data"


def jpeg(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=90)
    return file.getvalue()


def crops(names: Sequence[str], side: int) -> Iterator[tuple[str, SetName, bytes]]:
    """Label, set and file of each crop."""
    chance = np.random.default_rng(_SEED)
    for name in names:
        picture = Image.open(pictures() / name).convert("RGB")
        border = int(picture.width * _TEST_FROM)
        for number in range(_OF_EACH):
            chosen = _SETS[number % len(_SETS)]
            left, right = (border, picture.width) if chosen is SetName.TEST else (0, border)
            size = min(side, right - left, picture.height)
            x = int(chance.integers(left, right - size + 1))
            y = int(chance.integers(0, picture.height - size + 1))
            yield Path(name).stem, chosen, jpeg(picture.crop((x, y, x + size, y + size)))


def digits() -> Iterator[tuple[str, SetName, bytes]]:
    from sklearn.datasets import load_digits

    found = load_digits()
    for number, (image, label) in enumerate(zip(found.images, found.target, strict=True)):
        file = io.BytesIO()
        Image.fromarray((image * 255 / 16).round().astype(np.uint8)).save(file, "PNG")
        yield str(label), _SETS[number % len(_SETS)], file.getvalue()


def job_of(images: Iterator[tuple[str, SetName, bytes]], directory: Path) -> TrainingJob:
    """A training of images, which are written into a directory."""
    examples = {}
    for label, chosen, content in images:
        digest = hashlib.sha256(content).hexdigest()
        path = directory / digest
        path.write_bytes(content)
        examples[digest] = Example(digest[:12], path, chosen, (label,), (), digest)
    labels = tuple(sorted({each.labels[0] for each in examples.values()}))
    problem = Problem.IMAGE_CLASSIFICATION
    return TrainingJob(problem, False, "cloud", 8_000, labels, tuple(examples.values()), 7)


def measured(act: Callable[[], object]) -> float:
    """Seconds of the processors."""
    began = time.process_time()
    act()
    return time.process_time() - began


def quality(images: Iterator[tuple[str, SetName, bytes]]) -> dict[str, object]:
    """Of both trainers, and how long the first and the second training take."""
    with tempfile.TemporaryDirectory() as name:
        job = job_of(images, Path(name))
        results: list[TrainingResult] = []
        trainer = load_trainer("auto", Path(name))
        first = measured(lambda: results.append(trainer.train(job, lambda: False)))
        second = measured(lambda: results.append(trainer.train(job, lambda: False)))
        assert results[0].artefact == results[1].artefact
        results.append(load_trainer("sklearn").train(job, lambda: False))
        auto, _, sklearn = map(_au_prc, results)
        return {
            "images": len(job.examples),
            "auPRC": f"{auto:.3f}",
            "sklearn": f"{sklearn:.3f}",
            "chosen": results[0].details["chosen"],
            "first": f"{first:.2f} s",
            "second": f"{second:.2f} s ({second / first:.2f})",
        }


def _au_prc(result: TrainingResult) -> float:
    found = result.evaluations[0].metrics
    assert isinstance(found, ClassificationMetrics)
    return found.au_prc


def features(width: int, height: int, count: int) -> dict[str, object]:
    """Of JPEG files of a size, beside what the runtime alone takes."""
    picture = Image.open(pictures() / "retina.jpg").convert("RGB")
    turned = (picture.rotate(10 * number).resize((width, height)) for number in range(4))
    files = [jpeg(each) for each in turned]
    network = load_backbone()
    square = picture.resize((SIDE, SIDE))
    network.features(square)  # the first one takes longer

    def look() -> None:
        for number in range(count):
            decoded = decode(files[number % len(files)], TRAINING_FORMATS, side=SIDE)
            network.features(decoded.image)

    def forward() -> None:
        for _ in range(count):
            network.features(square)

    ours, alone = measured(look) / count, measured(forward) / count
    return {
        "images": count,
        "features": f"{1000 * ours:.1f} ms",
        "runtime": f"{1000 * alone:.1f} ms ({ours / alone:.2f})",
    }


def many(count: int) -> dict[str, object]:
    """A training on so many images whose features are kept: what is learnt is nonsense."""
    chance = np.random.default_rng(_SEED)
    labels = [str(number) for number in range(10)]
    with tempfile.TemporaryDirectory() as name:
        kept, examples = KeptFeatures(Path(name), features_kind()), []
        for begin in range(0, count, 500):
            seen = {}
            for number in range(begin, min(begin + 500, count)):
                content = hashlib.sha256(str(number).encode()).hexdigest()
                centre = np.zeros(FEATURES)
                centre[number % 10 :: 10] = 1
                rows = (chance.random(FEATURES) * 4 + centre).astype(np.float16)
                pixels = chance.integers(0, 256, PIXELS).astype(np.uint8).tobytes()
                seen[content] = Seen(256, pixels, rows.tobytes(), 0.02)
                chosen = _SETS[number // 10 % len(_SETS)]
                label = (labels[number % 10],)
                examples.append(Example(content[:9], Path(content), chosen, label, (), content))
            kept.add(seen)
        job = TrainingJob(
            *(Problem.IMAGE_CLASSIFICATION, False, "cloud", 8_000),
            *(tuple(labels), tuple(examples), 7),
        )
        trainer = load_trainer("auto", Path(name))
        seconds = measured(lambda: trainer.train(job, lambda: False))
        return {"images": count, "second": f"{seconds:.1f} s"}


ROWS: dict[str, Callable[[], dict[str, object]]] = {
    "three textures": lambda: quality(crops(TEXTURES, 128)),
    "eight objects": lambda: quality(crops(OBJECTS, 150)),
    "digits": lambda: quality(digits()),
    "features, 256 pixels": lambda: features(256, 256, 40),
    "features, 12 megapixels": lambda: features(4_000, 3_000, 8),
    "10,000 images, features kept": lambda: many(10_000),
}
_COLUMNS = (
    "images",
    "auPRC",
    "sklearn",
    "chosen",
    "first",
    "second",
    "features",
    "runtime",
    "peak",
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure each row in a process of its own, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.photographs")
    parser.add_argument("--row", choices=tuple(ROWS), help="only this one, as JSON")
    chosen = parser.parse_args(arguments)
    if chosen.row:
        found = ROWS[chosen.row]()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_000
        print(json.dumps({**found, "peak": f"{peak:.0f} MB"}))
        return
    print("  ".join(["what".ljust(30), *(name.ljust(13) for name in _COLUMNS)]).rstrip())
    for name in ROWS:
        command = [sys.executable, "-m", "tests.benchmarks.photographs", "--row", name]
        done = subprocess.run(
            command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        row = json.loads(done.stdout.splitlines()[-1])
        cells = [str(row.get(column, "")).ljust(13) for column in _COLUMNS]
        print("  ".join([name.ljust(30), *cells]).rstrip(), flush=True)


if __name__ == "__main__":
    main()
