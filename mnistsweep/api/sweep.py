"""`mnistsweep.sweep`: a sweep of a Python function, from a script or a notebook."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from mnistsweep import handed_over, keras_session
from mnistsweep.api.caller import interrupt, same_settings, single_call
from mnistsweep.api.keywords import overrides_of
from mnistsweep.api.program import PythonProgram, read_program
from mnistsweep.api.result import SweepResult
from mnistsweep.commands.sweep import run_sweep
from mnistsweep.config.overrides import HYPERPARAMETERS
from mnistsweep.config.recipe import Recipe
from mnistsweep.console import SafeConsole
from mnistsweep.errors import ConfigError, SweepStopped
from mnistsweep.planning.plan import Plan
from mnistsweep.planning.planner import plan_sweep
from mnistsweep.planning.program_planner import plan_program
from mnistsweep.workers.launchers import Launch
from mnistsweep.workers.messages import SIGNALLED
from mnistsweep.workers.supervisor import Surroundings, run_workers
from mnistsweep.workers.worker_numbers import worker_numbers


def sweep(
    function: Any,
    data: Any = None,
    space: Mapping[str, Any] | None = None,
    *,
    objective: str | Sequence[str] | None = None,
    direction: str | Sequence[str] = "auto",
    trials: int | None = 20,
    workers: int = 1,
    name: str | None = None,
    progress: bool = True,
    **keywords: Any,
) -> SweepResult:
    """Search the values with which a function is best.

    The argument `data` decides what the function is:

    - With `data`, it builds a Keras model: ``build_model(units, dropout)`` is called with the values of the space, a
      hypermodel of KerasTuner with `hp`. The model, compiled or not, is trained and validated as by ``mnistsweep
      sweep``.
    - Without `data`, it is a function of a trial: ``objective(trial)`` trains in its own way, and returns the objective
      or a dictionary that has it. It reads ``trial.values["units"]``, and may call `trial.report(value, step)` and
      return early where `trial.should_stop` is true; see `mnistsweep.Trial`.

    The trials run in worker processes, also if there is only one. Functions and arrays of a script or a notebook reach
    them through a temporary file without a name; a script needs no ``if __name__ == "__main__"``. All results are in
    the folder ``logs/NAME``. The same call continues a sweep that was interrupted, also in a new process; with another
    space, other data or other settings it is refused. The code of the functions is not compared.

    Args:
        function: Function that builds a model, a `keras_tuner.HyperModel`, the name of a preset (``"perceptron"``), or
            a function of a trial.
        data: ``(train, test)`` or ``(train, validation, test)``, each ``(x, y)`` or ``(x, y, sample_weight)``; or a
            function that returns this; or the name of a preset (``"mnist"``). Without a validation part, a fifth of
            the training data validates (``validation=0.2``). None for a function of a trial.
        space: Ranges by name: `Int`, `Float`, `Choice`, or a list of values; any other value is fixed. A name is an
            argument of the function, or a key of the configuration if it has a dot (``"trainer.batch_size"``,
            ``"optimizer.learning_rate"``); ``"optimizer"`` and ``"schedule"`` choose among presets, unless the function
            has an argument of this name. A hypermodel declares its own ranges.
        objective: Name of the objective: a metric of the history such as ``val_mae``, or the name of what a function
            of a trial returns. None: the default of the model (`val_accuracy` for classes, else `val_loss`), and for a
            function of a trial `default_objective`, which is minimized. A list of names searches for the Pareto front
            of several objectives: ``["val_accuracy", "parameters"]``; a function of a trial then returns a mapping with
            all of them, or their values in this order.
        direction: ``max``, ``min``, or ``auto`` for the metrics and losses of Keras; a list for several objectives.
        trials: Maximum number of trials; None: no limit, with ``hours=`` or ``total_epochs=``.
        workers: Number of worker processes.
        name: Name of the sweep, whose folder is ``logs/NAME``; None: the name of the function.
        progress: Whether to print the progress: a live table on a terminal, a line for each trial elsewhere.
        keywords: Keys of the configuration; those of the sections `trainer`, `trial` and `data` without their section:
            ``epochs=5``, ``batch_size=32``, ``seed=0``, ``hours=2``, ``oracle="tpe"``, ``pruner="median"``,
            ``logs="runs"``; `loss` may be a function, and `metrics` and `callbacks` may be lists of Keras's objects or
            your own. Other keys as ``**{"optimizer.learning_rate": 0.01}``.

    Returns:
        The sweep with its best trial, tables, model and report.

    Raises:
        ConfigError: Every fault of the arguments, before anything is written.
        DataError: The data cannot be used.
        StudyError: The folder holds another search, or was started with other data.
        SweepStopped: The sweep cannot continue, for example because too many trials failed; or `mnistsweep stop`
            stopped it, and the same call continues it.
        KeyboardInterrupt: Ctrl-C: the workers have stopped, and the same call continues the sweep.

    Example:
        >>> import tempfile
        >>> def objective(trial):
        ...     return (trial.values["x"] - 0.3) ** 2
        >>> with tempfile.TemporaryDirectory() as logs:
        ...     found = sweep(objective, space={"x": [0.1, 0.3, 0.9]}, objective="error", direction="min", logs=logs,
        ...                   progress=False)
        ...     found.best.values, found.best.objective, len(found.trials)
        ({'x': 0.3}, 0.0, 3)
    """
    with single_call():
        program = read_program(function, data, space)
        own = {"trials": trials, "workers": workers, "direction": direction, "name": name or _name_of(function)}
        if objective is not None:
            own["objective"] = objective
        defaults = {} if {"folds", "data.folds"} & keywords.keys() else program.defaults
        given = overrides_of({**own, **defaults, **keywords}, program.record is None, program.key_of, program.path_of)
        with handed_over.offered(program.objects):
            with same_settings():
                plan = _plan(program, given)
            with handed_over.passed_on(program.objects) as file:  # before anything is written
                code = run_sweep(plan, _launcher(file), _console(progress))
    if code:
        interrupt(code)
    names = {key: program.names.get(key, key.removeprefix(HYPERPARAMETERS)) for key in plan.space.keys}
    return SweepResult(plan.paths.folder.resolve(), program.objects, names)


def _plan(program: PythonProgram, given: list[str]) -> Plan:
    """Plan the sweep; every fault is raised here."""
    if program.record is not None:
        plan = plan_program(Recipe(tuple(given)), program.dimensions, program.record, program.listed)
    else:
        plan = plan_sweep(Recipe(), [*program.overrides, *given])
    if plan.hydra:
        raise ConfigError(f"mnistsweep.sweep: Hydra's own keys cannot be set here; received {', '.join(plan.hydra)}.")
    if plan.config.detach:
        rule = "the workers are processes of this program, and end with it"
        raise ConfigError(f"detach: {rule}; received true; use `mnistsweep sweep` with hydra/launcher=slurm.")
    return replace(plan, command=f"mnistsweep.sweep of {program.origin}")


def _launcher(file: int) -> Launch:
    """Function that runs the workers as child processes, which inherit the file with the objects of the program."""

    def launch(plan: Plan, session: str) -> dict[int, int]:
        folder, threads = plan.paths.folder.resolve(), plan.config.trainer.threads
        variables = {handed_over.VARIABLE: str(file), "PYTHONPATH": handed_over.import_path()}
        variables |= keras_session.variables_of_process()
        surroundings = Surroundings(variables, (file,), second_signal_ends_process=False)
        with worker_numbers(plan.paths, plan.config.workers) as numbers:
            codes = run_workers(folder, numbers, threads, session, surroundings=surroundings)
        if any(code > SIGNALLED for code in codes):  # a signal to this process would have raised KeyboardInterrupt
            raise SweepStopped(
                f"{folder}: `mnistsweep stop`, or a signal to a worker, stopped the sweep; the same call continues it."
            )
        return dict(zip(numbers, codes, strict=True))

    return launch


def _name_of(function: Any) -> str:
    """Name of a sweep from that of its function; "sweep" where this is no name of a folder."""
    name = function if isinstance(function, str) else getattr(function, "__name__", type(function).__name__)
    last = str(name).rpartition(".")[2]
    return last if last.isidentifier() and last[0].isalpha() else "sweep"


def _console(progress: bool) -> SafeConsole:
    return SafeConsole() if progress else SafeConsole(file=io.StringIO())
