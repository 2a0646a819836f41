"""Dimensions that a user's KerasTuner HyperModel declares in its code."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from mnistsweep import data, devices
from mnistsweep.config.compose import to_config
from mnistsweep.config.overrides import HYPERPARAMETERS
from mnistsweep.dimensions import Choice, Column, Condition
from mnistsweep.models import hypermodels
from mnistsweep.planning.plan import Plan
from mnistsweep.planning.plan_file import read_plan
from mnistsweep.space import Point


def hypermodel_dimensions(plan: Plan) -> list[Column]:
    """The dimensions that the hypermodels of a plan declare and that the plan does not have yet.

    Keras is imported only if there is a hypermodel. A sweep that is continued keeps the dimensions of its first start:
    the command reports that a sweep is complete without Keras.
    """
    if plan.paths.sweep.is_file():
        before = read_plan(plan.paths)
        if before.config.model == plan.config.model and before.groups == plan.groups:
            known = [d for d in before.space.columns if d.key.startswith(HYPERPARAMETERS)]
            return [dimension for dimension in known if dimension.key not in plan.space.keys]
    return [dimension for dimension in _declared(plan) if dimension.key not in plan.space.keys]


def _declared(plan: Plan) -> Iterator[Column]:
    """The dimensions that each model of the plan declares; those of a swept model exist only with this model."""
    swept = plan.space["model"] if "model" in plan.groups else None
    if not isinstance(swept, Choice):
        yield from _discovered(plan, _first_point(plan), plan.space.columns)
        return
    for model in dict.fromkeys(swept.values):
        for dimension in _discovered(plan, _first_point(plan, model), ()):
            yield replace(dimension, conditions=(*dimension.conditions, Condition("model", (model,))))


def _first_point(plan: Plan, model: Any = None) -> Point:
    """The first value of each dimension, without the hyperparameters of the model: discovery tries these.

    Args:
        plan: Plan of the sweep.
        model: Swept model; None: models are not swept.
    """
    space = plan.space
    units = [0.0] * len(space.dimensions)
    point = space.point_at(units)
    if model is not None:
        index = space.index_of("model")
        count = len(space.dimensions[index].grid())
        for position in range(count):
            units[index] = (position + 0.5) / count
            point = space.point_at(units)
            if point["model"] == model:
                break
    return {key: value for key, value in point.items() if not key.startswith(HYPERPARAMETERS)}


def _discovered(plan: Plan, point: Point, ranges: tuple[Column, ...]) -> list[Column]:
    config = to_config(plan.composer.trial(point))
    with devices.quiet_start():  # a user's module imports Keras
        if not hypermodels.needs_hyperparameters(config.model):
            return []
        from mnistsweep.tuner.discovery import discover
    os.environ.update(devices.MEMORY_GROWTH)  # this process builds models too; it leaves GPU memory to the workers
    return list(discover(config, data.load(config.data), ranges))
