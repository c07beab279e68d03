"""Writes the provider that has taken over into the configuration."""

from __future__ import annotations

from pathlib import Path

from automl_plan.applying.migrating.preparing import Prepared
from automl_plan.applying.migrating.target import section_of
from automl_plan.config.files import Unreadable, configuration_files, read, replace
from automl_plan.config.provider_block import with_provider
from automl_plan.errors import AutomlPlanError

_MARK = "\N{BYTE ORDER MARK}"
_ENTWINED = (
    "the provider can't be changed there so that all else stays as it is (an alias, a merge key "
    "or a document in braces)"
)


def section(prepared: Prepared) -> str:
    """The section `provider` as it can be written by hand."""
    return section_of(prepared.target.configuration.provider)


def configure(prepared: Prepared) -> str | None:
    """Edit the one file that names the provider; why that can't be done, or None when it says it.

    Where it can't be edited so that all else stays as it is, nothing is changed.
    """
    before, wanted = prepared.source.configuration, prepared.target.configuration
    if before.digest == wanted.digest:
        return None
    try:
        return _edit(
            prepared, before.provider_file() or configuration_files(before.directory, ())[0]
        )
    except Unreadable as error:
        return f"{error.diagnostic.file}: {error.diagnostic.message}"
    except OSError as error:
        return f"{error.filename}: {error.strerror}"


def _edit(prepared: Prepared, path: Path) -> str | None:
    wanted = prepared.target.configuration
    former, target = prepared.source.configuration.provider.name, wanted.provider.name
    text = read(path, path.name)
    edited = with_provider(text, former, target, prepared.settings)
    if edited is None:
        return f"{path.name}: {_ENTWINED}"
    mark = _MARK if path.read_bytes().startswith(_MARK.encode()) else ""
    replace(path, mark + edited, path.name)
    why = f"{path.name}: with the new provider in it, it would say something else besides"
    try:
        with prepared.source.migrating() as anew:
            if anew.configuration.digest == wanted.digest:
                return None
    except AutomlPlanError as error:
        why = f"{path.name}: with the new provider in it, it can't be read: {error.message}"
    replace(path, mark + text, path.name)
    return why
