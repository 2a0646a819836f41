"""Sweeps on a real SLURM: jobs that are killed, preempted and ended by their time limit, detached and joined sweeps."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from private_slurm import eventually, queue
from running_sweeps import Folder

from mnistsweep.study.records import State

pytestmark = pytest.mark.cluster

PATIENCE_SECONDS = 300
SLURM = "hydra/launcher=slurm"
GRID = ["model.dropout=0,0.1,0.2,0.3,0.4,0.5", "optimizer=adam,sgd", "oracle=grid", "objective=val_accuracy"]


def mnistsweep(sweeps: Folder, *arguments: str) -> str:
    """Run a command that must succeed; returns its output."""
    command = [str(Path(sys.executable).with_name("mnistsweep")), *arguments]
    done = subprocess.run(command, cwd=sweeps.folder, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(sweeps: Folder, *arguments: str) -> str:
    """Run a command, whatever its exit code; returns its output and errors."""
    command = [str(Path(sys.executable).with_name("mnistsweep")), *arguments]
    done = subprocess.run(command, cwd=sweeps.folder, capture_output=True, text=True, check=False, timeout=120)
    return done.stdout + done.stderr


def array_of(sweeps: Folder, name: str) -> str:
    """Identifier of the last job array of a sweep."""
    return str(json.loads(sweeps.paths(name).jobs.read_text())["jobs"][-1]["job_id"])


def log_of(sweeps: Folder, name: str, worker: int) -> str:
    log = sweeps.paths(name).worker_log(worker)
    return log.read_text() if log.is_file() else ""


def num_running(sweeps: Folder, name: str, epochs: int) -> int:
    return len(sweeps.running(name, epochs))


@pytest.mark.timeout(900)
def test_killed_preempted_and_timed_out_jobs_cost_no_trial(sweeps: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    sweeps.run("alone", *GRID, "trainer.epochs=8")
    monkeypatch.setenv("PACE_SECONDS", "2")
    limits = ["hydra.launcher.timeout_min=2", "hydra.launcher.signal_delay_s=60"]
    command = sweeps.start("cluster", *GRID, "trainer.epochs=8", "workers=3", SLURM, *limits)
    eventually(lambda: num_running(sweeps, "cluster", 1) == 3)
    array = array_of(sweeps, "cluster")
    before = {record.number: record.result.epochs for record in sweeps.records("cluster")}
    subprocess.run(["scancel", "--signal=KILL", f"{array}_1"], check=True)
    subprocess.run(["scontrol", "requeue", f"{array}_2"], check=True)
    printed, _ = command.communicate(timeout=PATIENCE_SECONDS)
    assert command.returncode == 0, printed
    assert "12 of 12 trials" in printed
    assert "worker 1 (job" in printed  # the one that was killed
    assert sweeps.table("cluster") == sweeps.table("alone")
    for number in range(12):
        histories = [sweeps.paths(name).trial(number).history.read_text() for name in ("alone", "cluster")]
        shown = [[line.rsplit(",", 1)[0] for line in history.splitlines()] for history in histories]
        assert len(shown[0]) == 9
        assert shown[1] == shown[0]
    assert before
    assert f"job {array}_0 is queued again: its time is over" in log_of(sweeps, "cluster", 0)
    assert "CANCELLED" in log_of(sweeps, "cluster", 2)
    eventually(lambda: not queue())
    assert not list(sweeps.paths("cluster").folder.glob("trials/*/resume.npy"))


@pytest.mark.timeout(600)
def test_a_detached_sweep_outlives_its_submitter(sweeps: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PACE_SECONDS", "1")
    told = 'notify.command="cat >> told.json"'
    search = ["model.dropout=0,0.1,0.2,0.3", "oracle=grid", "trainer.epochs=4"]
    printed = sweeps.run("away", *search, "workers=2", SLURM, "detach=true", told)
    array = array_of(sweeps, "away")
    assert f"submitted: SLURM job {array}, workers 0 to 1" in printed
    assert not any(record.state.finished for record in sweeps.records("away"))  # it has not waited
    joined = mnistsweep(sweeps, "join", "away", "workers=1", SLURM, "detach=true")
    assert f"submitted: SLURM job {array_of(sweeps, 'away')}, worker 2" in joined
    shown = mnistsweep(sweeps, "status", "away")
    assert f"SLURM job {array}: " in shown
    document = json.loads(mnistsweep(sweeps, "status", "away", "--json"))
    assert document["state"] == "running"
    assert {job["worker"] for job in document["jobs"]} == {0, 1, 2}
    eventually(lambda: not queue())
    assert [record.state for record in sweeps.records("away")] == [State.COMPLETED] * 4
    assert len(sweeps.table("away")) == 5
    assert sweeps.paths("away").best.is_file()
    told_of = json.loads((sweeps.folder / "told.json").read_text())  # once
    assert (told_of["state"], told_of["trials"]["completed"]) == ("complete", 4)
    assert sum("ended: all 4 points" in log_of(sweeps, "away", worker) for worker in range(3)) == 1


@pytest.mark.timeout(600)
def test_stop_ends_workers_and_cancels_jobs_that_wait(sweeps: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PACE_SECONDS", "1")
    detached = ["workers=3", SLURM, "detach=true", "hydra.launcher.array_parallelism=1"]
    sweeps.run("halted", *GRID, "trainer.epochs=50", *detached)
    eventually(lambda: num_running(sweeps, "halted", 2) == 1)
    assert "2 waiting: JobArrayTaskLimit (2)" in mnistsweep(sweeps, "status", "halted")
    assert "cancelled 2 jobs that waited" in mnistsweep(sweeps, "stop", "halted")
    eventually(lambda: not queue())
    (left,) = (record for record in sweeps.records("halted") if record.state is State.RUNNING)
    assert left.owner == ""  # given back
    assert left.result.epochs >= 2
    assert sweeps.paths("halted").trial(left.number).resume.is_file()


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("partition=nowhere", "hydra.launcher.partition: SLURM refuses 'nowhere': invalid partition"),
        ("gpus_per_node=9", "hydra/launcher=slurm: SLURM refuses the jobs: "),
    ],
)
def test_what_slurm_refuses_is_one_line_before_anything_is_created(sweeps: Folder, key: str, message: str) -> None:
    process = sweeps.start("never", *GRID, "workers=2", SLURM, f"hydra.launcher.{key}")
    printed, _ = process.communicate(timeout=120)
    assert process.returncode == 2
    assert printed.startswith(f"mnistsweep: {message}")
    assert printed.count("\n") == 1
    assert not (sweeps.folder / "logs").exists()


@pytest.mark.timeout(300)
def test_nodes_without_the_package_are_named_with_what_they_said(sweeps: Folder) -> None:
    process = sweeps.start("bare", *GRID, "workers=2", SLURM, "hydra.launcher.python=/usr/bin/python-of-nobody")
    printed, _ = process.communicate(timeout=200)
    assert process.returncode == 1
    assert "python-of-nobody" in printed.splitlines()[-1]
    assert "Traceback" not in printed


@pytest.mark.timeout(300)
def test_a_job_that_is_never_scheduled_is_explained_and_ctrl_c_cancels_it(sweeps: Folder) -> None:
    later = "hydra.launcher.additional_parameters={begin: now+1hour}"
    command = sweeps.start("never", *GRID, "workers=2", SLURM, later)
    assert command.stdout is not None
    line = ""
    while "jobs wait" not in line:
        line = command.stdout.readline()
        assert line, "the command has ended"
    assert line.strip().endswith(": 2 of 2 jobs wait: BeginTime (2)")
    listed = mnistsweep(sweeps, "list")
    assert [row.split()[:2] for row in listed.splitlines()[1:2]] == [["never", "running"]]
    assert "running: no worker yet" in refused(sweeps, "clean-up", "never")
    command.send_signal(signal.SIGINT)
    rest = command.communicate(timeout=100)[0]
    assert command.returncode == 130
    assert "stopped: 0 of 12 trials, by SIGINT. The same command continues." in rest
    assert not queue()


@pytest.mark.timeout(400)
@pytest.mark.parametrize("partition", ["low", "grace"])
def test_a_preempted_job_is_queued_again(sweeps: Folder, monkeypatch: pytest.MonkeyPatch, partition: str) -> None:
    """The nodes of one partition are taken away at once, those of the other after some seconds."""
    monkeypatch.setenv("PACE_SECONDS", "1")
    told = 'notify.command="cat >> told.json"'
    search = ["model.dropout=0,0.1", "oracle=grid", "trainer.epochs=6", told]
    sweeps.run(partition, *search, SLURM, "detach=true", f"hydra.launcher.partition={partition}")
    eventually(lambda: num_running(sweeps, partition, 2) == 1)
    job = "#!/bin/bash\n#SBATCH --partition=high --nodes=3 --exclusive --time=1 --output=/dev/null\nsleep 1\n"
    subprocess.run(["sbatch"], input=job, text=True, check=True)
    eventually(lambda: not queue())
    assert [(record.state, record.result.epochs) for record in sweeps.records(partition)] == [(State.COMPLETED, 6)] * 2
    assert log_of(sweeps, partition, 0).count(f"job {array_of(sweeps, partition)}_0 on n") == 2
    assert json.loads((sweeps.folder / "told.json").read_text())["state"] == "complete"  # and nothing before


def test_doctor_examines_the_nodes_and_leaves_nothing(sweeps: Folder) -> None:
    before = sorted(sweeps.folder.rglob("*"))
    printed = mnistsweep(sweeps, "doctor", SLURM, "workers=2")
    assert "2 jobs ran on " in printed
    assert "a lock of this machine excludes the jobs" in printed
    assert sorted(sweeps.folder.rglob("*")) == before
