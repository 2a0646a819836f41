"""The folder of a trial at the start of a training."""

from __future__ import annotations

import shutil

from mnistsweep.paths import TrialPaths, saved_model


def clear_trial_folder(folder: TrialPaths, keep_model: bool = False) -> None:
    """Create a trial's folder, or remove everything in it except the configuration.

    The folder of all trials must exist.

    Args:
        folder: Folder of the trial.
        keep_model: Whether to keep the saved model too, until the training replaces it.
    """
    kept = [folder.config, *([saved_model(folder.model)] if keep_model else [])]
    folder.folder.mkdir(exist_ok=True)
    for path in folder.folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path not in kept:
            path.unlink()
