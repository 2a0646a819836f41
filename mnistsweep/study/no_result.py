"""Sweeps without a completed trial: why there is no best trial, and what to do next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from mnistsweep.errors import MnistSweepError, StudyError, SweepStopped
from mnistsweep.paths import SweepPaths
from mnistsweep.study.ending import SAME_COMMAND, Ending
from mnistsweep.study.records import State, TrialRecord
from mnistsweep.study.violations import violations_of
from mnistsweep.text import format_count


def no_result_error(paths: SweepPaths, records: Sequence[TrialRecord], ending: Ending | None) -> MnistSweepError:
    """Error for a sweep without a completed trial; every command that needs one raises it.

    Args:
        paths: Paths of the sweep's files.
        records: All trials of the sweep, none of which has completed.
        ending: Why the sweep ended; None if the same command continues it.

    Returns:
        `SweepStopped`, exit code 1, if trials violate constraints, or have failed: the reason of the first of them, the
        path of its traceback, and the next step. `StudyError`, exit code 2, if no trial has finished yet.
    """
    if lines := violations_of(records):
        rule = f"no trial satisfies all constraints ({'; '.join(lines)})"
        return SweepStopped(f"{paths.folder}: {rule}; change a bound or the search space, and take another name=NAME.")
    remedy = SAME_COMMAND if ending is None else ending.remedy
    first = next((record for record in records if record.state is State.FAILED), None)
    if first is None:
        counted = ", ".join(f"{number} {state}" for state, number in _counts(records).items()) or "none was started"
        return StudyError(f"{paths.folder}: no trial has completed yet ({counted}); {remedy}.")
    error = paths.trial(first.number).error
    see = f", see {error}" if error.is_file() else ""
    return SweepStopped(
        f"{paths.folder}: {_what_failed(records)}. Trial {first.number}: {first.result.reason.rstrip('.')}{see}. "
        f"Correct the cause, then: {remedy}."
    )


def _what_failed(records: Sequence[TrialRecord]) -> str:
    """How many trials have failed, and in which states the others are."""
    counts = _counts(records)
    failed = counts.pop("failed")
    if not counts:
        return f"every trial failed ({failed} of {failed})" if failed > 1 else "the only trial failed"
    others = ", ".join(f"{number} {state}" for state, number in counts.items())
    return f"no trial has completed: {format_count(failed, 'trial')} failed, {others}"


def _counts(records: Sequence[TrialRecord]) -> dict[str, int]:
    return dict(Counter(record.state.value for record in records))
