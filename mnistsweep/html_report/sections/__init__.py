"""The sections of the page, in reading order: a line an analysis.

A module has a function ``section(evidence) -> Section | None`` and is imported when its section is made, not before.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

from mnistsweep.html_report.evidence import Evidence
from mnistsweep.html_report.records import Section


@dataclass(frozen=True)
class Analysis:
    """One section of the page.

    Attributes:
        name: Its anchor in the page, and the folder of its tags in TensorBoard; lower case.
        title: Its heading.
        module: Where its function `section` stands.
    """

    name: str
    title: str
    module: str

    def section(self, evidence: Evidence) -> Section | None:
        """Run the analysis; None where it has nothing to show."""
        made: Section | None = import_module(self.module).section(evidence)
        return made


SECTIONS = (
    Analysis("summary", "The best model", f"{__name__}.summary"),
    Analysis("curves", "Training curves", f"{__name__}.curves"),
    Analysis("ambiguous", "The most ambiguous images", f"{__name__}.ambiguous"),
    Analysis("suspects", "Suspected wrong labels", f"{__name__}.suspects"),
    Analysis("recurrence", "What every seed finds hard", f"{__name__}.recurrence"),
    Analysis("mistakes", "Mistakes", f"{__name__}.mistakes"),
    Analysis("comparison", "Models compared", f"{__name__}.comparison"),
    Analysis("calibration", "Calibration", f"{__name__}.calibration"),
    Analysis("robustness", "Robustness", f"{__name__}.robustness"),
    Analysis("history", "The search, trial by trial", f"{__name__}.history"),
    Analysis("importance", "Which hyperparameters matter", f"{__name__}.importance"),
    Analysis("landscape", "Where the good values lie", f"{__name__}.landscape"),
    Analysis("against", "One hyperparameter against time and accuracy", f"{__name__}.against"),
    Analysis("cleaning", "Cleaning the training labels", f"{__name__}.cleaning"),
)
