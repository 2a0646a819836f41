"""Best model, for other targets than one class: its scores on the test set, its hyperparameters, its training data."""

from __future__ import annotations

from mnistsweep.html_report.evidence import Evidence
from mnistsweep.html_report.records import Block, Facts, Section, Text
from mnistsweep.html_report.sections.headlines import outputs_of
from mnistsweep.html_report.sections.kinds import kind_of
from mnistsweep.html_report.summary_blocks import hyperparameter_table, loss_facts, seeds_advice, winner_facts


def section(evidence: Evidence) -> Section:
    """Show the scores of each output, the hyperparameters and the training data of the best model."""
    blocks: list[Block] = []
    for output in outputs_of(evidence):
        if facts := kind_of(output).headline(output):
            blocks += [Text(f"Output {output.output}, {kind_of(output).predicts}:")] * bool(output.output)
            blocks.append(Facts(facts))
    blocks += [Facts([*loss_facts(evidence), *winner_facts(evidence)]), hyperparameter_table(evidence.winner)]
    return Section(blocks, seeds_advice(evidence))
