"""Turns and signs of life: the same in the sweep's folder, in SQLite and in PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fakes import PROCESSES, new_event, start
from postgresql import Server

from mnistsweep.errors import StudyError
from mnistsweep.paths import SweepPaths
from mnistsweep.study.coordination import Coordinator
from mnistsweep.study.storage.stores import open_coordinator

# How long something may take that takes no time at all, unless it waits for ever.
LIMIT_SECONDS = 60


@pytest.fixture
def paths(tmp_path: Path) -> SweepPaths:
    return sweep(tmp_path, 'l\'été "à 5 %"; -- {sweep}')


@pytest.fixture
def coordinator(paths: SweepPaths, storage: str | None) -> Coordinator:
    return open_coordinator(paths, storage)


def sweep(folder: Path, name: str) -> SweepPaths:
    found = SweepPaths(folder / "Räume & co" / name)
    found.workers.mkdir(parents=True)
    return found


def at_once(act: Callable[[], object]) -> None:
    """Do something on another thread that must not wait for this one."""
    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    thread.join(LIMIT_SECONDS)
    assert not thread.is_alive(), "it waits"


def take_turn(coordinator: Coordinator) -> None:
    with coordinator.exclusive():
        pass


def count_up(folder: Path, storage: str | None, file: Path, times: int, ready: Any, go: Any) -> None:
    """A process that adds to a number in a file, in turns of its own."""
    coordinator = open_coordinator(SweepPaths(folder), storage)
    ready.release()
    go.wait()
    for _ in range(times):
        with coordinator.exclusive():
            file.write_text(str(int(file.read_text()) + 1))


def hold_turn(folder: Path, storage: str | None, holding: Any, never: Any) -> None:
    """A process that leaves signs of life, takes the turn, says so, and waits to be killed."""
    coordinator = open_coordinator(SweepPaths(folder), storage)
    coordinator.write_heartbeat("holder", 1)
    coordinator.write_heartbeat("holder", 2)
    with coordinator.exclusive():
        holding.set()
        never.wait()


def last_beat_seen(folder: Path, storage: str | None, owner: str, answer: Any) -> None:
    answer.put(open_coordinator(SweepPaths(folder), storage).read_heartbeat(owner))


class TestEveryRegistry:
    """What holds wherever workers meet."""

    def test_one_process_at_a_time_has_the_turn(self, paths: SweepPaths, storage: str | None, tmp_path: Path) -> None:
        ready, go, file = PROCESSES.Semaphore(0), new_event(), tmp_path / "count"
        file.write_text("0")
        counters = [start(count_up, paths.folder, storage, file, 50, ready, go) for _ in range(4)]
        for _ in counters:
            assert ready.acquire(timeout=LIMIT_SECONDS)
        go.set()
        for counter in counters:
            counter.join()
            assert counter.exitcode == 0
        assert file.read_text() == "200"

    def test_a_process_that_is_killed_in_its_turn_gives_it_back_and_its_signs_stay(
        self, paths: SweepPaths, storage: str | None, coordinator: Coordinator
    ) -> None:
        holding, never = new_event(), new_event()
        holder = start(hold_turn, paths.folder, storage, holding, never)
        assert holding.wait(LIMIT_SECONDS)
        assert coordinator.read_heartbeat("holder") == 2
        holder.kill()
        holder.join()
        at_once(lambda: take_turn(coordinator))
        assert coordinator.read_heartbeat("holder") == 2
        coordinator.remove_heartbeat("holder")
        assert coordinator.read_heartbeat("holder") is None

    def test_another_process_sees_the_last_sign(
        self, paths: SweepPaths, storage: str | None, coordinator: Coordinator
    ) -> None:
        for count in (1, 2, 40_000_000_000):
            coordinator.write_heartbeat("me", count)
        answer = PROCESSES.Queue()
        start(last_beat_seen, paths.folder, storage, "me", answer)
        assert answer.get(timeout=LIMIT_SECONDS) == 40_000_000_000

    def test_who_never_left_a_sign_is_unknown_and_may_be_forgotten(self, coordinator: Coordinator) -> None:
        assert coordinator.read_heartbeat("nobody") is None
        coordinator.remove_heartbeat("nobody")
        coordinator.write_heartbeat("me", 1)
        assert coordinator.read_heartbeat("nobody") is None
        coordinator.remove_heartbeat("nobody")
        assert coordinator.read_heartbeat("me") == 1

    def test_signs_do_not_wait_for_a_turn(self, coordinator: Coordinator) -> None:
        with coordinator.exclusive():
            at_once(lambda: coordinator.write_heartbeat("me", 1))
            coordinator.write_heartbeat("me", 2)
            assert coordinator.read_heartbeat("me") == 2
            coordinator.remove_heartbeat("me")
        assert coordinator.read_heartbeat("me") is None

    def test_threads_leave_signs_side_by_side(self, coordinator: Coordinator) -> None:
        def live(owner: str) -> None:
            for count in range(20):
                coordinator.write_heartbeat(owner, count)

        owners = [f"worker-{number}" for number in range(4)]
        threads = [threading.Thread(target=live, args=(owner,)) for owner in owners]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [coordinator.read_heartbeat(owner) for owner in owners] == [19] * 4

    def test_an_error_in_a_turn_is_the_caller_s_and_gives_it_back(self, coordinator: Coordinator) -> None:
        def fail() -> None:
            with coordinator.exclusive():
                raise KeyError("what went wrong")

        for _ in range(2):
            with pytest.raises(KeyError, match="what went wrong"):
                fail()
        at_once(lambda: take_turn(coordinator))

    def test_sweeps_do_not_disturb_one_another(
        self, storage: str | None, coordinator: Coordinator, tmp_path: Path
    ) -> None:
        other = open_coordinator(sweep(tmp_path, "another"), storage)
        with coordinator.exclusive():
            at_once(lambda: take_turn(other))
        coordinator.write_heartbeat("worker", 1)
        assert other.read_heartbeat("worker") is None
        other.write_heartbeat("worker", 5)
        assert (coordinator.read_heartbeat("worker"), other.read_heartbeat("worker")) == (1, 5)
        coordinator.remove_heartbeat("worker")
        assert (coordinator.read_heartbeat("worker"), other.read_heartbeat("worker")) == (None, 5)


class TestPostgreSQL:
    """What a server can do to those who use it."""

    def test_a_restart_between_two_uses_is_not_noticed(self, paths: SweepPaths, postgresql: Server) -> None:
        coordinator = open_coordinator(paths, postgresql.new_database())
        coordinator.write_heartbeat("me", 1)
        take_turn(coordinator)
        postgresql.restart()
        take_turn(coordinator)
        coordinator.write_heartbeat("me", 2)
        postgresql.restart()
        assert coordinator.read_heartbeat("me") == 2

    def test_a_turn_that_is_lost_is_an_error_where_it_ends(self, paths: SweepPaths, postgresql: Server) -> None:
        coordinator = open_coordinator(paths, postgresql.new_database())
        with (
            pytest.raises(StudyError, match=r"^storage: the ledger postgresql\S+ cannot be used: "),
            coordinator.exclusive(),
        ):
            postgresql.restart()
        at_once(lambda: take_turn(coordinator))

    def test_a_server_that_is_away_is_an_error_and_may_come_back(self, paths: SweepPaths, postgresql: Server) -> None:
        coordinator = open_coordinator(paths, postgresql.new_database())
        coordinator.write_heartbeat("me", 1)
        postgresql.stop()
        try:
            for act in (
                lambda: coordinator.write_heartbeat("me", 2),
                lambda: take_turn(coordinator),
                lambda: coordinator.read_heartbeat("me"),
            ):
                with pytest.raises(StudyError, match=r"cannot be used: .*refused"):
                    act()
        finally:
            postgresql.start()
        coordinator.write_heartbeat("me", 3)
        assert coordinator.read_heartbeat("me") == 3

    def test_either_side_gives_up_a_machine_that_vanished(self, postgresql: Server) -> None:
        from sqlalchemy import create_engine

        from mnistsweep.study.storage.connections import engine_options

        url = f"{postgresql.new_database()}?options=-c%20search_path%3Dmine&keepalives_idle=7"
        with create_engine(url, **engine_options(url)).connect() as connection:

            def show(name: str) -> str:
                return str(connection.exec_driver_sql(f"SHOW {name}").scalar())

            assert [show(f"tcp_keepalives_{name}") for name in ("idle", "interval", "count")] == ["10", "5", "3"]
            assert show("tcp_user_timeout") in ("25000", "25s")
            assert show("search_path") == "mine"
            ours = connection.connection.driver_connection.info.get_parameters()
        assert (ours["keepalives_idle"], ours["keepalives_interval"], ours["tcp_user_timeout"]) == ("7", "5", "25000")
