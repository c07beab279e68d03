"""Writes the provider that has taken over into the configuration."""

from __future__ import annotations

from automl_plan.applying.migrating.preparing import Prepared
from automl_plan.config.files import Unreadable, configuration_files, read, replace
from automl_plan.config.provider_block import block, with_provider
from automl_plan.errors import AutomlPlanError

_MARK = "\N{BYTE ORDER MARK}"


def section(prepared: Prepared) -> str:
    """The section `provider` as it can be written by hand."""
    provider = prepared.target.configuration.provider
    defaults = {"trainer": "sklearn"} if provider.name == "local" else {"location": "us-central1"}
    settings = {k: v for k, v in provider.settings.items() if defaults.get(k) != v}
    return block(provider.name, settings)


def configure(prepared: Prepared) -> bool:
    """Edit the one file that names the provider; whether the configuration says it now.

    Where it can't be edited so that all else stays as it is, nothing is changed.
    """
    before, wanted = prepared.source.configuration, prepared.target.configuration
    former, target = before.provider.name, wanted.provider.name
    if before.digest == wanted.digest:
        return True
    try:
        path = before.provider_file() or configuration_files(before.directory, ())[0]
        text = read(path, path.name)
        edited = with_provider(text, former, target, prepared.settings)
        if edited is None:
            return False
        mark = _MARK if path.read_bytes().startswith(_MARK.encode()) else ""
        replace(path, mark + edited, path.name)
        try:
            with prepared.source.migrating() as anew:
                right = anew.configuration.digest == wanted.digest
        except AutomlPlanError:
            right = False
        if not right:
            replace(path, mark + text, path.name)
    except (Unreadable, OSError):
        return False
    return right
