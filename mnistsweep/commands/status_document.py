"""The state of a sweep as one JSON document for programs: `mnistsweep status --json`, and what `notify` sends.

The file ``status.schema.json`` in the package describes it. `SCHEMA_VERSION` is raised when a key is removed or changes
its meaning; keys may be added without a new version.
"""

from __future__ import annotations

import datetime
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mnistsweep.commands.job_lines import job_documents
from mnistsweep.commands.live_table import INTERRUPTED, shown_state
from mnistsweep.planning.opening import ledger_fingerprint
from mnistsweep.planning.plan import Plan
from mnistsweep.redaction import mask, mask_values
from mnistsweep.study.ending import Ending
from mnistsweep.study.front import front_of, values_of
from mnistsweep.study.heartbeat_monitor import open_monitor
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.ranking import Standing, ranked
from mnistsweep.study.records import STOPPED, State, TrialRecord, searched
from mnistsweep.study.violations import count_violations
from mnistsweep.version import __version__

SCHEMA_VERSION = 1
"""Version of the document's schema."""

RUNNING, COMPLETE, FAILED = "running", "complete", "failed"
"""States of a sweep, beside `stopped` (by `mnistsweep stop`) and `interrupted`, with which budget is left."""


@dataclass(frozen=True)
class Snapshot:
    """What the ledger of a sweep holds at one moment.

    Attributes:
        records: All trials.
        ending: Why the sweep has ended or was stopped; None: it runs, or was interrupted.
        seconds: Running time over all sessions, in seconds.
        workers: Names of the workers that run.
    """

    records: Sequence[TrialRecord]
    ending: Ending | None
    seconds: float
    workers: Sequence[str] = ()

    @classmethod
    def read(cls, plan: Plan, checksum: str | None = None, max_seconds: float = math.inf) -> Snapshot:
        """Read the ledger of a sweep; a worker on another host counts once its heartbeat has changed.

        Args:
            plan: Plan of the sweep.
            checksum: Checksum of the training data in ``sweep.yaml``, to check that the ledger is that of the plan;
                None: no check.
            max_seconds: Maximum time to observe the workers on other hosts, in seconds; at most a lease period.

        Raises:
            StudyError: The ledger cannot be read, or records another search.
        """
        ledger = Ledger(plan.paths, plan.config.storage)
        if checksum is not None:
            ledger.check_search(ledger_fingerprint(plan, checksum))
        monitor = open_monitor(plan.paths, plan.config.storage, plan.config.lease_seconds)
        workers = monitor.observed_workers((record.owner for record in ledger.running()), max_seconds)
        return cls(ledger.records(), ledger.ending(plan.budget), ledger.running_seconds(), workers)

    @property
    def has_ended(self) -> bool:
        """Whether nothing is left to do with the budget of the sweep."""
        return self.ending is not None and not self.ending.is_stopped


def state_of(plan: Plan, snapshot: Snapshot) -> str:
    """The state of a sweep: running, complete, stopped, failed or interrupted.

    Args:
        plan: Plan of the sweep.
        snapshot: What its ledger holds.
    """
    if snapshot.workers:
        return RUNNING
    if snapshot.ending is None:
        return INTERRUPTED
    if not snapshot.has_ended:
        return STOPPED if snapshot.ending.is_request else FAILED
    is_bad = any(record.state is State.FAILED or record.result.violated for record in snapshot.records)
    return FAILED if is_bad and not ranked(snapshot.records, plan.direction, plan.further) else COMPLETE


def status_document(
    plan: Plan, snapshot: Snapshot | None, state: str = "", reason: str = "", exit_code: int | None = None
) -> dict[str, Any]:
    """Describe a sweep as plain values for JSON, without secrets.

    Args:
        plan: Plan of the sweep.
        snapshot: What its ledger holds; None: it cannot be read, and everything that it holds is null.
        state: State of the sweep; empty: that of the ledger.
        reason: Why the sweep is in this state; empty: that of the ledger.
        exit_code: Exit code of the command that has ended; None: there is none.
    """
    config = plan.config
    ending = None if snapshot is None else snapshot.ending
    jobs = job_documents(plan.paths)
    found = INTERRUPTED if snapshot is None else state_of(plan, snapshot)
    if jobs and found == INTERRUPTED:
        found = RUNNING  # its workers wait in a queue
    document = {
        "schema_version": SCHEMA_VERSION,
        "mnistsweep": __version__,
        "time": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "name": plan.paths.name,
        "folder": str(plan.paths.folder.absolute()),
        "state": state or found,
        "reason": reason or (None if ending is None else ending.reason),
        "exit_code": exit_code,
        "objectives": [{"name": one.name, "direction": one.direction} for one in plan.objectives],
        "budget": {"trials": plan.num_trials, "hours": config.hours, "total_epochs": config.total_epochs},
        "jobs": jobs,
        **_from_ledger(plan, snapshot),
    }
    return dict(_as_json(mask_values(document)))


