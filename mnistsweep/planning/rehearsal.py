"""A rehearsal of a user's own model and data before the sweep starts: build, compile, evaluate, train one step.

The targets, the loss and the output of the model must fit together, and the objective must be one of the values that
the model really measures. Only a built model shows that. Built-in models of built-in data need no rehearsal: they are
checked without Keras.
"""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from mnistsweep import data, devices
from mnistsweep.config import objectives
from mnistsweep.config.checks import Faults
from mnistsweep.config.compose import from_plain
from mnistsweep.config.constraints import unmeasured
from mnistsweep.config.objective import AUTO
from mnistsweep.config.schema import Config
from mnistsweep.data.class_checks import STRATIFY, require_classes, validation_warning
from mnistsweep.data.dataset import class_task
from mnistsweep.data.settings import BUILT_IN
from mnistsweep.data.task import Task
from mnistsweep.errors import ConfigError, DataError, MnistSweepError, suggest
from mnistsweep.keras_session import clear_session
from mnistsweep.models.builders import BUILDERS
from mnistsweep.planning.objective import FitReturn, Measured
from mnistsweep.planning.plan import Plan
from mnistsweep.planning.stream_checks import check_class_weight, check_stream, is_endless
from mnistsweep.space import Point
from mnistsweep.training.returned import kind_of
from mnistsweep.user_code import explained

if TYPE_CHECKING:
    from mnistsweep.tuner.hypermodel import ConfiguredHyperModel

# Maximum number of combinations of models and data sets that are rehearsed.
MAX_COMBINATIONS = 8


def has_own_code(plan: Plan) -> bool:
    """Whether a check of the models runs code of the user: a model or data that are not built in."""
    if plan.paths.sweep.is_file():
        return False  # neither hyperparameters nor models are examined again
    return not all(_is_built_in(config) for configs in _configurations(plan) for config in configs)


def is_complete(plan: Plan) -> bool:
    """Whether the combinations of models and data sets are so few that each of them is rehearsed."""
    return math.prod(_counts(plan).values()) <= MAX_COMBINATIONS


def rehearse(plan: Plan, faults: Faults) -> list[Measured]:
    """Rehearse each combination of a swept model and a swept data set that is the user's own.

    A sweep that is continued was rehearsed at its first start.

    Args:
        plan: Plan whose configurations are valid.
        faults: Collects what is wrong, and warnings.

    Returns:
        What each model measures.
    """
    measured = list[Measured]()
    if plan.paths.sweep.is_file():
        return measured
    swept = plan.space.keys
    for configs in _configurations(plan):
        os.environ.update(devices.MEMORY_GROWTH)  # this process leaves GPU memory to the workers
        found = rehearse_configs(configs, faults, swept)
        measured += [] if found is None else [found]
    return measured


def rehearse_configs(configs: Sequence[Config], faults: Faults, swept: Sequence[str] = ()) -> Measured | None:
    """Rehearse configurations until one is valid: the others may fail as trials, for the values that they have.

    Args:
        configs: Configurations with the same model and data; built-in ones need no rehearsal.
        faults: Collects the error of the first configuration if none is valid, and warnings.
        swept: Keys that the search varies.

    Returns:
        What the model measures; None if no configuration is valid.
    """
    if _is_built_in(configs[0]):
        return _built_in_metrics(configs[0])
    errors = list[MnistSweepError]()
    for config in configs:
        try:
            warnings, measured = _rehearse(config, swept)
            faults.warn(warnings)
            return measured
        except MnistSweepError as error:
            errors.append(error)
    faults.add_error(errors[0] if isinstance(errors[0], ConfigError | DataError) else ConfigError(str(errors[0])))
    return None


def _built_in_metrics(config: Config) -> Measured:
    """What a built-in model measures: it is a classifier that mnistsweep compiles."""
    return Measured(["loss", *map(str.lower, config.trainer.metrics)], has_class_targets=True)


def _configurations(plan: Plan) -> Iterator[list[Config]]:
    """Configurations of each combination of swept presets."""
    for points in _combinations(plan):
        yield [from_plain(plan.composer.plain(point, plan.config.seed)) for point in points]


def _combinations(plan: Plan) -> Iterator[list[Point]]:
    """Points of each combination of swept presets: the start, the middle and the end of all other dimensions."""
    counts = _counts(plan)
    for positions in itertools.islice(itertools.product(*map(range, counts.values())), MAX_COMBINATIONS):
        points = list[Point]()
        for unit in (0.0, 0.5, 1.0):
            units = [unit] * len(plan.space.dimensions)
            for (index, count), position in zip(counts.items(), positions, strict=True):
                units[index] = (position + 0.5) / count
            if (point := plan.space.point_at(units)) not in points:
                points.append(point)
        yield points


def _counts(plan: Plan) -> dict[int, int]:
    """Numbers of swept models and data sets, by the index of their dimension."""
    swept = [(i, d) for i, d in enumerate(plan.space.dimensions) if {"model", "data"} & set(d.keys)]
    return {index: len(dimension.grid()) for index, dimension in swept if dimension.size is not None}


def _is_built_in(config: Config) -> bool:
    return str(config.model.get("_target_")) in BUILDERS and str(config.data.get("_target_")).startswith(BUILT_IN)


