"""Files of a sweep that were changed by hand before a report: each is refused, or has no influence on a number."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from commands import command, tree
from reports import Reported, collected, kept

from mnistsweep.evaluation.selection import select
from mnistsweep.paths import SweepPaths


def edit_yaml(file: Path, change: Callable[[dict], None]) -> None:  # type: ignore[type-arg]
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    change(content)
    file.write_text(yaml.safe_dump(content), encoding="utf-8")


def refused(capfd: pytest.CaptureFixture[str], folder: Path, message: str, *names: str) -> None:
    """Report and cleaning are refused with one line, and nothing is written."""
    before = tree(folder)
    for name in names or ("report", "clean"):
        answer = command(capfd, name, str(folder))
        assert (answer.code, answer.out) == (2, "")
        assert re.fullmatch(f"mnistsweep: {message}\n", answer.err), answer.err
    assert tree(folder) == before


@pytest.mark.parametrize(
    ("key", "change"),
    [
        ("trainer.epochs", lambda content: content["trainer"].update(epochs=7)),
        ("seed", lambda content: content.update(seed=1)),
        ("optimizer.learning_rate", lambda content: content["optimizer"].update(learning_rate=0.5)),
        ("data.validation", lambda content: content["data"].update(validation=30)),
        ("model._target_", lambda content: content["model"].update(_target_="os.getcwd")),
    ],
)
def test_the_configuration_of_the_winner(
    bare: Path,
    capfd: pytest.CaptureFixture[str],
    key: str,
    change: Callable[[dict], None],  # type: ignore[type-arg]
) -> None:
    winner = select(bare).winner.number
    file = SweepPaths(bare).trial(winner).config
    edit_yaml(file, change)
    rule = f"must be the configuration of trial {winner}; {key} is not the value by the ledger and sweep.yaml"
    refused(capfd, bare, re.escape(f"{file}: {rule}; restore the file."))


@pytest.mark.parametrize(
    ("key", "change"),
    [
        ("objective", lambda plan: plan["config"].update(objective="val_accuracy", direction="max")),
        ("direction", lambda plan: plan["config"].update(direction="max")),
        ("trainer", lambda plan: plan["config"]["trainer"].update(batch_size=17)),
        ("data", lambda plan: plan["config"]["data"].update(validation=30)),
    ],
)
def test_the_plan_of_the_sweep(
    bare: Path,
    capfd: pytest.CaptureFixture[str],
    key: str,
    change: Callable[[dict], None],  # type: ignore[type-arg]
) -> None:
    edit_yaml(SweepPaths(bare).sweep, lambda content: change(content["plan"]))
    rule = rf"must be the plan that the ledger records; (\w+, )?{key}(, \w+)? differs?; restore the file\."
    refused(capfd, bare, re.escape(f"{SweepPaths(bare).sweep}: ") + rule)


def test_the_checksum_of_the_data(bare: Path, capfd: pytest.CaptureFixture[str]) -> None:
    edit_yaml(SweepPaths(bare).sweep, lambda content: content.update(data="0123456789abcdef"))
    rule = r"must be the plan that the ledger records; data \(checksum\) differs; restore the file\."
    refused(capfd, bare, re.escape(f"{SweepPaths(bare).sweep}: ") + rule)


def test_data_may_move(folder: Path, reported: Reported, tmp_path: Path) -> None:
    source = Path(reported.overrides[1].removeprefix("data.path=").strip("'\""))
    moved = shutil.copy(source, tmp_path / "moved.npz")
    files = [SweepPaths(folder).sweep, *(trial.config for _, trial in SweepPaths(folder).trials())]
    for file in files:
        file.write_text(file.read_text(encoding="utf-8").replace(str(source), str(moved)), encoding="utf-8")
    evidence, _ = collected(folder, "report.refit=false")
    assert evidence.notes == []
    assert select(folder).config_of(select(folder).winner).data["path"] == str(moved)


def test_the_data_of_the_winner_may_not_be_others(
    bare: Path, reported: Reported, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    source = Path(reported.overrides[1].removeprefix("data.path=").strip("'\""))
    with np.load(source) as file:
        np.savez(tmp_path / "other.npz", **{name: file[name][::-1] for name in file.files})
    winner = SweepPaths(bare).trial(select(bare).winner.number)
    edit_yaml(winner.config, lambda content: content["data"].update(path=str(tmp_path / "other.npz")))
    refused(
        capfd, bare, r".*: the data differ from those of the sweep \(checksum \w+ then, \w+ now\); restore them, .*"
    )


def test_tables_and_curves_have_no_influence_on_the_scores(folder: Path, reported: Reported) -> None:
    """`results.csv` is written from the ledger and read by nothing but `load_sweep`; curves are only drawn."""
    paths, number = SweepPaths(folder), select(folder).winner.number
    expected, _ = collected(reported.folder, "report.seeds=2")
    paths.results.write_text(paths.results.read_text().replace("completed", "failed"), encoding="utf-8")
    paths.best.write_text("model: {}\n", encoding="utf-8")
    history = paths.trial(number).history
    history.write_text(re.sub(r"0\.\d+", "0.5", history.read_text()), encoding="utf-8")
    found, started = collected(folder, "report.seeds=2")
    assert (found.winner, started, found.notes) == (expected.winner, [], [])
    np.testing.assert_array_equal(found.probabilities, expected.probabilities)


def test_a_model_of_the_report_that_was_replaced_is_trained_again(folder: Path) -> None:
    report, number = SweepPaths(folder).report, select(folder).winner.number
    names = [f"trial-{number:04d}-seed-{seed}" for seed in (0, 1)]
    before = kept(folder)
    shutil.copyfile(report.model(names[0]), report.model(names[1]))
    evidence, started = collected(folder, "report.seeds=2", "report.robustness=true")
    assert started == ["retraining the winner, 2 of 2", "predicting distorted images"]
    np.testing.assert_array_equal(evidence.probabilities[1], np.load(report.predictions(names[1]))["probabilities"])
    assert report.model(names[1]).read_bytes() != report.model(names[0]).read_bytes()
    assert report.model(names[0]).read_bytes() == before[f"{names[0]}.keras"]
    assert collected(folder, "report.seeds=2", "report.robustness=true")[1] == []
