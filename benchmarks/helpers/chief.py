"""KerasTuner's own chief and workers on the trials of `faulty.py`, killed and started again; for `faults.py`.

A worker's `run_trial` sleeps during its epochs and logs them as our worker does. KerasTuner has no resume files, so a
trial that is started again starts with its first epoch.

    KERASTUNER_TUNER_ID=... KERASTUNER_ORACLE_IP=... KERASTUNER_ORACLE_PORT=... python -m helpers.chief FOLDER
"""

from __future__ import annotations

import contextlib
import json
import math
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

from helpers import audit, events
from helpers.audit import Audit
from helpers.faulty import SPACE, Progress, Settings, expected, log_path
from helpers.harm import Harm
from mnistsweep import devices

PROJECT = "kerastuner"
CHIEF, WORKER = "chief", "worker"
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Case:
    """The disturbance of a run.

    Attributes:
        name: Name that is printed.
        victims: Process that each kill hits, in turn: `CHIEF`, or `WORKER` for a random one.
        replaced: Whether a worker with another name replaces a killed one, as with job schedulers; otherwise
            the same command is given again.
    """

    name: str
    victims: tuple[str, ...] = ()
    replaced: bool = False


CASES = (
    Case("no kill"),
    Case("workers killed, same command", (WORKER,) * 3),
    Case("workers, the chief killed, likewise", (WORKER, CHIEF, WORKER)),
    Case("workers killed and replaced", (WORKER,) * 3, replaced=True),
)


@dataclass(frozen=True)
class Ended:
    """The end of a run.

    Attributes:
        seconds: Wall time until the end of the last process, or until the limit.
        harms: Kills of its processes.
        hung: Processes that had not ended at the limit.
        gave_up: Processes that ended with an error.
    """

    seconds: float
    harms: tuple[Harm, ...]
    hung: tuple[str, ...]
    gave_up: tuple[str, ...]


def search(folder: Path) -> None:
    """The command of the chief and of the workers; environment variables choose the role."""
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
    """Train like `faulty.train`, but without resuming."""
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
    """The chief and its workers; each is started again after a kill.

    Args:
        folder: Path of their working directory.
        workers: Number of workers.
        replaced: Whether new workers get new names; see `Case`.
    """

    def __init__(self, folder: Path, workers: int, replaced: bool) -> None:
        self._folder, self._replaced = folder, replaced
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = str(free.getsockname()[1])
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.gave_up: list[str] = []
        for name in (CHIEF, *(f"{WORKER}-{index}" for index in range(workers))):
            self._start(name)

    def _start(self, name: str) -> None:
        variables = {
            "KERASTUNER_TUNER_ID": name,
            "KERASTUNER_ORACLE_IP": "127.0.0.1",
            "KERASTUNER_ORACLE_PORT": self._port,
            **devices.environment(0, 1, 1),
        }
        with (self._folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, "-m", "helpers.chief", str(self._folder)],
                stdout=log,
                stderr=log,
                env={**os.environ, **variables},
            )

    def look(self) -> None:
        """Start killed processes again; remove those that have ended."""
        for name, process in list(self.running.items()):
            code = process.poll()
            if code is None:
                continue
            del self.running[name]
            if code == -signal.SIGKILL:
                self._start(f"{name}-again" if self._replaced else name)
            elif code:
                self.gave_up.append(name)

    def kill(self, victim: str, chance: random.Random) -> Harm | None:
        """Kill the chief or a random worker; returns None if there is none."""
        names = sorted(name for name in self.running if name.startswith(victim))
        if not names:
            return None
        process = self.running[chance.choice(names)]
        harm = Harm(time.monotonic(), frozenset([process.pid]), victim == CHIEF)
        process.kill()
        process.wait()
        return harm

    def end(self) -> None:
        """Kill all processes that still run."""
        for process in self.running.values():
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            process.wait()


def run(folder: Path, settings: Settings, case: Case, limit: float, chance: random.Random) -> Ended:
    """Run the trials, with kills at random moments after the start of the first trial.

    Args:
        folder: Path of a folder that is created.
        settings: Settings of the sweep.
        case: Disturbance of the run.
        limit: Seconds after which a running process counts as hung.
        chance: Source of the random moments.
    """
    settings.write(folder)
    group, harms, began = Group(folder, settings.workers, case.replaced), list[Harm](), time.monotonic()
    mean = settings.seconds / (len(case.victims) + 1)
    left, due = list(case.victims), math.inf
    try:
        while group.running and time.monotonic() - began < limit:
            group.look()
            if due == math.inf and log_path(folder).is_file():
                due = time.monotonic() + chance.uniform(0, mean)
            if left and time.monotonic() >= due:
                harm = group.kill(left.pop(0), chance)
                harms.extend([harm] if harm is not None else [])
                due += chance.uniform(0.5 * mean, 1.5 * mean)
            time.sleep(POLL_SECONDS)
        return Ended(time.monotonic() - began, tuple(harms), tuple(group.running), tuple(group.gave_up))
    finally:
        group.end()


def count(folder: Path, settings: Settings, harms: Sequence[Harm]) -> Audit:
    """Count what KerasTuner has written; all its processes have ended."""
    noted = events.read(log_path(folder))
    trials = [json.loads(path.read_text()) for path in sorted((folder / PROJECT).glob("trial_*/trial.json"))]
    right = {int(trial["trial_id"]) for trial in trials if is_right(trial, settings)}
    ended = Counter(map(int, json.loads((folder / PROJECT / "oracle.json").read_text())["end_order"]))
    twice = {number for number, times in ended.items() if times > 1}
    return Audit(
        finished=sum(trial["status"] in ("COMPLETED", "FAILED") for trial in trials),
        failed=sum(trial["status"] == "FAILED" for trial in trials),
        lost=len(set(range(settings.trials)) - right),
        doubled=len(twice | audit.trained_at_once(noted)),
        over_budget=max(0, len(trials) - settings.trials),
        **audit.epochs(noted, harms),
    )


def is_right(trial: Mapping[str, Any], settings: Settings) -> bool:
    """Whether a trial is completed with the expected score."""
    values, number = trial["hyperparameters"]["values"], int(trial["trial_id"])
    right = expected(values, settings.seed + number, settings.epochs)
    return bool(trial["status"] == "COMPLETED" and trial["score"] == right.best)


if __name__ == "__main__":
    search(Path(sys.argv[1]))
