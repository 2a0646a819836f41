"""`mnistsweep list`: each state, whatever else is in the folder, and nothing that the list must not wait for."""

from __future__ import annotations

import itertools
import json
import os
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from commands import command, finished_sweep, open_sweep_of, sweep_with_curves, tree
from stopped_sweeps import run_fake_jobs

from mnistsweep.commands import ledger_rows, list_sweeps
from mnistsweep.commands.database_rows import read_databases
from mnistsweep.commands.ledger_rows import read_ledger
from mnistsweep.commands.sweep_rows import Reading, SweepRow, read_files
from mnistsweep.paths import SweepPaths
from mnistsweep.study.leases import Lease
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.storage.stores import open_coordinator

DROPOUT = "model.dropout=0,0.2"
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def listed(capfd: Capture, *arguments: str) -> dict[str, dict[str, Any]]:
    """Entries of the JSON document by the names of the sweeps."""
    answer = command(capfd, "list", *arguments, "--json")
    assert (answer.code, answer.err) == (0, "")
    return {entry["name"]: entry for entry in json.loads(answer.out)["sweeps"]}


def states(entries: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {name: entry["state"] for name, entry in entries.items()}


def stop_request(plan_paths: SweepPaths) -> None:
    ledger = Ledger(plan_paths)
    ledger.request_stop()


def test_each_state_is_that_of_status(capfd: Capture) -> None:
    finished_sweep([DROPOUT, "name=complete"], [0.5, 0.9])
    sweep_with_curves([DROPOUT, "name=interrupted"], [[0.5, 0.6]])
    stop_request(sweep_with_curves([DROPOUT, "name=stopped"], [[0.5]]).paths)
    open_sweep_of([DROPOUT, "name=new"])
    finished_sweep([DROPOUT, "name=failed", "trials=9", "max_consecutive_failed_trials=1", "seed=1"], [None])
    running = sweep_with_curves([DROPOUT, "name=running"], [[0.25]])
    with Lease(running.paths, open_coordinator(running.paths, None)):
        found = listed(capfd)
        answers = {name: command(capfd, "status", name).out.splitlines()[1] for name in found}
        documents = {name: json.loads(command(capfd, "status", name, "--json").out)["state"] for name in found}
    assert states(found) == {
        "complete": "complete", "interrupted": "interrupted", "stopped": "stopped", "new": "not started",
        "failed": "failed", "running": "running",
    }  # fmt: skip
    assert documents == states(found) | {"new": "interrupted"}
    words = {"complete": "ended: ", "interrupted": "interrupted: ", "stopped": "stopped: ", "new": "interrupted: "}
    words |= {"failed": "stopped: 1 trials in a row have failed", "running": "running: 1 worker"}
    assert all(answers[name].startswith(word) for name, word in words.items()), answers
    assert found["complete"]["trials"] == {"finished": 2, "budget": 2}
    assert found["complete"]["best"] == {"value": 0.9, "trial": 1}
    assert found["interrupted"]["trials"] == {"finished": 1, "budget": 2}
    assert found["interrupted"]["best"] == {"value": 0.6, "trial": 0}
    assert (found["running"]["workers"], found["new"]["workers"]) == (1, 0)
    assert (found["new"]["best"], found["new"]["objective"]) == (None, "val_accuracy")


def test_a_sweep_with_stopped_trials_is_complete_and_continued_ones_are_not(capfd: Capture) -> None:
    plan, _ = run_fake_jobs(["trials=4"])
    row, expected = read_files(plan.paths.folder), Ledger(plan.paths).records()
    assert not row.needs_ledger
    assert read_ledger(row.row) == row.row
    assert (row.row.state, row.row.num_finished, row.row.budget) == ("complete", 4, 4)
    assert row.row.best == max(record.result.objective or 0 for record in expected)
    for max_jobs in (0, 1):  # before the first job of a start, the table is that of the smaller budget
        run_fake_jobs(["trials=6"], max_jobs)
        entry = listed(capfd)["sweep"]
        assert entry["state"] == "interrupted"
        assert entry["trials"]["budget"] == 6


def test_complete_sweeps_are_listed_without_their_ledgers(monkeypatch: pytest.MonkeyPatch, capfd: Capture) -> None:
    plan = finished_sweep([DROPOUT], [0.5, 0.9])
    monkeypatch.setattr(ledger_rows, "read_ledger", lambda _row: pytest.fail("the ledger was opened"))
    before = tree(plan.paths.folder)
    assert states(listed(capfd)) == {"sweep": "complete"}
    assert tree(plan.paths.folder) == before


def test_a_ledger_that_was_damaged_later_is_found(capfd: Capture) -> None:
    paths = finished_sweep([DROPOUT], [0.5, 0.9]).paths
    os.utime(paths.results, (paths.results.stat().st_mtime - 100,) * 2)
    os.utime(paths.sweep, (paths.results.stat().st_mtime - 1,) * 2)
    paths.journal.write_bytes(b"rubbish\n" + paths.journal.read_bytes())
    entry = listed(capfd)["sweep"]
    assert entry["state"] == "damaged"
    assert "study.journal" in entry["fault"]
    assert entry["trials"] == {"finished": 2, "budget": 2}


def test_faults_are_rows_and_the_other_sweeps_are_listed(capfd: Capture) -> None:
    for name in ("good", "newer", "no plan", "no ledger"):
        finished_sweep([DROPOUT, f"name='{name}'"], [0.5, 0.9])
    text = Path("logs/newer/sweep.yaml").read_text(encoding="utf-8")
    Path("logs/newer/sweep.yaml").write_text(text.replace("format: 2", "format: 99"), encoding="utf-8")
    Path("logs/no plan/sweep.yaml").unlink()
    Path("logs/no ledger/study.journal").unlink()
    answer = command(capfd, "list")
    assert answer.code == 0
    assert "logs/newer: made by a newer mnistsweep" in answer.out
    assert "no plan: sweep.yaml is missing; restore it from a copy\n" in answer.out
    assert "`mnistsweep repair 'logs/no ledger'`" in answer.out
    assert states(listed(capfd)) == {
        "good": "complete", "newer": "unreadable", "no plan": "damaged", "no ledger": "damaged"
    }  # fmt: skip


def test_nested_folders_and_whatever_else_is_there(capfd: Capture) -> None:
    finished_sweep([DROPOUT, "name=a", "logs=logs/experiment/first"], [0.5, 0.9])
    paths = finished_sweep([DROPOUT, "name=b"], [0.5, 0.9]).paths
    for name in ("train/0000", "notes/old", ".hidden/x", "experiment/empty"):
        Path("logs", name).mkdir(parents=True)
    for name in ("config.yaml", "history.csv"):
        Path("logs/train/0000", name).touch()
    Path("logs/loop").symlink_to(Path("logs").absolute())
    (paths.folder / "elsewhere").symlink_to("/usr")
    big = paths.trial(0).model
    big.write_bytes(b"0" * 3_000_000)
    answer = command(capfd, "list")
    assert answer.code == 0
    assert "experiment/first/a  complete" in answer.out
    last = answer.out.splitlines()[-1]
    assert last.startswith("2 sweeps, 3.")
    assert last.endswith("; 1 training of mnistsweep train; without a sweep: experiment/empty, notes")
    found = listed(capfd)
    assert 3_000_000 < found["b"]["bytes"] < 3_300_000
    assert states(listed(capfd, "logs/b")) == {"b": "complete"}
    assert states(listed(capfd, "experiment")) == {"first/a": "complete"}


def test_folders_without_sweeps(capfd: Capture) -> None:
    assert command(capfd, "list").out == "logs: no sweep found\n"
    assert listed(capfd) == {}
    refused = command(capfd, "list", "nothing")
    assert refused.code == 2
    assert refused.err.startswith("mnistsweep: FOLDER: must name a folder that can be read; received 'nothing'")


def test_a_database_that_refuses_is_a_row_without_its_password(capfd: Capture, no_secrets: None) -> None:
    paths = finished_sweep([DROPOUT], [0.5, 0.9]).paths
    url = "postgresql+psycopg://me:very-secret@127.0.0.1:1/none"
    text = paths.sweep.read_text(encoding="utf-8")
    assert "storage: null" in text
    paths.sweep.write_text(text.replace("storage: null", f"storage: {url}"), encoding="utf-8")
    answer, entry = command(capfd, "list"), listed(capfd)["sweep"]
    assert (answer.code, entry["state"]) == (0, "unknown")
    assert "postgresql+psycopg://me:***@127.0.0.1:1/none" in entry["fault"]
    assert entry["trials"]["finished"] == 2
    assert "very-secret" not in answer.out + answer.err + json.dumps(entry)


def test_a_database_that_does_not_respond_holds_nothing_up() -> None:
    responds, silent = "postgresql+psycopg://here/db", "postgresql+psycopg://me:very-secret@gone/db"
    urls = {"a": silent, "b": responds, "c": silent, "d": responds}
    readings = [Reading(SweepRow(Path(name), "damaged"), url, needs_ledger=True) for name, url in urls.items()]
    never = threading.Event()

    def read(row: SweepRow) -> SweepRow:
        if row.folder.name in ("a", "c"):
            never.wait()
        return replace(row, state="complete")

    found = read_databases(readings, read, seconds=0.5)
    never.set()
    assert {path.name: row.state for path, row in found.items()} == {
        "a": "unknown", "b": "complete", "c": "unknown", "d": "complete"
    }  # fmt: skip
    fault = "storage: postgresql+psycopg://me:***@gone/db has not responded within 0.5 s"
    assert [found[Path(name)].fault for name in "abc"] == [fault, "", fault]


def test_a_worker_on_another_host_counts_once_its_heartbeat_changes(
    monkeypatch: pytest.MonkeyPatch, capfd: Capture
) -> None:
    owner, paths = "elsewhere-0badf00d-7-abcdef", sweep_with_curves([DROPOUT], [[0.5]]).paths
    paths.worker_lock(owner).touch()
    coordinator, has_ended = open_coordinator(paths, None), threading.Event()
    coordinator.write_heartbeat(owner, 1)

    def beat() -> None:
        for count in itertools.count(2):
            if has_ended.wait(0.01):
                return
            coordinator.write_heartbeat(owner, count)

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        assert (listed(capfd)["sweep"]["state"], listed(capfd)["sweep"]["workers"]) == ("running", 1)
    finally:
        has_ended.set()
        thread.join()
    monkeypatch.setattr(ledger_rows, "MAX_OBSERVATION_SECONDS", 0.2)
    entry = listed(capfd)["sweep"]
    assert (entry["state"], entry["workers"]) == ("interrupted", 0)
    assert entry["fault"] == "1 worker on another host without a heartbeat for 0.2 s; not counted as running"


def test_the_latest_is_first() -> None:
    names: Sequence[str] = ("a", "b", "c")
    for name in names:
        finished_sweep([DROPOUT, f"name={name}"], [0.5, 0.9])
    for name, age in zip(names, (300, 100, 200), strict=True):
        paths = SweepPaths(Path("logs", name))
        for file in (paths.sweep, paths.results, paths.journal, paths.workers):
            os.utime(file, (1_700_000_000 - age,) * 2)
    rows = list_sweeps.read_rows([Path("logs", name) for name in names])
    assert [row.folder.name for row in rows] == ["b", "c", "a"]
    assert [row.state for row in rows] == ["complete"] * 3
    assert rows[0].changed == 1_700_000_000 - 100
