"""One question about Google's service that nothing published answers for certain."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class Reading(Struct, frozen=True):
    """One question about Google's service, and the answers that it may have.

    `values` maps each value to what the service does then. `recorded` is the default: what
    Google's published answers show, or else what is likeliest. `former` is what the service did
    before it had readings. `sources` are public documents, samples or protos.
    """

    name: str
    about: str
    values: Mapping[str, str]
    recorded: str
    former: str
    sources: tuple[str, ...]
