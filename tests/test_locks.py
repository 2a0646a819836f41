"""File locks between processes."""

from __future__ import annotations

import contextlib
import fcntl
from pathlib import Path

import pytest
from fakes import hold_lock, new_event, start

from mnistsweep.errors import StudyError
from mnistsweep.locks import exclusive_lock, is_locked, single_command_lock, try_exclusive_lock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "été & co.lock"


def test_one_process_holds_a_lock_and_its_death_releases_it(path: Path) -> None:
    holding, never = new_event(), new_event()
    process = start(hold_lock, path, holding, never)
    assert holding.wait(60)
    assert is_locked(path)
    with try_exclusive_lock(path) as acquired:
        assert not acquired
    process.kill()
    with exclusive_lock(path):
        pass
    process.join()
    assert not is_locked(path)
    with try_exclusive_lock(path) as acquired:
        assert acquired


def test_a_test_of_the_lock_is_no_holder(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with path.open("ab") as tester:
        fcntl.flock(tester, fcntl.LOCK_SH)
        with try_exclusive_lock(path) as acquired:
            assert not acquired
        monkeypatch.setattr("mnistsweep.locks.time.sleep", lambda _seconds: tester.close())  # `is_locked` ends
        with try_exclusive_lock(path, is_tested=True) as acquired:
            assert acquired


def test_an_exception_releases_a_lock(path: Path) -> None:
    for lock in (exclusive_lock, try_exclusive_lock):
        with contextlib.suppress(KeyError), lock(path):
            raise KeyError
        assert not is_locked(path)


def test_a_test_of_a_lock_does_not_find_another_test(path: Path) -> None:
    path.touch(mode=0o444)
    with path.open("rb") as another_test:
        fcntl.flock(another_test, fcntl.LOCK_SH)
        assert not is_locked(path)


def test_a_missing_file_is_an_error_of_a_test_and_is_created_by_a_lock(path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        is_locked(path)
    assert not path.exists()
    with exclusive_lock(path):
        assert path.exists()
    assert path.exists()


def test_a_second_run_of_a_command_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "report" / "report.lock"
    with (
        single_command_lock(path, "mnistsweep report"),
        pytest.raises(StudyError, match=r"report: another `mnistsweep report` is running here\. Repeat the command"),
        single_command_lock(path, "mnistsweep report"),
    ):
        pass
    with single_command_lock(path, "mnistsweep report"):
        pass
