"""Step 4 of planning, continued: what a sweep takes over from former sweeps (key `warm_start`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mnistsweep.config.checks import Faults
from mnistsweep.dimension_values import value_text
from mnistsweep.errors import ConfigError
from mnistsweep.planning.agreement import Agreement, Difference
from mnistsweep.planning.former_sweep import KEY, FormerSweep, former_trial, has_shown, read_former
from mnistsweep.planning.plan import Plan
from mnistsweep.planning.plan_file import read_plan
from mnistsweep.search.former import NOT_LEARNING, FormerTrial
from mnistsweep.search.oracle_factory import PAUSING
from mnistsweep.study.nested_epochs import EPOCHS
from mnistsweep.study.warm_start_file import WarmStart, read_warm_start
from mnistsweep.text import format_count, listed

MAX_KEYS, MAX_VALUES = 6, 3
"""Numbers of keys, and of values of a key, that a message names."""


def with_warm_start(plan: Plan, faults: Faults) -> Plan:
    """Return the plan with the trials of former sweeps; a sweep that exists has its own copy of them.

    Args:
        plan: Plan of which everything else was checked.
        faults: Collects what is wrong.

    Raises:
        StudyError: The copy of a sweep that exists is missing or damaged.
    """
    if not plan.former_folders or faults.any:
        return plan
    if plan.paths.sweep.is_file():  # another value of the key is refused when the sweep is opened
        is_same = read_plan(plan.paths).config.warm_start == plan.config.warm_start
        return replace(plan, warm_start=read_warm_start(plan.paths)) if is_same else plan
    with faults.collecting():
        _check_oracle(plan)
        trials, notes = list[FormerTrial](), list[str]()
        for name in plan.former_folders:
            found, text = _taken_over(read_former(name, plan), plan)
            trials += found
            notes += text
        return replace(plan, warm_start=WarmStart(tuple(trials), tuple(notes)))
    return plan


def _check_oracle(plan: Plan) -> None:
    """Check that the oracle can learn from former trials.

    Raises:
        ConfigError: It cannot.
    """
    if plan.is_kerastuner_oracle:
        rule = "KerasTuner's own oracles cannot learn from former trials"
    elif plan.further:
        rule = "a search for a Pareto front of several objectives cannot learn from former trials"
    elif plan.oracle_name in NOT_LEARNING:
        rule = f"the points of oracle={plan.oracle_name} do not depend on results, so former trials change nothing"
    elif plan.oracle_name == "nsga2":
        rule = "the generations of oracle=nsga2 have no place for former trials"
    else:
        return
    received = ", ".join(plan.former_folders)
    other = "name one objective" if plan.further else "use oracle=tpe or oracle=freeze_thaw"
    raise ConfigError(f"{KEY}: {rule}; received {received}; leave it out, or {other}.")


def _taken_over(former: FormerSweep, plan: Plan) -> tuple[list[FormerTrial], list[str]]:
    """Return the trials of a former sweep that hold for a plan, and sentences about what was taken over.

    Raises:
        ConfigError: None holds.
    """
    agreement = Agreement(plan, former.plan)
    used, refused = list[FormerTrial](), list[list[Difference]]()
    pauses = plan.oracle_name in PAUSING
    known = [record for record in former.records if has_shown(record, pauses)]
    for record in known:
        point = agreement.find(record.point)
        found = point if isinstance(point, list) else former_trial(record, former.plan, point, plan)
        if isinstance(found, FormerTrial):
            used.append(found)
        else:
            refused.append(found)
    reasons = [*_reasons(refused)]
    if num_without := len(former.records) - len(known):
        reasons.append(f"no result ({format_count(num_without, 'trial')})")
    if not used:
        raise ConfigError(_refusal(former, reasons))
    head = f"warm start: {len(used)} of {format_count(len(former.records), 'trial')} of {former.name}"
    notes = [f"{head}; {_dimensions(former, plan)}", *_epochs(former.plan, plan)]
    return used, [*notes, *(f"  not used: {reason}" for reason in reasons)]


def _refusal(former: FormerSweep, reasons: Sequence[str]) -> str:
    why = "; ".join(reasons) or "it has no trial yet"
    rule = "must name a sweep with a trial that this one could train"
    remedy = "use the same values, or leave it out"
    return f"{KEY}: {rule}; received {former.name}, which has none: {why}; {remedy}."


def _reasons(refused: Sequence[Sequence[Difference]]) -> Iterator[str]:
    """Yield why trials are not used, the key that concerns most trials first."""
    by_key = dict[str, list[Difference]]()
    for differences in refused:
        for one in differences:
            by_key.setdefault(one.key, []).append(one)
    ordered = sorted(by_key.items(), key=lambda item: -len(item[1]))
    for key, found in ordered[:MAX_KEYS]:
        theirs, ours = _shown([one.theirs for one in found]), _shown([one.ours for one in found])
        yield f"{key} is {theirs} there and {ours} here ({format_count(len(found), 'trial')})"
    if len(ordered) > MAX_KEYS:
        yield f"and {format_count(len(ordered) - MAX_KEYS, 'key')} more"


def _shown(values: Sequence[Any]) -> str:
    """Return different values; of several real numbers the smallest and the largest."""
    if len(set(map(repr, values))) > 1 and {float} <= set(map(type, values)) <= {int, float}:
        return f"{min(values):.4g} to {max(values):.4g}"
    return listed(list(dict.fromkeys(map(value_text, values))), MAX_VALUES)


def _epochs(former: Plan, plan: Plan) -> list[str]:
    """Return how trainings of different numbers of epochs are compared; nothing if these are equal or searched."""
    theirs, ours = former.config.trainer.epochs, plan.config.trainer.epochs
    is_fixed = plan.program is None and EPOCHS not in (*former.space.keys, *plan.space.keys)
    if not is_fixed or theirs == ours:
        return []
    return [f"  {EPOCHS} is {theirs} there and {ours} here: the first {min(theirs, ours)} epochs count"]


def _dimensions(former: FormerSweep, plan: Plan) -> str:
    """Return which dimensions both sweeps search, and which only one of them."""
    ours, theirs = plan.space.keys, former.plan.space.keys
    parts: Mapping[str, Sequence[str]] = {
        "same dimensions": [key for key in ours if key in theirs],
        "only here": [key for key in ours if key not in theirs],
        "only there": [key for key in theirs if key not in ours],
    }
    return "; ".join(f"{label}: {', '.join(keys)}" for label, keys in parts.items() if keys)
