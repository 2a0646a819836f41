"""What was learnt, as the commands print it and as `load_sweep` returns it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from commands import command
from fakes import train

import mnistsweep
from mnistsweep.commands.sweep import run_sweep
from mnistsweep.config.recipe import Recipe
from mnistsweep.planning.plan import Plan
from mnistsweep.planning.planner import plan_sweep
from mnistsweep.study.leases import Lease
from mnistsweep.study.storage.stores import open_coordinator
from mnistsweep.study.study import Study
from mnistsweep.workers.search_settings import make_search_settings

RANGES = ("model.dropout=interval(0,0.5)", "optimizer.learning_rate=tag(log,interval(1e-4,1e-1))")


def launch(plan: Plan, session: str) -> list[int]:
    """One worker, for which only the dropout matters."""
    with Lease(plan.paths, open_coordinator(plan.paths, None)) as lease:
        study = Study(plan.paths, make_search_settings(plan, plan.paths), lease, None, session, lambda: 0.0)
        while (found := study.claim()) is not None:
            train(study, found, 0.9 - found.point["model.dropout"] + 0.001 * found.number % 0.01)
    return [0]


@pytest.mark.parametrize("trials", [4, 24])
def test_the_summary_status_and_load_sweep_say_the_same(tmp_path, monkeypatch, capfd, trials):
    monkeypatch.chdir(tmp_path)
    plan = plan_sweep(Recipe(), ["name=s", "trainer.epochs=1", "oracle=random", f"trials={trials}", *RANGES])
    plan = replace(plan, command="mnistsweep sweep name=s 'model.dropout=interval(0,0.5)'")
    assert run_sweep(plan, launch) == 0
    printed = capfd.readouterr().out
    learnt = mnistsweep.load_sweep(Path("logs/s")).learnt

    assert printed.endswith(f"{learnt}\n")
    assert command(capfd, "status", "logs/s").out.endswith(f"{learnt}\n")
    if trials == 4:
        assert learnt.sentences[0] == (
            "Nothing can be said yet about what mattered and what did not: 4 trials with a result are too few, 10 are "
            "needed."
        )
        assert learnt.command == "mnistsweep sweep name=s 'model.dropout=interval(0,0.5)' trials=8"
    else:
        assert learnt.important == ("model.dropout",)
        assert learnt.command.startswith("mnistsweep sweep name=s-2 'model.dropout=interval(0.0,0.")


def test_status_of_a_sweep_that_goes_on_says_nothing_yet(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)

    plan = plan_sweep(Recipe(), ["name=s", "trainer.epochs=1", "oracle=random", "trials=4", *RANGES])
    run_sweep(plan, launch)
    assert "Nothing can be said yet" in capfd.readouterr().out
    more = plan_sweep(Recipe(), ["name=s", "trainer.epochs=1", "oracle=random", "trials=6", *RANGES])
    run_sweep(more, lambda plan, session: [130])
    assert "Nothing can be said yet" not in command(capfd, "status", "logs/s").out
