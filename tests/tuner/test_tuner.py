"""A worker's tuner with a study in memory: trials that are interrupted, lost, limited, or out of disk space."""

from __future__ import annotations

import re
import resource
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rights import ordinary_rights

from mnistsweep.config.compose import compose, from_plain, to_plain
from mnistsweep.config.recipe import Recipe
from mnistsweep.config.schema import Config
from mnistsweep.errors import FileError, LeaseLost, WriteRefused
from mnistsweep.paths import SweepPaths, TrialPaths
from mnistsweep.space import SearchSpace
from mnistsweep.study.claim import Claim
from mnistsweep.study.records import Result, State
from mnistsweep.training.resume_file import TrainingState, read_resume_file, write_resume_file
from mnistsweep.tuner.study_oracle import StudyOracle
from mnistsweep.tuner.tuner import SweepTuner

USER_MODULE = '''
import errno
from pathlib import Path

import keras


def killed():
    return KeyboardInterrupt()


def full():
    return OSError(errno.ENOSPC, "No space left on device")


class Raises(keras.callbacks.Callback):
    """Raises what a function makes, in an epoch (from 1), if a file tells it to."""

    def __init__(self, flag, error, epoch=2):
        super().__init__()
        self.flag, self.error, self.at = Path(flag), error, epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch + 1 == self.at and self.flag.exists():
            self.flag.unlink()
            raise globals()[self.error]()


'''

MODULE = "searched_by_user"


class MemoryStudy:
    """The part of a study that a worker's tuner needs: it grants some claims, and records what is reported."""

    def __init__(self, trials: int) -> None:
        self.search = SimpleNamespace(objective="val_accuracy", direction="max", space=SearchSpace(()))
        self.others_are_running = False
        self.open = [Claim(number, {}, 3 + number, number) for number in range(trials)]
        self.reports: list[tuple[int, int]] = []
        self.finished: dict[int, tuple[State, Result]] = {}
        self.lost: int | None = None

    def claim(self, live: frozenset[int] = frozenset()) -> Claim | None:
        return self.open.pop(0) if self.open else None

    def result_before_failure(self, claim: Claim, failed: Result) -> Result | None:
        return None

    def report(self, claim: Claim, epoch: int, value: float, is_mean: bool = False) -> bool:
        self.reports.append((claim.number, epoch))
        return False

    def verify(self, claim: Claim) -> None:
        if claim.number == self.lost:
            raise LeaseLost(f"trial {claim.number} is another worker's")

    def finish(self, claim: Claim, state: State, result: Result) -> None:
        self.finished[claim.number] = state, result

    def release(self, claim: Claim) -> None:
        self.open.insert(0, claim)


class Sweep:
    """A sweep of one configuration, run in this process."""

    def __init__(self, folder: Path, overrides: list[str], trials: int = 1) -> None:
        self.paths = SweepPaths(folder)
        for needed in (self.paths.workers, self.paths.all_trials):
            needed.mkdir(parents=True, exist_ok=True)
        self.paths.sweep.touch()
        self.overrides = overrides
        self.study = MemoryStudy(trials)
        self.begun: list[int] = []
        self.ended: list[State] = []
        self.is_killed: Callable[[], bool] = lambda: False

    def run(self) -> None:
        oracle: Any = StudyOracle(self.study, lambda: False)  # type: ignore[arg-type]
        tuner = SweepTuner(
            oracle,
            self.paths,
            self.prepare,
            lambda claim, folder: self.begun.append(claim.number),
            lambda folder, outcome: self.ended.append(outcome.state),
            self.is_killed,
        )
        try:
            tuner.search()
        finally:
            oracle.claims.release()

    def prepare(self, claim: Claim, folder: TrialPaths) -> Config:
        folder.folder.mkdir(parents=True, exist_ok=True)
        folder.config.write_text("of the trial", encoding="utf-8")
        return from_plain(to_plain(compose(Recipe(("objective=val_accuracy", *self.overrides, f"seed={claim.seed}")))))

    @property
    def flag(self) -> Path:
        return self.paths.folder.parent / "flag"

    def result(self, number: int = 0) -> Result:
        return self.study.finished[number][1]

    def state(self, number: int = 0) -> State:
        return self.study.finished[number][0]


