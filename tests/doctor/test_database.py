"""What `mnistsweep doctor` finds of the database of a ledger."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import command
from postgresql import Server
from sqlalchemy import create_engine, make_url, text

from mnistsweep.doctor.database import check_database
from mnistsweep.doctor.findings import Finding, Level


def only(findings: Iterator[Finding]) -> Finding:
    (found,) = findings
    return found


def test_the_journal_needs_no_database() -> None:
    assert not list(check_database(None))


def test_a_new_file_of_sqlite_is_not_created(tmp_path: Path) -> None:
    found = only(check_database(f"sqlite:///{tmp_path / 'a b.db'}"))
    assert found.level is Level.OK
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("storage", "reason"),
    [
        ("sqlite:////nowhere/x.db", "'/nowhere': it does not exist"),
        ("mysql://host/x", "mysql+mysqldb is not supported"),
        ("postgresql+psycopg://me:secret@127.0.0.1:1/x", "Connection refused"),
    ],
)
def test_a_database_that_cannot_be_used_is_a_fault(storage: str, reason: str) -> None:
    found = only(check_database(storage))
    assert found.level is Level.FAULT
    assert reason in found.text
    assert "secret" not in found.text


def test_a_server_is_described(postgresql: Server) -> None:
    found = only(check_database(postgresql.new_database()))
    assert found.level is Level.OK
    assert ": postgresql " in found.text
    assert " a statement takes " in found.text


def test_a_user_who_must_not_create_tables_is_a_fault(postgresql: Server) -> None:
    url = make_url(postgresql.new_database())
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("CREATE ROLE reader LOGIN"))
        connection.execute(text("REVOKE CREATE ON SCHEMA public FROM PUBLIC"))
    engine.dispose()
    found = only(check_database(url.set(username="reader").render_as_string(hide_password=False)))
    assert found.level is Level.FAULT
    assert found.text.endswith("this user must not create tables: GRANT CREATE ON SCHEMA public TO <user>")


def test_the_command_prints_faults_and_ends_with_code_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("mnistsweep.doctor.machine.check_backend", lambda: iter(()))
    answer = command(capfd, "doctor", "storage=sqlite:////nowhere/x.db", "logs=/dev/null", "workers=a", "lgos=b")
    assert (answer.code, answer.err) == (1, "")
    assert answer.out.count("\nfault  ") == 4
    assert "did you mean 'logs'" in answer.out
    assert answer.out.endswith("4 faults found\n")
