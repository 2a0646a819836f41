"""The best configuration by the ledger, for commands that must not trust ``best.yaml``: a user may have edited it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mnistsweep.atomic import read_yaml, yaml_text
from mnistsweep.errors import ConfigError
from mnistsweep.planning.plan import Plan
from mnistsweep.planning.trial_contents import composed_content, first_difference, is_same
from mnistsweep.study.records import TrialRecord
from mnistsweep.study.sweep import Sweep
from mnistsweep.study.views import best_head


@dataclass(frozen=True)
class BestConfiguration:
    """The configuration of the best trial.

    Attributes:
        text: Content of a YAML file.
        note: Why it is not the content of ``best.yaml``; empty if it is.
    """

    text: str
    note: str = ""


def best_configuration(sweep: Sweep, plan: Plan, best: TrialRecord) -> BestConfiguration:
    """Compare ``best.yaml`` with the best trial of the ledger, and take the configuration of that trial.

    Args:
        sweep: Sweep that has a best trial.
        plan: Plan of the sweep.
        best: Best trial by the ledger.

    Raises:
        StudyError: ``best.yaml`` is damaged.
    """
    composed, found = _composed(plan, best), sweep.best
    kept = _kept_content(sweep, plan, best, composed)
    if found is not None and _is_same(found, kept, plan, composed):
        return BestConfiguration(sweep.paths.best.read_text(encoding="utf-8"))
    head = best_head(sweep.paths, best, plan.config.objective, plan.train_command)
    if kept is None:
        kept = {**composed_content(plan, best.point, best.seed)}
        kept["trainer"] = {**kept["trainer"], "threads": kept["trainer"]["threads"] or plan.threads}
    if found is None:
        fault = "is missing"
    else:
        key = first_difference(found, kept)
        keys = ", ".join(sorted(map(str, found.keys() ^ kept.keys())))
        fault = f"is not the configuration of the best trial ({key or keys or 'its keys'} differs)"
    return BestConfiguration(
        head + yaml_text(kept), f"{sweep.paths.best}: {fault}; exported from trial {best.number} of the ledger."
    )


def _composed(plan: Plan, best: TrialRecord) -> dict[str, Any] | None:
    """Content of the trial's file by the plan; None for a function's trial, and where a secret is not set."""
    if plan.program is not None:
        return None
    try:
        return composed_content(plan, best.point, best.seed)
    except ConfigError:  # without the secret its trial's own file is compared alone
        return None


def _kept_content(
    sweep: Sweep, plan: Plan, best: TrialRecord, composed: dict[str, Any] | None
) -> dict[str, Any] | None:
    """Content of the trial's own file; None if it is missing, damaged, or not what the ledger and the plan give."""
    content = _read(sweep.paths.trial(best.number).config)
    if content is None or composed is None:
        return content
    return None if first_difference(content, composed) else content


def _is_same(found: dict[str, Any], kept: dict[str, Any] | None, plan: Plan, composed: dict[str, Any] | None) -> bool:
    if kept is not None:
        return is_same(found, kept)
    if composed is None:
        return plan.program is not None
    return first_difference(found, composed) is None


def _read(file: Path) -> dict[str, Any] | None:
    try:
        content = read_yaml(file)
    except (OSError, ValueError, yaml.YAMLError, RecursionError):
        return None
    return content if isinstance(content, dict) else None
