"""`python -m automl_plan.emulator`: the local service."""

import argparse
import gc
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from automl_plan.emulator.clock import DEFAULT_TIME_SCALE
from automl_plan.emulator.errors import StartError
from automl_plan.emulator.faults import EFFECT_SYNTAX
from automl_plan.emulator.process import Options, serve
from automl_plan.emulator.readings import READINGS
from automl_plan.emulator.training.kept import prune
from automl_plan.emulator.training.trainers import DEFAULT_TRAINER, TRAINERS

_OBJECTS_BETWEEN_COLLECTIONS = 50_000


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65_535:
        raise ValueError
    return port


def _scale(text: str) -> float:
    scale = float(text)
    if not 0.001 <= scale <= 1e12:
        raise ValueError
    return scale


def _seconds(text: str) -> float:
    seconds = float(text)
    if not (math.isfinite(seconds) and 0 <= seconds <= 10**8):
        raise ValueError
    return seconds


class _ListReadings(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        sys.stdout.write(json.dumps(msgspec.to_builtins(READINGS), indent=2) + "\n")
        parser.exit()


def _options(arguments: Sequence[str] | None) -> Options:
    parser = argparse.ArgumentParser(
        prog="python -m automl_plan.emulator",
        description="Serve AutoML v1, Vertex AI v1 and Cloud Storage on loopback.",
        epilog="example: python -m automl_plan.emulator --data-dir .automl-plan --trainer auto",
    )
    parser.add_argument(
        "--port",
        type=_port,
        default=0,
        help="port to listen on (default: any free one, see server.json)",
    )
    parser.add_argument(
        "--vertex-port",
        type=_port,
        metavar="PORT",
        help="second port, with Vertex AI at its root, for clients that take no path in the "
        "address (0: any free one; default: none)",
    )
    parser.add_argument("--data-dir", type=Path, required=True, help="directory for all data")
    parser.add_argument(
        "--trainer",
        choices=tuple(TRAINERS),
        default=DEFAULT_TRAINER,
        help="; ".join(f"{name} {each.summary}" for name, each in TRAINERS.items()),
    )
    parser.add_argument(
        "--time-scale",
        type=_scale,
        default=DEFAULT_TIME_SCALE,
        metavar="X",
        help="speed of simulated hours (default: %(default)g, an hour in a second)",
    )
    parser.add_argument(
        "--bucket-root",
        type=Path,
        help="directory whose subdirectories are the gs:// buckets (default: DATA_DIR/buckets)",
    )
    parser.add_argument(
        "--files-root",
        type=Path,
        default=Path(),
        help="base directory of relative paths (default: the current one)",
    )
    parser.add_argument(
        "--idle-timeout",
        type=_seconds,
        default=0.0,
        metavar="SECONDS",
        help="stop after that time without requests or running operations (default: 0, never)",
    )
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="SPEC",
        help="set a fault, METHOD:EFFECT[:WHEN], such as models.create:drop-after:1 (repeatable). "
        f"METHOD: such as operations.get, or *. EFFECT: {EFFECT_SYNTAX}. WHEN: N, N-M, N+ (which "
        "calls, from 1) or pP@SEED (default: every call)",
    )
    parser.add_argument(
        "--reading",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="answer as Google's service may, where that is not proved (repeatable; default: as "
        "Google's published answers show)",
    )
    parser.add_argument(
        "--list-readings",
        action=_ListReadings,
        nargs=0,
        help="write all readings with their values and sources as JSON, and exit",
    )
    parser.add_argument(
        "--prune",
        action="store_true",
        help="remove what trainings keep to be faster, write the bytes of each kind as JSON, and "
        "exit",
    )
    given = parser.parse_args(arguments)
    data_dir = given.data_dir.absolute()
    if given.prune:
        sys.stdout.write(json.dumps(prune(data_dir)) + "\n")
        parser.exit()
    return Options(
        port=given.port,
        vertex_port=given.vertex_port,
        data_dir=data_dir,
        trainer=given.trainer,
        time_scale=given.time_scale,
        bucket_root=(given.bucket_root or data_dir / "buckets").absolute(),
        files_root=given.files_root.absolute(),
        idle_timeout=given.idle_timeout,
        faults=given.fault,
        readings=given.reading,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the service. Return 0 after a stop, 1 if it can't start, 4 if the lock is held."""
    # Answers leave no reference cycles, and looking for cycles among all cached objects takes a
    # tenth of the time.
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS, 50, 1_000)
    try:
        serve(_options(arguments))
    except StartError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - what the process says
        return error.status
    return 0


if __name__ == "__main__":
    sys.exit(main())
