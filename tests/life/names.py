"""Names for ids, which are random: the first model that was ever called m2 is `model_m2_1`.

`eval "$(python -m tests.life.names URL API)"` sets them as variables of a shell; what is gone keeps
its name in names.json.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from tests.life.service import Service, Snapshot


class Names:
    """All ids that were ever seen, in the order in which they came up."""

    def __init__(self, known: dict[str, str] | None = None) -> None:
        self.by_id: dict[str, str] = dict(known or {})

    def see(self, live: Snapshot) -> None:
        """Name what is new."""
        seen = [("dataset", o.id, o.name) for o in live.datasets.values()]
        seen += [("model", o.id, o.name) for o in live.models.values()]
        seen += [("endpoint", e.id, "") for e in live.endpoints.values()]
        seen += [("deployed", d, "") for e in live.endpoints.values() for d in e.deployed]
        seen += [("training", t.operation, t.name) for t in live.trainings.values()]
        for kind, object_id, name in seen:
            if object_id not in self.by_id:
                start = "_".join(filter(None, (kind, re.sub(r"\W", "_", name)))) + "_"
                number = sum(each.startswith(start) for each in self.by_id.values()) + 1
                self.by_id[object_id] = f"{start}{number}"

    def in_script(self, line: str) -> str:
        """A line of a log with variables for ids."""
        for object_id, name in self.by_id.items():
            if object_id in line:
                line = re.sub(rf"(?<!\w){re.escape(object_id)}(?!\w)", f"${{{name}}}", line)
        return line


def main(url: str, api: str) -> None:
    """Print what sets the variables of a shell."""
    file = Path("names.json")
    names = Names(json.loads(file.read_text()) if file.exists() else {})
    names.see(Service.at(url, api).snapshot())
    file.write_text(json.dumps(names.by_id))
    for object_id, name in names.by_id.items():
        print(f"{name}={object_id}")


if __name__ == "__main__":
    main(*sys.argv[1:])
