"""Whether two plans are the same search: the keys that define it, with their values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from mnistsweep.config.added_keys import without_added_keys
from mnistsweep.config.objectives import objectives_of, texts_in
from mnistsweep.config.references import with_texts
from mnistsweep.config.schema import CONTINUABLE_KEYS
from mnistsweep.config.secret_values import without_password
from mnistsweep.json_values import sorted_text
from mnistsweep.planning.plan import Plan
from mnistsweep.redaction import mask_url, mask_values


def differences(plan: Plan, other: Plan) -> list[str]:
    """Return the keys whose values make two plans different searches; budgets and workers do not count.

    Args:
        plan: Plan.
        other: Another plan.
    """
    ours, theirs = (_fingerprint(one, asdict(one.config)) for one in (plan, other))
    return sorted(key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key))


def fingerprint(plan: Plan) -> dict[str, str]:
    """Return the keys that define a search, with their values as JSON; without secrets, which may be changed.

    Args:
        plan: Plan of the search.
    """
    return _fingerprint(plan, with_texts(asdict(plan.config), plan.references))


def _fingerprint(plan: Plan, config: dict[str, Any]) -> dict[str, str]:
    config = without_added_keys(mask_values(config))
    if plan.objectives == objectives_of(plan.config.objective, "auto"):
        config["direction"] = "auto"  # the same search, whichever of the two was written
    if not plan.further:  # a list with one name is that name
        config |= {key: (texts_in(config[key]) or [""])[0] for key in ("objective", "direction")}
    config["storage"] = plan.config.storage and without_password(mask_url(plan.config.storage))
    flat = {key: value for key, value in config.items() if key not in CONTINUABLE_KEYS}
    if plan.program is not None:
        flat |= _program_keys(plan.program)
    if plan.nested_epochs:
        flat["trainer"] = {**flat["trainer"], "epochs": None}
        flat["trainer.epochs (swept)"] = list(plan.nested_epochs)
    described = zip(plan.space.dimensions, plan.space.to_json(), strict=True)
    dimensions = {f"{dimension.name} (swept)": entry for dimension, entry in described}
    return {key: sorted_text(value) for key, value in (flat | dimensions).items()}


def _program_keys(program: Mapping[str, Any]) -> dict[str, Any]:
    """What identifies a program in a fingerprint: each key of its configuration by itself, so that messages name it."""
    identity = {key: value for key, value in program.items() if key not in ("config", "command", "key_prefix")}
    config = program.get("config", {})
    return {"program": identity} | {f"{key} (of the program)": value for key, value in config.items()}
