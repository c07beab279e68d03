"""A configuration directory, opened: configuration, state, provider, open operations."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from automl_plan.config.configuration import Configuration
from automl_plan.config.load import load
from automl_plan.errors import NotFound, UsageError
from automl_plan.model.address import Address, ResourceKind
from automl_plan.model.live import Operation
from automl_plan.model.recorded import RecordedResource
from automl_plan.providers.protocol import Provider
from automl_plan.providers.registry import PROVIDERS, open_provider
from automl_plan.state.store import StateSession, StateStore
from automl_plan.workspace.git_commit import commit_of

if TYPE_CHECKING:
    from automl_plan.data.sources import SourceReader


class Workspace:
    """What a command works on. The provider is opened at its first use, and closed at the end."""

    def __init__(
        self,
        directory: Path,
        *,
        variables: Mapping[str, str] | None = None,
        var_files: Sequence[Path] = (),
        environ: Mapping[str, str] | None = None,
        follow: Callable[[Configuration], str] = lambda _: "automl-plan wait",
    ) -> None:
        """`follow` returns the command that follows what a run leaves running."""
        self._environ = dict(os.environ) if environ is None else environ
        self.configuration: Configuration = load(
            directory,
            PROVIDERS,
            variables=variables or {},
            var_files=var_files,
            environ=self._environ,
        )
        self.follow = follow(self.configuration)
        """The command that follows what is left running, to be shown."""
        self.store = StateStore(self.configuration.state_path)
        self._provider: Provider | None = None
        self._stack = ExitStack()
        self._check: Callable[[], None] | None = None

    @property
    def environ(self) -> Mapping[str, str]:
        """The environment that it was opened in."""
        return self._environ

    def open_state(self, *, timeout: float = 0.0, command: str = "") -> StateSession:
        """Lock the state for writing; wait for at most `timeout` seconds.

        From then on nothing is changed at the provider unless that lock is held. Raises
        StateLocked, StateUnreadable, StateUnwritable, StateMigrating.
        """
        session = self.store.open(timeout=timeout, command=command)
        self._check = session.check
        if self._provider is not None:
            self._provider.fence(session.check)
        return session

    @property
    def provider(self) -> Provider:
        """The provider. Raises ProviderError or EmulatorError when it can't be opened."""
        if self._provider is None:
            settings = self.configuration.provider
            self._provider = open_provider(
                settings.name, settings.settings, self.configuration.directory, self._environ
            )
            if self._check is not None:
                self._provider.fence(self._check)
        return self._provider

    def open_sources(self) -> SourceReader:
        """Return a reader of sources as they are now, closed at the end. Raises as `provider`."""
        from automl_plan.data.sources import SourceReader

        reader = SourceReader(self.configuration.directory, self.provider.data_access)
        return self._stack.enter_context(reader)

    def bare_id(self, text: str, kind: ResourceKind | None = None) -> str:
        """Return the id in a full name of the service's, and another text as it is.

        Raises UsageError for a name of another place or kind.
        """
        provider = self.configuration.provider
        definition = PROVIDERS[provider.name]
        try:
            return definition.object_id(text, kind, provider.settings)
        except ValueError as error:
            raise UsageError(f"{text}: {error}.", hint=definition.object_id_hint) from error

    @cached_property
    def commit(self) -> str | None:
        """The Git commit that the configuration is at, if it is in a repository."""
        return commit_of(self.configuration.directory, self.configuration.files)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        if self._provider is not None:
            self._provider.close()


_REQUESTS = 8
"""Operations that are requested at the same time."""


def fetch_open_operations(
    resources: Mapping[Address, RecordedResource], provider: Provider
) -> dict[str, Operation]:
    """The open operations whose ids are known, by id, without those that are forgotten.

    Costs no call when nothing is open. Raises ProviderError.
    """
    ids = sorted({o.id for r in resources.values() for o in r.operations if o.id is not None})
    if not ids:
        return {}

    def ask(operation_id: str) -> Operation | None:
        try:
            return provider.operation(operation_id)
        except NotFound:
            return None

    with ThreadPoolExecutor(min(_REQUESTS, len(ids))) as pool:
        found = zip(ids, pool.map(ask, ids), strict=True)
        return {asked: operation for asked, operation in found if operation is not None}
