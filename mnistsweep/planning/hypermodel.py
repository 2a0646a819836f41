"""Dimensions that a user's KerasTuner HyperModel declares in its code."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from mnistsweep import data, devices
from mnistsweep.config.compose import to_config
from mnistsweep.config.trials import HYPERPARAMETERS
from mnistsweep.dimensions import Choice, Column, Condition
from mnistsweep.models import hypermodels
from mnistsweep.planning.plan import Plan, read_plan


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
    added = {d.key: d.value_at(0.0) for d in plan.space.columns if "." not in d.key and d.key not in plan.groups}
    if not isinstance(swept, Choice):
        yield from _discovered(plan, added, plan.space.columns)
        return
    for model in swept.values:
        for dimension in _discovered(plan, {**added, "model": model}, ()):
            yield replace(dimension, conditions=(*dimension.conditions, Condition("model", (model,))))


def _discovered(plan: Plan, point: dict[str, Any], ranges: tuple[Column, ...]) -> list[Column]:
    config = to_config(plan.composer.trial(point))
    with devices.quiet_start():  # a user's module imports Keras
        if not hypermodels.needs_hyperparameters(config.model):
            return []
        from mnistsweep.tuner.discovery import discover
    os.environ.update(devices.MEMORY_GROWTH)  # this process builds models too; it leaves GPU memory to the workers
    return list(discover(config, data.load(config.data), ranges))
