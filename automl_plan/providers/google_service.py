"""What the providers of Google's services have in common: a place, a clock, sources."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime

from automl_plan.errors import UsageError
from automl_plan.providers.endpoint import is_google
from automl_plan.providers.sources import SourceReader, TakeRows
from automl_plan.providers.staging import Staging
from automl_plan.providers.storage import Storage
from automl_plan.providers.transport import HttpTransport
from automl_plan.resources.capabilities import GOOGLE, Capabilities
from automl_plan.resources.contacts import Contact
from automl_plan.resources.live import SourceData

_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:_-]*")


class GoogleService:
    """One project and location of a service, which imports from Cloud Storage.

    Raises UsageError for what can't be a project or a location.
    """

    def __init__(
        self,
        transport: HttpTransport,
        sources: SourceReader,
        staging: Staging | None = None,
        *,
        name: str,
        project: str,
        location: str,
        late_seconds: float,
        capabilities: Capabilities = GOOGLE,
        contacts: Sequence[Contact] = (),
    ) -> None:
        self._transport = transport
        self._sources = sources
        self._staging = staging
        for part, value in (("project", project), ("location", location)):
            if not _PART.fullmatch(value):
                raise UsageError(f"{value!r} can't be a {part}.")
        self._parent = f"projects/{project}/locations/{location}"
        self._identity = f"{name}:{self._parent}"
        self._late_seconds = late_seconds
        self._capabilities = capabilities
        self._contacts = contacts

    @property
    def identity(self) -> str:
        """Which service, project and location."""
        return self._identity

    @property
    def bills_by_clock(self) -> bool:
        """Whether an hour that is billed is an hour of the clock: at Google's own hosts."""
        return is_google(self._transport.base_url)

    @property
    def late_seconds(self) -> float:
        """For how long a call that was cut off may still take effect, or be missing in lists."""
        return self._late_seconds

    @property
    def capabilities(self) -> Capabilities:
        """What it can train."""
        return self._capabilities

    @property
    def contacts(self) -> Sequence[Contact]:
        """What settings and the environment make it contact beside Google's own services."""
        return self._contacts

    def now(self) -> datetime:
        """What time it is at the service (UTC)."""
        return self._transport.now()

    def fence(self, check: Callable[[], None]) -> None:
        """Call `check` directly before each request that changes something."""
        self._transport.fence(check)
        self._sources.storage.fence(check)

    def close(self) -> None:
        """Close connections."""
        self._transport.close()
        self._sources.close()

    def read_sources(
        self, sources: Sequence[str], *, boxes: bool = False, take: TakeRows | None = None
    ) -> SourceData:
        """Fingerprint what import CSVs hold, and count it."""
        return self._sources.read(sources, boxes=boxes, take=take)

    def storage(self) -> Storage:
        """Where the objects lie that sources name."""
        return self._sources.storage
