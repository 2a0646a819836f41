"""The cost of `trainer.deterministic=true`: the same training with and without it, through the real command line.

On a CPU a training gives the same bits without the setting, as long as the number of threads is the same; on a GPU it
does not. On a machine without a GPU the numbers therefore show the cost where the setting is not needed.

The setting holds for a whole process, so each training is a separate process; the two sides alternate. The first epoch
is left out, because it compiles. The last column is whether all runs of a side ended with the same scores.

    python benchmarks/determinism.py        # about two minutes
"""

from __future__ import annotations

import argparse
import csv
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path

from helpers import common

VALIDATION = 1000


@dataclass(frozen=True)
class Trained:
    """One training.

    Attributes:
        images_a_second: Training images per second, evaluation included: median over all epochs but the first.
        scores: Validation accuracy of each epoch.
    """

    images_a_second: float
    scores: tuple[str, ...]


def main() -> None:
    options = parse_arguments()
    common.print_heading("keras", "tensorflow")
    size = f"{options.epochs} epochs of {options.images:,} images, {VALIDATION:,} to validate on"
    print(f"{size}; {options.repeats} trainings each, in turn; median (mean, minimum to maximum, number)\n")
    for model in options.models:
        sides: dict[bool, list[Trained]] = {False: [], True: []}
        for repeat in range(options.repeats):
            for side in (False, True) if repeat % 2 == 0 else (True, False):
                sides[side].append(train(model, side, options))
        describe(model, sides[False], sides[True])


def train(model: str, deterministic: bool, options: argparse.Namespace) -> Trained:
    """Train once, and read the learning curves."""
    with tempfile.TemporaryDirectory() as name:
        command = [
            common.COMMAND, "train", f"model={model}", f"trainer.deterministic={str(deterministic).lower()}",
            f"trainer.epochs={options.epochs}", f"data.train_limit={options.images}", f"data.validation={VALIDATION}",
        ]  # fmt: skip
        common.require(common.run(command, Path(name)))
        with (Path(name) / "logs" / "train" / "0000" / "history.csv").open(encoding="utf-8", newline="") as file:
            epochs = list(csv.DictReader(file))
    rate = options.images / statistics.median(float(epoch["seconds"]) for epoch in epochs[1:])
    return Trained(rate, tuple(epoch["val_accuracy"] for epoch in epochs))


def describe(model: str, free: list[Trained], fixed: list[Trained]) -> None:
    print(model)
    for name, side in (("false", free), ("true", fixed)):
        same = "the same" if len({trained.scores for trained in side}) == 1 else "DIFFERENT"
        rates = common.spread([trained.images_a_second for trained in side], ",.0f")
        print(f"  deterministic={name:5}  {rates} images/s; scores of all runs: {same}")
    ratios = [a.images_a_second / b.images_a_second for a, b in zip(free, fixed, strict=True)]
    print(f"  without / with       {common.spread(ratios)}\n")


def parse_arguments() -> argparse.Namespace:
    parser = common.make_parser(__doc__)
    models = ["fast_conv", "conv_dense", "perceptron"]
    parser.add_argument("--models", nargs="+", default=models, help="presets of conf/model")
    parser.add_argument("--images", type=common.whole(1), default=10_000, help="to train on (default 10000)")
    parser.add_argument("--epochs", type=common.whole(2), default=4, help="of each training (default 4)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
