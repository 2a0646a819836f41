"""The file best.yaml."""

from __future__ import annotations

from mnistsweep.atomic import write_yaml
from mnistsweep.paths import SweepPaths
from mnistsweep.study.records import Result, State, TrialRecord
from mnistsweep.study.sweep import Sweep
from mnistsweep.study.views import write_best


def test_best_yaml_is_the_trials_configuration_with_its_origin(paths: SweepPaths) -> None:
    write_yaml(paths.trial(3).config, {"model": {"dropout": 0.25}, "name": "größer"})
    spread = TrialRecord(3, State.COMPLETED, {}, 0, Result(0.1 + 0.2, 4, 5, std=0.001234567))
    write_best(paths, spread, "val_accuracy")
    head = paths.best.read_text(encoding="utf-8").splitlines()[0]
    assert head == (
        "# Trial 3 of the sweep 'search': val_accuracy 0.30000000000000004 at epoch 4 "
        "(standard deviation over repeats 0.001235)."
    )
    assert Sweep(paths).best == {"model": {"dropout": 0.25}, "name": "größer"}
