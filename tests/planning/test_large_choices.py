"""Choices of thousands of values: the work of a start grows in proportion to their number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import yaml
from fakes import make_search, open_study, run
from operations import operations

from mnistsweep.config.checks import Faults
from mnistsweep.config.recipe import Recipe
from mnistsweep.dimensions import Choice
from mnistsweep.errors import SpaceError
from mnistsweep.paths import SweepPaths
from mnistsweep.planning.opening import open_sweep
from mnistsweep.planning.plan_file import read_plan
from mnistsweep.planning.planner import plan_sweep
from mnistsweep.planning.probes import MAX_PROBED_NAMES, probes
from mnistsweep.search.distributions import MAX_STORED_CATEGORIES, searched, stored
from mnistsweep.space import SearchSpace


def numbers(count: int) -> list[str]:
    return [f"{(index + 1) / 10 / count:.6f}" for index in range(count)]


def by_list(folder: Path, count: int) -> list[str]:
    return [f"model.dropout={','.join(numbers(count))}"]


def by_choice(folder: Path, count: int) -> list[str]:
    return [f"model.dropout=choice({','.join(numbers(count))})"]


def by_names(folder: Path, count: int) -> list[str]:
    return [f"+tag={','.join(f'v{index}' for index in range(count))}", "model.dropout=0.1,0.2"]


def by_file(folder: Path, count: int) -> list[str]:
    params = {"model.dropout": [float(number) for number in numbers(count)]}
    content = yaml.safe_dump({"hydra": {"sweeper": {"params": params}}})
    (folder / "sweeps").mkdir(exist_ok=True)
    (folder / "sweeps" / f"listed{count}.yaml").write_text(f"# @package _global_\n{content}", encoding="utf-8")
    return [f"+sweeps=listed{count}"]


@pytest.mark.parametrize(
    "overrides",
    [pytest.param(form, marks=pytest.mark.slow) for form in (by_list, by_choice, by_names, by_file)],
)
def test_the_work_of_a_start_grows_with_the_number_of_values(
    overrides: Callable[[Path, int], list[str]],
    tiny_data: Sequence[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)

    def work(count: int) -> int:
        """Operations of two starts in the same folder of sweeps."""
        given = [*overrides(tmp_path, count), *tiny_data, f"logs={tmp_path}/logs{count}", "trials=3", "oracle=random"]

        def start(name: str) -> None:
            plan = plan_sweep(Recipe((*given, f"name={name}")))
            open_sweep(plan)
            assert read_plan(plan.paths).scheduler() is not None

        return operations(lambda: [start(name) for name in ("one", "two")])

    work(20)  # imports, caches
    small, medium, large = (work(count) for count in (20, 320, 620))
    assert large - medium < 1.5 * (medium - small)


def test_names_of_a_long_choice_are_checked_in_part() -> None:
    space = SearchSpace((Choice("x", tuple(f"v{index}" for index in range(5000))),))
    seen = {point["x"] for point in probes(space, Faults())}
    assert {"v0", "v4999"} < seen
    assert len(seen) == MAX_PROBED_NAMES


def test_the_ledger_keeps_positions_of_a_choice_with_many_names() -> None:
    short = Choice("x", tuple(f"v{index}" for index in range(MAX_STORED_CATEGORIES)))
    long = Choice("x", (*short.values, None))
    assert stored(short).distribution == searched(short).distribution
    assert stored(long).encode("v7") == 7
    assert stored(long).encode(None) == stored(long).distribution.high  # type: ignore[attr-defined]
    assert stored(long).decode(7) == "v7"
    assert searched(long).encode("v7") == "v7"


@pytest.mark.parametrize("oracle", ["tpe", "cmaes"])
def test_an_oracle_reads_the_positions_of_the_ledger_as_names(oracle: str, tmp_path: Path) -> None:
    space = SearchSpace((Choice("x", tuple(f"v{index}" for index in range(MAX_STORED_CATEGORIES + 1))),))
    search = make_search(space, oracle, trials=14)
    with open_study(SweepPaths(tmp_path / "s"), search) as study:
        points = [claim.point for claim in run(study, lambda point: float(point["x"][1:]))]
    assert len({point["x"] for point in points}) == 14
    assert (tmp_path / "s" / "study.journal").stat().st_size < 14 * 2000


def test_a_long_choice_is_short_in_messages() -> None:
    long = Choice("x", tuple(range(0, 20_000, 2)))
    with pytest.raises(SpaceError, match=r"^x: must be one of choice\(0, 2, 4, \.\.\., 19998\) of 10,000 values; rec"):
        long.position(3)
