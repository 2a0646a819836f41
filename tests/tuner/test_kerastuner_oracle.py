"""KerasTuner's own oracles as sources of points, with a ledger in memory and trainings that take no time."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
from fakes import RunSweep
from optuna.trial import TrialState

from mnistsweep.config.recipe import Recipe
from mnistsweep.config.schema import Config, TrainerConfig
from mnistsweep.dimensions import Choice, Condition, Float, Int
from mnistsweep.errors import ConfigError
from mnistsweep.intervals import MAX_WHOLE
from mnistsweep.paths import SweepPaths
from mnistsweep.planning.plan_file import plan_of
from mnistsweep.planning.planner import plan_sweep
from mnistsweep.search.distributions import stored
from mnistsweep.space import Point, SearchSpace, canonical
from mnistsweep.study.ledger import Ledger as Store
from mnistsweep.tuner.hyperband import with_epochs
from mnistsweep.tuner.kerastuner_oracle import KerasTunerOracle

Ends = Callable[[int, Point], tuple[TrialState, float | None]]

OWN = "keras_tuner.oracles."
NAMES = ("RandomSearchOracle", "GridSearchOracle", "HyperbandOracle", "BayesianOptimizationOracle")

# 2 x 2 x 3 points with sgd, 2 x 3 without its momentum.
SMALL = SearchSpace(
    (
        Choice("optimizer", ("adam", "sgd")),
        Choice("optimizer.momentum", (0.0, 0.9), (Condition("optimizer", ("sgd",)),)),
        Choice("data.stratify", (False, True)),
        Int("model.dense_layers", 1, 3),
    )
)


def score(point: Point) -> float:
    """Between 0 and 1; best at sgd with momentum, three layers, and after many epochs."""
    good = 0.3 * point.get("optimizer.momentum", 0.3) + 0.1 * point["model.dense_layers"] + 0.1 * point["data.stratify"]
    return good * (1 - 0.5 ** point.get("trainer.epochs", 5))


class Ledger:
    """An Optuna study in memory, and an oracle that proposes its trials one after the other.

    Args:
        folder: Path of the sweep's folder.
        space: Search space without the epochs that the oracle sets.
        config: Configuration of the sweep.
    """

    def __init__(self, folder: Path, space: SearchSpace, config: Config) -> None:
        self.paths = SweepPaths(folder)
        self.space = with_epochs(config, space)
        self.config = config
        self.study = optuna.create_study(direction="maximize")
        self.oracle = self.start()

    def start(self) -> KerasTunerOracle:
        """Return the oracle that a new process creates."""
        return KerasTunerOracle(self.paths, self.space, self.config, "max")

    @property
    def points(self) -> list[Point]:
        return [trial.user_attrs["point"] for trial in self.study.get_trials(deepcopy=False)]

    def next_trial(self, ends: Ends) -> bool:
        """Request a trial and end it with the state and value of `ends`; return False if the oracle proposes none."""
        number = len(self.study.get_trials(deepcopy=False))
        proposal = self.oracle.propose(number, self.study)
        if proposal is None:
            return False
        point = proposal.point
        shapes = {key: stored(self.space[key]).distribution for key in point}
        state, value = ends(number, point)
        trial = optuna.trial.create_trial(
            state=state, value=value, distributions=shapes,
            params={key: stored(self.space[key]).encode(value) for key, value in point.items()},
            user_attrs={"point": point, "result": {"best_epoch": 1}},
        )  # fmt: skip
        self.study.add_trial(trial)
        return True

    def run(self, max_trials: int) -> list[Point]:
        """Run trials until the oracle proposes no more, or `max_trials` have run."""
        while len(self.points) < max_trials and self.next_trial(completed):
            pass
        return self.points


def completed(number: int, point: Point) -> tuple[TrialState, float | None]:
    return TrialState.COMPLETE, score(point)


def configured(name: str, trials: int | None = 100, **keys: Any) -> Config:
    return Config(trials=trials, oracle={"_target_": OWN + name, **keys}, trainer=TrainerConfig(epochs=9))


@pytest.fixture
def ledger(tmp_path: Path) -> Callable[..., Ledger]:
    numbers = itertools.count()

    def make(name: str, space: SearchSpace = SMALL, **keys: Any) -> Ledger:
        if name == "BayesianOptimizationOracle":
            pytest.importorskip("sklearn")
        folder = tmp_path / f"sweep {next(numbers)}"
        folder.mkdir()
        return Ledger(folder, space, configured(name, **keys))

    return make


@pytest.mark.parametrize("name", NAMES)
def test_each_oracle_keeps_to_the_budget_and_the_space(ledger: Callable[..., Ledger], name: str) -> None:
    sweep = ledger(name, trials=8, **({"num_initial_points": 7} if name.startswith("Bayes") else {}))
    points = sweep.run(9 if "Hyperband" not in name else 8)
    assert len(points) == 8
    for point in points:
        active = [d for d in sweep.space.dimensions if all(condition.holds(point) for condition in d.conditions)]
        assert list(point) == [dimension.key for dimension in active]
        assert all(dimension.contains(point[dimension.key]) for dimension in active)
    assert sorted(path.name for path in sweep.paths.folder.iterdir()) == [sweep.paths.oracle_state.name]


@pytest.mark.parametrize("name", ["RandomSearchOracle", "BayesianOptimizationOracle"])
def test_each_oracle_covers_extreme_ranges(ledger: Callable[..., Ledger], name: str) -> None:
    space = SearchSpace(
        (
            Float("wide", 1e-200, 1e200, log=True),
            Float("huge", -1e308, 1e308),
            Float("narrow", 1.0, math.nextafter(1.0, 2)),
            Int("whole", 1, MAX_WHOLE, log=True),
        )
    )
    sweep = ledger(name, space, trials=8)
    while sweep.next_trial(lambda number, point: (TrialState.COMPLETE, number / 8)):
        pass
    points = sweep.points
    assert len(points) == 8
    assert all(space[key].contains(value) for point in points for key, value in point.items())
    assert min(point["wide"] for point in points) < 1e-50
    assert max(point["wide"] for point in points) > 1e50
    assert min(point["huge"] for point in points) < 0 < max(point["huge"] for point in points)
    assert len({math.floor(math.log10(point["whole"])) for point in points}) > 3


@pytest.mark.parametrize("name", ["RandomSearchOracle", "GridSearchOracle"])
def test_an_exhausted_space_ends_the_search(ledger: Callable[..., Ledger], name: str) -> None:
    sweep = ledger(name)
    points = [canonical(point) for point in sweep.run(100)]
    assert len(set(points)) == len(points)
    if name == "GridSearchOracle":
        assert set(points) == {canonical(point) for point in SMALL.grid()}


def test_the_bayesian_oracle_learns_from_the_results(ledger: Callable[..., Ledger]) -> None:
    space = SearchSpace((Float("model.dropout", 0.0, 1.0),))
    sweep = ledger("BayesianOptimizationOracle", space, num_initial_points=4)

    def ends(number: int, point: Point) -> tuple[TrialState, float | None]:
        return TrialState.COMPLETE, 1 - abs(point["model.dropout"] - 0.3)

    for _ in range(9):
        assert sweep.next_trial(ends)
    assert min(abs(point["model.dropout"] - 0.3) for point in sweep.points[4:]) < 0.05


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("where", ["between trials", "before the ledger has the proposal"])
def test_a_search_continues_where_a_process_ended(ledger: Callable[..., Ledger], name: str, where: str) -> None:
    keys = {"num_initial_points": 99} if name.startswith("Bayes") else {}
    whole = ledger(name, **keys)
    whole.run(12)
    parts = ledger(name, **keys)
    while len(parts.points) < len(whole.points):
        if where == "before the ledger has the proposal":
            parts.oracle.propose(len(parts.points), parts.study)
        parts.oracle = parts.start()
        assert parts.next_trial(completed)
    assert parts.points == whole.points


def test_the_budget_may_grow(ledger: Callable[..., Ledger]) -> None:
    whole, grows = ledger("RandomSearchOracle", trials=12), ledger("RandomSearchOracle", trials=5)
    assert len(grows.run(99)) == 5
    grows.config = replace(grows.config, trials=12)
    grows.oracle = grows.start()
    assert grows.run(99) == whole.run(99)
    assert len(grows.points) == 12


@pytest.mark.parametrize("name", NAMES)
def test_failed_and_pruned_trials_are_reported_with_their_state(ledger: Callable[..., Ledger], name: str) -> None:
    keys = {"num_initial_points": 3} if name.startswith("Bayes") else {}
    sweep = ledger(name, **keys)

    def ends(number: int, point: Point) -> tuple[TrialState, float | None]:
        if number in (0, 1, 2, 3, 6):
            return TrialState.FAIL, None
        return (TrialState.PRUNED if number == 4 else TrialState.COMPLETE), score(point)

    for _ in range(8):
        assert sweep.next_trial(ends)
    sweep.oracle.propose(8, sweep.study)
    reported = [(trial.status, trial.score) for trial in sweep.oracle._inner.trials.values()][:8]
    assert [status for status, _ in reported] == ["FAILED"] * 4 + ["COMPLETED"] * 2 + ["FAILED", "COMPLETED"]
    assert [value for _, value in reported if value is not None] == [
        score(sweep.points[number]) for number in (4, 5, 7)
    ]


def test_hyperband_sets_the_epochs_of_each_trial(ledger: Callable[..., Ledger]) -> None:
    sweep = ledger("HyperbandOracle", max_epochs=9, factor=3)
    points = sweep.run(99)
    epochs = [point["trainer.epochs"] for point in points]
    assert set(epochs) == {1, 3, 9}
    brackets = math.ceil(1 + math.log(9, 3))
    assert epochs.count(1) == math.ceil(brackets / 3 * 9), "Li et al. (2017), as KerasTuner sizes the brackets"
    again = next(point for point in points if point["trainer.epochs"] == 9)
    first = [point for point in points if point["trainer.epochs"] == 1]
    assert {**again, "trainer.epochs": 1} in first, "one that did well with few epochs gets more"


@pytest.mark.parametrize(
    ("oracle", "message"),
    [
        ({"_target_": OWN + "RandomOracle"}, "has no 'RandomOracle'; did you mean 'RandomSearchOracle'"),
        (
            {"_target_": "keras_tuner.RandomSearch"},
            r"needs an oracle of KerasTuner.*keras_tuner.oracles.GridSearchOracle",
        ),
        ({"_target_": "collections.OrderedDict"}, r"oracle._target_: needs an oracle of KerasTuner"),
        ({"_target_": OWN + "HyperbandOracle", "max_epoch": 9}, r"oracle.max_epoch: .*did you mean 'max_epochs'"),
        ({"_target_": OWN + "HyperbandOracle", "factor": 1}, r"oracle: .*HyperbandOracle: factor needs to be"),
    ],
)
def test_a_wrong_oracle_is_an_error_with_its_reason(tmp_path: Path, oracle: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        KerasTunerOracle(SweepPaths(tmp_path), SMALL, Config(oracle=oracle), "max")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["workers=2"], "workers: KerasTuner's own oracles serve one worker; received 2"),
        (["confirm.top=2"], "confirm.top: KerasTuner's own oracles number their trials themselves"),
        (
            ["enqueue=[{model.layer_size: 4}]"],
            "enqueue: KerasTuner's own oracles do not accept enqueued configurations",
        ),
        (["+oracle.factr=3"], "oracle.factr: .*did you mean 'factor'"),
    ],
)
def test_errors_are_found_before_anything_is_written(
    tiny_data: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overrides: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    hyperband = [f"oracle._target_={OWN}HyperbandOracle", "model=perceptron", "model.layer_size=4,8"]
    with pytest.raises(ConfigError, match=message):
        plan_sweep(Recipe(), [*tiny_data, *hyperband, *overrides])
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_sweep_with_hyperband_trains_the_epochs_that_it_sets(run_sweep: RunSweep) -> None:
    hyperband = [f"oracle._target_={OWN}HyperbandOracle", "+oracle.max_epochs=3", "trials=99", "name=bands"]
    sweep = run_sweep([*hyperband, "model.layer_size=4,8", "optimizer.learning_rate=tag(log,interval(1e-3,1e-1))"])
    trials = sweep.trials
    assert sorted(trials["trainer.epochs"]) == [1, 1, 1, 3, 3, 3]
    assert set(trials["state"]) == {"completed"}
    ending = Store(sweep.paths).ending(plan_of(sweep).budget)
    assert str(ending) == (
        "ended: HyperbandOracle of KerasTuner has ended its search or found only points that it had tried, "
        "with 6 of 99 trials; another search: name=NAME."
    )
    for row in trials.itertuples():
        history = sweep.paths.trial(row.trial).history.read_text(encoding="utf-8").splitlines()
        assert len(history) - 1 == trials["trainer.epochs"][row.Index]
