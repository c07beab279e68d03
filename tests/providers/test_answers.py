"""Errors of the service in our tree: which class, which words, which hint."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl_plan import errors
from automl_plan.errors import ApiError
from automl_plan.providers.google.errors import api_error


def error(
    status: int, content: object = None, body: bytes = b"", host: str = "127.0.0.1", **headers: str
) -> ApiError:
    sent = body if content is None else json.dumps(content).encode()
    return api_error(status, headers, sent, where="GET /v1/x", host=host)


def envelope(status: str | None = None, message: str = "No.", *details: Any) -> dict[str, Any]:
    content: dict[str, Any] = {"message": message, "details": list(details)}
    return {"error": {**content, "status": status} if status else content}


NAMED = [
    (400, "INVALID_ARGUMENT", errors.InvalidArgument),
    (400, "FAILED_PRECONDITION", errors.FailedPrecondition),
    (400, "OUT_OF_RANGE", errors.OutOfRange),
    (401, "UNAUTHENTICATED", errors.Unauthenticated),
    (403, "PERMISSION_DENIED", errors.PermissionDenied),
    (404, "NOT_FOUND", errors.NotFound),
    (409, "ALREADY_EXISTS", errors.AlreadyExists),
    (409, "ABORTED", errors.Aborted),
    (429, "RESOURCE_EXHAUSTED", errors.ResourceExhausted),
    (499, "CANCELLED", errors.Cancelled),
    (500, "INTERNAL", errors.Internal),
    (500, "UNKNOWN", errors.Unknown),
    (500, "DATA_LOSS", errors.DataLoss),
    (501, "UNIMPLEMENTED", errors.Unimplemented),
    (503, "UNAVAILABLE", errors.Unavailable),
    (504, "DEADLINE_EXCEEDED", errors.DeadlineExceeded),
]


@pytest.mark.parametrize(("http", "status", "kind"), NAMED)
def test_the_status_decides(http: int, status: str, kind: type[ApiError]) -> None:
    found = error(http, envelope(status, "It says so."))
    assert type(found) is kind
    assert (found.status, found.http_status, found.message) == (status, http, "It says so.")
    assert found.where == "GET /v1/x"


@pytest.mark.parametrize(
    ("http", "kind"),
    [
        (400, errors.InvalidArgument),
        (401, errors.Unauthenticated),
        (403, errors.PermissionDenied),
        (404, errors.NotFound),
        (409, errors.Aborted),
        (412, errors.FailedPrecondition),
        (418, errors.Unknown),
        (429, errors.ResourceExhausted),
        (499, errors.Cancelled),
        (500, errors.Internal),
        (501, errors.Unimplemented),
        (502, errors.Unavailable),
        (503, errors.Unavailable),
        (504, errors.DeadlineExceeded),
        (599, errors.Internal),
    ],
)
def test_without_a_status_the_code_decides(http: int, kind: type[ApiError]) -> None:
    assert type(error(http, envelope())) is kind
    found = error(http, body=b"<html>\n  <p>Oh\x1b[31m no</p>")
    assert type(found) is kind
    assert found.message == f"HTTP {http}, and no error of Google's form."


def test_a_list_around_the_error() -> None:
    found = error(404, [envelope("NOT_FOUND", "The model does not exist.")])
    assert (type(found), found.message) == (errors.NotFound, "The model does not exist.")


def test_google_s_list_of_fields_is_one_line() -> None:
    text = "List of found errors:\t1.Field: payload.payload; Message: Required field not set.\t"
    found = error(400, envelope("INVALID_ARGUMENT", text))
    assert found.message == (
        "List of found errors: 1.Field: payload.payload; Message: Required field not set."
    )


def test_details_are_told() -> None:
    fields = {"fieldViolations": [{"field": "model.labels", "description": "Too long."}]}
    links = {"links": [{"description": "Quotas", "url": "https://cloud.google.com/q"}]}
    reason = {"reason": "RATE_LIMIT_EXCEEDED", "domain": "automl.googleapis.com"}
    found = error(400, envelope("INVALID_ARGUMENT", "No.", fields, links, reason))
    assert found.hint == (
        "model.labels: Too long. See https://cloud.google.com/q "
        "Too many requests in a minute: wait, or lower --parallelism."
    )


@pytest.mark.parametrize(
    ("reason", "metadata", "told"),
    [
        (
            "SERVICE_DISABLED",
            {"service": "automl.googleapis.com", "consumer": "projects/p"},
            "`gcloud services enable automl.googleapis.com --project p`",
        ),
        ("BILLING_DISABLED", {"consumer": "projects/p"}, "gcloud billing projects link p "),
        (
            "IAM_PERMISSION_DENIED",
            {"permission": "automl.datasets.create", "consumer": "projects/p"},
            "The permission automl.datasets.create is missing",
        ),
        ("IAM_PERMISSION_DENIED", {"permission": "automl.x"}, "--role roles/automl.editor`"),
        ("IAM_PERMISSION_DENIED", {"permission": "aiplatform.x"}, "--role roles/aiplatform.user`"),
        ("USER_PROJECT_DENIED", {"consumer": "projects/p"}, "set `quota_project`"),
        ("LOCATION_POLICY_VIOLATED", {}, "set `location`"),
        ("RESOURCE_QUOTA_EXCEEDED", {}, "A quota is used up"),
        ("SOMETHING_NEW", {}, "Google's reason: SOMETHING_NEW."),
    ],
)
def test_what_people_meet_first_is_told_with_what_mends_it(
    reason: str, metadata: dict[str, str], told: str
) -> None:
    found = error(
        403, envelope("PERMISSION_DENIED", "No.", {"reason": reason, "metadata": metadata})
    )
    assert found.hint is not None
    assert told in found.hint


@pytest.mark.parametrize("evil", ["p; rm -rf ~", "$(x)", "p`x`", "-x", "a\nb", {"a": 1}, None])
def test_a_command_holds_nothing_that_an_answer_smuggled_in(evil: object) -> None:
    metadata = {"service": evil, "consumer": evil, "permission": evil}
    for reason in ("SERVICE_DISABLED", "IAM_PERMISSION_DENIED", "BILLING_DISABLED"):
        found = error(
            403, envelope("PERMISSION_DENIED", "No.", {"reason": reason, "metadata": metadata})
        )
        assert found.hint is not None
        assert not isinstance(evil, str) or evil not in found.hint


@pytest.mark.parametrize("host", ["automl.googleapis.com", "eu-automl.googleapis.com"])
@pytest.mark.parametrize("http", [403, 404, 501])
def test_the_shutdown_is_told_for_google_s_hosts_only(host: str, http: int) -> None:
    assert "2024-03-31" in str(error(http, host=host).hint)
    assert "2024-03-31" not in str(error(http, host="storage.googleapis.com").hint)
    assert "2024-03-31" not in str(error(400, host=host).hint)


@pytest.mark.parametrize(
    ("permission", "role"),
    [
        ("storage.objects.create", "roles/storage.objectUser"),
        ("storage.objects.list", "roles/storage.objectViewer"),
    ],
)
def test_a_permission_that_is_missing_on_a_bucket(permission: str, role: str) -> None:
    """The text is Cloud Storage's; its errors carry no reason in their details."""
    text = f"robot@p.iam.gserviceaccount.com does not have {permission} access to the bucket."
    body = json.dumps(
        {"error": {"code": 403, "message": text, "errors": [{"reason": "forbidden"}]}}
    )
    where = "POST /upload/storage/v1/b/my-bucket/o"
    found = api_error(403, {}, body.encode(), where=where, host="storage.googleapis.com")
    assert f"The permission {permission} is missing" in str(found.hint)
    assert f"add-iam-policy-binding gs://my-bucket --member MEMBER --role {role}`" in str(
        found.hint
    )
    for elsewhere in ("GET /v1/x", "GET /storage/v1/b/a`b/o"):
        found = api_error(403, {}, body.encode(), where=elsewhere, host="storage.googleapis.com")
        assert found.hint == "Check the project, the caller's roles and that the API is on."


