"""Requests that upload an object (Cloud Storage JSON API, "Uploads and downloads").

Simple uploads (`media`) and those with metadata (`multipart`), no resumable ones: what a request
may hold is far above the largest image.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from email.message import Message

from automl_plan.emulator.errors import Code, ServiceError, invalid
from automl_plan.emulator.http import Request

_UNKNOWN = re.compile(r"if(GenerationNotMatch|Metageneration(Not)?Match)", re.IGNORECASE)


def read_upload(request: Request) -> tuple[str, bytes]:
    """The name and the content of the object to be written."""
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
    told = metadata.get("md5Hash")
    if told is not None and told != _md5(content):
        raise invalid(("md5Hash", "It is not the MD5 of the content."))
    return name, content


def read_condition(query: Mapping[str, str]) -> int | None:
    """The generation that the object must have, 0 for none; None when any may be there."""
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
