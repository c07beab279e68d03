"""The files' sections, merged into one document."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct, field

from automl_plan.config.findings import Finding, Suggester, quoted
from automl_plan.config.source_map import SourceMap
from automl_plan.model.address import NAME_PATTERN
from automl_plan.model.json import Json

NAMED_SECTIONS = ("variables", "datasets", "models")
SINGLE_SECTIONS = ("provider", "state", "prices", "policy", "lint", "notify")
LIST_SECTIONS = ("moved", "removed", "imports")
SECTIONS = (*SINGLE_SECTIONS, *NAMED_SECTIONS, *LIST_SECTIONS)

_RESOURCE_NAME = re.compile(NAME_PATTERN)
VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
"""Valid at the end of an environment variable's name."""


class Document(Struct):
    """All files merged; sections that are not declared are empty, or None."""

    provider: Json = None
    state: Json = None
    prices: Json = None
    policy: Json = None
    lint: Json = None
    notify: Json = None
    variables: dict[str, Json] = field(default_factory=dict)
    datasets: dict[str, Json] = field(default_factory=dict)
    models: dict[str, Json] = field(default_factory=dict)
    blocks: dict[str, dict[str, Json]] = field(
        default_factory=lambda: {section: {} for section in LIST_SECTIONS}
    )
    """The blocks of each list section by their number, counted over all files."""

    def named(self, section: str) -> dict[str, Json]:
        """A section of named things."""
        return {"variables": self.variables, "datasets": self.datasets, "models": self.models}[
            section
        ]


class Merger:
    """Takes in the files, one after the other."""

    def __init__(self, source_map: SourceMap, declared: dict[tuple[str, ...], str]) -> None:
        self.document = Document()
        self._source_map = source_map
        self._declared = declared

    def add(self, file: str, value: Json) -> Iterator[Finding]:
        """Take in one file's value, or say why not."""
        if value is None:
            return
        if not isinstance(value, dict):
            message = f"a configuration is a mapping of sections, not {quoted(value)}"
            yield Finding((), "wrong-type", message, f"begin with {SECTIONS[0]}: …", file=file)
            return
        suggest = Suggester(SECTIONS)
        for section, content in value.items():
            if section in NAMED_SECTIONS:
                yield from self._add_named(file, section, content)
            elif section in LIST_SECTIONS:
                yield from self._add_blocks(file, section, content)
            elif section in SINGLE_SECTIONS:
                if content is None and section != "provider":
                    continue  # a section with nothing in it is as none; a provider is named
                if self._is_new(file, (section,)):
                    setattr(self.document, section, content)
                else:
                    yield self._twice(file, (section,), section)
            else:
                sections = f"the sections are {', '.join(SECTIONS)}"
                yield Finding(
                    (section,),
                    "unknown-key",
                    f"unknown key {quoted(section)}",
                    suggest.hint(section, sections),
                    at_key=True,
                    file=file,
                )

    def _add_named(self, file: str, section: str, content: Json) -> Iterator[Finding]:
        if content is None:
            return
        if not isinstance(content, dict):
            message = f"{section} is a mapping of names, not {quoted(content)}"
            hint = f"write {section}: {{NAME: …}}"
            yield Finding((section,), "wrong-type", message, hint, file=file)
            return
        known = self.document.named(section)
        for name, entry in content.items():
            path = (section, name)
            if not self._is_new(file, path):
                yield self._twice(file, path, quoted(name))
                continue
            known[name] = entry
            if section == "variables":
                if not VARIABLE_NAME.fullmatch(name):
                    message = f"{quoted(name)} can't be the name of a variable"
                    hint = "write a letter or _, then up to 62 letters, digits or _"
                    yield Finding(path, "name", message, hint, at_key=True)
            elif not _RESOURCE_NAME.fullmatch(name):
                message = f"{quoted(name)} can't be the name of a {section[:-1]}"
                hint = "write a letter, then up to 62 letters, digits, _ or -"
                yield Finding(path, "name", message, hint, at_key=True)

    def _add_blocks(self, file: str, section: str, content: Json) -> Iterator[Finding]:
        if content is None:
            return
        if not isinstance(content, list):
            message = f"{section} is a list of blocks, not {quoted(content)}"
            hint = f"write {section}: and a block after each dash"
            yield Finding((section,), "wrong-type", message, hint, file=file)
            return
        known = self.document.blocks[section]
        for place, block in enumerate(content):
            path = (section, str(len(known)))
            self._declared[path] = file
            self._source_map.in_file[path] = (section, str(place))
            known[path[1]] = block

    def _is_new(self, file: str, path: tuple[str, ...]) -> bool:
        if path in self._declared:
            return False
        self._declared[path] = file
        return True

    def _twice(self, file: str, path: tuple[str, ...], what: str) -> Finding:
        first = self._source_map.position_in(self._declared[path], path)
        return Finding(
            path,
            "declared-twice",
            f"{what} is declared twice: here and at {first.file}:{first.line}:{first.column}",
            "remove or rename one of the two",
            at_key=True,
            file=file,
        )
