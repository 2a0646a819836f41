"""The scheduler of a configuration, by the name of its oracle."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mnistsweep.errors import ConfigError, suggest
from mnistsweep.search.asha import Asha
from mnistsweep.search.former import FormerTrial, former_curves
from mnistsweep.search.oracle_factory import PAUSING, make_oracle, resolve_oracle
from mnistsweep.search.scheduler import LAST_EPOCH, Curve, Scheduler
from mnistsweep.search.sequences import PointSequence, SequenceOracle
from mnistsweep.search.settings import int_setting
from mnistsweep.search.whole_trials import WholeTrials
from mnistsweep.space import Point, SearchSpace

RANDOM_POINTS = ("random", "quasi_random")
"""Points that `oracle=asha` can start trials at: functions of the trial's number."""


def make_scheduler(
    config: Mapping[str, Any],
    space: SearchSpace,
    seed: int,
    trials: int | None,
    enqueued: Sequence[Mapping[str, Any]] = (),
    *,
    direction: str = "max",
    epochs_of: Callable[[Point], int] = lambda _point: LAST_EPOCH,
    can_pause: Callable[[], bool] = lambda: False,
    former: Sequence[FormerTrial] = (),
) -> Scheduler:
    """Return the scheduler of a configuration.

    Args:
        config: Config group `oracle`: the `name` of the oracle and its keys.
        space: Search space of the sweep.
        seed: Seed of the sweep.
        trials: Budget of trials at the first start of the sweep; None: no limit.
        enqueued: Points, in full or in part, that the first trials try.
        direction: Direction of the objective: ``max`` or ``min``.
        epochs_of: Function from a point to the number of epochs of its whole training.
        can_pause: Function that returns whether the trials can be paused: each is a single Keras training that reports
            its epochs. It may import the user's model, so it is called only where the answer matters.
        former: Trials of former sweeps with points of the space.

    Raises:
        ConfigError: The name is unknown, a key has a wrong value, a library is not installed, or trials cannot be
            paused and the oracle pauses them.
        SpaceError: The oracle cannot search the space.
    """
    name = resolve_scheduler(config, space, trials, can_pause)
    if name not in PAUSING:
        return WholeTrials(make_oracle(config, space, seed, trials, enqueued, former))
    curves = former_curves(former, epochs_of)
    if name == "asha":
        return _make_asha(config, space, seed, enqueued, direction, curves)
    from mnistsweep.search.freeze_thaw import FreezeThaw  # scipy.optimize takes a third of a second to import

    return FreezeThaw(PointSequence(space, "random", seed, enqueued), direction == "max", epochs_of, seed, curves)


def resolve_scheduler(
    config: Mapping[str, Any], space: SearchSpace, trials: int | None, can_pause: Callable[[], bool]
) -> str:
    """Return the name of the oracle that searches.

    `auto` becomes `grid` if the whole grid fits the budget, otherwise `freeze_thaw` if trials can be paused; otherwise
    it stays `auto`.

    Args:
        config: Config group `oracle`.
        space: Search space of the sweep.
        trials: Budget of trials at the first start of the sweep; None: no limit.
        can_pause: Function that returns whether the trials can be paused.

    Raises:
        ConfigError: The name is unknown, or trials cannot be paused and the oracle pauses them.
    """
    name = resolve_oracle(config, space, trials)
    if name == "auto":
        return "freeze_thaw" if can_pause() else "auto"
    if name in PAUSING and not can_pause():
        raise ConfigError(
            f"oracle: {name} pauses and continues trainings, so each trial is one Keras training of several epochs, "
            "without trainer.repeats, data.folds, a fit of its own, or a pruner; leave these out, or use oracle=tpe."
        )
    return name


def _make_asha(
    config: Mapping[str, Any],
    space: SearchSpace,
    seed: int,
    enqueued: Sequence[Mapping[str, Any]],
    direction: str,
    former: Sequence[Curve],
) -> Asha:
    points = str(config.get("points") or RANDOM_POINTS[0])
    if points not in RANDOM_POINTS:
        raise ConfigError(
            f"oracle.points: no sequence of points is called {points!r}; {suggest(points, RANDOM_POINTS)}."
        )
    return Asha(
        SequenceOracle(PointSequence(space, points, seed, enqueued)),
        direction == "max",
        int_setting(config, "oracle.first_rung", 1, minimum=1),
        int_setting(config, "oracle.reduction_factor", 2, minimum=2),
        former,
    )
