"""Real sweeps that start warm."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from commands import sweep_with_curves
from fakes import RunSweep, wait_until
from running_sweeps import Folder

from mnistsweep.study.ledger import Ledger
from mnistsweep.study.sweep import Sweep
from mnistsweep.study.warm_start_file import read_warm_start

SEARCH = ("trainer.epochs=2", "model.dropout=interval(0,0.6)", "optimizer.learning_rate=tag(log,interval(1e-4,1e-1))")
WARM = (*SEARCH, "warm_start=logs/former", "oracle=freeze_thaw", "trials=null")


def decisions(sweep: Sweep) -> list[tuple[object, ...]]:
    return [(one.point, dict(one.values), one.seed) for one in Ledger(sweep.paths).records()]


def test_a_warm_search_is_the_same_when_it_is_continued_without_the_former_folder(
    run_sweep: RunSweep, tiny_data: list[str]
) -> None:
    model = [*tiny_data, "model=perceptron"]
    curves = [[0.1 * index, 0.1 * index + 0.05] for index in range(9)]
    former = sweep_with_curves([*model, *SEARCH, "name=former", "oracle=random", "trials=10"], curves)
    points = [record.point for record in Ledger(former.paths).records()]
    once = run_sweep([*WARM, "name=once", "total_epochs=3"])
    assert [dict(trial.values) for trial in read_warm_start(once.paths).trials] == [
        dict(enumerate(values, start=1)) for values in curves
    ]
    first = Ledger(once.paths).records()[0].point
    assert first not in points[:1]  # the random point at which a search without a warm start begins
    nearest = min(
        range(9), key=lambda index: abs(float(points[index]["model.dropout"]) - float(first["model.dropout"]))
    )  # type: ignore[arg-type]
    assert nearest >= 7
    run_sweep([*WARM, "name=twice", "total_epochs=1"])
    shutil.rmtree(former.paths.folder)
    twice = run_sweep([*WARM, "name=twice", "total_epochs=3"])
    assert decisions(twice) == decisions(once)
    assert sum(record.last_epoch for record in Ledger(twice.paths).records()) == 3


@pytest.mark.slow
@pytest.mark.parametrize("oracle", ["freeze_thaw", "asha", "tpe"])
def test_a_warm_search_that_is_killed_goes_on_as_if_nothing_had_happened(
    tiny_data: list[str], tmp_path: Path, oracle: str
) -> None:
    folder = Folder(tmp_path, tiny_data)
    folder.run("former", *SEARCH, "oracle=random", "trials=5")
    warm = [*SEARCH, "warm_start=logs/former", f"oracle={oracle}", "trials=3", "total_epochs=4"]
    printed = folder.run("whole", *warm)
    assert "warm start: 5 of 5 trials of logs/former; same dimensions: model.dropout, optimizer.learning" in printed
    process = folder.start("killed", *warm)
    wait_until(lambda: folder.running("killed", 0) or folder.records("killed"))
    process.kill()
    process.communicate()
    shutil.rmtree(folder.paths("former").folder)
    folder.run("killed", *warm)
    assert folder.table("killed") == folder.table("whole")
