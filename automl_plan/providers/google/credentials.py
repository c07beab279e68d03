"""Who the requests come from: Google credentials, for Google's hosts over https only."""

from __future__ import annotations

import re
import threading
import warnings
from typing import Any, Protocol

from automl_plan.errors import CredentialsError, UsageError
from automl_plan.providers.google.base_url import is_google

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
"""The one scope of the API (service config automl_v1.yaml)."""
_ACCOUNT = re.compile(r"[A-Za-z0-9._:-]+@[A-Za-z0-9._:-]+")
_HINT = (
    "Run `gcloud auth application-default login`, or let GOOGLE_APPLICATION_CREDENTIALS name "
    "the key file of a service account."
)
_UNREADABLE = (OSError, ValueError, TypeError, KeyError, AttributeError)
"""What google-auth lets through of a key file that is not what it should be."""


class Credentials(Protocol):
    """What authorises a request."""

    def headers(self, url: str) -> dict[str, str]:
        """The headers for a request to a URL (without its query). Raises CredentialsError."""

    def renew(self) -> bool:
        """Get a new token after one was refused; whether there can be a new one."""


def credentials_for(
    base_url: str, quota_project: str | None, impersonate: str | None = None
) -> Credentials:
    """Those for a service: Google's for Google's hosts, none for all others.

    `impersonate`: the e-mail address of a service account to act as. Raises UsageError for what
    is none.
    """
    if impersonate is not None and not _ACCOUNT.fullmatch(impersonate):
        raise UsageError(
            f"{impersonate!r} is no service account.",
            hint="impersonate_service_account takes NAME@PROJECT.iam.gserviceaccount.com.",
        )
    google = is_google(base_url)
    return GoogleCredentials(quota_project, impersonate) if google else NoCredentials()


class NoCredentials:
    """For emulators: nothing is sent."""

    def headers(self, url: str) -> dict[str, str]:  # noqa: ARG002 (the protocol's)
        """None."""
        return {}

    def renew(self) -> bool:
        """There is nothing to renew."""
        return False


class GoogleCredentials:
    """Application default credentials, found at the first request, or what they may act as.

    google-auth finds a user's login, a service account's key, workload identity federation
    (external accounts) and the account of a machine of Google's.
    Whoever uses them, a URL that is not Google's over https gets no token.
    """

    def __init__(self, quota_project: str | None, impersonate: str | None = None) -> None:
        self._quota_project = quota_project
        self._impersonate = impersonate
        self._lock = threading.Lock()
        self._credentials: Any = None

    def headers(self, url: str) -> dict[str, str]:
        """The bearer token and the project whose quota is used."""
        if not is_google(url):
            return {}
        with self._lock:
            credentials = self._found()
            if not credentials.valid:
                self._refresh(credentials)
            headers = {"Authorization": f"Bearer {credentials.token}"}
        project = self._quota_project or getattr(credentials, "quota_project_id", None)
        if project:
            headers["x-goog-user-project"] = str(project)
        return headers

    def renew(self) -> bool:
        """Get a new token."""
        with self._lock:
            self._refresh(self._found())
        return True

    def _found(self) -> Any:
        if self._credentials is None:
            import google.auth
            from google.auth.exceptions import GoogleAuthError

            try:
                with warnings.catch_warnings():
                    # Of a user's login without a quota project: the service says so itself.
                    warnings.simplefilter("ignore")
                    found, _ = google.auth.default(scopes=[SCOPE])
                self._credentials = self._acting(found)
            except (GoogleAuthError, *_UNREADABLE) as error:
                # The cause may quote the key file; only its kind is shown.
                raise CredentialsError(
                    f"No usable Google credentials were found ({type(error).__name__}).",
                    hint=_HINT,
                ) from None
        return self._credentials

    def _acting(self, found: Any) -> Any:
        if self._impersonate is None:
            return found
        from google.auth import impersonated_credentials

        acting: Any = impersonated_credentials.Credentials
        return acting(
            source_credentials=found,
            target_principal=self._impersonate,
            target_scopes=[SCOPE],
        )

    def _refresh(self, credentials: Any) -> None:
        from google.auth.exceptions import GoogleAuthError
        from google.auth.transport.requests import Request

        try:
            credentials.refresh(Request())
        except (GoogleAuthError, *_UNREADABLE) as error:
            if self._impersonate is not None:
                raise CredentialsError(
                    f"Google gave no token to act as {self._impersonate} ({type(error).__name__}).",
                    hint="The caller needs roles/iam.serviceAccountTokenCreator on it, and "
                    "the project of the account the API iamcredentials.googleapis.com.",
                ) from None
            raise CredentialsError(
                f"Google gave no token for the credentials found ({type(error).__name__}).",
                hint=_HINT,
            ) from None
