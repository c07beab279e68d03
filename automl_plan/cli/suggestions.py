"""What to write instead of a flag or a command that does not exist: Terraform's, or a variable."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

_COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "taint": "A model is trained again by `automl-plan apply --replace model.NAME`.",
        "untaint": "Nothing is tainted: only `--replace ADDRESS` replaces, in that one plan.",
        "refresh": "`automl-plan apply --refresh-only` records what changed outside.",
        "workspace": (
            "Each environment has a state of its own: `state: {local: {path: "
            "state/${var.environment}.json}}` with `--var environment=NAME`, or a directory (`-C`)."
        ),
        "output": (
            "`automl-plan show PLANFILE --format outputs` prints what a plan does, for scripts; "
            "`automl-plan models show NAME --json` tells of a model."
        ),
        "get": "There are no modules: nothing has to be fetched.",
        "providers": "The provider is chosen by `provider:` in the configuration.",
    }
)
"""Commands of Terraform that are none here."""
_FLAGS: Mapping[str, str] = MappingProxyType(
    {
        "refresh=false": "write --no-refresh",
        "refresh=true": "leave it out: it is the default",
        "chdir": "write -C DIR or --chdir DIR",
        "no-color": "write --no-color",
        "input=false": "leave it out: nothing is asked without a terminal",
        "lock=false": "a state is always locked; --lock-timeout SECONDS waits for it",
        "generate-config-out": "`automl-plan import --all --write NAME.automl.yaml` writes it",
    }
)
"""Flags of Terraform that are called otherwise here, or have no like."""
_FLAG = re.compile(r"-{1,2}([a-z][a-z_-]+)(?:=(.*))?", re.DOTALL)


def suggestion(error: Any, arguments: Sequence[str]) -> str | None:
    """What to write instead, for an error of the command line's parser; None: it says enough.

    From then on the error names the flag as it was written, and nothing far from it.
    """
    wrong = getattr(error, "option_name", None)
    if wrong is None:
        return _of_command(error)
    params = {o: p for p in getattr(error.ctx.command, "params", ()) for o in p.opts}
    words = list(arguments[: arguments.index("--") if "--" in arguments else None])
    for word, following in zip(words, [*words[1:], "-"], strict=True):
        flag = _FLAG.fullmatch(word)
        # Letters behind one dash are taken for flags of one letter each.
        if flag is None or not (word.startswith(wrong) or word == "-help"):
            continue
        single = not word.startswith("--")
        given = f" {following}" if flag[2] is None else f"={flag[2]}"
        told = _of_flag(flag[1], given, params, single=single)
        near = _near(flag[1], error.possibilities or ())
        error.possibilities = None if told else near
        error.message = f"No such option: {word}"
        if told is None and not near and "--var" in params:
            told = "A variable is given a value with --var NAME=VALUE; -h lists all options."
        return told
    return None


def _of_command(error: Any) -> str | None:
    found = re.match(r"No such command '([^']*)'", error.format_message())
    if found is None or getattr(error.ctx, "parent", None) is not None:
        return None
    told = _COMMANDS.get(found[1])
    if told is not None:
        error.message = f"{found[0]}."
    return told


def _of_flag(name: str, given: str, params: Mapping[str, Any], *, single: bool) -> str | None:
    """`given`: the value behind its equals sign, or a blank and the word that follows."""
    told = _FLAGS.get(f"{name}{given}") or _FLAGS.get(name)
    if told is not None:
        return f"{told[0].upper()}{told[1:]}."
    value = "" if given.startswith(" -") else given
    if single and f"--{name}" in params:
        takes_one = value and not getattr(params[f"--{name}"], "is_flag", False)
        return f"Options take two dashes: write --{name}{value if takes_one else ''}."
    variable = name.replace("-", "_")
    if "--var" in params and variable in _variables():
        return f"It is a variable: write --var {variable}={value[1:] or '…'}."
    if single:
        return "Options take two dashes; -h lists all."
    return None


def _near(name: str, candidates: Sequence[str]) -> list[str]:
    """Those that are alike without their dashes, too."""
    found = difflib.get_close_matches(name, [each.lstrip("-") for each in candidates])
    return [f"--{each}" for each in found]


def _variables() -> set[str]:
    from automl_plan.cli.completion import declared_variables

    return declared_variables()
