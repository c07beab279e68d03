"""All commands by name; the module of one is imported when somebody asks for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

_MODULES = {
    "init": "init",
    "validate": "validate",
    "fmt": "fmt",
    "schema": "schema",
    "graph": "graph",
    "plan": "plan",
    "apply": "apply",
    "wait": "wait",
    "watch": "watch",
    "destroy": "destroy",
    "why": "why",
    "drift": "drift",
    "cost": "cost",
    "show": "show",
    "comment": "comment",
    "import": "import_",
    "resolve": "resolve",
    "force-unlock": "force_unlock",
    "version": "version",
    "datasets": "datasets",
    "models": "models",
    "operations": "operations",
    "state": "state",
    "emulator": "emulator",
}
"""In the order of the help. A module registers its command, or has an `app` of several."""


class ByName(TyperGroup):
    """A group that does not look its commands up to tell their names."""

    def list_commands(self, _ctx: Any) -> list[str]:
        """The names, in the order of the help."""
        return list(self.commands)


class Commands(MutableMapping[str, Any]):
    """What the command line's group looks its commands up in."""

    def __init__(self, others: Mapping[str, Any]) -> None:
        """`others` are there already."""
        self._loaded = dict(others)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys((*_MODULES, *self._loaded)))

    def __len__(self) -> int:
        return len({*_MODULES, *self._loaded})

    def __contains__(self, name: object) -> bool:
        return name in _MODULES or name in self._loaded

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            self._loaded[name] = _loaded(name, _MODULES[name])
        return self._loaded[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        del self._loaded[name]


def _loaded(name: str, module_name: str) -> Any:
    module = import_module(f"automl_plan.cli.{module_name}")
    parent = typer.Typer(rich_markup_mode=None, add_completion=False)
    if hasattr(module, "app"):
        parent.add_typer(module.app)
    else:
        module.register(parent)
    return typer.main.get_group(parent).commands[name]
