"""Evidence for the tests of the reporter, made of numbers: no sweep, no training."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mnistsweep.html_report.evidence import Checkpoint, Evidence, Search, Winner
from mnistsweep.space import Choice, Condition, Float, SearchSpace


def make_probabilities(
    seeds: int, labels: NDArray[np.int64], classes: int, rng: np.random.Generator, scale: float = 2.0
) -> NDArray[np.float64]:
    """Softmax of random logits that lean to the label: about nine of ten are right; seeds differ, but are alike."""
    common = rng.normal(0, scale, (len(labels), classes))
    logits = common + rng.normal(0, 0.5, (seeds, len(labels), classes))
    logits[:, np.arange(len(labels)), labels] += 3.5 * scale
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))


def make_images(labels: NDArray[np.int64], side: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Images from 0 to 1: a bar whose place tells the class, in noise."""
    images = rng.uniform(0, 0.3, (len(labels), side, side))
    images[np.arange(len(labels)), labels % side] = 1.0
    return images


def make_search(trials: int = 24, seed: int = 3) -> Search:
    """A sweep that somebody ran: dropout matters, the optimizer a little, momentum exists for sgd only."""
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
    rows, curves = [], []
    for number in range(trials):
        point = space.point(rng.uniform(size=len(space.dimensions)).tolist())
        dropout, sgd = float(point["model.dropout"]), point["optimizer"] == "sgd"
        objective = 0.99 - 0.1 * (dropout - 0.2) ** 2 - 0.005 * sgd + rng.normal(0, 0.001)
        state = "failed" if number == 5 else "pruned" if number == 7 else "completed"
        rows.append(
            {
                "trial": number,
                "state": state,
                "objective": None if state == "failed" else objective,
                "best_epoch": None if state == "failed" else 3,
                "seconds": 4.0 * 128 / float(point["trainer.batch_size"]) + rng.uniform(0, 0.5),
                "seed": number,
                "reason": "it broke" if state == "failed" else "",
                **{key: point.get(key) for key in space.keys},
            }
        )
        for epoch in range(1, 4):
            gain = 0.02 * (3 - epoch)
            measured = {"accuracy": objective - gain, "loss": 0.1 + gain}
            measured |= {"val_accuracy": objective - gain / 2, "val_loss": 0.12 + gain}
            curves.append({"trial": number, "epoch": epoch, **measured, "learning_rate": 0.001, "seconds": 1.5 * epoch})
    table = pd.DataFrame(rows).astype({"best_epoch": "Int64"})
    return Search(space, "val_accuracy", "max", table, pd.DataFrame(curves))


def make_evidence(seeds: int = 3, examples: int = 400, classes: int = 10, side: int = 12, **changes: Any) -> Evidence:
    """Evidence as a real sweep gives it, but for robustness and cleaning."""
    rng = np.random.default_rng(7)
    labels = (np.arange(examples) % classes).astype(np.int64)
    search = make_search()
    best = search.trials[search.trials.state == "completed"].sort_values("objective").iloc[-1]
    validation_labels = (np.arange(200) % classes).astype(np.int64)
    probabilities = make_probabilities(seeds, labels, classes, rng)
    evidence = Evidence(
        name="search",
        class_names=[str(number) for number in range(classes)],
        labels=labels,
        probabilities=probabilities,
        losses=np.linspace(0.03, 0.04, seeds),
        winner=Winner(
            number=int(best.trial),
            point={key: best[key] for key in search.space.keys if not pd.isna(best[key])},
            objective="val_accuracy",
            value=float(best.objective),
            best_epoch=3,
            epochs=3,
            refitted=True,
            examples=1000,
            parameters=12345,
        ),
        images=make_images(labels, side, rng),
        search=search,
        refit_curves=search.curves[search.curves.trial < seeds].rename(columns={"trial": "seed"}),
        checkpoint=Checkpoint(
            make_probabilities(1, validation_labels, classes, rng)[0],
            validation_labels,
            make_probabilities(1, labels, classes, rng)[0],
        ),
        others={8: make_probabilities(1, labels, classes, rng)[0]},
        commands=["mnistsweep sweep search", "mnistsweep report logs/search"],
    )
    return dataclasses.replace(evidence, **changes)
