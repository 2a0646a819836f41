"""The work of a worker around each trial: its configuration file, TensorBoard's records, and when to stop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from mnistsweep import hparams_table
from mnistsweep.atomic import write_yaml
from mnistsweep.memory import available_bytes
from mnistsweep.paths import TrialPaths
from mnistsweep.planning.plan import Plan
from mnistsweep.stop_signal import StopSignal
from mnistsweep.study.claim import Claim
from mnistsweep.study.front import quantities_with_seconds
from mnistsweep.study.recorded_results import judged
from mnistsweep.study.records import State
from mnistsweep.study.required_files import check_required_files
from mnistsweep.study.study import Study
from mnistsweep.workers.memory import MemoryLimit
from mnistsweep.workers.messages import Announce

if TYPE_CHECKING:
    from mnistsweep.training.outcome import Outcome


CHECK_SECONDS = 1.0
"""Time between two checks during a training that the files of the sweep are there."""


@dataclass
class TrialHooks:
    """Functions that a worker's program calls before, during and after each trial.

    Args:
        plan: Plan of the sweep.
        study: Study that grants the trials.
        stop: Request to stop.
        announce: Function that is called with the number of each trial when it starts.
        memory: Memory limit past which a new process takes the place of this one; None: no limit.

    Attributes:
        num_started: Number of trials that this process has started.
        release_memory: Function that releases memory which a worker can do without, between trials; returns whether it
            has released any.
    """

    plan: Plan
    study: Study
    stop: StopSignal
    announce: Announce
    memory: MemoryLimit | None
    num_started: int = field(default=0, init=False)
    release_memory: Callable[[], bool] = field(default=lambda: False, init=False)
    _checked_at: float = field(default=-math.inf, init=False)

    def should_stop_trial(self, verify: Callable[[], None], check_files: Callable[[], None]) -> bool:
        """Whether the worker is asked to stop while it runs a trial; cheap enough to be called after each batch.

        Args:
            verify: Function that raises `LeaseLost` if another worker owns the trial.
            check_files: Function that raises `StudyError` if files of the sweep were deleted or moved.

        Raises:
            LeaseLost: Another worker owns the trial.
            StudyError: Files of the sweep were deleted or moved.
        """
        if self.study.lease.has_expired:
            verify()  # another worker may have claimed the trial
        if time.monotonic() - self._checked_at >= CHECK_SECONDS:
            self._checked_at = time.monotonic()
            check_files()
        return self.stop()

    def should_be_replaced(self) -> bool:
        """Whether a new process should continue: this one uses too much memory, and has started a trial."""
        if self.memory is None or not self.num_started or not self.memory.is_exceeded():
            return False
        return not self.release_memory() or self.memory.is_exceeded()

    def free_bytes(self) -> float:
        """Memory that this process may still use, in bytes."""
        return available_bytes() if self.memory is None else self.memory.free_bytes

    def should_claim_no_more(self) -> bool:
        """Whether the worker should exit before it claims another trial.

        Raises:
            StudyError: Files of the sweep were deleted or moved.
        """
        check_required_files(self.study.paths)
        if self.study.is_stop_requested():
            self.stop.request()
        return self.stop() or self.should_be_replaced()

    def announce_trial(self, claim: Claim) -> None:
        """Announce a trial that starts, before any code of the user runs.

        Args:
            claim: Claim on the trial.
        """
        self.stop.handle_signals()  # the code of the trial before may have replaced the handlers
        self.num_started += 1
        self.announce(claim.number)

    def write_configuration(self, folder: TrialPaths, content: Mapping[str, Any]) -> None:
        """Create the folder of a trial and write its configuration.

        Args:
            folder: Paths of the trial's files.
            content: Content of ``config.yaml``.
        """
        folder.folder.mkdir(exist_ok=True)
        write_yaml(folder.config, content, durable=False)  # a trial that starts again writes it again

    def record_start(self, claim: Claim, folder: TrialPaths) -> None:
        """Write the trial's values for TensorBoard's table, before it is trained from scratch.

        Args:
            claim: Claim on the trial.
            folder: Paths of the trial's files.
        """
        trial_id = f"{self.study.paths.name}/{folder.folder.name}"
        hparams_table.write_session_start(
            folder.folder, trial_id, claim.point, hparams_table.hparams_of(self.plan.space)
        )

    def record_end(self, folder: TrialPaths, outcome: Outcome) -> None:
        """Write the trial's objective and state for TensorBoard's table. A paused trial has not ended.

        Args:
            folder: Paths of the trial's files.
            outcome: Outcome of the trial.
        """
        result, metrics = outcome.result, self._other_metrics(outcome)
        if result.objective is not None:
            metrics[hparams_table.OBJECTIVE_TAG] = result.objective
        if metrics:
            hparams_table.write_metrics(folder.folder, metrics, result.best_epoch or result.epochs)
        if outcome.state is not State.PAUSED:
            hparams_table.write_session_end(folder.folder, outcome.state is not State.FAILED)

    def _other_metrics(self, outcome: Outcome) -> dict[str, float]:
        """All objectives but the first, and whether the trial keeps all constraints, by the tags of the table."""
        known = quantities_with_seconds(outcome.result)
        found = {hparams_table.tag_of(one.name): known.get(one.name) for one in self.plan.further}
        metrics = {tag: value for tag, value in found.items() if value is not None and math.isfinite(value)}
        rounded = replace(outcome.result, seconds=round(outcome.result.seconds, 3))  # as the ledger judges it
        result = judged(outcome.state, rounded, self.plan.constraints)
        return metrics | ({hparams_table.FEASIBLE_TAG: float(not result.violated)} if result.violations else {})