Make = Callable[..., Sweep]


@pytest.fixture
def sweep(tmp_path: Path, tiny_data: list[str], monkeypatch: pytest.MonkeyPatch) -> Make:
    (tmp_path / f"{MODULE}.py").write_text(USER_MODULE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, MODULE, raising=False)

    def make(*overrides: str, error: str = "killed", trials: int = 1) -> Sweep:
        callback = f"{{_target_: {MODULE}.Raises, flag: '{tmp_path / 'flag'}', error: {error}}}"
        base = [*tiny_data, "model=perceptron", "trainer.epochs=3", f"trainer.callbacks=[{callback}]"]
        return Sweep(tmp_path / "sweep", [*base, *overrides], trials)

    return make


def run_killed(one: Sweep) -> None:
    """Run until the callback raises the exception of a requested stop, in place of the death of the process."""
    one.flag.touch()
    one.is_killed = lambda: not one.flag.exists()
    with pytest.raises(KeyboardInterrupt):
        one.run()
    one.is_killed = lambda: False


def test_an_interrupted_trial_is_resumed_and_leaves_no_resume_file(sweep: Make) -> None:
    one = sweep()
    folder = one.paths.trial(0)
    run_killed(one)
    assert folder.resume.is_file()
    kept = folder.folder / "kept"
    kept.touch()
    part = folder.folder / ".resume-0123456789ab.npy"
    part.touch()
    one.run()
    assert one.study.reports == [(0, 1), (0, 2), (0, 3)]
    assert (one.begun, one.ended) == ([0], [State.COMPLETED]), "the start is reported once"
    assert (one.state(), one.result().epochs) == (State.COMPLETED, 3)
    assert not folder.resume.exists()
    assert not part.exists(), "nor does an attempt that was killed as it wrote one"
    assert kept.exists(), "the folder of a resumed trial is not cleared"


