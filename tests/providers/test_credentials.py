"""Who gets a token: Google's hosts over https, and nobody else."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl_plan.data.sources import SourceReader
from automl_plan.errors import (
    CredentialsError,
    NotFound,
    PermissionDenied,
    ProviderError,
    TransportError,
    UsageError,
)
from automl_plan.providers.google.base_url import is_google
from automl_plan.providers.google.credentials import GoogleCredentials, credentials_for
from automl_plan.providers.google.transport import HttpTransport
from automl_plan.providers.protocol import Provider
from automl_plan.providers.registry import open_provider
from tests.providers.google import Google
from tests.providers.service import Service, answer, failure


def automl(directory: Path, environ: dict[str, str] | None = None, **settings: Any) -> Provider:
    return open_provider("automl", {"project": "p", **settings}, directory, environ or {})


def test_google_gets_the_token(account: Google, tmp_path: Path) -> None:
    provider = automl(tmp_path)
    assert provider.live().datasets == {}
    provider.close()
    assert len(account.tokens.received) == 1
    for request in account.hosts.received:
        assert request.headers["host"] == "automl.googleapis.com"
        assert request.headers["authorization"] == "Bearer secret-1"
        assert "x-goog-user-project" not in request.headers
    paths = {r.path for r in account.hosts.received}
    collections = ("datasets", "models", "operations")
    assert paths == {f"/v1/projects/p/locations/us-central1/{c}" for c in collections}


def test_what_is_asked_for_is_the_one_scope(account: Google, tmp_path: Path) -> None:
    import base64

    provider = automl(tmp_path)
    provider.datasets()
    provider.close()
    assertion = account.tokens.received[0].body.decode().partition("assertion=")[2]
    claims = assertion.split(".")[1]
    content = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    assert content["scope"] == "https://www.googleapis.com/auth/cloud-platform"


def test_europe_has_its_own_host(account: Google, tmp_path: Path) -> None:
    provider = automl(tmp_path, location="eu", quota_project="payer")
    provider.datasets()
    provider.close()
    request = account.hosts.received[0]
    assert request.headers["host"] == "eu-automl.googleapis.com"
    assert request.path == "/v1/projects/p/locations/eu/datasets"
    assert request.headers["x-goog-user-project"] == "payer"


def test_the_key_s_own_quota_project(
    google: Google, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(google.key()))
    monkeypatch.setenv("GOOGLE_CLOUD_QUOTA_PROJECT", "from-environment")
    provider = automl(tmp_path)
    provider.datasets()
    provider.close()
    assert google.hosts.received[0].headers["x-goog-user-project"] == "from-environment"


def test_a_user_s_own_login(
    google: Google, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `gcloud auth application-default login` leaves it; its client is gcloud's."""
    login = {
        "type": "authorized_user",
        "client_id": "764086051850-6qr4p6gpi6hn506pt8ejuq83di341hur.apps.googleusercontent.com",
        "client_secret": "c",
        "refresh_token": "r",
    }
    path = tmp_path / "login.json"
    path.write_text(json.dumps(login))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    google.hosts.replies = [answer({"access_token": "secret-user", "expires_in": 3600})]
    provider = automl(tmp_path, quota_project="payer")
    assert provider.datasets() == []
    provider.close()
    token, listed = google.hosts.received
    assert token.headers["host"] == "oauth2.googleapis.com"
    assert listed.headers["authorization"] == "Bearer secret-user"
    assert listed.headers["x-goog-user-project"] == "payer"


def test_acting_as_a_service_account(account: Google, tmp_path: Path) -> None:
    soon = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    account.hosts.replies = [answer({"accessToken": "secret-robot", "expireTime": soon})]
    provider = automl(tmp_path, impersonate_service_account="planner@p.example")
    assert provider.datasets() == []
    provider.close()
    asked, listed = account.hosts.received
    assert asked.headers["host"] == "iamcredentials.googleapis.com"
    assert "planner@p.example:generateAccessToken" in unquote(asked.path)
    assert asked.headers["authorization"] == "Bearer secret-1"
    assert listed.headers["authorization"] == "Bearer secret-robot"


