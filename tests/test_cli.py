"""The command line: what it hands on, what it prints, how it ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from commands import command, finished_sweep, tree

from mnistsweep import __version__, cli
from mnistsweep.errors import SweepStopped, TrialFailed
from mnistsweep.planning.plan import Plan
from mnistsweep.planning.plan_file import plan_to_json

Capture = pytest.CaptureFixture[str]

CONDITIONAL = ["optimizer=adam,sgd", "optimizer.momentum=0.9", "model.dropout=0,0.1", "trials=4"]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a space and an accent."""
    folder = tmp_path / "à côté"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
    """The sweeps that would have been run: planned, and no more."""
    planned: list[Plan] = []

    def run_sweep(plan: Plan, launch: Any) -> int:
        planned.append(plan)
        return 0

    monkeypatch.setattr("mnistsweep.commands.sweep.run_sweep", run_sweep)
    return planned


# Help


def test_help_says_what_there_is(capfd: Capture) -> None:
    answer = command(capfd, "--help")
    assert answer.code == 0
    assert all(name in answer.out for name in ("train", "sweep", "status", "export", "key=interval(0,0.6)"))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("train", ["--config-dir", "--config-name", "--multirun", "--cfg"]),
        ("sweep", ["NAME", "--config-dir", "--config-name", "--cfg"]),
        ("export", ["SWEEP", "--output", "--model"]),
        *(("status", ["SWEEP", "--json"]), ("list", ["FOLDER", "--json"])),
        ("clean-up", ["SWEEP", "--models", "--keep", "--events", "--logs", "--older-than", "--delete"]),
    ],
)
def test_help_of_a_command(name: str, words: list[str], capfd: Capture) -> None:
    answer = command(capfd, name, "--help")
    assert answer.code == 0
    assert all(word in answer.out for word in words)


def test_version(capfd: Capture) -> None:
    assert command(capfd, "--version").out == f"mnistsweep {__version__}\n"


def test_no_command_shows_the_help(capfd: Capture) -> None:
    answer = command(capfd)
    assert (answer.code, answer.out.startswith("usage: mnistsweep")) == (2, True)


# What is handed to Hydra


def test_train_with_multirun_is_a_sweep(plans: list[Plan], capfd: Capture) -> None:
    assert command(capfd, "sweep", *CONDITIONAL).code == 0
    assert command(capfd, "train", "-m", *CONDITIONAL).code == 0
    assert command(capfd, "train", *CONDITIONAL[:2], "--multirun", *CONDITIONAL[2:]).code == 0
    first, *others = plans
    assert [plan_to_json(other) for other in others] == [plan_to_json(first)] * 2
    assert first.space.size() == 4
    assert first.config.trials == 4


def test_the_name_of_a_sweep_may_stand_anywhere(plans: list[Plan], capfd: Capture) -> None:
    assert command(capfd, "sweep", "coarse", "trials=9").code == 0
    assert command(capfd, "sweep", "trials=9", "coarse").code == 0
    assert command(capfd, "sweep", "+sweeps=coarse", "trials=9").code == 0
    assert [(plan.config.name, plan.config.trials, plan.space.size()) for plan in plans] == [("coarse", 9, 1440)] * 3


def test_options_may_stand_anywhere(plans: list[Plan], elsewhere: Path, capfd: Capture) -> None:
    (elsewhere / "mine.yaml").write_text("defaults: [config, _self_]\ntrainer: {epochs: 2}\n", encoding="utf-8")
    arguments = ["model.dropout=0,0.1", "--config-dir", ".", "trials=3", "--config-name", "mine.yaml", "seed=4"]
    assert command(capfd, "sweep", *arguments).code == 0
    (plan,) = plans
    assert (plan.config.trainer.epochs, plan.config.trials, plan.config.seed) == (2, 3, 4)
    assert plan.recipe.folders[0] == f"file://{elsewhere}"


