"""The journal file: when it is on the disk, and how damage is handled."""

from __future__ import annotations

import json
import os
import resource
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes import LINE, PROCESSES, claim, make_search, new_event, open_study, run, start, train

from mnistsweep.errors import StudyError, WriteRefused
from mnistsweep.paths import SweepPaths
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.opened_ledger import create_ledger
from mnistsweep.study.records import Result, State
from mnistsweep.study.storage.journal_file import JournalFile
from mnistsweep.study.sweep import Sweep


@pytest.fixture
def three(paths: SweepPaths) -> SweepPaths:
    """A sweep of three finished trials."""
    with open_study(paths, make_search(LINE, trials=3)) as study:
        run(study, epochs=2)
    return paths


def test_a_finished_trial_waits_for_the_disk_and_a_report_does_not(
    paths: SweepPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[bytes] = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(paths.journal.read_bytes()))
    with open_study(paths, make_search(LINE, trials=1)) as study:
        trial = claim(study)
        for epoch in (1, 2, 3):
            study.report(trial, epoch, 0.5)
        assert synced == []
        study.finish(trial, State.COMPLETED, Result(0.5, 3, 3))
    (journal,) = synced
    assert journal == paths.journal.read_bytes()


@pytest.mark.parametrize("cut", [1, 5, 30])
def test_a_truncated_last_line_is_removed_with_a_warning(
    three: SweepPaths, cut: int, caplog: pytest.LogCaptureFixture
) -> None:
    whole = three.journal.read_bytes()
    last = whole.splitlines(keepends=True)[-1]
    three.journal.write_bytes(whole[:-cut])
    table = three.results.read_text().splitlines(keepends=True)
    three.results.write_text("".join(table[:-1]))  # the row is written when the entry is on the disk
    assert [record.state for record in Ledger(three).records()][:2] == [State.COMPLETED] * 2
    assert three.journal.read_bytes() == whole[:-cut]  # looking repairs nothing
    create_ledger(three, None, "max", "val_accuracy", {})
    assert three.journal.read_bytes() == whole[: -len(last)]
    (warning,) = caplog.messages
    assert f"study.journal: removed {len(last) - cut} bytes of an unfinished entry" in warning
    with open_study(three, make_search(LINE, trials=4), session="next") as study:
        assert len(run(study)) == 2  # the one whose end was lost, and a new one
        assert [record.state for record in study.records()] == [State.COMPLETED] * 4


def test_an_unfinished_line_is_removed_by_the_next_writer(three: SweepPaths) -> None:
    with open_study(three, make_search(LINE, trials=5), session="next") as study:
        reader = Ledger(three)
        with three.journal.open("ab") as dying:
            dying.write(b'{"op_code":4,"worker')
        assert len(reader.records()) == 3
        train(study, claim(study), 0.5)
        assert len(reader.records()) == 4
    for line in three.journal.read_text().splitlines():
        json.loads(line)


def test_an_unfinished_line_longer_than_a_block_is_removed(tmp_path: Path) -> None:
    journal = JournalFile(tmp_path / "j")
    journal.append_logs([{"op_code": 0}])
    with journal.path.open("ab") as file:
        file.write(b"x" * 200_000)
    journal.repair()
    assert journal.path.read_bytes() == b'{"op_code":0}\n'
    journal.path.write_bytes(b"y" * 200_000)
    journal.repair()
    assert journal.path.read_bytes() == b""


def spoil(find: bytes, put: bytes) -> Callable[[bytes], bytes]:
    return lambda whole: whole.replace(find, put, 1)


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        (lambda whole: b"not json\n" + whole, 1),
        (lambda whole: b"\xff\xfe\n" + whole, 1),
        (lambda whole: whole + b"[1, 2]\n", None),
        (lambda whole: whole + b"\n", None),
        (lambda whole: whole + b"\0" * 40 + b"\n", None),
        (spoil(b'"op_code":4', b'"op_code":"4"'), 5),
        (spoil(b'"op_code":4', b'"op_code"\r4'), 5),
        (spoil(b'"study_id":0', b'"study_nr":0'), 2),
    ],
)
def test_any_other_damage_is_reported_with_its_line_and_nothing_is_written(
    three: SweepPaths, damage: Callable[[bytes], bytes], line: int | None
) -> None:
    broken = damage(three.journal.read_bytes())
    three.journal.write_bytes(broken)
    number = line or broken.count(b"\n")
    with pytest.raises(StudyError, match=rf"journal, line {number}: the journal is damaged .*Nothing was changed"):
        Ledger(three).records()
    with pytest.raises(StudyError, match=rf"line {number}: the journal is damaged"):
        create_ledger(three, None, "max", "val_accuracy", {})
    assert three.journal.read_bytes() == broken


