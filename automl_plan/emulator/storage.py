"""Cloud Storage's JSON API v1: the folders below the bucket root are the buckets."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import re
import tempfile
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from email.message import Message
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

from automl_plan.emulator.errors import Code, ServiceError, invalid
from automl_plan.emulator.files import FileRefused, Files
from automl_plan.emulator.http import Front, Reply, Request, json_reply, route


class ObjectWriter:
    """Writes objects below the bucket root, and nowhere else."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._lock = threading.Lock()

    def write(self, bucket: Path, name: str, content: bytes, generation: int | None) -> Path:
        """Write an object into a bucket's folder and return its file.

        `generation` is the required one of the existing object: 0 if none may exist, None if
        that doesn't matter.
        """
        try:
            path = self._files.place(bucket, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            self._put(path, content, generation)
        except FileRefused as error:
            raise invalid(("name", str(error))) from error
        except (NotADirectoryError, IsADirectoryError, FileExistsError) as error:
            # Cloud Storage has no folders, so there both can exist.
            message = "In the emulator there can't be both an object a and an object a/b."
            raise invalid(("name", message)) from error
        except OSError as error:  # the disk is full, a name is too long for it
            raise ServiceError(Code.INTERNAL, f"Can't write the file: {error.strerror}.") from error
        return path

    def _put(self, path: Path, content: bytes, generation: int | None) -> None:
        # Outside the buckets, where a draft would be listed as an object.
        descriptor, draft = tempfile.mkstemp(prefix=".upload-", dir=self._files.bucket_root)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            with self._lock:
                if path.is_dir():
                    raise IsADirectoryError
                if generation is not None and generation != _generation(path):
                    raise ServiceError(
                        Code.FAILED_PRECONDITION,
                        "At least one of the pre-conditions you specified did not hold.",
                    )
                Path(draft).replace(path)
        finally:
            Path(draft).unlink(missing_ok=True)


def _generation(path: Path) -> int:
    """The generation of an object, as in its metadata; 0 when there is none."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


_UNKNOWN = re.compile(r"if(GenerationNotMatch|Metageneration(Not)?Match)", re.IGNORECASE)


def read_upload(request: Request) -> tuple[str, bytes]:
    """Return the name and the content of an uploaded object."""
    kind = request.query.get("uploadType", "")
    metadata: dict[str, object] = {}
    content = request.body
    if kind == "multipart":
        metadata, content = _related(request)
    elif kind != "media":
        raise ServiceError(
            Code.UNIMPLEMENTED, "The emulator takes uploads of the types media and multipart only."
        )
    name = request.query.get("name") or metadata.get("name")
    if not isinstance(name, str) or not name:
        raise invalid(("name", "Required."))
    if re.search(r"[\ud800-\udfff]", name):
        raise invalid(("name", "It can't be written in UTF-8."))
    expected = metadata.get("md5Hash")
    if expected is not None and expected != _md5(content):
        raise invalid(("md5Hash", "It is not the MD5 of the content."))
    return name, content


def read_condition(query: Mapping[str, str]) -> int | None:
    """Return the required generation of the existing object, 0 for none; None if any will do."""
    for key in query:
        if _UNKNOWN.fullmatch(key):
            raise ServiceError(Code.UNIMPLEMENTED, f"The emulator does not know {key}.")
    text = query.get("ifGenerationMatch")
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,19}", text):
        raise invalid(("ifGenerationMatch", "It must be a number."))
    return int(text)


def _related(request: Request) -> tuple[dict[str, object], bytes]:
    """The two parts of a multipart/related body (RFC 2387): metadata and content."""
    header = Message()
    header["Content-Type"] = request.content_type
    boundary = header.get_boundary()
    if header.get_content_type() != "multipart/related" or not boundary:
        raise invalid(("Content-Type", "It must be multipart/related with a boundary."))
    mark = b"\r\n--" + boundary.encode()
    pieces = (b"\r\n" + request.body).split(mark)
    if len(pieces) != 4 or not pieces[3].startswith(b"--"):
        raise invalid(("body", "It must have two parts: metadata and content."))
    first, content = (piece.partition(b"\r\n\r\n")[2] for piece in pieces[1:3])
    try:
        metadata = json.loads(first)
    except (ValueError, RecursionError):
        metadata = None
    if not isinstance(metadata, dict):
        raise invalid(("body", "The first part must be the metadata of an object, as JSON."))
    return metadata, content


def _md5(content: bytes) -> str:
    digest = hashlib.md5(content, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode("ascii")


_OBJECTS = "/storage/v1/b/{bucket}/o"
_STATUSES = {Code.FAILED_PRECONDITION: 412}
"""Statuses that differ from those of google.rpc codes."""
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


def storage_front(files: Files) -> Front:
    """Return Cloud Storage over the bucket root. Answers have no `etag`, `crc32c` and no ACLs."""
    methods = _ObjectMethods(files)
    return Front(
        (
            route("objects.get", "GET", _OBJECTS + "/{object}", methods.get),
            route("objects.get", "GET", "/download" + _OBJECTS + "/{object}", methods.get),
            route("objects.list", "GET", _OBJECTS, methods.list),
            route("objects.insert", "POST", "/upload" + _OBJECTS, methods.insert),
        ),
        error=_error_reply,
    )


def _error_reply(error: ServiceError) -> Reply:
    """The error in Cloud Storage's own form."""
    reason = _REASONS.get(error.code, "invalid")
    status = _STATUSES.get(error.code, error.code.http_status)
    cause = {"message": error.message, "domain": "global", "reason": reason}
    body = {"code": status, "message": error.message, "errors": [cause]}
    return json_reply({"error": body}, status)


class _ObjectMethods:
    """The methods under `…/o`."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._writer = ObjectWriter(files)

    def get(self, request: Request) -> Reply:
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

    def list(self, request: Request) -> Reply:
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

    def insert(self, request: Request) -> Reply:
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
        "md5Hash": _file_md5(os.fspath(path), status.st_mtime_ns, status.st_size, status.st_ino),
        "timeCreated": updated,
        "updated": updated,
    }


@lru_cache(maxsize=65_536)
def _file_md5(path: str, *_version: int) -> str:
    """The digest of a file, read once for each of its versions."""
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
