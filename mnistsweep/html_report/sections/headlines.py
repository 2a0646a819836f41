"""The most important scores of a report as lines of text, for the terminal."""

from __future__ import annotations

from mnistsweep.analysis.accuracy import measure_accuracy
from mnistsweep.html_report.evidence import Evidence
from mnistsweep.html_report.outputs import ClassEvidence, OutputsEvidence
from mnistsweep.html_report.records import Fact
from mnistsweep.html_report.sections.kinds import kind_of


def headline_lines(evidence: Evidence) -> list[str]:
    """Return the scores of each output.

    Args:
        evidence: Evidence of any kind.
    """
    if isinstance(evidence, ClassEvidence):
        return [measure_accuracy(evidence.probabilities, evidence.labels).describe(evidence.words.many)]
    return [
        f"{f'{output.output}: ' * bool(output.output)}{_line(fact)}"
        for output in outputs_of(evidence)
        for fact in kind_of(output).headline(output)
    ]


def _line(fact: Fact) -> str:
    """A score with its note, which begins with the spread over seeds where there are several."""
    separator = " " if fact.note.startswith("±") else "; "
    return f"{fact.label}: {fact.value}{separator * bool(fact.note)}{fact.note}"


def outputs_of(evidence: Evidence) -> list[Evidence]:
    """Return the evidence for each output of the model."""
    return list(evidence.outputs) if isinstance(evidence, OutputsEvidence) else [evidence]
