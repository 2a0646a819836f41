"""The plan in ``sweep.yaml``, as plain values."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from mnistsweep.config.recipe import Recipe
from mnistsweep.config.references import resolved_where_set, texts_of_references, with_texts
from mnistsweep.config.schema import Config
from mnistsweep.errors import ConfigError, StudyError
from mnistsweep.paths import SweepPaths
from mnistsweep.planning.plan import Plan
from mnistsweep.planning.preset_combinations import preset_combinations
from mnistsweep.space import SearchSpace
from mnistsweep.study.sweep import Sweep
from mnistsweep.study.sweep_file import read_sweep_file

# Keys of the configuration that version 0.1.0 wrote to `sweep.yaml` and that no longer exist.
FORMER_KEYS = frozenset({"worker", "session"})


def plan_to_json(plan: Plan) -> dict[str, Any]:
    """Return a plan as plain values, with references in place of secrets.

    Args:
        plan: Plan.
    """
    program = {} if plan.program is None else {"program": dict(plan.program)}
    nested = {"nested_epochs": list(plan.nested_epochs)} if plan.nested_epochs else {}
    return (
        program
        | nested
        | {
            "recipe": plan.recipe.to_json(),
            "groups": sorted(plan.groups),
            "space": plan.space.to_json(),
            "config": with_texts(asdict(plan.config), plan.references),
            "first_trials": plan.first_trials,
            "auto_pauses": plan.auto_pauses,
            "model_fit": plan.model_fit,
            "variants": {} if plan.program else plan.composer.variants(preset_combinations(plan.space, plan.groups)),
        }
    )


def plan_from_json(record: Any) -> Plan:
    """Read what `plan_to_json` wrote.

    Args:
        record: Plain values.

    Raises:
        StudyError: The record is damaged, or another version wrote it.
    """
    try:
        known = {key: value for key, value in record["config"].items() if key not in FORMER_KEYS}
        texts, real = texts_of_references(known), resolved_where_set(known)
        config: Any = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(Config), real))
        space = SearchSpace.from_json(record["space"])
        recipe, groups = Recipe.from_json(record["recipe"]), frozenset(record["groups"])
        program = record.get("program")
        return Plan(
            recipe, groups, space, config, record["first_trials"], record["variants"], texts, program=program,
            auto_pauses=record.get("auto_pauses", False), nested_epochs=tuple(record.get("nested_epochs", ())),
            model_fit=record.get("model_fit", ""),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, AttributeError, OmegaConfBaseException, ConfigError) as error:
        raise StudyError(f"sweep.yaml: this version of mnistsweep cannot read the plan: {error!r}") from error


def plan_of(sweep: Sweep) -> Plan:
    """The plan of a sweep, from its ``sweep.yaml``.

    Raises:
        StudyError: The file is damaged, or another version wrote it.
    """
    record = sweep.config.get("plan")
    try:
        return plan_from_json(record)
    except StudyError as error:
        raise StudyError(f"{sweep.paths.folder}: {error}") from error


def read_plan(paths: SweepPaths) -> Plan:
    """Plan in the file ``sweep.yaml`` of a sweep.

    Raises:
        StudyError: The file cannot be read, is damaged, or was written by a newer version.
    """
    return plan_from_json(read_sweep_file(paths).get("plan"))
