"""Files of a running sweep that are deleted, moved or damaged: one message, all processes end, no trial has failed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from fakes import wait_until
from running_sweeps import Folder

from mnistsweep.paths import SweepPaths
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.records import State

SEARCH = ["model.dropout=interval(0,0.5)", "oracle=random", "trials=4", "trainer.epochs=100000"]


def replace(paths: SweepPaths) -> None:
    lines = paths.journal.read_bytes().splitlines(keepends=True)
    (paths.folder / "other").write_bytes(b"".join([*reversed(lines), *lines, *lines]))
    (paths.folder / "other").replace(paths.journal)


def add_rubbish(paths: SweepPaths) -> None:
    with paths.journal.open("ab") as file:
        file.write(b"rubbish\n")


def delete(folder: Path) -> None:
    """Delete a folder in which processes write, as `rm -rf` does until it succeeds."""
    while folder.exists():
        shutil.rmtree(folder, ignore_errors=True)


def delete_trials(paths: SweepPaths) -> None:
    for _, trial in paths.trials():
        delete(trial.folder)


def delete_one_trial(paths: SweepPaths) -> None:
    delete(paths.trial(0).folder)


def names(folder: Path) -> set[str]:
    """Files and folders that are not files of a trial."""
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


DAMAGES: dict[str, tuple[Callable[[SweepPaths], object], str]] = {
    "folder deleted": (lambda paths: delete(paths.folder), "logs/s was deleted or moved"),
    "folder moved": (lambda paths: paths.folder.rename(paths.folder.with_name("t")), "logs/s was deleted or moved"),
    "sweep.yaml": (lambda paths: paths.sweep.unlink(), "sweep.yaml was deleted or moved"),
    "trials": (lambda paths: delete(paths.all_trials), "trials was deleted or moved"),
    "one trial": (delete_one_trial, "/config.yaml was deleted or moved"),
    "two trials": (delete_trials, "/config.yaml was deleted or moved"),
    "workers": (lambda paths: delete(paths.workers), "workers was deleted or moved"),
    "journal deleted": (lambda paths: paths.journal.unlink(), "study.journal was deleted or moved"),
    "journal emptied": (lambda paths: paths.journal.write_bytes(b""), "study.journal: became shorter than"),
    "journal replaced": (replace, "study.journal: was replaced by another file"),
    "database deleted": (
        lambda paths: (paths.folder.parents[1] / "ledger.db").unlink(),
        "ledger.db was deleted or moved",
    ),
    "journal damaged": (add_rubbish, "the journal is damaged"),
}

# Damages of sweeps with two workers: both find them, or one of two trials is lost.
SHARED = ("folder deleted", "one trial", "two trials", "journal damaged")

# Damage, ledger, number of workers: every damage with a journal, and those that a database leaves possible.
CASES = [
    *((damage, "journal", 2 if damage in SHARED else 1) for damage in DAMAGES if not damage.startswith("database")),
    ("folder deleted", "sqlite", 1),
    ("trials", "sqlite", 2),
    ("workers", "sqlite", 1),
    ("database deleted", "sqlite", 2),
]


@pytest.mark.slow
@pytest.mark.parametrize(("damage", "storage", "workers"), CASES)
def test_a_sweep_whose_files_vanish_ends_with_one_message(
    sweeps: Folder, damage: str, storage: str, workers: int
) -> None:
    url = f"sqlite:///{sweeps.folder}/ledger.db" if storage == "sqlite" else None
    paths = sweeps.paths("s")
    process = sweeps.start("s", *SEARCH, f"workers={workers}", *([f"storage={url}"] if url else []))
    for number in range(workers):
        history = paths.trial(number).history
        wait_until(lambda history=history: history.is_file() and history.read_text().count("\n") > 3)
    children = psutil.Process(process.pid).children()
    act, message = DAMAGES[damage]
    act(paths)
    left = names(paths.folder)
    printed, _ = process.communicate()
    assert process.returncode == 1, printed
    last = printed.strip().splitlines()[-1]
    assert message in last, printed
    assert last.endswith(("the same command continues.", "name=NAME."))
    assert printed.count("mnistsweep: ") == 1
    assert "Traceback" not in printed
    assert not any(psutil.pid_exists(child.pid) for child in children)
    assert names(paths.folder) - {paths.results.name} == left
    for log in (*paths.workers.glob("*.log"), *paths.folder.with_name("t").glob("workers/*.log")):
        assert "Traceback" not in log.read_text()
    assert not list(paths.all_trials.glob("*/error.txt"))
    if url and damage != "database deleted":
        paths.folder.mkdir(exist_ok=True)
        records = Ledger(paths, url).records()
        assert [(record.state, record.owner) for record in records] == [(State.RUNNING, "")] * workers