def _rehearse(config: Config, swept: Sequence[str]) -> tuple[list[str], Measured]:
    """Load the data, build and compile the model, evaluate and train a few examples.

    A built-in model is a classifier whose metrics are known: only its data are loaded and checked, without Keras.

    Args:
        config: Configuration of a trial.
        swept: Keys that the search varies.

    Returns:
        Warnings, and what the model measures.

    Raises:
        ConfigError: The model cannot be built or trained, does not fit the data, or does not measure the objective.
        DataError: The data cannot be loaded.
    """
    dataset = data.load(config.data)
    warnings = check_stream(dataset, config, swept)
    if str(config.model.get("_target_")) in BUILDERS:
        classes = class_task(dataset.tasks)
        check_class_weight(config, classes)
        return warnings + _check_classes(dataset, classes, config), _built_in_metrics(config)
    with devices.quiet_start():
        from mnistsweep.training.building import own_fit_of
        from mnistsweep.training.compilation import compile_model
        from mnistsweep.training.engines import StreamSplit
        from mnistsweep.training.engines.streams import fit_input
        from mnistsweep.training.trained_batch import evaluate_batches, train_batch
        from mnistsweep.training.training_split import training_split
        from mnistsweep.tuner.hypermodel import ConfiguredHyperModel
    clear_session()
    hypermodel = ConfiguredHyperModel(config, dataset)
    with explained(lambda reason: ConfigError(f"model._target_: the model cannot be built: {reason}")):
        model = hypermodel.build(hypermodel.hyperparameters)
        forms = compile_model(model, config, dataset)
    if hypermodel.has_own_fit and dataset.is_stream:
        hypermodel.own_fit.check_dataset()
    elif hypermodel.has_own_fit and (dataset.train.has_weights or config.trainer.class_weight is not None):
        hypermodel.own_fit.check_weights()
    task = getattr(forms, "task", None)
    check_class_weight(config, task)
    train = training_split(dataset, forms, config)
    if isinstance(train, StreamSplit):
        fit_input(train, config.trainer.batch_size)  # fails if its targets cannot be converted
    measured = evaluate_batches(model, config, dataset, forms)
    _check_objective(config, hypermodel, model, measured)
    if not hypermodel.has_own_fit:
        train_batch(model, config, dataset, forms)
    own_fit = _rehearse_fit(hypermodel, model, forms) if hypermodel.has_own_fit else None
    # Data that stream are trained on by one call of `fit`, other data by one for each epoch (`training.engines`).
    model_fit = own_fit_of(model) if dataset.is_stream and not hypermodel.has_own_fit else ""
    clear_session()
    has_class_targets = task is not None and task.kind == "classes"
    warnings += hypermodel.warnings + _check_classes(dataset, task, config)
    return warnings, Measured(measured, has_class_targets, own_fit, model_fit)


def _rehearse_fit(hypermodel: ConfiguredHyperModel, model: Any, forms: Any) -> FitReturn:
    """Call a hypermodel's own `fit` with a few examples, to find what it returns.

    Raises:
        ConfigError: It returns neither a number, a dictionary, a History nor a list of these.
    """
    from mnistsweep.tuner.fit_rehearsal import rehearse_fit

    name = hypermodel.own_fit.name
    try:
        with explained(ConfigError):
            result = rehearse_fit(hypermodel, model, forms)
    except MnistSweepError as error:  # it may be one that more examples or epochs avoid
        return FitReturn(name, fault=str(error))
    kind = kind_of(result, name)
    return FitReturn(name, kind, list(map(str, result)) if kind == "dictionary" else ())


def _check_objective(config: Config, hypermodel: ConfiguredHyperModel, model: Any, measured: Sequence[str]) -> None:
    """Check that the model measures the objective, unless the user's own code may add it, and its direction.

    The same holds for constrained metrics.

    Raises:
        ConfigError: The objective or a constrained metric is not measured, or the better direction is unknown.
    """
    from mnistsweep.training.building import has_own_step
    from mnistsweep.training.callbacks.user_callbacks import may_add_metrics

    known = [f"{split}{name}" for split in ("val_", "") for name in measured]
    is_fixed = not (has_own_step(model) or hypermodel.has_own_fit or may_add_metrics(config))
    names, objective = objectives.texts_in(config.objective), config.first_objective
    if is_fixed and (faults := [*unmeasured(config.constraints, known), *objectives.unmeasured(names, known)]):
        raise ConfigError("\n".join(faults))
    is_trained = has_own_step(model) and not objective.startswith("val_")  # known after a training step only
    if objective in (AUTO, *known) or is_trained or hypermodel.has_own_fit or may_add_metrics(config):
        if faults := objectives.unknown_directions(names, config.direction):
            raise ConfigError("\n".join(faults))
        return
    raise ConfigError(
        f"objective: the model measures no {objective!r}; {suggest(objective, known, len(known))} (objective=NAME)"
    )


def _check_classes(dataset: data.Dataset, task: Task | None, config: Config) -> list[str]:
    """Check that the training split has examples of every class; returns a warning if the validation split has not.

    Raises:
        DataError: A class has no example in the training split.
    """
    source = f"data._target_={config.data.get('_target_')!r}"
    if task is None or task.kind != "classes" or is_endless(dataset):
        return []
    advice = STRATIFY if not dataset.is_stream else "shuffle the data before they are divided"
    train, validation = (
        task.encode(examples.targets, "targets", source) for examples in (dataset.train, dataset.validation)
    )
    require_classes(train, task, "the training split", source, advice)
    warning = validation_warning(validation, task, source, advice)
    return [] if warning is None else [warning]
