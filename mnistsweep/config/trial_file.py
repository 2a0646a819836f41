"""The configuration of a trial as a file that Hydra can compose: ``trials/0007/config.yaml`` and ``best.yaml``.

``mnistsweep train --config-dir DIR --config-name best`` trains it. Every group and key can still be overridden.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from mnistsweep.config.added_keys import without_added_keys
from mnistsweep.config.overrides import GROUPS
from mnistsweep.config.schema import PACKAGED, Config
from mnistsweep.json_values import sorted_text
from mnistsweep.redaction import mask_values

# Keys that determine a training, together with the groups; the other keys configure the sweep.
TRAINING_KEYS = ("seed", "objective", "direction", "trainer")


def fingerprint(config: Config, length: int = 16) -> str:
    """Compute the fingerprint of a training: configurations with the same fingerprint train the same model.

    The fingerprint covers `TRAINING_KEYS` and the groups (model, optimizer, schedule, data). It ignores the number of
    threads and the keys of the sweep, so a sweep folder may be moved and the number of trials may be raised. It ignores
    secrets, so a password may be changed.

    Args:
        config: Configuration of a trial.
        length: Number of hexadecimal digits, at most 64.
    """
    plain = without_added_keys(asdict(config))
    plain["trainer"].pop("threads")
    text = sorted_text(mask_values({key: plain[key] for key in (*TRAINING_KEYS, *GROUPS)}))
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def trial_file_content(plain: Mapping[str, Any], threads: int | None) -> dict[str, Any]:
    """Content of the configuration file of a trial.

    The file contains all keys of each group and refers to no preset. So a key that was deleted stays deleted, and
    changes of a preset, by the user or in a later version, do not change the trial.

    Args:
        plain: Configuration of the trial, as `compose.to_kept` returns it.
        threads: CPU threads of the training, which are recorded because the order of floating-point sums depends on
            them.
    """
    content: dict[str, Any] = {"defaults": [PACKAGED, *({f"override {group}": None} for group in GROUPS), "_self_"]}
    content |= {key: plain[key] for key in (*TRAINING_KEYS, *GROUPS)}
    content["trainer"] = {**plain["trainer"], "threads": plain["trainer"]["threads"] or threads}
    return content
