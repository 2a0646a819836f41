"""`notify.command` and `notify.url`: real commands and a real server, some of which fail or hang."""

from __future__ import annotations

import json
import os
import re
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from commands import command
from fake_workers import plan_of, workers

from mnistsweep.commands import posting
from mnistsweep.commands.posting import post
from mnistsweep.commands.shell_command import run_shell
from mnistsweep.commands.sweep import run_sweep
from mnistsweep.config.schema import Config, NotifyConfig
from mnistsweep.config.start_checks import check_start_keys
from mnistsweep.errors import SweepStopped
from mnistsweep.planning.plan_file import read_plan

Capture = pytest.CaptureFixture[str]

pytestmark = pytest.mark.usefixtures("no_secrets")


class Hook:
    """A server that answers with given statuses, then with 204; `None` is no answer until the test has ended."""

    def __init__(self, *statuses: int | None) -> None:
        self.statuses = list(statuses)
        self.received: list[tuple[dict[str, str], Any]] = []
        self.ended = threading.Event()
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.received.append((dict(self.headers), json.loads(body)))
                status = hook.statuses.pop(0) if hook.statuses else 204
                if status is None:
                    hook.ended.wait()
                    return
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, *arguments: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, user: str = "") -> str:
        return f"http://{user}127.0.0.1:{self.server.server_address[1]}/services/T0/secretpath"


@pytest.fixture
def hooks() -> Iterator[Any]:
    made: list[Hook] = []

    def make(*statuses: int | None) -> Hook:
        made.append(Hook(*statuses))
        return made[-1]

    yield make
    for hook in made:
        hook.ended.set()
        hook.server.shutdown()
        hook.server.server_close()


@pytest.fixture(autouse=True)
def working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(posting, "FIRST_PAUSE_SECONDS", 0.01)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def test_a_server_that_fails_twice_gets_the_document_in_the_third_try(hooks: Any, capfd: Capture) -> None:
    hook = hooks(500, 503)
    assert run_sweep(plan_of("trials=2", f"notify.url={hook.url('me:p%40ss@')}"), workers()) == 0
    assert len(hook.received) == 3
    headers, document = hook.received[-1]
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    assert headers["Authorization"] == "Basic bWU6cEBzcw=="
    assert (document["state"], document["exit_code"], document["best"]["objective"]) == ("complete", 0, 0.5)
    assert "notify" not in capfd.readouterr().out
    assert run_sweep(plan_of("trials=2", f"notify.url={hook.url()}"), workers()) == 0  # complete: nothing has ended
    assert len(hook.received) == 3


@pytest.mark.parametrize(
    ("statuses", "reason"),
    [([404], "HTTP status 404, after 1 try"), ([302], "HTTP status 302, a redirection; write the new address")],
)
def test_an_answer_that_will_not_change_is_one_line(
    hooks: Any, statuses: list[int], reason: str, capfd: Capture
) -> None:
    hook = hooks(*statuses)
    assert run_sweep(plan_of("trials=2", f"notify.url={hook.url()}"), workers()) == 0
    (line,) = [line for line in capfd.readouterr().out.splitlines() if "notify" in line]
    assert line.startswith(f"warning: notify.url: {reason}")
    assert line.endswith("; the sweep is not affected.")
    assert len(hook.received) == 1


def test_a_server_without_an_answer_and_a_command_that_hangs_are_left_at_the_deadline(
    hooks: Any, capfd: Capture, tmp_path: Path
) -> None:
    hook = hooks(None)
    hang = f"notify.command='echo $$ > {tmp_path}/pid; sleep 1000'"
    start = time.monotonic()
    assert (
        run_sweep(plan_of("trials=2", f"notify.url={hook.url()}", hang, "notify.timeout_seconds=0.5"), workers()) == 0
    )
    assert time.monotonic() - start < 100
    lines = [line for line in capfd.readouterr().out.splitlines() if "notify" in line]
    assert [line.split(":")[1].strip() for line in lines] == ["notify.command", "notify.url"]
    assert "killed after 0.5 s (notify.timeout_seconds)" in lines[0]
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}").exists()


def test_a_command_gets_the_document_and_variables(capfd: Capture, tmp_path: Path) -> None:
    script = (
        'cat > document.json; echo "$MNISTSWEEP_NAME $MNISTSWEEP_STATE $MNISTSWEEP_EXIT_CODE $MNISTSWEEP_FOLDER" > v;'
        "env | grep -c MNISTSWEEP_SECRET > secrets; exit 0"
    )
    with pytest.raises(SweepStopped, match="no luck"):
        run_sweep(plan_of(f"notify.command='{script}'"), workers(fails=True))
    document = json.loads((tmp_path / "document.json").read_text())
    assert (document["state"], document["exit_code"], document["best"]) == ("failed", 1, None)
    assert "no luck" in document["reason"]
    assert (tmp_path / "v").read_text() == f"s failed 1 {tmp_path / 'logs/s'}\n"
    assert (tmp_path / "secrets").read_text() == "0\n"