def test_a_sweep_around_the_best_configuration(plans: list[Plan], capfd: Capture) -> None:
    done = finished_sweep([*CONDITIONAL, "optimizer.learning_rate=0.07"], [0.5, 0.9, 0.1])
    best = yaml.safe_load(done.paths.best.read_text(encoding="utf-8"))
    arguments = ["--config-dir", str(done.paths.folder), "--config-name", "best", "trainer.epochs=1,2"]
    assert command(capfd, "sweep", *arguments).code == 0
    assert command(capfd, "sweep", *arguments, "optimizer=rmsprop,lion").code == 0
    first, second = plans
    assert first.config.optimizer == best["optimizer"]
    assert first.config.model["dropout"] == best["model"]["dropout"] == 0.1
    assert first.config.optimizer["learning_rate"] == 0.07
    trial = second.composer.trial({"optimizer": "lion"})
    assert (trial.optimizer.name, trial.optimizer.learning_rate) == ("lion", 0.001)
    assert second.space.size() == 4


def test_arguments_and_environment_of_the_process_are_not_touched(
    capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments, seen = ["pytest", "-q"], list[tuple[list[str], str | None]]()

    def run_sweep(plan: Plan, launch: Any) -> int:
        seen.append((sys.argv, os.environ.get("HYDRA_FULL_ERROR")))
        return 0

    monkeypatch.setattr("mnistsweep.commands.sweep.run_sweep", run_sweep)
    monkeypatch.setattr(sys, "argv", arguments)
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)
    before = dict(os.environ)
    for line in (
        ["sweep", *CONDITIONAL],
        ["train", "--cfg", "job"],
        ["train", "trainr.epochs=3"],
        ["sweep", "nothing"],
    ):
        command(capfd, *line)
        seen.append((sys.argv, os.environ.get("HYDRA_FULL_ERROR")))
    assert len(seen) == 5
    assert all(argv is arguments and full is None for argv, full in seen)
    assert (arguments, dict(os.environ)) == (["pytest", "-q"], before)


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["sweep", "quickstart", "trials=7", "--cfg", "job"], {"name": "quickstart", "trials": 7}),
        (["sweep", "--cfg", "job", "optimizer=adam,sgd", "seed=3"], {"seed": 3}),
        (["train", "-c", "job", "-p", "trainer", "trainer.epochs=9"], {"epochs": 9}),
        (
            ["sweep", "space=[dropout]", "--cfg", "hydra", "-p", "hydra.sweeper.params"],
            {"model.dropout": "interval(0,0.6)"},
        ),
    ],
)
def test_the_configuration_is_shown(
    arguments: list[str], shown: dict[str, Any], capfd: Capture, elsewhere: Path
) -> None:
    answer = command(capfd, *arguments)
    assert answer.code == 0
    assert shown.items() <= yaml.safe_load(answer.out).items()
    assert tree(elsewhere) == {}


def test_where_the_configuration_comes_from_is_shown() -> None:
    program = [sys.executable, "-m", "mnistsweep.cli", "train", "--info", "searchpath"]
    ended = subprocess.run(program, capture_output=True, text=True, check=True)  # it sets up logging for good
    assert "mnistsweep://" in ended.stdout


# How a command ends


