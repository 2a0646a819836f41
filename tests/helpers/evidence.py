"""ClassEvidence for the tests of the report page: generated numbers, no sweep and no training."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mnistsweep.dimensions import Choice, Condition, Float
from mnistsweep.html_report.evidence import SearchHistory, Winner
from mnistsweep.html_report.outputs import Checkpoint, ClassEvidence
from mnistsweep.html_report.shown_inputs import ShownInputs
from mnistsweep.space import Point, SearchSpace
from mnistsweep.study.ranking import best_of
from mnistsweep.study.records import Result, State, TrialRecord


def make_probabilities(
    seeds: int, labels: NDArray[np.int64], classes: int, rng: np.random.Generator, scale: float = 2.0
) -> NDArray[np.float64]:
    """Softmax of random logits with a bonus for the label: about 90 % are right; the seeds are similar, not equal."""
    common = rng.normal(0, scale, (len(labels), classes))
    logits = common + rng.normal(0, 0.5, (seeds, len(labels), classes))
    logits[:, np.arange(len(labels)), labels] += 3.5 * scale
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))


def make_images(labels: NDArray[np.int64], side: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Noisy images from 0 to 1 with a bar; the position of the bar is the class."""
    images = rng.uniform(0, 0.3, (len(labels), side, side))
    images[np.arange(len(labels)), labels % side] = 1.0
    return images


def make_search(trials: int = 24, seed: int = 3) -> SearchHistory:
    """A sweep in which dropout matters, the optimizer a little, and momentum exists for sgd only."""
    rng = np.random.default_rng(seed)
    space = SearchSpace(
        (
            Choice("optimizer", ("adam", "sgd")),
            Float("optimizer.momentum", 0.0, 0.9, conditions=(Condition("optimizer", ("sgd",)),)),
            Float("model.dropout", 0.0, 0.6),
            Float("optimizer.learning_rate", 1e-4, 1e-1, log=True),
            Choice("trainer.batch_size", (32, 64, 128)),
        )
    )
    records, curves = [], []
    for number in range(trials):
        point = space.point_at(rng.uniform(size=len(space.dimensions)).tolist())
        dropout, sgd = float(point["model.dropout"]), point["optimizer"] == "sgd"
        objective = 0.99 - 0.1 * (dropout - 0.2) ** 2 - 0.005 * sgd + rng.normal(0, 0.001)
        seconds = 4.0 * 128 / float(point["trainer.batch_size"]) + rng.uniform(0, 0.5)
        state = State.FAILED if number == 5 else State.PRUNED if number == 7 else State.COMPLETED
        result = Result(objective=objective, best_epoch=3, seconds=seconds)
        if state is State.FAILED:
            result = Result(seconds=seconds, reason="it broke")
        records.append(TrialRecord(number, state, point, number, result))
        for epoch in range(1, 4):
            gain = 0.02 * (3 - epoch)
            measured = {"accuracy": objective - gain, "loss": 0.1 + gain}
            measured |= {"val_accuracy": objective - gain / 2, "val_loss": 0.12 + gain}
            curves.append({"trial": number, "epoch": epoch, **measured, "learning_rate": 0.001, "seconds": 1.5 * epoch})
    return SearchHistory(space, "val_accuracy", "max", records, pd.DataFrame(curves))


def search_of(
    space: SearchSpace,
    points: Sequence[Point],
    objectives: Iterable[float],
    seconds: Iterable[float] | None = None,
) -> SearchHistory:
    """A sweep with given points and objectives, all trials completed."""
    seconds = [10.0] * len(points) if seconds is None else seconds
    records = [
        TrialRecord(number, State.COMPLETED, point, number, Result(float(value), best_epoch=3, seconds=float(time)))
        for number, (point, value, time) in enumerate(zip(points, objectives, seconds, strict=True))
    ]
    curves = pd.DataFrame({"trial": [0], "epoch": [1], "accuracy": [0.9], "val_accuracy": [0.9]})
    return SearchHistory(space, "val_accuracy", "max", records, curves)


def with_state(search: SearchHistory, state: State, numbers: Iterable[int], reason: str = "") -> SearchHistory:
    """The same sweep, in which some trials ended in another state."""
    changed = set(numbers)
    records = [
        dataclasses.replace(record, state=state, result=dataclasses.replace(record.result, reason=reason))
        if record.number in changed
        else record
        for record in search.trials
    ]
    return dataclasses.replace(search, trials=records)


def make_evidence(
    seeds: int = 3, examples: int = 400, classes: int = 10, side: int = 12, **changes: Any
) -> ClassEvidence:
    """ClassEvidence like that of a real sweep, without robustness and cleaning."""
    rng = np.random.default_rng(7)
    labels = (np.arange(examples) % classes).astype(np.int64)
    search = make_search()
    best = best_of(search.trials, "max")
    assert best is not None
    assert best.result.objective is not None
    validation_labels = (np.arange(200) % classes).astype(np.int64)
    probabilities = make_probabilities(seeds, labels, classes, rng)
    evidence = ClassEvidence(
        name="search",
        class_names=[str(number) for number in range(classes)],
        labels=labels,
        probabilities=probabilities,
        losses=np.linspace(0.03, 0.04, seeds),
        winner=Winner(
            number=best.number,
            point=best.point,
            objective="val_accuracy",
            value=best.result.objective,
            best_epoch=3,
            epochs=3,
            retrained=True,
            examples=1000,
            parameters=12345,
        ),
        inputs=ShownInputs.of_images(make_images(labels, side, rng)),
        search=search,
        retraining_curves=search.curves[search.curves.trial < seeds].rename(columns={"trial": "seed"}),
        checkpoint=Checkpoint(
            make_probabilities(1, validation_labels, classes, rng)[0],
            validation_labels,
            make_probabilities(1, labels, classes, rng)[0],
        ),
        others={8: make_probabilities(1, labels, classes, rng)[0]},
        commands=["mnistsweep sweep search", "mnistsweep report logs/search"],
    )
    if "images" in changes:
        changes["inputs"] = ShownInputs.of_images(changes.pop("images"))
    return dataclasses.replace(evidence, **changes)
