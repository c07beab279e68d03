"""What to write instead of a flag or a command that does not exist: Terraform's, or a variable.

Also where a command is in another group, and how what SDKs do by a call is declared here.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import typer

from automl_plan.cli.commands import COMMANDS

_COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "taint": "To train a model again, run `automl-plan apply --replace model.NAME`.",
        "untaint": "Nothing is tainted: `--replace ADDRESS` replaces in that one plan only.",
        "refresh": "Run `automl-plan apply --refresh-only` to record outside changes.",
        "workspace": (
            "Give each environment its own state: `state: {local: {path: "
            "state/${var.environment}.json}}` with `--var environment=NAME`, or a directory (`-C`)."
        ),
        "output": (
            "Run `automl-plan show PLANFILE --format outputs` for the outputs of a plan, or "
            "`automl-plan models show NAME --json` for a model."
        ),
        "get": "There are no modules to download.",
        "providers": "Set `provider:` in the configuration.",
        "login": "Credentials come from the provider's own tool; the provider `local` needs none.",
    }
)
"""Commands of Terraform that don't exist here."""
_DECLARE = "Declare it under `{}:` in the configuration, and run `automl-plan apply`."
_DECLARED = ("create", "update", "import", "train", "retrain", "deploy", "undeploy", "patch")
_OF_GROUPS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        **{("datasets", each): _DECLARE.format("datasets") for each in _DECLARED},
        **{("models", each): _DECLARE.format("models") for each in _DECLARED},
        ("datasets", "delete"): (
            "Remove it from the configuration, and run `automl-plan apply`; "
            "`automl-plan import --all` shows what is not managed."
        ),
        ("state", "pull"): (
            "The state is a file: copy it from its place (`state:` of the configuration)."
        ),
    }
)
"""Commands of SDKs and Terraform that don't exist in a group."""
_FLAGS: Mapping[str, str] = MappingProxyType(
    {
        "refresh=false": "Write --no-refresh.",
        "refresh=true": "Leave it out: it is the default.",
        **dict.fromkeys(
            ("y", "yes", "force", "assume-yes", "approve"),
            "To approve without being asked, write --auto-approve.",
        ),
        "dry-run": "`automl-plan plan` shows what `automl-plan apply` would do.",
        "chdir": "Write -C DIR or --chdir DIR.",
        "no-color": "Write --no-color.",
        "input=false": "Leave it out: without a terminal nothing is asked.",
        "lock=false": "The state is always locked; --lock-timeout SECONDS waits for it.",
        "generate-config-out": "Run `automl-plan import --all --write NAME.automl.yaml`.",
    }
)
"""Flags of Terraform and others that have another name here, or no equivalent."""
_ELSEWHERE: Mapping[str, str] = MappingProxyType(
    {
        "json": "This command prints nothing for programs: its exit code says how it ended.",
        "auto-approve": "Leave it out: this command needs no approval.",
    }
)
"""Flags of most commands, for those that don't have them."""
_FLAG = re.compile(r"-{1,2}([a-z][a-z_-]+|y)(?:=(.*))?", re.DOTALL)


def improved(error: typer.TyperException, arguments: Sequence[str]) -> tuple[str, str | None]:
    """Return the message of the parser's error, improved, and what to write instead, if known."""
    message = error.format_message()
    ctx: typer.Context | None = getattr(error, "ctx", None)
    if ctx is None:
        return message, None
    option: str | None = getattr(error, "option_name", None)
    if option is not None and message.startswith("No such option"):
        return _of_option(option, ctx, arguments) or (message, None)
    command = re.match(r"No such command '([^']*)'", message)
    if command is None:
        return message, None
    asked, group = command[1], "" if ctx.parent is None else str(ctx.info_name)
    hint = _OF_GROUPS.get((group, asked)) if group else _COMMANDS.get(asked)
    if hint is None:
        names = ctx.command.list_commands(ctx)  # type: ignore[attr-defined]
        found = _elsewhere(asked) or difflib.get_close_matches(asked, names)
        near = ", ".join(f"'{name}'" for name in found)
        message += f" Did you mean {near}?" if near else ""
    return message, hint


def _elsewhere(asked: str) -> list[str]:
    """Return the commands of this name, in all groups and outside of them."""
    found = [asked] if asked in COMMANDS else []
    return found + [f"{group} {asked}" for group, e in COMMANDS.items() if asked in e.commands]


def _of_option(
    option: str, ctx: typer.Context, arguments: Sequence[str]
) -> tuple[str, str | None] | None:
    params = {name: param for param in ctx.command.params for name in param.opts}
    words = list(arguments[: arguments.index("--") if "--" in arguments else None])
    for word, following in zip(words, [*words[1:], "-"], strict=True):
        flag = _FLAG.fullmatch(word)
        # Letters behind one dash are parsed as flags of one letter each.
        if flag is None or not (word.startswith(option) or word == "-help"):
            continue
        single = not word.startswith("--")
        given = f" {following}" if flag[2] is None else f"={flag[2]}"
        hint = _hint(flag[1], given, params, single=single)
        near = [] if hint else _near(flag[1], params)
        if hint is None and not near and "--var" in params:
            hint = "Set a variable with --var NAME=VALUE; -h lists all options."
        more = f" Did you mean {', '.join(near)}?" if near else ""
        return f"No such option '{word}'.{more}", hint
    return None


def _hint(name: str, given: str, params: Mapping[str, Any], *, single: bool) -> str | None:
    """`given`: the value behind its equals sign, or a blank and the word that follows."""
    known = _FLAGS.get(f"{name}{given}") or _FLAGS.get(name)
    if known is not None:
        return known
    if name in _ELSEWHERE and f"--{name}" not in params:
        return _ELSEWHERE[name]
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


def _near(name: str, options: Iterable[str]) -> list[str]:
    """Return the options whose names are like it, without their dashes."""
    names = [each.lstrip("-") for each in options if each.startswith("--")]
    return [f"--{each}" for each in difflib.get_close_matches(name, names)]


def _variables() -> set[str]:
    from automl_plan.cli.completion import declared_variables

    return declared_variables()
