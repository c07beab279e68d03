"""The routes of Cloud Storage's JSON API: an object's metadata, its bytes, lists and uploads."""

import base64
import binascii
import hashlib
import os
import re
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

from automl_plan.emulator.errors import Code, ServiceError, invalid
from automl_plan.emulator.files import Files
from automl_plan.emulator.http import Found, Reply, Request, find, json_reply, route
from automl_plan.emulator.storage.uploads import read_condition, read_upload
from automl_plan.emulator.storage.writing import ObjectWriter

_OBJECTS = "/storage/v1/b/{bucket}/o"
_STATUSES = {Code.FAILED_PRECONDITION: 412}
"""Where Cloud Storage's differ from those of google.rpc codes."""
_MAX_RESULTS = 1000
_REASONS = {
    Code.NOT_FOUND: "notFound",
    Code.FAILED_PRECONDITION: "conditionNotMet",
    Code.PERMISSION_DENIED: "forbidden",
    Code.UNAUTHENTICATED: "authError",
    Code.RESOURCE_EXHAUSTED: "rateLimitExceeded",
    Code.INTERNAL: "internalError",
    Code.UNAVAILABLE: "backendError",
}


class StorageFront:
    """Cloud Storage over the bucket root. Answers have no `etag`, `crc32c` and no ACLs."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._writer = ObjectWriter(files)
        self._routes = (
            route("objects.get", "GET", _OBJECTS + "/{object}", self._get),
            route("objects.get", "GET", "/download" + _OBJECTS + "/{object}", self._get),
            route("objects.list", "GET", _OBJECTS, self._list),
            route("objects.insert", "POST", "/upload" + _OBJECTS, self._insert),
        )

    def handler(self, request: Request) -> Found | None:
        """The method that a request calls."""
        return find(self._routes, request)

    def error(self, error: ServiceError) -> Reply:
        """The error in Cloud Storage's own envelope."""
        reason = _REASONS.get(error.code, "invalid")
        status = _STATUSES.get(error.code, error.code.http_status)
        cause = {"message": error.message, "domain": "global", "reason": reason}
        body = {"code": status, "message": error.message, "errors": [cause]}
        return json_reply({"error": body}, status)

    def _get(self, request: Request) -> Reply:
        bucket, name = request.params["bucket"], request.params["object"]
        self._bucket(bucket)
        path = self._files.object(bucket, name)
        if path is None:
            raise ServiceError(Code.NOT_FOUND, f"No such object: {bucket}/{name}")
        try:
            if request.query.get("alt") == "media":
                return Reply(200, path.read_bytes(), "application/octet-stream")
            return json_reply(_metadata(bucket, name, path))
        except OSError as error:
            raise ServiceError(Code.NOT_FOUND, f"No such object: {bucket}/{name}") from error

    def _list(self, request: Request) -> Reply:
        bucket = request.params["bucket"]
        folder = self._bucket(bucket)
        prefix = request.query.get("prefix", "")
        after = _read_token(request.query.get("pageToken", ""))
        size = _page_size(request.query.get("maxResults", ""))
        found = sorted(
            (name, path)
            for name, path in self._files.objects(folder)
            if name.startswith(prefix) and name > after
        )
        body: dict[str, object] = {"kind": "storage#objects"}
        if len(found) > size:
            last = found[size - 1][0]
            body["nextPageToken"] = base64.urlsafe_b64encode(last.encode()).decode()
        items = [_metadata(bucket, name, path) for name, path in found[:size]]
        if items:
            body["items"] = items
        return json_reply(body)

    def _insert(self, request: Request) -> Reply:
        bucket = request.params["bucket"]
        folder = self._bucket(bucket)
        name, content = read_upload(request)
        path = self._writer.write(folder, name, content, read_condition(request.query))
        return json_reply(_metadata(bucket, name, path))

    def _bucket(self, name: str) -> Path:
        folder = self._files.bucket(name)
        if folder is None:
            raise ServiceError(Code.NOT_FOUND, "The specified bucket does not exist.")
        return folder


def _metadata(bucket: str, name: str, path: Path) -> dict[str, object]:
    status = path.stat()
    instant = datetime.fromtimestamp(status.st_mtime_ns // 1_000_000 / 1000, UTC)
    updated = instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    generation = str(status.st_mtime_ns)
    return {
        "kind": "storage#object",
        "id": f"{bucket}/{name}/{generation}",
        "selfLink": f"/storage/v1/b/{bucket}/o/{quote(name, safe='')}",
        "name": name,
        "bucket": bucket,
        "generation": generation,
        "metageneration": "1",
        "contentType": "application/octet-stream",
        "storageClass": "STANDARD",
        "size": str(status.st_size),
        "md5Hash": _md5(os.fspath(path), status.st_mtime_ns, status.st_size, status.st_ino),
        "timeCreated": updated,
        "updated": updated,
    }


@lru_cache(maxsize=65_536)
def _md5(path: str, *_version: int) -> str:
    """The digest of a file's bytes, read once for each of its versions."""
    with Path(path).open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
    return base64.b64encode(digest.digest()).decode("ascii")


def _page_size(text: str) -> int:
    if not text:
        return _MAX_RESULTS
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII) or int(text) == 0:
        raise invalid(("maxResults", "It must be a number above 0."))
    return min(int(text), _MAX_RESULTS)


def _read_token(text: str) -> str:
    try:
        return base64.b64decode(text, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise invalid(("pageToken", "It is not a page token of this list.")) from error
