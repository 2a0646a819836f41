"""The cleaning experiment: what is trained, in which order, and on which labels.

1. On request (`clean.plant`) a known share of the training labels is made wrong first.
2. Each example of the training side is judged by a model that was not trained on it (`clean.folds` models).
3. Five arms (`analysis.treatments.ARMS`) are trained with the same `clean.seeds` seeds and scored on the validation
   side.

The validation side is left as it is, and judges; the test set is not touched. Folds and scores are kept as they come,
so that the same command goes on where it was interrupted; more seeds go on from fewer.
"""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from mnistsweep import __version__, data
from mnistsweep.analysis.arms import compare_arms, summarize_arms
from mnistsweep.analysis.arrays import check, check_probabilities
from mnistsweep.analysis.calibration import log_loss
from mnistsweep.analysis.confidence import rank_ambiguous
from mnistsweep.analysis.folds import assign_folds
from mnistsweep.analysis.label_quality import LabelQuality, rank_suspects
from mnistsweep.analysis.planting import plant_label_errors, score_detection
from mnistsweep.analysis.treatments import ARMS, TreatedTrainingSet, apply_treatment
from mnistsweep.atomic import remove_temporary_files
from mnistsweep.config.schema import CleanConfig
from mnistsweep.config.trial_file import fingerprint
from mnistsweep.data import Dataset, Examples
from mnistsweep.evaluation import suspected_labels
from mnistsweep.evaluation.cleaning_records import Findings, Judged, Run, accuracies
from mnistsweep.evaluation.learner import Learner
from mnistsweep.evaluation.selection import Selection, check_data
from mnistsweep.locks import single_command_lock
from mnistsweep.paths import CleanPaths
from mnistsweep.progress_bar import StepProgress
from mnistsweep.seeds import Purpose, experiment_seed


