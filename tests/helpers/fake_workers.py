"""A launcher with one worker in this process that trains nothing, and a plan for it."""

from __future__ import annotations

from mnistsweep.config.recipe import Recipe
from mnistsweep.planning.plan import Plan
from mnistsweep.planning.planner import plan_sweep
from mnistsweep.study.leases import Lease
from mnistsweep.study.records import Result, State
from mnistsweep.study.storage.stores import open_coordinator
from mnistsweep.study.study import Study
from mnistsweep.workers.launchers import Launch
from mnistsweep.workers.search_settings import make_search_settings


def plan_of(*overrides: str) -> Plan:
    """Plan of a sweep over two values, named `s`."""
    return plan_sweep(Recipe(), ["name=s", "trainer.epochs=2", "model.dropout=0,0.1", *overrides])


def workers(fails: bool = False, code: int = 0) -> Launch:
    """A launcher whose worker completes every trial with 0.5, or fails it, and returns an exit code."""

    def launch(plan: Plan, session: str) -> list[int]:
        with Lease(plan.paths, open_coordinator(plan.paths, None)) as lease:
            study = Study(plan.paths, make_search_settings(plan, plan.paths), lease, None, session, lambda: 0.0)
            while code == 0 and (claim := study.claim()) is not None:
                state = State.FAILED if fails else State.COMPLETED
                study.finish(claim, state, Result(reason="no luck") if fails else Result(0.5, 2, 2, 3.0))
        return [code]

    return launch
