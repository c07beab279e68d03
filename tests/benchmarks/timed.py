"""Runs one command, and prints what it took: `python timed.py LOG COMMAND…`.

By itself, and small: Linux counts into the peak of a process what its parent had when it began.
"""

from __future__ import annotations

import json
import os
import sys
import time


def main() -> None:
    """Print seconds, bytes and the exit code as JSON."""
    log, *command = sys.argv[1:]
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    begun = time.perf_counter()
    streams = [(os.POSIX_SPAWN_DUP2, output, 1), (os.POSIX_SPAWN_DUP2, output, 2)]
    process = os.posix_spawnp(command[0], command, os.environ, file_actions=streams)
    _, status, usage = os.wait4(process, 0)
    seconds = time.perf_counter() - begun
    code = os.waitstatus_to_exitcode(status)
    json.dump({"seconds": seconds, "peak": usage.ru_maxrss * 1024, "code": code}, sys.stdout)


if __name__ == "__main__":
    main()
