"""Evidence for the report page from predictions: one record for each output, by the kind of its target."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mnistsweep.evaluation.report_predictions import OutputPredictions, ReportPredictions, check_class_names
from mnistsweep.html_report.evidence import Evidence
from mnistsweep.html_report.outputs import (
    ArrayEvidence,
    ClassEvidence,
    LabelsEvidence,
    MapsEvidence,
    NumbersEvidence,
    OutputsEvidence,
)

# Attributes of the page that the evidence for one of several outputs has too.
_OF_EACH_OUTPUT = ("name", "winner", "losses", "inputs", "top", "cleaning")

Shared = Mapping[str, Any]


def make_evidence(found: ReportPredictions, shared: Shared) -> Evidence:
    """Make the evidence for a page.

    Args:
        found: Predictions and true values.
        shared: Attributes of `Evidence`, which do not depend on the outputs.

    Raises:
        ConfigError: The number of `report.class_names` is not the number of classes of any output.
        DataError: A test target does not fit the task.
    """
    outputs, names = found.outputs, found.class_names
    if not outputs:
        return Evidence(**shared)
    if names and not any(one.takes_class_names for one in outputs):
        named = [one.source_names for one in outputs if one.kind != "regression"]
        check_class_names(names, max(named, key=len, default=[]))
    if len(outputs) == 1:
        return _MAKERS[outputs[0].kind](outputs[0], shared)
    own = {name: shared[name] for name in _OF_EACH_OUTPUT}
    parts = [_MAKERS[one.kind](one, {**own, "output": one.name}) for one in outputs]
    return OutputsEvidence(**shared, outputs=parts)


def _classes(output: OutputPredictions, shared: Shared) -> Evidence:
    return ClassEvidence(
        **_with_probabilities(output, shared),
        class_names=output.names,
        labels=output.targets,
        others=output.others,
        robustness=output.report.robustness,
        has_probabilities=not output.are_margins,
    )


def _labels(output: OutputPredictions, shared: Shared) -> Evidence:
    return LabelsEvidence(**_with_probabilities(output, shared), label_names=output.names, truth=output.targets)


def _with_probabilities(output: OutputPredictions, shared: Shared) -> Shared:
    return {**shared, "probabilities": output.predictions, "checkpoint": output.checkpoint}


def _numbers(output: OutputPredictions, shared: Shared) -> Evidence:
    checkpoint = output.report.checkpoint
    return NumbersEvidence(
        **shared,
        target_names=output.names,
        targets=output.targets,
        predictions=output.predictions,
        checkpoint=None if checkpoint is None else checkpoint.outputs.get(output.name),
        others=output.others,
    )


def _maps(output: OutputPredictions, shared: Shared) -> Evidence:
    return MapsEvidence(**shared, class_names=output.names, truth=output.targets, predictions=output.predictions)


def _array(output: OutputPredictions, shared: Shared) -> Evidence:
    is_input = output.report.held_out.examples.is_autoencoded
    return ArrayEvidence(**shared, truth=output.targets, predictions=output.predictions, is_input=is_input)


_MAKERS: Mapping[str, Callable[[OutputPredictions, Shared], Evidence]] = {
    "classes": _classes,
    "multi_label": _labels,
    "regression": _numbers,
    "class_map": _maps,
    "array": _array,
    "none": lambda _output, shared: Evidence(**shared),
}
