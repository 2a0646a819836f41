"""Sweeps of a plan that pause trials, with fake trainings: resume files, models and curves without Keras."""

from __future__ import annotations

from collections.abc import Sequence

from mnistsweep.atomic import write_yaml
from mnistsweep.config.compose import to_plain
from mnistsweep.config.recipe import Recipe
from mnistsweep.config.trial_file import trial_file_content
from mnistsweep.planning.opening import open_sweep
from mnistsweep.planning.plan import Plan
from mnistsweep.planning.planner import plan_sweep
from mnistsweep.study.claim import Claim
from mnistsweep.study.leases import Lease
from mnistsweep.study.records import Result, State
from mnistsweep.study.storage.stores import open_coordinator
from mnistsweep.study.study import Study
from mnistsweep.workers.search_settings import make_search_settings

EPOCHS = 4

PAUSING = ("oracle=asha", f"trainer.epochs={EPOCHS}", "model.dropout=interval(0,0.5)")
"""Overrides of a sweep that pauses its trials."""


def run_fake_jobs(overrides: Sequence[str], max_jobs: int | None = None) -> tuple[Plan, list[tuple[int, int]]]:
    """Start or continue a sweep in the working directory, until it has no job or has run a number of them.

    Returns:
        The plan, and the trained epochs in order, as pairs of the trial's number and the epoch.
    """
    plan = plan_sweep(Recipe(), [*PAUSING, *overrides])
    open_sweep(plan)
    trained: list[tuple[int, int]] = []
    search, storage = make_search_settings(plan, plan.paths), plan.config.storage
    with Lease(plan.paths, open_coordinator(plan.paths, storage)) as lease:
        study = Study(plan.paths, search, lease, storage, f"of {overrides}", lambda: 0.0)
        num_jobs = 0
        while num_jobs != max_jobs and (claim := study.claim()) is not None:
            trained += _train_job(plan, study, claim)
            num_jobs += 1
    return plan, trained


def _train_job(plan: Plan, study: Study, claim: Claim) -> list[tuple[int, int]]:
    """Train from the epoch in the resume file until the end of the job."""
    folder = plan.paths.trial(claim.number)
    composed = plan.composer.trial(claim.point, claim.seed)
    write_yaml(folder.config, trial_file_content(to_plain(composed), threads=1))
    done = int(folder.resume.read_text()) if folder.resume.exists() else 0
    if not done and claim.paused is not None and not study.restart(claim):
        return []
    values = {epoch: 0.2 + 0.1 * epoch + 0.001 * (claim.number * 7 % 5) for epoch in range(1, EPOCHS + 1)}
    last = min(claim.until or EPOCHS, EPOCHS)
    for epoch in range(done + 1, last + 1):
        study.report(claim, epoch, values[epoch])
    rows = [f"{epoch},{values[epoch]!r}\n" for epoch in range(1, last + 1)]
    folder.history.write_text("epoch,val_accuracy\n" + "".join(rows))
    folder.model.write_text(f"model of epoch {last}")
    (folder.folder / "events.out.tfevents.0000000001.fake").write_text("events")
    result = Result(values[last], last, last, seconds=float(last))
    if last < EPOCHS:
        folder.resume.write_text(str(last))
        study.pause(claim, result)
    else:
        study.finish(claim, State.COMPLETED, result)
        folder.resume.unlink(missing_ok=True)
    return [(claim.number, epoch) for epoch in range(done + 1, last + 1)]
