"""Named rules on the receivers of messages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from automl_plan.config.findings import Finding, KeyPath, quoted
from automl_plan.config.rule import ResolvedConfig, Rule, registrar
from automl_plan.model.address import NAME_PATTERN
from automl_plan.model.notices import Way

_HOST = r"[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?"
_MAIL_ADDRESS = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@" + _HOST
"""Without what would need quoting."""
_LONGEST_ADDRESS = 254
RULES: dict[str, Rule] = {}
"""All rules of this module, by id."""
_rule = registrar(RULES)


@_rule("notify-way", "A receiver has one channel.")
def _notify_way(config: ResolvedConfig) -> Iterator[Finding]:
    for name, entry in config.notify.items():
        if not re.fullmatch(NAME_PATTERN, name):
            message = f"{quoted(name)} is not a valid receiver name"
            hint = "write a letter, then up to 62 letters, digits, _ or -"
            yield Finding(("notify", name), "notify-way", message, hint)
        ways = [way for way in Way if way in entry]
        if len(ways) != 1:
            message = f"the receiver has {' and '.join(ways) or 'no channel'}"
            hint = f"write one of {', '.join(Way)}"
            yield Finding(("notify", name), "notify-way", message, hint)
        if entry.get("command") == []:
            yield Finding(
                ("notify", name, "command"), "notify-way", "the command is empty", "write a program"
            )
        for way in ways:
            yield from _addresses(("notify", name, way), entry[way])
        webhook = entry.get("webhook")
        if webhook is not None and ("url" in webhook) == ("url_env" in webhook):
            yield Finding(
                ("notify", name, "webhook"),
                "notify-way",
                "a webhook needs exactly one address",
                "write url, or url_env: the environment variable with the URL",
            )


@_rule("notify-email", "An e-mail has a mail server, a sender and receivers.")
def _notify_email(config: ResolvedConfig) -> Iterator[Finding]:
    for name, entry in config.notify.items():
        email = entry.get("email")
        if email is None:
            continue
        path: KeyPath = ("notify", name, "email")
        if not re.fullmatch(_HOST, email.get("host", "x")):
            message, hint = f"{quoted(email['host'])} is not a host name", "write smtp.example.com"
            yield Finding((*path, "host"), "notify-email", message, hint)
        if not 1 <= email.get("port", 1) <= 65535:
            message = f"{email['port']} is not a port"
            yield Finding((*path, "port"), "notify-email", message, "write 1 to 65535")
        addresses: list[tuple[KeyPath, str]] = []
        if "from" in email:
            addresses.append(((*path, "from"), email["from"]))
        addresses += [((*path, "to", str(i)), each) for i, each in enumerate(email.get("to", ()))]
        for place, address in addresses:
            if len(address) > _LONGEST_ADDRESS or not re.fullmatch(_MAIL_ADDRESS, address):
                message = f"{quoted(address)} is not an e-mail address"
                hint = "write only the address, such as name@example.com, in ASCII"
                yield Finding(place, "notify-email", message, hint)
        if email.get("to") == []:
            yield Finding(
                (*path, "to"),
                "notify-email",
                "the e-mail has no recipients",
                "write at least one address",
            )
        if ("username_env" in email) != ("password_env" in email):
            message = "a login needs a user name and a password"
            hint = "write both username_env and password_env, or neither"
            yield Finding(path, "notify-email", message, hint)


def _addresses(path: KeyPath, entry: Any) -> Iterator[Finding]:
    if not isinstance(entry, dict):
        return
    for key, value in entry.items():
        if key == "url" and not re.fullmatch(r"https?://[^\s@]+", value):
            message = f"{quoted(value)} is not a webhook URL"
            hint = "write https://…; keep a secret URL in the environment: url_env"
            yield Finding((*path, key), "notify-way", message, hint)
        if key.endswith("_env") and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value):
            message = f"{key} is not the name of an environment variable"  # its value may be secret
            yield Finding((*path, key), "notify-way", message, "write the name, not the value")
