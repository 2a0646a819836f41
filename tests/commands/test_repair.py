"""`mnistsweep repair`: the rebuilt ledger holds what the lost one held, and the sweep continues as it would have."""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
import yaml
from commands import command, tree
from fakes import RunSweep

from mnistsweep.commands.repair import repair as repair_command
from mnistsweep.errors import StudyError
from mnistsweep.paths import SweepPaths
from mnistsweep.study.leases import Lease
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.records import State, TrialRecord
from mnistsweep.study.storage.stores import open_coordinator

SEARCH = [
    *("model.layer_size=8,16", "model.dropout=interval(0,0.5)", "optimizer=adam,sgd", "optimizer.momentum=0.5,0.9"),
    *("optimizer.weight_decay=null,0.01", "trainer.epochs=3", "trainer.batch_size=16", "trial.max_parameters=400"),
]


def records(paths: SweepPaths, storage: str | None = None) -> list[TrialRecord]:
    """All trials without what is lost: the names of workers have no effect, and checksums of files prove nothing."""
    found = Ledger(paths, storage).records()
    return [replace(record, owner="", result=replace(record.result, checkpoint=None)) for record in found]


def stored(paths: SweepPaths) -> list[tuple[Any, ...]]:
    """What Optuna's samplers and pruners read of each trial."""
    ledger = Ledger(paths)
    trials = ledger._storage.get_all_trials(ledger._study_id)
    return [(t.state, t.values, t.params, t.distributions, t.intermediate_values, t.system_attrs) for t in trials]


def repair(capfd: pytest.CaptureFixture[str], paths: SweepPaths) -> str:
    answer = command(capfd, "repair", str(paths.folder))
    assert (answer.code, answer.err) == (0, "")
    return answer.out


