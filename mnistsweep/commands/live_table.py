"""The display of a running sweep: a live table on a terminal and in a notebook, lines elsewhere.

It only reads the ledger.
"""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Callable, Sequence
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from mnistsweep.commands.front_table import front_lines
from mnistsweep.commands.notebook_display import NotebookDisplay
from mnistsweep.config.objectives import Objective
from mnistsweep.console import in_notebook
from mnistsweep.errors import LedgerUnreachable
from mnistsweep.repeating_thread import RepeatingThread
from mnistsweep.space import Point
from mnistsweep.study.budget import Budget
from mnistsweep.study.front import front_of, text_of
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.ranking import best_of
from mnistsweep.study.records import STOPPED, State, TrialRecord, searched
from mnistsweep.text import format_count, format_duration, format_point

REFRESH_SECONDS = 0.5

# Maximum number of finished trials in the table that stays in a notebook.
MAX_FINISHED = 10

# Displayed state of a trial that is unfinished and that no worker runs.
INTERRUPTED = "interrupted"

# Function from a point to the number of epochs of its training; None if it is unknown.
Epochs = Callable[[Point], int | None]


class LiveTable:
    """Context that displays a running sweep: a table on a terminal and in a notebook, elsewhere a line for each job.

    Args:
        ledger: Ledger of the sweep; only read.
        budget: Budget of the sweep.
        direction: Direction of the first objective, ``max`` or ``min``.
        objective: Name of the first objective.
        epochs_of: Function from a point to the number of epochs of its training.
        running_seconds: Function that returns the running time of the sweep in seconds.
        console: Console that the progress is written to.
        further: All objectives but the first.
    """

    def __init__(
        self,
        ledger: Ledger,
        budget: Budget,
        direction: str,
        objective: str,
        epochs_of: Epochs,
        running_seconds: Callable[[], float],
        console: Console,
        further: Sequence[Objective] = (),
    ) -> None:
        self._objectives = (Objective(objective, direction), *further)
        self._ledger = ledger
        self._budget = budget
        self._direction = direction
        self._objective = objective
        self._epochs_of = epochs_of
        self._console = console
        self._running_seconds = running_seconds
        self._seconds = self._seconds_before = running_seconds()
        self._records = ledger.records()
        self._printed = {key for record in self._records if (key := _ended_job(record)) is not None}
        self._num_finished_before = sum(record.state.finished for record in searched(self._records))
        self._num_epochs_before = sum(record.trained_epochs for record in searched(self._records))
        self._outage = ""
        self._thread: RepeatingThread | None = None
        self._live: Live | None = None
        self._display: NotebookDisplay | None = None

    def __enter__(self) -> LiveTable:
        if self._console.is_terminal:
            self._live = Live(
                get_renderable=self.render,
                console=self._console,
                refresh_per_second=1 / REFRESH_SECONDS,
                transient=True,
            )
            self._live.start()
        elif in_notebook() and self._console.file is sys.stdout:
            self._display = NotebookDisplay(self.render)
            self._display.start()
        else:
            self._thread = RepeatingThread("live table", REFRESH_SECONDS, self._print_new)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()
        if self._display is not None:
            self._read()
            has_ended = False
            with contextlib.suppress(Exception):  # as in `_read`
                has_ended = self._ledger.has_ended(self._budget)
            table = self._finished(self._records, has_ended)
            self._display.stop(Group(table, self._summary(self._records, is_running=False, has_ended=has_ended)))
        if self._thread is not None:
            self._thread.stop()
            self._print_new()

    def render(self) -> RenderableType:
        """Current table and summary."""
        self._read()
        parts = self._table(self._records), self._summary(self._records)
        return Group(*parts, Text(self._outage)) if self._outage else Group(*parts)

    def _read(self) -> None:
        """Read the ledger; what was read before stays if the ledger cannot be read.

        This runs on a thread of the display. The workers find the same error, and stop with a message.
        """
        try:
            self._records, self._seconds = self._ledger.records(), self._running_seconds()
        except LedgerUnreachable as error:
            self._outage = f"{error}. Trainings go on; the workers wait for the database."
        except Exception:  # see above
            pass
        else:
            self._outage = ""

    def _table(self, records: Sequence[TrialRecord]) -> Table:
        """Table of the running trials."""
        table = Table(box=None, pad_edge=False, header_style="bold", expand=False)
        for column in ("trial", "epoch", "", self._objective, "configuration"):
            left = column in ("", "configuration")
            table.add_column(column, justify="left" if left else "right", no_wrap=column != "configuration")
        for record in records:
            if record.state is State.RUNNING and record.owner:
                total, done = record.until or self._epochs_of(record.point), record.result.epochs
                bar = ProgressBar(total=total, completed=done, width=20) if total else ""
                value = record.result.score
                table.add_row(
                    str(record.number),
                    f"{done}/{total}" if total else str(done),
                    bar,
                    value,
                    format_point(record.point),
                )
        if not table.rows:
            table.add_row("", "", "", "", Text("starting ...", style="dim"))
        return table

    def _finished(self, records: Sequence[TrialRecord], has_ended: bool) -> Table:
        """Table of the best finished trials, which stays in a notebook; at the end of a sweep also of stopped ones."""
        table = Table(box=None, pad_edge=False, header_style="bold", expand=False)
        for column in ("trial", "state", self._objective, "configuration"):
            table.add_column(column, justify="left" if column in ("state", "configuration") else "right")
        finished = [one for one in records if one.state.finished or (has_ended and one.state is State.PAUSED)]
        sign = -1 if self._direction == "max" else 1

        def rank(record: TrialRecord) -> float:
            value = record.result.objective
            return math.inf if value is None or record.state is State.FAILED else sign * value

        for record in sorted(finished, key=rank)[:MAX_FINISHED]:
            score = record.result.score if rank(record) < math.inf else record.result.reason
            table.add_row(str(record.number), shown_state(record, has_ended), score, format_point(record.point))
        return table

    def _summary(self, records: Sequence[TrialRecord], is_running: bool = True, has_ended: bool = False) -> Text:
        best, line = best_of(records, self._direction), Text()
        if len(self._objectives) > 1:
            lines = front_lines(front_of(records, self._objectives), self._objectives)
            line.append("".join(f"{text}\n" for text in lines), style="bold green")
        elif best is not None:
            line.append(f"best {self._objective} {best.result.objective:.4f}", style="bold green")
            line.append(f"{best.result.at_epoch}  trial {best.number}: {format_point(best.point)}\n")
        line.append(tally(records, self._budget.trials, has_ended))
        seconds = self._seconds
        line.append(f" · running time {format_duration(seconds, decimals=0)}")
        remaining = self._remaining(records, seconds) if is_running else None
        if remaining is not None:
            line.append(f" · about {format_duration(remaining, decimals=0)} left")
        return line

    def _remaining(self, records: Sequence[TrialRecord], seconds: float) -> float | None:
        """Estimated remaining time in seconds, from the budget of hours and the trials finished since this start.

        Where trials are paused it is estimated from their epochs. None if there is neither.
        """
        estimates = [] if self._budget.hours is None else [3600 * self._budget.hours - seconds]
        if any(record.paused is not None for record in records):
            epochs = sum(record.trained_epochs for record in searched(records))
            if self._budget.total_epochs is not None and epochs > self._num_epochs_before:
                seconds_an_epoch = (seconds - self._seconds_before) / (epochs - self._num_epochs_before)
                estimates.append((self._budget.total_epochs - epochs) * seconds_an_epoch)
            return max(0.0, min(estimates)) if estimates else None
        finished = sum(record.state.finished for record in searched(records))
        finished_now = finished - self._num_finished_before
        if self._budget.trials is not None and finished_now > 0:
            estimates.append((seconds - self._seconds_before) / finished_now * (self._budget.trials - finished))
        return max(0.0, min(estimates)) if estimates else None

    def _print_new(self) -> None:
        before = self._outage
        self._read()
        if bool(before) != bool(self._outage):
            self._console.print(Text(self._outage or "The ledger answers again."), soft_wrap=True)
        keys = map(_ended_job, searched(self._records))
        finished = sum(key in self._printed for key in keys if key and key[1] is None)
        for record in self._records:
            key = _ended_job(record)
            if key is not None and key not in self._printed:
                self._printed.add(key)
                finished += record.state.finished and record.confirms is None
                self._console.print(self._line(record, finished), soft_wrap=True)

    def _line(self, record: TrialRecord, count: int) -> str:
        total, state = f"/{self._budget.trials}" if self._budget.trials else "", record.state.value
        if (paused := record.at_pause) is not None:  # another job of the trial may run already
            record, state = paused, f"paused after epoch {paused.result.epochs}"
        score = record.result.reason
        if record.result.objective is not None and record.state is not State.FAILED:
            score = f"{text_of(record, self._objectives)}{record.result.at_epoch}"
            score += f", {record.result.reason}" if record.result.reason.startswith("failed ") else ""
            score += f", violates {', '.join(record.result.violated)}" if record.result.violated else ""
        place = f"{count}{total}" if record.confirms is None else f"confirms trial {record.confirms}"
        return (
            f"[{place}] trial {record.number} {state}: {score}  "
            f"({record.result.seconds:.1f} s)  {format_point(record.point)}"
        )


