"""Read-only view of a sweep's folder as pandas tables: `load_sweep` and `Sweep`."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from mnistsweep.errors import StudyError, suggest
from mnistsweep.paths import SweepPaths
from mnistsweep.study.results_table import COLUMNS
from mnistsweep.study.sweep_file import read_sweep_file

if TYPE_CHECKING:
    import pandas as pd


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
        """Finished trials, one row each, with the columns of ``results.csv``; a missing `reason` is an empty string."""
        import pandas as pd

        if not self.paths.results.is_file():
            return pd.DataFrame(columns=list(COLUMNS))
        types = {"best_epoch": "Int64", "reason": str}
        table = _read_csv(self.paths.results, dtype=types, keep_default_na=False, na_values=[""])
        return table.fillna({"reason": ""})

    @cached_property
    def curves(self) -> pd.DataFrame:
        """Learning curves of all trials, one row an epoch; the first column is `trial`. Damaged files are left out."""
        import pandas as pd

        tables = []
        for number, trial in self.paths.trials():
            with contextlib.suppress(FileNotFoundError, pd.errors.EmptyDataError, pd.errors.ParserError):
                tables.append(_read_csv(trial.history).assign(trial=number))
        if not tables:
            return pd.DataFrame(columns=["trial", "epoch"])
        curves = pd.concat(tables, ignore_index=True)
        return curves[["trial", *(column for column in curves.columns if column != "trial")]]

    @cached_property
    def best(self) -> dict[str, Any] | None:
        """Best configuration, the content of ``best.yaml``; None if no trial has completed."""
        if not self.paths.best.is_file():
            return None
        return dict(yaml.safe_load(self.paths.best.read_text(encoding="utf-8")))

    def refresh(self) -> None:
        """Discard what was read; the next access reads the files again."""
        for name in ("config", "trials", "curves", "best"):
            self.__dict__.pop(name, None)


def load_sweep(folder: str | Path) -> Sweep:
    """Open a sweep's folder for reading.

    Args:
        folder: Path of the sweep's folder, for example ``logs/quickstart``.

    Returns:
        View of the folder's files.

    Raises:
        StudyError: The folder holds no sweep; the message names the nearest one beside it.
    """
    paths = SweepPaths(Path(folder))
    if not paths.sweep.is_file():
        beside = [path.parent.name for path in paths.folder.parent.glob(f"*/{paths.sweep.name}")]
        hint = suggest(paths.name, beside)
        end = f"; {hint}" if hint else "."
        raise StudyError(f"{folder}: no sweep found ({paths.sweep.name} is missing){end}")
    return Sweep(paths)


def _read_csv(file: Path, **options: Any) -> pd.DataFrame:
    """Read a table so that floats get the exact value that was written; since version 3.1 pandas does so by default."""
    import pandas as pd

    if tuple(map(int, pd.__version__.split(".")[:2])) < (3, 1):
        options["float_precision"] = "round_trip"
    table: pd.DataFrame = pd.read_csv(file, **options)
    return table
