"""A database that is stopped and started while a sweep runs: trainings go on, and no result is lost or doubled."""

from __future__ import annotations

import re
import time

import pytest
from fakes import LINE, ManualClock, claim, make_search, open_study, wait_until
from postgresql import GUARDED, Server
from running_sweeps import Folder

from mnistsweep.errors import LedgerUnreachable
from mnistsweep.paths import SweepPaths
from mnistsweep.study.claims import Claims
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.outage import MAX_OUTAGE_SECONDS, RETRY_SECONDS, Outage
from mnistsweep.study.records import Result, State
from mnistsweep.study.study import Study

LEASE_SECONDS = 4


def patient(study: Study, server: Server, clock: ManualClock, attempts: int = 2) -> Claims:
    """Claims of a worker that waits; the server is started at the second attempt that fails."""
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        clock.now += seconds
        if len(waited) % attempts == 0:
            server.start()

    found = Claims(study, lambda: False)
    found.outage = Outage(MAX_OUTAGE_SECONDS, monotonic=clock, wait=wait)
    return found


def test_a_worker_waits_for_the_database_and_a_training_goes_on(
    paths: SweepPaths, postgresql: Server, caplog: pytest.LogCaptureFixture
) -> None:
    clock, address = ManualClock(), postgresql.new_guarded_database("open-sesame")
    url = f"postgresql+psycopg://{GUARDED}:open-sesame@{address}"
    with open_study(paths, make_search(LINE, trials=2), url) as study:
        claims = patient(study, postgresql, clock)
        postgresql.stop()
        first = claims.next()
        assert first is not None
        assert first.number == 0
        assert claims.report(1, 0.25) is False
        postgresql.stop()
        assert [claims.report(epoch, 0.25 * epoch) for epoch in (2, 3)] == [False, False]
        claims.verify()
        assert clock.now == 1000 + 2 * RETRY_SECONDS  # a training does not wait
        claims.finish(State.COMPLETED, Result(0.75, 3, 3, 0.25))
        assert clock.now == 1000 + 4 * RETRY_SECONDS
        (record,) = study.records()
        assert (record.state, record.result.objective) == (State.COMPLETED, 0.75)
        assert study._trials.read(first.trial_id).intermediate_values == {1: 0.25, 2: 0.5, 3: 0.75}
    assert caplog.text.count("A training goes on; then the worker waits for at most 10 min") == 2
    assert caplog.text.count("the ledger answers again after") == 2
    assert f"{GUARDED}:***@" in caplog.text
    assert "sesame" not in caplog.text


def test_a_claim_and_a_result_are_found_again_if_the_answer_was_lost(paths: SweepPaths, postgresql: Server) -> None:
    from sqlalchemy import event

    with open_study(paths, make_search(LINE, trials=2), postgresql.new_database()) as study:
        claims, lost = patient(study, postgresql, ManualClock(), attempts=1), list[str]()
        engine = study._storage._database.engine  # type: ignore[attr-defined]

        def watch(connection: object, cursor: object, statement: str, *_: object) -> None:
            kinds = [kind for kind in ("INSERT INTO trials", "UPDATE trials SET state") if kind in statement]
            lost.extend(kind for kind in kinds if kind not in lost)

        def lose(connection: object) -> None:
            if len(lost) > len(restarts):
                connection.exec_driver_sql("COMMIT")  # type: ignore[attr-defined]
                connection.exec_driver_sql("BEGIN")  # type: ignore[attr-defined]
                restarts.append(1)
                postgresql.stop()

        restarts: list[int] = []
        event.listen(engine, "before_cursor_execute", watch)
        event.listen(engine, "commit", lose)
        first = claims.next()
        assert first is not None
        assert len(restarts) == 1
        claims.finish(State.COMPLETED, Result(0.5, 1, 1, 0.25))
        assert len(restarts) == 2
        assert claims.claim is None
        assert [(record.number, record.state) for record in study.records()] == [(0, State.COMPLETED)]
        assert paths.results.read_text().count("\n") == 2
        second = claims.next()
        assert second is not None
        assert second.number == 1
        event.remove(engine, "commit", lose)
        event.remove(engine, "before_cursor_execute", watch)


def test_the_wait_has_an_end_and_a_stop_ends_it(paths: SweepPaths, postgresql: Server) -> None:
    clock = ManualClock()

    def wait(seconds: float) -> None:
        clock.now += 60

    with open_study(paths, make_search(LINE, trials=2), postgresql.new_database()) as study:
        claims = Claims(study, lambda: False)
        claims.outage = Outage(MAX_OUTAGE_SECONDS, monotonic=clock, wait=wait)
        postgresql.stop()
        try:
            limit = r"refused.* \(for 10 min 0 s\)\. Start the database; then the same command continues$"
            with pytest.raises(LedgerUnreachable, match=limit):
                claims.next()
            assert clock.now == 1000 + MAX_OUTAGE_SECONDS
            claims.outage = Outage(MAX_OUTAGE_SECONDS, lambda: True, monotonic=clock, wait=wait)
            with pytest.raises(LedgerUnreachable, match="refused"):
                claims.next()
            assert clock.now == 1000 + MAX_OUTAGE_SECONDS
        finally:
            postgresql.start()
        assert claim(study).number == 0


@pytest.mark.slow
def test_a_sweep_goes_on_when_its_database_is_stopped_and_started_again(sweeps: Folder, postgresql: Server) -> None:
    search = ["model.layer_size=4,8,16", "optimizer=adam,sgd", "oracle=grid", "trainer.epochs=12"]
    sweeps.run("alone", *search)
    url = postgresql.new_database()
    process = sweeps.start(
        "stopped", *search, f"storage={url}", "workers=2", f"lease_seconds={LEASE_SECONDS}",
    )  # fmt: skip
    paths = sweeps.paths("stopped")
    wait_until(lambda: process.poll() is not None or (paths.results.is_file() and len(sweeps.table("stopped")) > 1))
    postgresql.stop()
    stopped = time.monotonic()
    ended = len(sweeps.table("stopped"))
    wait_until(lambda: time.monotonic() - stopped > 3 * LEASE_SECONDS)
    assert process.poll() is None
    assert len(sweeps.table("stopped")) == ended
    lengths = [len(file.read_text().splitlines()) for file in paths.folder.glob("trials/*/history.csv")]
    assert sum(length == 13 for length in lengths) > ended - 1  # a training went on to its end
    postgresql.start()
    printed, _ = process.communicate()
    assert process.returncode == 0, printed
    assert sweeps.table("stopped") == sweeps.table("alone")
    assert len(sweeps.table("stopped")) == 7
    assert re.search(r"^storage: the ledger postgresql\S+ cannot be used: .*\. Trainings go on; ", printed, re.M), (
        printed
    )
    assert "The ledger answers again." in printed
    logs = "".join(log.read_text() for log in paths.worker_logs)
    assert sorted(re.findall(r"^begins trial (\d+)$", logs, re.M)) == [str(number) for number in range(6)]
    assert "the ledger answers again after" in logs
    trials = Ledger(paths, url)._storage.get_all_trials(1)
    assert [trial.user_attrs["lease"]["deaths"] for trial in trials] == [0] * 6
    assert [sorted(trial.intermediate_values) for trial in trials] == [list(range(1, 13))] * 6