@pytest.mark.parametrize(
    ("ending", "code", "message"),
    [
        (SweepStopped("5 trials in a row have failed.\nThe first: it broke."), 1, "mnistsweep: 5 trials in a row"),
        (TrialFailed("it broke"), 2, "mnistsweep: it broke\n"),
        (KeyboardInterrupt(), 130, "mnistsweep: stopped.\n"),
    ],
)
def test_exit_codes(
    ending: BaseException, code: int, message: str, capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_sweep(*arguments: Any) -> int:
        raise ending

    monkeypatch.setattr("mnistsweep.commands.sweep.run_sweep", run_sweep)
    answer = command(capfd, "sweep", "model.dropout=0,0.1")
    assert answer.code == code
    assert answer.err.startswith(message)
    assert all(line.startswith("mnistsweep: ") for line in answer.err.splitlines())


def test_an_interrupted_sweep_ends_with_its_signals_code(capfd: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mnistsweep.commands.sweep.run_sweep", lambda *arguments: 143)
    assert command(capfd, "sweep", "model.dropout=0,0.1").code == 143


def test_a_bug_is_not_hidden(capfd: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    def run_sweep(*arguments: Any) -> int:
        raise ValueError("a bug")

    monkeypatch.setattr("mnistsweep.commands.sweep.run_sweep", run_sweep)
    with pytest.raises(ValueError, match="a bug"):
        command(capfd, "sweep", "model.dropout=0,0.1")


def test_a_reader_that_goes_away_does_no_harm(elsewhere: Path) -> None:
    finished_sweep(CONDITIONAL, [0.5])
    program = [sys.executable, "-m", "mnistsweep.cli", "export", "logs/sweep"]
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(program, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (1, "")


# Status and export


def test_status_lists_the_best_first_and_says_what_failed(capfd: Capture, elsewhere: Path) -> None:
    finished_sweep(CONDITIONAL, [0.5, 0.9, None])
    before = tree(elsewhere)
    answer = command(capfd, "status", "logs/sweep")
    assert answer.code == 0
    lines = answer.out.splitlines()
    assert lines[0].startswith("logs/sweep: 3 of 4 trials")
    assert lines[1] == "interrupted: with 3 of 4 trials; the same command continues."
    assert lines[2].split()[:2] == ["trial", "val_accuracy"]
    assert [line.split()[:2] for line in lines[3:5]] == [["1", "0.9000"], ["0", "0.5000"]]
    assert lines[5].strip() == "trial 2 failed: it broke"
    assert tree(elsewhere) == before


def test_a_sweep_goes_by_its_name_in_logs(capfd: Capture) -> None:
    finished_sweep(CONDITIONAL, [0.5])
    assert command(capfd, "status", "sweep").out.startswith("logs/sweep: 1 of 4 trials")


def test_export_prints_a_configuration_that_composes(capfd: Capture, elsewhere: Path) -> None:
    plan = finished_sweep(CONDITIONAL, [0.5, 0.9])
    answer = command(capfd, "export", "sweep")
    assert answer.code == 0
    assert answer.out == plan.paths.best.read_text(encoding="utf-8")
    assert yaml.safe_load(answer.out)["seed"] == plan.seed_of(1)


def test_export_writes_the_configuration_and_the_model(capfd: Capture, elsewhere: Path) -> None:
    finished_sweep(CONDITIONAL, [0.5, 0.9])
    answer = command(capfd, "export", "sweep", "--output", "out/mine.yaml", "--model", "out/mine.keras")
    note = "logs/sweep/trials/0001/best.keras: not verified: the ledger has no checksum of the model of trial 1.\n"
    written = "written: out/mine.yaml\nwritten: out/mine.keras\n"
    assert (answer.code, answer.out, answer.err) == (0, "", note + written)
    assert (elsewhere / "out" / "mine.keras").read_bytes() == b"model 1"
    again = command(capfd, "train", "--config-dir", "out", "--config-name", "mine", "--cfg", "job", "-p", "optimizer")
    assert yaml.safe_load(again.out)["name"] == "adam"


# Speed: nothing heavy

LIGHT = """
import contextlib, io, sys
from mnistsweep import cli
for line in ("--help", "list", "clean-up logs --models", "status logs/sweep", "export logs/sweep",
             "train trainer.epcohs=3", "train model.dropout=2", "sweep model.drpout=1,2", "sweep nothing",
             "sweep coarse --cfg job", "sweep model.dropout=0,2 data=npz data.path=x.npz"):
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            cli.main(line.split())
        except SystemExit:
            pass
print(sorted({name.partition(".")[0] for name in sys.modules} &
             {"tensorflow", "keras", "keras_tuner", "torch", "jax", "pandas", "matplotlib", "sklearn", "scipy"}))
"""


def test_no_backend_is_imported_for_help_readers_and_errors(elsewhere: Path) -> None:
    finished_sweep(CONDITIONAL, [0.5])
    ended = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, check=True)
    assert ended.stdout == "[]\n"


def test_the_console_script_is_the_command_line(elsewhere: Path) -> None:
    program = Path(sys.executable).with_name("mnistsweep")
    ended = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    assert ended.stdout == f"mnistsweep {__version__}\n"


def test_a_command_by_its_function() -> None:
    with pytest.raises(SystemExit) as leaving:
        cli.main(["--version"])
    assert leaving.value.code == 0
