"""Shell completion of addresses and names, from the files of the configuration and the state.

Nothing is validated, interpolated, written or requested over the network; whatever is invalid
suggests nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import Any

_KINDS = {"datasets": "dataset", "models": "model"}


def rejoin(environ: MutableMapping[str, str]) -> None:
    """Join what bash splits: it makes three words of `--target=model.a`."""
    if environ.get("_AUTOML_PLAN_COMPLETE") != "complete_bash":
        return
    words = environ.get("COMP_WORDS", "").split("\n")
    if "=" not in words:
        return
    with suppress(ValueError):
        current = int(environ.get("COMP_CWORD", ""))
        joined = words[:1]
        for word in words[1 : current + 1]:
            option, equals, _ = joined[-1].partition("=")
            follows = joined[-1] == f"{option}=" if equals else word == "="
            if option.startswith("--") and follows:
                joined[-1] += word
            else:
                joined.append(word)
        environ["COMP_CWORD"] = str(len(joined) - 1)
        environ["COMP_WORDS"] = "\n".join(joined + words[current + 1 :])


def addresses(incomplete: str) -> list[str]:
    """Return declared and recorded addresses."""
    return _fitting({*_declared(), *_recorded()}, incomplete)


def declared_addresses(incomplete: str) -> list[str]:
    """Return declared addresses."""
    return _fitting(_declared(), incomplete)


def recorded_addresses(incomplete: str) -> list[str]:
    """Return recorded addresses."""
    return _fitting(_recorded(), incomplete)


def datasets(incomplete: str) -> list[str]:
    """Return datasets by name, or by address once that is begun."""
    return _named("dataset", {*_declared(), *_recorded()}, incomplete)


def models(incomplete: str) -> list[str]:
    """Return models by name, or by address once that is begun."""
    return _named("model", {*_declared(), *_recorded()}, incomplete)


def recorded_models(incomplete: str) -> list[str]:
    """Return recorded models by name, or by address once that is begun."""
    return _named("model", _recorded(), incomplete)


def _named(kind: str, found: Iterable[str], incomplete: str) -> list[str]:
    own = [address for address in found if address.startswith(f"{kind}.")]
    names = [address.removeprefix(f"{kind}.") for address in own]
    return _fitting(names, incomplete) or _fitting(own, incomplete)


def _fitting(found: Iterable[str], incomplete: str) -> list[str]:
    return sorted(text for text in found if text.startswith(incomplete))


def _declared() -> set[str]:
    return {
        f"{kind}.{name}"
        for document in _documents()
        for section, kind in _KINDS.items()
        if isinstance(named := document.get(section), dict)
        for name in named
        if _is_address(f"{kind}.{name}")
    }


def _recorded() -> set[str]:
    with suppress(Exception):
        from automl_plan.state.store import StateStore

        return {str(address) for address in StateStore(_state_path()).read().resources}
    return set()


def declared_variables() -> set[str]:
    """Return the names of declared variables."""
    sections = [document.get("variables") for document in _documents()]
    return {name for section in sections if isinstance(section, dict) for name in section}


def _documents() -> list[dict[str, Any]]:
    """Return the documents of the configuration that can be read."""
    with suppress(Exception):
        from automl_plan.config.files import configuration_files, read
        from automl_plan.config.yaml_parser import parse

        found = []
        for path in configuration_files(Path.cwd(), ()):
            with suppress(Exception):
                value = parse(read(path, path.name), path.name).value
                if isinstance(value, dict):
                    found.append(value)
        return found
    return []


def _state_path() -> Path:
    from automl_plan.config.build import DEFAULT_STATE_PATH

    for document in _documents():
        with suppress(KeyError, TypeError):
            path: Any = document["state"]["local"]["path"]
            if isinstance(path, str):
                return Path.cwd() / path
    return Path.cwd() / DEFAULT_STATE_PATH


def _is_address(text: str) -> bool:
    from automl_plan.model.address import Address

    with suppress(ValueError):
        Address.parse(text)
        return True
    return False
