"""Finds the Git commit of a configuration, without running what a repository configures.

The directory may be a stranger's branch. Git runs programs that its settings and attributes name
when it looks at files (`core.fsmonitor`, `filter.*`, `diff.*`), when it writes (hooks), and when it
fetches what a partial clone lacks (`core.sshCommand`, `remote.*`). So Git is asked for what is
committed only, and the files are compared here. An embedded bare repository, which a pull request
can bring along as ordinary files, is none.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import subprocess
from collections.abc import Collection
from pathlib import Path

from automl_plan.config.files import (
    MAX_BYTES,
    Unreadable,
    configuration_files,
    is_configuration_name,
)

_SECONDS = 10
_HASH = re.compile(rb"[0-9a-f]{40}|[0-9a-f]{64}")
_ALGORITHMS = {40: "sha1", 64: "sha256"}
_ENVIRONMENT = {
    # Nothing is fetched, by no protocol. GIT_NO_LAZY_FETCH is known since Git 2.44.
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
}


def commit_of(directory: Path, read: Collection[Path] = ()) -> str | None:
    """Return the commit's hash, followed by `-dirty` when the configuration differs from it.

    Of what else was read (`read`: values of variables, prices) and of YAML below the directory
    counts what is tracked there; other YAML beside the configuration does not. A file that
    differs by line ends only does not differ; no other conversion (`filter.*`) is made. None
    where there is no repository, no commit yet or no Git.
    """
    root = _root(directory)
    head = None if root is None else _git(root, "rev-parse", "--verify", "--quiet", "HEAD")
    if root is None or head is None or not _HASH.fullmatch(head.strip()):
        return None
    commit = head.strip().decode()
    return f"{commit}-dirty" if _differs(directory.resolve(), read, root, commit) else commit


def place_in_repository(directory: Path) -> str:
    """Return the path of a directory in its repository: `models/`; "" for its root, or none."""
    root = _root(directory)
    place = "." if root is None else directory.resolve().relative_to(root).as_posix()
    return "" if place == "." else f"{place}/"


def _root(directory: Path) -> Path | None:
    """Return the nearest directory with a `.git`, on the same file system, as Git searches.

    Git itself would also find a bare repository; from here on it finds this one first.
    """
    here = directory.resolve()
    try:
        device = here.stat().st_dev
        for place in (here, *here.parents):
            if place.stat().st_dev != device:
                return None
            if os.path.lexists(place / ".git"):
                return place
    except OSError:
        return None
    return None


def _differs(directory: Path, read: Collection[Path], root: Path, commit: str) -> bool:
    """Whether a commit has another configuration there, or that is unknown."""
    place = directory.relative_to(root).as_posix()
    tree = f"{commit}:{'' if place == '.' else place}"
    listed = _git(root, "ls-tree", "-r", "-z", tree)
    if listed is None:
        return True
    tracked = {}
    for line in listed.split(b"\0"):
        entry, _, name = line.partition(b"\t")
        if name:
            tracked[os.fsdecode(name)] = entry.split(b" ")[2].decode()
    try:
        own = {path.name for path in configuration_files(directory, ())}
    except Unreadable:
        return True
    # A link is tracked by its own name.
    others = {os.path.relpath(path.parent.resolve() / path.name, directory) for path in read}

    def counts(name: str) -> bool:
        below = "/" in name and name.endswith((".yaml", ".yml"))
        return below or name in others or is_configuration_name(name)

    return not own <= tracked.keys() or any(
        not _same(directory / name, blob)
        for name, blob in tracked.items()
        # Of what lies deeper a sparse checkout may lack some.
        if counts(name) and ("/" not in name or os.path.lexists(directory / name))
    )


def _same(path: Path, blob: str) -> bool:
    """Whether a file has the content of a blob, except for line endings."""
    try:
        found = path.lstat()
        if stat.S_ISLNK(found.st_mode):
            content = os.fsencode(path.readlink())
        elif stat.S_ISREG(found.st_mode) and found.st_size <= MAX_BYTES:
            content = path.read_bytes()
        else:
            return False
    except OSError:
        return False
    return blob in (_hash(content, blob), _hash(content.replace(b"\r\n", b"\n"), blob))


def _hash(content: bytes, like: str) -> str:
    """Return Git's name of a blob, by the algorithm of another name."""
    digest = hashlib.new(_ALGORITHMS[len(like)], usedforsecurity=False)
    digest.update(b"blob %d\0" % len(content))
    digest.update(content)
    return digest.hexdigest()


def _git(root: Path, *arguments: str) -> bytes | None:
    """Return the output of Git in a repository; None when it fails.

    Only for commands that read refs and trees. Of Git's environment only the user's settings are
    kept: a hook's, say, names another repository.
    """
    environ = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name.startswith("GIT_CONFIG")
    }
    settings = ("-c", "safe.bareRepository=explicit", "-c", "core.fsmonitor=")
    try:
        done = subprocess.run(  # noqa: S603 (fixed words, no shell)
            ("git", "-C", root, "--no-pager", *settings, *arguments),  # noqa: S607 (the user's own)
            env={**environ, **_ENVIRONMENT},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout if done.returncode == 0 else None
