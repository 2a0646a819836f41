"""Secrets of whole sweeps: in no file, in no output and in no command line of a process, but used all the same."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest
import yaml
from commands import Answer, command, open_sweep_of
from fakes import RunSweep, wait_until
from postgresql import GUARDED, Server

from mnistsweep import redaction
from mnistsweep.paths import SweepPaths
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.records import State

PASSWORD = "pass/w@rd:äö 7"
TOKEN = "tok'en-{4711}"
API_KEY = "apikey-0815"
DSN_PASSWORD = "dsn!4712"
SECRETS = (PASSWORD, quote(PASSWORD, safe="/:"), "w@rd:äö", "w%40rd", TOKEN, "en-{4711}", API_KEY, DSN_PASSWORD)

CODE = """
import numpy as np
import keras

def load(path, token, login=None, dsn=None):
    if token != EXPECTED or (dsn and dsn != "host=h password=dsn!4712 user=me"):
        raise ValueError(f"no access with {token}")
    print("loads with", token, dsn, flush=True)
    arrays = np.load(path)
    return (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])

def net(input_shape, classes, auth, fails):
    if fails:
        raise ValueError(f"{auth['api_key']} was refused, {auth!r}")
    return keras.Sequential([keras.Input(input_shape), keras.layers.Flatten(), keras.layers.Dense(classes, "softmax")])
