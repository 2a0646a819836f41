"""What the search knows at one moment: the process over all curves, with the jobs that run taken into account."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from mnistsweep.search.freeze_thaw.encoding import Encoder
from mnistsweep.search.freeze_thaw.kernel import Array, Inputs, Kernel
from mnistsweep.search.freeze_thaw.likelihood import fit_kernel
from mnistsweep.search.freeze_thaw.observations import (
    Observation,
    Timeline,
    best_value,
    fitted,
    known_values,
    ranked,
)
from mnistsweep.search.freeze_thaw.overview import Shortlist
from mnistsweep.search.freeze_thaw.process import GaussianProcess
from mnistsweep.search.freeze_thaw.targets import Scale
from mnistsweep.search.scheduler import Curve, Phase

NUM_BEST = 3
"""Number of the best trials around which new points are drawn."""


class Knowledge:
    """What was computed for earlier decisions, to save time: it never changes a result.

    Args:
        encoder: Encoder of the space.

    Attributes:
        encoder: Encoder of the space.
    """

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder
        self._rows: dict[int, Array] = {}
        self._fitted: tuple[object, Kernel] | None = None

    def rows(self, curves: Sequence[Curve]) -> Array:
        """Return the encoded configurations of trials."""
        new = [curve for curve in {one.number: one for one in curves}.values() if curve.number not in self._rows]
        self._rows.update(zip((one.number for one in new), self.encoder.rows([one.point for one in new]), strict=True))
        found = [self._rows[curve.number] for curve in curves]
        return np.array(found).reshape(len(curves), len(self.encoder.names))

    def kernel(self, inputs: Inputs, targets: Array) -> Kernel:
        """Return the kernel for some values; equal values are fitted once."""
        key = (inputs.rows.tobytes(), inputs.times.tobytes(), inputs.trials.tobytes(), targets.tobytes())
        if self._fitted is None or key != self._fitted[0]:
            self._fitted = key, fit_kernel(inputs, targets, self.encoder.is_category)
        return self._fitted[1]


class CurveModel:
    """The posterior over the curves of a search.

    Args:
        trials: Trials that the model can depend on; at least one of these or of the former ones has a value.
        maximize: Whether larger values of the objective are better.
        knowledge: What was computed before.
        former: Trials of former sweeps, the best first. What is known of them holds for new trials, but they are not
            trials of this search: none of them is its best one.

    Attributes:
        best_points: Points of the trials with the best values, the best first; former trials are among them.
        best_target: Best target measured so far; minus infinity if there is no finite value.
        curves: Trials that the process knows and that did not fail, in the order of their numbers.
    """

    def __init__(self, trials: Shortlist, maximize: bool, knowledge: Knowledge, former: Sequence[Curve] = ()) -> None:
        self._knowledge = knowledge
        self._timeline = Timeline([*former, *trials.lengths])
        sign = 1.0 if maximize else -1.0
        ranking, running = trials.ranking, trials.running
        few, known = fitted(ranking, trials.last_early, former=former), known_values(ranking, former)
        scale = Scale.of((one.value for one in few), maximize)
        kernel = knowledge.kernel(self._observed(few), scale.targets(one.value for one in few))
        process = GaussianProcess(kernel, self._observed(known), scale.targets(one.value for one in known))
        self._process = process.believing(self._after(running, [curve.until for curve in running]))
        seen = {one.curve.number: one.curve for one in known if one.curve.number >= 0}
        self.curves = [curve for curve in seen.values() if curve.phase is not Phase.FAILED]
        best = [curve for curve in ranking[:NUM_BEST] if np.isfinite(best_value(curve, sign))]
        self.best_target = float(scale.targets(sign * best_value(c, sign) for c in best[:1]).max(initial=-np.inf))
        if former:
            both = ranked([*best, *former[:NUM_BEST]], sign)[:NUM_BEST]
            best = [curve for curve in both if np.isfinite(best_value(curve, sign))]
        self.best_points = [curve.point for curve in best]

    @cached_property
    def finals(self) -> dict[int, tuple[float, float]]:
        """Mean and standard deviation of the final target of each trial in `curves`, by its number."""
        ends = [curve.epochs if curve.phase is Phase.ENDED else curve.max_epochs for curve in self.curves]
        means, deviations = self._process.mean_and_deviation(self._after(self.curves, ends))
        pairs = zip(means.tolist(), deviations.tolist(), strict=True)
        return dict(zip((curve.number for curve in self.curves), pairs, strict=True))

    @property
    def best_expected(self) -> float:
        """Best target measured, or best final target expected of a trial, whichever is better."""
        return max([self.best_target, *(mean for mean, _ in self.finals.values())])

    def of_trials(self, curves: Sequence[Curve], epochs: Sequence[int]) -> tuple[Array, Array]:
        """Return means and standard deviations of the targets of trials in `curves` after some epochs."""
        ends = [curve.max_epochs for curve in curves]
        if list(epochs) == ends and all(curve.phase is not Phase.ENDED for curve in curves):
            pairs = np.array([self.finals[curve.number] for curve in curves]).reshape(len(curves), 2)
            return pairs[:, 0], pairs[:, 1]
        return self._process.mean_and_deviation(self._after(curves, epochs))

    def of_untried(self, rows: Array, epochs: Sequence[int], max_epochs: Sequence[int]) -> tuple[Array, Array]:
        """Return means and standard deviations of the targets of untried configurations after some epochs.

        Args:
            rows: Encoded configurations.
            epochs: Epochs after which the values are wanted.
            max_epochs: Number of epochs of the whole training of each configuration.
        """
        times = self._timeline.columns(epochs, max_epochs)
        own = np.iinfo(np.int64).min + np.arange(len(rows))  # trials of former sweeps have negative numbers, too
        return self._process.mean_and_deviation(Inputs(rows, times, own))

    def _observed(self, observations: Sequence[Observation]) -> Inputs:
        return self._after([one.curve for one in observations], [one.epoch for one in observations])

    def _after(self, curves: Sequence[Curve], epochs: Sequence[int]) -> Inputs:
        times = self._timeline.columns(epochs, [curve.max_epochs for curve in curves])
        numbers = np.array([curve.number for curve in curves], dtype=np.int64)
        return Inputs(self._knowledge.rows(curves), times, numbers)
