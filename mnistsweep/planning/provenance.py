"""Where a sweep comes from: command, versions, source revision; written to ``sweep.yaml`` at its first start."""

from __future__ import annotations

import datetime
import platform
import shlex
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from mnistsweep.redaction import mask_argument
from mnistsweep.study.sweep_file import FORMAT
from mnistsweep.version import __version__

# Packages whose versions can change the result of a trial.
PACKAGES = ("tensorflow", "keras", "keras-tuner", "numpy", "optuna", "hydra-core")


def mask_command(command: str) -> str:
    """A command line with ``***`` in place of its secrets.

    Args:
        command: Command with its arguments, quoted for a shell.

    Example:
        >>> mask_command("mnistsweep sweep storage=postgresql+psycopg://me:abc@host/db +data.token='a b'")
        "mnistsweep sweep storage='postgresql+psycopg://me:***@host/db' '+data.token=***'"
    """
    try:
        arguments = shlex.split(command)
    except ValueError:  # not a command that this program wrote
        return mask_argument(command)
    masked = list(map(mask_argument, arguments))
    return command if masked == arguments else shlex.join(masked)


def provenance(command: str | None = None) -> dict[str, Any]:
    """Command without its secrets, time, and versions of this process.

    Args:
        command: What started the sweep; None: the command line of this process.
    """
    typed = shlex.join([Path(sys.argv[0]).name, *map(mask_argument, sys.argv[1:])])
    return {
        "mnistsweep": __version__,
        "format": FORMAT,
        "command": command or typed,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "git": _revision(Path(__file__).parents[1]),
        "python": platform.python_version(),
        "versions": {name: metadata.version(name) for name in PACKAGES},
    }


def _revision(folder: Path) -> str | None:
    """Revision of the checkout that a folder belongs to; None if there is none, or no git, as in many containers."""
    try:
        git = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False, cwd=folder)
    except OSError:
        return None
    return git.stdout.strip() or None
