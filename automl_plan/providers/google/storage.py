"""Objects of Cloud Storage, through its JSON API."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Self
from urllib.parse import quote

from automl_plan.errors import FailedPrecondition
from automl_plan.providers.data_access import StoredObject
from automl_plan.providers.google.base_url import base_url
from automl_plan.providers.google.credentials import credentials_for
from automl_plan.providers.google.json_fields import integer
from automl_plan.providers.google.transport import HttpTransport

GOOGLE = "https://storage.googleapis.com"
EMULATOR_VARIABLE = "STORAGE_EMULATOR_HOST"
"""The variable that Google's storage clients read; with or without a scheme."""


def storage_url(environ: Mapping[str, str], otherwise: str = GOOGLE) -> str:
    """Where Cloud Storage is reached. Raises UsageError for a variable that names no place."""
    host = environ.get(EMULATOR_VARIABLE)
    return base_url(host, EMULATOR_VARIABLE) if host else otherwise


def open_storage(environ: Mapping[str, str]) -> Storage:
    """Open Cloud Storage without a configuration."""
    return Storage.at(storage_url(environ), None)


class Storage:
    """Reads objects and what is known of them, and writes new ones."""

    def __init__(self, transport: HttpTransport) -> None:
        self._transport = transport

    @classmethod
    def at(cls, base_url: str, quota_project: str | None, impersonate: str | None = None) -> Self:
        """The service at a base URL; credentials as `credentials_for` has them."""
        credentials = credentials_for(base_url, quota_project, impersonate)
        return cls(HttpTransport(base_url, credentials))

    def close(self) -> None:
        """Close connections."""
        self._transport.close()

    def fence(self, check: Callable[[], None]) -> None:
        """As `HttpTransport.fence`."""
        self._transport.fence(check)

    def content(self, bucket: str, name: str, limit: int) -> bytes:
        """Return an object's bytes. Raises NotFound, and AnswerTooLarge above the limit."""
        path = f"/storage/v1/b/{quote(bucket, safe='')}/o/{quote(name, safe='')}"
        return self._transport.get_bytes(path, {"alt": "media"}, limit=limit)

    def insert(self, bucket: str, name: str, content: bytes, content_type: str) -> None:
        """Write an object, unless there is one of that name.

        It is all there or not at all, and sending it again has no further effect (Cloud Storage
        JSON API, Objects: insert, ifGenerationMatch).
        """
        path = f"/upload/storage/v1/b/{quote(bucket, safe='')}/o"
        query = {"uploadType": "media", "name": name, "ifGenerationMatch": "0"}
        try:
            self._transport.upload(path, content, content_type, query)
        except FailedPrecondition as error:
            if error.http_status != 412:
                raise

    def objects(self, bucket: str, folder: str) -> Iterator[StoredObject]:
        """The objects of a folder (not those deeper down).

        A folder is "" or ends with a slash. Raises NotFound when there is no such bucket.
        """
        path = f"/storage/v1/b/{quote(bucket, safe='')}/o"
        fields = "items(name,md5Hash,crc32c,generation,size),nextPageToken"
        query = {"prefix": folder, "delimiter": "/", "maxResults": "1000", "fields": fields}
        for item in self._transport.pages(path, "items", query):
            md5 = item.get("md5Hash")
            version = f"md5:{md5}" if md5 else f"{item.get('crc32c')}:{item.get('generation')}"
            yield StoredObject(str(item.get("name")), version, integer(item.get("size")))
