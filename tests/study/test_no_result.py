"""A sweep without a completed trial: every command names the first reason and the next step."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import command, finished_sweep, open_sweep_of

from mnistsweep.errors import StudyError, SweepStopped
from mnistsweep.paths import SweepPaths
from mnistsweep.study.ending import Ending, Limit
from mnistsweep.study.no_result import no_result_error
from mnistsweep.study.records import Result, State, TrialRecord

BUDGET = Ending(Limit.TRIALS, "the budget was used", "more: trials=N; another search: name=NAME")
SWEPT = ["model.dropout=0,0.1", "trials=2", "name=mine"]


def record(number: int, state: State, reason: str = "") -> TrialRecord:
    return TrialRecord(number, state, {}, 0, Result(reason=reason))


def test_the_reason_of_the_first_failure_and_its_traceback_are_named(tmp_path: Path) -> None:
    paths = SweepPaths(tmp_path)
    paths.trial(1).folder.mkdir(parents=True)
    paths.trial(1).error.touch()
    records = [record(0, State.PRUNED), record(1, State.FAILED, "ValueError: no."), record(2, State.FAILED, "late")]
    error = no_result_error(paths, records, BUDGET)
    assert isinstance(error, SweepStopped)
    assert str(error) == (
        f"{tmp_path}: no trial has completed: 2 trials failed, 1 pruned. Trial 1: ValueError: no, see "
        f"{paths.trial(1).error}. Correct the cause, then: more: trials=N; another search: name=NAME."
    )
    only = no_result_error(paths, records[2:], None)
    assert str(only) == (
        f"{tmp_path}: the only trial failed. Trial 2: late. Correct the cause, then: the same command continues."
    )


def test_a_sweep_without_a_failure_is_no_failure(tmp_path: Path) -> None:
    error = no_result_error(SweepPaths(tmp_path), [record(0, State.RUNNING), record(1, State.RUNNING)], None)
    assert isinstance(error, StudyError)
    assert str(error) == f"{tmp_path}: no trial has completed yet (2 running); the same command continues."


COMMANDS = (
    ["sweep", *SWEPT],
    ["report", "mine"],
    ["clean", "mine"],
    ["export", "mine"],
    ["export", "mine", "--output", "best.yaml", "--model", "best.keras"],
    ["train", "--config-dir", "logs/mine", "--config-name", "best"],
)


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: " ".join(arguments)[:20])
def test_every_command_says_the_same(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    plan = finished_sweep(SWEPT, [None, None])
    plan.paths.trial(0).error.write_text("Traceback", encoding="utf-8")
    answer = command(capfd, *arguments)
    assert answer.code == 1
    assert answer.err == (
        "mnistsweep: logs/mine: every trial failed (2 of 2). Trial 0: it broke, see logs/mine/trials/0000/error.txt. "
        "Correct the cause, then: another search: name=NAME.\n"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["logs"]


def test_train_before_any_trial_has_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    open_sweep_of(SWEPT)
    answer = command(capfd, *COMMANDS[-1])
    assert (answer.code, answer.err) == (
        2, "mnistsweep: logs/mine: no trial has completed yet (none was started); the same command continues.\n"
    )  # fmt: skip
