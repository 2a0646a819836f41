"""`mnistsweep join`: which sweeps can be joined, and what a join takes."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import command, finished_sweep, open_sweep_of, tree

from mnistsweep.commands import join as module
from mnistsweep.planning.plan import Plan

Capture = pytest.CaptureFixture[str]
SEARCH = ["model.dropout=0.1,0.2,0.3", "name=s", "trials=3", "oracle=grid"]


@pytest.fixture(autouse=True)
def working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("trials=9", "join: takes workers=N, detach=true, hydra/launcher=NAME and hydra.launcher.KEY=VALUE; received "),
        ("workers=1,2", "join: takes workers=N, "),
        ("hydra.job.name=x", "join: takes workers=N, "),
        ("workers=0", "workers: must be between 1 and 256; received 0."),
        ("workers=few", "workers: must be "),
        (
            "detach=true",
            "detach: needs a launcher of which the jobs outlive this command; received hydra/launcher=local",
        ),
    ],
)
def test_a_join_that_is_refused_changes_nothing(capfd: Capture, tmp_path: Path, override: str, message: str) -> None:
    open_sweep_of(SEARCH)
    before = tree(tmp_path)
    answer = command(capfd, "join", "s", override)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(f"mnistsweep: {message}")
    assert answer.err.count("\n") == 1
    assert tree(tmp_path) == before


def test_a_complete_sweep_needs_no_workers(capfd: Capture) -> None:
    finished_sweep(SEARCH, [0.5, 0.6, 0.75])
    answer = command(capfd, "join", "s", "workers=2")
    assert answer.code == 0
    assert "this sweep is complete: all 3 points of the search space were tried" in answer.out


def test_a_folder_without_a_sweep(capfd: Capture) -> None:
    answer = command(capfd, "join", "nothing")
    assert answer.code == 2
    assert "no sweep found" in answer.err


def test_a_join_brings_its_own_workers_and_leaves_the_plan(
    capfd: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = open_sweep_of([*SEARCH, "workers=3"])
    content, joined = plan.paths.sweep.read_bytes(), list[Plan]()

    def run(plan: Plan, *_: object) -> int:
        joined.append(plan)
        return 0

    monkeypatch.setattr(module, "run_opened", run)
    moved = tmp_path / "elsewhere"
    plan.paths.folder.rename(moved)
    assert command(capfd, "join", str(moved), "workers=2").code == 0
    assert [(one.config.workers, one.paths.folder) for one in joined] == [(2, moved)]
    assert command(capfd, "join", str(moved)).code == 0
    assert joined[1].config.workers == 1
    assert (moved / "sweep.yaml").read_bytes() == content
