"""`python -m automl_plan.emulator`: the local service."""

import argparse
import gc
import math
import sys
from collections.abc import Sequence
from pathlib import Path

from automl_plan.emulator.clock import DEFAULT_TIME_SCALE
from automl_plan.emulator.errors import StartError
from automl_plan.emulator.faults import EFFECTS
from automl_plan.emulator.process import Options, serve

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


def _options(arguments: Sequence[str] | None) -> Options:
    parser = argparse.ArgumentParser(
        prog="python -m automl_plan.emulator",
        description="Serve AutoML v1 on loopback, from a data directory.",
        epilog="example: python -m automl_plan.emulator --data-dir .automl-plan --trainer sklearn",
    )
    parser.add_argument(
        "--port", type=_port, default=0, help="0, the default, takes any free one (see server.json)"
    )
    parser.add_argument("--data-dir", type=Path, required=True, help="where everything is kept")
    parser.add_argument(
        "--trainer",
        choices=("sklearn", "simulated"),
        default="sklearn",
        help="sklearn trains image classifiers for real; simulated makes up its numbers",
    )
    parser.add_argument(
        "--time-scale",
        type=_scale,
        default=DEFAULT_TIME_SCALE,
        metavar="X",
        help="simulated hours pass X times faster than real ones; %(default)g: an hour in a second",
    )
    parser.add_argument(
        "--bucket-root",
        type=Path,
        help="the folder whose folders are the gs:// buckets (default: DATA_DIR/buckets)",
    )
    parser.add_argument(
        "--files-root",
        type=Path,
        default=Path(),
        help="the folder that relative paths start from (default: the current one)",
    )
    parser.add_argument(
        "--idle-timeout",
        type=_seconds,
        default=0.0,
        metavar="SECONDS",
        help="end after so long without a request or a running operation (default: 0, never)",
    )
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="SPEC",
        help=f"METHOD:EFFECT[:WHEN], such as models.create:drop-after:1 (repeatable). METHOD is "
        f"such as operations.get, or *. EFFECT: {EFFECTS}. WHEN: N, N-M, N+ (which calls, from 1) "
        "or pP@SEED; without it, every call",
    )
    given = parser.parse_args(arguments)
    data_dir = given.data_dir.absolute()
    return Options(
        port=given.port,
        data_dir=data_dir,
        trainer=given.trainer,
        time_scale=given.time_scale,
        bucket_root=(given.bucket_root or data_dir / "buckets").absolute(),
        files_root=given.files_root.absolute(),
        idle_timeout=given.idle_timeout,
        faults=given.fault,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the service; 0 after an orderly end, 1 when it can't start, 4 when the lock is held."""
    # What an answer is made of is gone without it; to look for cycles in all that is kept costs
    # a tenth of the time.
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS, 50, 1_000)
    try:
        serve(_options(arguments))
    except StartError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - what the process says
        return error.status
    return 0


if __name__ == "__main__":
    sys.exit(main())
