"""Read-only view of a sweep's folder as pandas tables: `load_sweep` and `Sweep`."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from mnistsweep.atomic import read_yaml
from mnistsweep.config.objectives import Objective, objectives_of
from mnistsweep.errors import MnistSweepError, SpaceError, StudyError, suggest
from mnistsweep.path_checks import READ_FILE, READ_FOLDER, Need, check_path, is_missing
from mnistsweep.paths import SweepPaths
from mnistsweep.space import SearchSpace
from mnistsweep.study.configurations_table import FIXED
from mnistsweep.study.front import front_of
from mnistsweep.study.nested_epochs import EPOCHS
from mnistsweep.study.next_start import NextStart
from mnistsweep.study.ranking import Standing
from mnistsweep.study.records import STOPPED, Result, State, TrialRecord
from mnistsweep.study.results_table import COLUMNS, CONFIRMS, FEASIBLE, PARETO, CellForm, column_of, measured_of
from mnistsweep.study.sweep_file import read_sweep_file
from mnistsweep.study.table_reading import read_csv, read_table
from mnistsweep.yaml_errors import describe_yaml_error

if TYPE_CHECKING:
    import pandas as pd

    from mnistsweep.study.learnt_text import Learnt


@dataclass(frozen=True)
class Sweep:
    """Read-only view of a sweep's files; the ledger is not opened.

    Each file is read at the first access and kept in memory. `refresh` makes the next access read the files again.

    Args:
        paths: Paths of the sweep's files.

    Example:
        >>> sweep = load_sweep("logs/quickstart")  # doctest: +SKIP
        >>> sweep.trials.sort_values("objective").tail(3)  # doctest: +SKIP
    """

    paths: SweepPaths

    @cached_property
    def config(self) -> dict[str, Any]:
        """Content of ``sweep.yaml``: the plan with the composed configuration and the search space, versions."""
        return read_sweep_file(self.paths)

    @cached_property
    def trials(self) -> pd.DataFrame:
        """Finished trials, one row each, with the columns of ``results.csv``; a missing `reason` is an empty string.

        A column of the search space has the values of its dimension: the text ``"1"`` is not the number 1. Where the
        dimension is not active, the value is missing. Whole numbers among real numbers become real numbers, if no digit
        is lost.
        """
        import pandas as pd

        _require(self.paths.results, READ_FILE)
        if is_missing(self.paths.results):
            return pd.DataFrame(columns=list(COLUMNS))
        types = {"best_epoch": "Int64", CONFIRMS: "Int64", "reason": str, FEASIBLE: "boolean", PARETO: "boolean"}
        table = read_table(self.paths.results, self._forms(), types)
        return table.fillna({"reason": ""})

    @cached_property
    def configurations(self) -> pd.DataFrame:
        """Results for each number of epochs, where one training contains those of fewer: ``configurations.csv``.

        Without rows for any other sweep: there each trial is one configuration. The values of the space are those of
        `trials`, with which the table can be joined by `trial`.
        """
        import pandas as pd

        _require(self.paths.configurations, READ_FILE)
        if is_missing(self.paths.configurations):
            return pd.DataFrame(columns=list(FIXED))
        forms = {key: form for key, form in self._forms().items() if key != EPOCHS}
        return read_table(self.paths.configurations, forms, {})

    def _forms(self) -> dict[str, CellForm]:
        """The forms of the columns of the search space; none if ``sweep.yaml`` does not describe the space."""
        try:
            space = SearchSpace.from_json(read_sweep_file(self.paths)["plan"]["space"])
        except (MnistSweepError, KeyError, TypeError, ValueError, AttributeError):
            return {}
        return {column_of(column.key): CellForm(column) for column in space.columns}

    @cached_property
    def curves(self) -> pd.DataFrame:
        """Learning curves of all trials, one row an epoch; the first column is `trial`. Damaged files are left out."""
        import pandas as pd

        tables = []
        for number, trial in self.paths.trials():
            with contextlib.suppress(FileNotFoundError, pd.errors.EmptyDataError, pd.errors.ParserError):
                tables.append(read_csv(trial.history).assign(trial=number))
        if not tables:
            return pd.DataFrame(columns=["trial", "epoch"])
        curves = pd.concat(tables, ignore_index=True)
        return curves[["trial", *(column for column in curves.columns if column != "trial")]]

    @cached_property
    def best(self) -> dict[str, Any] | None:
        """Best configuration, the content of ``best.yaml``; None if no trial has completed."""
        _require(self.paths.best, READ_FILE)
        if is_missing(self.paths.best):
            return None
        try:
            best = read_yaml(self.paths.best)
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise StudyError(describe_yaml_error(error, self.paths.best)) from error
        if not isinstance(best, dict):
            raise StudyError(f"{self.paths.best}: must contain keys with values; received {type(best).__name__}.")
        return best

    @cached_property
    def expected(self) -> pd.DataFrame:
        """Expected scores of the configurations, the best first; without rows if no trial was confirmed.

        The columns are `trial` (the one with the best objective of the configuration), `trials` (all of it),
        `expected`, `low` and `high` (an interval that contains the mean over seeds with 90 % probability), and
        `probability` (of being the best configuration of all that were tried).

        Raises:
            StudyError: A file cannot be read, or ``sweep.yaml`` does not describe the search space.
        """
        import pandas as pd

        records, _, objectives = self._all_records()
        standing = Standing.of(records, objectives[0].direction)
        names = ["trial", "trials", "expected", "low", "high", "probability"]
        if standing is None:
            return pd.DataFrame(columns=names)
        rows = [
            (record.number, numbers, standing.mean(place), *standing.interval(place), standing.probability(place))
            for place, (record, numbers) in enumerate(zip(standing.order, standing.trials, strict=True))
        ]
        return pd.DataFrame(rows, columns=names)

    @cached_property
    def front(self) -> pd.DataFrame:
        """Trials on the Pareto front, with the columns of `trials`, the best first objective first.

        Raises:
            StudyError: The sweep has one objective.
        """
        if PARETO not in self.trials.columns:
            raise StudyError(f"{self.paths.folder}: the sweep has one objective; .best has the best configuration.")
        records, _, objectives = self._all_records()
        numbers = [record.number for record in front_of(records, objectives)]
        return self.trials.set_index("trial", drop=False).loc[numbers].reset_index(drop=True)

    @cached_property
    def learnt(self) -> Learnt:
        """What the trials so far have shown: what mattered, what did not, and what to try next.

        Raises:
            StudyError: A file cannot be read, or ``sweep.yaml`` does not describe the search space.
        """
        return self.learnt_by({})

    def learnt_by(self, names: Mapping[str, str]) -> Learnt:
        """What the trials so far have shown, with the names of a Python program in place of keys.

        Args:
            names: Names by key; a key that is missing is its own name.
        """
        from mnistsweep.study.learnt_text import learnt_from

        records, space, objectives = self._all_records()
        return learnt_from(records, space, objectives[0].direction, next_start(self, names), objectives[1:])

    def _all_records(self) -> tuple[list[TrialRecord], SearchSpace, tuple[Objective, ...]]:
        """Records of the trials, the search space, and the objectives."""
        import pandas as pd

        try:
            plan = self.config["plan"]
            space = SearchSpace.from_json(plan["space"])
            objectives = objectives_of(plan["config"]["objective"], plan["config"]["direction"])
        except (MnistSweepError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise StudyError(f"{self.paths.sweep}: the search space cannot be read: {error!r}") from error
        # Most sweeps have no stopped trials, and reading the learning curves of many takes a second.
        has_stopped = bool(self.trials["state"].isin([State.PAUSED.value, STOPPED]).any())
        curves = self.curves if has_stopped else pd.DataFrame({"trial": [], "epoch": []})
        try:
            return _records(self.trials, curves, space, objectives), space, objectives
        except (SpaceError, ValueError, KeyError) as error:
            raise StudyError(f"{self.paths.results}: not the table of this search: {error}") from error

    def refresh(self) -> None:
        """Discard what was read; the next access reads the files again."""
        for name in ("config", "trials", "configurations", "curves", "best", "learnt", "expected", "front"):
            self.__dict__.pop(name, None)


def load_sweep(folder: str | Path) -> Sweep:
    """Open a sweep's folder for reading.

    Args:
        folder: Path of the sweep's folder, for example ``logs/quickstart``.

    Returns:
        View of the folder's files.

    Raises:
        StudyError: The folder cannot be read, or holds no sweep; the message names the nearest one beside it.
    """
    paths = SweepPaths(Path(folder))
    _require(paths.folder, READ_FOLDER)
    _require(paths.sweep, READ_FILE)
    if is_missing(paths.sweep):
        beside = [path.parent.name for path in paths.folder.parent.glob(f"*/{paths.sweep.name}")]
        hint = suggest(paths.name, beside)
        end = f"; {hint}" if hint else "."
        raise StudyError(f"{folder}: no sweep found ({paths.sweep.name} is missing){end}")
    return Sweep(paths)


def next_start(sweep: Sweep, names: Mapping[str, str]) -> NextStart:
    """How a sweep was started, and how the next one is.

    Args:
        sweep: The sweep.
        names: Names of its space in a Python program, by key; empty for a command line.
    """
    return NextStart(sweep.paths, str(sweep.config.get("command", "")), sweep.config["plan"], names)


def _records(
    trials: pd.DataFrame, curves: pd.DataFrame, space: SearchSpace, objectives: Sequence[Objective]
) -> list[TrialRecord]:
    """Rows of the table of trials as records, without what the table leaves out."""
    import pandas as pd

    keys = {column_of(key): key for key in space.keys}
    points = trials.reindex(columns=list(keys)).astype(object).to_dict("records")
    epochs = _values_by_epoch(curves, objectives[0].name)
    measured = {column_of(name): name for name in measured_of((), objectives)}
    records = []
    for row, point in zip(trials.to_dict("records"), points, strict=True):
        active = {keys[str(column)]: value for column, value in point.items() if not _is_missing(value)}
        found = row["objective"]
        violations = {"constraints": 1.0} if row.get(FEASIBLE) is False else {}
        known = {name: float(row[column]) for column, name in measured.items() if not pd.isna(row[column])}
        result = Result(None if pd.isna(found) else float(found), seconds=float(row["seconds"]), quantities=known,
                        violations=violations)  # fmt: skip
        number = int(row["trial"])
        state = State.PAUSED if row["state"] == STOPPED else State(row["state"])
        paused = result if state is State.PAUSED else None
        curve = epochs.get(number, {})
        confirmed = row.get(CONFIRMS)
        confirms = None if confirmed is None or pd.isna(confirmed) else int(confirmed)
        record = TrialRecord(number, state, active, int(row["seed"]), result, paused=paused, confirms=confirms)
        records.append(replace(record, values=curve))
    return records


def _values_by_epoch(curves: pd.DataFrame, objective: str) -> dict[int, dict[int, float]]:
    """Objective by epoch, by trial; empty where the objective is no column of the learning curves."""
    if objective not in curves.columns:
        return {}
    values: dict[int, dict[int, float]] = {}
    for number, epoch, value in zip(curves["trial"], curves["epoch"], curves[objective], strict=True):
        values.setdefault(int(number), {})[int(epoch)] = float(value)
    return values


def _is_missing(value: Any) -> bool:
    """Whether a cell of the table of trials is empty; None is a value of a choice."""
    import pandas as pd

    return value is pd.NA or (isinstance(value, float) and math.isnan(value))


def _require(path: Path, need: Need) -> None:
    """Check that a file or a folder can be read, unless there is none.

    Raises:
        StudyError: It cannot be read, or it is something else.
    """
    faults = [] if is_missing(path) else check_path("SWEEP", path, need)
    if faults:
        raise StudyError(faults[0])
