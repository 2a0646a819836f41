"""Worker processes of a user's own program: each runs the program's command line again.

The program is started as the user started it (``python train.py ...``, ``python -m package.train ...``, an installed
script). A variable in its environment makes the sweeper in that process act as a worker.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from mnistsweep.errors import ConfigError
from mnistsweep.planning.plan import Plan
from mnistsweep.workers import supervisor
from mnistsweep.workers.worker_numbers import worker_numbers

VARIABLE = "MNISTSWEEP_PROGRAM_WORKER"
"""Environment variable of a worker process of a program."""


@dataclass(frozen=True)
class WorkerIdentity:
    """Which worker of which sweep a process is.

    Attributes:
        folder: Absolute path of the sweep's folder.
        index: Number of the worker, counted from 0.
        session: Name of this start of the sweep.
        parent: Process ID of the supervisor.
        added: Overrides on the command line of the worker that the user's command line does not have.
    """

    folder: str
    index: int
    session: str
    parent: int
    added: tuple[str, ...]

    @classmethod
    def take(cls) -> WorkerIdentity | None:
        """The identity of this process; None if it is no worker.

        The variable is removed, so that programs which this process starts are no workers.
        """
        text = os.environ.pop(VARIABLE, None)
        if text is None:
            return None
        record = json.loads(text)
        index = int(os.environ[supervisor.INDEX_VARIABLE])
        return cls(record["folder"], index, record["session"], record["parent"], tuple(record["added"]))


@dataclass(frozen=True)
class ProgramProcesses:
    """Launcher of a program's workers, as processes of this machine.

    Args:
        overrides: Overrides on the command line of this process.
        added: Overrides that are added to the command lines of the workers.
    """

    overrides: tuple[str, ...]
    added: tuple[str, ...]

    def __call__(self, plan: Plan, session: str) -> dict[int, int]:
        """Run the workers of a sweep until they have exited; returns their exit codes by their numbers."""
        folder, threads = plan.paths.folder.resolve(), plan.config.trainer.threads
        identity = {"folder": str(folder), "session": session, "parent": os.getpid(), "added": list(self.added)}
        surroundings = supervisor.Surroundings({VARIABLE: json.dumps(identity)})
        with worker_numbers(plan.paths, plan.config.workers) as numbers:
            codes = supervisor.run_workers(folder, numbers, threads, session, self._command, surroundings)
        return dict(zip(numbers, codes, strict=True))

    def _command(self, folder: Path, index: int, session: str) -> Sequence[str]:
        return program_command(sys.orig_argv, self.overrides, self.added)


def program_command(original: Sequence[str], overrides: Collection[str], added: Sequence[str]) -> list[str]:
    """Command line that starts a program again.

    Args:
        original: Command line of this process, with the options of the interpreter (`sys.orig_argv`).
        overrides: Overrides among its arguments.
        added: Overrides to add; they stand beside the others, because Hydra accepts overrides in one place only.

    Example:
        >>> program_command(["python", "-m", "my.train", "lr=1", "-m"], ["lr=1"], ["x=2"])[1:]
        ['-m', 'my.train', 'lr=1', 'x=2', '-m']
    """
    arguments = list(original[1:])
    places = [index for index, argument in enumerate(arguments) if argument in overrides]
    place = places[-1] + 1 if places else len(arguments)
    return [sys.executable, *arguments[:place], *added, *arguments[place:]]


def shown_command(original: Sequence[str], num_arguments: int) -> str:
    """Command that starts a program, without the program's arguments, for people.

    Args:
        original: Command line of this process, with the options of the interpreter (`sys.orig_argv`).
        num_arguments: Number of the program's arguments.

    Example:
        >>> shown_command(["/usr/bin/python3", "-m", "my.train", "lr=1"], 1)
        'python -m my.train'
    """
    program = original[1 : len(original) - num_arguments]
    is_script = bool(program) and not program[0].startswith("-") and not program[0].endswith(".py")
    return shlex.join(program if is_script else ["python", *program])


def check_can_start_again() -> None:
    """Check that the command line of this process starts its program again.

    Raises:
        ConfigError: The program was read from the standard input, or typed into an interpreter.
    """
    is_file = getattr(sys.modules.get("__main__"), "__file__", None) is not None
    if not is_file and "-c" not in sys.orig_argv:
        raise ConfigError(
            "hydra/sweeper: mnistsweep starts its workers with the command line of the program; received a program "
            "without a file; write it to a file and start that."
        )
