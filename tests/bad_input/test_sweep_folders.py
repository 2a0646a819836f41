"""Folders that hold no sweep or another search, and sweeps with missing or damaged files."""

from __future__ import annotations

from pathlib import Path

import pytest
from bad_input import DROPOUT, Capture, matches, refused
from commands import finished_sweep

# Folders that hold something else


@pytest.mark.parametrize(
    ("change", "differing"),
    [
        (["model.dropout=0,0.2"], r"model\.dropout \(swept\) differs"),
        (["seed=1"], "seed differs"),
        (["optimizer=sgd"], "optimizer differs"),
        (["data.validation=8"], "data differs"),
        (["trainer.epochs=2,3", "objective=val_loss"], r"objective, trainer\.epochs \(swept\) differ"),
    ],
)
def test_a_folder_that_holds_another_search(change: list[str], differing: str, capfd: Capture) -> None:
    finished_sweep([DROPOUT], [0.5])
    lines = refused(capfd, "sweep", DROPOUT, *change)
    matches(lines, (rf"^logs/sweep holds another search: {differing}\. Use another name=NAME",))


def test_a_folder_that_holds_no_sweep(elsewhere: Path, capfd: Capture) -> None:
    (elsewhere / "logs" / "sweep").mkdir(parents=True)
    (elsewhere / "logs" / "sweep" / "thesis.txt").write_text("years of work", encoding="utf-8")
    lines = refused(capfd, "sweep", DROPOUT)
    matches(lines, (r"^logs/sweep: the folder is not empty and holds no sweep \(thesis\.txt\)",))


def test_logs_that_is_a_file(elsewhere: Path, capfd: Capture) -> None:
    (elsewhere / "logs").write_text("", encoding="utf-8")
    matches(refused(capfd, "status", "sweep"), (r"^sweep: no sweep found",))


# Reading what is not there


def test_the_nearest_sweep_is_named(capfd: Capture) -> None:
    finished_sweep([DROPOUT, "name=coarse_grid"], [])
    matches(refused(capfd, "status", "logs/coarse_gird"), (r"^logs/coarse_gird: .*did you mean 'coarse_grid'\?",))


def test_export_before_any_trial_completed(capfd: Capture) -> None:
    finished_sweep([DROPOUT], [])
    lines = refused(capfd, "export", "sweep")
    matches(lines, (r"^logs/sweep: no trial has completed yet \(none was started\); the same command continues\.$",))


def test_export_of_a_model_by_another_name(capfd: Capture) -> None:
    finished_sweep([DROPOUT], [0.5])
    lines = refused(capfd, "export", "sweep", "--output", "best.yaml", "--model", "best.h5")
    matches(lines, (r"^--model: the name of a Keras model file ends with \.keras; received 'best\.h5'\.$",))


def test_export_of_a_model_that_is_gone(capfd: Capture) -> None:
    plan = finished_sweep([DROPOUT], [0.5])
    plan.paths.trial(0).model.unlink()
    lines = refused(capfd, "export", "sweep", "--output", "best.yaml", "--model", "best.keras")
    matches(lines, (r"^logs/sweep/trials/0000/best\.keras: the model of trial 0 is missing\.$",))


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"a: [1", r"not valid YAML: line 1, column 4: a bracket is closed"),
        (b"a: \xff", r"not a text in UTF-8: line 1, column 4"),
        (b"[" * 5000 + b"]" * 5000, r"not valid YAML: line 1, column \d+"),
        (b"", r"must contain keys with values; received NoneType\.$"),
        (b"[[1, 2]]", r"must contain keys with values; received list\.$"),
    ],
)
def test_export_of_a_damaged_best_configuration(content: bytes, fault: str, capfd: Capture, elsewhere: Path) -> None:
    plan = finished_sweep([DROPOUT], [0.5])
    plan.paths.best.write_bytes(content)
    matches(refused(capfd, "export", "sweep", "--output", "o.yaml"), (rf"^logs/sweep/best\.yaml: {fault}",))
    assert not (elsewhere / "o.yaml").exists()


@pytest.mark.parametrize("content", ["", "plan: 3", "[1, 2", "plan: {recipe: {}}"])
@pytest.mark.parametrize("name", ["status", "sweep"])
def test_a_sweep_file_that_is_damaged(name: str, content: str, capfd: Capture) -> None:
    plan = finished_sweep([DROPOUT], [0.5])
    plan.paths.sweep.write_text(content, encoding="utf-8")
    arguments = ["sweep", DROPOUT] if name == "sweep" else ["status", "sweep"]
    assert "sweep.yaml: " in refused(capfd, *arguments)[0]
