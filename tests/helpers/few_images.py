"""A user's data set of a few images, for the configuration: ``data=custom data._target_=few_images.load``."""

from __future__ import annotations

from typing import Any

import numpy as np


def load(**settings: Any) -> Any:
    """Forty images of 4 x 4 pixels in four classes; any key is accepted."""
    images, labels = (np.arange(640) % 251).astype(np.uint8).reshape(40, 4, 4), (np.arange(40) % 4).astype(np.uint8)
    return (images, labels), (images[:8], labels[:8])
