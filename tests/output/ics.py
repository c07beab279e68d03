"""A strict reader of iCalendar files (RFC 5545): what it does not expect, it refuses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_LINE = re.compile(r"([A-Z][A-Z0-9-]*)((?:;[A-Z0-9-]+=[^\x00-\x1f\x7f\";:,]+)*):(.*)", re.DOTALL)
_ESCAPES = {"\\\\": "\\", "\\;": ";", "\\,": ",", "\\n": "\n", "\\N": "\n"}


@dataclass(slots=True)
class Component:
    """What stands between BEGIN and END: properties, and components inside."""

    name: str
    properties: dict[str, str] = field(default_factory=dict)
    """Values by name and parameters, as they are written: `DTSTART;VALUE=DATE`."""
    components: list[Component] = field(default_factory=list)

    def text(self, name: str) -> str:
        """The meaning of a TEXT value."""
        return unescaped(self.properties[name])


def unfolded(data: bytes) -> Iterator[str]:
    """The lines of a file; each line on disk is short, and text by itself."""
    assert data.endswith(b"\r\n")
    lines: list[str] = []
    for octets in data.removesuffix(b"\r\n").split(b"\r\n"):
        assert len(octets) <= 75
        line = octets.decode()
        assert not re.search(r"[\x00-\x08\x0a-\x1f\x7f]", line), "a control character"
        if line.startswith((" ", "\t")):
            lines[-1] += line[1:]
        else:
            assert line, "an empty line"
            lines.append(line)
    yield from lines


def unescaped(value: str) -> str:
    """What a TEXT value means; one that holds a bare special character is refused."""
    assert re.fullmatch(r"(?:[^\\;,\x00-\x1f\x7f]|\\[\\;,nN])*", value), value
    return re.sub(r"\\[\\;,nN]", lambda found: _ESCAPES[found.group()], value)


def read(data: bytes) -> Component:
    """The one component of a file."""
    root = Component("")
    path = [root]
    for line in unfolded(data):
        matched = _LINE.fullmatch(line)
        assert matched, line
        name, parameters, value = matched.groups()
        if name == "BEGIN":
            inner = Component(value)
            path[-1].components.append(inner)
            path.append(inner)
        elif name == "END":
            assert path.pop().name == value
        else:
            assert name + parameters not in path[-1].properties, f"{name} twice"
            path[-1].properties[name + parameters] = value
    assert path == [root], "not ended"
    assert not root.properties
    (one,) = root.components
    return one
