"""A training that is killed and resumed, in a folder of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import keras_tuner
import numpy as np
import pandas as pd
import pytest
import user_trainings

from mnistsweep import data
from mnistsweep.checksums import file_checksum
from mnistsweep.config.compose import compose, to_config
from mnistsweep.config.recipe import Recipe
from mnistsweep.paths import TrialPaths
from mnistsweep.training.outcome import Outcome
from mnistsweep.training.resume_file import TrainingState, read_resume_file, resume_fingerprint
from mnistsweep.training.trainer import Hooks, Training
from mnistsweep.tuner import hypermodel_training
from mnistsweep.tuner.hypermodel import ConfiguredHyperModel

MODULE = user_trainings.__name__
EPOCHS = 5
OBJECTIVE = "objective=val_accuracy"
NO_HOOKS = Hooks()


def make_training(
    overrides: Sequence[str], folder: Path, hooks: Hooks = NO_HOOKS, until: int | None = None
) -> Training:
    config, paths = to_config(compose(Recipe((OBJECTIVE, *overrides)))), TrialPaths(folder)
    hypermodel = ConfiguredHyperModel(config, data.load(config.data))
    return hypermodel_training.make_training(
        hypermodel, keras_tuner.HyperParameters(), "max", paths, hooks, paths.resume, until
    )


def read_state(overrides: Sequence[str], folder: Path) -> TrainingState | None:
    """The state in the resume file."""
    config = to_config(compose(Recipe((OBJECTIVE, *overrides))))
    return read_resume_file(TrialPaths(folder).resume, resume_fingerprint(config))


def train(overrides: Sequence[str], folder: Path, hooks: Hooks = NO_HOOKS, until: int | None = None) -> Outcome:
    """Train, or resume a training; the outcome has the checksum of the model file, whoever has written it."""
    outcome = make_training(overrides, folder, hooks, until).run(read_state(overrides, folder))
    assert outcome.result.checkpoint is not None
    assert outcome.result.checkpoint.checksum == file_checksum(TrialPaths(folder).model)
    return outcome


class InterruptedTraining:
    """One configuration with a `Killer` among its callbacks, in a folder of its own."""

    def __init__(self, folder: Path, data_overrides: Sequence[str], overrides: Sequence[str], killer: str = "") -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        callbacks = [text.removeprefix("callbacks=") for text in overrides if text.startswith("callbacks=")]
        own = [f"{{_target_: {MODULE}.Killer, folder: '{folder}'{killer}}}", *callbacks]
        self.overrides = [
            *data_overrides, "model=perceptron", "trainer.batch_size=16", f"trainer.epochs={EPOCHS}", "seed=3",
            *(text for text in overrides if not text.startswith("callbacks=")), f"trainer.callbacks=[{','.join(own)}]",
        ]  # fmt: skip

    def request_kill(self, *times: str) -> None:
        """Ask for one kill, or for one at each "yes"; a "no" lets the training pass once."""
        for index, answer in enumerate(times or ("yes",)):
            (self.folder / f"kill {index} {answer}").touch()

    def run(self, hooks: Hooks = NO_HOOKS, until: int | None = None) -> Outcome:
        return train(self.overrides, self.folder, hooks, until)

    def run_killed(self, hooks: Hooks = NO_HOOKS) -> None:
        with pytest.raises(user_trainings.Killed):
            self.run(hooks)

    @property
    def started(self) -> list[int]:
        """The epochs that were started, in order."""
        return [int(epoch) for epoch in (self.folder / "started").read_text().split()]

    def curve(self, folder: str = ".") -> pd.DataFrame:
        return pd.read_csv(self.folder / folder / "history.csv", dtype=str).drop(columns="seconds")

    def arrays(self) -> list[Any]:
        """All variables at the end, then the weights of the best epoch."""
        with np.load(self.folder / "final.npz") as file:
            final = [file[name] for name in file.files]
        return [*final, *keras.models.load_model(TrialPaths(self.folder).model, compile=False).get_weights()]


def assert_same(one: InterruptedTraining, other: InterruptedTraining, folders: Sequence[str] = (".",)) -> None:
    for folder in folders:
        pd.testing.assert_frame_equal(one.curve(folder), other.curve(folder), check_exact=True)
    found, expected = one.arrays(), other.arrays()
    assert len(found) == len(expected) > 5
    for a, b in zip(found, expected, strict=True):
        assert a.dtype == b.dtype
        assert a.tobytes() == b.tobytes()


def without_seconds(outcome: Outcome) -> Outcome:
    """The outcome without the seconds, and without the checksum of the model file, which holds the time of saving."""
    checkpoint = outcome.result.checkpoint
    assert checkpoint is not None
    return replace(outcome, result=replace(outcome.result, seconds=0.0, checkpoint=replace(checkpoint, checksum="")))
