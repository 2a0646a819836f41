"""Export of the best configuration when best.yaml is not what the ledger gives."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from commands import command, finished_sweep

from mnistsweep.commands.sweep_files import finish_files
from mnistsweep.study.ledger import Ledger

DROPOUT = "model.dropout=0,0.2"
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("dropout: 0.2", "dropout: 0.7", "model.dropout differs"),
        ("\nseed:", "\nmore: 1\nseed:", "more differs"),
        ("objective: val_accuracy\n", "", "objective differs"),
    ],
)
def test_an_edited_best_configuration_is_not_exported(old: str, new: str, fault: str, capfd: Capture) -> None:
    paths = finished_sweep([DROPOUT], [0.5, 0.9]).paths
    before = paths.best.read_text(encoding="utf-8")
    assert old in before
    paths.best.write_text(before.replace(old, new, 1), encoding="utf-8")
    answer = command(capfd, "export", "sweep")
    assert (answer.code, answer.out) == (0, before)
    assert answer.err == (
        f"logs/sweep/best.yaml: is not the configuration of the best trial ({fault}); exported from trial 1 of the "
        "ledger.\n"
    )


def test_a_missing_best_configuration_is_exported_from_the_ledger(capfd: Capture) -> None:
    paths = finished_sweep([DROPOUT], [0.5, 0.9]).paths
    before = paths.best.read_text(encoding="utf-8")
    paths.best.unlink()
    refused = command(capfd, "train", "--config-dir", "logs/sweep", "--config-name", "best")
    assert refused.code == 2
    assert refused.err == (
        "mnistsweep: logs/sweep/best.yaml: is missing; write it again: mnistsweep export logs/sweep --output "
        "logs/sweep/best.yaml.\n"
    )
    answer = command(capfd, "export", "sweep", "--output", "logs/sweep/best.yaml")
    assert (answer.code, paths.best.read_text(encoding="utf-8")) == (0, before)
    assert answer.err.startswith("logs/sweep/best.yaml: is missing; exported from trial 1 of the ledger.\n")


@pytest.mark.parametrize("damage", ["missing", "edited"])
def test_the_trials_own_file_is_not_trusted_either(damage: str, capfd: Capture) -> None:
    paths = finished_sweep([DROPOUT], [0.5, 0.9]).paths
    before, config = paths.best.read_text(encoding="utf-8"), paths.trial(1).config
    edited = config.read_text(encoding="utf-8").replace("dropout: 0.2", "dropout: 0.7")
    config.unlink()
    if damage == "edited":
        config.write_text(edited, encoding="utf-8")
    untouched = command(capfd, "export", "sweep")
    assert (untouched.out, untouched.err) == (before, "")
    paths.best.write_text(edited, encoding="utf-8")
    answer = command(capfd, "export", "sweep")
    content, expected = yaml.safe_load(answer.out), yaml.safe_load(before)
    assert content["model"] == expected["model"]
    assert content.keys() == expected.keys()
    assert "(model.dropout differs); exported from trial 1" in answer.err


def test_the_best_configuration_is_written_where_another_machine_has_run_the_best_trial() -> None:
    plan = finished_sweep([DROPOUT], [0.5, 0.9])
    paths, ledger = plan.paths, Ledger(plan.paths)
    before, own = paths.best.read_text(encoding="utf-8"), paths.trial(0).config.read_text(encoding="utf-8")
    paths.trial(1).config.unlink()  # machines with one database and a folder each: it is in the other folder
    paths.best.write_text(f"# Trial 0 of the sweep 'sweep': val_accuracy 0.5.\n{own}", encoding="utf-8")
    finish_files(plan, ledger)
    assert paths.best.read_text(encoding="utf-8") == before.replace("threads: 1\n", f"threads: {plan.threads}\n")
    written = paths.best.stat().st_mtime_ns
    finish_files(plan, ledger)
    assert paths.best.stat().st_mtime_ns == written
