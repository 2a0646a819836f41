"""The best configuration by the ledger, for commands that must not trust ``best.yaml``: a user may have edited it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml

from mnistsweep.atomic import read_yaml, yaml_text
from mnistsweep.errors import ConfigError
from mnistsweep.planning.plan import Plan
from mnistsweep.planning.trial_contents import composed_content, first_difference, is_same
from mnistsweep.study.front import text_of
from mnistsweep.study.nested_epochs import best_content, explain_best
from mnistsweep.study.records import State, TrialRecord
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
    if found is not None and _is_same(found, _as_trained(kept, plan, best), plan, _as_trained(composed, plan, best)):
        return BestConfiguration(sweep.paths.best.read_text(encoding="utf-8"))
    content = _as_trained(kept or _composed_kept(plan, best), plan, best)
    if found is None:
        fault = "is missing"
    else:
        key = first_difference(found, content)
        keys = ", ".join(sorted(map(str, found.keys() ^ content.keys())))
        fault = f"is not the configuration of the best trial ({key or keys or 'its keys'} differs)"
    return BestConfiguration(
        _head(sweep, plan, best) + yaml_text(content),
        f"{sweep.paths.best}: {fault}; exported from trial {best.number} of the ledger.",
    )


def trial_configuration(sweep: Sweep, plan: Plan, record: TrialRecord) -> BestConfiguration:
    """The configuration of any trial, with which a command repeats it.

    Args:
        sweep: Sweep of the trial.
        plan: Plan of the sweep.
        record: Trial with a result.
    """
    kept = _kept_content(sweep, plan, record, _composed(plan, record)) or _composed_kept(plan, record)
    return BestConfiguration(_head(sweep, plan, record, "FILE") + yaml_text(_as_trained(kept, plan, record)))


def _head(sweep: Sweep, plan: Plan, record: TrialRecord, name: str = "best") -> str:
    notes = [f"all objectives: {text_of(record, plan.objectives)}"] if plan.further else []
    notes += explain_best(record, plan.nested_epochs)
    return best_head(sweep.paths, record, plan.config.first_objective, plan.train_command, notes, name)


Content = TypeVar("Content", dict[str, Any], dict[str, Any] | None)


def _as_trained(content: Content, plan: Plan, record: TrialRecord) -> Content:
    """The content as ``best.yaml`` has it, see `nested_epochs.best_content`."""
    is_same = not plan.nested_epochs and record.state is State.COMPLETED
    if content is None or plan.program is not None or not plan.train_command or is_same:
        return content
    return best_content(content, record, plan.nested_epochs)


def _composed_kept(plan: Plan, record: TrialRecord) -> dict[str, Any]:
    """Content of the trial's own file by the plan, for a file that was lost."""
    kept = {**composed_content(plan, record.point, record.seed)}
    kept["trainer"] = {**kept["trainer"], "threads": kept["trainer"]["threads"] or plan.threads}
    return kept


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
