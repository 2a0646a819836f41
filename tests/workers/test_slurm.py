"""What is known of SLURM without SLURM: the script, the checks, the words of its queue, the numbers of the workers."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf

from mnistsweep.errors import ConfigError, SweepStopped
from mnistsweep.locks import exclusive_lock, try_exclusive_lock
from mnistsweep.paths import SweepPaths
from mnistsweep.workers.slurm import queue, recorded_jobs, script
from mnistsweep.workers.slurm.queue import QueuedJob, QueueUnavailable, read_queue
from mnistsweep.workers.slurm.recorded_jobs import RecordedJob, record_job
from mnistsweep.workers.slurm.script import check_script, check_settings, script_text, submit_script
from mnistsweep.workers.worker_numbers import free_range, worker_numbers


def settings(**given: Any) -> dict[str, Any]:
    """The keys of the launcher, with their defaults."""
    import hydra_plugins.mnistsweep_sweeper  # noqa: F401

    stored: Any = OmegaConf.to_container(ConfigStore.instance().repo["hydra"]["launcher"]["slurm.yaml"].node)
    return {**stored, **given}


@pytest.fixture
def answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[int, str, str]]:
    """Commands of SLURM in a folder of their own: exit code, output and errors by their name."""
    found: dict[str, tuple[int, str, str]] = {}

    def run(command: list[str], given: str | None = None) -> subprocess.CompletedProcess[str]:
        if command[0] not in found:
            raise QueueUnavailable(f"there is no {command[0]} on this machine")
        return subprocess.CompletedProcess(command, *found[command[0]])

    for module in (queue, script):
        monkeypatch.setattr(module, "run_command", run)
    return found


def options_of(text: str) -> dict[str, str]:
    """The options of a script, as `sbatch` reads them."""
    lines = [line.removeprefix("#SBATCH --") for line in text.splitlines() if line.startswith("#SBATCH --")]
    return {name: "".join(shlex.split(value)) for name, _, value in (line.partition("=") for line in lines)}


@pytest.fixture
def _srun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands of SLURM on the path, which submitit and the checks look for."""
    (tmp_path / "bin").mkdir()
    for name in ("srun", "sbatch", "squeue", "scancel"):
        (tmp_path / "bin" / name).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.usefixtures("_srun")
def test_the_script_has_what_a_user_of_slurm_expects(tmp_path: Path) -> None:
    logs = tmp_path / "it's 50%" / "workers"
    asked = settings(
        partition="gpu", gpus_per_node=1, cpus_per_task=4, mem_gb=1.5, account="lab", array_parallelism=2,
        setup=["module load cuda"], additional_parameters={"mail-user": "a@b.org"}, timeout_min=90,
    )  # fmt: skip
    text = script_text(asked, "my sweep", logs, range(4, 7), ["a.module", str(logs.parent), "0af3"])
    options = options_of(text)
    wanted = {
        "partition": "gpu", "gpus-per-node": "1", "cpus-per-task": "4", "mem": "1536MB", "account": "lab",
        "array": "4-6%2", "time": "90", "signal": "B:USR2@60", "mail-user": "a@b.org", "job-name": "my sweep",
        "open-mode": "append", "nodes": "1", "ntasks-per-node": "1",
        "output": f"{str(logs).replace('%', '%%')}/%a.log",
    }  # fmt: skip
    assert {key: options[key] for key in wanted} == wanted
    assert "requeue" in options
    assert "error" not in options  # one log for each worker
    command = text.rstrip().splitlines()[-1]
    assert shlex.split(command)[-3:] == ["a.module", str(logs.parent), "0af3"]
    assert command.startswith("exec ")  # python must receive the signals
    assert text.index("module load cuda") < text.index(command)


@pytest.mark.usefixtures("_srun")
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"timeout_min": 1}, "hydra.launcher.timeout_min: must be at least 2: "),
        ({"timeout_min": 3, "signal_delay_s": 170}, "hydra.launcher.timeout_min: must be at least 4: "),
        ({"signal_delay_s": 1}, "hydra.launcher.signal_delay_s: a worker needs up to "),
        ({"array_parallelism": 0}, "hydra.launcher.array_parallelism: must be at least 1; received 0."),
        ({"max_num_timeout": -1}, "hydra.launcher.max_num_timeout: must not be negative; received -1."),
        ({"additional_parameters": {"array": "1-9"}}, "hydra.launcher.additional_parameters: array is set by the"),
    ],
)
def test_settings_that_cannot_work_are_refused(given: Mapping[str, Any], message: str) -> None:
    check_settings(settings())
    with pytest.raises(ConfigError) as refused:
        check_settings(settings(**given))
    assert str(refused.value).startswith(message)


def test_a_machine_without_slurm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match=r"^hydra/launcher=slurm: needs sbatch, .*login node.*hydra/launcher=local"):
        check_settings(settings())


def test_a_machine_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        ConfigError, match=r"^hydra/launcher=slurm: needs submitit, .*pip install 'mnistsweep\[slurm\]'"
    ):
        check_settings(settings())


