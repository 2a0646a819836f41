"""Command lines run in this process without a training, and what must hold for every answer.

The workers of a sweep are replaced where a launcher starts them (`workers.launchers`): a worker in this process claims
trials, writes their files and finishes them with a made-up objective. `mnistsweep train` ends where its training
would begin. Everything else is the real program.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any
from unittest.mock import patch

import pandas as pd
import yaml
from command_lines import FINISHED
from commands import finished_sweep, tree
from odd_values import is_same

from mnistsweep import cli, hparams_table
from mnistsweep.atomic import write_yaml
from mnistsweep.config.compose import from_plain, to_plain
from mnistsweep.config.overrides import GROUPS
from mnistsweep.config.schema import Config
from mnistsweep.config.trial_file import TRAINING_KEYS, trial_file_content
from mnistsweep.paths import SweepPaths, TrialPaths
from mnistsweep.planning.plan import Plan
from mnistsweep.planning.plan_file import read_plan
from mnistsweep.planning.same_search import differences
from mnistsweep.study.claim import Claim
from mnistsweep.study.leases import Lease
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.nested_epochs import best_content
from mnistsweep.study.ranking import best_of
from mnistsweep.study.records import Result, State
from mnistsweep.study.storage.stores import open_coordinator
from mnistsweep.study.study import Study
from mnistsweep.study.sweep import load_sweep
from mnistsweep.workers.search_settings import make_search_settings

# Number of trials of a sweep that are run; an infinite space has more.
MAX_TRIALS = 3

# Longest line of a message, in characters.
MAX_LINE = 1500

# Processor time of this process after which a command line has no answer: that is no measurement, but a guard.
MAX_CPU_SECONDS = 30

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass
class Answer:
    """Answer to a command line.

    Attributes:
        code: Exit code; -1 before there is one.
        out: Standard output.
        err: Standard error.
        seconds: Time until the answer, which is a message, an exit code, or the start of the workers.
        cpu_seconds: Processor time of this process until the answer.
        plans: The plan of each sweep that was started.
        claims: The trials that the worker ran.
        trained: The configurations that would have been trained, each with its folder.
    """

    code: int = -1
    out: str = ""
    err: str = ""
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    plans: list[Plan] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    trained: list[tuple[Config, TrialPaths]] = field(default_factory=list)


class NoAnswer(BaseException):
    """A command line without an answer; the command line catches `Exception`s."""


def prepare(root: Path) -> None:
    """Make the folder ``own``, with presets of a user's own, and one finished and one empty sweep, to be copied."""
    (root / "own" / "model").mkdir(parents=True)
    (root / "own" / "model" / "wide.yaml").write_text(
        "_target_: mnistsweep.models.perceptron\ndense_layers: 1\nlayer_size: 9\ndropout: 0.0\nactivation: relu\n",
        encoding="utf-8",
    )
    (root / "own" / "mine.yaml").write_text("defaults: [config, {override model: wide}, _self_]\n", encoding="utf-8")
    (root / "made").mkdir()
    with contextlib.chdir(root / "made"):
        data = ["data=custom", "data._target_=few_images.load", "data.validation=0.25", "model=perceptron"]
        finished_sweep([*data, "model.dropout=0,0.1", f"name={FINISHED}"], [0.5, 0.25])
        finished_sweep([*data, "model.dropout=0,0.1", "name=empty"], [])


@contextlib.contextmanager
def working_directory(root: Path, with_sweeps: bool = True) -> Iterator[Path]:
    """A fresh working directory below `root`; on request with the sweeps of `prepare`."""
    folder = Path(tempfile.mkdtemp(prefix="work-", dir=root)) / "here"  # composed files are cached by their path
    if with_sweeps:
        shutil.copytree(root / "made", folder)
    else:
        folder.mkdir()
    before = dict(os.environ)
    try:
        with contextlib.chdir(folder):
            yield folder
    finally:
        os.environ.clear()
        os.environ.update(before)
        shutil.rmtree(folder.parent)