"""


pytestmark = pytest.mark.usefixtures("no_secrets")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working directory with the code of a user, which is not searched for secrets."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("COLUMNS", "500")
    (tmp_path / "secretive.py").write_text(CODE.replace("EXPECTED", repr(TOKEN)), encoding="utf-8")
    yield tmp_path
    sys.modules.pop("secretive", None)


@pytest.fixture
def overrides(tiny_file: Path) -> list[str]:
    token = TOKEN.replace("'", "\\'")
    return [
        *("name=s", "data=custom", "data._target_=secretive.load", f"+data.path='{tiny_file}'", "data.validation=60"),
        *(f"+data.token='{token}'", "model._target_=secretive.net", f"+model.auth={{user: me, api_key: {API_KEY}}}"),
        *("+model.fails=false,true", "trainer.epochs=1", "oracle=grid"),
    ]


def storage_of(server: Server, password: str = PASSWORD) -> str:
    address = server.new_guarded_database(password)
    return f"storage='postgresql+psycopg://{GUARDED}:{quote(password, safe='/:')}@{address}'"


def assert_no_secret(*texts: str) -> None:
    for text in texts:
        assert [secret for secret in SECRETS if secret in text] == []


def assert_kept_nowhere(folder: Path) -> None:
    """Search all files of all sweeps in a folder, also for the form that JSON and YAML give to a secret."""
    escaped = [*SECRETS, *(secret.encode("unicode_escape").decode() for secret in SECRETS), TOKEN.replace("'", "''")]
    files = [path for path in (folder / "logs").rglob("*") if path.is_file()]
    assert len(files) >= 4
    for file in files:
        content = file.read_bytes()
        assert [secret for secret in escaped if secret.encode() in content] == [], file


def forget() -> None:
    """Remove what an earlier command of this process knows, as a new process would not know it."""
    redaction._known.clear()
    for name in [name for name in os.environ if name.startswith(redaction.VARIABLE_PREFIX)]:
        del os.environ[name]


SLOW = [pytest.param(kind, marks=pytest.mark.slow) for kind in ("journal", "sqlite", "postgresql")]


@pytest.mark.parametrize("kind", SLOW)
def test_a_sweep_keeps_no_secret(
    kind: str, folder: Path, overrides: list[str], run_sweep: RunSweep, request: pytest.FixtureRequest
) -> None:
    storages = {"journal": "storage=null", "sqlite": f"storage=sqlite:///{folder}/logs/s.db"}
    storage = storages.get(kind) or storage_of(request.getfixturevalue("postgresql"))
    (folder / "logs").mkdir()
    sweep = run_sweep([*overrides, storage, f"+data.dsn='host=h password={DSN_PASSWORD} user=me'"])
    assert list(sweep.trials["state"]) == ["completed", "failed"]
    assert sweep.trials["reason"][1] == "ValueError: *** was refused, {'user': 'me', 'api_key': '***'}"
    assert "ValueError: *** was refused" in sweep.paths.trial(1).error.read_text()
    assert_kept_nowhere(folder)
    recorded = yaml.safe_load(sweep.paths.trial(0).config.read_text())
    assert recorded["data"]["token"] == "${oc.env:MNISTSWEEP_SECRET_DATA_TOKEN}"
    assert recorded["model"]["auth"] == {"user": "me", "api_key": "${oc.env:MNISTSWEEP_SECRET_MODEL_AUTH_API_KEY}"}


def ask(capfd: pytest.CaptureFixture[str], *arguments: str) -> Answer:
    answer = command(capfd, *arguments)
    assert_no_secret(answer.out, answer.err)
    return answer


def test_the_password_comes_from_where_libpq_finds_it(
    folder: Path, overrides: list[str], postgresql: Server, capfd: pytest.CaptureFixture[str]
) -> None:
    open_sweep_of([*overrides, storage_of(postgresql)])
    assert ask(capfd, "status", "s").out.startswith("logs/s: 0 of 2 trials")  # the variable is still set
    forget()
    for name in ("status", "stop", "report", "clean"):
        answer = ask(capfd, name, "s")
        assert answer.code == 2
        assert answer.err.startswith(f"mnistsweep: storage: the ledger postgresql+psycopg://{GUARDED}@127.0.0.1:")
        assert answer.err.endswith(
            "no password supplied; the password is in no file of the sweep: set PGPASSWORD or "
            "MNISTSWEEP_SECRET_STORAGE, or write it to ~/.pgpass.\n"
        )
    os.environ["PGPASSWORD"] = "not the password"
    assert "password authentication failed" in ask(capfd, "status", "s").err
    os.environ["PGPASSWORD"] = PASSWORD
    assert ask(capfd, "status", "s").out.startswith("logs/s: 0 of 2 trials")
    assert ask(capfd, "stop", "s").code == 0
    del os.environ["PGPASSWORD"]
    file = folder / "pgpass"
    file.write_text(f"*:*:*:{GUARDED}:{PASSWORD.replace(':', chr(92) + ':')}\n", encoding="utf-8")
    file.chmod(0o600)
    os.environ["PGPASSFILE"] = str(file)
    assert ask(capfd, "status", "s").out.startswith("logs/s: 0 of 2 trials")


def test_a_url_from_the_environment_stays_a_reference(
    folder: Path, overrides: list[str], postgresql: Server, capfd: pytest.CaptureFixture[str]
) -> None:
    os.environ["LEDGER"] = storage_of(postgresql).partition("=")[2].strip("'")
    os.environ["LOGIN"] = "login-unknown"
    plan = open_sweep_of([*overrides, "storage='${oc.env:LEDGER}'", "+data.login='${oc.env:LOGIN}'"])
    assert (plan.config.storage, plan.config.data["login"]) == (os.environ["LEDGER"], "login-unknown")
    recorded = yaml.safe_load(plan.paths.sweep.read_text())["plan"]["config"]
    assert (recorded["storage"], recorded["data"]["login"]) == ("${oc.env:LEDGER}", "${oc.env:LOGIN}")
    assert "login-unknown" not in plan.paths.sweep.read_text()
    assert ask(capfd, "status", "s").code == 0
    del os.environ["LEDGER"], os.environ["LOGIN"]
    forget()
    answer = ask(capfd, "status", "s")
    assert (answer.code, answer.err) == (2, "mnistsweep: storage: the environment variable LEDGER is not set.\n")


def test_another_password_is_not_another_search(folder: Path, overrides: list[str], postgresql: Server) -> None:
    storage = storage_of(postgresql)
    plan = open_sweep_of([*overrides, storage])
    forget()
    address = storage.rpartition("@")[2].rstrip("'")
    postgresql.set_guarded_password("another one")
    os.environ["PGPASSWORD"] = "another one"
    open_sweep_of([*overrides, f"storage=postgresql+psycopg://{GUARDED}@{address}", f"model.auth.api_key={API_KEY}x"])
    open_sweep_of([*overrides, f"storage=postgresql+psycopg://{GUARDED}:***@{address}"])
    assert Ledger(plan.paths, plan.config.storage.replace(quote(PASSWORD, safe="/:"), "another%20one")).records() == []
    assert_kept_nowhere(folder)


def test_a_secret_that_was_not_saved_is_asked_for_before_anything_is_trained(
    folder: Path, overrides: list[str], run_sweep: RunSweep, capfd: pytest.CaptureFixture[str]
) -> None:
    paths = run_sweep([*overrides, "trials=1"]).paths
    forget()
    assert ask(capfd, "status", "s").code == 0
    exported = ask(capfd, "export", "s")
    assert yaml.safe_load(exported.out)["data"]["token"] == "${oc.env:MNISTSWEEP_SECRET_DATA_TOKEN}"
    assert_kept_nowhere(folder)
    before = sorted(path for path in folder.rglob("*"))
    for arguments in (["report", "s"], ["clean", "s"], ["train", "--config-dir", "logs/s", "--config-name", "best"]):
        answer = ask(capfd, *arguments)
        assert answer.code == 2
        assert answer.err == (
            "mnistsweep: data.token: the value is a secret, which no file keeps; set the environment variable "
            "MNISTSWEEP_SECRET_DATA_TOKEN, or write '${oc.env:NAME}' with a variable of your own.\n"
        )
    assert sorted(path for path in folder.rglob("*")) == before
    os.environ["MNISTSWEEP_SECRET_DATA_TOKEN"], os.environ["MNISTSWEEP_SECRET_MODEL_AUTH_API_KEY"] = TOKEN, API_KEY
    from mnistsweep.evaluation.selection import select

    selection = select(paths.folder)
    config = selection.config_of(selection.winner)
    assert (config.data["token"], config.model["auth"]["api_key"]) == (TOKEN, API_KEY)
    assert selection.kept_config_of(selection.winner)["data"]["token"] == "${oc.env:MNISTSWEEP_SECRET_DATA_TOKEN}"


def test_files_of_earlier_versions_with_secrets_are_read_and_written_again_without(
    folder: Path, overrides: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    plan = open_sweep_of([*overrides, "oracle=random", "trials=3"])
    file = plan.paths.sweep
    old = file.read_text().replace("${oc.env:MNISTSWEEP_SECRET_DATA_TOKEN}", "'the old token'")
    old = old.replace("${oc.env:MNISTSWEEP_SECRET_MODEL_AUTH_API_KEY}", API_KEY)
    content = yaml.safe_load(old.replace("''the old token''", "the old token"))
    content["command"] = f"mnistsweep sweep name=s +data.token='{'the old token'}'"
    file.write_text(yaml.safe_dump(content))
    journal = plan.paths.journal
    journal.write_text(journal.read_text().replace("***", "the old token"))
    before = Ledger(plan.paths)
    assert before.records() == []
    with caplog.at_level(logging.WARNING, "mnistsweep"):
        open_sweep_of([*overrides, "oracle=random", "trials=3"])
    assert f"{file}: held a secret that an earlier version wrote" in caplog.text
    assert "the old token" not in file.read_text()
    assert yaml.safe_load(file.read_text())["command"] == "mnistsweep sweep name=s '+data.token=***'"
    caplog.clear()
    open_sweep_of([*overrides, "oracle=random", "trials=3"])
    assert caplog.text == ""


@pytest.mark.parametrize(
    "options", [["--cfg", "job"], ["--cfg", "all", "--resolve"], ["--cfg", "job", "--package", "data.token"],
                ["--info", "all"], ["--info", "config"], ["--nonsense"], ["model.nonsense=1"], ["+data.token={a"],
                ["storage=oracle://u:pass/w@rd:äö 7@h/db"], ["storage=postgresql+psycopg://u:w@rd:äö@/x"]],
)  # fmt: skip
def test_no_output_shows_a_secret(
    options: list[str], folder: Path, overrides: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    own = folder / "own" / "data"
    own.mkdir(parents=True)
    (own / "mine.yaml").write_text(f"defaults: [base, _self_]\n_target_: secretive.load\ntoken: {API_KEY}\npath: x\n")
    answer = ask(capfd, "sweep", *overrides, "--config-dir", "own", *options)
    assert answer.code == (0 if options[0] in ("--cfg", "--info") else 2)
    assert (answer.out + answer.err).strip()
    if answer.code == 0:
        forget()
        answer = ask(capfd, "sweep", "data=mine", "--config-dir", "own", *options)
        assert answer.code == 0


def command_lines(pid: int) -> Iterator[str]:
    """The command lines of a process and of all its descendants."""
    try:
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            yield " ".join(one.cmdline())
    except psutil.NoSuchProcess:
        return


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["local", "joblib"])
def test_real_processes_show_and_keep_no_secret(
    launcher: str, folder: Path, overrides: list[str], postgresql: Server
) -> None:
    program = str(Path(sys.executable).with_name("mnistsweep"))
    storage = storage_of(postgresql)
    printed = ""

    def run(*arguments: str, code: int = 0) -> None:
        nonlocal printed
        with (folder / "printed").open("w+", encoding="utf-8") as out:
            process = subprocess.Popen([program, *arguments], stdout=out, stderr=out)
            seen: set[str] = set()
            while process.poll() is None:
                seen.update(command_lines(process.pid))
                time.sleep(0.05)
            out.seek(0)
            printed = out.read()
        assert process.returncode == code, printed
        assert_no_secret(printed)
        plain = [line for line in seen if API_KEY in line]
        assert len(plain) <= 1  # the command itself, until it executes itself again
        assert_no_secret(*seen.difference(plain))
        workers = [line for line in seen if "mnistsweep.workers.worker" in line or "joblib" in line]
        assert workers or arguments[0] != "sweep"

    run("sweep", *overrides, storage, f"hydra/launcher={launcher}", "workers=2")
    assert_kept_nowhere(folder)
    paths = SweepPaths(folder / "logs" / "s")
    if launcher == "local":
        assert "loads with ***" in "".join(log.read_text() for log in paths.worker_logs)
    os.environ["PGPASSWORD"] = PASSWORD
    run("report", "s", "report.seeds=1", code=2)
    os.environ["MNISTSWEEP_SECRET_DATA_TOKEN"], os.environ["MNISTSWEEP_SECRET_MODEL_AUTH_API_KEY"] = TOKEN, API_KEY
    run("report", "s", "report.seeds=1")
    assert "+data.token=***" in (paths.report.folder / "index.html").read_text()
    run("train", "--config-dir", "logs/s", "--config-name", "best")
    assert_kept_nowhere(folder)


@pytest.mark.slow
def test_a_masked_command_still_answers_signals(folder: Path, overrides: list[str], postgresql: Server) -> None:
    program = [sys.executable, "-m", "mnistsweep.cli"]
    command = [*program, "sweep", *overrides, "trainer.epochs=100000", "trials=1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    paths = SweepPaths(folder / "logs" / "s")
    wait_until(lambda: process.poll() is not None or paths.trial(0).history.is_file())
    assert "+data.token=***" in " ".join(psutil.Process(process.pid).cmdline())
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate()
    assert process.returncode == 130, printed
    assert [record.state for record in Ledger(paths).records()] == [State.RUNNING]
