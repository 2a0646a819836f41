"""Counts what a disturbed sweep lost: from its ledger, its table, its journal and the event log of its workers."""

from __future__ import annotations

import csv
import itertools
import json
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optuna.storages.journal._storage import JournalOperation
from optuna.trial import TrialState

from helpers import events
from helpers.events import Event
from helpers.faulty import Settings, expected, log_path
from helpers.harm import Harm
from mnistsweep.paths import SweepPaths
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.records import STOPPED, State, TrialRecord

# What a process noted last that is still at work on its trial.
UNDER_WAY = (events.CLAIM, events.BEGIN, events.END)


@dataclass(frozen=True)
class Audit:
    """The counts of one sweep.

    Attributes:
        finished: Trials with an outcome.
        failed: Trials that are recorded as failed.
        lost: Trials of the budget without an outcome in the ledger or in the table, or whose outcome is not what the
            objective gives.
        doubled: Trials whose outcome was written more than once, or that two processes trained at the same time.
        over_budget: Trials beyond the budget; where trials are paused, epochs beyond it.
        begun: Epochs that were started.
        repeated: Epochs that were started more than once.
        most_repeated: Largest number of epochs that one ended process left to be repeated.
        repeated_whole: Repeated epochs that had been finished before.
        dropped: Number of times that a process dropped its trial because another worker owned it.
        resumed_after: Median seconds from the end of a process to the next epoch of its trial; None without any.
    """

    finished: int
    failed: int
    lost: int
    doubled: int
    over_budget: int
    begun: int
    repeated: int
    most_repeated: int
    repeated_whole: int
    dropped: int
    resumed_after: float | None


def audit(folder: Path, harms: Sequence[Harm]) -> Audit:
    """Count what is in a sweep's folder.

    Args:
        folder: Path of the folder of a sweep of `faulty.py`.
        harms: Kills and stops of its processes.
    """
    settings, paths = Settings.read(folder), SweepPaths(folder)
    records = Ledger(paths).records()
    noted = events.read(log_path(folder))
    doubled = written_twice(paths.journal) | trained_at_once(noted)
    over = len(records) - settings.trials
    if settings.pauses:
        over = sum(record.trained_epochs for record in records) - settings.total_epochs
    return Audit(
        finished=sum(record.state is not State.RUNNING for record in records),
        failed=sum(record.state is State.FAILED for record in records),
        lost=len(lost(records, rows(paths.results), settings)),
        doubled=len(doubled),
        over_budget=max(0, over),
        **epochs(noted, harms),
    )


def epochs(noted: Sequence[Event], harms: Sequence[Harm]) -> dict[str, Any]:
    """Counts that follow from the event log."""
    begun, repeats, whole = repeated_epochs(noted)
    delays = list(itertools.chain.from_iterable(delays_after(harm, noted) for harm in harms))
    return {
        "begun": begun,
        "repeated": sum(repeats),
        "most_repeated": max(repeats, default=0),
        "repeated_whole": whole,
        "dropped": sum(event.what == events.DROP for event in noted),
        "resumed_after": statistics.median(delays) if delays else None,
    }


def rows(table: Path) -> dict[int, dict[str, str]]:
    """Rows of ``results.csv`` by trial number."""
    with table.open(encoding="utf-8", newline="") as file:
        return {int(row["trial"]): row for row in csv.DictReader(file)}


def lost(records: Sequence[TrialRecord], table: Mapping[int, Mapping[str, str]], settings: Settings) -> set[int]:
    """Numbers of the trials of the budget that are missing or wrong in the ledger or in the table."""
    known = {record.number: record for record in records}
    numbers = range(len(known) if settings.pauses else settings.trials)
    return {
        number for number in numbers
        if number not in known or number not in table or not is_right(known[number], table[number], settings)
    }  # fmt: skip


def is_right(record: TrialRecord, row: Mapping[str, str], settings: Settings) -> bool:
    """Whether a trial has the expected outcome, and the table agrees with the ledger."""
    shown = STOPPED if record.state is State.PAUSED else record.state.value
    if record.state is State.RUNNING or row["state"] != shown:
        return False
    if record.state not in (State.COMPLETED, State.PAUSED):
        return True
    right = expected(record.point, record.seed, record.result.epochs if settings.pauses else settings.epochs)
    found = (record.result.objective, record.result.best_epoch, record.result.epochs)
    return found == (right.best, right.best_epoch, right.epoch) and row["objective"] == repr(right.best)


def written_twice(journal: Path) -> set[int]:
    """Trials whose outcome, or whose result at one pause, was written more than once."""
    entries = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]
    ended = Counter(
        entry["trial_id"] for entry in entries
        if entry["op_code"] == JournalOperation.SET_TRIAL_STATE_VALUES and TrialState(entry["state"]).is_finished()
    )  # fmt: skip
    paused = Counter(
        (entry["trial_id"], lease["paused"]["epochs"]) for entry in entries
        if (lease := entry.get("user_attr", {}).get("lease", {})) and lease.get("is_paused")
    )  # fmt: skip
    twice = {trial for trial, times in ended.items() if times > 1}
    return twice | {trial for (trial, _), times in paused.items() if times > 1}


def by_trial(noted: Sequence[Event]) -> dict[int, list[Event]]:
    found: dict[int, list[Event]] = {}
    for event in sorted(noted, key=lambda event: event.at):
        found.setdefault(event.trial, []).append(event)
    return found


def trained_at_once(noted: Sequence[Event]) -> set[int]:
    """Trials of which a process started or finished an epoch after another process had claimed the trial."""
    found = set()
    for trial, list_ in by_trial(noted).items():
        owner = ""
        for event in list_:
            if event.what == events.CLAIM:
                owner = event.attempt
            elif event.what in (events.BEGIN, events.END) and event.attempt != owner:
                found.add(trial)
    return found


def repeated_epochs(noted: Sequence[Event]) -> tuple[int, list[int], int]:
    """Started epochs; repeated epochs of each attempt after the first; number of finished ones among these."""
    begun, repeats, whole = 0, list[int](), 0
    for list_ in by_trial(noted).values():
        ended = {(event.attempt, event.epoch) for event in list_ if event.what == events.END}
        before: set[int] = set()
        over: set[int] = set()
        for attempt in dict.fromkeys(event.attempt for event in list_):
            epochs = {event.epoch for event in list_ if event.attempt == attempt and event.what == events.BEGIN}
            begun += len(epochs)
            repeats.append(len(epochs & before))
            whole += len(epochs & over)
            before |= epochs
            over |= {epoch for epoch in epochs if (attempt, epoch) in ended}
    return begun, repeats, whole


def delays_after(harm: Harm, noted: Sequence[Event]) -> list[float]:
    """Seconds from the end of a process (or of several) until another process continued its trial."""
    delays = []
    for list_ in by_trial(noted).values():
        last = next((event for event in reversed(list_) if event.at <= harm.at), None)
        if last is None or last.pid not in harm.pids or last.what not in UNDER_WAY:
            continue
        later = (e.at for e in list_ if e.what == events.BEGIN and e.at > harm.at and e.attempt != last.attempt)
        delays.extend(at - harm.at for at in itertools.islice(later, 1))
    return delays
