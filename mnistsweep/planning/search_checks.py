"""Step 4 of planning, continued: check how the space is searched (budget, pruner, oracle, enqueued configurations)."""

from __future__ import annotations

from mnistsweep import devices
from mnistsweep.config.checks import Faults
from mnistsweep.planning.plan import Plan
from mnistsweep.search.enqueued import check_enqueued
from mnistsweep.search.oracle_factory import PAUSING
from mnistsweep.search.pruners import make_pruner
from mnistsweep.search.several_objectives import check_oracle
from mnistsweep.study.results_table import PARETO

NOTHING_SWEPT = (
    "nothing is swept: give a key a range (model.dropout=interval(0,0.6)), compose space=[optimizer,dropout], or name "
    "a sweep (mnistsweep sweep quickstart)."
)


def check_search(plan: Plan, faults: Faults) -> None:
    """Check how the space is searched, once all its dimensions are known."""
    config, sound = plan.config, not faults.any
    if sound and not plan.space.dimensions:
        faults.add([NOTHING_SWEPT])
    if plan.num_trials is None and config.hours is None and config.total_epochs is None:
        faults.add(["trials: without a budget this search has no end; set trials, hours or total_epochs."])
    with faults.collecting():
        make_pruner(config.pruner, "auto", plan.max_epochs() if sound else 1)
    if plan.further:
        _check_several(plan, faults)
    outside = check_enqueued(plan.space, config.enqueue)
    faults.add(outside)
    if plan.is_kerastuner_oracle:
        _check_kerastuner_oracle(plan, faults)
    elif sound and not outside and not (plan.further and faults.any):
        with faults.collecting():
            plan.scheduler()
            if config.oracle.get("name") in PAUSING and not plan.reports_each_epoch:
                rule = f"a trial fails if a callback does not add {config.first_objective} to the logs of each epoch"
                faults.warn([f"oracle: {config.oracle['name']} compares unfinished trainings; {rule}"])


def _check_several(plan: Plan, faults: Faults) -> None:
    """Check a search with several objectives: each trial is trained whole, and each objective has its column."""
    config, count = plan.config, len(plan.objectives)
    if config.pruner.get("name") not in ("auto", "none"):
        rule = f"a pruner compares trainings by one objective, and there are {count}"
        faults.add([f"pruner: {rule}; received {config.pruner.get('name')}; write pruner=none."])
    if config.confirm.top:
        rule = f"trials are confirmed by one objective, and there are {count}"
        faults.add([f"confirm.top: {rule}; received {config.confirm.top}; write confirm.top=0."])
    for key in sorted({PARETO, *(one.name for one in plan.further)} & set(plan.space.keys)):
        rule = f"{key!r} is the name of a column of results.csv with several objectives"
        faults.add([f"{key}: {rule}, and of a swept key; choose another name."])
    if plan.is_kerastuner_oracle:
        rule = f"KerasTuner's own oracles have one objective; received {count}"
        faults.add([f"objective: {rule}; write one, or use another oracle, such as oracle=tpe."])
        return
    with faults.collecting():
        check_oracle(config.oracle, count)


def _check_kerastuner_oracle(plan: Plan, faults: Faults) -> None:
    """Check an oracle of KerasTuner."""
    config = plan.config
    if config.workers > 1:
        faults.add([f"workers: KerasTuner's own oracles serve one worker; received {config.workers}."])
    if config.constraints:
        faults.add(["constraints: KerasTuner's own oracles know none; leave them empty, or use another oracle."])
    if config.confirm.top:
        rule = "KerasTuner's own oracles number their trials themselves, so none can be added to confirm others"
        faults.add([f"confirm.top: {rule}; received {config.confirm.top}; write confirm.top=0."])
    if config.enqueue:
        rule = "KerasTuner's own oracles do not accept enqueued configurations"
        faults.add([f"enqueue: {rule}; leave it empty, or use another oracle."])
    if faults.any or plan.paths.sweep.is_file():  # importing KerasTuner takes seconds; the first start checked this
        return
    with devices.quiet_start():
        from mnistsweep.tuner.kerastuner_oracle import KerasTunerOracle
    with faults.collecting():
        KerasTunerOracle(plan.paths, plan.space, config, plan.direction)
