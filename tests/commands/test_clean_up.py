"""`mnistsweep clean-up`: what it lists and removes, what it never touches, and that every command works after it."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path

import pytest
from commands import command, finished_sweep, sweep_with_curves, tree
from reports import shorten
from stopped_sweeps import EPOCHS, PAUSING, run_fake_jobs

from mnistsweep.commands.clean_up import Selected, clean_up
from mnistsweep.config.recipe import Recipe
from mnistsweep.locks import exclusive_lock
from mnistsweep.paths import SweepPaths
from mnistsweep.planning.planner import plan_sweep
from mnistsweep.study.leases import Lease
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.records import State
from mnistsweep.study.storage.stores import open_coordinator
from mnistsweep.study.sweep import load_sweep

DROPOUT = "model.dropout=0,0.1,0.2"
EVERYTHING = ("--models", "--events", "--logs", "--delete")
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def removed(folder: Path, before: dict[str, bytes]) -> set[str]:
    """Files that are gone; all others are as they were."""
    after = contents(folder)
    assert after == {name: before[name] for name in after}
    return set(before) - set(after)


def resume_files(paths: SweepPaths) -> list[int]:
    return [number for number, trial in paths.trials() if trial.resume.exists()]


# What is listed, and what is removed


def test_a_dry_run_lists_and_changes_nothing(capfd: Capture) -> None:
    paths = run_fake_jobs(["trials=6"])[0].paths
    held = resume_files(paths)
    before, seen = tree(paths.folder), contents(paths.folder)
    answer = command(capfd, "clean-up", "sweep")
    assert (answer.code, answer.err) == (0, "")
    lines = answer.out.splitlines()
    assert lines[0] == "logs/sweep: complete"
    count = f"{len(held)} resume checkpoint{'' if len(held) == 1 else 's'}, {len(held)} B"
    loss = "a larger budget trains these trials from their first epoch"
    assert f"  {count}, can be removed: {loss}" in lines
    assert any(re.match(r"  with --models: 5 models, \d+ B: export --trial N", line) for line in lines)
    assert any(line.startswith("  with --events: ") for line in lines)
    assert lines[-1].startswith(f"can be removed: {len(held)} file")
    assert lines[-1].endswith("Nothing was changed; --delete removes them.")
    assert (tree(paths.folder), contents(paths.folder)) == (before, seen)


def test_checkpoints_of_stopped_trials_are_removed_and_a_larger_budget_trains_them_from_scratch(capfd: Capture) -> None:
    plan, _ = run_fake_jobs(["trials=6"])
    paths, before = plan.paths, contents(plan.paths.folder)
    held = resume_files(paths)
    assert held
    records = Ledger(paths).records()
    (paths.folder / ".results-0123456789ab.csv").write_text("half")
    before |= {".results-0123456789ab.csv": b"half"}
    answer = command(capfd, "clean-up", "logs", "--delete")
    assert (answer.code, answer.out.splitlines()[-1]) == (0, f"removed: {len(held) + 1} files, {len(held) + 4} B.")
    gone = {f"trials/{number:04d}/resume.npy" for number in held}
    assert removed(paths.folder, before) == gone | {".results-0123456789ab.csv"}
    assert Ledger(paths).records() == records
    assert command(capfd, "clean-up", "logs", "--delete").out.endswith("removed: 0 files, 0 B.\n")
    _, trained = run_fake_jobs(["trials=12"])
    continued = {number for number, _ in trained} & set(held)
    assert continued
    assert all((number, 1) in trained for number in continued)
    assert load_sweep(paths.folder).trials.shape[0] == 12


def test_a_ledger_in_a_database(capfd: Capture) -> None:
    overrides = ["trials=6", "storage=sqlite:///ledger.db"]
    paths = run_fake_jobs(overrides)[0].paths
    os.utime(paths.sweep)  # so that the list reads the database
    (entry,) = json.loads(command(capfd, "list", "--json").out)["sweeps"]
    assert (entry["state"], entry["trials"], entry["fault"]) == ("complete", {"finished": 6, "budget": 6}, None)
    held = resume_files(paths)
    assert held
    assert command(capfd, "clean-up", "sweep", "--delete").code == 0
    assert resume_files(paths) == []
    records = Ledger(paths, "sqlite:///ledger.db").records()
    assert [record.number for record in records if record.state is State.PAUSED] == held


def test_paused_trials_of_a_sweep_that_has_not_ended_keep_everything(capfd: Capture) -> None:
    paths = run_fake_jobs(["trials=6"], max_jobs=4)[0].paths
    before = contents(paths.folder)
    assert any(record.state is State.PAUSED for record in Ledger(paths).records())
    answer = command(capfd, "clean-up", "sweep", *EVERYTHING)
    assert answer.out == "logs/sweep: interrupted\n  nothing to remove\nremoved: 0 files, 0 B.\n"
    assert removed(paths.folder, before) == set()


def test_models_and_event_files_but_those_of_the_best(capfd: Capture) -> None:
    plan, _ = run_fake_jobs(["trials=6"])
    paths, before = plan.paths, contents(plan.paths.folder)
    (paths.workers / "0.log").write_text("printed")
    order = [one.number for one in sorted(Ledger(paths).records(), key=lambda one: -(one.result.objective or 0))]
    best = order[0]
    kept = command(capfd, "clean-up", "sweep", "--models", "--keep", "2", "--delete")
    assert kept.code == 0
    models = {number for number, trial in paths.trials() if trial.model.exists()}
    assert len(models) == 2
    assert best in models
    assert command(capfd, "clean-up", *EVERYTHING, "sweep").code == 0
    own = f"trials/{best:04d}/"
    assert {name for name in before if name.startswith(own)} <= set(contents(paths.folder))
    left = {name.rpartition("/")[2] for name in contents(paths.folder) if name.startswith("trials/")
            and not name.startswith(own)}  # fmt: skip
    assert left == {"config.yaml", "history.csv"}
    assert not (paths.workers / "0.log").exists()


def test_only_old_files(capfd: Capture) -> None:
    paths = finished_sweep([DROPOUT], [0.5, 0.9, 0.6]).paths
    month_ago = time.time() - 31 * 24 * 3600
    os.utime(paths.trial(0).model, (month_ago, month_ago))
    before = contents(paths.folder)
    answer = command(capfd, "clean-up", "sweep", "--models", "--older-than", "30d", "--delete")
    assert answer.out.splitlines()[-1] == "removed: 1 file, 7 B."
    assert removed(paths.folder, before) == {"trials/0000/best.keras"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--older-than", "soon"], "--older-than: must be a number with a unit: m (minutes), h (hours), d (days) or w "
         "(weeks); received 'soon'; for example 30d."),
        (["--keep", "2"], "--keep: requires --models; without it no model is removed."),
        (["--models", "--keep", "0"],
         "--keep: must be at least 1, because the best trial keeps its model; received 0."),
        (["trials"], "SWEEP: must name a folder that can be read; received 'logs/trials': it does not exist; name "
         "another one."),
        (["--delte"], "clean-up: there is no option '--delte'; did you mean '--delete'? "),
    ],
)  # fmt: skip
def test_bad_arguments(arguments: list[str], message: str, capfd: Capture) -> None:
    paths = finished_sweep([DROPOUT], [0.5, 0.9, 0.6]).paths
    before = tree(paths.folder)
    answer = command(capfd, "clean-up", "sweep", "--delete", *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(f"mnistsweep: {message}")
    assert tree(paths.folder) == before


def test_a_folder_without_a_sweep_is_refused_before_anything_is_removed(capfd: Capture) -> None:
    paths = finished_sweep([DROPOUT], [0.5, 0.9, 0.6]).paths
    Path("empty").mkdir()
    before = contents(paths.folder)
    answer = command(capfd, "clean-up", "sweep", "empty", *EVERYTHING)
    assert (answer.code, answer.err) == (2, "mnistsweep: empty: no sweep found. Nothing was changed.\n")
    assert removed(paths.folder, before) == set()


# What is left alone


def test_a_running_sweep_is_left_alone_and_the_others_are_cleaned_up(capfd: Capture) -> None:
    running = sweep_with_curves([DROPOUT, "name=running"], [[0.5], [0.25]]).paths
    running.trial(0).folder.mkdir(parents=True, exist_ok=True)
    running.trial(0).model.write_bytes(b"model")
    other = finished_sweep([DROPOUT, "name=other"], [0.5, 0.9, 0.6]).paths
    Path("logs/z").symlink_to("running")
    with Lease(running, open_coordinator(running, None)):
        before = contents(running.folder)
        linked = command(capfd, "clean-up", "logs", "logs/z", "--delete")
        whole = command(capfd, "clean-up", "logs", *EVERYTHING)
        named = command(capfd, "clean-up", "logs/running", *EVERYTHING)
        assert removed(running.folder, before) == set()
    assert [answer.out.count("logs/running: left alone: running: 1 worker.\n") for answer in (linked, whole)] == [1, 1]
    assert (whole.code, named.code, linked.code) == (0, 1, 1)
    assert [number for number, trial in other.trials() if trial.model.exists()] == [1]


def test_a_sweep_of_which_the_command_runs_is_left_alone_also_without_a_worker(capfd: Capture) -> None:
    paths = finished_sweep([DROPOUT], [0.5, 0.9, 0.6]).paths
    with exclusive_lock(paths.start_lock):
        before = contents(paths.folder)
        answer = command(capfd, "clean-up", "sweep", *EVERYTHING)
        assert removed(paths.folder, before) == set()
    assert (answer.code, answer.out.splitlines()[0]) == (1, "logs/sweep: left alone: running: no worker yet.")


def test_a_crashed_worker_of_another_host_is_waited_for_as_long_as_its_lease(capfd: Capture) -> None:
    paths = finished_sweep([DROPOUT, "lease_seconds=1"], [0.5, 0.9, 0.6]).paths
    paths.worker_lock("elsewhere-0badf00d-7-abcdef").touch()
    paths.worker_heartbeat("elsewhere-0badf00d-7-abcdef").write_bytes(b"%020d\n" % 3)
    waits: list[float] = []
    assert clean_up([paths.folder], Selected(), delete=True, wait=waits.append) == 1
    assert waits == [1.0] * 3  # the heartbeat is as old as it was: no time has passed
    assert "left alone: running: 1 worker" in capfd.readouterr().out
    assert clean_up([paths.folder], Selected(), delete=True, wait=lambda _seconds: time.sleep(1.1)) == 0


@pytest.mark.parametrize("kind", ["report", "clean"])
def test_a_sweep_of_which_a_report_is_made_is_left_alone(kind: str, capfd: Capture) -> None:
    paths = finished_sweep([DROPOUT], [0.5, 0.9, 0.6]).paths
    lock = paths.report.lock if kind == "report" else paths.clean.lock
    lock.parent.mkdir()
    with exclusive_lock(lock):
        before = contents(paths.folder)
        answer = command(capfd, "clean-up", "sweep", *EVERYTHING)
    assert answer.code == 1
    assert f"logs/sweep: left alone: `mnistsweep {kind}` is running here.\n" in answer.out
    assert removed(paths.folder, before) == set()


def test_a_damaged_sweep_is_left_alone(capfd: Capture) -> None:
    paths = finished_sweep([DROPOUT], [0.5, 0.9, 0.6]).paths
    paths.journal.unlink()
    before = contents(paths.folder)
    answer = command(capfd, "clean-up", "sweep", *EVERYTHING)
    assert answer.code == 1
    assert (
        "logs/sweep: left alone: logs/sweep/study.journal: the ledger is missing, but results.csv holds" in answer.out
    )
    assert removed(paths.folder, before) == set()


def test_the_front_of_several_objectives_keeps_its_models(capfd: Capture) -> None:
    paths = finished_sweep([DROPOUT, "objective=[val_accuracy,seconds]"], [0.5, 0.9, 0.9]).paths
    assert command(capfd, "clean-up", "sweep", "--models", "--delete").code == 0
    assert [number for number, trial in paths.trials() if trial.model.exists()] == [1, 2]


# What works afterwards


def test_status_export_and_repair_work_afterwards(capfd: Capture) -> None:
    plan, _ = run_fake_jobs(["trials=6"])
    paths = plan.paths
    status, exported = command(capfd, "status", "sweep"), command(capfd, "export", "sweep")
    table, records = paths.results.read_text(), Ledger(paths).records()
    assert command(capfd, "clean-up", "sweep", *EVERYTHING).code == 0
    assert command(capfd, "status", "sweep") == status
    assert command(capfd, "export", "sweep", "--model", "best.keras").out == exported.out
    best = max(records, key=lambda one: one.result.objective or 0)
    assert Path("best.keras").read_bytes() == paths.trial(best.number).model.read_bytes()
    other = next(one.number for one in records if one.number != best.number)
    refused = command(capfd, "export", "sweep", "--trial", str(other), "--model", "other.keras")
    missing = f"logs/sweep/trials/{other:04d}/best.keras: the model of trial {other} is missing."
    assert (refused.code, refused.err) == (2, f"mnistsweep: {missing}\n")
    paths.journal.unlink()
    assert f"rebuilt, {len(records)} trials recovered" in command(capfd, "repair", "sweep").out
    rebuilt = [(one.number, one.state, one.result.objective) for one in Ledger(paths).records()]
    assert rebuilt == [(one.number, one.state, one.result.objective) for one in records]
    assert paths.results.read_text() == table
    _, trained = run_fake_jobs(["trials=8"])
    assert trained
    assert plan_sweep(Recipe(), [*PAUSING, "trials=8"]).max_epochs() == EPOCHS


def test_a_report_works_afterwards_and_names_a_model_that_it_lacks(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: Capture
) -> None:
    shorten(monkeypatch, "summary")
    paths = SweepPaths(folder)
    before, predicted = contents(folder), {p.stem for p in paths.report.all_predictions.glob("trial-*.npz")}
    assert command(capfd, "clean-up", str(folder), *EVERYTHING).code == 0
    gone = removed(folder, before)
    lost = sorted(int(name.split("/")[1]) for name in gone if name.endswith("best.keras"))
    assert len(lost) == 2
    assert not {f"trial-{number:04d}" for number in lost} & predicted
    answer = command(capfd, "report", str(folder), "report.seeds=2", "report.top_trials=2", "report.robustness=false")
    assert (answer.code, answer.err) == (0, "")
    for number in lost:
        assert f"{paths.trial(number).model}: the model of trial {number} is missing." in answer.out.splitlines()


def test_the_models_of_trials_in_the_report_stay(folder: Path, capfd: Capture) -> None:
    paths = SweepPaths(folder)
    numbers = {number for number, _ in paths.trials()}
    for number in numbers:
        paths.report.predictions(f"trial-{number:04d}").touch()
    assert command(capfd, "clean-up", str(folder), "--models", "--delete").code == 0
    assert {number for number, trial in paths.trials() if trial.model.exists()} == numbers
