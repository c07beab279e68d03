"""Checks the images that rows name: whether they exist, what they are, and which are equal.

Local files are read; objects in Cloud Storage are only listed, with their size and their MD5.
Memory grows with the number of images, by about a kilobyte each.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType

from msgspec import Struct

from automl_plan.data.dataset_kinds import DatasetKind
from automl_plan.data.fast_path import RowBatch
from automl_plan.data.image_files import DECODED, ImageFacts, has_decoder, read_image
from automl_plan.data.image_similarity import SMALLEST, HashedImage, SimilarImages
from automl_plan.data.import_rows import UNKNOWN
from automl_plan.data.label_counts import ReportAt, RowPlace, counted, set_of
from automl_plan.data.row_checks import named
from automl_plan.data.row_layout import quoted
from automl_plan.errors import NotFound, ProviderError
from automl_plan.model.capabilities import DataLimits
from automl_plan.model.source_data import UNASSIGNED
from automl_plan.providers.data_access import SCHEME, ObjectStorage, StoredObject, bucket_and_object

_SCHEME = SCHEME.encode()
_THREADS = 8
_MISSING = ImageFacts((("image-missing", "the object does not exist"),))
_LOCAL_EXTRA = "pip install 'automl-plan[local]'"


class _First(Struct, frozen=True):
    """The first row with a content."""

    path: bytes
    use: str
    labels: frozenset[bytes]
    place: RowPlace


class ImageChecks:
    """Checks every image once, in the order of the rows."""

    def __init__(
        self,
        directory: Path,
        storage: Callable[[], ObjectStorage] | None,
        kind: DatasetKind,
        limits: DataLimits,
        where: Callable[[RowPlace], str],
        report: ReportAt,
        *,
        decode: bool = True,
        most_pixels: int | None = None,
        objects: Mapping[str, StoredObject] = MappingProxyType({}),
    ) -> None:
        """`most_pixels`: of an image that the service decodes, where that is known.

        `objects`: those of images in Cloud Storage that were listed before, by URI.
        """
        self._objects = objects
        self._most_pixels = most_pixels
        self._directory = directory.resolve()
        self._storage = storage
        self._kind = kind
        self._limits = limits
        self._where = where
        self._report = report
        self._decode = decode and has_decoder()
        self._facts: dict[bytes, ImageFacts] = {}
        self._first: dict[bytes, _First] = {}
        self._similar = SimilarImages()
        self._folders: dict[tuple[str, str], dict[str, ImageFacts]] = {}
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="look")
        self._in_storage = self._unlike = self._unmeasured = self._too_large = 0
        self._sets: set[str] = set()
        """Sets of images that can be read."""
        self._unreachable = ""

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown()

    def add(self, batch: RowBatch) -> None:
        """Check the images of some rows."""
        new = {path for path in batch.paths if path not in self._facts}
        self._facts.update(self._read(sorted(new)))
        for row, path in enumerate(batch.paths):
            found = self._facts[path]
            place = (batch.source, batch.numbers[row])
            if path in new:
                new.remove(path)
                labels = frozenset(column[row] for column in batch.labels)
                self._take(found, _First(path, set_of(batch.uses[row]), labels, place))
            if found.size is not None and batch.boxes:
                self._check_pixels([column[row] for column in batch.boxes], found.size, place)

    def contents(self, paths: Sequence[bytes]) -> Sequence[bytes]:
        """Return what identifies the content of each checked image: its MD5, or else its path."""
        return [self._facts[path].content or path for path in paths]

    @property
    def by_name(self) -> int:
        """The number of images that could not be read."""
        pictures = self._facts.items()
        asked = self._storage is not None
        return sum(not p.content for path, p in pictures if asked or not _is_object(path))

    def _read(self, paths: Sequence[bytes]) -> dict[bytes, ImageFacts]:
        local = [path for path in paths if not _is_object(path)]
        texts = [path.decode() for path in local]
        most = self._limits.image_bytes
        looked = self._pool.map(
            lambda text: read_image(
                self._directory, text, most, decode=self._decode, most_pixels=self._most_pixels
            ),
            texts,
        )
        found = dict(zip(local, looked, strict=True))
        for path in paths:
            if path not in found:
                found[path] = self._object(path.decode())
        return found

    def _object(self, uri: str) -> ImageFacts:
        self._in_storage += 1
        if known := self._objects.get(uri):
            return self._of_object(known.version, known.size)
        place = bucket_and_object(uri)
        if place is None:
            return _MISSING
        if self._storage is None:
            return ImageFacts()
        bucket, name = place
        head, slash, _ = name.rpartition("/")
        folder = (bucket, head + slash)
        if self._unreachable:
            return ImageFacts()
        if folder not in self._folders:
            try:
                self._folders[folder] = self._listed(self._storage(), *folder)
            except ProviderError as error:
                self._unreachable = error.message
                return ImageFacts()
        return self._folders[folder].get(name, _MISSING)

    def _listed(self, storage: ObjectStorage, bucket: str, folder: str) -> dict[str, ImageFacts]:
        try:
            return {
                each.name: self._of_object(each.version, each.size)
                for each in storage.objects(bucket, folder)
            }
        except NotFound:
            return {}  # no such bucket

    def _of_object(self, version: str, size: int | None) -> ImageFacts:
        md5 = version.removeprefix("md5:")
        if md5 != version:
            content = base64.b64decode(md5)
        else:
            content = hashlib.md5(version.encode(), usedforsecurity=False).digest()
        if size == 0:
            return ImageFacts((("image-unreadable", "the object is empty"),))
        if size is not None and size > self._limits.image_bytes:
            most = f"{self._limits.image_bytes:,}"
            message = f"the object has {size:,} bytes, the maximum is {most}"
            return ImageFacts((("image-size", message),), content)
        return ImageFacts(content=content)

    def _take(self, found: ImageFacts, row: _First) -> None:
        """Report the findings of an image at its first row."""
        for rule, how in found.faults:
            self._report(rule, row.place, f"{quoted(row.path.decode())}: {how}")
        if not found.content:
            return
        self._sets.add(row.use)
        first = self._first.setdefault(found.content, row)
        if first is not row:
            self._compare(first, row)
        elif found.hash is not None:
            path = row.path.decode()
            self._similar.add(HashedImage(found.hash, found.content, row.place, path, row.use))
        elif found.too_large:
            self._too_large += 1
        elif found.size is not None:
            self._unlike += 1

    def _compare(self, first: _First, row: _First) -> None:
        """Report two images with equal content."""
        one, other = sorted((first, row), key=lambda each: each.place)
        same = f"the same content as {quoted(one.path.decode())} at {self._where(one.place)}"
        differ = one.labels and other.labels and one.labels != other.labels
        open_sets = {UNKNOWN} | ({UNASSIGNED} if self._limits.forms.set_once else set())
        two_sets = one.use != other.use and open_sets.isdisjoint((one.use, other.use))
        if two_sets:
            message = f"{same}, which is in {one.use}, and this in {other.use}"
            self._report("content-in-two-sets", other.place, message)
        if self._kind is DatasetKind.MULTICLASS and differ:
            labels = " and ".join(_words(each.labels) for each in (one, other))
            self._report(
                "content-labels-differ", other.place, f"{same}, but other labels: {labels}"
            )
        elif not two_sets:
            self._report("content-repeated", other.place, same)

    def _check_pixels(self, box: Sequence[bytes], size: tuple[int, int], place: RowPlace) -> None:
        if box[0] == b"nan":
            self._unmeasured += 1
            return
        x0, y0, x1, y1 = map(float, box)
        width, height = abs(x1 - x0) * size[0], abs(y1 - y0) * size[1]
        if min(width, height) < self._limits.box_pixels:
            message = f"the box is {width:.1f} by {height:.1f} pixels on an image of "
            self._report("box-pixels", place, f"{message}{size[0]} by {size[1]}")

    def judge(self) -> None:
        """Report images of different sets that look alike."""
        for one, other in self._similar.alike():
            message = f"looks like {quoted(other.path)} at {self._where(other.place)}, "
            message += f"which is in {other.use}, and this in {one.use}"
            self._report("near-identical", one.place, message)

    def unchecked(self) -> list[str]:
        """Return what was not checked, and why."""
        unchecked = []
        local = len(self._facts) - self._in_storage
        if local and not self._decode:
            unchecked.append(
                f"whether images can be decoded, boxes under {self._limits.box_pixels} pixels, "
                f"images that look alike: Pillow is not installed ({_LOCAL_EXTRA})"
            )
        alike = len(self._sets - {UNKNOWN}) > 1  # only images of two sets are compared
        if self._unlike and alike:
            unchecked.append(
                f"whether images of different sets look alike, for "
                f"{counted(self._unlike, 'image')} of less than {SMALLEST} pixels or of too "
                "little contrast"
            )
        if self._too_large:
            more = f"more than {min(self._most_pixels or DECODED, DECODED):,} pixels"
            also = ", and what looks like it" if alike else ""
            unchecked.append(
                f"whether each image can be decoded{also}, for "
                f"{counted(self._too_large, 'image')} of {more}"
            )
        if self._unmeasured:
            boxes = "1 box" if self._unmeasured == 1 else f"{self._unmeasured:,} boxes"
            unchecked.append(f"the pixels of {boxes}, for vertices that can't be read")
        if self._similar.left_out:
            unchecked.append("some images that look alike: too many have the same brightness")
        stored = f"{counted(self._in_storage, 'image')} in Cloud Storage"
        if self._unreachable:
            unchecked.append(f"{stored}: {self._unreachable}")
        elif self._in_storage:
            unchecked.append(f"the content of {stored}: only existence, size and MD5 are known")
        return unchecked


def _is_object(path: bytes) -> bool:
    return path.startswith(_SCHEME)


def _words(labels: Iterable[bytes]) -> str:
    return ", ".join(named(label) for label in sorted(label.decode() for label in labels))
