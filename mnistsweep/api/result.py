"""The result of a sweep for the program that ran it: best trial, tables, model and report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnistsweep import handed_over
from mnistsweep.api.caller import same_settings
from mnistsweep.config.overrides import written
from mnistsweep.errors import StudyError
from mnistsweep.planning.plan import Plan
from mnistsweep.planning.plan_file import plan_of
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.ranking import best_of
from mnistsweep.study.records import TrialRecord
from mnistsweep.study.results_table import column_of
from mnistsweep.study.sweep import load_sweep

if TYPE_CHECKING:
    import pandas as pd

    from mnistsweep.study.learnt_text import Learnt


@dataclass(frozen=True)
class BestTrial:
    """The completed trial with the best objective.

    Attributes:
        number: Number of the trial, counted from 0.
        values: Values of its dimensions, by the names of the space.
        objective: Objective of the trial.
        epoch: Epoch of that objective, counted from 1; None where it belongs to no epoch.
        seed: Seed of the trial.
        folder: Folder of the trial.
    """

    number: int
    values: Mapping[str, Any]
    objective: float
    epoch: int | None
    seed: int
    folder: Path


class SweepResult:
    """A sweep that has run: what `mnistsweep.sweep` returns.

    Args:
        folder: Path of the sweep's folder.
        objects: Objects of the program that the workers got: report and model need them, too.
        names: Names of the space, by the key of the dimension.

    Attributes:
        folder: Path of the sweep's folder, which `mnistsweep.load_sweep`, `mnistsweep status` and TensorBoard read.

    Example:
        >>> sweep = mnistsweep.sweep(objective, space={"x": mnistsweep.Float(0, 1)}, objective="y")  # doctest: +SKIP
        >>> sweep.best.values, sweep.trials.sort_values("objective")  # doctest: +SKIP
    """

    def __init__(self, folder: Path, objects: Mapping[str, Any], names: Mapping[str, str]) -> None:
        self.folder = folder
        self._objects = dict(objects)
        self._names = dict(names)
        self._view = load_sweep(folder)

    @property
    def name(self) -> str:
        """Name of the sweep."""
        return self._view.paths.name

    @cached_property
    def best(self) -> BestTrial | None:
        """Completed trial with the best objective; None if no trial has completed."""
        record = self._best_record
        if record is None or record.result.objective is None:
            return None
        values = {self._names.get(key, key): value for key, value in record.point.items()}
        result, folder = record.result, self._view.paths.trial(record.number).folder
        assert result.objective is not None
        return BestTrial(record.number, values, result.objective, result.best_epoch, record.seed, folder)

    @cached_property
    def trials(self) -> pd.DataFrame:
        """Finished trials, one row each, as `mnistsweep.load_sweep` reads them, with the names of the space.

        A value that has the name of another column, such as `seed`, is in the column ``seed (value)``.
        """
        names = {column_of(key): column_of(name) for key, name in self._names.items()}
        return self._view.trials.rename(columns=names)

    @cached_property
    def front(self) -> pd.DataFrame:
        """Trials on the Pareto front of several objectives, the best first objective first, as in `trials`.

        Raises:
            StudyError: The sweep has one objective.
        """
        names = {column_of(key): column_of(name) for key, name in self._names.items()}
        return self._view.front.rename(columns=names)

    @cached_property
    def configurations(self) -> pd.DataFrame:
        """Results for each number of epochs, where one training contains those of fewer, with the names of the space.

        Without rows for any other sweep: there each trial is one configuration.
        """
        names = {column_of(key): column_of(name) for key, name in self._names.items()}
        return self._view.configurations.rename(columns=names)

    @property
    def curves(self) -> pd.DataFrame:
        """Learning curves of all trials, one row an epoch; the first column is `trial`."""
        return self._view.curves

    @property
    def learnt(self) -> Learnt:
        """What mattered, what did not, and what to try next, with the call of `mnistsweep.sweep` for it."""
        return self._view.learnt_by(self._names)

    def best_model(self) -> Any:
        """Keras model of the best trial, at its best epoch.

        Raises:
            StudyError: No trial has completed, the trials ran a function, or the model file was replaced or is damaged.
        """
        self._require_keras("best_model")
        from mnistsweep import data
        from mnistsweep.evaluation.reading import read_model
        from mnistsweep.evaluation.selection import select
        from mnistsweep.study.checkpoints import find_checkpoint

        with handed_over.offered(self._objects), same_settings():
            selection = select(self.folder)
            file = find_checkpoint(selection.paths, selection.winner)
            config = selection.config_of(selection.winner)
            return read_model(file, config, data.load(config.data))

    def report(self, **options: Any) -> Path:
        """Retrain the best model, evaluate it on the test set, and write the report page.

        Args:
            options: Options of `mnistsweep report` without their section, for example ``seeds=1`` or ``refit=False``.

        Returns:
            Path of the page.

        Raises:
            StudyError: No trial has completed, or the trials ran a function.
            SweepStopped: The model cannot be retrained. A section that cannot be drawn is named on the page.
            ConfigError: There is no such option, or its value cannot be used.
        """
        self._require_keras("report")
        from mnistsweep.commands import report

        with handed_over.offered(self._objects), same_settings():
            made = report.report(self.folder, [f"report.{name}={written(value)}" for name, value in options.items()])
        return made.index

    def __repr__(self) -> str:
        best = self.best
        found = "no completed trial"
        if best is not None and self._plan.further:
            names = ", ".join(one.name for one in self._plan.objectives)
            found = f"{len(self.front)} on the Pareto front of {names}"
        elif best is not None:
            found = (
                f"best trial {best.number}: {self._plan.config.first_objective} {best.objective:.6g} with {best.values}"
            )
        return f"<sweep {self.name!r}: {len(self.trials)} trials, {found}>"

    @cached_property
    def _plan(self) -> Plan:
        return plan_of(self._view)

    @cached_property
    def _best_record(self) -> TrialRecord | None:
        ledger = Ledger(self._view.paths, self._plan.config.storage)
        return best_of(ledger.records(), self._plan.direction, self._plan.further)

    def _require_keras(self, method: str) -> None:
        if self._plan.program is not None:
            raise StudyError(
                f"{self.folder}: {method} needs Keras trainings, and the trials of this sweep ran a function; save the "
                "model in trial.folder, and read it from best.folder."
            )
