"""`mnistsweep clean`: does it help to remove or to correct the training labels that look wrong?

It costs ``folds + 5 * seeds`` trainings (by default 20) of the winner's configuration, each up to the winner's best
epoch:

1. On request (`clean.plant`) a known share of the training labels is made wrong first.
2. Each example of the training side is judged by a model that was not trained on it (`clean.folds` models).
3. Five arms (`analysis.cleaning.ARMS`) are trained with the same `clean.seeds` seeds and scored on the validation side.

The validation side is left as it is, and judges; the test set is not touched. Folds and scores are kept as they come,
so that the same command goes on where it was interrupted; more seeds go on from fewer.
"""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from mnistsweep import __version__, data, devices, predictions
from mnistsweep.analysis import cleaning
from mnistsweep.analysis.arrays import check, check_probabilities
from mnistsweep.analysis.cleaning import ARMS, Difference, Found, Treated
from mnistsweep.config.held import GROUPS
from mnistsweep.config.runnable import KEYS
from mnistsweep.config.schema import CleanConfig, Config
from mnistsweep.data import Dataset, Examples
from mnistsweep.errors import StudyError, SweepStopped
from mnistsweep.paths import CleanPaths, remove_parts, replacing
from mnistsweep.selecting import Selection, check_data, select
from mnistsweep.steps import Steps

if TYPE_CHECKING:
    from mnistsweep.analysis.label_quality import LabelQuality

# How many suspected labels are kept to look at.
MOST_SHOWN = 40

# What the random numbers are for; each has its own.
PLANTING, FOLDING, JUDGING, TRAINING, REMOVING = range(31, 36)


@dataclass(frozen=True)
class Run:
    """The score of one arm with one seed: a row of ``runs.csv``.

    Attributes:
        arm: One of `ARMS`.
        seed: Counted from 0.
        removed: How many examples were not trained on.
        accuracy: On the validation side.
        loss: Log loss there, in nats.
        seconds: Of training and scoring.
    """

    arm: str
    seed: int
    removed: int
    accuracy: float
    loss: float
    seconds: float


@dataclass(frozen=True, eq=False)
class Judged:
    """The training side and what models that were not trained on it say of it: ``folds.npz``.

    Attributes:
        labels: As they are trained on, ``(n,)``, the planted errors among them.
        planted: Positions of the planted errors.
        fold: Of each example, ``(n,)``.
        probabilities: ``(n, classes)``; NaN in folds that are not judged yet.
    """

    labels: NDArray[np.int64]
    planted: NDArray[np.int64]
    fold: NDArray[np.int64]
    probabilities: NDArray[np.float64]

    def is_judged(self, fold: int) -> bool:
        """Whether a fold has its probabilities."""
        return bool(np.isfinite(self.probabilities[self.fold == fold]).all())


def clean(folder: Path, overrides: Sequence[str] = ()) -> None:
    """Run the cleaning experiment of a finished or stopped sweep, or go on with it, and print what came out.

    Args:
        folder: Of the sweep.
        overrides: Keys of the group ``clean``: ``clean.plant=0.02``.

    Raises:
        StudyError: There is no sweep, or no trial has completed.
        ConfigError: An option cannot be used.
        DataError: The data are gone, or a class has fewer examples than there are folds.
        SweepStopped: A training failed.
    """
    console = Console()
    selection = select(folder, overrides, "clean")
    experiment = Experiment(selection, selection.config_of(selection.winner), selection.plan.config.clean, console)
    summary = experiment.finished()
    show(experiment.run() if summary is None else summary, experiment.runs(), experiment.paths, console)


