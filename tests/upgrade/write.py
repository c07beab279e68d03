"""Write what version 0.1 leaves on disk, for the tests of this folder.

Needs a checkout of version 0.1 with its own environment (`make test` there makes one), and git::

    python tests/upgrade/write.py CHECKOUT/.venv/bin/automl-plan tests/upgrade/version-0.1.tar.xz

Four projects are written, two for each API of the embedded service: `settled`, of which nothing
is left to do, and `killed`, whose run was killed while trainings ran. `recorded.json` in each says
what that version and its service answered.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import csv
import getpass
import io
import json
import os
import random
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import tarfile
import tempfile
import time
import urllib.request
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

APIS = ("automl", "vertex")
TRAINERS = {"settled": "sklearn", "killed": "simulated"}
LABELS = ("bar", "disc", "frame")
IMAGES = 12
"""Of each label."""
_SIDE = 16
_PLACE = "projects/local/locations/us-central1"
_PATIENCE = 120.0
_AHEAD = "36500d"
"""The service's clock is so far ahead: the tests set it to this time again, whenever they run."""
_LEFT_OUT = ("lock", "server.json", "emulator.log", "default.json.lock", ".git")

SETTLED = """\
provider:
  local: {{api: {api}, trainer: sklearn}}
variables:
  budget: {{type: integer, default: 9000}}
  adopted: {{default: none}}
  most: {{type: number, default: 1000}}
  least: {{type: number, default: 0.5}}
  description: {{default: bars and discs and frames}}
datasets:
  shapes:
    display_name: shapes
    image_classification: {{classification_type: MULTICLASS}}
    sources: [data/shapes.csv]
    description: ${{var.description}}
    labels: {{team: vision}}
  growing:
    image_classification: {{classification_type: MULTICLASS}}
    sources: [data/growing.csv]
    on_source_change: append
models:
  shapes:
    dataset: shapes
    image_classification: {{model_type: cloud, train_budget_milli_node_hours: "${{var.budget}}"}}
    deploy: {{node_count: 1}}
    labels: {{stage: prod}}
    require: {{au_prc: "${{var.least}}"}}
    lifecycle: {{prevent_destroy: true, keep_versions: 2}}
{more}policy: {{max_training_cost: "${{var.most}}"}}
"""
_OUTSIDE = """\
  {name}:
    display_name: shapes
    dataset: shapes
    image_classification: {{train_budget_milli_node_hours: 8000}}
"""
_DEPLOYED = "    deploy: {node_count: 1}\n"
_NOTIFY = "notify: {ops: {webhook: {url_env: OPS_HOOK}, events: [gate-rejected, drift]}}\n"

KILLED = """\
provider:
  local: {{api: {api}, trainer: simulated, time_scale: {time_scale}}}
datasets:
  shapes:
    image_classification: {{classification_type: MULTICLASS}}
    sources: [data/shapes.csv]
"""
_TRAININGS = """\
models:
  first:
    dataset: shapes
    image_classification: {train_budget_milli_node_hours: 8000}
    deploy: {node_count: 1}
  second:
    dataset: shapes
    image_classification: {train_budget_milli_node_hours: 9000}
"""


