"""One training: a simulated one waits for the clock, a real one has its own process."""

import contextlib
import multiprocessing
import os
import signal
import threading
from datetime import datetime
from multiprocessing.connection import Connection

from automl_plan.emulator.clock import Clock
from automl_plan.emulator.errors import Code, ServiceError
from automl_plan.emulator.jobs import Cancellation
from automl_plan.emulator.training.trainer import Trainer, trainer
from automl_plan.emulator.training.types import (
    TrainingCancelled,
    TrainingFailed,
    TrainingJob,
    TrainingResult,
    TrainingUnimplemented,
)

_GRACE_SECONDS = 1.0
_LOOK_EVERY_SECONDS = 0.05


def run_training(
    chosen: Trainer, job: TrainingJob, started: datetime, clock: Clock, cancellation: Cancellation
) -> TrainingResult:
    """Train; `started` is when the training first began, perhaps before a restart.

    Raises JobCancelled or JobInterrupted as soon as the cancellation asks for it, ServiceError
    when the training fails.
    """
    try:
        simulated_hours = chosen.duration(job)
        if simulated_hours > 0:
            clock.wait_until(clock.after(started, simulated_hours), cancellation.requested)
            cancellation.check()
            return chosen.train(job, cancellation.requested)
        return _train_in_process(chosen.name, job, cancellation)
    except TrainingCancelled:
        cancellation.check()
        raise
    except TrainingFailed as error:
        raise ServiceError(Code.FAILED_PRECONDITION, str(error)) from error
    except TrainingUnimplemented as error:
        raise ServiceError(Code.UNIMPLEMENTED, str(error)) from error


def _train_in_process(name: str, job: TrainingJob, cancellation: Cancellation) -> TrainingResult:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_child, args=(theirs, name, job), daemon=True)
    process.start()
    theirs.close()
    try:
        while not ours.poll(_LOOK_EVERY_SECONDS):
            if cancellation.requested():
                ours.close()  # the child sees the end of its pipe and stops
                process.join(_GRACE_SECONDS)
                cancellation.check()
        try:
            answer = ours.recv()
        except EOFError:
            process.join(_GRACE_SECONDS)
            raise ServiceError(
                Code.INTERNAL, f"The training process ended by itself (status {process.exitcode})."
            ) from None
        if isinstance(answer, BaseException):
            raise answer
        result: TrainingResult = answer
        return result
    finally:
        ours.close()
        if process.is_alive():
            process.kill()
        process.join()
        process.close()


def _child(connection: Connection, name: str, job: TrainingJob) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the service, which ends this
    finished = threading.Event()
    threading.Thread(target=_end_with_parent, args=(connection, finished), daemon=True).start()
    answer: TrainingResult | Exception
    try:
        answer = trainer(name).train(job, lambda: False)
    except (TrainingCancelled, TrainingFailed, TrainingUnimplemented) as error:
        answer = error
    finished.set()
    connection.send(answer)


def _end_with_parent(connection: Connection, finished: threading.Event) -> None:
    """End this process at once when the other side is gone: cancelled, stopped or killed."""
    with contextlib.suppress(OSError):
        connection.poll(None)  # nothing is ever sent to the child: readable means closed
    if not finished.is_set():
        os._exit(1)
