"""The ledger lock and heartbeats: the same contract in the sweep's folder, in SQLite and in PostgreSQL."""

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

# Time limit for actions that take no time unless they wait for ever.
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
    """Do something on another thread, which must not wait for this one."""
    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    thread.join(LIMIT_SECONDS)
    assert not thread.is_alive(), "the thread waits"


def hold_once(coordinator: Coordinator) -> None:
    with coordinator.exclusive():
        pass


def count_up(folder: Path, storage: str | None, file: Path, times: int, ready: Any, go: Any) -> None:
    """Process that increments a number in a file under the ledger lock."""
    coordinator = open_coordinator(SweepPaths(folder), storage)
    ready.release()
    go.wait()
    for _ in range(times):
        with coordinator.exclusive():
            file.write_text(str(int(file.read_text()) + 1))


def hold_until_killed(folder: Path, storage: str | None, holding: Any, never: Any) -> None:
    """Process that writes heartbeats, holds the ledger lock, sets an event, and waits until it is killed."""
    coordinator = open_coordinator(SweepPaths(folder), storage)
    coordinator.write_heartbeat("holder", 1)
    coordinator.write_heartbeat("holder", 2)
    with coordinator.exclusive():
        holding.set()
        never.wait()


def send_last_heartbeat(folder: Path, storage: str | None, owner: str, answer: Any) -> None:
    answer.put(open_coordinator(SweepPaths(folder), storage).read_heartbeat(owner))


class TestEveryCoordinator:
    """Contract of all coordinators."""

    def test_one_process_at_a_time_holds_the_lock(self, paths: SweepPaths, storage: str | None, tmp_path: Path) -> None:
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

    def test_the_death_of_a_process_releases_the_lock_and_keeps_its_heartbeat(
        self, paths: SweepPaths, storage: str | None, coordinator: Coordinator
    ) -> None:
        holding, never = new_event(), new_event()
        holder = start(hold_until_killed, paths.folder, storage, holding, never)
        assert holding.wait(LIMIT_SECONDS)
        assert coordinator.read_heartbeat("holder") == 2
        holder.kill()
        holder.join()
        at_once(lambda: hold_once(coordinator))
        assert coordinator.read_heartbeat("holder") == 2
        coordinator.remove_heartbeat("holder")
        assert coordinator.read_heartbeat("holder") is None

    def test_another_process_reads_the_last_heartbeat(
        self, paths: SweepPaths, storage: str | None, coordinator: Coordinator
    ) -> None:
        for count in (1, 2, 40_000_000_000):
            coordinator.write_heartbeat("me", count)
        answer = PROCESSES.Queue()
        start(send_last_heartbeat, paths.folder, storage, "me", answer)
        assert answer.get(timeout=LIMIT_SECONDS) == 40_000_000_000

    def test_a_missing_heartbeat_is_none_and_may_be_removed(self, coordinator: Coordinator) -> None:
        assert coordinator.read_heartbeat("nobody") is None
        coordinator.remove_heartbeat("nobody")
        coordinator.write_heartbeat("me", 1)
        assert coordinator.read_heartbeat("nobody") is None
        coordinator.remove_heartbeat("nobody")
        assert coordinator.read_heartbeat("me") == 1

    def test_heartbeats_do_not_wait_for_the_lock(self, coordinator: Coordinator) -> None:
        with coordinator.exclusive():
            at_once(lambda: coordinator.write_heartbeat("me", 1))
            coordinator.write_heartbeat("me", 2)
            assert coordinator.read_heartbeat("me") == 2
            coordinator.remove_heartbeat("me")
        assert coordinator.read_heartbeat("me") is None

    def test_threads_write_heartbeats_at_once(self, coordinator: Coordinator) -> None:
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

    def test_an_error_under_the_lock_is_passed_on_and_releases_it(self, coordinator: Coordinator) -> None:
        def fail() -> None:
            with coordinator.exclusive():
                raise KeyError("what went wrong")

        for _ in range(2):
            with pytest.raises(KeyError, match="what went wrong"):
                fail()
        at_once(lambda: hold_once(coordinator))

    def test_sweeps_do_not_disturb_one_another(
        self, storage: str | None, coordinator: Coordinator, tmp_path: Path
    ) -> None:
        other = open_coordinator(sweep(tmp_path, "another"), storage)
        with coordinator.exclusive():
            at_once(lambda: hold_once(other))
        coordinator.write_heartbeat("worker", 1)
        assert other.read_heartbeat("worker") is None
        other.write_heartbeat("worker", 5)
        assert (coordinator.read_heartbeat("worker"), other.read_heartbeat("worker")) == (1, 5)
        coordinator.remove_heartbeat("worker")
        assert (coordinator.read_heartbeat("worker"), other.read_heartbeat("worker")) == (None, 5)


class TestPostgreSQL:
    """Outages of a server."""

    def test_a_restart_between_two_uses_is_not_noticed(self, paths: SweepPaths, postgresql: Server) -> None:
        coordinator = open_coordinator(paths, postgresql.new_database())
        coordinator.write_heartbeat("me", 1)
        hold_once(coordinator)
        postgresql.restart()
        hold_once(coordinator)
        coordinator.write_heartbeat("me", 2)
        postgresql.restart()
        assert coordinator.read_heartbeat("me") == 2

    def test_a_lost_lock_is_an_error_when_it_is_released(self, paths: SweepPaths, postgresql: Server) -> None:
        coordinator = open_coordinator(paths, postgresql.new_database())
        with (
            pytest.raises(StudyError, match=r"^storage: the ledger postgresql\S+ cannot be used: "),
            coordinator.exclusive(),
        ):
            postgresql.restart()
        at_once(lambda: hold_once(coordinator))

    def test_a_stopped_server_is_an_error_and_may_be_started_again(self, paths: SweepPaths, postgresql: Server) -> None:
        coordinator = open_coordinator(paths, postgresql.new_database())
        coordinator.write_heartbeat("me", 1)
        postgresql.stop()
        try:
            for act in (
                lambda: coordinator.write_heartbeat("me", 2),
                lambda: hold_once(coordinator),
                lambda: coordinator.read_heartbeat("me"),
            ):
                with pytest.raises(StudyError, match=r"cannot be used: .*refused"):
                    act()
        finally:
            postgresql.start()
        coordinator.write_heartbeat("me", 3)
        assert coordinator.read_heartbeat("me") == 3

    def test_each_side_drops_the_connection_to_a_vanished_machine(self, postgresql: Server) -> None:
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
