"""The ledger of a sweep in its storage: created, and opened."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Mapping, Sequence

import optuna
from optuna.storages import BaseStorage
from optuna.study import StudyDirection

from mnistsweep.config.objectives import Objective
from mnistsweep.errors import LedgerMissing, StudyError, suggest
from mnistsweep.path_checks import is_missing
from mnistsweep.paths import SweepPaths
from mnistsweep.study.fingerprints import differ, differing_keys
from mnistsweep.study.storage.stores import (
    open_coordinator,
    open_storage,
    repair,
    store_name,
    translate_storage_errors,
)

FINGERPRINT = "search"
"""Study attribute that holds the fingerprint of the search."""


def create_ledger(
    paths: SweepPaths,
    storage: str | None,
    direction: str,
    objective: str,
    fingerprint: Mapping[str, str],
    further: Sequence[Objective] = (),
) -> None:
    """Create the ledger of a sweep if it is missing.

    If the process dies in between, the next call completes the ledger.

    Args:
        paths: Paths of the sweep's files.
        storage: Database URL; None for the journal file in the sweep's folder.
        direction: Direction of the first objective: ``max`` or ``min``.
        objective: Name of the first objective.
        fingerprint: Texts that identify the search and its data. A database may hold another search of the same name.
            Keys that only one of two fingerprints has (of another version of this program) are not compared.
        further: All objectives but the first.

    Raises:
        StudyError: The database does not respond, the file cannot be written, or the ledger belongs to another search.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(translate_storage_errors(paths, storage))
        paths.workers.mkdir(parents=True, exist_ok=True)
        stack.enter_context(open_coordinator(paths, storage).exclusive())
        opened = open_storage(paths, storage, create=True)
        repair(opened)
        objectives = [Objective(objective, direction), *further]
        study = _open_or_create_study(opened, paths, storage, objectives)
        stored = study.user_attrs.get(FINGERPRINT)
        if stored is None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                study.set_metric_names([one.name for one in objectives])
            study.set_user_attr(FINGERPRINT, dict(fingerprint))
        elif changed := differing_keys(stored, fingerprint):
            where = f"{store_name(paths, storage)}: {paths.name!r}"
            raise StudyError(f"{where} is another search: {differ(changed)}; take another name=NAME.")


def _open_or_create_study(
    opened: BaseStorage, paths: SweepPaths, storage: str | None, objectives: Sequence[Objective]
) -> optuna.Study:
    names = [study.study_name for study in opened.get_all_studies()]
    own = names if storage is None else [name for name in names if name == paths.name]
    if own:
        return optuna.load_study(study_name=own[0], storage=opened)
    if storage is None and paths.journal.stat().st_size:
        raise StudyError(f"{paths.journal}: the beginning of the journal is missing. Nothing was changed.")
    directions = [StudyDirection.MAXIMIZE if one.direction == "max" else StudyDirection.MINIMIZE for one in objectives]
    return optuna.create_study(storage=opened, study_name=paths.name, directions=directions)


def open_study(paths: SweepPaths, storage: str | None) -> tuple[BaseStorage, int]:
    """Storage of a ledger, and the identifier of its study in it.

    Args:
        paths: Paths of the sweep's files.
        storage: Database URL; None for the journal file in the sweep's folder.

    Raises:
        LedgerMissing: There is no ledger, or it does not hold the sweep.
        StudyError: The ledger cannot be read.
    """
    if storage is None and is_missing(paths.journal):
        raise LedgerMissing(f"{paths.journal}: the ledger is missing.")
    opened = open_storage(paths, storage)
    with translate_storage_errors(paths, storage):
        return opened, _find_study(opened, paths, storage)


def fault_of(paths: SweepPaths, storage: str | None) -> str:
    """What is wrong with a ledger that does not hold the sweep."""
    if storage is not None:
        return f"holds no sweep called {paths.name!r}"
    if is_missing(paths.journal):
        return "is missing"
    return "has lost its beginning" if paths.journal.stat().st_size else "is empty"


def _find_study(opened: BaseStorage, paths: SweepPaths, storage: str | None) -> int:
    """Identifier of a sweep's study; in a journal that of the only study, so that a folder may be renamed."""
    names = [study.study_name for study in opened.get_all_studies()]
    if storage is None and len(names) == 1:
        return opened.get_study_id_from_name(names[0])
    if paths.name not in names:
        hint = suggest(paths.name, names) or "it holds none at all"
        raise LedgerMissing(f"{store_name(paths, storage)}: holds no sweep called {paths.name!r}; {hint}.")
    return opened.get_study_id_from_name(paths.name)
