"""Base URLs: where a service is reached, as settings and the environment say it."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from automl_plan.errors import UsageError

_GOOGLE = re.compile(r"https://(?:[a-z0-9-]+\.)*googleapis\.com(?::443)?(?:/[^\s\\?#]*)?")
_LOOPBACK = re.compile(r"localhost|127(?:\.(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])){3}|::1")


def is_google(url: str) -> bool:
    """Whether a URL without a query is Google's over https: only such a one may have a token.

    The whole URL must be of one plain form. Programs that take URLs apart differ in where they
    see the host of an odd one (`https://evil.example\\@automl.googleapis.com`).
    """
    return _GOOGLE.fullmatch(url.lower()) is not None


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, which no proxy can reach for us."""
    return _LOOPBACK.fullmatch(host.lower()) is not None


def base_url(text: str, named_by: str) -> str:
    """A base URL from outside; without a scheme it is http, as Google's emulators are named.

    Raises UsageError, which names the setting or variable, for one that is none or that
    carries credentials.
    """
    url = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(url)
        wrong = (
            parts.scheme not in ("http", "https")
            or not re.fullmatch(r"[A-Za-z0-9._:-]+", parts.hostname or "")
            or parts.port == 0
            or re.search(r"[^!-~]|[\\?#]", url) is not None
        )
        carries = "@" in parts.netloc
    except ValueError:
        wrong, carries = True, "@" in url
    if carries:
        raise UsageError(
            f"{named_by} must not carry a user or a password.",
            hint="Write https://HOST; credentials come from Google's own configuration.",
        )
    if wrong:
        raise UsageError(
            f"{named_by} is no endpoint: {url!r}.", hint="Write https://HOST or http://HOST:PORT."
        )
    return url.rstrip("/")
