"""What the report offers for each kind of target: one record a kind, and the list of sections that follows from it.

Each section's module has a function ``section(evidence) -> Section | None`` and is imported when its section is made.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module

from mnistsweep.html_report.evidence import Evidence
from mnistsweep.html_report.outputs import OutputsEvidence
from mnistsweep.html_report.records import Block, Fact, Figure, Section, Table, Text

_PACKAGE = __name__.rpartition(".")[0]


@dataclass(frozen=True)
class Analysis:
    """One section of the page.

    Attributes:
        name: Anchor in the page and prefix of the tags in TensorBoard, in lower case.
        title: Heading of the section, with the word "images" for the examples.
        module: Name of the module with the function `section`.
        output: Position of the output that the section describes; None for the whole model.
    """

    name: str
    title: str
    module: str
    output: int | None = None

    def section(self, evidence: Evidence) -> Section | None:
        """Run the analysis and return its section; None where it has nothing to show."""
        if self.output is not None and isinstance(evidence, OutputsEvidence):
            evidence = evidence.outputs[self.output]
        made: Section | None = import_module(self.module).section(evidence)
        return made if made is None or self.output is None else _renamed(made, self.name.rpartition("-")[0])


@dataclass(frozen=True)
class TargetKind:
    """What the report offers for one kind of target.

    Attributes:
        predicts: Words for what the model predicts: ``numbers``.
        analyses: Sections on the predictions, in reading order.
        summary: Name of the module with the function `headline`; empty where there are no scores.
    """

    predicts: str
    analyses: tuple[Analysis, ...]
    summary: str = ""

    def headline(self, evidence: Evidence) -> list[Fact]:
        """Return the most important scores of an output."""
        facts: list[Fact] = import_module(self.summary).headline(evidence) if self.summary else []
        return facts


def _analysis(name: str, title: str, module: str | None = None) -> Analysis:
    return Analysis(name, title, f"{_PACKAGE}.{module or name}")


SUMMARY = "summary"
"""Name of the section on the best model; the recommendations follow it."""

LEARNT = _analysis("learnt", "What was learnt")

THRESHOLDS = _analysis("thresholds", "Thresholds")

CLASSES = (
    _analysis("ambiguous", "Ambiguous images"),
    _analysis("suspects", "Label errors"),
    _analysis("recurrence", "Agreement between models"),
    _analysis("mistakes", "Misclassified images"),
    _analysis("comparison", "Model comparison"),
    _analysis("calibration", "Calibration"),
    _analysis("robustness", "Robustness"),
)
SEARCH = (
    _analysis("history", "Search history"),
    _analysis("importance", "Hyperparameter importance"),
    _analysis("landscape", "Objective by hyperparameter"),
    _analysis("against", "Training time and objective"),
    _analysis("cleaning", "Label cleaning"),
)
CURVES = _analysis("curves", "Learning curves")

OBJECTIVES = _analysis("objectives", "Objectives and constraints")
"""Only in the report of a search with several objectives or with constraints."""

KINDS: Mapping[str, TargetKind] = {
    "classes": TargetKind("classes", CLASSES, f"{_PACKAGE}.summary"),
    "multi_label": TargetKind("several labels", (_analysis("labels", "Labels"),), f"{_PACKAGE}.labels"),
    "regression": TargetKind(
        "numbers",
        (
            _analysis("errors", "Errors", "regression"),
            _analysis("residuals", "Residuals"),
            _analysis("worst", "Worst predictions"),
        ),
        f"{_PACKAGE}.regression",
    ),
    "class_map": TargetKind("class maps", (_analysis("maps", "Class maps", "class_maps"),), f"{_PACKAGE}.class_maps"),
    "array": TargetKind(
        "arrays", (_analysis("arrays", "Predicted arrays", "reconstruction"),), f"{_PACKAGE}.reconstruction"
    ),
    "none": TargetKind("no targets of the data", ()),
}


def kind_of(evidence: Evidence) -> TargetKind:
    """Return what the report offers for an output."""
    return KINDS[evidence.kind]


def sections_of(evidence: Evidence) -> list[Analysis]:
    """Return the sections of a page in reading order.

    Args:
        evidence: Evidence of any kind.

    Example:
        A regression has "Errors", "Residuals" and "Worst predictions" between the learning curves and the search
        history.
    """
    many = evidence.words.many
    if isinstance(evidence, OutputsEvidence):
        own = [one for number, output in enumerate(evidence.outputs) for one in _of_output(number, output)]
    else:
        own = list(_own(evidence))
    summary = "summary" if evidence.kind == "classes" else "results"
    search = evidence.search
    has_front = search is not None and bool(search.further or search.constraints)
    found = [LEARNT, _analysis(SUMMARY, "Best model", summary), CURVES, *own, *[OBJECTIVES] * has_front, *SEARCH]
    return [dataclasses.replace(one, title=one.title.replace("images", many)) for one in found]


def left_out(evidence: Evidence) -> list[str]:
    """Return a sentence for each section that does not apply, with the reason."""
    if isinstance(evidence, OutputsEvidence):
        kinds = {output.kind: output for output in evidence.outputs}
        return [f"{output.output}: {line}" for output in kinds.values() for line in _missing(output)]
    return _missing(evidence)


def _missing(evidence: Evidence) -> list[str]:
    many = evidence.words.many
    if evidence.kind != "classes":
        reason = f"the model predicts {kind_of(evidence).predicts}"
        return [f"{one.title.replace('images', many)}: left out; {reason}." for one in CLASSES]
    if not _has_probabilities(evidence):
        return [
            "Calibration, thresholds, log loss and robustness: left out; the outputs of the model are margins, not "
            "probabilities. The confidence on this page is the margin, scaled to the range 0 to 1: its order is valid, "
            "its value is not a probability."
        ]
    if evidence.output:
        return ["Robustness: left out; the model has several outputs."]
    return [] if evidence.images is not None else ["Robustness: left out; the inputs are not images."]


def _own(evidence: Evidence) -> Sequence[Analysis]:
    """Sections on the predictions of one output."""
    found = kind_of(evidence).analyses
    if not _has_probabilities(evidence):
        return [one for one in found if one.name not in ("calibration", "robustness")]
    if evidence.kind != "classes" or len(getattr(evidence, "class_names", ())) != 2:
        return found
    at = [one.name for one in found].index("calibration")
    return [*found[:at], THRESHOLDS, *found[at:]]


def _has_probabilities(evidence: Evidence) -> bool:
    """Whether an output that predicts classes has probabilities; true for any other output."""
    return bool(getattr(evidence, "has_probabilities", True))


def _of_output(number: int, output: Evidence) -> list[Analysis]:
    slug = re.sub(r"[^a-z0-9]+", "-", output.output.lower()).strip("-") or "output"
    scores = [_analysis("scores", "Best model", "summary")] if output.kind == "classes" else []
    return [
        Analysis(f"{number}-{slug}-{one.name}", f"{output.output}: {one.title}", one.module, number)
        for one in [*scores, *_own(output)]
    ]


def _renamed(section: Section, prefix: str) -> Section:
    """A section with names of figures and files that no other output's section has."""
    files = {name: f"{prefix}-{name}" for name in section.files}

    def text(words: str) -> str:
        for old, new in files.items():
            words = words.replace(old, new)
        return words

    def block(one: Block) -> Block:
        if isinstance(one, Text):
            return Text(text(one.text))
        if isinstance(one, Figure):
            return dataclasses.replace(one, name=f"{prefix}-{one.name}", caption=text(one.caption))
        return dataclasses.replace(one, caption=text(one.caption)) if isinstance(one, Table) else one

    return Section(
        [block(one) for one in section.blocks],
        [text(sentence) for sentence in section.advice],
        {files[name]: table for name, table in section.files.items()},
        {f"{prefix}-{path}": picture for path, picture in section.pictures.items()},
    )
