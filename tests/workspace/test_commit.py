"""The commit of a configuration: right for an honest repository, and nothing runs for any other.

Each trap is shown to be one: an ordinary question of Git's runs its program.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from automl_plan.workspace.git_commit import commit_of, place_in_repository
from tests.cli.command import PATIENCE, CommandLine

HOOKS = (
    "post-index-change",
    "reference-transaction",
    "post-checkout",
    "pre-auto-gc",
    "fsmonitor-watchman",
    "post-rewrite",
    "pre-commit",
)
SETTINGS = """
[core]
    {bare}
    fsmonitor = {run}
    untrackedCache = true
    hooksPath = {hooks}
    pager = {run}
    editor = {run}
    sshCommand = {run}
    gitProxy = {run}
    askPass = {run}
    alternateRefsCommand = {run}
[pager]
    rev-parse = {run}
    ls-tree = {run}
    status = {run}
[alias]
    rev-parse = !{run}
    ls-tree = !{run}
[diff]
    external = {run}
[diff "trap"]
    command = {run}
    textconv = {run}
[merge "trap"]
    driver = {run}
[filter "trap"]
    clean = {run}
    smudge = {run}
    required = true
[filter "process"]
    process = {run}
[credential]
    helper = !{run}
[gpg]
    program = {run}
[uploadpack]
    packObjectsHook = {run}
[include]
    path = {more}
"""
MORE = """
[interactive]
    diffFilter = {run}
[remote "origin"]
    promisor = true
    partialclonefilter = tree:0
    url = {url}
    uploadpack = {run}
    receivepack = {run}
    proxy = {run}
[protocol]
    allow = always
[protocol "ext"]
    allow = always
"""
ATTRIBUTES = "*.yaml filter=trap diff=trap merge=trap ident\n*.yml filter=process\n"
PROJECT = "provider: {local: {trainer: simulated}}\n"


class Traps:
    """Repositories whose every program leaves a trace."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._program = root / "program"
        self._program.write_text(f"#!/bin/sh\necho ran >> '{root}/trace'\nexit 1\n")
        self._program.chmod(0o755)
        self._hooks = root / "hooks"
        self._hooks.mkdir()
        for hook in HOOKS:
            (self._hooks / hook).symlink_to(self._program)

    def ran(self) -> bool:
        """Whether a program of theirs has run since this was asked last."""
        trace = self.root / "trace"
        ran = trace.exists()
        trace.unlink(missing_ok=True)
        return ran

    def set_in(self, git_dir: Path, bare: str = "bare = false", url: str | None = None) -> None:
        """Add every setting and attribute that names a program."""
        run, more = self._program, self.root / "more"
        more.write_text(MORE.format(run=run, url=url or f"ext::{run}"))
        with (git_dir / "config").open("a") as config:
            config.write(SETTINGS.format(run=run, hooks=self._hooks, bare=bare, more=more))
        (git_dir / "info").mkdir(exist_ok=True)
        (git_dir / "info" / "attributes").write_text(ATTRIBUTES)

    def embedded(self, directory: Path) -> None:
        """Make a directory a bare repository of ordinary files, which says that it is none."""
        self.committed(directory)
        for entry in (directory / ".git").iterdir():
            entry.rename(directory / entry.name)
        (directory / ".git").rmdir()
        self.set_in(directory, bare="bare = false\n    worktree = .")

    def committed(self, directory: Path) -> str:
        """A repository with a configuration; its commit."""
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "automl-plan.yaml").write_text(PROJECT)
        (directory / "more.automl.yml").write_text("{}\n")
        git(directory, "init", "--quiet")
        return commit(directory)


