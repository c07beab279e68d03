"""Reads a folder of images as the import CSV that it means: each folder in it is a label.

`cat/1.jpg` is the row `TRAIN,cat/1.jpg,cat`. Folders named after a set (train, val, test) above the
labels say the set, as in Keras and torchvision; without any it is drawn by the content of an image,
so that another image moves none. Nothing else reads folders: what comes from here is rows.
"""

from __future__ import annotations

import errno
import os
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct, field

from automl_plan.data.csv_rows import csv_line
from automl_plan.data.local_files import RELATIVE, local_path, md5_of, os_error_text
from automl_plan.data.row_layout import IMAGES, extension, quoted
from automl_plan.errors import SourceError
from automl_plan.model.source_data import UNASSIGNED

SET_FOLDERS = {
    **dict.fromkeys(("train", "training"), "TRAIN"),
    **dict.fromkeys(("val", "valid", "validation"), "VALIDATION"),
    "test": "TEST",
    "unassigned": UNASSIGNED,
}
"""The sets of folders by their names in lower case; the service divides what is unassigned."""
_DRAWN = (("TRAIN", 0.8), ("VALIDATION", 0.9), ("TEST", 1.0))
"""Sets, and where their shares end: 80, 10 and 10 percent, as Google's services divide."""
_SYSTEM_FILES = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"})
_SYSTEM_FOLDERS = frozenset({"__macosx", "@eadir", "$recycle.bin", "lost+found"})
"""What Windows, macOS, and network storage leave behind, in lower case; others begin with a dot."""
_CAMERAS = (".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2")
_OTHER_IMAGES = (".heic", ".heif", ".avif", ".jxl", ".jp2", ".jfif", ".jpe", *_CAMERAS)
"""Of photographs that are meant, but that no provider reads: the data lint says so."""
_PICTURES = frozenset((*IMAGES, *_OTHER_IMAGES))
_MOST_LINKS = 1_000
"""Links to folders that are followed: they may lead to each other."""
_SAMPLES = 3
_THREADS = 8
_FEW = 16
"""Up to this number, images are read without threads."""


class FolderFinding(NamedTuple):
    """What is wrong in a folder, at one place."""

    rule: str
    """Of the data lint."""
    place: str
    """A file or a folder, as rows name images."""
    message: str


class Folder(Struct, frozen=True):
    """What a folder means."""

    csv: bytes
    places: Sequence[str]
    """By line of this CSV, from 0, the image."""
    others: Mapping[str, Sequence[str]]
    """By an image with several labels, the others with its content."""
    contents: Mapping[str, bytes]
    """The MD5 of each image that could be read."""
    findings: Sequence[FolderFinding]

    def open(self) -> FolderRows:
        """Return the CSV, from its first byte."""
        return FolderRows(self)

    def problems(self) -> list[SourceError]:
        """Return why parts of it can't be read."""
        unreadable = (each for each in self.findings if each.rule == "folder-unreadable")
        return [SourceError(each.message, where=each.place) for each in unreadable]


class FolderRows(BytesIO):
    """The import CSV that a folder means."""

    def __init__(self, folder: Folder) -> None:
        super().__init__(folder.csv)
        self.folder = folder


class _Image(NamedTuple):
    path: str
    use: str
    """Empty where no folder says it."""
    label: str


class _Listed(Struct):
    """What is in one folder, by name."""

    folders: dict[str, str] = field(default_factory=dict)
    """Their paths."""
    pictures: list[str] = field(default_factory=list)
    """The paths of files that are images by their names."""
    others: list[str] = field(default_factory=list)


def read_folder(directory: Path, source: str) -> Folder:
    """Read a folder below a directory. Raises SourceError where there is none."""
    start = os.path.normpath(source)
    try:
        if not local_path(directory, start, source).is_dir():
            (directory / start).stat()
            raise NotADirectoryError(errno.ENOTDIR, "It is not a folder")
        os.scandir(directory / start).close()
    except OSError as error:
        hint = f"{RELATIVE} A source that is no folder ends in .csv or .jsonl."
        message = f"The folder can't be read: {os_error_text(error)}."
        raise SourceError(message, where=source, hint=hint) from error
    tree = _Tree(directory, "" if start == "." else start)
    images = sorted(tree.images())
    contents = _contents(directory, [image.path for image in images], tree.links)
    return _with_rows(images, contents, tree.findings())


