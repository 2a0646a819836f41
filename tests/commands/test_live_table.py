"""The live table: running time, the time that is left, and a ledger that is damaged meanwhile."""

from __future__ import annotations

import io
import re
from types import SimpleNamespace
from typing import Any

import pytest
from fakes import LINE, claim, make_search, open_study, train
from rich.console import Console
from rungs import rungs_search, train_job

from mnistsweep.commands import live_table
from mnistsweep.commands.live_table import LiveTable
from mnistsweep.console import SafeConsole
from mnistsweep.paths import SweepPaths
from mnistsweep.study.budget import Budget
from mnistsweep.study.ledger import Ledger


@pytest.mark.parametrize(
    ("budget", "summary"),
    [
        ({"trials": 10}, "2 of 10 trials · 2 completed · running time 1 h 1 min · about 13 min 20 s left"),
        ({"hours": 2}, "2 trials · 2 completed · running time 1 h 1 min · about 58 min 20 s left"),
        ({"trials": 10, "hours": 1.05}, "2 completed · running time 1 h 1 min · about 1 min 20 s left"),
        ({"trials": 10, "hours": 1}, "2 completed · running time 1 h 1 min · about 0 s left"),
        ({"total_epochs": 10}, "2 trials · 2 completed · running time 1 h 1 min\n"),
    ],
)
def test_the_summary_counts_the_running_time_of_all_starts(
    paths: SweepPaths, budget: dict[str, Any], summary: str
) -> None:
    running = [3600.0]
    console = Console(file=io.StringIO(), width=200)
    with open_study(paths, make_search(LINE)) as study:
        train(study, claim(study), 0.5)
        table = LiveTable(
            Ledger(paths), Budget(**budget), "max", "val_accuracy", lambda _: 5, lambda: running[0], console
        )
        train(study, claim(study), 0.25)
        running[0] = 3700.0
        console.print(table.render())
    assert summary in console.file.getvalue()  # type: ignore[attr-defined]  # a StringIO


def test_without_a_finished_trial_nothing_is_estimated(paths: SweepPaths) -> None:
    with open_study(paths, make_search(LINE)) as study:
        claim(study)
        table = LiveTable(Ledger(paths), Budget(trials=3), "max", "x", lambda _: 5, lambda: 7.0, Console())
        assert "left" not in str(table._summary(study.records()))


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_ledger_that_is_damaged_meanwhile_prints_no_traceback(
    paths: SweepPaths, is_terminal: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    written = io.StringIO()
    console = SafeConsole(file=written, force_terminal=is_terminal)
    with open_study(paths, make_search(LINE, trials=3)) as study:
        train(study, claim(study), 0.5)
        ledger = Ledger(paths)
        table = LiveTable(ledger, Budget(trials=3), "max", "val_accuracy", lambda point: 1, lambda: 0.0, console)
        with table:
            with paths.journal.open("ab") as journal:
                journal.write(b"rubbish\n")
            table.render()  # as the thread of the display does
        console.print(table.render())
    assert "1 of 3 trials · 1 completed" in written.getvalue()
    assert "Traceback" not in written.getvalue()
    assert capfd.readouterr().err == ""


def test_jobs_are_lines_and_paused_trials_are_counted(paths: SweepPaths) -> None:
    search, seconds = rungs_search(total_epochs=8), [0.0]
    console = Console(file=io.StringIO(), width=200)
    with open_study(paths, search) as study:
        table = LiveTable(Ledger(paths), search.budget, "max", "score", lambda _: 8, lambda: seconds[0], console)
        train_job(study, claim(study))
        train_job(study, claim(study))
        again = claim(study)  # continues the better of the two before its line is printed
        table._print_new()
        seconds[0] = 30.0
        console.print(table.render())
        scores = [record.paused.score for record in study.records() if record.paused is not None]
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]  # a StringIO
    assert [line.split("  ")[0] for line in lines[:2]] == [
        f"[0] trial {n} paused after epoch 1: score {scores[n]} at epoch 1" for n in (0, 1)
    ]
    assert any(line.split()[:2] == [str(again.number), "1/2"] for line in lines)
    assert "0 trials · 1 running · 1 paused · running time 30 s · about 1 min 30 s left" in lines[-1]


def test_a_notebook_has_one_display_that_is_replaced(
    paths: SweepPaths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No line for each trial, no control sequence; the best trials stay."""
    display = pytest.importorskip("IPython.display")
    shown: list[dict[str, str]] = []
    monkeypatch.setattr(live_table, "in_notebook", lambda: True)
    handle = SimpleNamespace(update=lambda bundle, raw: shown.append(bundle))
    monkeypatch.setattr(display, "display", lambda bundle, raw, display_id: [shown.append(bundle), handle][1])
    budget = Budget(trials=3)
    with (
        open_study(paths, make_search(LINE, trials=3)) as study,
        LiveTable(Ledger(paths), budget, "max", "<score>", lambda _: 5, lambda: 1.0, SafeConsole()),
    ):
        train(study, claim(study), 0.25)
        train(study, claim(study), 0.5)
    assert "starting ..." in shown[0]["text/plain"]
    plain, html = shown[-1]["text/plain"], shown[-1]["text/html"]
    assert re.findall(r"^ *(\d) +completed +([0-9.]+)", plain, re.MULTILINE) == [("1", "0.5000"), ("0", "0.2500")]
    assert "2 of 3 trials" in plain
    assert "left" not in plain
    assert "&lt;score&gt;" in html
    assert "\x1b" not in "".join(text for bundle in shown for text in bundle.values())
    assert capsys.readouterr().out == ""
