"""How rows of an import CSV begin, and what is written instead of rows: for plans and the lint."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from automl_plan.providers.data_access import is_stored

USES = {
    "TRAIN": "TRAIN",
    "VALIDATION": "VALIDATION",
    "VALIDATE": "VALIDATION",
    "TEST": "TEST",
    "UNASSIGNED": "UNASSIGNED",
}
"""ML_USE as the proto's comments and the pages of AutoML Vision spell it."""
SPELLINGS = {**USES, "TRAINING": "TRAIN"}
"""In capitals, all that Google's pages have somewhere; those of Vertex AI write lower case."""
HINTS = {
    "header-line": "Remove the line.",
    "csv-delimiter": "Put commas between the fields: of a spreadsheet, save as comma-separated.",
    "index-column": "Leave out the first column; in pandas: to_csv(…, index=False, header=False).",
    "json-line": "Write a JSON object of one of Vertex AI's schemas of images on each line.",
    "ml-use": "Write TRAIN, VALIDATION, TEST or UNASSIGNED.",
}
"""How to fix a row, by the rule that it breaks."""
IMAGES = (".jpg", ".jpeg", ".gif", ".png", ".webp", ".bmp", ".tif", ".tiff", ".ico")
"""How the names of images end."""
_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_COMMENT = re.compile(r"#+(\s|!|$)")
_SEPARATOR = re.compile(r"sep=.?", re.IGNORECASE)
_LONGEST = 80


def no_row(fields: Sequence[str]) -> str | None:
    """Return what a line before the first row is, if it is no row (rule header-line)."""
    first = fields[0].strip()
    if _COMMENT.match(first) or (first.startswith("#") and not _ends_as_image(first)):
        return "the line is a comment"
    if _SEPARATOR.fullmatch(first):
        return "the line is a spreadsheet's declaration of its separator"
    return None


NAMES_COLUMNS = "the first line names columns"


def names_columns(fields: Sequence[str]) -> bool:
    """Return whether a first row may be a header (rule header-line): it has words only.

    An image may have such a name: if it exists, it is a row.
    """
    words = not any("/" in each or "." in each for each in fields)
    return words and fields[0].upper() not in SPELLINGS


def other_delimiter(fields: Sequence[str]) -> str | None:
    """Return what separates the fields of a row instead of commas (rule csv-delimiter)."""
    written = fields[0]
    for delimiter, name in _DELIMITERS.items():
        if delimiter not in written:
            continue
        first, *others = (part.strip('" ') for part in written.split(delimiter))
        if _ends_as_image(written) and first and first.upper() not in SPELLINGS:
            continue  # the name of an image may have it
        begins = first.upper() in SPELLINGS or _ends_as_image(first)
        follows = others[0].upper() in SPELLINGS or _ends_as_image(others[0])
        if begins or (follows and (not first or _is_number(first))):
            return f"the fields are separated by {name}, not by commas"
    return None


def has_index(fields: Sequence[str]) -> bool:
    """Return whether a row begins with an index (rule index-column)."""
    return len(fields) > 1 and _is_number(fields[0]) and fields[1].upper() in SPELLINGS


def no_set(fields: Sequence[str]) -> str | None:
    """Return why a first field that should be a set is none (rule ml-use)."""
    written = fields[0]
    if not written or written.upper() in SPELLINGS or len(fields) < 2:
        return None
    second = fields[1]
    is_path = bool(extension(written)) or "/" in written
    image_follows = bool(extension(second)) or is_stored(second)
    if is_path or not (image_follows or (not second and len(fields) > 2)):
        return None
    message = f"{quoted(written)} is none of {', '.join(USES)}"
    return f"{message}: is it the number of the row?" if _is_number(written) else message


def extension(path: str) -> str:
    """Return the extension of a path in lower case, such as `.png`, or ""."""
    return PurePosixPath(path).suffix.lower()


def quoted(text: str) -> str:
    """Return a field as it is shown in messages: on one line, and short."""
    return repr(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")


def _ends_as_image(path: str) -> bool:
    return path.lower().endswith(IMAGES)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
