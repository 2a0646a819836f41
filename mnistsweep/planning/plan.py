"""Step 3 of planning: the plan, which is what is searched and how; ``sweep.yaml`` stores it (`plan_file`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from mnistsweep import devices, handed_over
from mnistsweep.config.constraints import Constraint, known_names, parse_constraints
from mnistsweep.config.former_folders import former_folders
from mnistsweep.config.objective import AUTO
from mnistsweep.config.objectives import Objective
from mnistsweep.config.recipe import Recipe
from mnistsweep.config.references import Path
from mnistsweep.config.schema import Config
from mnistsweep.config.trials import Composer
from mnistsweep.dimensions import Choice
from mnistsweep.models.builders import BUILDERS
from mnistsweep.models.callbacks import may_add_metrics
from mnistsweep.models.hypermodels import has_own_fit
from mnistsweep.path_texts import expanded
from mnistsweep.paths import SweepPaths
from mnistsweep.planning.preset_combinations import preset_combinations
from mnistsweep.search.former import FormerTrial
from mnistsweep.search.oracle_factory import resolve_oracle
from mnistsweep.search.pruners import REPRODUCIBLE_ORACLES
from mnistsweep.search.scheduler import Scheduler
from mnistsweep.search.scheduler_factory import make_scheduler, resolve_scheduler
from mnistsweep.seeds import trial_seed
from mnistsweep.space import Point, SearchSpace
from mnistsweep.study.budget import Budget
from mnistsweep.study.confirmation import Confirmation
from mnistsweep.study.views import TRAIN
from mnistsweep.study.warm_start_file import WarmStart

# CPU threads of a training where the same table is promised with any number of workers: another number of threads
# rounds sums differently. Small networks gain little beyond four threads.
REPEATABLE_THREADS = 4


def first_budget(config: Config, space: SearchSpace) -> int | None:
    """Return the budget of trials with which a sweep starts: all points of the space if nothing limits the sweep.

    Args:
        config: Configuration of the sweep.
        space: Search space.

    Returns:
        Number of trials; None if something else limits the sweep, or if an infinite space has no limit.
    """
    is_limited = config.hours is not None or config.total_epochs is not None
    return space.size() if config.trials is None and not is_limited else config.trials


@dataclass(frozen=True)
class Plan:
    """A sweep that can be started.

    Attributes:
        recipe: Recipe of what holds for all trials.
        groups: Swept keys that are config groups.
        space: Search space.
        config: Configuration of the sweep.
        first_trials: Budget of trials at the first start of the sweep, see `first_budget`. It determines what
            `oracle=auto` stands for and the order of a grid. It stays when the budget is raised: otherwise points would
            be repeated or left out.
        auto_pauses: Whether `oracle=auto` may pause and continue trials: not in a sweep of an earlier version,
            which goes on as it began.
        nested_epochs: Numbers of epochs that each training contains, in ascending order (`nesting`); empty: each trial
            has one number of epochs.
        not_nested: Why a training may depend on its number of epochs, as far as that was examined; not stored.
        model_fit: Name of a model's own `fit` that is called with the number of epochs, because the data stream. It
            may train in several steps, so no training is paused, and it may read the number.
        variants: Combinations of presets, composed once for all workers (`Composer.variants`).
        references: References to the secrets in `config`, by their paths; files hold these in place of the secrets.
        warnings: Messages for the user about what is allowed but probably not intended; not stored.
        program: What the trials run in place of a Keras training: the dotted path `_target_` of a function that returns
            a function of a trial, and its arguments (`workers.program`); None: a Keras training.
        warm_start: What is taken over from former sweeps; not stored in the plan: it has a file of its own.
        command: What started the sweep, where that is no command line; not stored in the plan.
        hydra: Hydra's own overrides on this command line, such as ``hydra/launcher=joblib``; not stored.
        request: Checksum of what was asked for, see `repeated_request`; empty where a repetition is not recognized.
    """

    recipe: Recipe
    groups: frozenset[str]
    space: SearchSpace
    config: Config
    first_trials: int | None = None
    variants: Mapping[str, Any] = field(default_factory=dict, compare=False)
    references: Mapping[Path, str] = field(default_factory=dict, compare=False)
    warnings: tuple[str, ...] = field(default=(), compare=False)
    hydra: tuple[str, ...] = field(default=(), compare=False)
    program: Mapping[str, Any] | None = None
    warm_start: WarmStart | None = field(default=None, compare=False)
    command: str | None = field(default=None, compare=False)
    auto_pauses: bool = field(default=True, compare=False)
    nested_epochs: tuple[int, ...] = ()
    not_nested: str = field(default="", compare=False)
    request: str = field(default="", compare=False)
    model_fit: str = field(default="", compare=False)

    @property
    def paths(self) -> SweepPaths:
        """Paths of the sweep's files."""
        return SweepPaths(expanded(self.config.logs) / str(self.config.name))

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """All objectives with their directions; the first one is that of each training."""
        return self.config.objectives

    @property
    def direction(self) -> str:
        """Whether the first objective is maximized (``max``) or minimized (``min``)."""
        return self.objectives[0].direction

    @property
    def further(self) -> tuple[Objective, ...]:
        """All objectives but the first: none, or those of a search for a Pareto front."""
        return self.objectives[1:]

    @cached_property
    def constraints(self) -> tuple[Constraint, ...]:
        """Constraints that the best trial keeps."""
        return parse_constraints(self.config.constraints)

    @property
    def train_command(self) -> str:
        """Command that repeats a trial with its configuration; empty if there is none."""
        if self.program is not None:
            return str(self.program.get("command", ""))
        return "" if self.is_handed_over else TRAIN

    @property
    def is_handed_over(self) -> bool:
        """Whether a Python program must hand over the model or the data to every process that uses them."""
        named = [group.get("_target_") for group in (self.config.model, self.config.data) if isinstance(group, Mapping)]
        return any(str(target).startswith(handed_over.PREFIX) for target in named)

    @property
    def key_prefix(self) -> str:
        """What stands before the keys of the sweep where the user writes them."""
        return "" if self.program is None else str(self.program.get("key_prefix", ""))

    @property
    def is_kerastuner_oracle(self) -> bool:
        """Whether the oracle is one of KerasTuner."""
        return self.config.oracle.get("_target_") is not None

    @property
    def is_repeatable(self) -> bool:
        """Whether any number of workers gives the same table, even if workers are killed."""
        config = self.config
        if self.is_kerastuner_oracle or config.pruner.get("name") not in ("auto", "none"):
            return False
        return resolve_oracle(config.oracle, self.space, self.first_trials) in REPRODUCIBLE_ORACLES

    @property
    def threads(self) -> int:
        """CPU threads of a training: the configured number, or a worker's share of the cores.

        Where any number of workers gives the same table, the number of threads does not depend on the workers.
        """
        config = self.config
        if config.trainer.threads is None and self.is_repeatable:
            return min(devices.num_cores(), REPEATABLE_THREADS)
        return devices.threads_of(config.workers, config.trainer.threads)

    @property
    def num_trials(self) -> int | None:
        """Maximum number of trials: the budget, or all points of a smaller space; None without a limit."""
        limits = [limit for limit in (self.config.trials, self._num_points) if limit is not None]
        return min(limits, default=None)

    @property
    def _num_points(self) -> int | None:
        """Number of points of the search space; None for an infinite space. An oracle of KerasTuner may repeat some."""
        return None if self.is_kerastuner_oracle else self.space.size()

    @property
    def budget(self) -> Budget:
        """The limits at which the sweep ends."""
        config, confirm = self.config, self.config.confirm
        return Budget(
            trials=self.num_trials,
            points=self._num_points,
            hours=config.hours,
            total_epochs=config.total_epochs,
            failed_in_a_row=config.max_consecutive_failed_trials,
            failed=config.max_failed_trials,
            failure_window=config.failure_window,
            confirmation=Confirmation(confirm.top, confirm.seeds, self.direction) if confirm.top else None,
        )

    def with_space(self, space: SearchSpace) -> Plan:
        """The same plan with another search space, before its first start.

        Args:
            space: Search space.
        """
        return replace(self, space=space, first_trials=first_budget(self.config, space))

    @cached_property
    def composer(self) -> Composer:
        """Composer of the configuration of each trial."""
        return Composer(self.recipe, self.groups, self.variants, self.config.first_objective)

    @property
    def oracle_name(self) -> str:
        """Name of the oracle that searches: the configured one, or what `oracle=auto` stands for in this sweep.

        Raises:
            ConfigError: The name is unknown, or trials cannot be paused and the oracle pauses them.
        """
        return resolve_scheduler(self.config.oracle, self.space, self.first_trials, self._may_pause)

    def _may_pause(self) -> bool:
        may_choose = self.config.oracle.get("name") != "auto" or self.reports_each_epoch
        return self.auto_pauses and may_choose and self.can_pause

    @property
    def reports_each_epoch(self) -> bool:
        """Whether it is certain that each epoch has the objective: a user's callback may add it after some of them."""
        trainer, objective = self.config.trainer, self.config.first_objective
        return objective in (AUTO, *known_names(trainer.metrics)) or not may_add_metrics(trainer.callbacks)

    @property
    def former_folders(self) -> tuple[str, ...]:
        """Folders of the former sweeps from which this one starts warm."""
        return former_folders(self.config.warm_start)

    def scheduler(self, former: Sequence[FormerTrial] = ()) -> Scheduler:
        """The scheduler of the configuration.

        Args:
            former: Trials of former sweeps.
        """
        config = self.config
        return make_scheduler(
            config.oracle, self.space, config.seed, self.first_trials, config.enqueue,
            direction=self.direction, epochs_of=self.epochs_of, can_pause=self._may_pause,
            former=former,
        )  # fmt: skip

    @cached_property
    def can_pause(self) -> bool:
        """Whether trials can be paused and continued: each is a single training of several epochs, each reported.

        That is not so for a function, with several objectives, repeats or folds, and with a user's own `fit`. A pruner
        of the user's choice compares whole trials by rules of its own.
        """
        swept = {"trainer.repeats", "data.folds"} & set(self.space.keys)
        folds = self.config.data.get("folds") if isinstance(self.config.data, Mapping) else None
        is_single = not swept and self.config.trainer.repeats == 1 and (folds or 1) == 1
        prunes = self.config.pruner.get("name") not in ("auto", "none")
        if self.program is not None or self.further or not is_single or prunes or self.max_epochs() == 1:
            return False
        return not self.model_fit and not any(map(has_own_fit, self.own_models()))

    def own_models(self) -> list[Mapping[str, Any]]:
        """The group `model` of each combination of presets that is a model of the user."""
        swept = {key.partition(".")[0] for key in self.space.keys}
        found = [self.config.model]
        if "model" in swept:
            found += [
                self.composer.plain(point, self.config.seed)["model"]
                for point in preset_combinations(self.space, self.groups)
            ]
        return [model for model in found if str(model.get("_target_")) not in BUILDERS]

    def epochs_of(self, point: Point) -> int:
        """The number of epochs of one training of a trial, which may be swept, or follow from other keys.

        Args:
            point: Values of the trial's active dimensions.
        """
        trainer = self.composer.plain(point, self.config.seed)["trainer"]
        return min(int(trainer["epochs"]), int(trainer.get("stop_after") or trainer["epochs"]))

    def max_epochs(self) -> int:
        """The largest number of epochs that a trial can report to the pruner: with folds, those of all folds."""
        folds = self.config.data.get("folds") if isinstance(self.config.data, Mapping) else None
        return self._largest("trainer.epochs", self.config.trainer.epochs) * self._largest("data.folds", folds or 1)

    def _largest(self, key: str, fixed: int) -> int:
        """The largest value of a key that may be swept, or that may be null."""
        if key not in self.space.keys:
            return fixed
        column = self.space[key]
        values = column.values if isinstance(column, Choice) else (column.high,)
        return int(max(value or 1 for value in values))

    def seed_of(self, number: int) -> int:
        """The seed of a trial."""
        return trial_seed(self.config.seed, number)