@pytest.mark.parametrize("damage", ["torn", "other callbacks"])
def test_a_trial_that_cannot_be_resumed_restarts_from_scratch(
    sweep: Make, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    one = sweep()
    folder = one.paths.trial(0)
    run_killed(one)
    (folder.folder / "left over").touch()
    if damage == "torn":
        folder.resume.write_bytes(folder.resume.read_bytes()[:-1000])
    else:
        saved_by_another_version_of_the_callbacks(folder.resume)
    one.run()
    assert one.study.reports == [(0, 1), (0, 1), (0, 2), (0, 3)]
    assert one.begun == [0, 0]
    assert one.result().epochs == 3
    assert (one.result().seconds > 1000) == (damage == "other callbacks"), "the time that it took is known, and counts"
    assert not (folder.folder / "left over").exists()
    assert folder.config.read_text(encoding="utf-8") == "of the trial"
    (record,) = [record for record in caplog.records if record.name == "mnistsweep"]
    assert record.getMessage().startswith(f"{folder.resume}: cannot resume from this file: ")
    assert record.getMessage().endswith("; the trial restarts from scratch")


def saved_by_another_version_of_the_callbacks(file: Path) -> None:
    saved = saved_in(file)
    saved.phases[0]["callbacks"].pop()
    write_resume_file(file, replace(saved, seconds=1000.0))


def saved_in(file: Path) -> TrainingState:
    (identity,) = re.findall(rb'"identity": "(\w+)"', file.read_bytes())
    saved = read_resume_file(file, identity.decode())
    assert saved is not None
    return saved


def test_a_trial_that_another_worker_owns_is_forgotten_and_the_next_one_is_run(sweep: Make) -> None:
    one = sweep("trainer.epochs=2", trials=2)
    reports = one.study.report

    def report(claim: Claim, epoch: int, value: float, is_mean: bool = False) -> bool:
        one.study.lost = 0  # in its first epoch's end; the second epoch is trained for nothing
        return reports(claim, epoch, value)

    one.study.report = report  # type: ignore[method-assign]
    one.run()
    folder = one.paths.trial(0)
    assert one.study.reports == [(0, 1), (1, 1), (1, 2)]
    assert list(one.study.finished) == [1]
    assert one.ended == [State.COMPLETED]
    assert folder.resume.is_file(), "it is for the other worker"
    assert len(folder.history.read_text(encoding="utf-8").splitlines()) == 2
    assert not folder.error.exists()
    assert not folder.model.exists()


def test_a_trial_that_fails_and_has_another_owner_leaves_nothing(sweep: Make) -> None:
    one = sweep("optimizer=sgd", "optimizer.learning_rate=1e30", trials=1)
    one.begun = Losing(one)
    one.run()
    assert one.study.finished == {}
    assert not one.paths.trial(0).error.exists()


class Losing(list[int]):
    """Loses the trial as soon as it begins."""

    def __init__(self, one: Sweep) -> None:
        super().__init__()
        self._one = one

    def append(self, number: int) -> None:
        self._one.study.lost = number


def test_a_failed_trial_leaves_no_resume_file(sweep: Make) -> None:
    one = sweep(
        f"trainer.callbacks=[{{_target_: {MODULE}.Raises, flag: nothing, error: full}}]", "data.path=nowhere.npz"
    )
    one.run()
    assert one.state() is State.FAILED
    assert not one.result().limited
    assert "nowhere.npz" in one.paths.trial(0).error.read_text(encoding="utf-8")
    assert not one.paths.trial(0).resume.exists()


def test_a_full_disk_stops_the_worker_and_fails_no_trial(sweep: Make) -> None:
    one = sweep(error="full", trials=2)
    one.flag.touch()
    with pytest.raises(WriteRefused, match=r"sweep/trials/0000: cannot be written: No space left"):
        one.run()
    folder = one.paths.trial(0)
    assert one.study.finished == {}
    assert not folder.error.exists()
    one.run()
    assert one.study.reports == [(0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (1, 3)], (
        "it continues when there is disk space"
    )


def test_a_folder_that_loses_its_permissions_stops_the_worker_and_fails_no_trial(sweep: Make) -> None:
    one = sweep("trainer.epochs=1")
    trials = one.paths.all_trials
    trials.chmod(0o555)
    with ordinary_rights(), pytest.raises(FileError, match=r"sweep/trials/0000: cannot be used: Permission denied\.$"):
        one.run()
    assert one.study.finished == {}
    trials.chmod(0o755)
    one.run()
    assert one.state() is State.COMPLETED


def test_a_model_that_does_not_fit_on_the_disk_any_more(sweep: Make) -> None:
    one = sweep("model.layer_size=512", "trainer.epochs=1")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    try:
        with pytest.raises(WriteRefused, match="File too large"):
            one.run()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    folder = one.paths.trial(0).folder
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == [], "no half-written file is left"


def test_a_trial_that_exceeds_a_limit_has_failed_with_this_reason(sweep: Make) -> None:
    one = sweep("trial.max_parameters=100")
    one.run()
    assert one.state() is State.FAILED
    assert one.result() == Result(
        reason="the model has 660 parameters, more than trial.max_parameters=100", limited=True
    )
    late = sweep("trial.timeout_minutes=0.00001")
    late.run()
    assert late.result().limited
    assert late.result().reason.startswith("timed out after ")
    assert late.result().reason.endswith(" minutes in epoch 1 (trial.timeout_minutes=1e-05)")


def test_a_timeout_counts_all_attempts(sweep: Make) -> None:
    one = sweep("trial.timeout_minutes=60")
    run_killed(one)
    file = one.paths.trial(0).resume
    write_resume_file(file, replace(saved_in(file), seconds=3600.0))
    one.run()
    assert re.fullmatch(
        r"timed out after 60(\.\d)? minutes in epoch 2 \(trial.timeout_minutes=60\)", one.result().reason
    )
    assert not file.exists()
