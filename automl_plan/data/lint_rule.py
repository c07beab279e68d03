"""What a rule of the data lint is, and those on folders; `lint_rules` is the table of all."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Severity(StrEnum):
    """How severe a finding is, the most severe first; `off`: it is not reported."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"
    OFF = "off"


class LintRule(Struct, frozen=True):
    """A named rule of the data lint."""

    id: str
    severity: Severity
    """Unless the configuration says otherwise."""
    meaning: str
    hint: str
    """What to do about a finding."""
    source: str
    """The source of the fact."""


OWN = "an inference: Google's pages don't say it"
_FOLDERS = "Keras: image_dataset_from_directory; torchvision: ImageFolder"
_ERROR, _WARNING, _NOTICE = Severity.ERROR, Severity.WARNING, Severity.NOTICE

FOLDER_RULES = (
    LintRule(
        "folder-empty",
        _ERROR,
        "A folder that is a source has a folder for each label, with its images.",
        "Put the images of each label into a folder of its own: PHOTOS/cat/1.jpg; folders of sets "
        "are above the labels: PHOTOS/train/cat/1.jpg.",
        _FOLDERS,
    ),
    LintRule(
        "folder-unreadable",
        _ERROR,
        "All that is in a folder can be read: names are UTF-8, and no link leads out of the "
        "configuration's directory.",
        "Correct the permissions, rename the file, or put what the link names in its place.",
        "a rule of this tool: what it can't read, it can't count or send",
    ),
    LintRule(
        "folder-sets",
        _ERROR,
        "All folders of labels are in folders of sets, or none is.",
        "Move the folder into train, val or test; in a folder named unassigned, the service "
        "divides the images.",
        _FOLDERS,
    ),
    LintRule(
        "folder-set-name",
        _WARNING,
        "A folder that is named as a set is above the folders of labels.",
        "Write PHOTOS/train/cat/1.jpg, and PHOTOS/ as the source; or rename the folder.",
        _FOLDERS,
    ),
    LintRule(
        "folder-nested",
        _WARNING,
        "The folder of a label has images, and no more folders.",
        "If the folders below are labels, move them up; else turn the rule off: lint: "
        "{folder-nested: off}.",
        _FOLDERS,
    ),
    LintRule(
        "folder-left-out",
        _WARNING,
        "A folder that is a source has images in folders of labels, and nothing else.",
        "Move images to the folder of their label, and other files elsewhere.",
        _FOLDERS,
    ),
    LintRule(
        "folder-hidden",
        _NOTICE,
        "A folder that is a source has no hidden files.",
        "Remove them, or turn the rule off: lint: {folder-hidden: off}.",
        OWN,
    ),
)
"""On folders that are sources."""
