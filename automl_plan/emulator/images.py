"""The service's own copies of imported images, by content, as a cloud keeps them.

What was imported stays what it was, whatever becomes of the files it was read from.
"""

import secrets
import shutil
from collections.abc import Iterable
from pathlib import Path

from automl_plan.emulator.training.types import Example


class Images:
    """Copies below one folder; images of the same content share one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, example: Example) -> Path:
        """Where the copy of an example's image is."""
        return self._of(example.content)

    def keep(self, example: Example) -> None:
        """Copy an example's image, unless its content is kept already."""
        kept = self.path(example)
        if kept.exists():
            return
        kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Two imports at once may keep the same content.
        draft = kept.with_name(f"{kept.name}.{secrets.token_hex(4)}")
        shutil.copyfile(example.path, draft)
        draft.replace(kept)

    def drop(self, contents: Iterable[str]) -> None:
        """Remove the copies of contents that no dataset has any more."""
        for content in contents:
            self._of(content).unlink(missing_ok=True)

    def _of(self, content: str) -> Path:
        return Path(f"{self._folder}/{content[:2]}/{content}")
