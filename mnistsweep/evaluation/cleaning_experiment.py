"""The label-cleaning experiment: which models are trained, in which order, and on which labels.

1. With `clean.plant`, a known share of the training labels is replaced by wrong ones first.
2. Every training example gets an out-of-fold prediction: by a model that was not trained on it (`clean.folds` models).
3. Labels that disagree with these predictions are suspected to be wrong. The five arms (`analysis.treatments.ARMS`)
   differ in what they do with them; each is trained with the same `clean.seeds` seeds and scored on the validation
   split.

The validation split is not changed, and the test set is not used. Folds and scores are written after every training, so
that the same command resumes an interrupted experiment, and a command with more seeds reuses those that exist.
"""

from __future__ import annotations

import dataclasses
import math
import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from mnistsweep import data
from mnistsweep.analysis.arms import compare_arms, summarize_arms
from mnistsweep.analysis.arrays import check, check_probabilities
from mnistsweep.analysis.confidence import rank_ambiguous
from mnistsweep.analysis.folds import assign_folds
from mnistsweep.analysis.label_quality import LabelQuality, rank_suspects
from mnistsweep.analysis.log_loss import log_loss
from mnistsweep.analysis.planting import plant_label_errors, score_detection
from mnistsweep.analysis.treatments import ARMS, TreatedTrainingSet, apply_treatment
from mnistsweep.atomic import remove_temporary_files
from mnistsweep.config.schema import CleanConfig
from mnistsweep.config.trial_file import fingerprint
from mnistsweep.data import Dataset, Examples, structure
from mnistsweep.evaluation import suspected_labels
from mnistsweep.evaluation.class_output import ClassOutput, find_class_output
from mnistsweep.evaluation.cleaning_store import ArmRun, CleaningStore, FoldPredictions, accuracies
from mnistsweep.evaluation.cleaning_trainer import CleaningTrainer
from mnistsweep.evaluation.selection import Selection, check_data
from mnistsweep.locks import single_command_lock
from mnistsweep.progress_bar import StepProgress
from mnistsweep.report_paths import CleanPaths
from mnistsweep.seeds import Purpose, experiment_seed
from mnistsweep.version import __version__


