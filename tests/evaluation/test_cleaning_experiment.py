"""Order, files and resumption of the label-cleaning experiment, with a fake trainer instead of Keras."""

from __future__ import annotations

import dataclasses
import io
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from easy import write_easy_data
from numpy.testing import assert_array_equal
from numpy.typing import NDArray
from rich.console import Console

from mnistsweep import data
from mnistsweep.analysis.treatments import ARMS
from mnistsweep.commands.clean import print_results
from mnistsweep.config.compose import compose, to_config
from mnistsweep.config.overrides import quoted
from mnistsweep.config.recipe import Recipe
from mnistsweep.config.schema import CleanConfig, Config
from mnistsweep.data import Dataset
from mnistsweep.errors import DataError, StudyError
from mnistsweep.evaluation.cleaning_experiment import CleaningExperiment
from mnistsweep.evaluation.cleaning_store import ArmRun
from mnistsweep.evaluation.cleaning_trainer import CleaningTrainer
from mnistsweep.evaluation.selection import Selection
from mnistsweep.locks import exclusive_lock
from mnistsweep.paths import SweepPaths
from mnistsweep.planning.plan import Plan
from mnistsweep.space import SearchSpace
from mnistsweep.study.records import Result, State, TrialRecord

ONE_SEED = CleanConfig(plant=0.05, folds=2, seeds=1)


class Killed(BaseException):
    """The process was killed."""


@dataclass(frozen=True)
class NearestMean(CleaningTrainer):
    """Predicts the class with the nearest mean image; records its training sets; may raise `Killed`."""

    trainings: list[tuple[int, NDArray[Any]]] = field(default_factory=list)
    killed_at: int = 0

    def check(self, dataset: Dataset) -> None:
        """There is no model."""

    def train_and_predict(
        self, dataset: Dataset, seed: int, images: NDArray[Any], on_epoch: Callable[[int], None]
    ) -> tuple[NDArray[np.float64], bool]:
        self.trainings.append((seed, dataset.labels(dataset.train)))
        if len(self.trainings) == self.killed_at:
            raise Killed
        for epoch in range(self.epochs):
            on_epoch(epoch + 1)
        seen, labels = dataset.train.inputs.reshape(len(dataset.train), -1), dataset.labels(dataset.train)
        means = np.stack([seen[labels == label].mean(axis=0) for label in range(dataset.classes)])
        distances = ((images.reshape(len(images), 1, -1) - means) ** 2).sum(axis=2).astype(np.float64)
        raised = np.exp(10 * (distances.min(axis=1, keepdims=True) - distances))
        return np.asarray(raised / raised.sum(axis=1, keepdims=True)), True


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    file = write_easy_data(tmp_path_factory.mktemp("data"))
    overrides = ["data=npz", f"data.path={quoted(str(file))}", "data.validation=60", "objective=val_accuracy"]
    return to_config(compose(Recipe(tuple(overrides))))


@pytest.fixture
def selection(config: Config, paths: SweepPaths) -> Selection:
    winner = TrialRecord(3, State.COMPLETED, {}, 7, Result(0.9, 2, 4))
    plan = Plan(Recipe(), frozenset(), SearchSpace(()), config)
    return Selection(paths, plan, data.checksum(config.data), [winner], winner)


Made = tuple[NearestMean, str]


@pytest.fixture
def run(selection: Selection) -> Callable[..., Made]:
    """Run the experiment; returns the trainer and the printed text."""

    def run(options: CleanConfig = ONE_SEED, killed_at: int = 0) -> Made:
        trainer = NearestMean(selection.plan.config, 4, 1, killed_at=killed_at)
        console = Console(file=io.StringIO(), width=200)
        experiment = CleaningExperiment(selection, options, trainer, console)
        if killed_at:
            with pytest.raises(Killed):
                experiment.run()
        elif experiment.store.read_summary(options.seeds) is None:
            experiment.run()
        return trainer, console.file.getvalue()  # type: ignore[attr-defined]

    return run


def trainings(printed: str) -> list[str]:
    """Titles of the trainings from printed lines such as `3 of 7: nothing removed, seed 1 of 1`."""
    return re.findall(r"^\d+ of \d+: (.*)$", printed, re.MULTILINE)


def scores(runs: list[ArmRun]) -> set[tuple[str, int, float, float]]:
    return {(run.arm, run.seed, run.accuracy, run.loss) for run in runs}


def store(selection: Selection) -> Any:
    return CleaningExperiment(selection, ONE_SEED, NearestMean(selection.plan.config, 4, 1), Console()).store


