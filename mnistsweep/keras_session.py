"""Settings of Keras that hold for a whole process, and a fresh session that keeps them.

`keras.utils.clear_session` also resets the dtype policy: a module that sets ``mixed_float16`` when it is imported would
be trained in float32.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

VARIABLE = "MNISTSWEEP_KERAS_SETTINGS"
"""Environment variable by which a Python program passes its settings on to worker processes."""

_DEFAULTS = {
    "dtype_policy": "float32", "floatx": "float32", "epsilon": 1e-7, "image_data_format": "channels_last",
}  # fmt: skip


def clear_session(free_memory: bool = True) -> None:
    """Clear the session of Keras (names, graphs, generators), except its dtype policy.

    Args:
        free_memory: Whether garbage is collected at once.
    """
    import keras

    policy = keras.config.dtype_policy()
    keras.utils.clear_session(free_memory=free_memory)
    if keras.config.dtype_policy() != policy:
        keras.config.set_dtype_policy(policy)


def variables_of_process() -> dict[str, str]:
    """Environment variables with which a worker has the Keras settings of this process; empty for the usual ones."""
    if "keras" not in sys.modules:
        return {}
    import keras

    config = keras.config
    settings = {
        "dtype_policy": config.dtype_policy().name, "floatx": config.floatx(), "epsilon": config.epsilon(),
        "image_data_format": config.image_data_format(),
    }  # fmt: skip
    variables = {"KERAS_BACKEND": str(config.backend())}
    return variables if settings == _DEFAULTS else variables | {VARIABLE: json.dumps(settings)}


def apply_settings() -> None:
    """Apply the settings that the parent process has passed on, if there are any; then Keras is imported."""
    text = os.environ.get(VARIABLE)
    if text is None:
        return
    import keras

    for name, value in json.loads(text).items():
        setter: Callable[[Any], None] = getattr(keras.config, f"set_{name}")
        setter(value)
