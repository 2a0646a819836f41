"""A sweep that a Hydra program starts: ``python train.py -m hydra/sweeper=mnistsweep ...``.

The program is the user's own. For a program with the configuration of mnistsweep, the sweep is that of `mnistsweep
sweep`.
"""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from mnistsweep.commands.repeated_start import early_answer
from mnistsweep.commands.sweep import run_sweep
from mnistsweep.commands.sweep_output import keys_as_written
from mnistsweep.config.program_job import HydraJob
from mnistsweep.config.program_launcher import uses_launcher
from mnistsweep.config.recipe import Recipe
from mnistsweep.config.sweeper_keys import PREFIX
from mnistsweep.errors import MnistSweepError, translate_os_errors
from mnistsweep.planning.hydra_planner import plan_hydra_program
from mnistsweep.planning.planner import complete_draft, draft_sweep
from mnistsweep.printable import make_streams_safe, printable
from mnistsweep.redaction import mask, mask_argument, redact_output
from mnistsweep.stop_signal import StopSignal, interrupt_code
from mnistsweep.workers.hydra_function import FACTORY, use_job
from mnistsweep.workers.launchers import choose_launcher
from mnistsweep.workers.program_jobs import ProgramJobs
from mnistsweep.workers.program_processes import (
    ProgramProcesses,
    WorkerIdentity,
    check_can_start_again,
    shown_command,
)
from mnistsweep.workers.worker import work_job


def sweep_program(job: HydraJob) -> int:
    """Run the sweep of a program; in a worker process, run this worker.

    Args:
        job: What Hydra has passed to the sweeper.

    Returns:
        Exit code: 0, 1 for a sweep that cannot continue, 2 for wrong input, 130 or 143 when interrupted.

    Raises:
        SystemExit: This process is a worker, which has ended.
    """
    identity = WorkerIdentity.take()
    if identity is not None:
        sys.exit(_work(job, identity))  # the code after the program's function is for the process that the user started
    try:
        with StopSignal(interrupts=True), translate_os_errors("the output"):
            return _sweep_mnistsweep(job) if job.is_of_mnistsweep else _sweep(job)
    except MnistSweepError as error:
        prefix = "" if job.is_of_mnistsweep else PREFIX
        for line in keys_as_written(str(error), prefix).splitlines():
            print(f"mnistsweep: {printable(mask(line))}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt as interrupt:
        print("mnistsweep: stopped.", file=sys.stderr)
        return interrupt_code(interrupt)


def _work(job: HydraJob, identity: WorkerIdentity) -> int:
    make_streams_safe()
    redact_output()
    use_job(job.with_callbacks(identity.added))
    return work_job(Path(identity.folder), identity.index, identity.session, identity.parent)


def _sweep(job: HydraJob) -> int:
    """Sweep a program of the user's own."""
    command = shown_command(sys.orig_argv, len(sys.argv) - 1)
    plan = plan_hydra_program(job, FACTORY, command)
    plan = replace(plan, command=f"{command} {shlex.join(map(mask_argument, sys.argv[1:]))}")
    return run_sweep(plan, ProgramJobs(job) if uses_launcher(job) else _processes(job))


def _processes(job: HydraJob) -> ProgramProcesses:
    """Worker processes of this machine.

    The callbacks of the whole sweep are called in this process; a worker creates those of its jobs itself.
    """
    check_can_start_again()
    added = tuple(f"~hydra.callbacks.{name}" for name in job.config.hydra.get("callbacks") or {})
    return ProgramProcesses((*job.hydra_overrides, *job.arguments), added)


def _sweep_mnistsweep(job: HydraJob) -> int:
    """Sweep the configuration of mnistsweep; the function of the program plays no part."""
    hydra = job.config.hydra
    own: Any = OmegaConf.to_container(hydra.overrides.hydra, resolve=False)
    folders = [f"{s.schema}://{s.path}" for s in hydra.runtime.config_sources if s.provider not in ("hydra", "schema")]
    overrides = [text for text in own if not text.startswith("hydra.searchpath=")]
    name = str(hydra.job.config_name)
    draft = draft_sweep(Recipe((*overrides, *job.arguments), name, tuple(dict.fromkeys(folders))))
    if (code := early_answer(draft.plan)) is not None:
        return code
    plan = complete_draft(draft)
    return run_sweep(plan, choose_launcher(plan))
