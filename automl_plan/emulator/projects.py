"""Projects: each has an id, by which requests mostly name it, and a number."""

import hashlib
from collections.abc import Iterable

_LOWEST, _COUNT = 10**11, 9 * 10**11
"""Numbers of projects have twelve digits here."""
_MOST = 10_000


class Projects:
    """The numbers of projects. Both ways, for projects that have been named by their id."""

    def __init__(self, known: Iterable[str]) -> None:
        self._ids: dict[str, str] = {}
        for project in known:
            self.number_of(project)

    def number_of(self, project: str) -> str:
        """Return the number of a project; a number names itself."""
        if project.isdecimal():
            return project
        digest = hashlib.sha256(project.encode()).digest()
        number = str(_LOWEST + int.from_bytes(digest[:8], "big") % _COUNT)
        if len(self._ids) < _MOST:
            self._ids[number] = project
        return number

    def id_of(self, project: str) -> str:
        """Return the id of a project that is named by its number, where that is known."""
        return self._ids.get(project, project)
