"""The trial that won a finished or stopped sweep, with the configuration that it was trained with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf

from mnistsweep import data
from mnistsweep.config.compose import from_plain
from mnistsweep.config.held import GROUPS
from mnistsweep.config.options import with_options
from mnistsweep.config.schema import Config
from mnistsweep.config.trial_file import TRAINING_KEYS
from mnistsweep.errors import ConfigError, DataError, StudyError
from mnistsweep.paths import SweepPaths
from mnistsweep.planning.plan import Plan, plan_of
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.records import TrialRecord, best_of, ranked
from mnistsweep.study.sweep import load_sweep


@dataclass(frozen=True)
class Selection:
    """A sweep and its winner.

    Attributes:
        paths: The sweep's files.
        plan: What was searched; `plan.config` has the options of the command on top.
        checksum: Of the training data that the sweep was made with.
        records: All trials.
        winner: The completed trial with the best objective on validation.
    """

    paths: SweepPaths
    plan: Plan
    checksum: str
    records: Sequence[TrialRecord]
    winner: TrialRecord

    @cached_property
    def best_epoch(self) -> int:
        """Of the winner: how long a model of its configuration is trained."""
        result, trainer = self.winner.result, self.config_of(self.winner).trainer
        if result.epochs <= trainer.repeats:  # a `fit` of the user's own that tells of its end alone
            return trainer.epochs
        return result.best_epoch or result.epochs

    def ranked(self, number: int) -> list[TrialRecord]:
        """Best trials by the validation objective, winner first.

        Args:
            number: Maximum number of trials.
        """
        return ranked(self.records, self.plan.direction)[:number]

    def config_of(self, record: TrialRecord) -> Config:
        """The configuration that a trial was trained with, as its folder has it.

        Raises:
            StudyError: The file is missing or damaged.
        """
        file = self.paths.trial(record.number).config
        whole: Any = OmegaConf.to_container(OmegaConf.structured(self.plan.config))
        try:
            content = yaml.safe_load(file.read_text(encoding="utf-8"))
            own = {key: value for key, value in content.items() if key != "defaults"}
            if missing := [key for key in (*TRAINING_KEYS, *GROUPS) if key not in own]:
                raise ConfigError(f"{', '.join(missing)} missing")
            return from_plain({**whole, **own})
        except (OSError, ValueError, AttributeError, yaml.YAMLError, ConfigError) as error:
            reason = " ".join(str(error).split())
            raise StudyError(f"{file}: the configuration of trial {record.number} cannot be read: {reason}") from error


def select(folder: Path, overrides: Sequence[str] = (), group: str = "report") -> Selection:
    """Open a sweep and find its winner.

    Args:
        folder: Of the sweep.
        overrides: Options of the command, ``report.seeds=5``.
        group: The group of keys that the command takes.

    Raises:
        StudyError: There is no sweep, its files cannot be read, or no trial has completed.
        ConfigError: An option cannot be used.
    """
    sweep = load_sweep(folder)
    plan = plan_of(sweep)
    plan = replace(plan, config=with_options(plan.config, overrides, group))
    records = Ledger(sweep.paths, plan.config.storage).records()
    winner = best_of(records, plan.direction)
    if winner is None:
        failed = next((record for record in records if record.result.reason), None)
        why = f" Trial {failed.number} {failed.state.value}: {failed.result.reason}." if failed else ""
        raise StudyError(
            f"{folder}: no trial has completed yet, so there is no best model ({len(records)} begun).{why} The command "
            "that began the sweep continues it."
        )
    return Selection(sweep.paths, plan, str(sweep.config.get("data", "")), records, winner)


def check_data(selection: Selection, config: Config) -> None:
    """See that the data are still those that the sweep was made with.

    Raises:
        DataError: They are gone, damaged, or others.
    """
    own = selection.plan.config.data  # the sweep's; a trial has others where they were searched
    try:
        found = data.checksum(own)
        if config.data != own:
            data.checksum(config.data)
    except DataError as error:
        raise DataError(
            f"{selection.paths.folder}: the data that this sweep was made with cannot be loaded any more: {error}"
        ) from error
    if found != selection.checksum:
        raise DataError(
            f"{selection.paths.folder}: not the data that this sweep was made with (checksum {selection.checksum} "
            f"then, {found} now); restore them, or repeat the sweep under another name=NAME."
        )
