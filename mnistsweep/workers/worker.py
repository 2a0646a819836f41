"""One worker: a process that lives for many trials, so that the backend starts once and the data stays in memory.

It reads the sweep's plan from its folder, and meets the other workers only in the study. It runs as a child process of
the local launcher (``python -m mnistsweep.workers.worker FOLDER INDEX SESSION PARENT``) or as a Hydra job.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mnistsweep import devices, tensorboard
from mnistsweep.atomic import write_yaml
from mnistsweep.config.compose import from_plain
from mnistsweep.config.schema import Config
from mnistsweep.config.trial_file import trial_file
from mnistsweep.errors import MnistSweepError, SweepStopped, translate_disk_full
from mnistsweep.paths import SweepPaths, TrialPaths
from mnistsweep.planning.plan import Plan
from mnistsweep.search import factory
from mnistsweep.study.claim import Claim
from mnistsweep.study.leases import Lease
from mnistsweep.study.records import State
from mnistsweep.study.search_settings import SearchSettings
from mnistsweep.study.storage.stores import open_coordinator
from mnistsweep.study.study import Study
from mnistsweep.study.sweep_file import read_sweep_file
from mnistsweep.workers.memory import MemoryLimit
from mnistsweep.workers.messages import REPLACE, STOPS_BECAUSE, SWEEP_STOPPED, TRIAL_STARTS
from mnistsweep.workers.stopping import StopSignal
from mnistsweep.workers.watchdog import Watchdog

if TYPE_CHECKING:
    from mnistsweep.training.trainer import Outcome
    from mnistsweep.tuner.search import SweepTuner

Announce = Callable[[int], None]


def _ignore(number: int) -> None:
    pass


def work(
    folder: Path, index: int, session: str, stop: StopSignal, announce: Announce = _ignore, replaceable: bool = False
) -> bool:
    """Run trials until the study grants no more, or `stop` asks to end.

    Args:
        folder: Of the sweep.
        index: Which worker this is, counted from 0.
        session: Names this start of the sweep.
        stop: Asked several times a second; a trial that runs is given back unfinished.
        announce: Told the number of each trial as it begins.
        replaceable: Whether somebody starts another worker in place of one that has grown too large.

    Returns:
        Whether another worker is to take the place of this one.

    Raises:
        SweepStopped: Too many trials failed, or the disk is full.
    """
    paths = SweepPaths(folder)
    plan = Plan.from_json(read_sweep_file(paths)["plan"])
    config = plan.config
    os.environ.update(devices.environment(index, config.workers, plan.threads))
    memory = MemoryLimit(config.worker_memory_gb, config.workers)
    begun: list[int] = []

    def begin(number: int) -> None:
        begun.append(number)
        announce(number)

    def is_done() -> bool:
        return replaceable and bool(begun) and memory.is_exceeded()  # not before it has done something

    with Lease(paths, open_coordinator(paths, config.storage), config.lease_seconds) as lease:
        study = Study(paths, make_search(plan, paths), lease, config.storage, session, time.time)
        tuner = _make_tuner(plan, paths, study, stop, is_done, begin)
        lease.on_heartbeat = Watchdog(study, tuner.oracle, stop, config.trial.timeout_minutes)
        lease.on_heartbeat()  # the sweep may have been asked to stop before this worker was there
        try:
            tuner.search()
        finally:
            tuner.oracle.release()
    return is_done() and not stop()


def make_search(plan: Plan, paths: SweepPaths) -> SearchSettings:
    """The unchanging parts of the study, from the plan.

    Args:
        plan: Of the sweep.
        paths: Its files, where they are now.
    """
    config = plan.config
    if plan.is_foreign:
        with devices.quiet_start():
            from mnistsweep.tuner.foreign import KerasTunerOracle

        oracle: factory.Oracle = KerasTunerOracle(paths, plan.space, config, plan.direction)
        name = "grid"  # its own brackets decide; a pruner beside them must be asked for by name
    else:
        oracle = plan.oracle()
        name = factory.resolve_oracle(config.oracle, plan.space, plan.first_trials)
    return SearchSettings(
        plan.space,
        plan.direction,
        oracle,
        plan.seed_of,
        factory.make_pruner(config.pruner, name, plan.most_epochs()),
        plan.budget,
        config.objective,
    )


def _make_tuner(
    plan: Plan, paths: SweepPaths, study: Study, stop: StopSignal, is_done: Callable[[], bool], announce: Announce
) -> SweepTuner:
    with devices.quiet_start():
        from mnistsweep.tuner.oracle import StudyOracle
        from mnistsweep.tuner.search import SweepTuner
    _set_libraries_aside()
    if plan.config.trainer.deterministic:
        devices.use_op_determinism()
    dimensions = tensorboard.hparams_of(plan.space)

    def prepare(claim: Claim, folder: TrialPaths) -> Config:
        announce(claim.number)
        plain = plan.composer.plain(claim.point, claim.seed)
        folder.folder.mkdir(parents=True, exist_ok=True)
        write_yaml(folder.config, trial_file(plain, plan.threads), durable=False)  # begun again, it is written again
        return from_plain(plain)

    def begun(claim: Claim, folder: TrialPaths) -> None:
        trial_id = f"{paths.name}/{folder.folder.name}"
        tensorboard.write_session(folder.folder, trial_id, claim.point, dimensions)

    def ended(folder: TrialPaths, outcome: Outcome) -> None:
        result = outcome.result
        if result.objective is not None and result.best_epoch is not None:
            tensorboard.write_objective(folder.folder, tensorboard.OBJECTIVE_TAG, result.objective, result.best_epoch)
        tensorboard.end_session(folder.folder, outcome.state is not State.FAILED)

    def claims_no_more() -> bool:
        if study.is_stopped():
            stop.ask()
        return stop() or is_done()

    oracle = StudyOracle(study, claims_no_more)

    def stop_training() -> bool:
        if study.lease.has_expired:
            oracle.verify()  # it was away: whose is the trial now?
        return stop()

    return SweepTuner(oracle, paths, prepare, begun, ended, stop_training)


def _set_libraries_aside() -> None:
    """Keep what the libraries hold out of the garbage collections between trainings: 0.1 ms each instead of 140 ms."""
    gc.collect()
    gc.freeze()


def work_job(folder: Path, index: int, session: str, parent: int | None = None) -> int:
    """A worker as a job of any Hydra launcher, or as a process; it says what is wrong on its standard error.

    Args:
        folder: Of the sweep.
        index: Which worker this is, counted from 0.
        session: Names this start of the sweep.
        parent: The process that it does not outlive, if there is one.

    Returns:
        The exit code: 0 done, 128 + signal interrupted, `REPLACE` where it has grown too large, else an error's.
    """
    with StopSignal(parent) as stop:
        try:
            with translate_disk_full(str(folder)):
                if work(folder, index, session, stop, _ignore if parent is None else _say, parent is not None):
                    return REPLACE
        except SweepStopped as error:
            _explain(error, parent)
            return SWEEP_STOPPED
        except MnistSweepError as error:
            _explain(error, parent)
            return error.exit_code
        except KeyboardInterrupt:
            pass
        return stop.exit_code if stop() else 0


def _explain(error: MnistSweepError, parent: int | None) -> None:
    """Say why this worker ends: to its log, for the process that watches it, or to the terminal."""
    text = " ".join(str(error).splitlines())
    print(text if parent is None else f"{STOPS_BECAUSE}{text}", file=sys.stderr)


def _say(number: int) -> None:
    print(f"{TRIAL_STARTS}{number}", flush=True)  # to the worker's log, for the process that watches it


if __name__ == "__main__":
    sys.exit(work_job(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4])))
