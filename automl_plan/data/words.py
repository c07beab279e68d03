"""What ML_USE, labels and paths may be, as text and as bytes."""

from __future__ import annotations

import re

from automl_plan.providers.places import in_storage
from automl_plan.providers.row_layout import quoted

SETS = ("TRAIN", "VALIDATION", "TEST")
UNKNOWN = "?"
"""The set of an image whose ML_USE is none: in no rule on sets it counts for one."""
LABEL = re.compile(r"[A-Za-z0-9_]{1,32}")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def label_fault(label: str) -> tuple[str, str] | None:
    """The rule that a label breaks, and how."""
    if LABEL.fullmatch(label):
        return None
    if label.startswith(_FORMULA):
        return "label-injection", "begins as a formula of a spreadsheet does"
    return "label-syntax", "is not 1 to 32 characters of A-Z, a-z, 0-9 and _"


def named(label: str) -> str:
    """A label as it may stand in a message, also one that is none."""
    return label if LABEL.fullmatch(label) else quoted(label)


def bucket_of(uri: str) -> str | None:
    """The bucket of gs://BUCKET/OBJECT; None for what is no such URI."""
    found = in_storage(uri)
    return None if found is None else found[0]


def path_fault(path: str, *, in_storage: bool) -> str | None:
    """What is wrong with a path; `in_storage`: its CSV is an object of Cloud Storage."""
    if _CONTROL.search(path):
        return "has a control character"
    if path.strip(" \t") != path:
        return "begins or ends with a blank"
    if path.startswith("gs://"):
        return None if bucket_of(path) else "names no object"
    if in_storage:
        return "is no gs:// URI, though its CSV lies in Cloud Storage"
    if "://" in path:
        return "is of a scheme that is not gs://"
    if path.startswith("/"):
        return "is absolute"
    depth = 0
    for part in path.split("/"):
        depth += (part not in ("", ".", "..")) - (part == "..")
        if depth < 0:
            return "leads out of the configuration's directory"
    return None
