"""Record of a report, ``report.json``: which models it evaluated, on which test set."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnistsweep.atomic import atomic_write
from mnistsweep.errors import StudyError
from mnistsweep.version import __version__


@dataclass(frozen=True)
class ReportRecord:
    """Content of ``report.json``. Its keys are the names of the attributes, with ``refitted`` for `retrained`.

    Attributes:
        trial: Number of the winner.
        retrained: Whether the models are retrained models; otherwise the model is the winner's checkpoint.
        models: Names of the models, which are also the stems of their files.
        class_names: Name of each class.
        test: Checksum of the test set.
        data: Group ``data`` of the winner's configuration, with references in place of secrets.
    """

    trial: int
    retrained: bool
    models: list[str]
    class_names: list[str]
    test: str
    data: Mapping[str, Any]

    def write(self, path: Path) -> None:
        """Write the record, with the version of mnistsweep."""
        content = {
            "mnistsweep": __version__,
            "trial": self.trial,
            "refitted": self.retrained,
            "models": self.models,
            "class_names": self.class_names,
            "test": self.test,
            "data": dict(self.data),
        }
        with atomic_write(path) as part:
            part.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> ReportRecord:
        """Read a record.

        Raises:
            StudyError: The file is damaged.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            return cls(
                trial=int(content["trial"]),
                retrained=bool(content["refitted"]),
                models=list(content["models"]),
                class_names=list(content["class_names"]),
                test=str(content["test"]),
                data=dict(content["data"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise StudyError(f"{path}: damaged ({error!r}); mnistsweep report writes it again.") from error