def test_long_and_secret_texts() -> None:
    secrets = [
        "Authorization: Bearer ya29.a0AfH6SMBx",
        '{"access_token": "abcdefgh12345678"}',
        "https://x/?key=AIzaSyA1234567890&alt=json",
        "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJyb2JvdCJ9.c2ln",
    ]
    for secret in secrets:
        for found in (
            error(400, envelope("INVALID_ARGUMENT", secret)),
            error(400, body=secret.encode()),
        ):
            for hidden in ("a0AfH6", "abcdefgh1", "AIzaSyA1", "eyJpc3M", "c2ln"):
                assert hidden not in found.message
    assert len(error(500, envelope("INTERNAL", "x" * 100_000)).message) <= 4000
    assert len(error(500, body=b"x" * 100_000).message) < 400


KEYS = ("error", "status", "message", "details", "reason", "links", "url", "retryDelay")
MORE_KEYS = ("fieldViolations", "field", "description")
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS + MORE_KEYS), inner, max_size=5)
    ),
)


@given(st.integers(300, 599), ANY, st.binary(max_size=20), st.text(max_size=30))
def test_any_answer_makes_an_error(http: int, content: Any, body: bytes, header: str) -> None:
    sent = {"Retry-After": header}
    from_json = api_error(http, sent, json.dumps(content).encode(), where="GET /v1/x", host="h")
    for found in (from_json, error(http, body=body)):
        assert found.message
        assert found.message.isprintable()
        assert found.retry_after is None or 0 <= found.retry_after < 86_400


def test_a_path_that_is_forgotten_in_an_endpoint() -> None:
    nowhere = (envelope("NOT_FOUND", "Method not found."), None)
    for content in nowhere:
        assert "has Vertex AI below /vertex" in str(error(404, content, b"<html>").hint)
        assert "/vertex" not in str(error(404, content, host="x-aiplatform.googleapis.com").hint)
    assert error(404, envelope("NOT_FOUND", "There is no such model.")).hint is None
