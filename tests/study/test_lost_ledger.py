"""A ledger that is gone while the folder of the sweep holds finished trials: nothing is trained or written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from commands import command, finished_sweep, open_sweep_of, tree
from fakes import LINE, make_search, open_study, run

from mnistsweep.errors import StudyError
from mnistsweep.paths import SweepPaths
from mnistsweep.planning.plan import Plan
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.opened_ledger import create_ledger

SEARCH = ["name=s", "model.dropout=interval(0,0.5)", "oracle=random", "trials=5"]


@pytest.fixture
def plan(tmp_path: Path, tiny_data: list[str], monkeypatch: pytest.MonkeyPatch) -> Plan:
    """A sweep with three finished trials of five, the second of them failed."""
    monkeypatch.chdir(tmp_path)
    return finished_sweep([*tiny_data, *SEARCH], [0.5, None, 0.75])


def keep_lines(number: int) -> Callable[[Path], None]:
    return lambda journal: journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:number]))


def replace_by_new_one(journal: Path) -> None:
    with open_study(SweepPaths(journal.parent / "other"), make_search(LINE, trials=1)) as study:
        run(study)
    (journal.parent / "other" / "study.journal").replace(journal)


DAMAGES: list[tuple[Callable[[Path], object], str]] = [
    (lambda journal: journal.unlink(), "the ledger is missing, but results.csv holds 3 finished trials"),
    (lambda journal: journal.write_bytes(b""), "the ledger is empty, but results.csv holds 3 finished trials"),
    (keep_lines(1), "the ledger holds none of them, but results.csv holds 3 finished trials"),
    (keep_lines(9), "the ledger holds only 1 of the 3 finished trials in results.csv: trial 1 is lost"),
    (replace_by_new_one, "the ledger holds only 1 of the 3 finished trials in results.csv: trial 1 is lost"),
]


def test_no_command_reads_the_ledger_of_another_search(
    plan: Plan, tiny_data: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    other = finished_sweep([*tiny_data, *SEARCH, "name=other", "seed=7"], [0.5, None, 0.75])
    other.paths.journal.replace(plan.paths.journal)
    folder = str(plan.paths.folder)
    before = tree(plan.paths.folder)
    for name in ("status", "export", "report"):
        answer = command(capfd, name, folder)
        assert (answer.code, answer.out) == (2, "")
        assert answer.err == (
            f"mnistsweep: {folder}/sweep.yaml: must be the plan that the ledger records; seed differs; restore the "
            "file.\n"
        )
    assert tree(plan.paths.folder) == before


@pytest.mark.parametrize(("damage", "fault"), DAMAGES)
def test_every_command_refuses_a_ledger_that_lacks_finished_trials(
    plan: Plan, tiny_data: list[str], damage: Callable[[Path], object], fault: str, capfd: pytest.CaptureFixture[str]
) -> None:
    damage(plan.paths.journal)
    before = tree(plan.paths.folder)
    folder = str(plan.paths.folder)
    for arguments in (["sweep", *tiny_data, *SEARCH], *([name, folder] for name in ("status", "stop", "report"))):
        answer = command(capfd, *arguments)
        assert (answer.code, answer.out) == (2, "")
        assert answer.err == (
            f"mnistsweep: {folder}/study.journal: {fault}. Nothing was changed. Restore the ledger from a copy, "
            f"rebuild it with `mnistsweep repair {folder}`, or take another name=NAME.\n"
        )
    for arguments in (["clean", folder], ["export", folder]):
        answer = command(capfd, *arguments)
        assert answer.code == 2
        assert fault in answer.err
    assert tree(plan.paths.folder) == before


def test_finished_trial_folders_count_without_the_table(plan: Plan) -> None:
    plan.paths.results.unlink()
    plan.paths.journal.write_bytes(b"")
    with pytest.raises(StudyError, match="the ledger is empty, but trials/ holds 3 finished trials"):
        Ledger(plan.paths)


def test_a_database_without_the_study_is_refused_and_not_created(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tiny_data: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    search = [*tiny_data, *SEARCH, f"storage=sqlite:///{tmp_path}/ledger.db"]
    plan = open_sweep_of(search)
    plan.paths.results.write_text("trial,state\n0,completed\n1,failed\n")
    database = tmp_path / "ledger.db"
    fault = "holds no sweep called 's', but results.csv holds 2 finished trials. Nothing was changed."
    for damage in (database.unlink, lambda: database.write_bytes(b"")):
        damage()
        before = tree(tmp_path)
        for arguments in (["sweep", *search], ["status", str(plan.paths.folder)]):
            answer = command(capfd, *arguments)
            assert answer.code == 2
            assert fault in answer.err
        assert tree(tmp_path) == before
    database.unlink(missing_ok=True)
    create_ledger(SweepPaths(tmp_path / "logs" / "another"), plan.config.storage, "max", "val_accuracy", {})
    assert fault in command(capfd, "sweep", *search).err


def test_legitimate_states_are_opened(plan: Plan, tiny_data: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    table = plan.paths.results.read_text()
    plan.paths.results.unlink()  # written again from the ledger
    assert len(Ledger(plan.paths).records()) == 3
    rows = table.splitlines(keepends=True)
    plan.paths.results.write_text("".join(rows[:-1]))  # a worker that died before it wrote the table
    assert len(Ledger(plan.paths).records()) == 3
    plan.paths.results.write_bytes(b"\0" * 300)  # the disk of a machine that failed
    assert len(Ledger(plan.paths).records()) == 3
    plan.paths.results.write_text('trial,state\n"0')
    assert len(Ledger(plan.paths).records()) == 3
    plan.paths.trial(3).folder.mkdir()  # a trial whose entry in the ledger did not reach the disk
    plan.paths.trial(3).model.touch()
    plan.paths.trial(3).resume.touch()
    assert len(Ledger(plan.paths).records()) == 3


def test_a_first_start_that_was_killed_before_the_ledger_is_completed(plan: Plan) -> None:
    for path in (plan.paths.results, plan.paths.journal):
        path.unlink()
    for _, trial in plan.paths.trials():
        for file in (trial.model, trial.error):
            file.unlink(missing_ok=True)
    create_ledger(plan.paths, None, plan.direction, plan.config.objective, {})
    assert Ledger(plan.paths).records() == []
