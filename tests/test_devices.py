"""GPU and CPU threads of a worker."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mnistsweep import devices

THREADS = ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


@pytest.fixture
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "num_cores", lambda: 8)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", "")


@pytest.fixture
def nvidia_smi(tmp_path: Path, eight_cores: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program of that name on the path, which lists three GPUs and counts how often it is run."""
    program = tmp_path / "nvidia-smi"
    program.write_text(
        '#!/bin/sh\necho asked >> "$(/usr/bin/dirname "$0")/calls"\n[ "$1" = --query-gpu=uuid ] || exit 9\n'
        "echo GPU-aa\necho GPU-bb\necho GPU-cc\n",
        encoding="utf-8",
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return program


def test_the_cores_are_those_that_this_process_may_use() -> None:
    assert 1 <= devices.num_cores() <= (os.cpu_count() or 1)


@pytest.mark.parametrize(("workers", "threads", "expected"), [(1, None, 8), (3, None, 2), (99, None, 1), (4, 5, 5)])
def test_a_worker_gets_its_share_of_the_cores_unless_threads_are_set(
    eight_cores: None, workers: int, threads: int | None, expected: int
) -> None:
    assert devices.threads_of(workers, threads) == expected
    variables = devices.environment(0, workers, threads)
    assert {variables[name] for name in THREADS} == {str(expected)}
    assert variables["TF_NUM_INTEROP_THREADS"] == ("1" if expected == 1 else "2")
    assert variables["TF_CPP_MIN_LOG_LEVEL"] == "3"
    assert "CUDA_VISIBLE_DEVICES" not in variables


def test_workers_are_assigned_to_gpus_in_turn(eight_cores: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2, 5")
    variables = [devices.environment(worker, 3) for worker in range(3)]
    assert [each["CUDA_VISIBLE_DEVICES"] for each in variables] == ["2", "5", "2"]
    assert variables[0]["TF_FORCE_GPU_ALLOW_GROWTH"] == "true"
    assert variables[0]["XLA_PYTHON_CLIENT_PREALLOCATE"] == "false"


@pytest.mark.parametrize(
    ("value", "expected"), [("", []), ("-1", []), ("0", ["0"]), ("GPU-x,1", ["GPU-x", "1"]), ("0,-1,1", ["0"])]
)
def test_the_list_of_gpus_is_read_as_cuda_reads_it(
    nvidia_smi: Path, monkeypatch: pytest.MonkeyPatch, value: str, expected: list[str]
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", value)
    assert devices.gpus() == expected
    assert ("TF_FORCE_GPU_ALLOW_GROWTH" in devices.environment(0, 1)) == bool(expected)


def test_nvidia_smi_is_run_once_where_no_variable_is_set(nvidia_smi: Path) -> None:
    assert [devices.environment(worker, 4)["CUDA_VISIBLE_DEVICES"] for worker in range(4)] == [
        "GPU-aa", "GPU-bb", "GPU-cc", "GPU-aa",
    ]  # fmt: skip
    assert (nvidia_smi.parent / "calls").read_text(encoding="utf-8") == "asked\n"


def test_an_nvidia_smi_that_fails_means_no_gpu(nvidia_smi: Path) -> None:
    nvidia_smi.write_text("#!/bin/sh\necho GPU-aa\nexit 9\n", encoding="utf-8")
    assert devices.gpus() == []


def test_an_nvidia_smi_that_cannot_be_run_means_no_gpu(nvidia_smi: Path) -> None:
    nvidia_smi.write_text("#!/no/such/interpreter\n", encoding="utf-8")
    assert devices.gpus() == []


def test_a_quiet_start_silences_libraries_but_not_errors(capfd: pytest.CaptureFixture[str]) -> None:
    with devices.quiet_start():
        os.write(2, b"from a library\n")
    os.write(2, b"from us\n")
    with pytest.raises(ImportError), devices.quiet_start():
        raise ImportError
    os.write(2, b"again\n")
    assert capfd.readouterr().err == "from us\nagain\n"


def test_a_quiet_start_keeps_the_users_log_level(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    with devices.quiet_start():
        assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "0"
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL")
    with devices.quiet_start():
        assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "3"


@pytest.mark.slow
def test_operations_are_deterministic_with_trainer_deterministic(tiny_data: list[str], tmp_path: Path) -> None:
    """In a process of its own: TensorFlow cannot be reset."""
    overrides = [*tiny_data, "model=tiny_conv", "trainer.epochs=1", "trainer.deterministic=true", "name=same"]
    code = f"""
from mnistsweep.cli import main
assert main(["train", *{overrides!r}]) == 0
from tensorflow.python.framework.config import is_op_determinism_enabled
assert is_op_determinism_enabled()
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "val_accuracy" in done.stdout


def test_devices_are_known_without_a_backend() -> None:
    code = """
import sys
from mnistsweep import devices
from mnistsweep.workers import stopping, supervisor
devices.environment(0, 2)
assert not {"keras", "tensorflow", "torch", "keras_tuner"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_only_the_retracing_of_models_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    devices.silence_backend()
    devices.silence_backend()
    logger = logging.getLogger("tensorflow")
    functions = (
        "TensorFlowTrainer._make_function.<locals>.multi_step_on_iterator",
        "_compile.<locals>.run_block",
        "mine",
    )
    with caplog.at_level(logging.WARNING, "tensorflow"):
        for name in functions:
            logger.warning(
                f"5 out of the last 5 calls to <function {name} at 0x7f> triggered tf.function retracing. Why"
            )
        logger.warning("something else")
    assert [message.partition(" at ")[0] for message in caplog.messages] == [
        "5 out of the last 5 calls to <function mine", "something else"
    ]  # fmt: skip
    assert logger.filters.count(devices._is_no_retracing) == 1
