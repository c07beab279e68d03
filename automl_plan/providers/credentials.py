"""Who the requests come from: Google credentials, for Google's hosts over https only."""

from __future__ import annotations

import threading
import warnings
from typing import Any, Protocol

from automl_plan.errors import CredentialsError
from automl_plan.providers.endpoint import is_google

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
"""The one scope of the API (service config automl_v1.yaml)."""
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


def credentials_for(base_url: str, quota_project: str | None) -> Credentials:
    """Those for a service: Google's for Google's hosts, none for all others."""
    return GoogleCredentials(quota_project) if is_google(base_url) else NoCredentials()


class NoCredentials:
    """For emulators: nothing is sent."""

    def headers(self, url: str) -> dict[str, str]:  # noqa: ARG002 (the protocol's)
        """None."""
        return {}

    def renew(self) -> bool:
        """There is nothing to renew."""
        return False


class GoogleCredentials:
    """Application default credentials, found at the first request.

    Whoever uses them, a URL that is not Google's over https gets no token.
    """

    def __init__(self, quota_project: str | None) -> None:
        self._quota_project = quota_project
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
                    self._credentials, _ = google.auth.default(scopes=[SCOPE])
            except (GoogleAuthError, *_UNREADABLE) as error:
                # The cause may quote the key file; only its kind is told.
                raise CredentialsError(
                    f"No usable Google credentials were found ({type(error).__name__}).",
                    hint=_HINT,
                ) from None
        return self._credentials

    @staticmethod
    def _refresh(credentials: Any) -> None:
        from google.auth.exceptions import GoogleAuthError
        from google.auth.transport.requests import Request

        try:
            credentials.refresh(Request())
        except (GoogleAuthError, *_UNREADABLE) as error:
            raise CredentialsError(
                f"Google gave no token for the credentials found ({type(error).__name__}).",
                hint=_HINT,
            ) from None
