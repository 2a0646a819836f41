"""Commands that SIGINT or SIGTERM stops: real processes that receive the signal at a known moment."""

from __future__ import annotations

import contextlib
import os
import pty
import signal
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from commands import Answer, command
from reports import kept

from mnistsweep.atomic import _TEMPORARY_NAME
from mnistsweep.errors import SweepStopped
from mnistsweep.locks import is_locked
from mnistsweep.paths import SweepPaths

# A command in a process of its own that stands still at one moment, and prints a line when it is there.
CHILD = """
import sys, time
from mnistsweep import cli

def pause(*_):
    print("reached", flush=True)
    time.sleep(100)

{moment}
sys.exit(cli.main(sys.argv[1:]))
"""

BEFORE_KERAS = """
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "keras":
            pause()
sys.meta_path.insert(0, Finder())
"""

IN_A_TRAINING = """
from mnistsweep import devices
with devices.quiet_start():
    from mnistsweep.evaluation import retraining
recorded = retraining._CurveRecorder.on_epoch_end
def on_epoch_end(self, epoch, logs=None):
    recorded(self, epoch, logs)
    pause()
retraining._CurveRecorder.on_epoch_end = on_epoch_end
"""

WRITING_THE_PAGE = """
import importlib, pathlib
from mnistsweep.html_report.sections import SECTIONS
for analysis in SECTIONS:  # drawing all of them takes seconds
    importlib.import_module(analysis.module).section = lambda _evidence: None
write_bytes = pathlib.Path.write_bytes
def write_half(path, content):
    if not content.startswith(b"<!"):
        return write_bytes(path, content)
    write_bytes(path, content[: len(content) // 2])
    pause()
pathlib.Path.write_bytes = write_half
"""

REPORT_KEPT = "mnistsweep: stopped; the models that are trained are kept; the same command continues.\n"
CLEAN_KEPT = "mnistsweep: stopped; the trainings that are finished are kept; the same command continues.\n"


