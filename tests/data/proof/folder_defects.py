"""The defects of folders: each puts something into a clean folder, and says what is found where."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import Struct, field
from msgspec.structs import replace

from automl_plan.data.dataset_kinds import DatasetKind
from automl_plan.data.lint import Linted, Linter
from automl_plan.data.source_files import SourceFiles
from automl_plan.providers.google.capabilities import LIMITS
from tests.data.proof.case import no_storage
from tests.data.proof.image_defects import png

SOURCE = "data/photos/"
_SETS = ("train", "Val", "TEST")
_LABELS = ("cat", "dog")


class FolderCase(Struct):
    """A folder that nothing is wrong with, until a defect is put in."""

    kind: DatasetKind
    files: dict[str, bytes]
    """By path below the folder."""
    folders: list[str] = field(default_factory=list)
    """That are there, though no file is in them."""
    links: dict[str, str] = field(default_factory=dict)
    elsewhere: dict[str, bytes] = field(default_factory=dict)
    """Files by path below the directory of the configuration."""
    expected: set[tuple[str, str]] = field(default_factory=set)
    """Rules, and places below the folder."""

    def expect(self, rule: str, place: str) -> None:
        """Say that a rule should be reported at a file or a folder."""
        self.expected.add((rule, place))

    def write(self, directory: Path) -> None:
        """Write the folder below a directory."""
        start = directory / SOURCE
        start.mkdir(parents=True)
        for folder in self.folders:
            (start / folder).mkdir(parents=True)
        placed = [(start / name, content) for name, content in self.files.items()]
        placed += [(directory / name, content) for name, content in self.elsewhere.items()]
        for path, content in placed:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        for name, target in self.links.items():
            (start / name).parent.mkdir(parents=True, exist_ok=True)
            (start / name).symlink_to(target)

    def lint(self) -> Linted:
        """What is found in it."""
        limits = replace(LIMITS[self.kind.problem], few=1, some=2, many=2)
        with TemporaryDirectory() as name, SourceFiles(Path(name), no_storage) as files:
            self.write(Path(name))
            linter = Linter(files.open, {self.kind.problem: limits}, directory=Path(name))
            return linter.lint(SOURCE, [SOURCE], self.kind)

    @staticmethod
    def found(linted: Linted) -> set[tuple[str, str]]:
        """Rules, and places as they are expected."""
        start = SOURCE.removesuffix("/")
        places = {finding: finding.file.removeprefix(start)[1:] for finding in linted.findings}
        return {(finding.rule, place) for finding, place in places.items()}


def image(text: str) -> bytes:
    """A small image, another one for each text."""
    chance = random.Random(text)
    return png([bytes(chance.choices(range(256), k=8)) for _ in range(8)])


def in_sets(kind: DatasetKind = DatasetKind.MULTICLASS) -> FolderCase:
    """Clean images of two labels in three sets."""
    paths = [f"{s}/{label}/{n}.png" for s in _SETS for label in _LABELS for n in range(2)]
    return FolderCase(kind, {path: image(path) for path in paths})


def without_sets(kind: DatasetKind = DatasetKind.MULTICLASS) -> FolderCase:
    """Clean images of two labels: of each some are drawn for every set."""
    paths = [f"{label}/{n}.png" for label in _LABELS for n in range(40)]
    return FolderCase(kind, {path: image(path) for path in paths})


_Put = Callable[[FolderCase], None]
_Made = Callable[[DatasetKind], FolderCase]
FOLDER_DEFECTS: list[tuple[str, _Made, _Put]] = []
"""A rule, what makes the clean folder, and what puts the defect in."""
CLASSES = (DatasetKind.MULTICLASS, DatasetKind.MULTILABEL)


def _defect(rule: str, made: _Made = in_sets) -> Callable[[_Put], _Put]:
    def register(put: _Put) -> _Put:
        FOLDER_DEFECTS.append((rule, made, put))
        return put

    return register


def _emptied(case: FolderCase, files: Mapping[str, bytes]) -> None:
    case.files = dict(files)


@_defect("folder-empty")
def _nothing(case: FolderCase) -> None:
    _emptied(case, {})
    case.expect("folder-empty", "")


@_defect("folder-empty")
def _flat(case: FolderCase) -> None:
    _emptied(case, {"1.png": image("1"), "2.png": image("2")})
    case.expect("folder-empty", "")
    case.expect("folder-left-out", "1.png")


@_defect("folder-empty")
def _flat_sets(case: FolderCase) -> None:
    _emptied(case, {"train/1.png": image("1"), "test/2.png": image("2")})
    case.expect("folder-empty", "")
    case.expect("folder-left-out", "test/2.png")


@_defect("folder-empty")
def _documents(case: FolderCase) -> None:
    _emptied(case, {"cat/1.pdf": b"%PDF", "cat/2.pdf": b"%PDF", "dog/a.tar.gz": b""})
    case.expect("folder-empty", "")
    case.expect("folder-left-out", "cat")
    case.expect("folder-left-out", "cat/1.pdf")
    case.expect("folder-left-out", "dog")


@_defect("folder-unreadable")
def _no_utf_8(case: FolderCase) -> None:
    case.files[os.fsdecode(b"train/dog/\xff.png")] = image("ff")
    case.files[os.fsdecode(b"test/\xff/1.png")] = image("ff/1")
    case.expect("folder-unreadable", "train/dog/\\xff.png")
    case.expect("folder-unreadable", "test/\\xff")


@_defect("folder-unreadable")
def _outside(case: FolderCase) -> None:
    case.links["train/cow"] = str(Path(__file__).parent)
    case.links["train/up"] = "../../../../.."
    case.expect("folder-unreadable", "train/cow")
    case.expect("folder-unreadable", "train/up")


@_defect("folder-unreadable")
def _loops(case: FolderCase) -> None:
    case.links["train/dog/again"] = ".."
    case.links["train/dog/itself"] = "itself"
    case.links["Val/dog/one"] = "../cat"
    case.links["Val/cat/other"] = "../dog"
    case.expect("folder-unreadable", "train/dog/again")
    case.expect("folder-left-out", "train/dog/itself")
    # What is found by both ways has both labels, in two places.
    for label in ("dog", "cat"):
        case.expect("folder-nested", f"Val/{label}")
    case.expect("folder-unreadable", "Val/dog/one/other")
    case.expect("folder-unreadable", "Val/cat/other/one")
    if case.kind is DatasetKind.MULTICLASS:
        case.expect("several-labels", "Val/cat/0.png")
        case.expect("several-labels", "Val/cat/1.png")
        case.expect("several-labels", "Val/cat/other/0.png")
        case.expect("several-labels", "Val/cat/other/1.png")
        case.expect("set-empty", "TEST/cat/0.png")


@_defect("folder-sets")
def _mixed(case: FolderCase) -> None:
    case.files["dog/9.png"] = image("9")
    case.expect("folder-sets", "dog")


@_defect("folder-set-name", without_sets)
def _trains(case: FolderCase) -> None:
    for number in range(40):
        case.files[f"Train/{number}.png"] = image(f"train {number}")
    case.expect("folder-set-name", "Train")


@_defect("folder-set-name", without_sets)
def _below(case: FolderCase) -> None:
    case.files["dog/test/1.png"] = image("below")
    case.expect("folder-set-name", "dog/test")
    case.expect("folder-nested", "dog")


@_defect("folder-nested")
def _nested(case: FolderCase) -> None:
    case.files["train/dog/puppies/young/1.png"] = image("puppy")
    case.expect("folder-nested", "train/dog")


@_defect("folder-left-out")
def _beside(case: FolderCase) -> None:
    case.files |= {"train/1.jpg": image("a"), "0.PNG": image("b")}
    case.expect("folder-left-out", "0.PNG")


@_defect("folder-left-out")
def _others(case: FolderCase) -> None:
    case.files |= {"train/dog/1.mp4": b"", "classes.txt": b"", "Val/dog/0007": image("c")}
    case.expect("folder-left-out", "Val/dog/0007")


@_defect("folder-left-out")
def _empty_label(case: FolderCase) -> None:
    case.folders.append("train/cow")
    case.expect("folder-left-out", "train/cow")


@_defect("folder-hidden")
def _hidden(case: FolderCase) -> None:
    case.files |= {"train/dog/._1.png": b"", ".git/x.png": b"", "TEST/dog/Thumbs.db": b""}
    case.files |= {"__MACOSX/dog/1.png": b"", "Val/.DS_Store": b""}
    case.expect("folder-hidden", ".git")


@_defect("label-alike")
def _letter_case(case: FolderCase) -> None:
    for use in _SETS:
        case.files |= {f"{use}/DOG/{n}.png": image(f"{use} {n} D") for n in range(2)}
    case.expect("label-alike", "TEST/dog/0.png")


@_defect("image-type")
def _of_phones(case: FolderCase) -> None:
    case.files |= {"train/dog/IMG_1.HEIC": b"\0\0\0\x18ftypheic", "train/dog/2.nef": b"II"}
    case.expect("image-type", "train/dog/IMG_1.HEIC")
    case.expect("image-type", "train/dog/2.nef")


@_defect("image-missing")
def _broken_link(case: FolderCase) -> None:
    case.links["train/dog/gone.png"] = "nowhere.png"
    case.expect("image-missing", "train/dog/gone.png")


@_defect("image-unreadable")
def _link_out(case: FolderCase) -> None:
    case.links["train/dog/passwd.png"] = "/etc/passwd"
    case.files["train/dog/empty.png"] = b""
    case.expect("image-unreadable", "train/dog/passwd.png")
    case.expect("image-unreadable", "train/dog/empty.png")


@_defect("image-path")
def _control(case: FolderCase) -> None:
    case.files |= {"train/dog/a\nb.png": image("n"), 'train/dog/a,"b\u202e.png': image("q")}
    case.expect("image-path", "train/dog/a\nb.png")


@_defect("label-injection")
def _formula(case: FolderCase) -> None:
    case.files["train/=1+1/1.png"] = image("formula")
    case.expect("label-injection", "train/=1+1/1.png")


@_defect("label-syntax")
def _long(case: FolderCase) -> None:
    case.files |= {f"train/{'l' * 129}/1.png": image("long"), "train/a\tb/1.png": image("tab")}
    case.expect("label-syntax", f"train/{'l' * 129}/1.png")
    case.expect("label-syntax", "train/a\tb/1.png")
    case.expect("image-path", "train/a\tb/1.png")


@_defect("content-in-two-sets")
def _two_sets(case: FolderCase) -> None:
    case.files["train/dog/0.png"] = case.files["TEST/dog/0.png"]
    case.expect("content-in-two-sets", "train/dog/0.png")


@_defect("content-repeated", without_sets)
def _copies(case: FolderCase) -> None:
    case.files["dog/copy.png"] = case.files["dog/0.png"]
    case.expect("content-repeated", "dog/copy.png")


@_defect("several-labels", without_sets)
def _two_labels(case: FolderCase) -> None:
    """Several labels are what MULTILABEL is for."""
    case.files["dog/also.png"] = case.files["cat/0.png"]
    if case.kind is DatasetKind.MULTICLASS:
        case.expect("several-labels", "cat/0.png")


@_defect("label-minimum", without_sets)
def _one_label(case: FolderCase) -> None:
    _emptied(case, {path: each for path, each in case.files.items() if path.startswith("dog")})
    case.expect("label-minimum", "dog/0.png")


def folder_cases() -> list[FolderCase]:
    """Clean folders, and each defect in one, for each kind."""
    cases = []
    for kind in CLASSES:
        cases += [in_sets(kind), without_sets(kind)]
        for _, made, put in FOLDER_DEFECTS:
            case = made(kind)
            put(case)
            cases.append(case)
    return cases
