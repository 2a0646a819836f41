"""A sweep of a user's own Hydra program that is killed or stopped, and continued by the same command."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from commands import command
from fakes import wait_until
from hydra_programs import run, start, sweep, write_program

from mnistsweep.paths import SweepPaths
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.records import State, TrialRecord

PROGRAM = """
import os
import time
from pathlib import Path
import hydra
import mnistsweep

@hydra.main(version_base=None, config_path="conf", config_name="config")
def main(cfg):
    trial = mnistsweep.current_trial()
    with Path("started.txt").open("a") as file:
        file.write(f"{cfg.lr}\\n")
    trial.report(cfg.lr, 1)
    while cfg.lr > 1 and Path("hold").exists() and not trial.should_stop:
        time.sleep(0.01)
    return 2 * cfg.lr

if __name__ == "__main__":
    main()
"""
ARGUMENTS = ("lr=1,2,3,4,5", "hydra.sweeper.workers=2", "hydra.sweeper.oracle=grid", "hydra.sweep.dir=out")


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hold").touch()
    return write_program(tmp_path, **{"train.py": PROGRAM, "conf/config.yaml": "lr: 1\n"})


def records() -> list[TrialRecord]:
    journal = SweepPaths(Path("out")).journal
    return Ledger(SweepPaths(Path("out"))).records() if journal.is_file() and journal.stat().st_size > 500 else []


def running() -> list[TrialRecord]:
    return [r for r in records() if r.state is State.RUNNING and r.owner and r.result.epochs]


def pid_of(record: TrialRecord) -> int:
    return int(record.owner.split("-")[-2])


def check_results() -> None:
    """Each point was tried, recorded once, and has its own result."""
    assert {record.point["lr"]: record.result.objective for record in records()} == {lr: 2 * lr for lr in range(1, 6)}
    assert [record.state for record in records()] == [State.COMPLETED] * 5


@pytest.mark.slow
def test_a_killed_worker_is_replaced(program: Path) -> None:
    process = start(program, "-m", "hydra/sweeper=mnistsweep", *ARGUMENTS)
    wait_until(lambda: len(running()) == 2)
    first = running()[0]
    os.kill(pid_of(first), signal.SIGKILL)
    wait_until(lambda: any(r.number == first.number and r.owner != first.owner for r in running()))
    (program / "hold").unlink()
    out, err = process.communicate()
    assert process.returncode == 0, out + err
    check_results()
    assert (program / "started.txt").read_text().split().count(str(first.point["lr"])) == 2


@pytest.mark.slow
def test_the_same_command_continues_after_a_kill(program: Path) -> None:
    process = start(program, "-m", "hydra/sweeper=mnistsweep", *ARGUMENTS)
    wait_until(lambda: len(running()) == 2)
    killed = [process.pid, *map(pid_of, running())]
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    process.communicate()
    (program / "hold").unlink()
    assert "continued: " in sweep(program, *ARGUMENTS).stdout
    check_results()
    assert sorted((program / "started.txt").read_text().split()) == ["1", "2", "2", "3", "3", "4", "5"]


@pytest.mark.slow
@pytest.mark.parametrize("way", ["signal", "command"])
def test_the_same_command_continues_after_a_stop(way: str, program: Path, capfd: pytest.CaptureFixture[str]) -> None:
    process = start(program, "-m", "hydra/sweeper=mnistsweep", *ARGUMENTS)
    wait_until(lambda: len(running()) == 2)
    if way == "signal":
        process.send_signal(signal.SIGINT)
    else:
        assert command(capfd, "stop", "out").code == 0
    out, err = process.communicate()
    assert process.returncode == (130 if way == "signal" else 143), out + err
    assert "The same command continues" in out
    assert "Traceback" not in out + err
    assert sum(record.state is State.RUNNING for record in records()) == 2
    (program / "hold").unlink()
    sweep(program, *ARGUMENTS)
    check_results()


@pytest.mark.slow
def test_a_module_of_a_package(program: Path) -> None:
    (program / "hold").unlink()
    (program / "mine/conf").mkdir(parents=True)
    (program / "mine/__init__.py").touch()
    (program / "train.py").rename(program / "mine/train.py")
    (program / "conf/config.yaml").rename(program / "mine/conf/config.yaml")
    ended = run(program, "hydra/sweeper=mnistsweep", *ARGUMENTS, "-m", program=("-m", "mine.train"))
    assert "train it again: python -m mine.train --config-dir" in ended.stdout
    check_results()