def stopped(moment: str, *arguments: str, by: signal.Signals = signal.SIGTERM) -> Answer:
    """Start a command, send it a signal at a moment, and wait for its end; no process of it is left."""
    program = [sys.executable, "-c", CHILD.format(moment=moment), *arguments]
    with subprocess.Popen(
        program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as child:
        assert child.stdout is not None
        lines = list[str]()
        for line in child.stdout:
            lines.append(line)
            if line == "reached\n":
                break
        else:
            pytest.fail(f"{lines} {child.stderr and child.stderr.read()}")
        os.kill(child.pid, by)
        out, err = child.communicate()
    with pytest.raises(ProcessLookupError):
        os.killpg(child.pid, 0)
    return Answer(child.returncode, "".join(lines) + out, err)


def half_written(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob(".*") if _TEMPORARY_NAME.fullmatch(path.name)]


@pytest.mark.parametrize(
    ("by", "code"), [pytest.param(signal.SIGTERM, 143, marks=pytest.mark.slow), (signal.SIGINT, 130)]
)
def test_a_report_that_is_stopped_before_keras_is_imported(bare: Path, by: signal.Signals, code: int) -> None:
    answer = stopped(BEFORE_KERAS, "report", str(bare), by=by)
    assert (answer.code, answer.err) == (code, REPORT_KEPT)
    assert not is_locked(SweepPaths(bare).report.lock)
    assert half_written(bare) == []
    assert kept(bare) == {}


def test_a_report_that_is_stopped_while_its_page_is_written(
    folder: Path,
) -> None:
    page, before = SweepPaths(folder).report.page, kept(folder)
    page.write_text("the page before", encoding="utf-8")
    options = ["report.seeds=2", "report.robustness=false", "report.refit=true"]
    answer = stopped(WRITING_THE_PAGE, "report", str(folder), *options)
    assert (answer.code, answer.err) == (143, REPORT_KEPT)
    assert page.read_text(encoding="utf-8") == "the page before"
    assert half_written(folder) == []
    assert kept(folder) == before


@pytest.mark.slow
def test_a_report_that_is_stopped_in_a_training_continues(bare: Path, capfd: pytest.CaptureFixture[str]) -> None:
    answer = stopped(IN_A_TRAINING, "report", str(bare))
    assert (answer.code, answer.err) == (143, REPORT_KEPT)
    assert half_written(bare) == []
    made = command(capfd, "report", str(bare), "report.seeds=1", "report.robustness=false")
    assert (made.code, made.err) == (0, "")


@pytest.mark.slow
def test_cleaning_that_is_stopped_keeps_the_finished_trainings(bare: Path, capfd: pytest.CaptureFixture[str]) -> None:
    after_three = IN_A_TRAINING.replace("    pause()", "    counted.append(epoch)\n    len(counted) > 4 and pause()")
    options = ["clean.folds=3", "clean.seeds=1"]
    answer = stopped(f"counted = []\n{after_three}", "clean", str(bare), *options)
    assert (answer.code, answer.err) == (143, CLEAN_KEPT)
    assert not is_locked(SweepPaths(bare).clean.lock)
    assert half_written(bare) == []
    continued = command(capfd, "clean", str(bare), *options)
    assert continued.code == 0, continued.err
    titles = [line.partition(": ")[2] for line in continued.out.splitlines() if " of 8: " in line]
    assert titles[0] == "out-of-fold predictions, fold 3"
    assert len(titles) == 6


@pytest.mark.slow
@pytest.mark.parametrize(("by", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_training_that_is_stopped(
    tiny_data: list[str], tmp_path: Path, by: signal.Signals, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    second_epoch = """
from mnistsweep import devices
with devices.quiet_start():
    from mnistsweep.training.callbacks.history_writer import HistoryWriter
begin = HistoryWriter.on_epoch_begin
def on_epoch_begin(self, epoch, logs=None):
    begin(self, epoch, logs)
    if epoch == 1:
        print("reached", flush=True)
HistoryWriter.on_epoch_begin = on_epoch_begin
"""
    answer = stopped(second_epoch, "train", *tiny_data, "model=perceptron", "trainer.epochs=100000", by=by)
    message = "mnistsweep: stopped; the same command starts the training from the beginning, in a new folder.\n"
    assert (answer.code, answer.err) == (code, message)
    assert answer.out.splitlines()[-1] == "in logs/train/0000"
    assert sorted(path.name for path in (tmp_path / "logs" / "train" / "0000").glob("*.*"))[:1] == ["config.yaml"]


COMMANDS = {
    "status": ("status.print_status", "stopped."),
    "export": ("export.export", "stopped."),
    "stop": ("stop.stop", "stopped; a request to stop that was sent to the workers stands."),
    "report": ("report.report", "stopped; the models that are trained are kept; the same command continues."),
    "clean": ("clean.clean", "stopped; the trainings that are finished are kept; the same command continues."),
    "train": ("train.train", "stopped; the same command starts the training from the beginning, in a new folder."),
}


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("turned_into_an_error", [False, True])
def test_each_command_ends_with_a_message(
    name: str, turned_into_an_error: bool, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where code of a user or of a backend catches the interrupt and raises an error of its own."""
    function, message = COMMANDS[name]
    module, _, attribute = function.partition(".")

    def interrupted(*_: Any, **__: Any) -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(100)
        except KeyboardInterrupt as interrupt:
            if turned_into_an_error:
                raise SweepStopped("the training failed") from interrupt
            raise

    monkeypatch.setattr(import_module(f"mnistsweep.commands.{module}"), attribute, interrupted)
    before = signal.getsignal(signal.SIGTERM)
    answer = command(capfd, name, *([] if name == "train" else ["sweep"]))
    assert (answer.code, answer.out, answer.err) == (143, "", f"mnistsweep: {message}\n")
    assert signal.getsignal(signal.SIGTERM) is before


# A progress bar on a terminal; the process stands still within the bar, and again while it stops.
BAR = """
import os, sys, time
from rich.console import Console
from mnistsweep.progress_bar import StepProgress
from mnistsweep.stop_signal import StopSignal

def pause():
    os.write(2, b"reached\\n")  # the bar redirects sys.stderr
    time.sleep(100)

try:
    with StopSignal(interrupts=True), StepProgress(Console(), 2) as steps:
        steps.start_step("training")
        try:
            pause()
        finally:
            sys.argv[1] == "2" and pause()
except KeyboardInterrupt:
    sys.exit(1)
"""


def all_output(terminal: int) -> bytes:
    """What was written to a terminal that is closed on the other side; one call reads at most 4 KiB of it."""
    shown = b""
    with contextlib.suppress(OSError):  # EIO: the end
        while part := os.read(terminal, 100_000):
            shown += part
    return shown


@pytest.mark.parametrize("signals", [1, 2])
def test_a_progress_bar_leaves_the_cursor_visible(signals: int) -> None:
    """The second signal ends the process at once, so that the bar cannot end by itself."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", BAR, str(signals)], stdout=theirs, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "TERM": "xterm"},
    ) as child:  # fmt: skip
        assert child.stderr is not None
        for _ in range(signals):
            assert child.stderr.readline() == "reached\n"
            os.kill(child.pid, signal.SIGTERM)
        child.stderr.read()
    os.close(theirs)
    shown = all_output(ours)
    os.close(ours)
    assert child.returncode == (143 if signals == 2 else 1)
    assert shown.index(b"\x1b[?25l") < shown.rindex(b"\x1b[?25h")
    assert shown.rindex(b"\x1b[?25l") < shown.rindex(b"\x1b[?25h")
