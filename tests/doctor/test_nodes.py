"""What `mnistsweep doctor` finds on the nodes of a launcher."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from commands import command

from mnistsweep.doctor import nodes
from mnistsweep.doctor.findings import Finding, Level
from mnistsweep.doctor.node import examine
from mnistsweep.errors import SweepStopped


def findings(tmp_path: Path, *changes: dict[str, Any]) -> list[Finding]:
    """What is found with a job on each of several nodes, which differ from this machine by some attributes."""

    def launch(task: Any) -> Sequence[dict[str, Any]]:
        return [{**asdict(examine(task.folder)), "host": f"n{i}", **change} for i, change in enumerate(changes)]

    return list(nodes.check_nodes(str(tmp_path / "logs"), launch))


def texts(found: Sequence[Finding], level: Level) -> list[str]:
    return [one.text for one in found if one.level is level]


def test_equal_nodes_have_no_fault(tmp_path: Path) -> None:
    found = findings(tmp_path, {}, {"gpus": ["0"]})
    assert texts(found, Level.OK) == [
        "2 jobs ran on n0, n1, with 1 GPU",
        "a lock of this machine excludes the jobs",
        "all nodes have the packages of this machine",
    ]
    assert len(found) == 3
    assert not list(tmp_path.iterdir()), "nothing stays"


def test_nodes_that_do_not_see_the_folder_are_named(tmp_path: Path) -> None:
    found = findings(tmp_path, {"sees_folder": False}, {}, {"sees_folder": False})
    assert texts(found, Level.FAULT) == [
        f"n0, n2 do not see {tmp_path / 'logs'}: name a folder that all nodes share, such as logs=/shared/logs"
    ]


def test_nodes_that_do_not_see_a_lock_are_named(tmp_path: Path) -> None:
    (text,) = texts(findings(tmp_path, {}, {"got_lock": True}), Level.FAULT)
    assert text.startswith("a lock of this machine does not exclude processes there: n1 does not see it")


def test_other_versions_are_named(tmp_path: Path) -> None:
    own = examine(tmp_path).versions
    found = findings(tmp_path, {"versions": {**own, "keras": "3.0.0"}}, {})
    (text,) = texts(found, Level.FAULT)
    assert text == f"n0 has keras 3.0.0 (here {own['keras']}): install the same versions on all nodes"


def test_clocks_that_are_minutes_apart_are_noted(tmp_path: Path) -> None:
    now = examine(tmp_path).seconds
    found = findings(tmp_path, {"seconds": now + 600}, {"seconds": now - 600}, {})
    ahead, behind = texts(found, Level.NOTE)
    assert ahead.startswith("n0 is at least ")
    assert " s ahead of this machine" in ahead
    assert "n1 is at least 600 s behind this machine" in behind


def test_a_launcher_that_cannot_run_is_one_fault(tmp_path: Path) -> None:
    def launch(task: Callable[[Any], Any]) -> Sequence[Any]:
        raise SweepStopped("hydra/launcher: SlurmLauncher could not run the workers: no partition")

    (found,) = nodes.check_nodes(str(tmp_path), launch)
    assert (found.level, found.subject) == (Level.FAULT, "launcher")
    assert found.text.endswith("no partition")
    assert not list(tmp_path.iterdir())


def test_a_machine_without_the_programs_of_a_cluster_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("mnistsweep.doctor.machine.check_backend", lambda: iter(()))
    monkeypatch.setattr("mnistsweep.workers.slurm.script.shutil.which", lambda name: None)
    answer = command(capfd, "doctor", "hydra/launcher=slurm", "workers=2")
    assert (answer.code, answer.err) == (1, "")
    assert "needs sbatch, which is not on this machine" in " ".join(answer.out.split())
    assert answer.out.endswith("1 fault found\n")


@pytest.mark.slow
def test_the_command_examines_the_jobs_of_a_launcher(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    monkeypatch.chdir(tmp_path)
    answer = command(capfd, "doctor", "quickstart", "workers=2", "hydra/launcher=joblib")
    assert (answer.code, answer.err) == (0, "")
    assert "2 jobs ran on " in answer.out
    assert "a lock of this machine excludes the jobs" in answer.out
    assert answer.out.endswith("no fault found\n")
    assert not (tmp_path / "logs").exists()