def answer(arguments: Sequence[str]) -> Answer:
    """Run a command line in the working directory."""
    found = Answer()
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", errors) for errors in ("strict", "backslashreplace"))
    with _without_training(found), _guard(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        found.seconds, found.cpu_seconds = time.perf_counter(), time.process_time()
        try:
            code: Any = cli.main(list(arguments))
        except SystemExit as leaving:
            code = leaving.code
        found.code = int(code or 0)
        if not found.plans:
            _stop_clocks(found)
    for stream in (out, err):
        stream.flush()
    found.out, found.err = out.buffer.getvalue().decode(), err.buffer.getvalue().decode()  # type: ignore[attr-defined]
    return found


def _stop_clocks(found: Answer) -> None:
    found.seconds = time.perf_counter() - found.seconds
    found.cpu_seconds = time.process_time() - found.cpu_seconds


@contextlib.contextmanager
def _guard() -> Iterator[None]:
    def give_up(number: int, frame: FrameType | None) -> None:
        raise NoAnswer(f"no answer after {MAX_CPU_SECONDS} s of processor time")

    before = signal.signal(signal.SIGVTALRM, give_up)
    signal.setitimer(signal.ITIMER_VIRTUAL, MAX_CPU_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@contextlib.contextmanager
def _without_training(found: Answer) -> Iterator[None]:
    def launch(plan: Plan, session: str) -> list[int]:
        _stop_clocks(found)
        found.plans.append(plan)
        found.claims += run_trials(plan.paths, session)
        return [0]

    def train(config: Config, folder: TrialPaths, console: Any) -> Result:
        found.trained.append((config, folder))
        return Result(0.5, 1, 1, 0.1)

    with (
        patch("mnistsweep.workers.launchers.launch_processes", launch),
        patch("mnistsweep.workers.launchers.launch_hydra_jobs", launch),
        patch("mnistsweep.commands.train._train", train),
    ):
        yield


def run_trials(paths: SweepPaths, session: str) -> list[Claim]:
    """Run trials as a worker does, which reads the plan from the sweep's folder, but train nothing."""
    plan = read_plan(paths)
    claims: list[Claim] = []
    with Lease(paths, open_coordinator(paths, plan.config.storage), plan.config.lease_seconds) as lease:
        study = Study(paths, make_search_settings(plan, paths), lease, plan.config.storage, session, time.time)
        while len(claims) < MAX_TRIALS and (claim := study.claim()) is not None:
            claims.append(claim)
            plain = plan.composer.plain(claim.point, claim.seed)
            folder = paths.trial(claim.number)
            write_yaml(folder.config, trial_file_content(plain, plan.threads), durable=False)
            from_plain(plain)
            hparams = hparams_table.hparams_of(plan.space)
            hparams_table.write_session_start(folder.folder, f"{paths.name}/{claim.number}", claim.point, hparams)
            study.finish(claim, State.COMPLETED, Result(1 / (2 + claim.number), 1, 1, 0.5))
    return claims


def check(arguments: Sequence[str], folder: Path, wholly: bool = True) -> Answer:
    """Run a command line in the working directory, and check all that must hold for every answer.

    Args:
        arguments: The command line, without the program.
        folder: The working directory.
        wholly: Whether the commands that come after a sweep are run too; they take most of the time.
    """
    before = tree(folder.parent)
    found = answer(arguments)
    assert found.code in (0, 2), (found.code, found.err)
    check_text(found, is_document=arguments[:1] == ["export"] or "--cfg" in arguments)
    if found.code == 2:
        assert found.err or found.out.startswith("usage: "), "no message"
        assert tree(folder.parent) == before, "written"
        assert not found.plans
        return found
    for plan in found.plans:
        check_sweep(plan, found.claims)
        if wholly:
            check_commands(plan, arguments, found.claims)
    for config, trial in found.trained:
        check_training(config, trial)
    return found


def check_text(found: Answer, is_document: bool = False) -> None:
    """Check that no output is a traceback, and that what a terminal gets has no control characters."""
    assert "Traceback" not in found.err
    for line in found.err.removesuffix("\n").split("\n") if found.err else []:
        assert line.startswith("mnistsweep: "), line
        assert len(line) <= MAX_LINE, (len(line), line[:300])
        assert not CONTROL.search(line), line
    if not is_document:
        assert not CONTROL.search(found.out), repr(found.out)


def check_sweep(plan: Plan, claims: Sequence[Claim]) -> None:
    """Check that each value of each trial is the same in every file of a sweep."""
    read = read_plan(plan.paths)
    assert is_same(read.space.to_json(), plan.space.to_json()), "sweep.yaml"
    assert is_same(asdict(read.config), asdict(plan.config)), "sweep.yaml"
    assert (read.recipe, read.groups, differences(read, plan)) == (plan.recipe, plan.groups, [])
    records = Ledger(plan.paths, plan.config.storage).records()
    table = load_sweep(plan.paths.folder).trials
    winner = best_of(records, plan.direction)
    best = claims[winner.number] if winner is not None else None
    for claim in claims:
        composed = to_plain(plan.composer.trial(claim.point, claim.seed))
        from_plain(composed)
        assert set(claim.point) <= set(plan.space.keys)
        for key, value in claim.point.items():
            assert plan.space[key].contains(value), (key, value)
            assert is_same(plan.space[key].cast(value), value), ("oracle", key, value)
        assert is_same(records[claim.number].point, claim.point), ("ledger", records[claim.number].point, claim.point)
        check_row({key: table[key][claim.number] for key in plan.space.keys}, claim.point)
        check_file(plan.paths.trial(claim.number).config, composed)
    if winner is not None and best is not None:
        composed = to_plain(plan.composer.trial(best.point, best.seed))
        check_file(plan.paths.best, best_content(composed, winner, plan.nested_epochs))


def check_commands(plan: Plan, arguments: Sequence[str], claims: Sequence[Claim]) -> None:
    """Check that the same command continues a sweep, and that the commands accept it that read it."""
    folder = str(plan.paths.folder)
    again = answer(arguments)
    assert (again.code, again.err) == (0, ""), again.err
    assert all(claim.number >= len(claims) for claim in again.claims)
    for command in (["status", folder], ["export", folder]):
        read = answer(command)
        assert read.code == 0, (command, read.err)
        check_text(read, is_document=command[0] == "export")
    best = best_of(Ledger(plan.paths, plan.config.storage).records(), plan.direction)
    assert best is not None
    trained = answer(["train", "--config-dir", folder, "--config-name", "best", "name=again", "logs=again"])
    assert trained.code == 0, ("best.yaml", trained.err)
    composed = plan.composer.plain(best.point, best.seed)
    check_same_training(trained.trained[0][0], from_plain(best_content(composed, best, plan.nested_epochs)))
    shutil.rmtree("again")


def check_row(cells: Mapping[str, Any], point: Mapping[str, Any]) -> None:
    """Check the cells of a trial's row in ``results.csv``, as `mnistsweep.load_sweep` reads it.

    In a column of whole and real numbers all are real numbers, of the same value.
    """
    for key, cell in cells.items():
        value = cell.item() if hasattr(cell, "item") else cell
        if key not in point:
            assert pd.isna(value), ("results.csv", key, value)
            assert value is not None, ("results.csv", key)
        elif type(value) is float and type(point[key]) is int:
            assert value == point[key], ("results.csv", key, value, point[key])
        else:
            assert is_same(value, point[key]), ("results.csv", key, value, point[key])


def check_file(file: Path, composed: Mapping[str, Any]) -> None:
    """Check the configuration in a file of a trial."""
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    for key in (*TRAINING_KEYS, *GROUPS):
        expected = dict(composed[key], threads=content[key]["threads"]) if key == "trainer" else composed[key]
        assert is_same(content[key], expected), (file.name, content[key], expected)


def check_training(config: Config, trial: TrialPaths) -> None:
    """Check that the file of a single training trains the same again."""
    again = answer(["train", "--config-dir", str(trial.folder), "--config-name", "config", "name=again", "logs=again"])
    assert again.code == 0, ("config.yaml", again.err)
    check_same_training(again.trained[0][0], config)
    shutil.rmtree("again")


def check_same_training(one: Config, other: Config) -> None:
    for key in (*TRAINING_KEYS, *GROUPS):
        first, second = getattr(one, key), getattr(other, key)
        if key == "trainer":
            first, second = ({**vars(part), "threads": None} for part in (first, second))
        assert is_same(first, second), ("best.yaml", first, second)
