"""What the trials of a sweep run: the program of a worker.

A worker (`workers.worker`) opens the study, takes a lease, and then hands over to one program, which runs trial after
trial until the study grants no more. There are two programs:

- `KerasProgram`: each trial trains a Keras model of the configuration, through `keras_tuner.Tuner.search`;
- `FunctionProgram`: each trial is one call of a function of a `Trial`, which trains in its own way.

`Plan.program` chooses: None is a Keras training. Otherwise it is plain values that ``sweep.yaml`` stores: `_target_` is
the dotted path of a *factory*, the other keys are its arguments. The factory is called once in each worker process, and
returns a `TrialFunction`. So a new kind of program is one class that implements `TrialFunction`, and a dotted path.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from mnistsweep import keras_session, targets
from mnistsweep.study.claims import Claims
from mnistsweep.workers.trial_hooks import TrialHooks

if TYPE_CHECKING:
    from mnistsweep.workers.trial import Trial


class Program(Protocol):
    """Runs the trials of a worker.

    The worker writes heartbeats on a thread of its own, ends a program that does not stop on request, and releases the
    trial that a program leaves unfinished, whatever the reason.
    """

    @property
    def claims(self) -> Claims:
        """Claims of the worker: the trial that the program runs now."""

    def check_files(self) -> None:
        """Check that the files of the sweep, and of the trial that runs, are there.

        Raises:
            StudyError: A file or a folder was deleted or moved.
        """

    def run_trials(self) -> None:
        """Run trials until the study grants no more, or a stop is requested.

        Raises:
            KeyboardInterrupt: A stop was requested; the trial is not finished.
            MnistSweepError: The sweep cannot continue.
        """


class TrialFunction(Protocol):
    """A function of a trial, and the configuration that is recorded for a trial.

    `FunctionProgram` calls both for each trial, in this order, on the main thread:

    1. `configuration` gives the content of ``trials/0007/config.yaml`` (plain values), which is also ``best.yaml`` for
       the best trial. A secret must not be part of it.
    2. The call runs the trial and returns the objective as a number, or a mapping of numbers that has the objective, or
       a Keras `History` (its best epoch counts). Before it, `random`, `numpy`, and PyTorch and Keras where they are
       imported, are seeded with the seed of the trial.

    How the call ends decides what is recorded:

    ==========================================  =======================================================================
    it returns a finite number                  completed; pruned if `Trial.should_stop` was true for the pruner
    it returns NaN or an infinite number        failed, with the value as reason; also in an epoch of a `History`
    it returns anything else                    failed, with the type or the keys that it returned as reason
    it raises `errors.TrialPruned`, or Optuna's pruned, with the best reported value
    it raises another exception, `SystemExit`   failed, with the exception as reason; ``error.txt`` has the traceback
    it ends after `Trial.should_stop` was true
    because a stop was requested                nothing: the trial is released, and run again from its start
    the process dies                            nothing: the trial is run again; at the second crash without progress
                                                it is recorded as failed
    ==========================================  =======================================================================
    """

    def configuration(self, trial: Trial) -> Mapping[str, Any]:
        """Content of the trial's ``config.yaml``."""

    def __call__(self, trial: Trial) -> Any:
        """Run the trial; returns its objective."""


def make_program(hooks: TrialHooks) -> Program:
    """Make the program of a worker; imports the backend or the user's code.

    Args:
        hooks: Functions that the program calls around each trial, with the plan and the study.

    Raises:
        ConfigError: The factory of a function of a trial does not exist, or does not accept its arguments.
    """
    keras_session.apply_settings()
    record = hooks.plan.program
    if record is None:
        from mnistsweep.workers.keras_program import KerasProgram

        return KerasProgram(hooks)
    from mnistsweep.workers.function_program import FunctionProgram

    factory = targets.resolve(str(record["_target_"]), "program._target_")
    return FunctionProgram(hooks, targets.call("program", factory, record, {}))