@dataclass(frozen=True, eq=False)
class Experiment:
    """The cleaning experiment of a sweep's winner.

    Args:
        selection: The sweep and its winner.
        config: Of the winner.
        options: Of the experiment.
        console: Where to write.
    """

    selection: Selection
    config: Config
    options: CleanConfig
    console: Console

    @property
    def paths(self) -> CleanPaths:
        """Its files."""
        return self.selection.paths.clean

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What the kept folds and runs came from; with another one it begins anew. The number of seeds is no part."""
        plain = dataclasses.asdict(self.config)
        plain["trainer"].pop("threads")
        text = json.dumps({key: plain[key] for key in (*KEYS, *GROUPS)}, sort_keys=True, default=str)
        return {
            "trial": self.selection.winner.number,
            "configuration": hashlib.sha256(text.encode()).hexdigest()[:16],
            "epochs": self.selection.best_epoch,
            "data": self.selection.checksum,
            "seed": self.selection.plan.config.seed,
            "plant": self.options.plant,
            "folds": self.options.folds,
        }

    @cached_property
    def dataset(self) -> Dataset:
        """The winner's data."""
        return data.load(self.config.data)

    def finished(self) -> dict[str, Any] | None:
        """The summary of the same experiment; None where it is not complete."""
        if not self.paths.summary.is_file():
            return None
        summary: dict[str, Any] = json.loads(self.paths.summary.read_text(encoding="utf-8"))
        same = summary["identity"] == self.identity and summary["seeds"] == self.options.seeds
        return summary if same else None

    def run(self) -> dict[str, Any]:
        """Do what is left to do; the summary."""
        check_data(self.selection, self.config)
        remove_parts(self.paths.folder)
        judged = self._open()
        threads = self.config.trainer.threads or self.selection.plan.threads
        os.environ.update(devices.environment(0, 1, threads))
        with devices.quiet_start():
            import mnistsweep.refitting  # noqa: F401
        if self.config.trainer.deterministic:
            devices.use_op_determinism()
        with Steps(self.console, self._num_fits * self.selection.best_epoch) as steps:
            self._judge(judged, steps)
            suspects = self._rank(judged)
            self._train_arms(judged, suspects, steps)
        return self._sum_up(judged, suspects)

    @property
    def _num_fits(self) -> int:
        return self.options.folds + len(ARMS) * self.options.seeds

    def _random(self, *key: int) -> int:
        """A seed of the experiment's own, from the sweep's."""
        return int(np.random.SeedSequence([self.selection.plan.config.seed, *key]).generate_state(1)[0])

    def _open(self) -> Judged:
        """What was kept of this experiment; else a new one: labels planted, folds assigned."""
        kept = predictions.read_arrays(self.paths.folds, self.identity)
        if kept is not None:
            return Judged(**kept)
        if self.paths.folds.is_file():
            self.console.print("clean/ holds the experiment of another winner or other options; it begins anew")
        paths = self.paths
        for file in (paths.summary, paths.runs, paths.suspects, paths.images, paths.folds):
            file.unlink(missing_ok=True)
        train, classes = self.dataset.train, self.dataset.classes
        planted = cleaning.plant(train.labels, self.options.plant, classes, self._random(PLANTING))
        fold = cleaning.assign_folds(planted.labels, self.options.folds, classes, self._random(FOLDING))
        judged = Judged(planted.labels, planted.indices, fold, np.full((len(fold), classes), np.nan))
        self._keep(judged)
        return judged

    def _keep(self, judged: Judged) -> None:
        predictions.write_arrays(self.paths.folds, vars(judged), self.identity)

    def _judge(self, judged: Judged, steps: Steps) -> None:
        """Have each fold judged by a model that was trained on the others."""
        for fold in range(self.options.folds):
            if judged.is_judged(fold):
                steps.advance(self.selection.best_epoch)
                continue
            steps.begin(f"{fold + 1} of {self._num_fits}: judging the training labels, fold {fold + 1}")
            inside = judged.fold == fold
            others = np.flatnonzero(~inside)
            seed, images = self._random(JUDGING, fold), self.dataset.train.images[inside]
            found = self._predict(Treated(others, judged.labels[others]), seed, images, steps)
            judged.probabilities[inside] = check_probabilities(found, f" of fold {fold + 1}")
            self._keep(judged)

    def _train_arms(self, judged: Judged, suspects: LabelQuality, steps: Steps) -> None:
        """Train and score each arm with each seed, all arms of a seed before the next."""
        from mnistsweep.analysis.confidence import rank_ambiguous

        runs, validation = self._read_runs(), self.dataset.validation
        done = {(run.arm, run.seed) for run in runs}
        ambiguous = rank_ambiguous(judged.probabilities, judged.labels).order
        left = [(arm, seed) for seed in range(self.options.seeds) for arm in ARMS if (arm, seed) not in done]
        first = self._num_fits - len(left) + 1
        steps.advance(self.selection.best_epoch * (first - 1 - self.options.folds))
        for number, (arm, seed) in enumerate(left, first):
            steps.begin(f"{number} of {self._num_fits}: {ARMS[arm]}, seed {seed + 1} of {self.options.seeds}")
            began = time.perf_counter()
            treated = cleaning.treat(
                arm, judged.labels, _suspected(suspects), suspects.suggested, ambiguous, self._random(REMOVING, seed)
            )
            found = self._predict(treated, self._random(TRAINING, seed), validation.images, steps)
            probabilities, labels = check(found, validation.labels)
            accuracy = float((probabilities.argmax(axis=1) == labels).mean())
            removed, seconds = len(judged.labels) - len(treated.kept), round(time.perf_counter() - began, 3)
            runs.append(Run(arm, seed, removed, accuracy, cleaning.log_loss(probabilities, labels), seconds))
            _write_rows(self.paths.runs, [vars(run) for run in runs])

    def _predict(self, treated: Treated, seed: int, images: NDArray[Any], steps: Steps) -> NDArray[np.float64]:
        """Train a model on a treated training set; what it says of images.

        Raises:
            SweepStopped: The training failed.
        """
        from mnistsweep.engines.memory import free_graphs
        from mnistsweep.refitting import class_probabilities, refit
        from mnistsweep.training import explain

        whole = self.dataset
        kept = whole.train.images[treated.kept]
        kept.setflags(write=False)  # so that a copy on the device stays true as long as the model is trained
        examples = Examples(kept, treated.labels.astype(whole.train.labels.dtype))
        dataset = dataclasses.replace(whole, train=examples)
        try:
            model = refit(self.config, dataset, seed, self.selection.best_epoch, lambda _: steps.advance()).model
            probabilities = class_probabilities(model, images)
        except Exception as error:
            raise SweepStopped(f"the training failed: {explain(error)}; the same command goes on.") from error
        free_graphs(model)
        return probabilities

    def runs(self) -> list[Run]:
        """The scores so far, of as many seeds as are asked for."""
        return [run for run in self._read_runs() if run.seed < self.options.seeds]

    def _read_runs(self) -> list[Run]:
        """The scores so far, of all seeds that were ever asked for.

        Raises:
            StudyError: The file is damaged.
        """
        if not self.paths.runs.is_file():
            return []
        try:
            with self.paths.runs.open(encoding="utf-8", newline="") as file:
                return [_run(row) for row in csv.DictReader(file)]
        except (KeyError, ValueError, TypeError) as error:
            raise StudyError(f"{self.paths.runs}: cannot be read: {error!r}; remove the file.") from error

    def _rank(self, judged: Judged) -> LabelQuality:
        """Rank the training labels by how wrong they look, and write down the first."""
        from mnistsweep.analysis.label_quality import rank_suspects

        suspects = rank_suspects(judged.probabilities, judged.labels)
        positions = data.training_positions(self.config.data)
        shown = suspects.order[: max(len(_suspected(suspects)), len(judged.planted), MOST_SHOWN)]
        planted, flagged = np.isin(shown, judged.planted), np.isin(shown, _suspected(suspects))
        _write_rows(
            self.paths.suspects,
            [
                {
                    "index": int(positions[example]),
                    "label": int(judged.labels[example]),
                    "suggested": int(suspects.suggested[example]),
                    "suspected": bool(flagged[row]),
                    "planted": bool(planted[row]),
                    **{name: float(values[example]) for name, values in suspects.scores.items()},
                }
                for row, example in enumerate(shown)
            ],
        )
        self._keep_images(suspects.order[:MOST_SHOWN])
        return suspects

    def _keep_images(self, examples: NDArray[np.int64]) -> None:
        """Keep images to look at, from 0 to 1, where the inputs are such."""
        images = self.dataset.train.images
        if images.ndim == 4 and images.shape[-1] in (1, 3):
            low, high = images.min(), images.max()
            shown = np.clip((images[examples] - low) / max(high - low, np.finfo(np.float32).tiny), 0, 1)
            shown = shown[..., 0] if shown.shape[-1] == 1 else shown
            predictions.write_arrays(self.paths.images, {"images": np.round(255 * shown).astype(np.uint8)}, {})

    def _sum_up(self, judged: Judged, suspects: LabelQuality) -> dict[str, Any]:
        """Write what came out."""
        found = cleaning.count_found(suspects.order, suspects.flagged, judged.planted) if len(judged.planted) else None
        arms = cleaning.compare(scores(self.runs(), "accuracy"))
        summary = {
            "mnistsweep": __version__,
            "identity": self.identity,
            "seeds": self.options.seeds,
            "examples": len(judged.labels),
            "validation": len(self.dataset.validation),
            "suspected": len(_suspected(suspects)),
            "planted": None if found is None else dataclasses.asdict(found),
            "sentence": cleaning.conclude(arms),
        }
        with replacing(self.paths.summary) as part:
            part.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
        return summary


