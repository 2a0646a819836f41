"""A sweep with confirmations from the command line: continued, shown, exported, and rebuilt from its files."""

from __future__ import annotations

import pytest
from commands import command
from fakes import RunSweep

from mnistsweep.study.ledger import Ledger
from mnistsweep.study.records import State
from mnistsweep.text import percent


@pytest.mark.slow
def test_a_rebuilt_ledger_knows_which_trials_confirm_others(
    run_sweep: RunSweep, capfd: pytest.CaptureFixture[str]
) -> None:
    search = ["model.layer_size=8,16", "model.dropout=interval(0,0.5)", "oracle=random", "name=s", "trials=3"]
    assert run_sweep(search).expected.empty
    sweep = run_sweep([*search, "confirm.top=2", "confirm.seeds=1"])  # the search is complete already
    paths = sweep.paths
    expected = sweep.expected.iloc[0]
    assert f"best of all tried with probability {percent(expected['probability'], 0)}" in paths.best.read_text()
    assert expected["low"] < expected["expected"] < expected["high"]
    assert len(expected["trials"]) == 2
    assert "2 confirmations" in command(capfd, "status", str(paths.folder)).out
    before = Ledger(paths).records()
    assert len([record for record in before if record.confirms is not None]) == 2
    last = before[-1]
    table = [line for line in paths.results.read_text().splitlines(True) if not line.startswith(f"{last.number},")]
    paths.results.write_text("".join(table))
    paths.journal.unlink()
    assert (
        f"Trial {last.number} is not in results.csv; it is trained again."
        in command(capfd, "repair", str(paths.folder)).out
    )
    after = Ledger(paths).records()
    assert [(one.confirms, one.seed, one.result.objective) for one in after[:-1]] == [
        (one.confirms, one.seed, one.result.objective) for one in before[:-1]
    ]
    assert (after[-1].state, after[-1].confirms) == (State.RUNNING, last.confirms)