@dataclass(frozen=True, eq=False)
class Experiment:
    """The cleaning experiment of a sweep's winner.

    Args:
        selection: The sweep and its winner.
        options: Of the experiment.
        learner: Trains the models.
        console: Where to write.
    """

    selection: Selection
    options: CleanConfig
    learner: Learner
    console: Console

    @property
    def paths(self) -> CleanPaths:
        """Its files."""
        return self.selection.paths.clean

    @cached_property
    def findings(self) -> Findings:
        """What it has found so far; with another identity it begins anew. The number of seeds is no part of that."""
        identity = {
            "trial": self.selection.winner.number,
            "configuration": fingerprint(self.learner.config),
            "epochs": self.learner.epochs,
            "data": self.selection.checksum,
            "seed": self.selection.plan.config.seed,
            "plant": self.options.plant,
            "folds": self.options.folds,
        }
        return Findings(self.paths, identity)

    @cached_property
    def dataset(self) -> Dataset:
        """The winner's data."""
        return data.load(self.learner.config.data)

    def run(self) -> dict[str, Any]:
        """Do what is left to do.

        Returns:
            What came out, as ``summary.json`` has it.

        Raises:
            DataError: The data are gone, or a class has fewer examples than there are folds.
            StudyError: Another process is at it, or a file is damaged.
            SweepStopped: A training failed.
        """
        check_data(self.selection, self.learner.config)
        new = self._plant()
        with single_command_lock(self.paths.lock, "mnistsweep clean"):
            remove_temporary_files(self.paths.folder)
            judged, runs = self._open(new), self.findings.runs()
            with StepProgress(self.console, self._num_fits * self.learner.epochs) as steps:
                self._judge(judged, steps)
                ranking = self._rank(judged)
                self._train_arms(judged, ranking, runs, steps)
            return self._sum_up(judged, ranking)

    @property
    def _num_fits(self) -> int:
        return self.options.folds + len(ARMS) * self.options.seeds

    def _seed(self, purpose: Purpose, *indices: int) -> int:
        """Seed of the experiment, derived from the sweep's seed."""
        return experiment_seed(self.selection.plan.config.seed, purpose, *indices)

    def _plant(self) -> Judged:
        """The training side with its labels planted and its folds assigned, before anything is judged."""
        labels, classes = self.dataset.train.labels, self.dataset.classes
        planted = plant_label_errors(labels, self.options.plant, classes, self._seed(Purpose.PLANTING))
        fold = assign_folds(planted.labels, self.options.folds, classes, self._seed(Purpose.FOLDING))
        return Judged(planted.labels, planted.indices, fold, np.full((len(fold), classes), np.nan))

    def _open(self, new: Judged) -> Judged:
        """What was kept of this experiment; else a new one."""
        kept = self.findings.judged()
        if kept is not None:
            return kept
        if self.paths.folds.is_file():
            self.console.print("clean/ holds the experiment of another winner or other options; it begins anew")
        self.findings.begin(new)
        return new

    def _judge(self, judged: Judged, steps: StepProgress) -> None:
        """Have each fold judged by a model that was trained on the others."""
        for fold in range(self.options.folds):
            if judged.is_judged(fold):
                steps.advance(self.learner.epochs)
                continue
            steps.start_step(f"{fold + 1} of {self._num_fits}: judging the training labels, fold {fold + 1}")
            inside = judged.fold == fold
            others = np.flatnonzero(~inside)
            seed, images = self._seed(Purpose.JUDGING, fold), self.dataset.train.images[inside]
            found = self._answer(TreatedTrainingSet(others, judged.labels[others]), seed, images, steps)
            judged.probabilities[inside] = check_probabilities(found, f" of fold {fold + 1}")
            self.findings.keep_judged(judged)

    def _train_arms(self, judged: Judged, ranking: LabelQuality, runs: list[Run], steps: StepProgress) -> None:
        """Train and score each arm with each seed, all arms of a seed before the next; `runs` grows."""
        done = {(run.arm, run.seed) for run in runs}
        left = [(arm, seed) for seed in range(self.options.seeds) for arm in ARMS if (arm, seed) not in done]
        first = self._num_fits - len(left) + 1
        ambiguous = rank_ambiguous(judged.probabilities, judged.labels).order
        steps.advance(self.learner.epochs * (first - 1 - self.options.folds))
        for number, (arm, seed) in enumerate(left, first):
            steps.start_step(f"{number} of {self._num_fits}: {ARMS[arm]}, seed {seed + 1} of {self.options.seeds}")
            chosen, removing = suspected_labels.suspected(ranking), self._seed(Purpose.REMOVING, seed)
            treated = apply_treatment(arm, judged.labels, chosen, ranking.suggested, ambiguous, removing)
            runs.append(self._score(arm, seed, treated, steps))
            self.findings.keep_runs(runs)

    def _score(self, arm: str, seed: int, treated: TreatedTrainingSet, steps: StepProgress) -> Run:
        """Train one arm with one seed, and score it on the validation side."""
        began, validation = time.perf_counter(), self.dataset.validation
        found = self._answer(treated, self._seed(Purpose.TRAINING, seed), validation.images, steps)
        probabilities, labels = check(found, validation.labels)
        accuracy = float((probabilities.argmax(axis=1) == labels).mean())
        removed, seconds = len(self.dataset.train) - len(treated.kept), round(time.perf_counter() - began, 3)
        return Run(arm, seed, removed, accuracy, log_loss(probabilities, labels), seconds)

    def _answer(
        self, treated: TreatedTrainingSet, seed: int, images: NDArray[Any], steps: StepProgress
    ) -> NDArray[np.float64]:
        """What a model says of images that is trained on a treated training set."""
        train = self.dataset.train
        kept = train.images[treated.kept]
        kept.setflags(write=False)  # so that a copy on the device stays true as long as the model is trained
        treated_side = Examples(kept, treated.labels.astype(train.labels.dtype))
        dataset = dataclasses.replace(self.dataset, train=treated_side)
        return self.learner.answer(dataset, seed, images, lambda _epoch: steps.advance())

    def _rank(self, judged: Judged) -> LabelQuality:
        """Rank the training labels by how wrong they look, and write down the first."""
        ranking = rank_suspects(judged.probabilities, judged.labels)
        positions = data.training_positions(self.learner.config.data)
        self.findings.keep_suspects(
            suspected_labels.to_rows(ranking, judged.labels, judged.planted, positions),
            suspected_labels.to_pictures(ranking, self.dataset.train.images),
        )
        return ranking

    def _sum_up(self, judged: Judged, ranking: LabelQuality) -> dict[str, Any]:
        """Write what came out."""
        found = score_detection(ranking.order, ranking.flagged, judged.planted) if len(judged.planted) else None
        summary = {
            "mnistsweep": __version__,
            "identity": self.findings.identity,
            "seeds": self.options.seeds,
            "examples": len(judged.labels),
            "validation": len(self.dataset.validation),
            "suspected": len(suspected_labels.suspected(ranking)),
            "flagged": int(ranking.flagged.sum()),
            "planted": None if found is None else dataclasses.asdict(found),
            "sentence": summarize_arms(compare_arms(accuracies(self.findings.runs(), self.options.seeds))),
        }
        self.findings.keep_summary(summary)
        return summary
