"""A PostgreSQL server for the tests, in a temporary folder and on a free port of this machine."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

PATIENCE_SECONDS = 60

# The data need not survive a power cut.
SETTINGS = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off", "max_connections": "200"}


# The account that must give its password; the others need none.
GUARDED = "guarded"


class Server:
    """A PostgreSQL server that accepts every connection from this machine; only `GUARDED` must give its password.

    Args:
        programs: Folder of the server's programs.
        folder: Folder of its data and its log.
        account: Account that runs the server, as arguments of `subprocess`.
    """

    def __init__(self, programs: Path, folder: Path, account: dict[str, Any]) -> None:
        self._programs, self._folder, self._account = programs, folder, account
        self._numbers = itertools.count()
        self._has_guarded = False
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        initdb: list[Any] = [programs / "initdb", "-D", folder / "data", "-U", "tester", "--auth=trust", "--no-sync"]
        initdb += ["-E", "UTF8", "--locale=C"]
        made = subprocess.run(initdb, check=False, capture_output=True, text=True, **account)
        if made.returncode:
            pytest.fail(f"initdb failed: {made.stderr}")
        rules = folder / "data" / "pg_hba.conf"
        rules.write_text(f"host all {GUARDED} 127.0.0.1/32 scram-sha-256\n{rules.read_text()}")

    def new_database(self) -> str:
        """The URL of a fresh, empty database."""
        import psycopg

        name = f"test{next(self._numbers)}"
        with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return f"postgresql+psycopg://{self._address(name).removeprefix('postgresql://')}"

    def new_guarded_database(self, password: str) -> str:
        """The address of a fresh, empty database, ``127.0.0.1:PORT/NAME``, for `GUARDED` with this password."""
        address = self.new_database().partition("@")[2]
        self.set_guarded_password(password)
        return address

    def set_guarded_password(self, password: str) -> None:
        """Give the account `GUARDED` a password."""
        import psycopg
        from psycopg import sql

        verb = "ALTER" if self._has_guarded else "CREATE"
        role = sql.SQL(f"{verb} ROLE {GUARDED} LOGIN SUPERUSER PASSWORD {{}}")  # type: ignore[arg-type]
        with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
            connection.execute(role.format(sql.Literal(password)))
        self._has_guarded = True

    def start(self) -> None:
        """Start the server, and wait until it accepts connections."""
        settings = itertools.chain.from_iterable(("-c", f"{name}={value}") for name, value in SETTINGS.items())
        command = [self._programs / "postgres", "-D", self._folder / "data", "-p", str(self.port), *settings]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, **self._account)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"the PostgreSQL server does not start: {(self._folder / 'log').read_text()}")
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server and close its connections; SIGQUIT also discards what is only in memory."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(PATIENCE_SECONDS)

    def restart(self) -> None:
        """Stop and start the server: every connection is lost, the data are kept."""
        self.stop()
        self.start()

    def _address(self, database: str) -> str:
        return f"postgresql://tester@127.0.0.1:{self.port}/{database}"

    def _answers(self) -> bool:
        import psycopg

        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(self._address("postgres"), connect_timeout=2).close()
            return True
        return False


def find_programs() -> Path | None:
    """Folder of the server's programs: the one on the path, or Debian's newest."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    debian = (path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return max(debian, key=lambda folder: float(folder.parent.name), default=None)


@contextlib.contextmanager
def running_server() -> Iterator[Server]:
    """A server that runs while the context is open; skips the test if no server is installed."""
    pytest.importorskip("psycopg", reason="needs a driver for PostgreSQL")
    programs = find_programs()
    if programs is None:
        pytest.skip("no PostgreSQL server is installed (Debian: apt-get install postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
    try:
        server = Server(programs, folder, _account(folder))
        try:
            server.start()
            yield server
        finally:
            server.stop(signal.SIGQUIT)
    finally:
        shutil.rmtree(folder)


def _account(folder: Path) -> dict[str, Any]:
    """Account that runs the server, as arguments of `subprocess`: PostgreSQL refuses to run as root."""
    if os.getuid() != 0:
        return {"cwd": folder}
    import pwd

    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = known.get("postgres") or known["nobody"]
    os.chown(folder, entry.pw_uid, entry.pw_gid)
    return {"cwd": folder, "user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