def drawn_set(md5: bytes) -> str:
    """Return the set of an image that no folder assigns; only its content decides."""
    share = int.from_bytes(md5[:8]) / 2**64
    return next((use for use, end in _DRAWN if share < end), "TEST")


def _with_rows(
    images: Sequence[_Image], contents: Mapping[str, bytes], findings: Sequence[FolderFinding]
) -> Folder:
    """An image that several labels have in one set is one row, with all of them."""
    alike: dict[tuple[str, bytes], list[_Image]] = {}
    for image in images:
        content = contents.get(image.path)
        use = image.use or (UNASSIGNED if content is None else drawn_set(content))
        alike.setdefault((use, content or os.fsencode(image.path)), []).append(image)
    rows: list[tuple[str, str, Sequence[str]]] = []
    others: dict[str, Sequence[str]] = {}
    for (use, _), same in alike.items():
        labels = sorted({image.label for image in same})
        if len(labels) > 1:
            others[same[0].path] = [image.path for image in same[1:]]
            rows.append((same[0].path, use, labels))
        else:
            rows += [(image.path, use, labels) for image in same]
    text, places = bytearray(), []
    for path, use, names in sorted(rows):
        line = csv_line([use, path, *names]).encode()
        places += [path] * len(line.splitlines())
        text += line
    return Folder(bytes(text), places, others, contents, findings)


def _contents(directory: Path, paths: Sequence[str], links: Collection[str]) -> dict[str, bytes]:
    """Return the MD5 of the images that can be read; why others can't, is found later."""

    def content(path: str) -> bytes | None:
        try:
            if path in links:
                return md5_of(str(local_path(directory, path, path)))
            return md5_of(f"{directory}/{path}")
        except (OSError, SourceError):
            return None

    if len(paths) <= _FEW:
        found = list(map(content, paths))
    else:
        with ThreadPoolExecutor(_THREADS, thread_name_prefix="read") as pool:
            found = list(pool.map(content, paths))
    return {path: md5 for path, md5 in zip(paths, found, strict=True) if md5 is not None}


