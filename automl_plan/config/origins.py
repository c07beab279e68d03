"""Which file declares what, and where in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from msgspec import Struct, field

from automl_plan.config import findings
from automl_plan.config.files import Unreadable, lines_of, read, shortened_line
from automl_plan.config.findings import Finding
from automl_plan.config.positions import Place, Position, locate
from automl_plan.errors import Diagnostic


class Origins(Struct):
    """Finds the place of a path of the merged configuration; reads files again when asked."""

    files: Mapping[str, Path]
    """By the name that messages use."""
    declared: Mapping[findings.Path, str]
    """The file of each named thing `(section, name)` and of each other section `(section,)`."""
    in_file: dict[findings.Path, findings.Path] = field(default_factory=dict)
    """Where a block `(section, number)` stands in its own file, which may not be the first one."""
    _read: dict[str, tuple[Place, list[str]]] = field(default_factory=dict)

    def key_position(self, path: findings.Path) -> Position | None:
        """Where the key at the end of the path stands, or the nearest key around it.

        None when the path lies in nothing declared, or its file can't be read any more.
        """
        file = self._file_of(path)
        if file is None:
            return None
        place, depth = self._places(file).nearest(self._local(path))
        start = 1 if path[:1] in self.declared else 2
        return Position(file, *place.key) if depth >= start else None

    def position_in(self, file: str, path: findings.Path) -> Position:
        """Where the key at the end of the path stands in this file, or the nearest around it."""
        return Position(file, *self._places(file).nearest(path)[0].key)

    def written(self, path: findings.Path, file: str | None = None) -> str | None:
        """How the value at a path (of `file`, when given) is written, if as a plain scalar."""
        file = file or self._file_of(path)
        if file is None or file not in self.files:
            return None
        place = self._places(file).get(self._local(path))
        return None if place is None else place.text

    def diagnostics(self, found: Iterable[Finding]) -> list[Diagnostic]:
        """The findings with their places and source lines."""
        return [self._diagnostic(finding) for finding in dict.fromkeys(found)]

    def _diagnostic(self, finding: Finding) -> Diagnostic:
        file = finding.file or self._file_of(finding.path)
        if file is None or file not in self.files:
            return Diagnostic(file or "", 0, 0, finding.rule, finding.message, finding.hint)
        place, depth = self._places(file).nearest(self._local(finding.path))
        whole = depth == len(finding.path)
        line, column = place.value if whole and not finding.at_key else place.key
        lines = self._read[file][1]
        source = shortened_line(lines[line - 1]) if line <= len(lines) else None
        return Diagnostic(file, line, column, finding.rule, finding.message, finding.hint, source)

    def _local(self, path: findings.Path) -> findings.Path:
        """A path as it is in its own file."""
        return (*self.in_file.get(path[:2], path[:2]), *path[2:])

    def _file_of(self, path: findings.Path) -> str | None:
        return self.declared.get(path[:2]) or self.declared.get(path[:1])

    def _places(self, file: str) -> Place:
        if file not in self._read:
            try:
                text = read(self.files[file], file)
            except Unreadable:
                text = ""
            self._read[file] = (locate(text), lines_of(text))
        return self._read[file][0]
