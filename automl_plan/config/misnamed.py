"""YAML files beside a configuration that are meant to be part of it, and are not named so.

A directory holds other YAML, too (docker-compose.yaml, values of variables). A file is meant when
its top-level keys are all sections of a configuration: to pass it over would plan without it.
"""

from __future__ import annotations

import codecs
import os
import re
import shlex
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from automl_plan.config.files import (
    MAX_BYTES,
    Unreadable,
    configuration_files,
    is_configuration_name,
    shown_name,
)
from automl_plan.config.merging import SECTIONS
from automl_plan.errors import Diagnostic

RULE = "file-name"
_AUTOML = ".automl"
_DECLARING = ("datasets", "models")
_BEFORE = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\n|%[^\n]*\n|---(?=\s)[ \t]*)*")
"""What may stand before the first key: comments, directives, the begin of the document."""
_FIRST = re.compile(rf"[\s{{?]*[\"']?(?:{'|'.join(SECTIONS)})[\"']?[ \t]*:")
_AT_MARGIN = re.compile(r"^[\"']?([^\s\"'#:{}\[\]-][^\n\"':]*)[\"']?[ \t]*:(?=\s|$)", re.MULTILINE)


def misnamed(directory: Path, var_files: Sequence[Path]) -> list[Diagnostic]:
    """An error for each file directly in the directory that is meant; var-files are none.

    Whatever can't be listed or read is no such file.
    """
    return [
        _diagnostic(path, directory)
        for path, text in _others(directory, var_files)
        if _declares(text)
    ]


def none_read(
    diagnostic: Diagnostic, directory: Path, var_files: Sequence[Path]
) -> list[Diagnostic]:
    """What is wrong with a directory of which no file is read: those that are meant.

    Else `diagnostic`, which names one that has a section of ours among others.
    """
    found = misnamed(directory, var_files)
    others = _others(directory, var_files)
    alike = next((path for path, text in others if _has_a_section(text)), None)
    if found:
        return found
    if alike is None:
        inside = _directory_inside(directory)
        if inside is None:
            return [diagnostic]
        hint = f"{diagnostic.hint}, or use that of {inside}: automl-plan -C {shlex.quote(inside)} …"
        return [diagnostic._replace(hint=hint)]
    shown = shown_name(alike, directory)
    hint = (
        f"if {shown} is the configuration, rename it: mv {shlex.quote(shown)} "
        f"{shlex.quote(renamed(shown))}"
    )
    return [diagnostic._replace(hint=hint)]


_MOST_LISTED = 100
"""Directories in which a configuration is looked for."""


def _directory_inside(directory: Path) -> str | None:
    """Return the first directory directly in one that has a configuration; the hidden have none."""
    try:
        names = sorted(each.name for each in os.scandir(directory) if each.is_dir())
        for name in [name for name in names if not name.startswith(".")][:_MOST_LISTED]:
            if any(map(is_configuration_name, os.listdir(directory / name))):  # noqa: PTH208
                return shown_name(directory / name, directory)
    except OSError:
        return None
    return None


def renamed(name: str) -> str:
    """The name under which a file would be read: `models.automl.yaml`."""
    stem, _, ending = name.rpartition(".")
    if is_configuration_name(name.lower()):  # but for its capital letters
        stem = stem[: -len(_AUTOML)] if stem.lower().endswith(_AUTOML) else ""
    return f"{stem}{_AUTOML}.{ending.lower()}" if stem else name.lower()


def _diagnostic(path: Path, directory: Path) -> Diagnostic:
    shown = shown_name(path, directory)
    return Diagnostic(
        shown,
        0,
        0,
        RULE,
        "the file looks like a configuration, but its name is not read",
        f"rename it: mv {shlex.quote(shown)} {shlex.quote(renamed(shown))} (or move it elsewhere)",
    )


def _others(directory: Path, var_files: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """The other YAML files directly in a directory, with their text."""
    try:
        names = sorted(os.listdir(directory))  # noqa: PTH208 (names that are not UTF-8 sort too)
    except OSError:
        return
    elsewhere = {os.path.realpath(path) for path in var_files}
    # A link to a file that is read is no other one.
    elsewhere |= {os.path.realpath(directory / n) for n in names if is_configuration_name(n)}
    for name in names:
        path = directory / name
        if (
            name.lower().endswith((".yaml", ".yml"))
            and not name.startswith(".")
            and not is_configuration_name(name)
            and os.path.realpath(path) not in elsewhere
        ):
            yield path, _text(path)


def _text(path: Path) -> str:
    """As much of a regular file as a configuration's may hold; "" of what can't be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return ""
            data = file.read(MAX_BYTES)
            utf_16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
            return data.decode("utf-16" if utf_16 else "utf-8-sig", "replace")
    except OSError:
        return ""


def _has_a_section(text: str) -> bool:
    return not {"datasets", "models", "provider"}.isdisjoint(_AT_MARGIN.findall(text))


def _declares(text: str) -> bool:
    begin = _BEFORE.match(text)
    if not _FIRST.match(text, begin.end() if begin else 0):
        return False  # most files end here, unparsed
    from automl_plan.config.yaml_parser import parse

    parsed = parse(text, "-")
    if parsed.diagnostics:
        # Its first error is reported once it is renamed.
        keys = {key.strip() for key in _AT_MARGIN.findall(text)}
        return keys <= {*SECTIONS} and not keys.isdisjoint(_DECLARING)
    content = parsed.value
    if not isinstance(content, dict) or not content.keys() <= {*SECTIONS}:
        return False
    if any(content.get(key, 0) is None or isinstance(content.get(key), dict) for key in _DECLARING):
        return True
    return _has_our_shape(content)


def _has_our_shape(content: Mapping[str, Any]) -> bool:
    """Whether sections that others write too (`variables`, `state`) hold the keys of ours."""
    from automl_plan.config.schema import config_schema

    schema: Any = config_schema()
    return all(
        _keys_fit(value, schema["properties"][section], schema["definitions"])
        for section, value in content.items()
    )


def _keys_fit(value: Any, shape: Mapping[str, Any], definitions: Mapping[str, Any]) -> bool:
    if "$ref" in shape:
        return _keys_fit(value, definitions[shape["$ref"].rpartition("/")[2]], definitions)
    if "properties" in shape:
        return isinstance(value, dict) and value.keys() <= shape["properties"].keys()
    if "items" in shape:
        return isinstance(value, list) and all(
            _keys_fit(item, shape["items"], definitions) for item in value
        )
    named = shape.get("additionalProperties")
    return isinstance(value, dict) and (
        not isinstance(named, dict)
        or all(_keys_fit(item, named, definitions) for item in value.values())
    )


def has_configuration(directory: Path) -> bool:
    """Return whether a directory has files of a configuration, even if they are misnamed."""
    try:
        return bool(configuration_files(directory, ()))
    except Unreadable:
        return bool(misnamed(directory, ()))
