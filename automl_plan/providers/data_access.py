"""What a provider says about import data: where objects are stored, and where local data goes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol, Self

from msgspec import Struct


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
    project: str
    location: str

    @classmethod
    def of(cls, uri: str, written: str, *, project: str, location: str) -> Self:
        """Return the bucket and the prefix of `gs://BUCKET[/PREFIX]`, a checked setting."""
        bucket, _, prefix = uri.removeprefix("gs://").rstrip("/").partition("/")
        return cls(bucket, f"{prefix}/" if prefix else "", written, project, location)

    def uri(self, name: str) -> str:
        """Return the URI of an object."""
        return f"gs://{self.bucket}/{name}"


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