@pytest.mark.parametrize("oracle", ["random", pytest.param("tpe", marks=pytest.mark.slow)])
def test_a_rebuilt_ledger_equals_the_lost_one_and_the_sweep_continues_as_it_would_have(
    oracle: str, run_sweep: RunSweep, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    search = [*SEARCH, f"oracle={oracle}", *(["oracle.startup_results=2"] if oracle == "tpe" else [])]
    paths = run_sweep([*search, "name=s", "trials=5"]).paths
    before, seen = records(paths), stored(paths)
    assert {State.COMPLETED, State.FAILED} <= {record.state for record in before}
    whole = Path(shutil.copytree(paths.folder, tmp_path / "undamaged" / "s"))
    paths.journal.unlink()
    printed = repair(capfd, paths)
    assert printed.startswith(f"{paths.folder}/study.journal: rebuilt, 5 trials recovered: 5 of 5 trials")
    assert re.search(r"The checksums of \d model files were lost with the ledger", printed)
    assert all(record.result.checkpoint is None for record in Ledger(paths).records())
    assert records(paths) == before
    assert stored(paths) == seen
    assert "nothing to repair" in repair(capfd, paths)
    continued = run_sweep([*search, "name=s", "trials=7"]).trials.drop(columns="seconds")
    expected = run_sweep([*search, "name=s", f"logs={whole.parent}", "trials=7"]).trials.drop(columns="seconds")
    assert continued.equals(expected)
    assert len(continued) == 7


V01 = Path(__file__).parents[1] / "fixtures" / "v0.1"


@pytest.fixture
def interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SweepPaths:
    """A sweep of version 0.1: three completed trials, and one that was interrupted after epoch 34 of 40."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(V01 / "tiny.npz", tmp_path)
    return SweepPaths(Path(shutil.copytree(V01 / "sweep", tmp_path / "logs" / "v01")))


def rounded(paths: SweepPaths) -> list[TrialRecord]:
    """All trials; version 0.1 recorded the seconds with more digits than the table has, and no checksums."""
    return [
        replace(record, result=replace(record.result, seconds=round(record.result.seconds, 3), checkpoint=None))
        for record in records(paths)
    ]


def remove(journal: Path) -> None:
    journal.unlink()


def empty(journal: Path) -> None:
    journal.write_bytes(b"")


def cut(journal: Path) -> None:
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[: len(lines) // 3]))


def cut_the_beginning(journal: Path) -> None:
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[3:]))


def garble(journal: Path) -> None:
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:60], b"rubbish\n", *lines[60:]]))


def garble_the_first_line(journal: Path) -> None:
    journal.write_bytes(b"rubbish\n" + journal.read_bytes())


def add_an_entry_that_does_not_fit(journal: Path) -> None:
    with journal.open("ab") as file:
        file.write(b'{"op_code":99}\n')


@pytest.mark.parametrize(
    "damage", [remove, empty, cut, cut_the_beginning, garble, garble_the_first_line, add_an_entry_that_does_not_fit]
)
def test_every_damage_is_repaired_and_interrupted_trials_resume(
    interrupted: SweepPaths, damage: Callable[[Path], None], capfd: pytest.CaptureFixture[str]
) -> None:
    before, seen = rounded(interrupted), stored(interrupted)
    damage(interrupted.journal)
    damaged = interrupted.journal.read_bytes() if interrupted.journal.exists() else b""
    printed = repair(capfd, interrupted)
    assert "3 completed · 1 interrupted" in printed
    assert rounded(interrupted) == before
    assert stored(interrupted) == seen
    assert interrupted.trial(3).resume.is_file()
    kept = interrupted.damaged_journal(0)
    assert (kept.read_bytes() if kept.exists() else b"") == damaged
    assert not list(interrupted.folder.glob(".repair-*"))
    assert "nothing to repair" in repair(capfd, interrupted)


def test_an_earlier_damaged_journal_is_kept_too(interrupted: SweepPaths, capfd: pytest.CaptureFixture[str]) -> None:
    for index in range(2):
        garble(interrupted.journal)
        repair(capfd, interrupted)
        assert b"rubbish" in interrupted.damaged_journal(index).read_bytes()


def edit_results(paths: SweepPaths, old: str, new: str) -> None:
    text = paths.results.read_text()
    assert old in text
    paths.results.write_text(text.replace(old, new, 1))


def edit_config(paths: SweepPaths) -> None:
    content = yaml.safe_load(paths.trial(1).config.read_text())
    content["model"]["dropout"] = 0.123
    paths.trial(1).config.write_text(yaml.safe_dump(content))


def edit_best_epoch(paths: SweepPaths) -> None:
    rows = list(csv.reader(paths.results.read_text().splitlines()))
    rows[1][3] = "1"
    with paths.results.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


CONTRADICTIONS: list[tuple[Callable[[SweepPaths], object], str]] = [
    (lambda paths: edit_results(paths, "0.9833333492279053", "0.99"), "trial 1: its objective is 0.99 in results.csv"),
    (edit_best_epoch, "trial 0: its best epoch is 1 in results.csv, and "),
    (lambda paths: edit_results(paths, "sgd", "rmsprop"), "its values in results.csv are not in the search space"),
    (lambda paths: edit_results(paths, "completed", "finished"), "row 1: the table is damaged"),
    (lambda paths: edit_results(paths, "trial,state", "state,trial"), "the columns are not those of the search"),
    (edit_config, "trials/0001/config.yaml has another value of model.dropout than results.csv and sweep.yaml"),
    (lambda paths: paths.trial(2).history.unlink(), "trial 2: its history.csv is missing or has no epoch"),
    (lambda paths: paths.trial(2).config.unlink(), "trials/0002/config.yaml is missing or damaged"),
    (lambda paths: paths.results.unlink(), "the results of 3 finished trials are unknown"),
]


@pytest.mark.parametrize(("change", "message"), CONTRADICTIONS)
def test_files_that_contradict_each_other_are_reported_and_nothing_is_written(
    interrupted: SweepPaths,
    change: Callable[[SweepPaths], object],
    message: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    change(interrupted)
    interrupted.journal.write_bytes(b"")
    before = tree(interrupted.folder)
    answer = command(capfd, "repair", str(interrupted.folder))
    assert answer.code == 2
    assert message in answer.err
    assert tree(interrupted.folder) == before


def test_a_ledger_that_contradicts_the_files_is_not_replaced(
    interrupted: SweepPaths, capfd: pytest.CaptureFixture[str]
) -> None:
    lines = interrupted.journal.read_bytes().splitlines(keepends=True)
    interrupted.journal.write_bytes(b"".join(lines[:60]).replace(b"0.8500000238418579", b"0.9") + b"rubbish\n")
    interrupted.ledger_lock.touch()
    before = tree(interrupted.folder)
    answer = command(capfd, "repair", str(interrupted.folder))
    assert answer.code == 2
    assert "trial 0 has the objective 0.9 in the ledger and 0.8500000238418579 in the files" in answer.err
    assert tree(interrupted.folder) == before
    interrupted.journal.write_bytes(b"".join(lines).replace(b"val_accuracy", b"val_loss") + b"rubbish\n")
    answer = command(capfd, "repair", str(interrupted.folder))
    assert answer.err == (
        f"mnistsweep: {interrupted.journal}: 'v01' is another search: objective differs; take another name=NAME.\n"
    )


def test_a_trial_without_readable_files_gets_its_point_from_the_oracle(
    interrupted: SweepPaths, capfd: pytest.CaptureFixture[str]
) -> None:
    before = rounded(interrupted)
    edit_results(interrupted, interrupted.results.read_text().splitlines(keepends=True)[2], "")
    shutil.rmtree(interrupted.trial(1).folder)
    interrupted.journal.unlink()
    printed = repair(capfd, interrupted)
    assert "Trial 1 has no readable config.yaml; the oracle has proposed its point again." in printed
    again = rounded(interrupted)
    assert [again[number] for number in (0, 2, 3)] == [before[number] for number in (0, 2, 3)]
    assert (again[1].state, again[1].point, again[1].seed) == (State.RUNNING, before[1].point, before[1].seed)


def test_a_trial_that_finished_before_the_table_was_written_is_trained_again(
    interrupted: SweepPaths, capfd: pytest.CaptureFixture[str]
) -> None:
    before = rounded(interrupted)
    edit_results(interrupted, interrupted.results.read_text().splitlines(keepends=True)[3], "")
    interrupted.journal.unlink()
    assert "Trial 2 is not in results.csv; it is trained again." in repair(capfd, interrupted)
    assert (rounded(interrupted)[2].state, rounded(interrupted)[2].point) == (State.RUNNING, before[2].point)


def test_a_worker_that_runs_is_not_disturbed(interrupted: SweepPaths, capfd: pytest.CaptureFixture[str]) -> None:
    interrupted.journal.unlink()
    interrupted.workers.mkdir(exist_ok=True)
    with Lease(interrupted, open_coordinator(interrupted, None)) as lease:
        with pytest.raises(StudyError, match=f"workers of this sweep still run: {lease.owner}"):
            repair_command(interrupted.folder, wait=lambda seconds: None)
        assert not interrupted.journal.exists()
    assert "rebuilt" in repair(capfd, interrupted)


@pytest.mark.parametrize(
    ("damage", "kind"),
    [
        ("dropped", "sqlite"),
        pytest.param("removed", "sqlite", marks=pytest.mark.slow),
        pytest.param("dropped", "postgresql", marks=pytest.mark.slow),
    ],
)
def test_a_database_is_rebuilt(
    damage: str,
    kind: str,
    request: pytest.FixtureRequest,
    run_sweep: RunSweep,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    url = (
        f"sqlite:///{tmp_path}/ledger.db" if kind == "sqlite" else request.getfixturevalue("postgresql").new_database()
    )
    search = ["model.dropout=interval(0,0.5)", "oracle=random", "trainer.repeats=2", f"storage={url}", "trials=2"]
    paths = run_sweep(search).paths

    def all_records() -> list[TrialRecord]:
        return records(paths, url)

    before = all_records()
    assert before[0].result.std is not None
    if damage == "dropped":
        optuna.delete_study(study_name=paths.name, storage=url)
    else:
        (tmp_path / "ledger.db").unlink()
    assert "rebuilt, 2 trials recovered" in repair(capfd, paths)
    assert all_records() == before
    assert "nothing to repair" in repair(capfd, paths)