@dataclass(frozen=True, eq=False)
class CleaningExperiment:
    """The label-cleaning experiment with the configuration of a sweep's winner.

    Args:
        selection: Sweep and winner.
        options: Options of the experiment, the group ``clean`` of the configuration.
        trainer: Trainer of the models.
        console: Console for progress and notices.
    """

    selection: Selection
    options: CleanConfig
    trainer: CleaningTrainer
    console: Console

    @property
    def paths(self) -> CleanPaths:
        """Paths of the experiment's files."""
        return self.selection.paths.clean

    @cached_property
    def store(self) -> CleaningStore:
        """Reader and writer of the files. The origin leaves out the number of seeds: more seeds reuse existing runs."""
        origin = {
            "trial": self.selection.winner.number,
            "configuration": fingerprint(self.trainer.config),
            "epochs": self.trainer.epochs,
            "data": self.selection.checksum,
            "seed": self.selection.plan.config.seed,
            "plant": self.options.plant,
            "folds": self.options.folds,
        }
        return CleaningStore(self.paths, origin)

    @cached_property
    def dataset(self) -> Dataset:
        """Data set of the winner."""
        return data.load(self.trainer.config.data)

    @cached_property
    def output(self) -> ClassOutput:
        """Output with the labels that are cleaned."""
        return find_class_output(self.dataset)

    @property
    def train(self) -> Examples:
        """Training split.

        Raises:
            DataError: It streams: labels of a stream have no positions.
        """
        return self.dataset.train_arrays("mnistsweep clean")

    def run(self) -> dict[str, Any]:
        """Run the experiment, or resume it.

        Returns:
            The summary, as in ``summary.json``.

        Raises:
            DataError: The data are missing, the model predicts no classes, or a class has fewer examples than there
                are folds.
            StudyError: Another process runs the experiment, or a file is damaged.
            SweepStopped: A training failed.
        """
        check_data(self.selection, self.trainer.config)
        initial = self._initial_folds()
        with single_command_lock(self.paths.lock, "mnistsweep clean"):
            remove_temporary_files(self.paths.folder)
            folds, runs = self._resume(initial), self.store.read_runs()
            if not all(map(folds.is_predicted, range(self.options.folds))):
                self.trainer.check(self.dataset)
            with StepProgress(self.console, self._num_trainings * self.trainer.epochs) as steps:
                self._predict_folds(folds, steps)
                ranking = self._rank_labels(folds)
                self._train_arms(folds, ranking, runs, steps)
            return self._write_summary(folds, ranking)

    @property
    def _num_trainings(self) -> int:
        return self.options.folds + len(ARMS) * self.options.seeds

    def _seed(self, purpose: Purpose, *indices: int) -> int:
        """Seed of the experiment, derived from the sweep's seed."""
        return experiment_seed(self.selection.plan.config.seed, purpose, *indices)

    def _initial_folds(self) -> FoldPredictions:
        """Plant label errors and assign folds; no fold has predictions yet."""
        labels, classes = self.output.labels(self.train), len(self.output.task.values)
        planted = plant_label_errors(labels, self.options.plant, classes, self._seed(Purpose.PLANTING))
        fold = assign_folds(planted.labels, self.options.folds, classes, self._seed(Purpose.FOLDING))
        return FoldPredictions(planted.labels, planted.indices, fold, np.full((len(fold), classes), np.nan))

    def _resume(self, initial: FoldPredictions) -> FoldPredictions:
        """Read the folds of this experiment; if there are none, start it from scratch."""
        saved = self.store.read_folds()
        if saved is not None:
            return saved
        if self.paths.folds.is_file():
            self.console.print("clean/ holds results of another winner or of other options; starting from scratch")
        self.store.reset(initial)
        return initial

    def _predict_folds(self, folds: FoldPredictions, steps: StepProgress) -> None:
        """Predict each fold by a model that is trained on the other folds."""
        for fold in range(self.options.folds):
            if folds.is_predicted(fold):
                steps.advance(self.trainer.epochs)
                continue
            steps.start_step(f"{fold + 1} of {self._num_trainings}: out-of-fold predictions, fold {fold + 1}")
            inside = folds.fold == fold
            outside = np.flatnonzero(~inside)
            seed, images = self._seed(Purpose.JUDGING, fold), structure.take(self.train.inputs, inside)
            training_set = TreatedTrainingSet(outside, folds.labels[outside])
            predicted, _ = self._train_and_predict(training_set, seed, images, steps)
            folds.probabilities[inside] = check_probabilities(predicted, f" of fold {fold + 1}")
            self.store.write_folds(folds)

    def _train_arms(
        self, folds: FoldPredictions, ranking: LabelQuality, runs: list[ArmRun], steps: StepProgress
    ) -> None:
        """Train and score the missing runs, all arms of one seed before the next seed; appends to `runs`."""
        done = {(run.arm, run.seed) for run in runs}
        missing = [(arm, seed) for seed in range(self.options.seeds) for arm in ARMS if (arm, seed) not in done]
        first = self._num_trainings - len(missing) + 1
        ambiguous = rank_ambiguous(folds.probabilities, folds.labels).order
        suspects = suspected_labels.suspected_positions(ranking)
        steps.advance(self.trainer.epochs * (first - 1 - self.options.folds))
        for number, (arm, seed) in enumerate(missing, first):
            steps.start_step(f"{number} of {self._num_trainings}: {ARMS[arm]}, seed {seed + 1} of {self.options.seeds}")
            removal_seed = self._seed(Purpose.REMOVING, seed)
            treated = apply_treatment(arm, folds.labels, suspects, ranking.suggested, ambiguous, removal_seed)
            runs.append(self._run_arm(arm, seed, treated, steps))
            self.store.write_runs(runs)

    def _run_arm(self, arm: str, seed: int, treated: TreatedTrainingSet, steps: StepProgress) -> ArmRun:
        """Train one arm with one seed, and score it on the validation split."""
        start, validation = time.perf_counter(), self.dataset.validation_arrays
        training_seed = self._seed(Purpose.TRAINING, seed)
        predicted, has_loss = self._train_and_predict(treated, training_seed, validation.inputs, steps)
        probabilities, labels = check(predicted, self.output.labels(validation))
        return ArmRun(
            arm=arm,
            seed=seed,
            removed=len(self.dataset.train) - len(treated.kept),
            accuracy=float((probabilities.argmax(axis=1) == labels).mean()),
            loss=log_loss(probabilities, labels) if has_loss else math.nan,
            seconds=round(time.perf_counter() - start, 3),
        )

    def _train_and_predict(
        self, treated: TreatedTrainingSet, seed: int, images: structure.Structure, steps: StepProgress
    ) -> tuple[NDArray[np.float64], bool]:
        """Train a model on a treated training set, and predict images."""
        kept = self.output.with_labels(self.train.take(treated.kept), treated.labels)
        structure.read_only(kept.inputs)  # a copy on the device stays valid during the training
        dataset = dataclasses.replace(self.dataset, train=kept)
        return self.trainer.train_and_predict(dataset, seed, images, lambda _epoch: steps.advance())

    def _rank_labels(self, folds: FoldPredictions) -> LabelQuality:
        """Rank the training labels by how likely they are wrong, and write the first ones to disk."""
        ranking = rank_suspects(folds.probabilities, folds.labels)
        positions = data.training_positions(self.trainer.config.data)
        names, inputs = self.output.task.class_names, self.train.inputs
        rows = suspected_labels.suspect_rows(ranking, folds.labels, folds.planted, positions, names)
        images = suspected_labels.suspect_images(ranking, inputs)
        if images is None:
            suspected_labels.add_inputs(rows, ranking, inputs, self.dataset.columns)
        self.store.write_suspects(rows, images)
        return ranking

    def _write_summary(self, folds: FoldPredictions, ranking: LabelQuality) -> dict[str, Any]:
        """Write the summary; files of earlier versions hold the same keys."""
        num_planted, arms = len(folds.planted), compare_arms(accuracies(self.store.read_runs(), self.options.seeds))
        detection = score_detection(ranking.order, ranking.flagged, folds.planted) if num_planted else None
        summary = {
            "mnistsweep": __version__,
            "identity": self.store.origin,
            "seeds": self.options.seeds,
            "examples": len(folds.labels),
            "validation": len(self.dataset.validation),
            "suspected": len(suspected_labels.suspected_positions(ranking)),
            "flagged": int(ranking.flagged.sum()),
            "planted": None if detection is None else dataclasses.asdict(detection),
            "sentence": summarize_arms(arms),
        }
        self.store.write_summary(summary)
        return summary
