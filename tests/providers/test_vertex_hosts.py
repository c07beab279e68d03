"""Vertex AI's hosts: which one is asked, with whose token, and what is said when it is none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from automl_plan.errors import NotFound, PermissionDenied, ProviderError, TransportError
from automl_plan.providers.protocol import Provider
from automl_plan.providers.registry import open_provider
from tests.providers.google import Google
from tests.providers.service import Reply, Service, answer, failure

EUROPE = "europe-west4"


def vertex(directory: Path, environ: dict[str, str] | None = None, **settings: Any) -> Provider:
    return open_provider("vertex", {"project": "p", **settings}, directory, environ or {})


def refused(provider: Provider, error: type[ProviderError]) -> str:
    """Ask for the datasets in vain; the hint."""
    with pytest.raises(error) as caught:
        provider.datasets()
    provider.close()
    return str(caught.value.hint)


def test_a_region_has_its_own_host(account: Google, tmp_path: Path) -> None:
    provider = vertex(tmp_path, location=EUROPE, quota_project="payer")
    assert provider.live().models == {}
    provider.close()
    assert len(account.tokens.received) == 1
    for request in account.hosts.received:
        assert request.headers["host"] == f"{EUROPE}-aiplatform.googleapis.com"
        assert request.headers["authorization"] == "Bearer secret-1"
        assert request.headers["x-goog-user-project"] == "payer"
    asked = {request.path.rpartition("/")[2] for request in account.hosts.received}
    assert asked == {"datasets", "models", "endpoints", "trainingPipelines"}, "lists, no objects"
    assert len(account.hosts.received) == len(asked)


def test_a_private_endpoint_of_googles_gets_the_token(account: Google, tmp_path: Path) -> None:
    host = "us-central1-aiplatform-ours.p.googleapis.com"
    provider = vertex(tmp_path, endpoint=f"https://{host}")
    assert provider.datasets() == []
    provider.close()
    (request,) = account.hosts.received
    assert (request.headers["host"], request.path) == (
        host,
        "/v1/projects/p/locations/us-central1/datasets",
    )
    assert request.headers["authorization"] == "Bearer secret-1"


def test_another_service_gets_none(account: Google, service: Service, tmp_path: Path) -> None:
    environ = {"VERTEX_EMULATOR_HOST": f"127.0.0.1:{service.port}/vertex"}
    provider = vertex(tmp_path, environ, quota_project="payer")
    assert provider.datasets() == []
    provider.close()
    (request,) = service.received
    assert request.path.startswith("/vertex/v1/projects/p/")
    assert not {"authorization", "x-goog-user-project"} & set(request.headers)
    assert account.tokens.received == []


def test_acting_as_a_service_account(account: Google, tmp_path: Path) -> None:
    soon = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    account.hosts.replies = [answer({"accessToken": "secret-robot", "expireTime": soon})]
    provider = vertex(tmp_path, location=EUROPE, impersonate_service_account="planner@p.example")
    assert provider.datasets() == []
    provider.close()
    asked, listed = account.hosts.received
    assert "planner@p.example:generateAccessToken" in unquote(asked.path)
    assert listed.headers["authorization"] == "Bearer secret-robot"


@pytest.mark.parametrize(
    ("reason", "metadata", "said"),
    [
        (
            "SERVICE_DISABLED",
            {"service": "aiplatform.googleapis.com", "consumer": "projects/p"},
            "`gcloud services enable aiplatform.googleapis.com --project p`",
        ),
        (
            "IAM_PERMISSION_DENIED",
            {"permission": "aiplatform.datasets.list"},
            "--role roles/aiplatform.user`",
        ),
        (
            "BILLING_DISABLED",
            {"consumer": "projects/p"},
            "`gcloud billing projects link p --billing-account ACCOUNT`",
        ),
    ],
)
def test_what_a_new_project_meets_first(
    account: Google, tmp_path: Path, reason: str, metadata: dict[str, str], said: str
) -> None:
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}
    error = {"code": 403, "message": "No.", "status": "PERMISSION_DENIED"}
    account.hosts.default = lambda _: answer(
        {"error": {**error, "details": [{**info, "metadata": metadata}]}}, 403
    )
    assert said in refused(vertex(tmp_path, location=EUROPE), PermissionDenied)


def test_a_location_that_is_none(account: Google, tmp_path: Path) -> None:
    """What answers there is a page for browsers, not an API."""
    account.hosts.default = lambda _: Reply(404, b"<html>404</html>")
    hint = refused(vertex(tmp_path, location="us-west9"), NotFound)
    assert "Is us-west9 a location of Vertex AI?" in hint
    account.hosts.default = lambda _: failure(404, "NOT_FOUND")
    assert "location" not in refused(vertex(tmp_path, location="us-west9"), NotFound)


def test_a_host_that_can_not_be_reached(
    account: Google, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # discard: nobody listens
    hint = refused(vertex(tmp_path, location="us-west9"), TransportError)
    assert "Is us-west9 a location of Vertex AI?" in hint
