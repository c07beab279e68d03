"""The life of a model on examples/lifecycle: real images, real trainings, 18 months of clock."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command_line import CommandLine, edit, thin_out

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "lifecycle"
README = (ROOT / "README.md").read_text(encoding="utf-8")


class Watch:
    """Looks all the time whether a version of the digits serves."""

    def __init__(self, url: str, api: str) -> None:
        self._api = api
        collection = "vertex/v1/{}/endpoints" if api == "vertex" else "v1/{}/models"
        self._url = f"{url}/{collection.format('projects/local/locations/us-central1')}"
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.looks = 0
        self.gaps = 0
        self._thread.start()

    def _look(self) -> None:
        while not self._ended.wait(0.05):
            with urllib.request.urlopen(self._url, timeout=30) as answer:
                found = json.load(answer)
            if self._api == "vertex":
                serving = [e for e in found.get("endpoints", []) if _answers(e)]
            else:
                models = found.get("model", [])
                serving = [m for m in models if m.get("deploymentState") == "DEPLOYED"]
            self.looks += 1
            self.gaps += not any("digits" in m["labels"]["automl-plan-address"] for m in serving)

    def end(self) -> None:
        self._ended.set()
        self._thread.join(60)


def _answers(endpoint: dict[str, Any]) -> bool:
    """Whether all of an endpoint's traffic goes to models that are deployed there."""
    there = {deployed["id"] for deployed in endpoint.get("deployedModels", [])}
    split: dict[str, int] = endpoint.get("trafficSplit", {})
    return sum(share for key, share in split.items() if key in there) == 100


@pytest.fixture
def cli(tmp_path: Path, api: str) -> Iterator[CommandLine]:
    """A directory of its own; commands by the dozen, so that none is started anew."""
    cli = CommandLine(tmp_path, api, installed=False)
    yield cli
    cli("emulator", "stop")


@contextmanager
def watched(cli: CommandLine) -> Iterator[Watch]:
    watch = Watch(json.loads(cli("emulator", "status", "--json"))["url"], cli.api)
    try:
        yield watch
    finally:
        watch.end()


def trainings(cli: CommandLine) -> dict[str, int]:
    """Trainings that the service billed, by the name of the model."""
    url = json.loads(cli("emulator", "status", "--json"))["url"]
    with urllib.request.urlopen(f"{url}/emulator/v1/billing", timeout=30) as answer:
        charges: list[dict[str, Any]] = json.load(answer)["trainings"]
    names = [charge["display_name"] for charge in charges]
    return {name: names.count(name) for name in sorted(set(names))}


def versions(cli: CommandLine, name: str) -> dict[int, str]:
    """The status of each version that lives."""
    rows = json.loads(cli("models", "versions", name, "--json"))["versions"]
    return {row["version"]: row["status"] for row in rows}


def no_changes(cli: CommandLine) -> str:
    plan = cli("plan", "--detailed-exitcode", code=0)
    assert "No changes." in plan or "Nothing to do: 1 model is held back" in plan
    return plan


def write_data(cli: CommandLine) -> None:
    subprocess.run([sys.executable, str(EXAMPLE / "write_data.py"), str(cli.directory)], check=True)
    thin_out(cli.directory / "data" / "more.csv", 2)


def test_the_life_of_a_model(cli: CommandLine) -> None:
    configuration = cli.take(EXAMPLE / "automl-plan.yaml")
    write_data(cli)
    cli.apply()
    assert versions(cli, "digits") == {1: "current"}

    with watched(cli) as watch:
        # Worse data: version 2 is turned down, version 1 serves; it is not paid for again.
        edit(configuration, "default: first", "default: mislabelled")
        told = cli("apply", "--auto-approve", code=3)
        assert "not met" in told
        (shown,) = re.findall(r"```text\n(model.digits version 2: .*?)```", README, re.DOTALL)
        assert shown in told
        assert versions(cli, "digits") == {2: "rejected", 1: "current"}
        assert "Held" in no_changes(cli)

        # Better data: version 3 serves, version 1 is kept.
        edit(configuration, "default: mislabelled", "default: more")
        cli.apply()
        assert versions(cli, "digits") == {3: "current", 2: "rejected", 1: "former"}

        # A way back, and forward again; the plans between leave it at that.
        cli("models", "rollback", "digits", "--auto-approve", "--why", "a customer complained")
        assert versions(cli, "digits") == {3: "withdrawn", 2: "rejected", 1: "current"}
        assert "models promote digits 3" in no_changes(cli)
        cli("models", "promote", "digits", "3", "--auto-approve", "--why", "it was not the model")
        assert "Held" not in no_changes(cli)
        shown = json.loads(cli("models", "versions", "digits", "--json"))["versions"][0]
        assert shown["decision"]["why"] == "it was not the model"
        assert trainings(cli) == {"digits": 3, "parity": 1}

        # Another name: nothing is trained, and the protection has nothing against it.
        edit(
            configuration,
            "  digits:\n    dataset: digits\n",
            "  zeros_to_nines_digits:\n    display_name: digits\n    dataset: digits\n",
        )
        assert "moved: [{from: model.digits" in cli("plan", code=3)
        with configuration.open("a", encoding="utf-8") as file:
            file.write("\nmoved: [{from: model.digits, to: model.zeros_to_nines_digits}]\n")
        cli.apply()
        name = "zeros_to_nines_digits"
        assert versions(cli, name) == {3: "current", 2: "rejected", 1: "former"}

        # The state is lost, and made anew from what lives.
        before = versions(cli, name)
        shutil.rmtree(cli.directory / "state")
        cli("plan", code=3)
        cli("state", "rebuild")
        no_changes(cli)
        assert versions(cli, name) == before
        assert trainings(cli) == {"digits": 3, "parity": 1}

        # Time passes: a year, then to the end of version 3's life and beyond it.
        cli("emulator", "advance", "365d")
        cli.apply()  # parity is older than its max_age
        assert trainings(cli) == {"digits": 3, "parity": 2}
        cli("emulator", "advance", "125d")  # 56 days or so are left
        assert "Expires:" in no_changes(cli)
        assert "expires in" in cli("models", "list")
        for _ in range(8):
            cli("emulator", "advance", "10d")
            cli.apply()
        assert trainings(cli) == {"digits": 4, "parity": 2}
        assert versions(cli, name) == {4: "current", 3: "former", 2: "rejected"}

    assert watch.looks > 100
    assert watch.gaps == 0


def test_the_calendar_names_the_day(cli: CommandLine) -> None:
    cli.take(EXAMPLE / "automl-plan.yaml")
    write_data(cli)
    cli("apply", "--auto-approve", "--target", "model.parity")
    (row,) = json.loads(cli("models", "list", "--json"))["models"]
    cli("models", "calendar", "--ics", "--out", "models.ics")
    told = (cli.directory / "models.ics").read_bytes().decode()
    assert f"DTSTART;VALUE=DATE:{row['expires'][:10].replace('-', '')}\r\n" in told
    assert "SUMMARY:model.parity expires\r\n" in told
