"""What is said of a request to which no whole answer arrived, and whether it may have been sent."""

from __future__ import annotations

import ssl

from automl_plan.errors import TransportError
from automl_plan.providers.advice import advice_on_host


def transport_error(error: Exception, where: str, host: str, silence: float) -> TransportError:
    """Say what failed in our own words: the library's quote the whole URL."""
    import requests

    hint = None
    sent = not _never_sent(error)
    if _certificate_refused(error):
        text = f"The certificate of {host} is not trusted; nothing was sent."
        hint = "Behind a proxy that has its own, let REQUESTS_CA_BUNDLE name its authority."
    elif not sent:
        text = f"No connection to {host} could be made; nothing was sent."
        hint = advice_on_host(host) or "Check the network, the proxy and the endpoint."
    elif isinstance(error, requests.Timeout):
        text = f"{host} did not answer within {silence:.0f} seconds."
    else:
        text = f"The connection to {host} broke before the whole answer arrived."
    return TransportError(text, sent=sent, where=where, hint=hint)


def _never_sent(error: Exception) -> bool:
    """Whether it is certain that no byte of the request left: no connection came about."""
    import requests
    from urllib3.exceptions import NewConnectionError, ProxyError

    reason = _reason(error)
    if isinstance(reason, ProxyError):
        reason = reason.original_error
    return (
        isinstance(error, requests.ConnectTimeout)
        or isinstance(reason, NewConnectionError)
        or _certificate_refused(error)
    )


def _certificate_refused(error: Exception) -> bool:
    reason = _reason(error)
    causes = reason.args if isinstance(reason, Exception) else ()
    return any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes)


def _reason(error: Exception) -> object:
    """What urllib3 says is behind an exception of requests."""
    return getattr(error.args[0] if error.args else None, "reason", None)