def _ended_job(record: TrialRecord) -> tuple[int, int | None] | None:
    """Number of a trial and, while it has not ended, the epoch at which it was paused last; None before a job ended."""
    if record.state.finished:
        return record.number, None
    return None if record.paused is None else (record.number, record.paused.epochs)


def shown_state(record: TrialRecord, has_ended: bool = False) -> str:
    """What a table or a summary calls the state of a trial.

    Args:
        record: Record of the trial.
        has_ended: Whether the sweep has ended.
    """
    if record.state is State.PAUSED:
        return STOPPED if has_ended else record.state.value
    return INTERRUPTED if record.state is State.RUNNING and not record.owner else record.state.value


def tally(records: Sequence[TrialRecord], trials: int | None, has_ended: bool = False) -> str:
    """Summary of the trials in one line: the number of finished ones, and of those in each state.

    Args:
        records: Records of all trials.
        trials: Budget of trials; None: no limit.
        has_ended: Whether the sweep has ended: then paused trials are stopped, and count as finished.

    Example:
        >>> tally([], 20)
        '0 of 20 trials'
    """
    confirmations = sum(one.confirms is not None and one.state is not State.RUNNING for one in records)
    records = searched(records)
    kinds = [*(state.value for state in State), STOPPED, INTERRUPTED]
    found = [shown_state(record, has_ended) for record in records]
    finished = sum(record.state.finished for record in records) + found.count(STOPPED)
    parts = [f"{finished} of {trials} trials" if trials else f"{finished} trials"]
    parts += [f"{found.count(kind)} {kind}" for kind in kinds if kind in found]
    return " · ".join(parts + ([format_count(confirmations, "confirmation")] if confirmations else []))
