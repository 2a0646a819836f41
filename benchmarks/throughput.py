"""Images per second inside a trial with every callback of a sweep; peer: a plain `model.fit` without callbacks.

Both train the same freshly built model from the same seed on the built-in MNIST (50,000 images for the training, the
other 10,000 for the evaluation after each epoch) with the same batch size; the two alternate. Every epoch but the first
is timed, from its first batch to the end of its evaluation and of its callbacks; the first one compiles and is printed
apart. Images are training images. The ratio is the median over the pairs.

    python benchmarks/throughput.py --repeats 5 --epochs 4
    python benchmarks/throughput.py --peer HEAD~50    # beside another version of this project
"""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
import re
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from helpers import common, versions

from mnistsweep import devices

with devices.quiet_start():
    import keras

    from mnistsweep.models import builders
    from mnistsweep.training.callbacks.backup_and_resume import BackupAndResume
    from mnistsweep.training.callbacks.best_weights import BestWeights
    from mnistsweep.training.callbacks.guards import FiniteGuard, OwnershipCheck
    from mnistsweep.training.callbacks.history_writer import HistoryWriter
    from mnistsweep.training.callbacks.objective_reporter import ObjectiveReporter
    from mnistsweep.training.callbacks.stopping import StopOnRequest
    from mnistsweep.training.callbacks.tensorboard_logger import TensorBoardLogger
    from mnistsweep.training.loop import FitOptions, fit
    from mnistsweep.training.resume_file import TrainingState

PROJECT = Path(__file__).parents[1]
MNIST = PROJECT / "mnistsweep" / "data" / "mnist.npz"
TRAIN_IMAGES = 50_000
OBJECTIVE = "val_accuracy"
SIDES = ("model.fit, no callback", "trial, all callbacks")


@dataclass(frozen=True)
class Case:
    """A preset of `conf/model` with its changes, the batch size, and the required ratio."""

    name: str
    preset: str
    changes: dict[str, Any]
    batch_size: int
    required: float


CASES = (
    Case("default convolution, batch 128", "fast_conv", {}, 128, 1.1),
    Case(
        "perceptron 64-64, batch 32", "perceptron", {"dense_layers": 2, "layer_size": 64, "activation": "relu"}, 32, 1.8
    ),
)


class Stopwatch(keras.callbacks.Callback):
    """Records the start of the training and the end of each epoch; it has no batch events, which would slow `fit`."""

    def on_train_begin(self, logs: Any = None) -> None:
        self.times = [time.perf_counter()]

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.times.append(time.perf_counter())


def main() -> None:
    options = parse_arguments()
    common.print_heading("keras", keras.backend.backend())
    if options.peer:
        arguments = ["--repeats", "1", "--epochs", str(options.epochs), "--images", str(options.images)]
        names = "|".join(re.escape(name) for name in SIDES)
        cases = f"^({'|'.join(re.escape(case.name) for case in CASES)})$"
        versions.compare(
            Path(__file__).name, options.peer, arguments, rf"^  ({names}) +([0-9,]+) ", cases, options.repeats
        )
        return
    train, validation = load(options.images)
    print(f"{options.repeats} alternating pairs, {options.epochs - 1} timed epochs each\n")
    for case in CASES:
        pairs = [measure_pair(case, train, validation, options.epochs, repeat) for repeat in range(options.repeats)]
        report(case, pairs)


def measure_pair(case: Case, train: Any, validation: Any, epochs: int, repeat: int) -> list[tuple[float, float]]:
    """Run both sides in alternating order; returns (images per second, seconds of epoch 1) of fit and of ours."""
    sides = [lambda: run_plain(case, train, validation, epochs), lambda: run_trial(case, train, validation, epochs)]
    order = (0, 1) if repeat % 2 == 0 else (1, 0)
    results = {side: speed(sides[side](), len(train[0])) for side in order}
    return [results[0], results[1]]


def run_plain(case: Case, train: Any, validation: Any, epochs: int) -> Stopwatch:
    model, watch = compiled(case), Stopwatch()
    model.fit(*train, case.batch_size, epochs, verbose=0, callbacks=[watch], validation_data=validation)
    return watch


def run_trial(case: Case, train: Any, validation: Any, epochs: int) -> Stopwatch:
    model, watch = compiled(case), Stopwatch()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        trial: list[keras.callbacks.Callback] = [
            OwnershipCheck(lambda: None),
            FiniteGuard(OBJECTIVE),
            HistoryWriter(folder / "history.csv"),
            TensorBoardLogger(folder),
            BestWeights(OBJECTIVE, "max"),
            ObjectiveReporter(lambda epoch, value: False, OBJECTIVE),
        ]
        trial += [BackupAndResume(folder / "resume.npy", TrainingState(""), lambda: 0.0, trial)]
        trial += [StopOnRequest((folder / "stop").exists), watch]
        fit(model, train, validation, FitOptions(epochs, case.batch_size, seed=0), trial)
    return watch


def compiled(case: Case) -> Any:
    keras.utils.clear_session()
    keras.utils.set_random_seed(0)
    preset = yaml.safe_load((PROJECT / "conf" / "model" / f"{case.preset}.yaml").read_text(encoding="utf-8"))
    model = builders.build(preset | case.changes, (28, 28, 1), 10)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def speed(watch: Stopwatch, images: int) -> tuple[float, float]:
    began, first, *later = watch.times
    return images * len(later) / (later[-1] - first), first - began


def report(case: Case, pairs: list[list[tuple[float, float]]]) -> None:
    ratios = [ours[0] / plain[0] for plain, ours in pairs]
    ratio = statistics.median(ratios)
    print(case.name)
    for side, name in enumerate(SIDES):
        speeds, firsts = zip(*[pair[side] for pair in pairs], strict=True)
        print(f"  {name:24} {common.spread(speeds, ',.0f')} images/s; first epoch {statistics.median(firsts):.1f} s")
    verdict = common.verdict(ratio >= case.required)
    print(f"  ratio                    {common.spread(ratios)}; required {case.required}: {verdict}\n")


def load(images: int) -> tuple[Any, Any]:
    with np.load(MNIST) as file:
        x, y = (file["x_train"] / np.float32(255))[..., None], file["y_train"].astype(np.int32)
    validation = slice(TRAIN_IMAGES, TRAIN_IMAGES + images // 5)
    splits = (x[:images], y[:images]), (x[validation], y[validation])
    for array in (x, y, *splits[0], *splits[1]):
        array.setflags(write=False)  # a data set does not change between trials, so it stays on the device
    return splits


def parse_arguments() -> argparse.Namespace:
    parser = common.make_parser(__doc__, repeats=5)
    parser.add_argument("--epochs", type=common.whole(2), default=4, help="a run, the first not timed (default 4)")
    parser.add_argument(
        "--images", type=common.whole(500, TRAIN_IMAGES), default=TRAIN_IMAGES, help="to train on (default 50000)"
    )
    versions.add_peer(parser)
    return parser.parse_args()


if __name__ == "__main__":
    main()
