"""Record the learning curves of `benchmarks/curves/*.npz`: sweeps that train every configuration to its end.

    nice -n 19 python benchmarks/curves/record.py --folder FOLDER

The recording continues where it was interrupted. It uses one core. `--convert` writes the tables of what is finished,
without training.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"
HERE = Path(__file__).resolve().parent
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(HERE), os.environ.get("PYTHONPATH"))))  # of the workers

import numpy as np  # noqa: E402
from conversion import convert, points_of  # noqa: E402
from data_sets import SOURCES  # noqa: E402
from definitions import DEFINITIONS, Definition  # noqa: E402
from numpy_training import NumpyTraining  # noqa: E402

import mnistsweep  # noqa: E402

# Settings of every sweep: no training is stopped, and diverged ones do not end the sweep.
COMMON = {"oracle": "random", "pruner": "none", "max_failed_trials": None, "max_consecutive_failed_trials": 1000}


def main() -> None:
    arguments = parse_arguments()
    folder, output = arguments.folder.resolve(), arguments.output.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    for name in arguments.tables:
        definition = DEFINITIONS[name]
        if not arguments.convert:
            data = write_data(name, definition, folder)
            (record_keras if definition.is_keras else record_numpy)(name, definition, data, folder)
        print(convert(name, definition, folder / "logs", output), flush=True)


def write_data(name: str, definition: Definition, folder: Path) -> Path:
    """Write the data of a table, unless they are there."""
    data = folder / f"{name}_data.npz"
    if not data.exists():
        part = data.with_suffix(".part.npz")
        np.savez(part, **SOURCES[definition.source](definition.train + definition.validation, definition.test))
        part.replace(data)
    return data


def record_numpy(name: str, definition: Definition, data: Path, folder: Path) -> None:
    """Record a table whose trials train with numpy; a trial trains its second seed too."""
    training = NumpyTraining(
        str(data), definition.validation, definition.fixed, definition.repeated, definition.direction
    )
    mnistsweep.sweep(
        training, space=definition.space, conditions=dict(definition.conditions), objective=definition.objective,
        direction=definition.direction, trials=definition.configurations, name=name, logs=str(folder / "logs"),
        **COMMON,
    )  # fmt: skip


def record_keras(name: str, definition: Definition, data: Path, folder: Path) -> None:
    """Record a table of Keras trainings: a sweep, and one with another seed over its first configurations."""
    sweep_keras(definition, data, folder, f"{name}_0", {"seed": 0, "trials": definition.configurations})
    points = points_of(folder / "logs" / f"{name}_0")[: definition.repeated]
    texts = (", ".join(f"{key}: {value}" for key, value in point.items()) for point in points)
    enqueued = f"[{', '.join(f'{{{text}}}' for text in texts)}]"
    sweep_keras(definition, data, folder, f"{name}_1", {"seed": 1, "trials": len(points), "enqueue": enqueued})


def sweep_keras(definition: Definition, data: Path, folder: Path, name: str, own: Mapping[str, Any]) -> None:
    """Run a sweep of Keras trainings, or continue it."""
    callback = f"{{_target_: recorded_parts.HeldOutAccuracy, path: '{data}'}}"
    settings = {
        "name": name, "data": "npz", "data.path": f"'{data}'", "data.scaling": "none",
        "data.validation": definition.validation, "objective": definition.objective, "trainer.threads": 1,
        "trainer.callbacks": f"[{callback}]", **COMMON, **definition.fixed, **definition.space, **own,
    }  # fmt: skip
    overrides = [f"{key}={'null' if value is None else value}" for key, value in settings.items()]
    done = subprocess.run([sys.executable, "-m", "mnistsweep.cli", "sweep", *overrides], cwd=folder, check=False)
    if done.returncode:
        sys.exit(f"the sweep {name} ended with exit code {done.returncode}; start the command again to continue it")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="of the sweeps and the data; it keeps what is done")
    parser.add_argument("--output", type=Path, default=HERE, help="folder of the tables (default: that of this script)")
    parser.add_argument("--tables", nargs="+", choices=DEFINITIONS, default=list(DEFINITIONS), help="(default: all)")
    parser.add_argument("--convert", action="store_true", help="write the tables of what is finished; train nothing")
    return parser.parse_args()


if __name__ == "__main__":
    main()