def test_what_slurm_refuses_names_the_key_and_what_exists(answers: dict[str, tuple[int, str, str]]) -> None:
    answers["sbatch"] = (1, "", "sbatch: error: invalid partition specified: gpus\nallocation failure: Invalid\n")
    answers["sinfo"] = (0, "gpu\ndebug\ngpu\n", "")
    with pytest.raises(ConfigError) as refused:
        check_script("#!/bin/bash", settings(partition="gpus"))
    expected = (
        "SLURM refuses 'gpus': invalid partition specified: gpus; allocation failure: Invalid; there are debug, gpu."
    )
    assert str(refused.value) == f"hydra.launcher.partition: {expected}"
    with pytest.raises(SweepStopped, match="SLURM refuses the jobs: invalid partition"):
        submit_script("#!/bin/bash")
    answers["sbatch"] = (0, "4711;ci\n", "")
    assert submit_script("#!/bin/bash") == "4711"


def squeue_line(*values: str) -> str:
    return "".join(value.ljust(width) for value, width in zip(values, (40, 20, 12, 60, 200, 8), strict=True))


def test_the_queue_is_read_in_its_own_words(answers: dict[str, tuple[int, str, str]]) -> None:
    lines = [
        ("7_0", "RUNNING", "0", "None", "n1", "2"),
        ("7_1", "PENDING", "0", "Resources", "", "0"),
        ("7_2", "FAILED", "768", "NonZeroExitCode", "n2", "0"),
        ("7_3", "FAILED", "9", "RaisedSignal", "n2", ""),
    ]
    answers["squeue"] = (0, "\n".join(squeue_line(*line) for line in lines), "")
    jobs = read_queue(["7"])
    assert [(job.number, job.is_running, job.is_waiting, job.exit_code) for job in jobs] == [
        *((0, True, False, 0), (1, False, True, 0)),
        *((2, False, False, 3), (3, False, False, 0)),  # exit code 3; killed
    ]
    assert [job.restarts for job in jobs] == [2, 0, 0, 0]
    answers["squeue"] = (1, "", "slurm_load_jobs error: Invalid job id specified\n")
    assert read_queue(["7"]) == []
    answers["squeue"] = (1, "", "squeue: error: Unable to contact slurm controller\n")
    with pytest.raises(QueueUnavailable, match=r"^Unable to contact slurm controller$"):
        read_queue(["7"])
    assert read_queue([]) == []


def test_a_job_that_slurm_has_queued_again_itself_was_not_refused(answers: dict[str, tuple[int, str, str]]) -> None:
    answers["scontrol"] = (0, "", "")
    assert queue.requeue("7_0") == ""
    answers["scontrol"] = (1, "", "30_0: Job is pending execution\n")
    assert queue.requeue("7_0") == ""
    answers["scontrol"] = (1, "", "slurm_requeue error: Requested operation is presently disabled\n")
    assert queue.requeue("7_0").endswith("Requested operation is presently disabled")
    del answers["scontrol"]
    assert queue.requeue("7_0") == "there is no scontrol on this machine"


@pytest.mark.parametrize(
    ("state", "time", "expected"),
    [
        ("RUNNING", "PreemptTime=2026-11-27T05:58:22", True),
        ("RUNNING", "PreemptTime=None", False),
        ("CANCELLED", "PreemptTime=2026-11-27T05:58:22", False),
        ("RUNNING", "SecsPreSuspend=0", False),
    ],
)
def test_a_preempted_job_is_told_from_a_cancelled_one(
    answers: dict[str, tuple[int, str, str]], state: str, time: str, expected: bool
) -> None:
    answers["scontrol"] = (0, f"JobId=4\n   JobState={state} Reason=None\n   PreemptEligibleTime=now {time}\n", "")
    assert queue.is_preempted("7_0") is expected


def test_numbers_of_workers_do_not_collide(paths: SweepPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    paths.workers.mkdir(parents=True)
    jobs = [QueuedJob("7_2", "PENDING"), QueuedJob("7_3", "RUNNING"), QueuedJob("7_4", "COMPLETED")]
    monkeypatch.setattr(recorded_jobs, "read_queue", lambda ids: jobs if list(ids) == ["7"] else [])
    with worker_numbers(paths, 2) as first:
        assert first == [0, 1]
        with exclusive_lock(paths.jobs_lock):
            record_job(paths, RecordedJob("7", 2, 3, "monday", True))
        with worker_numbers(paths, 3) as second:
            assert second == [4, 5, 6]
            assert free_range(paths, 4) == range(7, 11)
    with worker_numbers(paths, 1) as third:
        assert third == [0]
    monkeypatch.setattr(recorded_jobs, "read_queue", _no_answer)
    assert free_range(paths, 2) == range(5, 7)  # as if all of them waited
    with try_exclusive_lock(paths.worker_log(0)) as is_free:
        assert is_free


def _no_answer(ids: Any) -> list[QueuedJob]:
    raise QueueUnavailable("no answer")


def test_the_record_keeps_jobs_in_their_order(paths: SweepPaths) -> None:
    paths.workers.mkdir(parents=True)
    assert recorded_jobs.read_jobs(paths) == []
    for number in range(recorded_jobs.MAX_RECORDED + 2):
        record_job(paths, RecordedJob(str(number), 0, 1, "monday", False))
    found = recorded_jobs.read_jobs(paths)
    assert [found[0].job_id, found[-1].job_id] == ["2", str(recorded_jobs.MAX_RECORDED + 1)]
    assert found[0].numbers == range(1)
    paths.jobs.write_text("{")  # half written by something else
    assert recorded_jobs.read_jobs(paths) == []