def document_text(document: Mapping[str, Any]) -> str:
    """A document as JSON with a line feed at its end.

    Args:
        document: Plain values.
    """
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _from_ledger(plan: Plan, snapshot: Snapshot | None) -> dict[str, Any]:
    """What the ledger holds; null where it cannot be read."""
    names = ("running_seconds", "epochs", "trials", "workers", "best", "front", "expected", "constraints", "failures")
    if snapshot is None:
        return dict.fromkeys(names)
    records = snapshot.records
    ranking = ranked(records, plan.direction, plan.further)
    standing = None if plan.further else Standing.of(records, plan.direction)
    found = [
        snapshot.seconds,
        sum(record.trained_epochs for record in records),
        _counts(snapshot),
        [_worker(owner, records) for owner in snapshot.workers],
        _trial(ranking[0], plan) if ranking else None,
        [_trial(record, plan) for record in front_of(records, plan.objectives)] if plan.further else None,
        None if standing is None else [_expected(standing, place) for place in range(len(standing.order))],
        [
            {"constraint": name, "violated": violated, "judged": judged}
            for name, (violated, judged) in count_violations(records).items()
        ],
        [{"trial": one.number, "reason": one.result.reason} for one in records if one.state is State.FAILED],
    ]
    return dict(zip(names, found, strict=True))


def _counts(snapshot: Snapshot) -> dict[str, int]:
    """Number of trials of the search by state, and of the trainings that confirm the best ones.

    A trial that no running worker owns is interrupted.
    """
    alive, counts = set(snapshot.workers), Counter[str]()
    trials = searched(snapshot.records)
    for record in trials:
        is_lost = record.state is State.RUNNING and record.owner not in alive
        counts[INTERRUPTED if is_lost else shown_state(record, snapshot.has_ended)] += 1
    states = (*(state.value for state in State), STOPPED, INTERRUPTED)
    confirmations = len(snapshot.records) - len(trials)
    return {"total": len(trials), **{state: counts[state] for state in states}, "confirmations": confirmations}


def _worker(owner: str, records: Sequence[TrialRecord]) -> dict[str, Any]:
    """A worker: its name consists of host, boot, process and a random part, joined by dashes."""
    owned = [record for record in records if record.state is State.RUNNING and record.owner == owner]
    trial = owned[0] if owned else None
    return {
        "name": owner,
        "node": owner.rsplit("-", 3)[0],
        "trial": None if trial is None else trial.number,
        "epochs": None if trial is None else trial.result.epochs,
    }


def _trial(record: TrialRecord, plan: Plan) -> dict[str, Any]:
    """A trial with its result and its point."""
    values = values_of(record.result, plan.further) or (record.result.objective,)
    names = [one.name for one in plan.objectives]
    return {
        "trial": record.number,
        "objective": record.result.objective,
        "objectives": dict(zip(names, values, strict=len(values) == len(names))),
        "epoch": record.result.best_epoch,
        "seconds": record.result.seconds,
        "point": dict(record.point),
    }


def _expected(standing: Standing, place: int) -> dict[str, Any]:
    """What is expected of a configuration with a new seed."""
    low, high = standing.interval(place)
    return {
        "trial": standing.order[place].number,
        "trials": list(standing.trials[place]),
        "expected": standing.mean(place),
        "low": low,
        "high": high,
        "probability": standing.probability(place),
    }


def _as_json(value: Any) -> Any:
    """Values that JSON has: a number that is not finite is a text, and so is a key that is none."""
    if isinstance(value, Mapping):
        return {str(key): _as_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, bool | int | float) else mask(str(value))
