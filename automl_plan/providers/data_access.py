"""What a provider says about import data: where objects are stored, and where local data goes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Protocol

from msgspec import Struct

SCHEME = "gs://"
"""How the URI of a stored object begins; every other text is a path on this machine."""
_OBJECT = re.compile(rf"{SCHEME}([^/]+)/(.+)", re.DOTALL)


def is_stored(place: str) -> bool:
    """Return whether a text is meant as the URI of a stored object."""
    return place.startswith(SCHEME)


def bucket_and_object(uri: str) -> tuple[str, str] | None:
    """Return the bucket and the object of SCHEME BUCKET/OBJECT; None for what is no such URI."""
    match = _OBJECT.fullmatch(uri)
    return None if match is None else (match[1], match[2])


def object_uri(bucket: str, name: str) -> str:
    """Return the URI of an object."""
    return f"{SCHEME}{bucket}/{name}"


class StoredObject(Struct, frozen=True):
    """What is known of an object without reading it."""

    name: str
    version: str
    """Identifies its content: `md5:` and base64, which all objects but composed ones have; else
    checksum and generation."""
    size: int | None
    """Bytes, where the service reports them."""


class ObjectStorage(Protocol):
    """Objects in buckets. All methods raise ProviderError."""

    def content(self, bucket: str, name: str, limit: int) -> bytes:
        """Return an object's bytes. Raises NotFound, and AnswerTooLarge above the limit."""

    def insert(self, bucket: str, name: str, content: bytes, content_type: str) -> None:
        """Write an object, unless there is one of that name."""

    def objects(self, bucket: str, folder: str) -> Iterator[StoredObject]:
        """Yield the objects of a folder, "" or with a slash at its end, but none deeper down.

        Raises NotFound when there is no such bucket.
        """

    def close(self) -> None:
        """Close connections."""


class StagingBucket(Struct, frozen=True):
    """The setting `staging_bucket`, and where it is written."""

    bucket: str
    prefix: str
    """Empty, or ends with a slash."""
    written: str
    """`provider.vertex.staging_bucket`"""
    if_missing: str
    """What to do where there is no such bucket."""
    remove: str
    """The command, followed by a URI, that deletes an object."""

    def uri(self, name: str) -> str:
        """Return the URI of an object."""
        return object_uri(self.bucket, name)


class DataAccess(Struct, frozen=True):
    """How import data reaches a service."""

    storage: ObjectStorage
    """Closed with the provider."""
    staging: StagingBucket | None = None
    """Where local data is uploaded before an import; None: the service gets the sources as they
    are declared."""
    set_names: Mapping[str, str] | None = None
    """The service's words for the sets of images, in uploaded CSVs; None: as they are written."""
    formats: tuple[str, ...] = (".csv",)
    """How the names of the import files end that the service imports; others become CSVs."""
