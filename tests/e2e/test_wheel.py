"""What is published: the wheel, in an environment that holds nothing else."""

from __future__ import annotations

import subprocess
import sys
import venv
from importlib.metadata import distributions
from pathlib import Path
from zipfile import ZipFile

ROOT = Path(__file__).parents[2]


def test_the_wheel_validates_in_an_empty_environment(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path)]
    subprocess.run([*build, str(ROOT)], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(ZipFile(wheel).namelist())
    for schema in (ROOT / "schemas").glob("*.json"):
        assert f"automl_plan/schemas/{schema.name}" in names
    assert not any(name.startswith(("tests/", "examples/")) for name in names)

    # The versions that the lock file gave this environment, and no others.
    pins = tmp_path / "pins.txt"
    pins.write_text(
        "".join(
            f"{d.metadata['Name']}=={d.version}\n"
            for d in distributions()
            if d.metadata["Name"] != "automl-plan"
        ),
        encoding="utf-8",
    )
    home = tmp_path / "env"
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, "-c", str(pins), str(wheel)], check=True)

    project = tmp_path / "project"
    command = str(home / "bin" / "automl-plan")
    subprocess.run([command, "init", "-C", str(project)], check=True)
    done = subprocess.run(
        [command, "-C", str(project), "validate"], check=True, capture_output=True, text=True
    )
    assert "valid" in done.stdout
    saved = str(ROOT / "examples" / "review" / "plan.json")
    page = subprocess.run(
        [command, "show", saved, "--format", "html"], check=True, capture_output=True, text=True
    )
    assert page.stdout.startswith("<!doctype html>")