def picture(label: str, chance: random.Random) -> bytes:
    """A PNG of 16 by 16 pixels with a shape of that label on a noisy ground."""
    left, top, size = chance.randint(1, 4), chance.randint(1, 4), chance.randint(7, 10)
    colour = [chance.randint(150, 255) for _ in range(3)]
    rows = b""
    for y in range(_SIDE):
        rows += b"\0"
        for x in range(_SIDE):
            ground = [chance.randint(0, 60) for _ in range(3)]
            rows += bytes(colour if _covers(label, x - left, y - top, size) else ground)
    header = struct.pack(">2I5B", _SIDE, _SIDE, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


def _covers(label: str, x: int, y: int, size: int) -> bool:
    inside = 0 <= x < size and 0 <= y < size
    if label == "bar":
        return inside and size // 3 <= y < 2 * size // 3
    if label == "disc":
        return (2 * x - size + 1) ** 2 + (2 * y - size + 1) ** 2 <= size**2
    return inside and (min(x, y) == 0 or max(x, y) == size - 1)


def write_data(directory: Path) -> None:
    """Draw the images, and write the import CSVs; `asked` are images of no dataset."""
    chance = random.Random("shapes")
    rows = []
    for folder in ("images", "asked"):
        (directory / "data" / folder).mkdir(parents=True)
    for label in LABELS:
        for number in range(IMAGES):
            name = f"data/images/{label}-{number:02}.png"
            (directory / name).write_bytes(picture(label, chance))
            use = ("TRAIN", "TRAIN", "TRAIN", "TEST", "TRAIN", "VALIDATION")[number % 6]
            rows.append((use, name, label))
        (directory / "data" / "asked" / f"{label}.png").write_bytes(picture(label, chance))
    write_csv(directory / "data" / "shapes.csv", rows)
    write_csv(directory / "data" / "growing.csv", rows[::2])


def write_csv(path: Path, rows: list[tuple[str, str, str]]) -> None:
    """An import CSV; paths are relative to the configuration's directory."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")


class Service:
    """The embedded service's REST, spoken to as an application would."""

    def __init__(self, url: str, api: str) -> None:
        self._url = url
        self._v1 = f"{url}/vertex/v1/{_PLACE}" if api == "vertex" else f"{url}/v1/{_PLACE}"
        self._api = api

    def predictions(self, images: Path) -> dict[str, Any]:
        """What each deployed model says of each image: labels and scores, by the model's id."""
        found: dict[str, Any] = {}
        for model, place in self._serving().items():
            found[model] = {
                image.name: self._predicted(place, image.read_bytes())
                for image in sorted(images.iterdir())
            }
        return found

    def set_description(self, dataset: str, description: str) -> None:
        """Change a dataset behind the tool's back."""
        url = f"{self._v1}/datasets/{dataset}?updateMask=description"
        _ask(url, {"description": description}, "PATCH")

    def admin(self, path: str, body: object = None) -> Any:
        """The service's own API."""
        return _ask(f"{self._url}/emulator/v1/{path}", body)

    def objects(self) -> dict[str, list[str]]:
        """The ids of all that there is."""
        kinds = {"datasets": "datasets", "models": "model"}
        if self._api == "vertex":
            kinds = {kind: kind for kind in ("datasets", "models", "endpoints")}
        return {
            kind: sorted(each["name"].split("/")[-1] for each in self._list(kind, field))
            for kind, field in kinds.items()
        }

    def _list(self, kind: str, field: str) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = _ask(f"{self._v1}/{kind}").get(field, [])
        return listed

    def _serving(self) -> dict[str, str]:
        """Where each deployed model is asked."""
        if self._api == "vertex":
            return {
                deployed["model"].split("/")[-1]: f"endpoints/{endpoint['name'].split('/')[-1]}"
                for endpoint in self._list("endpoints", "endpoints")
                for deployed in endpoint.get("deployedModels", [])
            }
        names = [
            model["name"].split("/")[-1]
            for model in self._list("models", "model")
            if model.get("deploymentState") == "DEPLOYED"
        ]
        return {name: f"models/{name}" for name in names}

    def _predicted(self, place: str, image: bytes) -> dict[str, float]:
        content = base64.b64encode(image).decode()
        url = f"{self._v1}/{place}:predict"
        if self._api == "vertex":
            [answer] = _ask(url, {"instances": [{"content": content}]})["predictions"]
            return dict(zip(answer["displayNames"], answer["confidences"], strict=True))
        body = {"payload": {"image": {"imageBytes": content}}, "params": {"score_threshold": "0"}}
        payload = _ask(url, body)["payload"]
        return {each["displayName"]: each["classification"].get("score", 0) for each in payload}


def _ask(url: str, body: object = None, method: str | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, data, headers, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read() or b"{}")


class Tool:
    """The command line in one directory."""

    def __init__(self, command: Path, directory: Path) -> None:
        self._command = command
        self.directory = directory

    def __call__(self, *arguments: str, code: int = 0) -> str:
        """Run a command that ends with this exit code; what it prints."""
        done = subprocess.run(
            [self._command, *arguments],
            cwd=self.directory,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != code:
            raise AssertionError(f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def begin(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a command."""
        return subprocess.Popen(
            [self._command, *arguments],
            cwd=self.directory,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def environment(self) -> dict[str, str]:
        """Without what would change what is done or shown."""
        return {k: v for k, v in os.environ.items() if not k.startswith(("AUTOML_PLAN_", "OPS_"))}

    def configure(self, text: str) -> None:
        """Write the configuration, and commit it."""
        (self.directory / "automl-plan.yaml").write_text(text, encoding="utf-8")
        self.git("add", "automl-plan.yaml", "data")
        self.git("commit", "--quiet", "--allow-empty", "--message", "Configuration")

    def git(self, *arguments: str) -> None:
        """Git, with an author and a time of its own: the commit is a part of what is written."""
        person = {"NAME": "Upgrade", "EMAIL": "upgrade@example.com", "DATE": "2026-01-01T00:00:00Z"}
        who = {f"GIT_{role}_{k}": v for role in ("AUTHOR", "COMMITTER") for k, v in person.items()}
        command = ["git", *arguments]
        subprocess.run(command, cwd=self.directory, env={**self.environment(), **who}, check=True)


def write_settled(tool: Tool, api: str) -> None:
    """Versions of every kind, an adopted model, messages that wait, and plans that are saved."""

    def configure(*more: str) -> None:
        tool.configure(SETTLED.format(api=api, more="".join(more)))

    def apply(*arguments: str, code: int = 0) -> None:
        tool("apply", "--auto-approve", *arguments, code=code)

    configure(_OUTSIDE.format(name="outside"))
    apply("--var", "budget=8000")
    service = started(tool, api)
    rows = [*csv.reader((tool.directory / "data" / "shapes.csv").open(encoding="utf-8"))]
    write_csv(tool.directory / "data" / "growing.csv", [(a, b, c) for a, b, c in rows])
    apply("--var", "budget=9000")  # the former version stays, and data is added

    # A model that somebody else made: one that is forgotten, and bears none of our labels.
    outside = object_id(tool, "model.outside")
    configure("removed: [{from: model.outside, action: forget}]\n")
    apply()
    imports = f'imports: [{{to: model.adopted, id: "{outside}"}}]\n'
    adopted = _OUTSIDE.format(name="adopted") + _DEPLOYED + imports
    configure(adopted)
    apply()
    for version in ("1", "2"):
        tool("models", "promote", "shapes", version, "--auto-approve", "--why", "by hand")

    configure(adopted, _NOTIFY)
    apply("--var", "budget=10000", "--var", "least=1.0", "--var", "most=500", code=3)
    shapes = object_id(tool, "dataset.shapes")
    service.set_description(shapes, "changed by somebody")
    tool("watch", "--once", code=0)
    service.set_description(shapes, "bars and discs and frames")

    tool("plan", "--detailed-exitcode", code=0)
    tool("plan", "--var", "budget=11000", "--out", "retrains.json", code=0)
    tool("plan", "--var", "description=shapes", "--out", "describes.json", code=0)
    refused = ("--var", "budget=11000", "--var", "most=1")
    tool("plan", *refused, "--out", "refused.json", code=3)
    keep(tool, service)


def write_killed(tool: Tool, api: str) -> None:
    """Two trainings run when the tool is killed; of one it never saw the answer."""
    tool.configure(KILLED.format(api=api, time_scale=3600))
    tool("apply", "--auto-approve")
    tool("emulator", "stop")
    tool.configure(KILLED.format(api=api, time_scale=0.01) + _TRAININGS)
    tool("plan")
    service = started(tool, api)
    create = "trainingPipelines.create" if api == "vertex" else "models.create"
    service.admin("faults", {"fault": f"{create}:delay-after=3600:2"})
    run = tool.begin("apply", "--auto-approve", "--parallelism", "2")
    try:
        waited_for_trainings(tool, service)
    finally:
        run.send_signal(signal.SIGKILL)
        run.wait()
    keep(tool, service)


def waited_for_trainings(tool: Tool, service: Service) -> None:
    """Until both run, and the operation of one is in the journal."""
    journal = tool.directory / "state" / "default.json.journal"
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        steps = journal.read_text(encoding="utf-8").splitlines() if journal.exists() else []
        known = [line for line in steps if '"step":"train"' in line and '"id":' in line]
        if known and len(service.admin("billing")["trainings"]) == 2:
            return
        time.sleep(0.05)
    raise AssertionError("no two trainings run")


def started(tool: Tool, api: str) -> Service:
    """The service of a directory, which runs."""
    return Service(json.loads(tool("emulator", "status", "--json"))["url"], api)


def object_id(tool: Tool, address: str) -> str:
    """The id of the current object of an address."""
    state = json.loads((tool.directory / "state" / "default.json").read_bytes())
    return str(state["resources"][address]["current"]["id"])


def keep(tool: Tool, service: Service) -> None:
    """Note what the service says, stop it, and take out what belongs to this machine."""
    recorded = {
        "now": service.admin("clock")["now"],
        "objects": service.objects(),
        "predictions": service.predictions(tool.directory / "data" / "asked"),
        "billing": service.admin("billing"),
    }
    text = json.dumps(recorded, sort_keys=True, indent=1)
    (tool.directory / "recorded.json").write_text(text, encoding="utf-8")
    tool("emulator", "stop")
    for path in (tool.directory / "state").glob("default.json*"):
        path.write_text(path.read_text("utf-8").replace(_person(), "somebody@example"), "utf-8")
    data = tool.directory / ".automl-plan" / "emulator"
    [database] = data.glob("*.sqlite3")
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as connection:
        # Where an image was imported from: the service reads its own copy.
        connection.execute("UPDATE examples SET path = uri")
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("VACUUM")


def _person() -> str:
    """Who the tool says has decided."""
    return f"{getpass.getuser()}@{socket.gethostname()}"


def packed(projects: Mapping[str, Path]) -> bytes:
    """A compressed archive of directories, without owners and times."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:xz", preset=9) as archive:
        # What the projects have in common lies close together, so that it is stored once.
        files = [
            (path.name, name, path)
            for name, directory in projects.items()
            for path in sorted(directory.rglob("*"))
            if path.is_file() and not set(path.relative_to(directory).parts) & set(_LEFT_OUT)
        ]
        for _, name, path in sorted(files):
            content = path.read_bytes()
            if str(projects[name]).encode() in content or _person().encode() in content:
                raise AssertionError(f"{path} names this machine")
            entry = tarfile.TarInfo(f"{name}/{path.relative_to(projects[name]).as_posix()}")
            entry.size, entry.mode = path.stat().st_size, 0o600
            with path.open("rb") as file:
                archive.addfile(entry, file)
    return buffer.getvalue()


def main() -> None:
    """Write all projects into one archive."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", type=Path, help="automl-plan of version 0.1")
    parser.add_argument("archive", type=Path)
    parser.add_argument("--keep", type=Path, help="copy the projects to this directory as well")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        projects: dict[str, Path] = {}
        for api in APIS:
            for name, write in (("settled", write_settled), ("killed", write_killed)):
                directory = Path(temporary, api, name)
                directory.mkdir(parents=True)
                write_data(directory)
                tool = Tool(arguments.command.absolute(), directory)
                tool.git("init", "--quiet")
                tool("emulator", "start", "--trainer", TRAINERS[name])
                tool("emulator", "advance", _AHEAD)
                try:
                    write(tool, api)
                finally:
                    tool("emulator", "stop")
                projects[f"{api}/{name}"] = directory
        if arguments.keep is not None:
            shutil.copytree(temporary, arguments.keep)
        content = packed(projects)
    arguments.archive.write_bytes(content)


if __name__ == "__main__":
    main()
