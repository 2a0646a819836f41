"""KerasTuner's own chief and workers on the trials of `faulty.py`, killed and started again; for `faults.py`.

A worker's `run_trial` sleeps through its epochs and notes them as our worker does. KerasTuner knows nothing of epochs, so
a trial that begins again begins at its first.

    KERASTUNER_TUNER_ID=... KERASTUNER_ORACLE_IP=... KERASTUNER_ORACLE_PORT=... python benchmarks/chief.py FOLDER
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import audit
import events
from faulty import SPACE, Progress, Settings, expected, log_path
from harm import Harm

from mnistsweep import devices

PROJECT = "kerastuner"
CHIEF = "chief"
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Peer:
    """The counts of one run; see `audit.Audit`.

    Attributes:
        seconds: Of wall time, to the end of the last process or to the limit.
        hung: The processes that had not ended at the limit.
        gave_up: The processes that ended with an error.
    """

    seconds: float
    hung: tuple[str, ...]
    gave_up: tuple[str, ...]
    harms: tuple[Harm, ...]
    finished: int
    lost: int
    doubled: int
    over_budget: int
    repeated: int
    most_repeated: int


def search(folder: Path) -> None:
    """The command of the chief and of the workers: the environment says which it is."""
    with devices.quiet_start():
        import keras_tuner

        from mnistsweep.tuner.hyperparameters import to_hyperparameters
    settings = Settings.read(folder)

    class Tuner(keras_tuner.RandomSearch):  # type: ignore[misc]
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> float:
            return train(folder, settings, int(trial.trial_id), trial.hyperparameters.values)

    # A chief does not come back from here before all is done.
    tuner = Tuner(
        objective=keras_tuner.Objective("default_objective", "max"), max_trials=settings.trials, seed=settings.seed + 1,
        hyperparameters=to_hyperparameters(SPACE), directory=str(folder), project_name=PROJECT,
    )  # fmt: skip
    tuner.search(verbose=0)


def train(folder: Path, settings: Settings, number: int, values: Mapping[str, Any]) -> float:
    """What `faulty.train` does, without a place to go on from."""
    attempt, progress = events.Attempt(log_path(folder), number), Progress()
    for epoch in range(1, settings.epochs + 1):
        attempt.note(events.BEGIN, epoch)
        time.sleep(settings.epoch_seconds)
        progress = progress.trained(values, settings.seed + number)
        attempt.note(events.END, epoch)
    attempt.note(events.RESULT)
    attempt.close()
    return progress.best


class Group:
    """The chief and its workers, each started again with the same command when it was killed."""

    def __init__(self, folder: Path, workers: int) -> None:
        self._folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = str(free.getsockname()[1])
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.gave_up: list[str] = []
        for name in (CHIEF, *(f"worker-{index}" for index in range(workers))):
            self._start(name)

    def _start(self, name: str) -> None:
        variables = {
            "KERASTUNER_TUNER_ID": name,
            "KERASTUNER_ORACLE_IP": "127.0.0.1",
            "KERASTUNER_ORACLE_PORT": self._port,
            **devices.environment(0, len(self.running) or 1, 1),
        }
        with (self._folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, __file__, str(self._folder)], stdout=log, stderr=log, env={**os.environ, **variables}
            )

    def look(self) -> None:
        """Start again what was killed; forget what has ended."""
        for name, process in list(self.running.items()):
            code = process.poll()
            if code == -signal.SIGKILL:
                self._start(name)
            elif code is not None:
                del self.running[name]
                if code:
                    self.gave_up.append(name)

    def kill(self, name: str) -> Harm:
        """Kill one now."""
        harm = Harm(time.monotonic(), frozenset([self.running[name].pid]), name == CHIEF)
        self.running[name].kill()
        return harm

    def end(self) -> None:
        """Leave nothing running."""
        for process in self.running.values():
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            process.wait()


def run(folder: Path, settings: Settings, victims: Sequence[str], limit: float, chance: random.Random) -> Peer:
    """Run the trials, with kills at random moments after the first trial has begun.

    Args:
        folder: To be made.
        settings: Of the sweep.
        victims: Whom each kill hits: `CHIEF`, or anything else for a random worker.
        limit: Seconds after which what still runs counts as hung.
        chance: Where the moments come from.
    """
    settings.write(folder)
    group, harms, began = Group(folder, settings.workers), list[Harm](), time.monotonic()
    left, span = list(victims), settings.trials * settings.epochs * settings.epoch_seconds / settings.workers
    due = None
    try:
        while group.running and time.monotonic() - began < limit:
            group.look()
            if due is None and log_path(folder).is_file():
                due = time.monotonic() + chance.uniform(0, span / (len(victims) + 1))
            if left and due is not None and time.monotonic() >= due:
                workers = sorted(name for name in group.running if name != CHIEF)
                name = left.pop(0)
                if name in group.running or workers:
                    harms.append(group.kill(name if name in group.running else chance.choice(workers)))
                due += chance.uniform(0.5, 1.5) * span / (len(victims) + 1)
            time.sleep(POLL_SECONDS)
        return count(folder, settings, group, harms, time.monotonic() - began)
    finally:
        group.end()


def count(folder: Path, settings: Settings, group: Group, harms: Sequence[Harm], seconds: float) -> Peer:
    """Look through what KerasTuner has written."""
    noted = events.read(log_path(folder))
    _, repeats, _ = audit.repeated_epochs(noted)
    trials = [json.loads(path.read_text()) for path in sorted((folder / PROJECT).glob("trial_*/trial.json"))]
    right = {int(trial["trial_id"]) for trial in trials if is_right(trial, settings)}
    ended = Counter(map(int, json.loads((folder / PROJECT / "oracle.json").read_text())["end_order"]))
    twice = {number for number, times in ended.items() if times > 1}
    return Peer(
        seconds=seconds,
        hung=tuple(group.running),
        gave_up=tuple(group.gave_up),
        harms=tuple(harms),
        finished=sum(trial["status"] == "COMPLETED" for trial in trials),
        lost=len(set(range(settings.trials)) - right),
        doubled=len(twice | audit.trained_at_once(noted)),
        over_budget=max(0, len(trials) - settings.trials),
        repeated=sum(repeats),
        most_repeated=max(repeats, default=0),
    )


def is_right(trial: Mapping[str, Any], settings: Settings) -> bool:
    """Whether a trial was completed, with the score that its values give."""
    values, number = trial["hyperparameters"]["values"], int(trial["trial_id"])
    right = expected(values, settings.seed + number, settings.epochs)
    return bool(trial["status"] == "COMPLETED" and trial["score"] == right.best)


if __name__ == "__main__":
    search(Path(sys.argv[1]))
