"""The order of the cleaning experiment, what it keeps and how it goes on, with models that learn in no time."""

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
from mnistsweep.commands.clean import show
from mnistsweep.config.compose import Recipe, quoted, to_config
from mnistsweep.config.schema import CleanConfig, Config, TrainerConfig
from mnistsweep.data import Dataset
from mnistsweep.errors import DataError, StudyError
from mnistsweep.evaluation.cleaning_experiment import Experiment
from mnistsweep.evaluation.cleaning_records import Run
from mnistsweep.evaluation.learner import Learner, length
from mnistsweep.evaluation.selection import Selection
from mnistsweep.locks import exclusive_lock
from mnistsweep.paths import SweepPaths
from mnistsweep.planning.plan import Plan
from mnistsweep.space import SearchSpace
from mnistsweep.study.records import Result, State, TrialRecord

ONE_SEED = CleanConfig(plant=0.05, folds=2, seeds=1)


class Killed(BaseException):
    """Somebody pulled the plug."""


@dataclass(frozen=True)
class NearestMean(Learner):
    """Takes each image for the class whose mean is nearest; remembers what it was trained on; may die."""

    asked: list[tuple[int, NDArray[Any]]] = field(default_factory=list)
    dies_at: int = 0

    def answer(
        self, dataset: Dataset, seed: int, images: NDArray[Any], on_epoch: Callable[[int], None]
    ) -> NDArray[np.float64]:
        self.asked.append((seed, dataset.train.labels))
        if len(self.asked) == self.dies_at:
            raise Killed
        for epoch in range(self.epochs):
            on_epoch(epoch + 1)
        seen, labels = dataset.train.images.reshape(len(dataset.train), -1), dataset.train.labels
        means = np.stack([seen[labels == label].mean(axis=0) for label in range(dataset.classes)])
        distances = ((images.reshape(len(images), 1, -1) - means) ** 2).sum(axis=2).astype(np.float64)
        raised = np.exp(10 * (distances.min(axis=1, keepdims=True) - distances))
        return np.asarray(raised / raised.sum(axis=1, keepdims=True))


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    file = write_easy_data(tmp_path_factory.mktemp("data"))
    overrides = ["data=npz", f"data.path={quoted(str(file))}", "data.validation=60"]
    return to_config(Recipe(tuple(overrides)).compose())


@pytest.fixture
def selection(config: Config, paths: SweepPaths) -> Selection:
    winner = TrialRecord(3, State.COMPLETED, {}, 7, Result(0.9, 2, 4))
    plan = Plan(Recipe(), frozenset(), SearchSpace(()), config)
    return Selection(paths, plan, data.checksum(config.data), [winner], winner)


Made = tuple[NearestMean, str]


@pytest.fixture
def run(selection: Selection) -> Callable[..., Made]:
    """Run the experiment; the learner, and what was printed."""

    def run(options: CleanConfig = ONE_SEED, dies_at: int = 0) -> Made:
        learner = NearestMean(selection.plan.config, 4, 1, dies_at=dies_at)
        console = Console(file=io.StringIO(), width=200)
        experiment = Experiment(selection, options, learner, console)
        if dies_at:
            with pytest.raises(Killed):
                experiment.run()
        elif experiment.findings.summary(options.seeds) is None:
            experiment.run()
        return learner, console.file.getvalue()  # type: ignore[attr-defined]

    return run


def trainings(printed: str) -> list[str]:
    """What was trained, from the lines that were printed: `3 of 7: nothing removed, seed 1 of 1`."""
    return re.findall(r"^\d+ of \d+: (.*)$", printed, re.MULTILINE)


def scores(runs: list[Run]) -> set[tuple[str, int, float, float]]:
    return {(run.arm, run.seed, run.accuracy, run.loss) for run in runs}


def findings(selection: Selection) -> Any:
    return Experiment(selection, ONE_SEED, NearestMean(selection.plan.config, 4, 1), Console()).findings


def test_an_interrupted_experiment_goes_on(run: Callable[..., Made], selection: Selection) -> None:
    _, printed = run(dies_at=2)
    assert trainings(printed) == [f"judging the training labels, fold {fold}" for fold in (1, 2)]
    assert sorted(path.name for path in selection.paths.clean.folder.iterdir()) == ["experiment.lock", "folds.npz"]
    assert findings(selection).judged().is_judged(0)
    assert not findings(selection).judged().is_judged(1)

    _, printed = run(dies_at=4)
    arms = [f"{what}, seed 1 of 1" for what in ARMS.values()]
    assert trainings(printed) == ["judging the training labels, fold 2", *arms[:3]]
    assert [run.arm for run in findings(selection).runs()] == list(ARMS)[:2]

    _, printed = run()
    assert trainings(printed) == arms[2:]
    assert "5 of 7: suspected labels removed, seed 1 of 1" in printed
    assert findings(selection).summary(1)["planted"]["recall"] >= 0.9
    assert findings(selection).summary(1)["flagged"] == findings(selection).summary(1)["suspected"] > 1
    assert run()[0].asked == []


