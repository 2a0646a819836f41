"""Records of a sweep: one frozen record a trial, the table they make, and a read-only view of a sweep's files.

``results.csv`` has one row a finished trial, in order of their numbers: `trial`, `state`, `objective`, `best_epoch`,
`seconds`, `seed`, `reason`, then one column a dimension. An empty cell means: not known, or not active at that point.
"""

from __future__ import annotations

import bisect
import contextlib
import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from mnistsweep import __version__
from mnistsweep.errors import StudyError, suggest
from mnistsweep.paths import SweepPaths, TrialPaths, replacing
from mnistsweep.space import Point, SearchSpace

if TYPE_CHECKING:
    import pandas as pd

# Of what a sweep leaves on disk. A program reads its own and older ones; it is raised where an older one would misread.
FORMAT = 1

COLUMNS = ("trial", "state", "objective", "best_epoch", "seconds", "seed", "reason")


class State(StrEnum):
    """Where a trial stands."""

    RUNNING = "running"
    COMPLETED = "completed"
    PRUNED = "pruned"
    FAILED = "failed"

    @property
    def finished(self) -> bool:
        """Whether the trial is over."""
        return self is not State.RUNNING


@dataclass(frozen=True)
class Result:
    """What a training gives back.

    Attributes:
        objective: Its value at the best epoch, averaged over repeats; None where no epoch was finished.
        best_epoch: Counted from 1; of the best repeat.
        epochs: Trained, summed over repeats.
        seconds: Of wall-clock time.
        std: Sample standard deviation of the objective over repeats; None with one repeat.
        reason: Why it failed or was pruned; empty otherwise.
        limited: Whether a limit of the configuration ended it, which is no sign that the sweep is broken.
    """

    objective: float | None = None
    best_epoch: int | None = None
    epochs: int = 0
    seconds: float = 0.0
    std: float | None = None
    reason: str = ""
    limited: bool = False


@dataclass(frozen=True)
class TrialRecord:
    """One trial as the ledger has it.

    Attributes:
        number: Counted from 0.
        state: Running or how it ended.
        point: The values of its active dimensions.
        seed: Of its training.
        result: How it went so far; for a running trial what its reports say.
        owner: The worker that runs it; empty where it was interrupted and waits for one.
    """

    number: int
    state: State
    point: Point
    seed: int
    result: Result = field(default_factory=Result)
    owner: str = ""

    def row(self, keys: Sequence[str]) -> list[str]:
        """The trial's row of `results.csv`."""
        result = self.result
        seconds = round(result.seconds, 3)
        cells = [self.number, self.state.value, result.objective, result.best_epoch, seconds, self.seed]
        reason = "\n".join(
            result.reason.splitlines()
        )  # readers of CSV take a bare carriage return for the end of a row
        return [_cell(cell) for cell in [*cells, reason, *(self.point.get(key) for key in keys)]]


def best_of(records: Sequence[TrialRecord], direction: str) -> TrialRecord | None:
    """The completed trial with the best objective; the lowest number where several are equal.

    Args:
        records: Any.
        direction: ``max`` or ``min``.
    """
    sign = 1 if direction == "max" else -1
    scored = [(sign * r.result.objective, -r.number, r) for r in records
              if r.state is State.COMPLETED and r.result.objective is not None]  # fmt: skip
    return max(scored, key=lambda item: item[:2])[2] if scored else None


class ResultsTable:
    """Keeps ``results.csv`` current; a row is rendered once, so that a long sweep pays little more than a short one."""

    def __init__(self, path: Path, space: SearchSpace) -> None:
        self._path = path
        self._keys = space.keys
        self._numbers: list[int] = []
        self._rows: list[str] = []
        self._open: list[int] = []
        self._num_seen = 0

    def take(self, records: Sequence[TrialRecord]) -> list[TrialRecord]:
        """Take the trials that have ended, and were not taken before, into the table; returns them.

        Args:
            records: All trials, in the order of their numbers; never fewer than before.
        """
        looked_at = [*self._open, *range(self._num_seen, len(records))]
        new = [records[number] for number in looked_at if records[number].state.finished]
        self._open = [number for number in looked_at if not records[number].state.finished]
        self._num_seen = len(records)
        for record in new:
            place = bisect.bisect(self._numbers, record.number)
            self._numbers.insert(place, record.number)
            self._rows.insert(place, _line(record.row(self._keys)))
        return new

    def write(self) -> None:
        """Replace the file by what was taken."""
        text = _line([*COLUMNS, *self._keys]) + "".join(self._rows)
        with replacing(self._path, durable=False) as part:  # a view: the ledger makes it again
            part.write_text(text, encoding="utf-8", newline="")


