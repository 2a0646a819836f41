"""Selection of the winner: the completed trial with the best validation objective, and its configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from mnistsweep import data, devices
from mnistsweep.config.compose import from_plain
from mnistsweep.config.options import with_options
from mnistsweep.config.overrides import GROUPS
from mnistsweep.config.references import resolved
from mnistsweep.config.schema import Config
from mnistsweep.config.trial_file import TRAINING_KEYS
from mnistsweep.errors import ConfigError, DataError, StudyError
from mnistsweep.models.builders import BUILDERS
from mnistsweep.models.hypermodels import has_own_fit
from mnistsweep.paths import SweepPaths
from mnistsweep.planning.opening import ledger_fingerprint
from mnistsweep.planning.plan import Plan
from mnistsweep.planning.plan_file import plan_of
from mnistsweep.planning.trial_contents import composed_content, first_difference
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.nested_epochs import smallest_with
from mnistsweep.study.no_result import no_result_error
from mnistsweep.study.ranking import Standing, best_of, ranked
from mnistsweep.study.records import Result, TrialRecord
from mnistsweep.study.sweep import load_sweep
from mnistsweep.training.outcome import num_trainings


@dataclass(frozen=True)
class Selection:
    """A sweep and its winner.

    Attributes:
        paths: Paths of the sweep's files.
        plan: Plan of the sweep; `plan.config` includes the options of the command.
        checksum: Checksum of the training data of the sweep.
        records: All trials.
        winner: Completed trial with the best validation objective.
        running_seconds: Running time of the sweep in seconds; 0 if it was not recorded.
    """

    paths: SweepPaths
    plan: Plan
    checksum: str
    records: Sequence[TrialRecord]
    winner: TrialRecord
    running_seconds: float = 0.0

    @cached_property
    def best_epoch(self) -> int:
        """Best epoch of the winner, counted from 1: the number of epochs of a retrained model."""
        result, config = self.winner.result, self.config_of(self.winner)
        if reports_at_end(config, result, self.plan.threads):
            return config.trainer.epochs
        return result.best_epoch or result.epochs

    @cached_property
    def expected(self) -> str:
        """What is expected of the winner with another seed; empty if no trial was confirmed."""
        standing = Standing.of(self.records, self.plan.direction)
        return "" if standing is None else standing.explain(self.plan.config.first_objective)[0]

    def ranked(self, number: int) -> list[TrialRecord]:
        """Best trials by the validation objective, winner first.

        Args:
            number: Maximum number of trials.
        """
        return ranked(self.records, self.plan.direction, self.plan.further)[:number]

    def config_of(self, record: TrialRecord) -> Config:
        """Configuration of a trial, read from its folder.

        Where a training contains those of fewer epochs, `trainer.epochs` is that of ``best.yaml``: the smallest listed
        number with the trial's best epoch.

        Args:
            record: Trial of the sweep.

        Raises:
            StudyError: The file is missing or damaged, or was changed after the trial.
            ConfigError: The environment variable of a secret is not set.
        """
        content = self.kept_config_of(record)
        own = resolved(content)
        try:
            config = from_plain({**asdict(self.plan.config), **own})
        except ConfigError as error:
            raise self._unreadable(record, error) from error
        self._check_unchanged(record, content)
        if self.plan.nested_epochs and record.result.best_epoch is not None:
            config.trainer.epochs = smallest_with(record.result.best_epoch, self.plan.nested_epochs)
        return config

    def kept_config_of(self, record: TrialRecord) -> dict[str, Any]:
        """Content of the configuration file of a trial, with references in place of secrets.

        Args:
            record: Trial of the sweep.

        Raises:
            StudyError: The file is missing or damaged, or was changed after the trial.
        """
        try:
            content = yaml.safe_load(self.paths.trial(record.number).config.read_text(encoding="utf-8"))
            own = {key: value for key, value in content.items() if key != "defaults"}
            if missing := [key for key in (*TRAINING_KEYS, *GROUPS) if key not in own]:
                raise ConfigError(f"{', '.join(missing)} missing")
            return own
        except (OSError, ValueError, AttributeError, yaml.YAMLError, ConfigError) as error:
            raise self._unreadable(record, error) from error

    @cached_property
    def is_data_searched(self) -> bool:
        """Whether trials differ in keys of the group ``data``."""
        return any(key.partition(".")[0] == "data" for key in self.plan.space.keys)

    def _check_unchanged(self, record: TrialRecord, content: Mapping[str, Any]) -> None:
        """Check that a configuration is the one that the trial was trained with.

        The data may have moved, so `data.path` may differ; `check_data` compares the data.

        Raises:
            StudyError: The file was changed.
        """
        composed = composed_content(self.plan, record.point, record.seed)
        if not self.is_data_searched:
            composed["data"] = {key: value for key, value in composed["data"].items() if key != "path"}
        if (key := first_difference(content, composed)) is not None:
            raise StudyError(
                f"{self.paths.trial(record.number).config}: must be the configuration of trial {record.number}; "
                f"{key} is not the value by the ledger and {self.paths.sweep.name}; restore the file."
            )

    def _unreadable(self, record: TrialRecord, error: Exception) -> StudyError:
        file, reason = self.paths.trial(record.number).config, " ".join(str(error).split())
        return StudyError(f"{file}: the configuration of trial {record.number} cannot be read: {reason}")


def select(folder: Path, overrides: Sequence[str] = (), group: str = "report") -> Selection:
    """Open a sweep and select its winner.

    Args:
        folder: Path of the sweep's folder.
        overrides: Options of the command, for example ``report.seeds=5``.
        group: Configuration group of the command's options: ``report`` or ``clean``.

    Raises:
        StudyError: There is no sweep, its files cannot be read, its plan was changed, or no trial has completed yet.
        SweepStopped: Every trial failed.
        ConfigError: The value of an option is invalid.
    """
    sweep = load_sweep(folder)
    plan = plan_of(sweep)
    if plan.program is not None:
        raise StudyError(
            f"{folder}: the trials of this sweep ran a function, not Keras trainings of the configuration, so there is "
            "no model to examine; mnistsweep status and mnistsweep export show its best trial."
        )
    checksum = str(sweep.config.get("data", ""))
    ledger = Ledger(sweep.paths, plan.config.storage)
    ledger.check_search(ledger_fingerprint(plan, checksum))
    plan = replace(plan, config=with_options(plan.config, overrides, group))
    records = ledger.records()
    winner = best_of(records, plan.direction, plan.further)
    if winner is None:
        raise no_result_error(sweep.paths, records, ledger.ending(plan.budget))
    return Selection(sweep.paths, plan, checksum, records, winner, ledger.running_seconds())


def reports_at_end(config: Config, result: Result, threads: int) -> bool:
    """Whether a user's own `fit` reported its result once, at its end, so that its number of epochs is unknown.

    This imports the user's module, and with it Keras, if the trial has one of several epochs and a user's own model.

    Args:
        config: Configuration of the trial.
        result: Result of the trial.
        threads: CPU threads of a training, if `trainer.threads` does not set them.

    Raises:
        ConfigError: The model of the user does not exist or cannot be imported.
    """
    is_single = config.trainer.epochs == 1  # then the number is known
    if is_single or result.epochs > num_trainings(config) or str(config.model.get("_target_")) in BUILDERS:
        return False
    devices.start_keras(config.trainer.threads or threads, config.trainer.deterministic)
    return has_own_fit(config.model)


def check_data(selection: Selection, config: Config) -> None:
    """Check that the data are the same as when the sweep was started.

    Args:
        selection: Sweep and winner.
        config: Configuration of the winner; its data may differ from the sweep's where they were searched.

    Raises:
        DataError: The data are missing or damaged, or differ from those of the sweep.
    """
    sweep_data = selection.plan.config.data
    try:
        found = data.checksum(sweep_data)
        if config.data != sweep_data:
            trial_checksum = data.checksum(config.data)
            found = found if selection.is_data_searched else trial_checksum
    except DataError as error:
        raise DataError(f"{selection.paths.folder}: the data of this sweep can no longer be loaded: {error}") from error
    if found != selection.checksum:
        raise DataError(
            f"{selection.paths.folder}: the data differ from those of the sweep (checksum {selection.checksum} then, "
            f"{found} now); restore them, or repeat the sweep under another name=NAME."
        )
