"""From the folders of the sweeps to a table: a compressed ``.npz`` file of curves, and a JSON file of the rest."""

from __future__ import annotations

import csv
import json
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from definitions import Definition
from numpy.typing import NDArray

from mnistsweep.space import SearchSpace
from mnistsweep.study.sweep import Sweep, load_sweep

# Columns of ``history.csv`` of a Keras training, by the names of the arrays.
KERAS = {"val_loss": "val_loss", "loss": "loss", "test_score": "test_score", "seconds": "processor_seconds"}
CURVES = ("objective", *KERAS)

Rows = list[dict[str, float]]


def convert(name: str, definition: Definition, logs: Path, output: Path) -> str:
    """Write the table of the finished trials.

    Args:
        name: Name of the table.
        definition: How it is recorded.
        logs: Folder of the sweeps.
        output: Folder of the table.

    Returns:
        A line that says what is in it.
    """
    sweep = load_sweep(logs / (f"{name}_0" if definition.is_keras else name))
    points, curves = points_of(sweep.paths.folder), curves_of(sweep, definition, logs, name)
    epochs = [
        int(point.get(_epochs_key(definition), definition.fixed.get(_epochs_key(definition)))) for point in points
    ]
    arrays = {key: np.full((len(points), 2, max(epochs)), np.nan, np.float32) for key in CURVES}
    for index, seeds in enumerate(curves):
        for seed, rows in enumerate(seeds):
            for row in rows:
                for key in CURVES:
                    arrays[key][index, seed, int(row["epoch"]) - 1] = row[key]
    build = _separate_build(arrays["seconds"]) if definition.is_keras else 0.0
    seeds = np.array([len(one) for one in curves], np.int8)
    output.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(output / f"{name}.npz", max_epochs=np.array(epochs, np.int16), seeds=seeds, **arrays)
    space = json.loads(_renamed(json.dumps(sweep.config["plan"]["space"]), definition))
    record = {
        "objective": definition.objective, "direction": definition.direction, "build_seconds": round(build, 3),
        "source": definition.source, "train": definition.train, "validation": definition.validation,
        "test": definition.test, "fixed": dict(definition.fixed), "machine": machine(), "space": space,
        "points": [json.loads(_renamed(json.dumps(point), definition)) for point in points],
    }  # fmt: skip
    (output / f"{name}.json").write_text(json.dumps(record, indent=None) + "\n", encoding="utf-8")
    return f"{name}: {len(points)} configurations, {int((seeds == 2).sum())} with two seeds"


def points_of(folder: Path) -> list[dict[str, Any]]:
    """Points of the finished trials of a sweep, in the order of their numbers."""
    sweep = load_sweep(folder)
    keys = SearchSpace.from_json(sweep.config["plan"]["space"]).keys
    table = sweep.trials.sort_values("trial").set_index("trial")
    points = ({key: table.at[number, key] for key in keys} for number in table.index)
    return [{key: _plain(value) for key, value in point.items() if not pd.isna(value)} for point in points]


def curves_of(sweep: Sweep, definition: Definition, logs: Path, name: str) -> list[list[Rows]]:
    """Curves of each seed of each finished trial, in the order of their numbers."""
    numbers = sorted(int(number) for number in sweep.trials["trial"])
    if not definition.is_keras:
        return [_numpy_curves(sweep.paths.trial(number).folder / "curves.json") for number in numbers]
    curves = [[_history(sweep, number, definition.objective)] for number in numbers]
    if (logs / f"{name}_1").exists():
        second = load_sweep(logs / f"{name}_1")
        for number in sorted(int(number) for number in second.trials["trial"]):
            curves[number].append(_history(second, number, definition.objective))
    return curves


def machine() -> dict[str, str]:
    """Processor and versions."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    processor = next((line.split(": ")[1] for line in lines if line.startswith("model name")), platform.processor())
    packages = {name: version(name) for name in ("mnistsweep", "keras", "tensorflow", "numpy")}
    return {"processor": processor, "python": platform.python_version(), **packages}


def _epochs_key(definition: Definition) -> str:
    return "trainer.epochs" if definition.is_keras else "epochs"


def _renamed(text: str, definition: Definition) -> str:
    """JSON with the keys of the table in place of those of the training."""
    for name, key in definition.keys.items():
        text = text.replace(json.dumps(name), json.dumps(key))
    return text


def _numpy_curves(file: Path) -> list[Rows]:
    """Curves of a numpy training; a trial that failed in its first seed has none."""
    if not file.exists():
        return [[]]
    seeds = json.loads(file.read_text(encoding="utf-8"))
    return [[row | {"seconds": row["processor_seconds"]} for row in rows] for rows in seeds]


def _history(sweep: Sweep, number: int, objective: str) -> Rows:
    """Curve of a Keras training; without a file, it diverged in its first epoch."""
    file = sweep.paths.trial(number).history
    if not file.exists():
        return []
    with file.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    columns: Mapping[str, str] = {"epoch": "epoch", "objective": objective, **KERAS}
    return [{key: float(row[column]) for key, column in columns.items()} for row in rows]


def _separate_build(seconds: NDArray[np.float32]) -> float:
    """Take the tracing of the model out of the first epochs, and return its mean in seconds.

    The first epoch of a training becomes as long as the median of its other ones.
    """
    typical = np.nanmedian(seconds[..., 1:], axis=-1)
    build = float(np.nanmean(seconds[..., 0] - typical))
    seconds[..., 0] = np.where(np.isnan(seconds[..., 0]), np.nan, typical)
    return build


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
