"""Databases as storage of a ledger: creation, reading, and errors."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import optuna
import pytest
from fakes import LINE, PROCESSES, claim, make_search, new_event, open_study, run, start, train
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages import RDBStorage
from optuna.study import StudyDirection
from optuna.trial import TrialState, create_trial
from postgresql import Server

from mnistsweep.errors import LedgerUnreachable, StudyError, WriteRefused
from mnistsweep.paths import SweepPaths
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.opened_ledger import create_ledger
from mnistsweep.study.records import State
from mnistsweep.study.storage.connections import cannot_be_used
from mnistsweep.study.storage.stores import open_coordinator, open_storage, store_name


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "postgresql":
        server: Server = request.getfixturevalue("postgresql")
        return server.new_database()
    return f"sqlite:///{tmp_path}/ledger.db"


def open_first(folder: Path, storage: str, ready: Any, go: Any) -> None:
    """Process that opens a new database at the same moment as others, and writes a heartbeat."""
    paths = SweepPaths(folder)
    ready.release()
    go.wait()
    open_storage(paths, storage, create=True).get_all_studies()
    open_coordinator(paths, storage).write_heartbeat(folder.name, 1)


def test_processes_may_open_a_new_database_at_once(database: str, tmp_path: Path) -> None:
    ready, go = PROCESSES.Semaphore(0), new_event()
    openers = [start(open_first, tmp_path / f"sweep-{number}", database, ready, go) for number in range(4)]
    for _ in openers:
        assert ready.acquire(timeout=60)
    go.set()
    for opener in openers:
        opener.join()
        assert opener.exitcode == 0
    beats = [
        open_coordinator(SweepPaths(Path(f"sweep-{number}")), database).read_heartbeat(f"sweep-{number}")
        for number in range(4)
    ]
    assert beats == [1] * 4


def test_reading_an_empty_database_leaves_it_empty(paths: SweepPaths, database: str, tmp_path: Path) -> None:
    from sqlalchemy import create_engine, inspect

    with pytest.raises(StudyError, match=r"holds no sweep called 'search'; it holds none at all"):
        Ledger(paths, database)
    assert list(tmp_path.glob("ledger.db*")) == []
    coordinator = open_coordinator(paths, database)
    assert coordinator.read_heartbeat("me") is None
    coordinator.remove_heartbeat("me")
    assert inspect(create_engine(database)).get_table_names() == []


def test_a_ledger_is_found_by_its_name_among_others_in_one_database(database: str, tmp_path: Path) -> None:
    for name in ("one", 'l\'été "à 5 %"'):
        create_ledger(SweepPaths(tmp_path / name), database, "max", "val_accuracy", {})
        assert Ledger(SweepPaths(tmp_path / "elsewhere" / name), database).records() == []
    with pytest.raises(StudyError, match="holds no sweep called 'on'; did you mean 'one'"):
        Ledger(SweepPaths(tmp_path / "on"), database)


def test_a_trial_is_written_as_optuna_writes_it(paths: SweepPaths, database: str) -> None:
    ours = open_storage(paths, database, create=True)
    theirs = RDBStorage(database)
    shapes = {
        "Rate": FloatDistribution(1e-4, 0.1, log=True),
        "size": IntDistribution(8, 512),
        "größe": CategoricalDistribution(("a", None)),
    }
    template = create_trial(
        state=TrialState.RUNNING,
        params={"Rate": 0.1 - 2e-17, "size": 64, "größe": None},
        distributions=shapes,
        user_attrs={"point": {"model.filters": [8, 16]}, "lease": {"owner": "me", "deaths": 0}},
        system_attrs={"cma:draw": [1, 2]},
    )
    studies = [ours.create_new_study([StudyDirection.MAXIMIZE], name) for name in ("one", "two")]
    for storage in (ours, theirs, ours, theirs):
        for study in studies:
            storage.create_new_trial(study, template)
    for study in studies:
        trials = theirs.get_all_trials(study)
        assert [trial.number for trial in trials] == [0, 1, 2, 3]
        for trial in trials:
            assert trial.state is TrialState.RUNNING
            assert trial.datetime_start == template.datetime_start
            assert (trial.params, trial.distributions) == (template.params, shapes)
            assert (trial.user_attrs, trial.system_attrs) == (template.user_attrs, template.system_attrs)
        assert ours.get_all_trials(study) == trials


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "not a valid database URL; received 'nonsense'.*for example sqlite:////data/sweep.db"),
        ("oracle9://host/db", "not a valid database URL; received 'oracle9://host/db'"),
        (
            "postgresql+psycopg://me:secret@host:port/db",
            r"not a valid database URL; received 'postgresql\+psycopg://me:\*\*\*@host",
        ),
        (
            "mysql+cymysql://me:secret@localhost/db",
            r"mysql\+cymysql is not supported; received 'mysql\+cymysql://me:\*\*\*@localhost/db'; "
            r"supported are sqlite\+pysqlite and postgresql\+psycopg: sqlite:////data/sweep\.db or postgresql\+psycopg://",
        ),
        (
            "postgresql+pg8000://me:secret@h/db?password=secret",
            r"postgresql\+pg8000 is not supported; received .*\*\*\*'",
        ),
        (
            "sqlite:////no/such/folder/x.db",
            "x.db cannot be used: its folder '/no/such/folder': there is no folder '/no'$",
        ),
        ("sqlite:///file:x.db?uri=true", "SQLite's URI filenames are not supported"),
        ("sqlite://", "a database in memory exists in one process only"),
        ("sqlite:///:memory:", "a database in memory exists in one process only"),
    ],
)
def test_the_error_for_an_unusable_url_names_the_reason(paths: SweepPaths, url: str, message: str) -> None:
    with pytest.raises(StudyError, match=f"^storage: .*{message}") as refused:
        create_ledger(paths, url, "max", "val_accuracy", {})
    assert "secret" not in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1
    with pytest.raises(StudyError, match=message):
        Ledger(paths, url)
    with pytest.raises(StudyError, match=message):
        take_turn(paths, url)


def take_turn(paths: SweepPaths, url: str) -> None:
    with open_coordinator(paths, url).exclusive():
        pass


def test_another_search_of_the_same_name_is_refused(paths: SweepPaths, storage: str | None) -> None:
    for newer in ({}, {"a key of the next version": "1"}):
        create_ledger(paths, storage, "max", "val_accuracy", {"x": "0 to 1", "seed": "0", **newer})
    with pytest.raises(StudyError, match="'search' is another search: seed, x differ; take another name=NAME"):
        create_ledger(paths, storage, "max", "val_accuracy", {"x": "0 to 2", "seed": "1"})


def test_a_creation_that_crashed_between_two_writes_is_completed(paths: SweepPaths, storage: str | None) -> None:
    paths.workers.mkdir(parents=True)
    opened = open_storage(paths, storage, create=True)
    optuna.create_study(storage=opened, study_name=paths.name, direction="maximize")
    create_ledger(paths, storage, "max", "val_accuracy", {"seed": "0"})
    (study,) = open_storage(paths, storage).get_all_studies()
    assert study.user_attrs == {"search": {"seed": "0"}}
    assert study.system_attrs["study:metric_names"] == ["val_accuracy"]


def test_a_server_that_does_not_respond_is_an_error_at_once(paths: SweepPaths) -> None:
    pytest.importorskip("psycopg", reason="needs a driver for PostgreSQL")
    with pytest.raises(StudyError, match=r"cannot be used: .*refused"):
        create_ledger(paths, "postgresql+psycopg://me:secret@127.0.0.1:1/db", "max", "val_accuracy", {})


def test_the_error_for_an_unusable_file_names_the_reason(paths: SweepPaths, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=f"sqlite:///{tmp_path} cannot be used: it is a folder$"):
        create_ledger(paths, f"sqlite:///{tmp_path}", "max", "val_accuracy", {})
    (tmp_path / "x.db").write_text("no database at all, but a text that is long enough to be read as one" * 20)
    with pytest.raises(StudyError, match=r"x\.db cannot be used: file is not a database"):
        create_ledger(paths, f"sqlite:///{tmp_path}/x.db", "max", "val_accuracy", {})


def test_messages_do_not_contain_the_password(paths: SweepPaths, postgresql: Server) -> None:
    url = postgresql.new_database().replace("tester@", "tester:secret@") + "x"
    for act in (
        create_ledger,
        lambda *_: Ledger(paths, url),
        lambda *_: open_coordinator(paths, url).read_heartbeat("me"),
    ):
        with pytest.raises(
            StudyError,
            match=r'test\d+x cannot be used: .*database "test\d+x" does not exist; create the database \(createdb',
        ) as refused:
            act(paths, url, "max", "val_accuracy", {})
        assert "secret" not in str(refused.value)
    assert "tester:***@" in store_name(paths, url)


def test_a_refusing_server_says_what_to_do_and_nothing_is_written(
    paths: SweepPaths, postgresql: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg

    monkeypatch.delenv("PGPASSWORD", raising=False)
    monkeypatch.setenv("PGPASSFILE", "/dev/null")
    guarded = postgresql.new_guarded_database("right")
    host, _, name = guarded.partition("/")
    with psycopg.connect(f"postgresql://tester@{guarded}", autocommit=True) as connection:
        for statement in (
            b"CREATE ROLE reader LOGIN", b"CREATE ROLE narrow LOGIN CONNECTION LIMIT 0",
            b"REVOKE ALL ON SCHEMA public FROM PUBLIC", b"GRANT USAGE ON SCHEMA public TO reader",
        ):  # fmt: skip
            connection.execute(statement)
    refusals = {
        f"guarded:wrong@{guarded}": "password authentication failed .*; the password is in no file.*PGPASSWORD",
        f"guarded@{guarded}": "no password supplied; the password is in no file.*~/.pgpass",
        f"tester@{host}/nowhere": 'database "nowhere" does not exist; create the database',
        f"stranger@{guarded}": 'role "stranger" does not exist; name a user that the server knows',
        f"reader@{guarded}": "permission denied for schema public; let the user create tables: GRANT CREATE",
        f"narrow@{guarded}": 'too many connections for role "narrow"; each worker needs up to three connections',
        f"tester@127.0.0.1:1/{name}": "refused; start the server, or correct host and port",
        f"tester@no-such-host.invalid/{name}": "failed to resolve host .*; correct the host",
    }
    for address, message in refusals.items():
        with pytest.raises(StudyError, match=f"cannot be used: .*{message}") as refused:
            create_ledger(paths, f"postgresql+psycopg://{address}", "max", "val_accuracy", {})
        assert "wrong" not in str(refused.value)
        assert len(str(refused.value).splitlines()) == 1
    with psycopg.connect(f"postgresql://tester@{guarded}") as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)
        connection.execute("DROP OWNED BY reader")
        connection.execute("DROP ROLE reader, narrow")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('FATAL:  unrecognized configuration parameter "tcp_user_timeout"', "must be PostgreSQL 12 or newer"),
        ("FATAL:  unsupported startup parameter: options", "not a pool of connections such as PgBouncer"),
        ('FATAL:  no pg_hba.conf entry for host "1.2.3.4", user "me"', "allow this machine and user"),
    ],
)
def test_other_refusals_say_what_to_do_and_are_not_waited_for(text: str, message: str) -> None:
    psycopg = pytest.importorskip("psycopg", reason="needs a driver for PostgreSQL")
    error = cannot_be_used("postgresql://host/db", psycopg.OperationalError(f"connection failed: {text}\n"))
    assert message in str(error)
    assert not isinstance(error, LedgerUnreachable)


def test_the_error_for_a_missing_driver_names_it(paths: SweepPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    for act in (open_storage, open_coordinator):
        with pytest.raises(StudyError, match=r"needs a driver that is not installed \(psycopg\); .*\[postgresql\]"):
            act(paths, "postgresql+psycopg://me:secret@127.0.0.1:2/db")


def test_a_worker_continues_after_a_restart_of_the_server(paths: SweepPaths, postgresql: Server) -> None:
    with open_study(paths, make_search(LINE, trials=2), postgresql.new_database()) as study:
        first = claim(study)
        postgresql.restart()
        study.report(first, 1, 0.25)
        postgresql.restart()
        train(study, first, 0.5, epochs=2)
        postgresql.restart()
        train(study, claim(study), 0.75)
        assert [record.result.objective for record in study.records()] == [0.5, 0.75]


def test_an_outage_of_the_server_is_not_a_failure_of_the_trial(paths: SweepPaths, postgresql: Server) -> None:
    with open_study(paths, make_search(LINE, trials=2), postgresql.new_database()) as study:
        first = claim(study)
        postgresql.stop()
        try:
            for act in (
                lambda: study.report(first, 1, 0.5),
                lambda: train(study, first, 0.5),
                study.records,
                study.claim,
            ):
                with pytest.raises(StudyError, match=r"^storage: the ledger postgresql\S+ cannot be used: .*refused"):
                    act()
        finally:
            postgresql.start()
        train(study, first, 0.5)
        assert [record.state for record in study.records()] == [State.COMPLETED]


def test_a_trial_is_created_once_if_the_response_to_its_commit_is_lost(paths: SweepPaths, postgresql: Server) -> None:
    from sqlalchemy import event

    url, search = postgresql.new_database(), make_search(LINE, trials=2)
    with open_study(paths, search, url) as study:
        engine, begun, lost = study._storage._backend.engine, [False], list[int]()

        @event.listens_for(engine, "before_cursor_execute")
        def watch(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
            begun[0] |= "INSERT INTO trials" in statement

        @event.listens_for(engine, "commit")
        def lose(connection: Any) -> None:
            if begun[0] and not lost:
                lost.append(1)
                connection.exec_driver_sql("COMMIT")
                connection.exec_driver_sql("BEGIN")  # what is sent to the server next fails
                postgresql.restart()

        with pytest.raises(StudyError, match="cannot be used"):
            study.claim()
        assert len(study.records()) == 1
    with open_study(paths, search, url) as study:
        assert [trial.number for trial in run(study)] == [0, 1]
        assert [record.state for record in study.records()] == [State.COMPLETED] * 2


def test_a_full_database_stops_the_sweep(paths: SweepPaths, tmp_path: Path) -> None:
    from sqlalchemy import event

    url = f"sqlite:///{tmp_path}/ledger.db"
    with open_study(paths, make_search(LINE, trials=500), url) as study:
        engine = study._storage._backend.engine

        @event.listens_for(engine, "begin")
        def limit(connection: Any) -> None:
            connection.exec_driver_sql("PRAGMA max_page_count=1")  # no smaller than it is

        with pytest.raises(WriteRefused, match=r"^sqlite:///\S+: cannot be written: No space left"):
            run(study)
        event.remove(engine, "begin", limit)
        engine.dispose()
        assert len(Ledger(paths, url).records()) < 500
        train(study, claim(study), 0.5)