def test_a_journal_without_its_beginning_is_not_overwritten(three: SweepPaths) -> None:
    rest = b"".join(three.journal.read_bytes().splitlines(keepends=True)[1:])
    three.journal.write_bytes(rest)
    with pytest.raises(
        StudyError, match=r"the ledger has lost its beginning, but results\.csv holds 3 finished trials"
    ):
        Ledger(three)
    with pytest.raises(StudyError, match=r"study\.journal: the beginning of the journal is missing"):
        create_ledger(three, None, "max", "val_accuracy", {})
    assert three.journal.read_bytes() == rest


def test_a_folder_may_be_renamed(three: SweepPaths) -> None:
    there = SweepPaths(three.folder.rename(three.folder.with_name("another name")))
    create_ledger(there, None, "max", "val_accuracy", {})
    assert len(Ledger(there).records()) == 3


def test_damage_that_appears_while_a_worker_runs_stops_it(three: SweepPaths) -> None:
    with open_study(three, make_search(LINE, trials=5), session="next") as study:
        trial = claim(study)
        with three.journal.open("ab") as file:
            file.write(b"rubbish\n")
        broken = three.journal.read_bytes()
        with pytest.raises(StudyError, match=rf"line {broken.count(10)}: the journal is damaged"):
            study.finish(trial, State.COMPLETED, Result(0.5))
    assert three.journal.read_bytes() == broken


def test_a_journal_that_shrinks_under_a_reader_is_reported(three: SweepPaths) -> None:
    reader = Ledger(three)
    reader.records()
    three.journal.write_bytes(b"")
    with pytest.raises(StudyError, match="became shorter than"):
        reader.records()


def rewrite(journal: Path) -> None:
    journal.write_bytes(b"".join(reversed(journal.read_bytes().splitlines(keepends=True))) * 2)


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (lambda journal: journal.write_bytes(b""), "became shorter than"),
        (lambda journal: journal.unlink(), "was deleted or moved while this program used it"),
        (rewrite, "was replaced by another file"),
    ],
)
def test_nothing_is_written_to_a_journal_that_was_changed_while_a_worker_runs(
    three: SweepPaths, damage: Callable[[Path], object], fault: str
) -> None:
    with open_study(three, make_search(LINE, trials=5), session="next") as study:
        trial = claim(study)
        damage(three.journal)
        left = three.journal.read_bytes() if three.journal.exists() else None
        for act in (lambda: study.report(trial, 1, 0.5), lambda: study.finish(trial, State.COMPLETED, Result(0.5))):
            with pytest.raises(StudyError, match=fault):
                act()
    assert (three.journal.read_bytes() if three.journal.exists() else None) == left


def fill_up(folder: Path, limit: int, failed: object) -> None:
    """Worker process with a maximum file size, which acts as a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        with open_study(SweepPaths(folder), make_search(LINE, trials=1000)) as study:
            run(study, epochs=2)
    except WriteRefused as error:
        failed.put(str(error))  # type: ignore[attr-defined]


def test_a_full_disk_stops_the_worker_and_leaves_a_ledger_that_opens(paths: SweepPaths) -> None:
    said = PROCESSES.SimpleQueue()
    process = start(fill_up, paths.folder, 20_000, said)
    message = said.get()
    process.join()
    assert message.endswith(
        "cannot be written: File too large. Raise the limit of the file size (ulimit -f); then the same command "
        "continues."
    )
    records = Ledger(paths).records()
    finished = [record for record in records if record.state.finished]
    assert len(finished) in (len(records), len(records) - 1)
    assert len(finished) > 3
    for line in paths.journal.read_text().splitlines():
        json.loads(line)
    with open_study(paths, make_search(LINE, trials=len(records) + 2), session="with room again") as study:
        run(study, epochs=2)
        assert [record.state for record in study.records()] == [State.COMPLETED] * (len(records) + 2)
        assert [record.result for record in study.records()][: len(finished)] == [r.result for r in finished]
    assert len(Sweep(paths).trials) == len(records) + 2


def test_two_processes_write_whole_lines(tmp_path: Path) -> None:
    ready, go = new_event(), new_event()
    workers = [start(write_lines, tmp_path / "j", index, ready, go) for index in range(2)]
    go.set()
    for worker in workers:
        worker.join()
    entries = list(JournalFile(tmp_path / "j").read_logs(0))
    assert len(entries) == 1000
    for index in range(2):
        assert [entry["n"] for entry in entries if entry["op_code"] == index + 1] == list(range(500))


def write_lines(path: Path, index: int, ready: object, go: object) -> None:
    """Process that appends 500 entries."""
    journal = JournalFile(path)
    go.wait()  # type: ignore[attr-defined]
    for number in range(500):
        journal.append_logs([{"op_code": index + 1, "n": number, "text": "x" * 100}])
