"""What `confirm.top` and `confirm.seeds` are worth: regret, calibration and cost, on recorded learning curves.

For each table of `curves/`, the configurations that were trained with two seeds are the truth: the true score of a
configuration is the mean of its two best epochs, and the noise of one training is their pooled standard deviation. Each
simulated sweep draws configurations with one noisy score each, and selects one in two ways:

- `best score`: the largest score, which is what every tuner reports;
- `confirmed`: the best ones are trained again with other seeds, and the best expected score wins.

How to read it: "regret" is the distance of the selected true score from the best true score of the sweep, in units of
the noise (mean ± standard error over sweeps). "halved" is the bar: at most half of the regret at 1.25 times the
cost or less. "covered" is the share of sweeps in which the 90 % interval contains the true score, "optimism" how much
the score of the best trial, and the expected score, exceed the true score, in units of the noise.

    python benchmarks/confirm.py --sweeps 200
"""

from __future__ import annotations

import argparse

import numpy as np
from helpers import common
from helpers.search.tables import Table, available
from numpy.typing import NDArray

from mnistsweep.analysis.expected_scores import expected_scores

MIN_CONFIGURATIONS = 50
"""Smallest number of configurations with two seeds that a table needs."""

SIZES = ((24, 3, 2), (48, 6, 2), (48, 3, 2), (96, 8, 3))
"""Trials of a sweep, and the values of `confirm.top` and `confirm.seeds`."""

MAX_COST = 1.25
MAX_REGRET = 0.5


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sweeps", type=int, default=200, help="simulated sweeps for each row")
    sweeps = parser.parse_args().sweeps
    common.print_heading("numpy")
    print(f"{sweeps} simulated sweeps for each row\n")
    print(
        "table                  trials  top  seeds  cost  regret: best score, confirmed   covered  optimism        bar"
    )
    for name in available():
        found = read_truth(Table.read(name))
        if found is not None:
            for size in SIZES:
                print_row(name, *found, size, sweeps)
    return 0


def read_truth(table: Table) -> tuple[NDArray[np.float64], float] | None:
    """True scores in units of the noise, larger is better, and the noise; None if too few have two seeds."""
    curves = table.sign * table.values[table.seeds >= 2].astype(np.float64)
    curves = np.where(np.isnan(curves), -np.inf, curves)
    scores = curves.max(axis=2)
    scores = scores[np.isfinite(scores).all(axis=1)]
    if len(scores) < MIN_CONFIGURATIONS:
        return None
    truth = scores.mean(axis=1)
    better = scores[truth >= np.median(truth)]  # the noise of bad configurations, some of which diverge, is another
    noise = float(np.sqrt(np.mean((better[:, 0] - better[:, 1]) ** 2) / 2))
    return truth / noise, noise


def print_row(name: str, truth: NDArray[np.float64], noise: float, size: tuple[int, int, int], sweeps: int) -> None:
    trials, top, seeds = size
    rng = np.random.default_rng(0)
    rows = np.array([one_sweep(rng, truth, trials, top, seeds) for _ in range(sweeps)])
    before, after, covered, optimism, corrected = rows.mean(axis=0)
    cost = 1 + top * seeds / trials
    errors = rows[:, :2].std(axis=0) / np.sqrt(sweeps)
    is_met = after <= MAX_REGRET * before and cost <= MAX_COST
    bar = "halved" if is_met else "too dear" if cost > MAX_COST else f"{after / max(before, 1e-12):.2f} times"
    print(
        f"{name:22} {trials:6} {top:4} {seeds:6} {cost:5.2f}  {before:6.2f} ± {errors[0]:.2f}  {after:6.2f} ± "
        f"{errors[1]:.2f}  {covered:11.1%}  {optimism:.2f}, {corrected:+.2f}  {bar}   (noise {noise:.2g})"
    )


def one_sweep(
    rng: np.random.Generator, truth: NDArray[np.float64], trials: int, top: int, seeds: int
) -> tuple[float, float, bool, float, float]:
    """Regret without and with confirmation, whether the interval contains the truth, and both errors of the score."""
    true = truth[rng.permutation(len(truth))[:trials]]
    scores = true + rng.standard_normal(len(true))
    best = np.argsort(-scores)
    repeats: list[list[float]] = [[] for _ in true]
    for index in best[:top]:
        repeats[index] = (true[index] + rng.standard_normal(seeds)).tolist()
    expected = expected_scores(scores.tolist(), repeats)
    chosen = int(expected.means.argmax())
    low, high = expected.interval(chosen)
    first = int(best[0])
    return (
        float(true.max() - true[first]), float(true.max() - true[chosen]), bool(low <= true[chosen] <= high),
        float(scores[first] - true[first]), float(expected.means[chosen] - true[chosen]),
    )  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())
