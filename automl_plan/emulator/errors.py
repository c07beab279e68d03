"""Errors of requests and operations, with google.rpc codes."""

from collections.abc import Sequence
from enum import IntEnum
from typing import TypeVar

Item = TypeVar("Item")


class Code(IntEnum):
    """A google.rpc code (google/rpc/code.proto)."""

    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16

    @property
    def http_status(self) -> int:
        """The HTTP status that google/rpc/code.proto maps this code to."""
        return _HTTP_STATUS[self]


_HTTP_STATUS = {
    Code.CANCELLED: 499,
    Code.UNKNOWN: 500,
    Code.INVALID_ARGUMENT: 400,
    Code.DEADLINE_EXCEEDED: 504,
    Code.NOT_FOUND: 404,
    Code.ALREADY_EXISTS: 409,
    Code.PERMISSION_DENIED: 403,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.FAILED_PRECONDITION: 400,
    Code.ABORTED: 409,
    Code.OUT_OF_RANGE: 400,
    Code.UNIMPLEMENTED: 501,
    Code.INTERNAL: 500,
    Code.UNAVAILABLE: 503,
    Code.DATA_LOSS: 500,
    Code.UNAUTHENTICATED: 401,
}


class ServiceError(Exception):
    """A request or an operation that failed: a google.rpc code and a text for people."""

    def __init__(self, code: Code, message: str, details: Sequence[dict[str, object]] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = tuple(details)


class StartError(Exception):
    """The service can't start; the text says why, `status` is the process's exit code."""

    def __init__(self, message: str, status: int = 1) -> None:
        super().__init__(message)
        self.status = status


def invalid(*violations: tuple[str, str]) -> ServiceError:
    """Return INVALID_ARGUMENT in the service's form: a numbered list of (field path, message)."""
    listed = "".join(
        f"{number}.Field: {field}; Message: {message}\t"
        for number, (field, message) in enumerate(violations, start=1)
    )
    return ServiceError(Code.INVALID_ARGUMENT, f"List of found errors:\t{listed}")


def not_found(message: str) -> ServiceError:
    """Return NOT_FOUND with the service's text for the missing object."""
    return ServiceError(Code.NOT_FOUND, message)


def precondition(message: str) -> ServiceError:
    """Return FAILED_PRECONDITION: the request is valid, the object's state forbids it."""
    return ServiceError(Code.FAILED_PRECONDITION, message)


def required(item: Item | None, message: str) -> Item:
    """Return an object; raise NOT_FOUND when there is none."""
    if item is None:
        raise not_found(message)
    return item