def test_a_command_that_fails_is_quoted_and_one_that_reads_nothing_is_fine(capfd: Capture) -> None:
    assert run_sweep(plan_of("notify.command='echo no mail >&2; exit 3'"), workers()) == 0
    printed = capfd.readouterr().out
    assert "warning: notify.command: exit code 3: no mail; the sweep is not affected.\n" in printed
    assert run_sweep(plan_of("name=t", "notify.command='true'"), workers()) == 0
    assert "notify" not in capfd.readouterr().out


@pytest.mark.parametrize("before", [0, 190, 100_000])
def test_no_part_of_a_secret_is_quoted(before: int) -> None:
    environment = {**os.environ, "MY_TOKEN": "qwertzuiop", "HOOK": "https://host/services/T0/asdfghjkl"}
    script = f'echo first >&2; printf "%0{before}d$MY_TOKEN $HOOK" 1 >&2; exit 4'
    fault = run_shell(script, "{}", environment, time.monotonic() + 60)
    zeros = "0" * (before - 1) + "1"
    assert fault == {0: "exit code 4: 1*** ***", 190: f"exit code 4: {zeros}*** ***", 100_000: "exit code 4"}[before]


@pytest.mark.parametrize(("code", "notified"), [(143, ["interrupted 143"]), (130, [])])
def test_an_interrupt_by_a_signal_is_notified_but_not_ctrl_c(
    code: int, notified: list[str], capfd: Capture, tmp_path: Path
) -> None:
    line = "notify.command='echo $MNISTSWEEP_STATE $MNISTSWEEP_EXIT_CODE >> told'"
    assert run_sweep(plan_of(line), workers(code=code)) == code
    told = tmp_path / "told"
    assert (told.read_text().splitlines() if told.exists() else []) == notified


def test_the_address_is_a_secret(capfd: Capture, tmp_path: Path) -> None:
    url = "http://127.0.0.1:9/services/T0/secretpath"  # nothing listens there
    assert run_sweep(plan_of(f"notify.url={url}", "notify.timeout_seconds=0.2"), workers()) == 0
    printed = capfd.readouterr()
    assert "warning: notify.url: " in printed.out
    files = [path.read_bytes() for path in (tmp_path / "logs").rglob("*") if path.is_file()]
    assert not [text for text in [printed.out.encode(), printed.err.encode(), *files] if b"secretpath" in text]
    assert b"${oc.env:MNISTSWEEP_SECRET_NOTIFY_URL}" in (tmp_path / "logs/s/sweep.yaml").read_bytes()
    answer = command(capfd, "status", "s", "--json")
    assert answer.code == 0
    assert "secretpath" not in answer.out


def test_later_commands_do_not_need_the_address(capfd: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", "http://127.0.0.1:9/services/T0/secretpath")
    plan = plan_of("notify.url=${oc.env:HOOK}", "notify.timeout_seconds=0.2")
    assert run_sweep(plan, workers()) == 0
    monkeypatch.delenv("HOOK")
    stored = read_plan(plan.paths)
    assert stored.composer.plain({"model.dropout": 0.1}, 1)["model"]["dropout"] == 0.1
    assert command(capfd, "status", "s").code == 0


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("ftp://host/a", "begins with ftp:"),
        ("file:///etc/passwd", "begins with file:"),
        ("host/a", "has no scheme"),
        ("https:///a", "names no host"),
        ("https://host:99999/a", "has an invalid host or port"),
        ("https://host/a b", "contains a space or a control character"),
        ("https://host/ä", "contains letters that must be percent-encoded"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_without_showing_it(url: str, fault: str) -> None:
    (message,) = check_start_keys(Config(notify=NotifyConfig(url=url)))
    rule = "notify.url: must be an http or https address"
    assert message == f"{rule}; received one that {fault}; write https://HOST/PATH, in quotes."


def test_wrong_keys_are_refused_together_before_anything_is_written(capfd: Capture, tmp_path: Path) -> None:
    wrong = ["if_running=wait", "notify.command=' '", "notify.timeout_seconds=0", "notify.url=ftp://host/secretpath"]
    answer = command(capfd, "sweep", "model.dropout=0,0.1", *wrong)
    assert (answer.code, list(tmp_path.iterdir())) == (2, [])
    assert "secretpath" not in answer.err
    assert sorted(line.removeprefix("mnistsweep: ").partition(";")[0] for line in answer.err.splitlines()) == [
        "if_running: must be join, skip or fail",
        "notify.command: must be a command for the shell, or null",
        "notify.timeout_seconds: must be between 0.1 and 600",
        "notify.url: must be an http or https address",
    ]


def test_the_time_for_tries_is_limited(hooks: Any) -> None:
    hook = hooks(*[503] * 1000)
    fault = post(hook.url(), "{}", time.monotonic() + 0.3)
    assert re.fullmatch(r"HTTP status 503, after \d+ tries", str(fault))
    assert 2 <= len(hook.received) < 10
