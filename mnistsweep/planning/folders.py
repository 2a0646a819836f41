"""Checks of the folders that commands write to, before anything is created or trained.

Each check returns no message, or one: a folder that cannot be used makes all of its files unusable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from mnistsweep.config.schema import Config
from mnistsweep.errors import StudyError
from mnistsweep.path_checks import REPLACE_FILE, UPDATE_FILE, WRITE_FOLDER, Need, check_path
from mnistsweep.path_texts import expanded, name_fault, text_fault
from mnistsweep.paths import SweepPaths
from mnistsweep.report_paths import CleanPaths, ReportPaths

ANOTHER_NAME = "correct this, or use another name=NAME"


def check_sweep_folder(config: Config) -> list[str]:
    """Check that a sweep can be created in its folder, or continued there.

    Args:
        config: Configuration of the sweep.
    """
    paths = SweepPaths(expanded(config.logs) / str(config.name))
    if not _are_names_valid(config):
        return []
    return _check_named_folder(config, paths.folder) or _first_fault("name", _sweep_needs(paths, config), ANOTHER_NAME)


def check_database(storage: str | None) -> list[str]:
    """Check the URL of a database, and its file where it is SQLite; nothing is connected.

    Args:
        storage: Database URL; None for the journal file in the sweep's folder.
    """
    if storage is None:
        return []
    from mnistsweep.study.storage.connections import engine_options

    try:
        engine_options(storage)
    except StudyError as error:
        return [str(error)]
    return []


def check_training_folder(config: Config, folder: Path) -> list[str]:
    """Check that the folder of a training outside of a sweep can be created.

    Args:
        config: Configuration of the training.
        folder: Path of the folder in which the training's own folder is created.
    """
    return _check_named_folder(config, folder) if _are_names_valid(config) else []


def check_report_folder(paths: ReportPaths) -> list[str]:
    """Check that the files of a report can be written.

    Args:
        paths: Paths of the report.
    """
    folders = (paths.folder, paths.models, paths.all_predictions, paths.image(0).parent)
    needs = dict.fromkeys(folders, WRITE_FOLDER)
    needs |= dict.fromkeys((paths.page, paths.record), REPLACE_FILE) | dict.fromkeys(
        (paths.lock, paths.files), UPDATE_FILE
    )
    return _first_fault("report", needs, "correct this, or move the folder away")


def check_clean_folder(paths: CleanPaths) -> list[str]:
    """Check that the files of the label-cleaning experiment can be written.

    Args:
        paths: Paths of the experiment.
    """
    files = (paths.folds, paths.suspects, paths.images, paths.runs, paths.summary)
    needs = {paths.folder: WRITE_FOLDER} | dict.fromkeys(files, REPLACE_FILE) | {paths.lock: UPDATE_FILE}
    return _first_fault("clean", needs, "correct this, or move the folder away")


def require_usable(faults: Sequence[str]) -> None:
    """Raise the message of a check.

    Args:
        faults: Result of the check.

    Raises:
        StudyError: There is a message.
    """
    if faults:
        raise StudyError(faults[0])


def _are_names_valid(config: Config) -> bool:
    """Whether the texts of `logs` and `name` are valid; `config.checks` has the messages for those that are not."""
    return text_fault(config.logs) is None and (config.name is None or name_fault(config.name) is None)


def _check_named_folder(config: Config, folder: Path) -> list[str]:
    """Check a folder in the folder `logs`; the message names the key that is the reason."""
    fault = check_path("name", folder, WRITE_FOLDER, ANOTHER_NAME)
    return (check_path("logs", config.logs, WRITE_FOLDER) or fault) if fault else []


def _sweep_needs(paths: SweepPaths, config: Config) -> dict[Path, Need]:
    """Files and folders that every worker of a sweep uses, with what they are needed for."""
    needs = dict.fromkeys((paths.workers, paths.all_trials), WRITE_FOLDER)
    needs |= dict.fromkeys((paths.sweep, paths.results, paths.best, paths.oracle_state, paths.warm_start), REPLACE_FILE)
    needs |= dict.fromkeys((paths.ledger_lock, paths.views_lock, paths.start_lock), UPDATE_FILE)
    needs |= {paths.worker_log(index): UPDATE_FILE for index in range(config.workers)}
    if config.storage is None:
        needs[paths.journal] = UPDATE_FILE
    return needs


def _first_fault(key: str, needs: Mapping[Path, Need], remedy: str) -> list[str]:
    """The first message about one of several paths."""
    found = (check_path(key, path, need, remedy) for path, need in needs.items())
    return next(filter(None, found), [])