class _Tree:
    """Finds the images in a folder, and what else is there."""

    def __init__(self, directory: Path, start: str) -> None:
        self._base = str(directory)
        self._start = start
        self._found: list[FolderFinding] = []
        self._links = 0
        self.links: set[str] = set()
        """Images that are links."""
        self._beside: list[str] = []
        """Images that are in no folder of a label."""
        self._no_images: list[str] = []
        self._hidden: list[str] = []

    def images(self) -> Iterator[_Image]:
        """Yield the images with their labels, and with the sets that folders say."""
        top = self._list(self._start)
        named = {n: use for n in top.folders if (use := SET_FOLDERS.get(n.lower()))}
        inside = {name: self._list(top.folders[name]) for name in named}
        sets = {n for n in named if inside[n].folders or len(named) == len(top.folders)}
        if sets:
            sets = set(named)
        labels = [name for name in top.folders if name not in sets]
        self._beside += top.pictures
        count = 0
        for name in sorted(sets):
            self._beside += inside[name].pictures
            for label, path in inside[name].folders.items():
                for image in self._label(label, path, self._list(path)):
                    count += 1
                    yield _Image(image, named[name], _label(label))
        for label in labels:
            path = top.folders[label]
            listed = inside[label] if label in inside else self._list(path)
            found = list(self._label(label, path, listed))
            count += len(found)
            if found and sets:
                self._mixed(path, sets)
            elif found and label in named:
                message = f"the folder {quoted(label)} is read as a label, not as a set: there is "
                self._add("folder-set-name", path, f"{message}no folder of a label in it")
            yield from (_Image(image, UNASSIGNED if sets else "", _label(label)) for image in found)
        if not count:
            self._add("folder-empty", self._start, self._why_empty(top))
        source = SET_FOLDERS.get(_name(self._start).lower())
        if source is not None and source != UNASSIGNED and not sets:
            message = "the name of a source says no set: only folders in the source do"
            self._add("folder-set-name", self._start, message)

    def _mixed(self, path: str, sets: Collection[str]) -> None:
        beside = ", ".join(map(quoted, sorted(sets)))
        message = f"the folder of a label is beside folders of sets, and in none: {beside}"
        self._add("folder-sets", path, message)

    def _why_empty(self, top: _Listed) -> str:
        if self._beside:
            return "no image is in a folder of its label"
        return "the folder has no images" if top.folders else "the folder has no folders of labels"

    def _label(self, label: str, path: str, listed: _Listed) -> Iterator[str]:
        """Yield the images of a label; also those of folders below its folder."""
        yield from listed.pictures
        count, deeper, below = len(listed.pictures), list(listed.folders.values()), 0
        for folder in deeper:
            if (name := _name(folder)).lower() in SET_FOLDERS:
                message = f"{quoted(name)} is below the folder of a label, where it says no set"
                self._add("folder-set-name", folder, message)
        waiting = deeper[::-1]
        while waiting:
            each = self._list(waiting.pop())
            below += len(each.pictures)
            yield from each.pictures
            waiting += list(each.folders.values())[::-1]
        if below:
            message = f"images of folders below it have the label {quoted(label)}, too: {below:,}"
            self._add("folder-nested", path, f"{message} (in {_some(deeper)})")
        if not count + below:
            message = f"no image is in the folder of the label {quoted(label)}"
            self._add("folder-left-out", path, message)

    def findings(self) -> list[FolderFinding]:
        """Return what is wrong, after all images were found."""
        for rule, paths, what in (
            ("folder-left-out", self._beside, "that are in no folder of a label"),
            ("folder-left-out", self._no_images, "that are no images by their names"),
            ("folder-hidden", self._hidden, "that are hidden, or of the operating system"),
        ):
            if paths:
                ends = Counter(extension(path) or "no extension" for path in paths)
                kinds = ", ".join(f"{end}: {n:,}" for end, n in ends.most_common(_SAMPLES))
                self._add(rule, min(paths), f"left out are files {what}: {len(paths):,} ({kinds})")
        return sorted(self._found)

    def _add(self, rule: str, place: str, message: str) -> None:
        self._found.append(FolderFinding(rule, place or ".", message))

    def _list(self, path: str) -> _Listed:
        """Return what is in a folder, hidden things left out."""
        listed = _Listed()
        try:
            with os.scandir(f"{self._base}/{path}") as entries:
                ordered = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            self._unreadable(path, f"the folder can't be read: {os_error_text(error)}")
            return listed
        for entry in ordered:
            place = f"{path}/{entry.name}" if path else entry.name
            name = entry.name.lower()
            is_folder = _is_folder(entry)
            if name.startswith(".") or name in (_SYSTEM_FOLDERS if is_folder else _SYSTEM_FILES):
                self._hidden.append(_shown(place))
            elif _shown(place) != place:
                self._unreadable(_shown(place), "the name is not UTF-8")
            elif is_folder:
                if not entry.is_symlink() or self._is_followed(place):
                    listed.folders[entry.name] = place
            elif extension(place) in _PICTURES:
                listed.pictures.append(place)
                if entry.is_symlink():
                    self.links.add(place)
            else:
                listed.others.append(place)
        self._no_images += listed.others
        return listed

    def _is_followed(self, place: str) -> bool:
        """Return whether a link to a folder is followed."""
        self._links += 1
        base = f"{self._base.rstrip('/')}/"
        real, *above = map(os.path.realpath, _upwards(f"{base}{place}", self._base))
        if not f"{real}/".startswith(base):
            what = "leads out of the configuration's directory"
        elif any(f"{each}/".startswith(f"{real}/") for each in above):
            what = "leads back to a folder that it is in"
        elif self._links > _MOST_LINKS:
            what = f"is not followed: the folder has more than {_MOST_LINKS:,} links to folders"
        else:
            return True
        self._unreadable(place, f"the link {what}")
        return False

    def _unreadable(self, place: str, message: str) -> None:
        self._add("folder-unreadable", place, message)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself: it is reported as a file
        return False


def _upwards(path: str, base: str) -> Iterator[str]:
    """Yield a path and the folders that it is in, up to one."""
    while path.rstrip("/") != base.rstrip("/"):
        yield path
        path = path.rpartition("/")[0]
    yield base


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _label(name: str) -> str:
    """Return the label of a folder: file systems of macOS decompose letters with accents."""
    return unicodedata.normalize("NFC", name)


def _shown(place: str) -> str:
    """Return a name with bytes that are no UTF-8 written as numbers."""
    return os.fsencode(place).decode("utf-8", "backslashreplace")


def _some(paths: Sequence[str]) -> str:
    shown: Iterable[str] = (quoted(_name(path)) for path in paths[:_SAMPLES])
    return ", ".join(chain(shown, ["…"] if len(paths) > _SAMPLES else []))