def test_the_arms_of_a_seed_differ_in_their_training_set_alone(
    run: Callable[..., Made], selection: Selection, config: Config
) -> None:
    learner, _ = run(CleanConfig(plant=0.05, folds=3, seeds=2))
    assert [len(labels) for _, labels in learner.asked[:3]] == [160, 160, 160]
    seeds = [seed for seed, _ in learner.asked]
    assert len(set(seeds)) == 5
    assert len(set(seeds[3:8])) == len(set(seeds[8:])) == 1

    judged, true = findings(selection).judged(), data.load(config.data).train.labels
    assert judged is None  # of three folds, not of two
    nothing, random, suspects, corrected, ambiguous = (labels for _, labels in learner.asked[3:8])
    assert len(nothing) == len(corrected) == 240
    assert len(random) == len(suspects) == len(ambiguous) < 240
    assert (nothing != true).sum() == 12
    assert (corrected != true).sum() <= 1
    assert_array_equal(learner.asked[8][1], nothing)
    assert not np.array_equal(learner.asked[9][1], random)


def test_a_lost_run_is_repeated_and_gives_what_it_gave(run: Callable[..., Made], selection: Selection) -> None:
    run()
    kept = findings(selection)
    before, files = kept.runs(), selection.paths.clean
    kept.keep_runs([one for one in before if one.arm != "corrected"])
    assert trainings(run()[1]) == ["suspected labels corrected, seed 1 of 1"]
    assert scores(kept.runs()) == scores(before)
    files.summary.write_text('{"identity": ', encoding="utf-8")
    assert run()[0].asked == []
    assert kept.summary(1) is not None


def test_more_seeds_go_on_from_fewer(run: Callable[..., Made], selection: Selection) -> None:
    run()
    first = findings(selection).runs()
    _, printed = run(dataclasses.replace(ONE_SEED, seeds=2))
    assert trainings(printed) == [f"{what}, seed 2 of 2" for what in ARMS.values()]
    assert "8 of 12: nothing removed, seed 2 of 2" in printed
    assert scores(first) < scores(findings(selection).runs())
    assert "2 seeds give wide intervals" in findings(selection).summary(2)["sentence"]
    assert run()[0].asked == []
    assert findings(selection).summary(1)["sentence"].startswith("One seed per arm gives no interval")


def test_other_options_begin_anew(run: Callable[..., Made], selection: Selection) -> None:
    run()
    _, printed = run(dataclasses.replace(ONE_SEED, plant=0.0), dies_at=2)
    assert printed.splitlines()[0] == "clean/ holds the experiment of another winner or other options; it begins anew"
    assert sorted(path.name for path in selection.paths.clean.folder.iterdir()) == ["experiment.lock", "folds.npz"]
    assert findings(selection).judged() is None


def test_where_no_label_is_flagged_the_arms_are_about_the_most_suspect_one(
    run: Callable[..., Made], selection: Selection
) -> None:
    run(dataclasses.replace(ONE_SEED, plant=0.0))
    kept = Experiment(
        selection, dataclasses.replace(ONE_SEED, plant=0.0), NearestMean(selection.plan.config, 4, 1), Console()
    ).findings
    summary, printed = kept.summary(1), io.StringIO()
    assert summary is not None
    assert (summary["suspected"], summary["flagged"]) == (1, 0)
    show(summary, kept, Console(file=printed, width=200))
    first = "None of 240 training labels is flagged; the arms are about the most suspect one."
    assert printed.getvalue().splitlines()[0] == first


def test_two_at_once_do_not_write_to_the_same_files(run: Callable[..., Made], selection: Selection) -> None:
    run(dies_at=3)
    with (
        exclusive_lock(selection.paths.clean.lock),
        pytest.raises(StudyError, match=r"another `mnistsweep clean` is at it\. Give"),
    ):
        run()
    assert len(trainings(run()[1])) == 5


def test_what_cannot_be_is_said_before_anything_is_judged(run: Callable[..., Made], selection: Selection) -> None:
    with pytest.raises(
        DataError, match=r"class \d has \d+ examples in the training side, and there are to be 70 folds"
    ):
        run(dataclasses.replace(ONE_SEED, folds=70), dies_at=0)
    assert not selection.paths.clean.folder.exists()
    run(dies_at=2)
    selection.paths.clean.runs.write_text("arm,seed\nnothing,one\n", encoding="utf-8")
    with pytest.raises(StudyError, match=r"runs\.csv: cannot be read: .*; remove the file"):
        run()


@pytest.mark.parametrize(
    ("trainer", "result", "epochs"),
    [
        ({"epochs": 6}, Result(0.9, best_epoch=2, epochs=6), 6),
        ({"epochs": 6, "patience": 5}, Result(0.9, best_epoch=2, epochs=6), 6),  # it never ran out
        ({"epochs": 6, "patience": 1}, Result(0.9, best_epoch=2, epochs=3), 2),
        ({"epochs": 6, "repeats": 2}, Result(0.9, best_epoch=2, epochs=12), 6),
        ({"epochs": 6, "repeats": 2}, Result(0.9, best_epoch=2, epochs=9), 2),
    ],
)
def test_models_are_trained_to_the_end_unless_the_trial_ended_early(
    trainer: dict[str, Any], result: Result, epochs: int
) -> None:
    assert length(Config(trainer=TrainerConfig(**trainer)), result) == epochs
