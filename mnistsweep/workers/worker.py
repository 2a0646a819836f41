"""One worker: a process that runs many trials, so that the backend starts once and the data stays in memory.

It reads the sweep's plan from the sweep's folder. Workers share nothing but the study. A worker runs as a child process
of the local launcher (``python -m mnistsweep.workers.worker FOLDER INDEX SESSION PARENT``) or as a Hydra job.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from mnistsweep import devices
from mnistsweep.descendants import terminate_children
from mnistsweep.errors import FilesLost, MnistSweepError, SweepStopped, translate_os_errors
from mnistsweep.paths import SweepPaths
from mnistsweep.planning.plan_file import read_plan
from mnistsweep.printable import make_streams_safe
from mnistsweep.redaction import mask, redact_output
from mnistsweep.stop_signal import StopSignal
from mnistsweep.study.claims import Claims
from mnistsweep.study.leases import Lease
from mnistsweep.study.outage import MAX_OUTAGE_SECONDS, Outage
from mnistsweep.study.required_files import explain_lost_files
from mnistsweep.study.storage.stores import open_coordinator
from mnistsweep.study.study import Study
from mnistsweep.workers.memory import MemoryLimit
from mnistsweep.workers.messages import (
    BATCH_JOB,
    COUNT_VARIABLE,
    FILES_LOST,
    REPLACE,
    STOPS_BECAUSE,
    SWEEP_STOPPED,
    Announce,
    announce_nothing,
    announce_to_log,
    engine_lines,
)
from mnistsweep.workers.program import make_program
from mnistsweep.workers.search_settings import make_search_settings
from mnistsweep.workers.stopping import unresponsive_seconds
from mnistsweep.workers.trial_hooks import TrialHooks
from mnistsweep.workers.watchdog import Watchdog


def work(
    folder: Path,
    index: int,
    session: str,
    stop: StopSignal,
    announce: Announce = announce_nothing,
    replaceable: bool = False,
) -> bool:
    """Run trials until the study grants no more; return whether a new process should take the place of this one.

    Args:
        folder: Path of the sweep's folder.
        index: Number of the worker, counted from 0.
        session: Name of this start of the sweep.
        stop: Request to stop, checked several times a second; a running trial is released unfinished.
        announce: Function that is called with the number of each trial when it starts.
        replaceable: Whether a supervisor starts a new process in place of one that has used too much memory.

    Raises:
        SweepStopped: Too many trials failed, or the disk stores nothing.
        FilesLost: Files of the sweep were deleted or moved.
    """
    paths = SweepPaths(folder)
    plan = read_plan(paths)
    search = make_search_settings(plan, paths)
    here = int(os.environ.get(COUNT_VARIABLE, plan.config.workers))
    plan = replace(plan, config=replace(plan.config, workers=here))  # the others do not share the cores of this one
    config = plan.config
    os.environ.update(devices.environment(index, config.workers, plan.threads))
    memory = MemoryLimit(config.worker_memory_gb, config.workers) if replaceable else None
    coordinator, outage = open_coordinator(paths, config.storage), Outage(MAX_OUTAGE_SECONDS, stop)
    outage.wait_for(lambda: coordinator.read_heartbeats(["nobody"]))
    with explain_lost_files(paths), Lease(paths, coordinator, config.lease_seconds) as lease:
        stop.call_on_request(lease.announce_stop)
        study = Study(paths, search, lease, config.storage, session, time.time)
        hooks = TrialHooks(plan, study, stop, announce, memory)
        program = make_program(hooks)
        program.claims.outage = outage
        _prepare_backend(config.trainer.deterministic)
        minutes = config.trial.timeout_minutes
        lease.on_heartbeat = Watchdog(study, program.claims, stop, minutes, check_files=program.check_files)
        lease.on_heartbeat()  # a request to stop may be older than this worker
        with study.running_time, _releasing(program.claims):
            program.run_trials()
    return hooks.should_be_replaced() and not stop()


@contextlib.contextmanager
def _releasing(claims: Claims) -> Iterator[None]:
    """Context that releases the unfinished trial of a worker at its end; an error in the context takes precedence."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(Exception):  # the ledger may be what caused the error
            claims.release()
        raise
    claims.release()


def _prepare_backend(deterministic: bool) -> None:
    """Prepare the imported libraries for many trainings.

    Objects of the libraries are excluded from garbage collection: a collection between two trainings then takes 0.1 ms
    instead of 140 ms.
    """
    gc.collect()
    gc.freeze()
    if deterministic:
        devices.use_op_determinism()


def work_job(folder: Path, index: int, session: str, parent: int | None = None, is_batch_job: bool = False) -> int:
    """Run a worker as a job of any Hydra launcher, or as a process; errors are written to the standard error.

    Args:
        folder: Path of the sweep's folder.
        index: Number of the worker, counted from 0.
        session: Name of this start of the sweep.
        parent: Process ID of the supervisor, whose exit is a request to stop; None: no supervisor.
        is_batch_job: Whether a batch system sends its signals to the supervisor and to this process: then the second
            one does not end it.

    Returns:
        Exit code: 0 for a worker that is done, 128 + signal for one that was interrupted, `REPLACE` for one that has
        used too much memory, or else that of an error.
    """
    announce = announce_nothing if parent is None else announce_to_log
    with StopSignal(parent, second_ends_process=not is_batch_job) as stop:
        try:
            with translate_os_errors(str(folder)), engine_lines():
                if work(folder, index, session, stop, announce, parent is not None):
                    return REPLACE
        except FilesLost as error:
            _print_error(error, parent)
            return FILES_LOST
        except SweepStopped as error:
            _print_error(error, parent)
            return SWEEP_STOPPED
        except MnistSweepError as error:
            _print_error(error, parent)
            return error.exit_code
        except KeyboardInterrupt:
            pass
        return stop.exit_code if stop() else 0


def _print_error(error: MnistSweepError, parent: int | None) -> None:
    """Print the error with which this worker exits: for the supervisor, which reads the log, or for the terminal."""
    text = mask(" ".join(str(error).splitlines()))
    print(text if parent is None else f"{STOPS_BECAUSE}{text}", file=sys.stderr)


def _exit_at_the_latest_with(code: int) -> None:
    """Limit the time of Python's exit, which waits for threads and exit functions of users' code without a limit.

    Args:
        code: Exit code of the process.
    """

    def exit_now() -> None:
        with contextlib.suppress(Exception):
            print("exit: a thread or an exit function of the user's code did not end in time", file=sys.stderr)
            sys.stdout.flush()
        os._exit(code)

    timer = threading.Timer(unresponsive_seconds(), exit_now)
    timer.daemon = True
    timer.start()


def _terminate_children_without(parent: int) -> None:
    """Send SIGTERM to what users' code has started if the supervisor, which would do that, has exited."""
    if os.getppid() != parent:
        terminate_children()


if __name__ == "__main__":
    atexit.register(_terminate_children_without, int(sys.argv[4]))  # the first that is registered is called last
    make_streams_safe()
    redact_output()  # tracebacks and users' output in the log of this process
    exit_code = work_job(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), BATCH_JOB in sys.argv[5:])
    _exit_at_the_latest_with(exit_code)
    sys.exit(exit_code)
