"""Opening a sweep: ``sweep.yaml``, the ledger and the experiment for TensorBoard, created once or checked."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from mnistsweep import data
from mnistsweep.atomic import write_yaml
from mnistsweep.config.objectives import texts_in
from mnistsweep.config.secret_values import holds_secret
from mnistsweep.errors import MnistSweepError, StudyError
from mnistsweep.locks import exclusive_lock
from mnistsweep.path_checks import new_folder
from mnistsweep.paths import SweepPaths
from mnistsweep.planning.plan import Plan
from mnistsweep.planning.plan_file import plan_from_json, plan_to_json, read_plan
from mnistsweep.planning.provenance import mask_command, provenance
from mnistsweep.planning.repeated_request import REQUEST
from mnistsweep.planning.same_search import differences, fingerprint
from mnistsweep.space import SearchSpace
from mnistsweep.study.fingerprints import differ
from mnistsweep.study.finished_files import FinishedFiles
from mnistsweep.study.ledger import Ledger
from mnistsweep.study.opened_ledger import create_ledger
from mnistsweep.study.storage.stores import open_storage
from mnistsweep.study.sweep_file import FORMAT, read_sweep_file
from mnistsweep.study.warm_start_file import CHECKSUM

_LOGGER = logging.getLogger("mnistsweep")


def open_sweep(plan: Plan) -> Plan:
    """Write ``sweep.yaml`` and create the ledger; if they exist, check that they belong to the same search.

    Returns:
        The plan as the workers read it: a sweep that is continued keeps what was decided at its first start.

    Raises:
        ConfigError: The sweep's folder cannot be created.
        StudyError: The folder holds another search, or its ledger has lost finished trials.
        DataError: The data cannot be used.
    """
    paths = plan.paths
    _check_folder(paths)
    checksum = "" if plan.program else data.checksum(plan.config.data)  # a function loads its data itself
    if paths.sweep.is_file():
        check_same(plan)
        if FinishedFiles.read(paths).numbers:
            Ledger(paths, plan.config.storage)  # fails if the ledger has lost finished trials
    if plan.config.storage is not None:
        open_storage(paths, plan.config.storage, create=True)  # fails before anything is written
    with new_folder("logs", paths.workers):
        plan = _write_sweep_file(plan, checksum)
        fingerprint = ledger_fingerprint(plan, checksum)
        first, *further = plan.objectives
        create_ledger(paths, plan.config.storage, first.direction, first.name, fingerprint, further)
    paths.all_trials.mkdir(exist_ok=True)  # workers do not create it: it may be deleted while they run
    _write_experiments(plan)
    return plan


def ledger_fingerprint(plan: Plan, checksum: str) -> dict[str, str]:
    """Texts that identify a search and its data in the ledger.

    Args:
        plan: Plan of the sweep.
        checksum: Checksum of the training data.
    """
    found = {**fingerprint(plan), "data (checksum)": checksum}
    del found["storage"]  # a ledger is found by its URL, and may be moved to another one
    return found


def _check_folder(paths: SweepPaths) -> None:
    """Check that the folder is new, holds a sweep, or is just being created by another start of the same command.

    Raises:
        StudyError: The folder holds something else.
    """
    found = sorted(path.name for path in paths.folder.iterdir()) if paths.folder.is_dir() else []
    first = (paths.workers.name, paths.warm_start.name)
    others = [name for name in found if name not in first and not name.startswith(".")]
    if others and not paths.sweep.is_file():  # in this order: sweep.yaml is written before the other files
        raise StudyError(
            f"{paths.folder}: the folder is not empty and holds no sweep ({others[0]}); use another name=NAME."
        )


def check_same(plan: Plan) -> None:
    """Check that the folder of a plan, which holds a sweep, holds the same search.

    Raises:
        StudyError: It holds another one.
    """
    if changed := differences(plan, read_plan(plan.paths)):
        raise StudyError(
            f"{plan.paths.folder} holds another search: {differ(changed)}. "
            "Use another name=NAME, or repeat the command that started it."
        )


def _write_sweep_file(plan: Plan, checksum: str) -> Plan:
    """Write ``sweep.yaml`` and return its plan; provenance and decisions of the first start are kept.

    Raises:
        StudyError: The folder holds another search, or the data has changed.
    """
    paths = plan.paths
    with exclusive_lock(paths.ledger_lock):  # two commands that start at the same moment become one sweep
        if not paths.sweep.is_file():
            record = {**provenance(plan.command), "data": checksum, REQUEST: plan.request}
            if plan.warm_start is not None:
                plan.warm_start.write(paths.warm_start)
                record[CHECKSUM] = plan.warm_start.checksum
            paths.start_lock.touch()  # a later start that is refused then creates no file
            write_yaml(paths.sweep, {**record, "plan": plan_to_json(plan)})
            return plan
        before = read_sweep_file(paths)
        check_same(plan)
        first = plan_from_json(before["plan"])
        decided = {key: getattr(first, key) for key in ("first_trials", "auto_pauses", "model_fit")}
        plan = replace(plan, **decided)
        if before["data"] != checksum:
            rule = f"not the data that {paths.folder} was started with"
            raise StudyError(f"data: {rule} (checksum {before['data']} then, {checksum} now); use another name=NAME.")
        kept = {key: value for key, value in before.items() if key not in ("format", "data", REQUEST, "plan")}
        kept["command"] = mask_command(str(before.get("command", "")))
        if holds_secret("", before["plan"]["config"]) or kept["command"] != before.get("command", ""):
            _LOGGER.warning(
                "%s: held a secret that an earlier version wrote, and is written again without it. Other files of the "
                "sweep (trials/*/config.yaml, best.yaml, report/) may still hold it: change the secret.", paths.sweep,
            )  # fmt: skip
        current = {"format": FORMAT, "data": checksum, REQUEST: plan.request, "plan": plan_to_json(plan)}
        write_yaml(paths.sweep, {**kept, **current})
        return plan


def _write_experiments(plan: Plan) -> None:
    """Write the columns of TensorBoard's HParams table, for this sweep and for all sweeps in the same folder.

    TensorBoard uses the first experiment that it finds for all runs below: the one above the sweeps has the dimensions
    of all of them.
    """
    from mnistsweep import hparams_table  # imports TensorBoard, which a start that has nothing to do does not need

    paths = plan.paths
    own = hparams_table.metrics_of([one.name for one in plan.further], bool(plan.constraints))
    hparams_table.write_experiment(paths.folder, hparams_table.hparams_of(plan.space), own)
    with contextlib.suppress(PermissionError):  # the folder of all sweeps may belong to another user
        sweeps = list(_sweeps(paths.folder.parent))
        columns = hparams_table.merge_hparams(hparams_table.hparams_of(space) for space, _ in sweeps)
        metrics = {tag: name for _, found in sweeps for tag, name in found.items()}
        hparams_table.write_experiment(paths.folder.parent, columns, metrics or None)


def _sweeps(logs: Path) -> Iterator[tuple[SearchSpace, dict[str, str]]]:
    """The search space and the metrics of each sweep in a folder, without those that cannot be read."""
    from mnistsweep import hparams_table

    for folder in sorted(logs.iterdir()):
        with contextlib.suppress(MnistSweepError, KeyError, TypeError, ValueError, AttributeError):
            plan = read_sweep_file(SweepPaths(folder))["plan"]
            names = texts_in(plan["config"]["objective"])[1:]
            metrics = hparams_table.metrics_of(names, bool(plan["config"].get("constraints")))
            yield SearchSpace.from_json(plan["space"]), metrics