def test_who_may_not_act_as_it(account: Google, tmp_path: Path) -> None:
    account.hosts.default = lambda _: failure(403, "PERMISSION_DENIED")
    provider = automl(tmp_path, impersonate_service_account="planner@p.example")
    with pytest.raises(CredentialsError, match=r"act as planner@p\.example") as caught:
        provider.datasets()
    provider.close()
    assert "roles/iam.serviceAccountTokenCreator" in str(caught.value.hint)


def test_what_is_no_account(account: Google, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no service account"):
        automl(tmp_path, impersonate_service_account="../../x@y/z")


def test_workload_identity_federation(
    google: Google, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As google-github-actions/auth leaves it: a file that says where the job's token lies."""
    (tmp_path / "subject").write_text("token-of-the-job")
    pool = "locations/global/workloadIdentityPools/ci/providers/github"
    account = {
        "type": "external_account",
        "audience": f"//iam.googleapis.com/projects/1/{pool}",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": "https://sts.googleapis.com/v1/token",
        "credential_source": {"file": str(tmp_path / "subject")},
    }
    path = tmp_path / "account.json"
    path.write_text(json.dumps(account))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    given = {
        "access_token": "secret-federated",
        "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "token_type": "Bearer",
        "expires_in": 3600,
    }
    google.hosts.default = lambda r: answer(given if r.path == "/v1/token" else {})
    provider = automl(tmp_path)
    assert provider.datasets() == []
    provider.close()
    by_host = {request.headers["host"]: request for request in google.hosts.received}
    exchanged, listed = by_host["sts.googleapis.com"], by_host["automl.googleapis.com"]
    assert b"token-of-the-job" in exchanged.body
    assert listed.headers["authorization"] == "Bearer secret-federated"


def test_a_verb_and_an_encoded_name_are_signed_too(account: Google, tmp_path: Path) -> None:
    provider = automl(tmp_path)
    provider.cancel("ICN1")
    account.hosts.replies = [failure(404, "NOT_FOUND")]
    with (
        SourceReader(tmp_path, provider.data_access) as reader,
        pytest.raises(Exception, match="There is no such object"),
    ):
        reader.read(["gs://bucket/a folder/ä.csv"])
    provider.close()
    cancel, read = account.hosts.received
    assert cancel.path.endswith("/operations/ICN1:cancel")
    assert cancel.headers["authorization"] == "Bearer secret-1"
    assert read.headers["host"] == "storage.googleapis.com"
    assert read.headers["authorization"].startswith("Bearer secret-")


def test_a_refused_token_is_renewed(account: Google, tmp_path: Path) -> None:
    account.hosts.replies = [failure(401, "UNAUTHENTICATED"), answer({})]
    provider = automl(tmp_path)
    assert provider.datasets() == []
    provider.close()
    tokens = [r.headers["authorization"] for r in account.hosts.received]
    assert tokens == ["Bearer secret-1", "Bearer secret-2"]


@pytest.mark.parametrize(
    ("status", "name", "error"),
    [
        (403, "PERMISSION_DENIED", PermissionDenied),
        (404, "NOT_FOUND", NotFound),
        (501, "UNIMPLEMENTED", ProviderError),
    ],
)
def test_the_hint_says_that_google_shut_it_down(
    account: Google, tmp_path: Path, status: int, name: str, error: type[ProviderError]
) -> None:
    account.hosts.replies = [failure(status, name, "Not here.")]
    provider = automl(tmp_path)
    with pytest.raises(error, match="Not here") as caught:
        provider.datasets()
    provider.close()
    assert "shut AutoML Vision down on 2024-03-31" in str(caught.value.hint)
    assert "`local`" in str(caught.value.hint)


def test_a_certificate_that_is_not_trusted(
    account: Google, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    url = "https://automl.googleapis.com"
    transport = HttpTransport(url, credentials_for(url, None))
    with pytest.raises(TransportError, match="certificate") as caught:
        transport.once("POST", "/v1/x", {})
    transport.close()
    assert caught.value.sent is False
    assert account.hosts.received == []


@pytest.mark.parametrize("way", ["setting", "variable", "variable with a scheme"])
def test_an_emulator_gets_no_token(
    account: Google, service: Service, tmp_path: Path, way: str
) -> None:
    host = f"127.0.0.1:{service.port}"
    if way == "setting":
        provider = automl(tmp_path, endpoint=f"http://{host}", quota_project="payer")
    else:
        scheme = "http://" if "scheme" in way else ""
        environ = {"AUTOML_EMULATOR_HOST": scheme + host}
        provider = automl(tmp_path, environ, quota_project="payer")
    provider.live()
    provider.cancel("x")
    with (
        SourceReader(tmp_path, provider.data_access) as reader,
        pytest.raises(Exception, match="can't be read"),
    ):
        reader.read(["gs://bucket/data.csv"])
    provider.close()
    assert len(service.received) == 5, "its buckets are its own, too"
    for request in service.received:
        assert "authorization" not in request.headers
        assert "x-goog-user-project" not in request.headers
    assert account.tokens.received == []
    assert account.hosts.received == []


def test_a_storage_emulator_gets_no_token(
    account: Google, service: Service, tmp_path: Path
) -> None:
    service.replies = [failure(404, "NOT_FOUND")]
    provider = automl(tmp_path, {"STORAGE_EMULATOR_HOST": f"127.0.0.1:{service.port}"})
    with (
        SourceReader(tmp_path, provider.data_access) as reader,
        pytest.raises(Exception, match="no such object"),
    ):
        reader.read(["gs://bucket/data.csv"])
    provider.close()
    assert "authorization" not in service.received[0].headers
    assert account.hosts.received == []


def test_even_google_s_credentials_give_others_nothing(account: Google, service: Service) -> None:
    transport = HttpTransport(service.url, GoogleCredentials("payer"))
    transport.get("/v1/x")
    transport.close()
    assert "authorization" not in service.received[0].headers
    assert account.tokens.received == []


@pytest.mark.parametrize(
    "url",
    [
        "https://automl.googleapis.com",
        "https://eu-automl.googleapis.com/",
        "https://AUTOML.googleapis.com:443/v1/x:deploy",
        "https://googleapis.com",
        "https://storage.googleapis.com/storage/v1/b/x/o/a%2Fb",
    ],
)
def test_google_s_urls(url: str) -> None:
    assert is_google(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://automl.googleapis.com",
        "https://automl.googleapis.com.evil.example",
        "https://evilgoogleapis.com",
        "https://automl.googleapis.com@evil.example/",
        "https://evil.example\\@automl.googleapis.com",
        "https://evil.example/automl.googleapis.com",
        "https://evil.example#automl.googleapis.com",
        "https://evil.example?.googleapis.com",
        "https://automl.googleapis.com:8443/",
        "https://automl.googleapis.com\n.evil.example",
        "https:/automl.googleapis.com",
        "//automl.googleapis.com",
        "ftp://automl.googleapis.com",
        "",
    ],
)
def test_others_urls(url: str) -> None:
    assert not is_google(url)
    assert credentials_for(url, "payer").headers(url) == {}
    assert GoogleCredentials("payer").headers(url) == {}


PIECES = [*"abc.:/\\@?#%", "googleapis.com", "https://"]


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_who_takes_urls_apart_agrees_that_it_is_google(tail: str) -> None:
    from urllib.parse import urlsplit

    from urllib3.util import parse_url

    for url in (f"https://{tail}", f"https://automl.googleapis.com{tail}"):
        if is_google(url):
            for host in (urlsplit(url).hostname, parse_url(url).host):
                assert host is not None
                assert f".{host}".endswith(".googleapis.com")


def test_no_credentials(google: Google, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "none"))
    provider = automl(tmp_path)
    with pytest.raises(CredentialsError, match="No usable Google credentials") as caught:
        provider.datasets()
    provider.close()
    assert "gcloud auth application-default login" in str(caught.value.hint)
    assert "GOOGLE_APPLICATION_CREDENTIALS" in str(caught.value.hint)
    assert google.hosts.received == []


@pytest.mark.parametrize(
    "content", ["", "not json", "{}", '{"type": "service_account", "private_key": "hunter2"}', "[]"]
)
def test_a_key_that_is_none(
    google: Google, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    (tmp_path / "bad.json").write_text(content)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "bad.json"))
    provider = automl(tmp_path)
    with pytest.raises(CredentialsError) as caught:
        provider.datasets()
    provider.close()
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"


def test_a_key_that_is_refused(account: Google, tmp_path: Path) -> None:
    account.tokens.default = lambda _: answer({"error": "invalid_grant"}, 400)
    provider = automl(tmp_path)
    with pytest.raises(CredentialsError, match="gave no token"):
        provider.datasets()
    provider.close()
    assert account.hosts.received == []