def write_best(paths: SweepPaths, record: TrialRecord, objective: str) -> None:
    """Write ``best.yaml`` from the configuration of the best trial: what `mnistsweep train` needs to repeat it."""
    spread = f" (standard deviation over repeats {record.result.std:.4g})" if record.result.std is not None else ""
    score = f"{objective} {record.result.objective!r} at epoch {record.result.best_epoch}{spread}"
    head = f"# Trial {record.number} of the sweep {paths.name!r}: {score}.\n"
    head += "# mnistsweep train --config-dir DIR --config-name best\n"
    text = paths.trial(record.number).config.read_text(encoding="utf-8")
    with replacing(paths.best, durable=False) as part:
        part.write_text(head + text, encoding="utf-8")


@dataclass(frozen=True)
class Sweep:
    """A read-only view of a sweep's files as pandas tables; it never asks the ledger.

    Example:
        >>> sweep = load_sweep("logs/quickstart")  # doctest: +SKIP
        >>> sweep.trials.sort_values("objective").tail(3)  # doctest: +SKIP
    """

    paths: SweepPaths

    @property
    def config(self) -> dict[str, Any]:
        """What ``sweep.yaml`` holds: the composed configuration, the space, versions."""
        return read_sweep_file(self.paths)

    @property
    def trials(self) -> pd.DataFrame:
        """The finished trials, a row each, with the columns of ``results.csv``; a missing `reason` is an empty text."""
        import pandas as pd

        if not self.paths.results.is_file():
            return pd.DataFrame(columns=list(COLUMNS))
        kinds = {"best_epoch": "Int64", "reason": str}
        table = _read_csv(self.paths.results, dtype=kinds, keep_default_na=False, na_values=[""])
        return table.fillna({"reason": ""})

    @property
    def curves(self) -> pd.DataFrame:
        """The learning curves of all trials, a row an epoch, with a first column `trial`; without damaged files."""
        import pandas as pd

        files = sorted(self.paths.folder.glob("trials/[0-9]*/" + TrialPaths(Path()).history.name))
        tables = []
        for file in files:
            with contextlib.suppress(pd.errors.EmptyDataError, pd.errors.ParserError):  # the rest is worth reading
                tables.append(_read_csv(file).assign(trial=int(file.parent.name)))
        if not tables:
            return pd.DataFrame(columns=["trial", "epoch"])
        whole = pd.concat(tables, ignore_index=True)
        return whole[["trial", *(column for column in whole.columns if column != "trial")]]

    @property
    def best(self) -> dict[str, Any] | None:
        """The best configuration, as ``best.yaml`` has it; None where no trial has completed."""
        if not self.paths.best.is_file():
            return None
        return dict(yaml.safe_load(self.paths.best.read_text(encoding="utf-8")))


def load_sweep(folder: str | Path) -> Sweep:
    """Open a sweep's folder for reading.

    Args:
        folder: For example ``logs/quickstart``.

    Raises:
        StudyError: There is no sweep; the nearest name is given.
    """
    paths = SweepPaths(Path(folder))
    if not paths.sweep.is_file():
        beside = [path.parent.name for path in paths.folder.parent.glob(f"*/{paths.sweep.name}")]
        hint = suggest(paths.name, beside)
        end = f"; {hint}" if hint else "."
        raise StudyError(f"{folder}: no sweep is there ({paths.sweep.name} is missing){end}")
    return Sweep(paths)


def read_sweep_file(paths: SweepPaths) -> dict[str, Any]:
    """What ``sweep.yaml`` holds.

    Raises:
        StudyError: The file cannot be read, or a newer version of this program wrote it.
    """
    try:
        record = dict(yaml.safe_load(paths.sweep.read_text(encoding="utf-8")))
        found = int(record.get("format", FORMAT))
    except (OSError, ValueError, TypeError, yaml.YAMLError) as error:
        raise StudyError(f"{paths.sweep}: cannot be read: {error}") from error
    if found > FORMAT:
        raise StudyError(
            f"{paths.folder}: made by a newer mnistsweep ({record.get('mnistsweep')}, format {found}); this one, "
            f"{__version__}, reads formats up to {FORMAT}. Nothing was changed; pip install --upgrade mnistsweep."
        )
    return record


def write_yaml(path: Path, record: Mapping[str, Any], durable: bool = True) -> None:
    """Write plain values as YAML, whole or not at all; `durable` as in `paths.replacing`."""
    # The dumper in C, where PyYAML has it, is five times as fast.
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    with replacing(path, durable) as part:
        part.write_text(yaml.dump(dict(record), Dumper=dumper, sort_keys=False, allow_unicode=True), encoding="utf-8")


def _read_csv(file: Path, **options: Any) -> pd.DataFrame:
    """A table whose numbers are read back exactly; since 3.1 pandas does so unasked."""
    import pandas as pd

    if tuple(map(int, pd.__version__.split(".")[:2])) < (3, 1):
        options["float_precision"] = "round_trip"
    table: pd.DataFrame = pd.read_csv(file, **options)
    return table


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return float.__repr__(value) if isinstance(value, float) else str(value)


def _line(cells: Sequence[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue()