def scores(runs: Sequence[Run], what: str) -> dict[str, list[float]]:
    """A score of each arm, in the order of the seeds, as `analysis.cleaning.compare` takes them.

    Args:
        runs: Of all arms and seeds.
        what: ``accuracy`` or ``loss``.
    """
    ordered = sorted(runs, key=lambda run: run.seed)
    return {arm: [getattr(run, what) for run in ordered if run.arm == arm] for arm in ARMS}


def _suspected(suspects: LabelQuality) -> NDArray[np.int64]:
    """The labels that the arms are about: those flagged; the most suspect one where none is."""
    flagged: NDArray[np.int64] = np.flatnonzero(suspects.flagged)
    return flagged if len(flagged) else suspects.order[:1]


def _run(row: dict[str, str]) -> Run:
    return Run(
        row["arm"], int(row["seed"]), int(row["removed"]), float(row["accuracy"]), float(row["loss"]),
        float(row["seconds"]),
    )  # fmt: skip


def _write_rows(file: Path, rows: Sequence[dict[str, Any]]) -> None:
    with replacing(file) as part, part.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def show(summary: dict[str, Any], runs: Sequence[Run], paths: CleanPaths, console: Console) -> None:
    """Print what came out.

    Args:
        summary: What ``summary.json`` holds.
        runs: The scores.
        paths: The files.
        console: Where to write.
    """
    console.print(f"{summary['suspected']} of {summary['examples']} training labels are suspected.", highlight=False)
    if summary["planted"] is not None:
        console.print(Found(**summary["planted"]).sentence, highlight=False, soft_wrap=True)
    seeds = f"{summary['seeds']} seed{'s' * (summary['seeds'] > 1)}"
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column(f"arm ({seeds} each)")
    for column in ("accuracy", "against nothing", "against random"):
        table.add_column(column, justify="right")
    for arm in cleaning.compare(scores(runs, "accuracy")):
        spread = f" ± {100 * arm.std:.2f}" if summary["seeds"] > 1 else ""
        table.add_row(ARMS[arm.name], f"{100 * arm.mean:.2f}{spread} %", _short(arm.to_nothing), _short(arm.to_random))
    console.print(table)
    console.print("Accuracy on the validation side; differences in points, ± the 95 % interval.", highlight=False)
    console.print(summary["sentence"], highlight=False, soft_wrap=True)
    console.print("The validation side judged; the test set was not touched.", highlight=False)
    console.print(f"in {paths.folder}", highlight=False, soft_wrap=True, markup=False)


def _short(difference: Difference | None) -> str:
    """A difference in points in little room."""
    if difference is None:
        return ""
    half = (difference.high - difference.low) / 2
    return f"{100 * difference.mean:+.2f}" + (f" ± {100 * half:.2f}" if np.isfinite(half) else "")
