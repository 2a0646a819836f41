"""The settings of a sweep's search, made from its plan for the study of one worker."""

from __future__ import annotations

from mnistsweep import devices
from mnistsweep.paths import SweepPaths
from mnistsweep.planning.plan import Plan
from mnistsweep.search.oracle_factory import resolve_oracle
from mnistsweep.search.pruners import make_pruner
from mnistsweep.search.scheduler import Scheduler
from mnistsweep.search.whole_trials import WholeTrials
from mnistsweep.study.search_settings import SearchSettings
from mnistsweep.study.warm_start_file import read_warm_start


def make_search_settings(plan: Plan, paths: SweepPaths) -> SearchSettings:
    """Make the settings of the search: the parts of a study that do not change while it runs.

    Args:
        plan: Plan of the sweep.
        paths: Paths of the sweep's files; the folder may have been moved since the plan was written.

    Raises:
        StudyError: The trials of former sweeps are missing or damaged.
    """
    config = plan.config
    if plan.is_kerastuner_oracle:
        with devices.quiet_start():
            from mnistsweep.tuner.kerastuner_oracle import KerasTunerOracle

        scheduler: Scheduler = WholeTrials(KerasTunerOracle(paths, plan.space, config, plan.direction))
        name = "grid"  # `pruner=auto` then prunes nothing: an oracle of KerasTuner stops trials by its own rules
    else:
        scheduler = plan.scheduler(read_warm_start(paths).trials if plan.former_folders else ())
        # `pruner=auto` prunes nothing where trials are paused: the scheduler decides how long they are trained. With
        # several objectives nothing is pruned: a training that is worse in the first one may be better in another.
        is_unpruned = scheduler.pauses or plan.further
        name = "grid" if is_unpruned else resolve_oracle(config.oracle, plan.space, plan.first_trials)
    return SearchSettings(
        plan.space,
        plan.direction,
        scheduler,
        plan.seed_of,
        make_pruner(config.pruner, name, plan.max_epochs()),
        plan.budget,
        config.first_objective,
        plan.train_command,
        plan.epochs_of,
        config.search.checkpoints_gb,
        plan.constraints,
        plan.further,
        nested_epochs=plan.nested_epochs,
        prefers_live=plan.budget.hours is not None or config.workers > 1,
    )
