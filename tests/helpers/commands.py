"""Commands that run in the process of the tests, and sweeps that are made without a training."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fakes
import pytest

from mnistsweep import cli
from mnistsweep.atomic import write_yaml
from mnistsweep.config.compose import to_plain
from mnistsweep.config.recipe import Recipe
from mnistsweep.config.trial_file import trial_file_content
from mnistsweep.planning.opening import open_sweep
from mnistsweep.planning.plan import Plan
from mnistsweep.planning.planner import plan_sweep
from mnistsweep.study.leases import Lease
from mnistsweep.study.records import Result, State
from mnistsweep.study.storage.stores import open_coordinator
from mnistsweep.study.study import Study
from mnistsweep.workers.search_settings import make_search_settings


@dataclass(frozen=True)
class Answer:
    """Exit code and output of a command."""

    code: int
    out: str
    err: str


def command(capfd: pytest.CaptureFixture[str], *arguments: str) -> Answer:
    """Run a command in this process."""
    capfd.readouterr()
    try:
        code: Any = cli.main(arguments)
    except SystemExit as leaving:
        code = leaving.code
    return Answer(int(code or 0), *capfd.readouterr())


def tree(folder: Path) -> dict[str, int]:
    """Relative path of each file and folder below a folder: time of its last change, in nanoseconds."""
    return {str(path.relative_to(folder)): path.lstat().st_mtime_ns for path in folder.rglob("*")}


def open_sweep_of(overrides: Sequence[str]) -> Plan:
    """A new sweep in the working directory, without any trial."""
    plan = plan_sweep(Recipe(), overrides)
    open_sweep(plan)
    return plan


@contextlib.contextmanager
def study_of(plan: Plan) -> Iterator[Study]:
    """The study of a sweep, as a worker of it sees it."""
    with Lease(plan.paths, open_coordinator(plan.paths, None)) as lease:
        yield Study(plan.paths, make_search_settings(plan, plan.paths), lease, None, "test", lambda: 0.0)


def finished_sweep(overrides: Sequence[str], scores: Sequence[float | None]) -> Plan:
    """A finished sweep in the working directory, without a training: one trial for each score; None is a failure."""
    plan = open_sweep_of(overrides)
    with study_of(plan) as study:
        for score in scores:
            claim = fakes.claim(study)
            composed = plan.composer.trial(claim.point, claim.seed)
            write_yaml(plan.paths.trial(claim.number).config, trial_file_content(to_plain(composed), threads=1))
            plan.paths.trial(claim.number).model.write_bytes(b"model %d" % claim.number)
            state = State.FAILED if score is None else State.COMPLETED
            study.finish(claim, state, Result(score, 1, 2, 3.0, reason="it broke" if score is None else ""))
    return plan


def sweep_with_curves(overrides: Sequence[str], curves: Sequence[Sequence[float] | None]) -> Plan:
    """A sweep without a training: a completed trial for each curve, a failed one for None, and one that still runs."""
    plan = open_sweep_of(overrides)
    with study_of(plan) as study:
        for values in curves:
            claim = fakes.claim(study)
            for epoch, value in enumerate(values or (), start=1):
                study.report(claim, epoch, value)
            best = max(values) if values else None
            study.finish(claim, State.COMPLETED if values else State.FAILED, Result(best, 1, len(values or ()), 9.0))
        study.claim()
    return plan
