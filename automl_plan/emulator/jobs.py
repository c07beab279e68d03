"""Background work: pools of threads, cancellation, and an orderly stop that resumes later."""

import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

from automl_plan.emulator.clock import Clock


class JobCancelled(Exception):
    """The job was cancelled."""


class JobInterrupted(Exception):
    """The service stops; the job continues after the next start."""


class Cancellation:
    """Whether a job must end, because it was cancelled or the service stops."""

    def __init__(self, stopping: threading.Event) -> None:
        self._cancelled = threading.Event()
        self._stopping = stopping

    def cancel(self) -> None:
        """Request that the job ends."""
        self._cancelled.set()

    def requested(self) -> bool:
        """Return whether the job must end now."""
        return self._cancelled.is_set() or self._stopping.is_set()

    def check_stop(self) -> None:
        """Raise JobInterrupted if the service stops."""
        if self._stopping.is_set():
            raise JobInterrupted

    def check(self) -> None:
        """Raise JobInterrupted or JobCancelled if the job must end."""
        self.check_stop()
        if self._cancelled.is_set():
            raise JobCancelled


Work = Callable[[Cancellation], None]


class Jobs:
    """Runs jobs on named thread pools; each pool is a queue."""

    def __init__(self, clock: Clock, pools: Mapping[str, int]) -> None:
        self._clock = clock
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._jobs: dict[int, tuple[Cancellation, Future[None]]] = {}
        self._pools = {
            name: ThreadPoolExecutor(size, thread_name_prefix=name) for name, size in pools.items()
        }

    @property
    def count(self) -> int:
        """The number of jobs that run or are queued."""
        with self._lock:
            return len(self._jobs)

    @property
    def stopping(self) -> bool:
        """Whether the service is about to stop."""
        return self._stopping.is_set()

    def submit(self, pool: str, job_id: int, work: Work) -> None:
        """Run `work` on a pool as soon as that has a free thread."""
        cancellation = Cancellation(self._stopping)
        with self._lock:
            if self._stopping.is_set():
                return
            future = self._pools[pool].submit(self._run, job_id, work, cancellation)
            self._jobs[job_id] = (cancellation, future)

    def cancel(self, job_id: int) -> bool:
        """Request that a job ends; return True if it had not started and never will."""
        with self._lock:
            if job_id not in self._jobs:
                return False
            cancellation, future = self._jobs[job_id]
            never_began = future.cancel()
            if never_began:
                del self._jobs[job_id]
        cancellation.cancel()
        self._clock.wake()
        return never_began

    def stop(self) -> None:
        """Interrupt all jobs and wait until none runs."""
        with self._lock:
            self._stopping.set()
        self._clock.wake()
        for pool in self._pools.values():
            pool.shutdown(wait=True, cancel_futures=True)

    def _run(self, job_id: int, work: Work, cancellation: Cancellation) -> None:
        try:
            if not self._stopping.is_set():
                work(cancellation)
        except Exception:  # noqa: BLE001 - the runner of a job handles its errors: this is a bug
            traceback.print_exc(file=sys.stderr)
        finally:
            with self._lock:
                self._jobs.pop(job_id, None)
