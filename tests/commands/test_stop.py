"""`mnistsweep stop`, with workers that stop and workers that do not."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from commands import finished_sweep
from fakes import claim, make_search, open_study

from mnistsweep.commands.stop import stop
from mnistsweep.errors import SweepStopped
from mnistsweep.study.leases import LEASE_SECONDS
from mnistsweep.workers.stopping import grace_seconds


@pytest.fixture(autouse=True)
def working_directory(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(str(tmp_path))


def test_it_waits_until_the_workers_have_exited(capsys: pytest.CaptureFixture[str]) -> None:
    plan = finished_sweep(["model.dropout=interval(0,0.5)", "trials=5", "name=s"], [0.5])
    worker = ExitStack()
    study = worker.enter_context(open_study(plan.paths, make_search(plan.space, trials=5), session="now"))
    trial = claim(study)
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 2:
            assert study.is_stop_requested()
            study.release(trial)  # the process is still there
        if len(waited) == 3:
            worker.close()

    stop(plan.paths.folder, wait)
    assert len(waited) == 3
    out = capsys.readouterr().out
    assert "asked 1 worker to stop ..." in out
    assert (
        "stopped: 1 of 5 trials · 1 completed · 1 interrupted. The command that started the sweep continues it." in out
    )


def test_a_worker_that_does_not_stop_is_named() -> None:
    plan = finished_sweep(["model.dropout=interval(0,0.5)", "trials=5", "name=s"], [0.5])
    waited: list[float] = []
    with open_study(plan.paths, make_search(plan.space, trials=5), session="now") as study:
        claim(study)
        with pytest.raises(SweepStopped, match=f"asked to stop, but still running: {study.lease.owner}"):
            stop(plan.paths.folder, waited.append)
    assert sum(waited) == int(grace_seconds() + 2 * LEASE_SECONDS)


def test_a_sweep_without_workers_is_stopped_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    plan = finished_sweep(["model.dropout=interval(0,0.5)", "trials=5", "name=s"], [0.5])
    stop(plan.paths.folder, lambda seconds: pytest.fail("there is no worker to wait for"))
    assert "stopped: 1 of 5 trials" in capsys.readouterr().out


def test_for_a_sweep_that_has_ended_its_limit_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    plan = finished_sweep(["model.dropout=interval(0,0.5)", "trials=1", "name=s"], [0.5])
    stop(plan.paths.folder)
    out = capsys.readouterr().out
    assert out.splitlines()[0] == "1 of 1 trials · 1 completed"
    assert out.splitlines()[1].startswith("ended: the budget of 1 trial (trials=1) was used")
    assert "continues" not in out
