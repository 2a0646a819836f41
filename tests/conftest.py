"""Shared fixtures: data that a small network learns in a second, and a sweep that runs in the process of the tests."""

from __future__ import annotations

import contextlib
import gc
import io
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import blas_threads  # noqa: F401
import numpy as np
import pytest
from fakes import RunSweep
from hypothesis import HealthCheck, settings
from postgresql import Server, running_server
from rich.console import Console

from mnistsweep.config.overrides import quoted
from mnistsweep.config.recipe import Recipe
from mnistsweep.paths import SweepPaths
from mnistsweep.planning.planner import plan_sweep
from mnistsweep.stop_signal import StopSignal
from mnistsweep.study.sweep import Sweep, load_sweep

if TYPE_CHECKING:
    from reports import Reported

# Hypothesis draws the same examples each time, and does not time them: the machine may be busy.
settings.register_profile("steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")


def pytest_collection_finish() -> None:
    """Keep the garbage collector from visiting every object of TensorFlow: that is a tenth of the suite's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture
def paths(tmp_path: Path) -> SweepPaths:
    return SweepPaths(tmp_path / "Räume & co" / "search")


@pytest.fixture
def no_secrets(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process knows no secret; its environment is as before after the test."""
    from mnistsweep import redaction
    from mnistsweep.config import secret_values

    before = dict(os.environ)
    monkeypatch.setattr(redaction, "_known", set())
    monkeypatch.setattr(secret_values, "_owners", {})
    for name in [name for name in before if name.startswith(redaction.VARIABLE_PREFIX)]:
        del os.environ[name]
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A server for all tests; each test creates its own database."""
    with running_server() as server:
        yield server


@pytest.fixture(params=["journal", "sqlite", "postgresql"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> str | None:
    """Storage of a new ledger, of each kind: None is the journal file, otherwise the URL of a database."""
    if request.param == "postgresql":
        server: Server = request.getfixturevalue("postgresql")
        return server.new_database()
    return None if request.param == "journal" else f"sqlite:///{tmp_path}/ledger.db"


NUM_CLASSES = 4
NUM_TRAIN = 120
NUM_VALIDATION = 60


@pytest.fixture(scope="session")
def tiny_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An `.npz` file of noisy images of 6 x 6 pixels; in each of the four classes another quarter is brighter."""
    rng = np.random.default_rng(11)
    num_images = NUM_TRAIN + NUM_VALIDATION + 20
    labels = (np.arange(num_images) % NUM_CLASSES).astype(np.uint8)
    images = rng.integers(0, 170, (num_images, 6, 6))
    for image, label in zip(images, labels, strict=True):
        row, column = 3 * (label // 2), 3 * (label % 2)
        image[row : row + 3, column : column + 3] += 60
    images = images.astype(np.uint8)
    file = tmp_path_factory.mktemp("data") / "tiny.npz"
    np.savez(file, x_train=images[:-20], y_train=labels[:-20], x_test=images[-20:], y_test=labels[-20:])
    return file


@pytest.fixture
def tiny_data(tiny_file: Path) -> list[str]:
    """Overrides that train on `tiny_file`: 120 images, and 60 for the validation."""
    return ["data=npz", f"data.path={quoted(str(tiny_file))}", f"data.validation={NUM_VALIDATION}"]


@pytest.fixture
def run_sweep(tiny_data: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunSweep]:
    """A function that runs a sweep over `tiny_data` with one worker in this process, in the test's folder.

    It takes overrides. A second call with the same overrides continues the sweep.
    """
    from mnistsweep.planning.opening import open_sweep
    from mnistsweep.workers.worker import work

    monkeypatch.chdir(tmp_path)
    before = dict(os.environ)  # a worker sets variables for the backend

    def run(overrides: Sequence[str]) -> Sweep:
        plan = plan_sweep(Recipe(), [*tiny_data, "model=perceptron", "trainer.epochs=1", *overrides])
        open_sweep(plan)
        with StopSignal() as stop:
            work(plan.paths.folder, 0, "test", stop)
        return load_sweep(plan.paths.folder)

    yield run
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def reported(tiny_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reported]:
    """A real sweep over `tiny_file` with its report of two seeds, made once: tests read it, or change a copy."""
    from reports import SWEEP, Counted, Reported

    from mnistsweep.commands import report
    from mnistsweep.planning.opening import open_sweep
    from mnistsweep.workers.worker import work

    before = dict(os.environ)
    data = ["data=npz", f"data.path={quoted(str(tiny_file))}", f"data.validation={NUM_VALIDATION}", "model=perceptron"]
    counted: list[Counted] = []

    def count(console: Console, total: float) -> Counted:
        counted.append(Counted(console, total))
        return counted[0]

    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()) as printed:
        patch.chdir(tmp_path_factory.mktemp("reported"))
        plan = plan_sweep(Recipe(), [*data, *SWEEP])
        open_sweep(plan)
        with StopSignal() as stop:
            work(plan.paths.folder, 0, "test", stop)
        patch.setattr(report, "StepProgress", count)
        made = report.report(plan.paths.folder, ["report.seeds=2"])
        folder = plan.paths.folder.absolute()
    yield Reported(folder, [*data, *SWEEP], made, counted[0], printed.getvalue())
    os.environ.clear()
    os.environ.update(before)
