"""Links from a plan to the lines of the configuration, on the host that has the repository."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

from msgspec import Struct

_BASE = re.compile(r"https?://[A-Za-z0-9._~:/@%+-]+")
_WHERE = re.compile(r"(.+):([0-9]+)", re.DOTALL)
_COMMIT = re.compile(r"[0-9a-f]{7,64}")


class SourceLinks(Struct, frozen=True):
    """Where the files of a configuration can be looked at."""

    base: str
    """What a file's path is put behind: ends with a slash."""
    anchor: str
    """What stands between the file's path and the line."""

    def url(self, where: str) -> str | None:
        """Of `file:line`; None when it is nothing of the kind."""
        match = _WHERE.fullmatch(where)
        if match is None or match[1].startswith(("/", "..")):
            return None
        return f"{self.base}{quote(match[1])}{self.anchor}{match[2]}"


def host_of(environ: Mapping[str, str]) -> str | None:
    """The host whose pipeline this is, by the variables that it sets."""
    variables = {
        "GITHUB_ACTIONS": "github",
        "GITLAB_CI": "gitlab",
        "BITBUCKET_BUILD_NUMBER": "bitbucket",
    }
    return next((host for name, host in variables.items() if environ.get(name)), None)


def source_links(
    environ: Mapping[str, str], commit: str | None, directory: str
) -> SourceLinks | None:
    """Links for a pipeline of GitHub, GitLab or Bitbucket; None anywhere else.

    `directory` is where the configuration lies in its repository: "" or `models/`.
    """
    commit = (commit or "").removesuffix("-dirty")
    match host_of(environ):
        case "github":
            server = environ.get("GITHUB_SERVER_URL", "https://github.com")
            root = f"{server}/{environ.get('GITHUB_REPOSITORY', '')}/blob"
            commit, anchor = commit or environ.get("GITHUB_SHA", ""), "#L"
        case "gitlab":
            root = f"{environ.get('CI_PROJECT_URL', '')}/-/blob"
            commit, anchor = commit or environ.get("CI_COMMIT_SHA", ""), "#L"
        case "bitbucket":
            root = f"{environ.get('BITBUCKET_GIT_HTTP_ORIGIN', '')}/src"
            commit, anchor = commit or environ.get("BITBUCKET_COMMIT", ""), "#lines-"
        case _:
            return None
    if not _BASE.fullmatch(root) or not _COMMIT.fullmatch(commit):
        return None
    return SourceLinks(f"{root}/{commit}/{quote(directory)}", anchor)