def git(directory: Path, *arguments: str) -> str:
    """What Git says, with nothing of this machine's settings; it may fail."""
    away = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    away |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    who = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    command = ["git", "-C", str(directory), *who, *arguments]
    done: subprocess.CompletedProcess[str] = subprocess.run(
        command,
        env=away,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return done.stdout


def commit(directory: Path) -> str:
    git(directory, "add", "--all")
    git(directory, "commit", "--quiet", "--allow-empty", "--message", "a")
    return git(directory, "rev-parse", "HEAD").strip()


def touch(directory: Path) -> None:
    """Let no file look as it did when it was added."""
    for path in directory.glob("*.y*ml"):
        os.utime(path, (1, 1))


@pytest.fixture
def traps(tmp_path: Path) -> Traps:
    return Traps(tmp_path)


# -- nothing runs ------------------------------------------------------------------------------


def a_checkout(traps: Traps) -> tuple[Path, str | None]:
    directory = traps.root / "checkout"
    (directory / "models").mkdir(parents=True)
    (directory / ".gitattributes").write_text(ATTRIBUTES)
    made = traps.committed(directory)
    traps.set_in(directory / ".git")
    return directory, made


def a_bare_one_in_a_checkout(traps: Traps) -> tuple[Path, str | None]:
    traps.embedded(traps.root / "outer" / "models")
    traps.committed(traps.root / "outer")
    directory = traps.root / "outer" / "models"
    git(traps.root / "outer", "add", "--force", "--all", "models")
    return directory, commit(traps.root / "outer")


def a_bare_one_by_itself(traps: Traps) -> tuple[Path, str | None]:
    directory = traps.root / "archive"
    traps.embedded(directory)
    return directory, None


def a_git_file(traps: Traps) -> tuple[Path, str | None]:
    directory, elsewhere = traps.root / "checkout", traps.root / "elsewhere"
    made = traps.committed(directory)
    (directory / ".git").rename(elsewhere)
    (directory / ".git").write_text(f"gitdir: {elsewhere}\n")
    traps.set_in(elsewhere)
    return directory, made


def a_submodule(traps: Traps) -> tuple[Path, str | None]:
    inner, outer = traps.root / "inner", traps.root / "outer"
    made = traps.committed(inner)
    traps.committed(outer)
    git(outer, "-c", "protocol.file.allow=always", "submodule", "add", str(inner), "models")
    commit(outer)
    traps.set_in(outer / ".git" / "modules" / "models")
    return outer / "models", made


def a_submodule_below(traps: Traps) -> tuple[Path, str | None]:
    a_submodule(traps)
    outer = traps.root / "outer"
    return outer, git(outer, "rev-parse", "HEAD").strip()


@pytest.mark.parametrize(
    "make",
    [
        a_checkout,
        a_bare_one_in_a_checkout,
        a_bare_one_by_itself,
        a_git_file,
        a_submodule,
        a_submodule_below,
    ],
)
def test_nothing_runs(traps: Traps, make: Callable[[Traps], tuple[Path, str | None]]) -> None:
    directory, made = make(traps)
    touch(directory)
    git(directory, "status", "--porcelain")
    git(directory, "diff")
    assert traps.ran(), "this repository is no trap"

    touch(directory)
    found = commit_of(directory)
    place_in_repository(directory)
    assert not traps.ran()
    assert found == made or found == f"{made}-dirty"


@pytest.mark.parametrize("scheme", ["ext", "local", "ssh"])
@pytest.mark.parametrize("lacking", ["commit", "tree"])
def test_nothing_is_fetched_for_a_partial_clone(traps: Traps, lacking: str, scheme: str) -> None:
    directory = traps.root / "partial"
    made = traps.committed(directory)
    name = made if lacking == "commit" else git(directory, "rev-parse", "HEAD^{tree}").strip()
    (directory / ".git" / "objects" / name[:2] / name[2:]).unlink()
    git(directory, "config", "core.repositoryFormatVersion", "1")
    git(directory, "config", "extensions.partialClone", "origin")
    url = {"ext": None, "local": str(traps.root), "ssh": "ssh://host/path"}[scheme]
    traps.set_in(directory / ".git", url=url)
    git(directory, "ls-tree", "HEAD")
    assert traps.ran(), "this repository is no trap"

    assert commit_of(directory) == f"{made}-dirty", "what is not there can't be compared"
    assert not traps.ran()


def test_a_command_that_asks_for_the_commit_runs_nothing(traps: Traps) -> None:
    directory, made = a_checkout(traps)
    line = CommandLine(directory)
    touch(directory)
    line("plan", "--out", str(traps.root / "plan.json"))
    line("emulator", "stop")
    assert not traps.ran()
    assert f'"{made}"' in (traps.root / "plan.json").read_text()


# -- an honest repository ----------------------------------------------------------------------


def test_where_it_is_committed_and_where_it_differs(traps: Traps) -> None:
    root = traps.root / "honest"
    directory = root / "models"
    traps.committed(root)
    (directory / "values").mkdir(parents=True)
    others = ("notes.txt", "docker-compose.yaml")
    names = ("automl-plan.yaml", "b.automl.yml", "values/prod.yaml", "v.yaml", *others)
    read = [directory / "v.yaml", root / "elsewhere.yaml"]
    for name in names:
        (directory / name).write_text("a: 1\n")
    assert commit_of(directory, read) == f"{git(root, 'rev-parse', 'HEAD').strip()}-dirty"
    made = commit(root)
    assert commit_of(directory, read) == made
    assert (place_in_repository(directory), place_in_repository(root)) == ("models/", "")
    (root / "automl-plan.yaml").write_text("other: 1\n")
    assert commit_of(directory, read) == made, "it lies elsewhere"

    touch(directory)
    assert commit_of(directory, read) == made, "time alone changes nothing"
    for name in names:
        path = directory / name
        former = path.read_text()
        path.write_text("a: 2\n")
        counts = name not in others
        assert commit_of(directory, read) == (f"{made}-dirty" if counts else made), name
        git(root, "add", "--all")
        assert commit_of(directory, read) == (f"{made}-dirty" if counts else made), name
        path.write_text(former)
    git(root, "reset", "--quiet")
    assert commit_of(directory, read) == made
    for name in ("mkdocs.yml", "prod.yaml"):
        (directory / name).write_text("{}\n")
    assert commit_of(directory, [*read, directory / "prod.yaml"]) == made
    (directory / "new.automl.yaml").write_text("{}\n")
    assert commit_of(directory, read) == f"{made}-dirty"
    (directory / "new.automl.yaml").unlink()
    (directory / "b.automl.yml").unlink()
    assert commit_of(directory, read) == f"{made}-dirty"


@pytest.mark.parametrize("settings", [{"core.autocrlf": "true"}, {"core.eol": "crlf"}, {}])
def test_line_ends_are_the_checkout_s_own(traps: Traps, settings: dict[str, str]) -> None:
    directory = traps.root / "honest"
    directory.mkdir()
    (directory / ".gitattributes").write_text("*.yaml text\n")
    made = traps.committed(directory)
    for name, value in settings.items():
        git(directory, "config", name, value)
    (directory / "automl-plan.yaml").unlink()
    git(directory, "checkout", "--", ".")
    assert (b"\r\n" in (directory / "automl-plan.yaml").read_bytes()) == bool(settings)
    assert commit_of(directory) == made


def test_a_linked_worktree_a_link_and_a_sparse_checkout(traps: Traps) -> None:
    root = traps.root / "honest"
    (root / "models").mkdir(parents=True)
    (root / "models" / "automl-plan.yaml").write_text(PROJECT)
    (root / "models" / "same.automl.yaml").symlink_to("automl-plan.yaml")
    made = traps.committed(root)
    linked = traps.root / "linked"
    git(root, "worktree", "add", "--quiet", "--detach", str(linked))
    (traps.root / "link").symlink_to(linked / "models")
    assert [commit_of(place) for place in (linked, linked / "models")] == [made, made]
    assert commit_of(traps.root / "link") == made
    assert place_in_repository(traps.root / "link") == "models/"
    git(root, "sparse-checkout", "set", "elsewhere")
    assert not (root / "models").exists()
    assert commit_of(root) == made
    (linked / "models" / "same.automl.yaml").unlink()
    (linked / "models" / "same.automl.yaml").symlink_to("../more.automl.yml")
    assert commit_of(linked / "models") == f"{made}-dirty"


def test_packed_objects_and_another_hash(traps: Traps) -> None:
    directory = traps.root / "honest"
    made = traps.committed(directory)
    git(directory, "gc", "--quiet")
    assert commit_of(directory) == made
    other = traps.root / "other"
    other.mkdir()
    git(other, "init", "--quiet", "--object-format=sha256")
    made = traps.committed(other)
    assert len(made) == 64
    assert commit_of(other) == made


def test_where_there_is_no_commit(traps: Traps) -> None:
    assert commit_of(traps.root) is None
    assert place_in_repository(traps.root) == ""
    git(traps.root, "init", "--quiet")
    assert commit_of(traps.root) is None


def test_the_environment_of_a_hook_is_another_repository_s(
    traps: Traps, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory, other = traps.root / "honest", traps.root / "other"
    made = traps.committed(directory)
    traps.committed(other)
    for name, value in {
        "GIT_DIR": other / ".git",
        "GIT_WORK_TREE": other,
        "GIT_INDEX_FILE": other / ".git" / "index",
        "GIT_OBJECT_DIRECTORY": other / ".git" / "objects",
        "GIT_PREFIX": "models/",
        "GIT_NAMESPACE": "a",
        "GIT_EXTERNAL_DIFF": traps.root / "program",
        "GIT_PAGER": traps.root / "program",
        "GIT_EXEC_PATH": traps.root,
        "GIT_TRACE": traps.root / "trace",
    }.items():
        monkeypatch.setenv(name, str(value))
    assert commit_of(directory) == made
    assert not traps.ran()
