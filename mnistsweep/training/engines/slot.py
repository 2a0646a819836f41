"""The place of a model's engine, which a later training of the same model on the same data goes on with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mnistsweep.training.engines.base import Engine


class EngineSlot:
    """Holds the engine of a model, with its compiled functions and its data.

    Attributes:
        engine: Engine of the last training; None before the first, and where `model.fit` streams the data.
    """

    def __init__(self) -> None:
        self.engine: Engine | None = None

    def can_go_on(self, variables: Iterable[Any], tables: Iterable[Any]) -> bool:
        """Whether the engine computes with these variables only, see `Engine.depends_only_on`."""
        return self.engine is not None and self.engine.depends_only_on(variables, tables)

    @property
    def num_own_bytes(self) -> int:
        """Memory of arrays that only this engine uses, in bytes."""
        return 0 if self.engine is None else self.engine.num_own_bytes

    def clear(self) -> None:
        """Remove the engine."""
        self.engine = None
