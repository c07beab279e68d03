"""The token of an intent: which state, which address, which call.

It travels as the value of one label (at most 63 of a-z, 0-9, _ and -), so it names the state's
lineage by its first digits and the address by a digest. What is taken up without one, when a
state is made anew, has a token in the state alone.
"""

from __future__ import annotations

import hashlib
import re

from automl_plan.resources.address import Address

_TOKEN = re.compile(r"([0-9a-f]{12})-([0-9a-f]{12})-[0-9a-f]{32}")
_REBUILT = "rebuilt-"
LINEAGE_DIGITS = 12
"""First digits of a lineage that tell states apart on live objects."""


def new_token(lineage: str, address: Address, chance: str) -> str:
    """The token of one call for an address; `chance` is 32 random hex digits."""
    return f"{lineage[:LINEAGE_DIGITS]}-{address_mark(address)}-{chance}"


def rebuilt_token(operation_id: str) -> str:
    """What stands for the token of an operation that bears none."""
    return f"{_REBUILT}{operation_id}"


def is_borne(token: str) -> bool:
    """Whether what the call makes bears the token: else the lack of one proves nothing."""
    return not token.startswith(_REBUILT)


def address_mark(address: Address) -> str:
    """What stands for an address in a token."""
    return hashlib.sha256(str(address).encode()).hexdigest()[:12]


def mark_in(token: str, lineage: str) -> str | None:
    """The mark of the address that a token was given for by this state; None for another's.

    `lineage` "" means any state.
    """
    match = _TOKEN.fullmatch(token)
    if match is None or (lineage and match[1] != lineage[:LINEAGE_DIGITS]):
        return None
    return match[2]


def lineage_in(token: str) -> str | None:
    """The first digits of the lineage of the state that gave a token; None for no token."""
    match = _TOKEN.fullmatch(token)
    return None if match is None else match[1]
