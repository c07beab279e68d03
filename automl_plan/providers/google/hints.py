"""What mends the errors that people meet first with a project of their own, as a command.

The reasons are those of google.api.ErrorReason (google/api/error_reason.proto), which Google's
services give in google.rpc.ErrorInfo.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,199}")
"""What may be part of a command that is shown: an answer is text from outside."""
_REGIONAL = re.compile(r"([a-z0-9-]+)-aiplatform\.googleapis\.com")
_ADVICE = {
    "SERVICE_DISABLED": (
        "The API is not on in the project: `gcloud services enable {service} --project {project}`, "
        "then wait some minutes."
    ),
    "BILLING_DISABLED": (
        "The project has no billing account: `gcloud billing projects link {project} "
        "--billing-account ACCOUNT`; `gcloud billing accounts list` lists yours."
    ),
    "IAM_PERMISSION_DENIED": (
        "The permission {permission} is missing: have a project owner run `gcloud "
        "projects add-iam-policy-binding {project} --member MEMBER --role {role}`."
    ),
    "USER_PROJECT_DENIED": (
        "You may not use the quota of the project {project}: set `quota_project` to one of yours, "
        "or get roles/serviceusage.serviceUsageConsumer there."
    ),
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": (
        "The login does not reach far enough: `gcloud auth application-default login "
        "--scopes=https://www.googleapis.com/auth/cloud-platform`."
    ),
    "RATE_LIMIT_EXCEEDED": "Too many requests in a minute: wait, or lower --parallelism.",
    "RESOURCE_QUOTA_EXCEEDED": (
        "A quota is used up: `gcloud alpha services quota list --service {service} --consumer "
        "projects/{project}` shows which; ask for more in the console, or wait for what runs."
    ),
    "LOCATION_POLICY_VIOLATED": (
        "A policy of the organisation forbids this location: set `location` to an allowed one."
    ),
    "CONSUMER_SUSPENDED": "The project is suspended: Google's console shows why.",
    "CONSUMER_INVALID": (
        "There is no project {project}, or it is not yours: `gcloud projects list` lists yours."
    ),
}
_ROLES = {
    "automl": "roles/automl.editor",
    "aiplatform": "roles/aiplatform.user",
    "storage": "roles/storage.objectUser",
}
"""By the first part of a permission's name (Google's pages on access control)."""


def advice_on(reason: str, metadata: Mapping[str, Any]) -> str | None:
    """A sentence, with the command that mends it; None for reasons that nothing is known of."""
    text = _ADVICE.get(reason)
    if text is None:
        return None
    permission = _word(metadata.get("permission")) or "PERMISSION"
    consumer = _word(metadata.get("consumer")) or "PROJECT"
    return text.format(
        service=_word(metadata.get("service")) or "SERVICE",
        project=consumer.removeprefix("projects/"),
        permission=permission,
        role=_ROLES.get(permission.partition(".")[0], "ROLE"),
    )


def advice_on_host(host: str) -> str | None:
    """For a host that does not answer as an API does: its name may hold a place that is none."""
    match = _REGIONAL.fullmatch(host)
    if match is None:
        return None
    return (
        f"Is {match[1]} a location of Vertex AI? us-central1 and europe-west4 are; the page "
        '"Vertex AI locations" lists all. Set `location` to one that has AutoML image models.'
    )


def advice_on_path(host: str) -> str | None:
    """For a path that a service does not know: one that is not Google's may have it elsewhere."""
    if host.endswith("googleapis.com"):
        return None
    return (
        "Is the endpoint right? The embedded service has Vertex AI below /vertex "
        "(http://HOST:PORT/vertex)."
    )


_OF_STORAGE = re.compile(r"\bstorage\.(?:objects|buckets)\.[a-z]{1,20}\b", re.IGNORECASE)
_BUCKET = re.compile(r"/storage/v1/b/([a-z0-9][a-z0-9._-]{1,220}[a-z0-9])/o")
_READING = ("storage.objects.get", "storage.objects.list")


def advice_on_bucket(message: str, where: str) -> str | None:
    """What mends a permission that is missing on a bucket.

    Cloud Storage names it in the text of its error only, and the bucket is in the path that was
    asked for. None when one of them is unknown.
    """
    missing, bucket = _OF_STORAGE.search(message), _BUCKET.search(where)
    if missing is None or bucket is None:
        return None
    role = "objectViewer" if missing[0] in _READING else "objectUser"
    return (
        f"The permission {missing[0]} is missing: have a bucket owner run `gcloud "
        f"storage buckets add-iam-policy-binding gs://{bucket[1]} --member MEMBER --role "
        f"roles/storage.{role}`."
    )


def _word(value: object) -> str | None:
    return value if isinstance(value, str) and _WORD.fullmatch(value) else None
