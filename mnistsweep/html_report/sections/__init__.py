"""List of the sections of the page, in reading order.

Each module has a function ``section(evidence) -> Section | None`` and is imported when its section is made.
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
        name: Anchor in the page and prefix of the tags in TensorBoard, in lower case.
        title: Heading of the section.
        module: Name of the module with the function `section`.
    """

    name: str
    title: str
    module: str

    def section(self, evidence: Evidence) -> Section | None:
        """Run the analysis and return its section; None where it has nothing to show."""
        made: Section | None = import_module(self.module).section(evidence)
        return made


SECTIONS = (
    Analysis("summary", "Best model", f"{__name__}.summary"),
    Analysis("curves", "Learning curves", f"{__name__}.curves"),
    Analysis("ambiguous", "Ambiguous images", f"{__name__}.ambiguous"),
    Analysis("suspects", "Label errors", f"{__name__}.suspects"),
    Analysis("recurrence", "Agreement between models", f"{__name__}.recurrence"),
    Analysis("mistakes", "Misclassified images", f"{__name__}.mistakes"),
    Analysis("comparison", "Model comparison", f"{__name__}.comparison"),
    Analysis("calibration", "Calibration", f"{__name__}.calibration"),
    Analysis("robustness", "Robustness", f"{__name__}.robustness"),
    Analysis("history", "Search history", f"{__name__}.history"),
    Analysis("importance", "Hyperparameter importance", f"{__name__}.importance"),
    Analysis("landscape", "Objective by hyperparameter", f"{__name__}.landscape"),
    Analysis("against", "Training time and objective", f"{__name__}.against"),
    Analysis("cleaning", "Label cleaning", f"{__name__}.cleaning"),
)