def test_an_interrupted_experiment_is_resumed(run: Callable[..., Made], selection: Selection) -> None:
    _, printed = run(killed_at=2)
    assert trainings(printed) == [f"out-of-fold predictions, fold {fold}" for fold in (1, 2)]
    assert sorted(path.name for path in selection.paths.clean.folder.iterdir()) == ["experiment.lock", "folds.npz"]
    assert store(selection).read_folds().is_predicted(0)
    assert not store(selection).read_folds().is_predicted(1)

    _, printed = run(killed_at=4)
    arms = [f"{what}, seed 1 of 1" for what in ARMS.values()]
    assert trainings(printed) == ["out-of-fold predictions, fold 2", *arms[:3]]
    assert [run.arm for run in store(selection).read_runs()] == list(ARMS)[:2]

    _, printed = run()
    assert trainings(printed) == arms[2:]
    assert "5 of 7: suspected labels removed, seed 1 of 1" in printed
    assert store(selection).read_summary(1)["planted"]["recall"] >= 0.9
    assert store(selection).read_summary(1)["flagged"] == store(selection).read_summary(1)["suspected"] > 1
    assert run()[0].trainings == []


def test_the_arms_of_a_seed_differ_only_in_their_training_set(
    run: Callable[..., Made], selection: Selection, config: Config
) -> None:
    trainer, _ = run(CleanConfig(plant=0.05, folds=3, seeds=2))
    assert [len(labels) for _, labels in trainer.trainings[:3]] == [160, 160, 160]
    seeds = [seed for seed, _ in trainer.trainings]
    assert len(set(seeds)) == 5
    assert len(set(seeds[3:8])) == len(set(seeds[8:])) == 1

    folds, true = store(selection).read_folds(), data.load(config.data).train.targets
    assert folds is None  # of three folds, not of two
    nothing, random, suspects, corrected, ambiguous = (labels for _, labels in trainer.trainings[3:8])
    assert len(nothing) == len(corrected) == 240
    assert len(random) == len(suspects) == len(ambiguous) < 240
    assert (nothing != true).sum() == 12
    assert (corrected != true).sum() <= 1
    assert_array_equal(trainer.trainings[8][1], nothing)
    assert not np.array_equal(trainer.trainings[9][1], random)


def test_a_lost_run_is_repeated_with_the_same_result(run: Callable[..., Made], selection: Selection) -> None:
    run()
    kept = store(selection)
    before, files = kept.read_runs(), selection.paths.clean
    kept.write_runs([one for one in before if one.arm != "corrected"])
    assert trainings(run()[1]) == ["suspected labels corrected, seed 1 of 1"]
    assert scores(kept.read_runs()) == scores(before)
    files.summary.write_text('{"identity": ', encoding="utf-8")
    assert run()[0].trainings == []
    assert kept.read_summary(1) is not None


def test_more_seeds_reuse_the_runs_of_fewer_seeds(run: Callable[..., Made], selection: Selection) -> None:
    run()
    first = store(selection).read_runs()
    _, printed = run(dataclasses.replace(ONE_SEED, seeds=2))
    assert trainings(printed) == [f"{what}, seed 2 of 2" for what in ARMS.values()]
    assert "8 of 12: nothing removed, seed 2 of 2" in printed
    assert scores(first) < scores(store(selection).read_runs())
    assert "2 seeds give wide intervals" in store(selection).read_summary(2)["sentence"]
    assert run()[0].trainings == []
    assert store(selection).read_summary(1)["sentence"].startswith("One seed per arm gives no interval")


def test_other_options_start_from_scratch(run: Callable[..., Made], selection: Selection) -> None:
    run()
    _, printed = run(dataclasses.replace(ONE_SEED, plant=0.0), killed_at=2)
    assert (
        printed.splitlines()[0] == "clean/ holds results of another winner or of other options; starting from scratch"
    )
    assert sorted(path.name for path in selection.paths.clean.folder.iterdir()) == ["experiment.lock", "folds.npz"]
    assert store(selection).read_folds() is None


def test_without_flagged_labels_the_arms_use_the_most_suspect_label(
    run: Callable[..., Made], selection: Selection
) -> None:
    run(dataclasses.replace(ONE_SEED, plant=0.0))
    kept = CleaningExperiment(
        selection, dataclasses.replace(ONE_SEED, plant=0.0), NearestMean(selection.plan.config, 4, 1), Console()
    ).store
    summary, printed = kept.read_summary(1), io.StringIO()
    assert summary is not None
    assert (summary["suspected"], summary["flagged"]) == (1, 0)
    print_results(summary, kept, Console(file=printed, width=200))
    first = "None of 240 training labels is flagged; the arms use the most suspect label."
    assert printed.getvalue().splitlines()[0] == first


def test_a_second_process_is_refused(run: Callable[..., Made], selection: Selection) -> None:
    run(killed_at=3)
    with (
        exclusive_lock(selection.paths.clean.lock),
        pytest.raises(StudyError, match=r"another `mnistsweep clean` is running here\. Repeat"),
    ):
        run()
    assert len(trainings(run()[1])) == 5


def test_too_many_folds_and_damaged_files_are_errors(run: Callable[..., Made], selection: Selection) -> None:
    with pytest.raises(DataError, match=r"class \d has \d+ examples in the training split, received 70 folds"):
        run(dataclasses.replace(ONE_SEED, folds=70), killed_at=0)
    assert not selection.paths.clean.folder.exists()
    run(killed_at=2)
    selection.paths.clean.runs.write_text("arm,seed\nnothing,one\n", encoding="utf-8")
    with pytest.raises(StudyError, match=r"runs\.csv: cannot be read: .*; remove the file"):
        run()
