"""The wheel: it is built from the source distribution, and works in another folder without the checkout."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path
from typing import Any

import pytest

from mnistsweep import __version__
from mnistsweep.config.resources import conf_folder, resources

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.skipif(not (ROOT / "pyproject.toml").is_file(), reason="the tests are not in a checkout")


def build(kind: str, source: Path, target: Path) -> Path:
    """Build a distribution with the installed build backend: without network or a new environment."""
    program = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(target)]
    subprocess.run(program, cwd=source, check=True, capture_output=True)
    (file,) = target.iterdir()
    return file


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("build")
    with tarfile.open(build("sdist", ROOT, folder / "sdist")) as archive:
        archive.extractall(folder / "source", filter="data")
    (source,) = (folder / "source").iterdir()
    return build("wheel", source, folder / "wheel")


@pytest.fixture(scope="module")
def elsewhere(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with awkward characters in its name: the wheel is in `site`, the empty working directory is `work`."""
    folder = tmp_path_factory.mktemp("installed à côté, = [1]")
    (folder / "work").mkdir()
    program = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile"]
    subprocess.run([*program, "--target", str(folder / "site"), str(wheel)], check=True, capture_output=True)
    return folder


def python(elsewhere: Path, *arguments: str) -> str:
    """Run Python where the wheel is installed; `-S` leaves out the editable installation that the tests use."""
    paths = [str(elsewhere / "site"), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    ended = subprocess.run(
        [sys.executable, "-S", *arguments],
        cwd=elsewhere / "work",
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_files_of_the_wheel(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        packed = {name: hashlib.sha256(archive.read(name)).digest() for name in names}
    for folder in ("conf", "sweeps"):
        for file in (resources() / folder).rglob("*.yaml"):
            name = f"mnistsweep/_resources/{file.relative_to(resources()).as_posix()}"
            assert packed[name] == hashlib.sha256(file.read_bytes()).digest()
    info = f"mnistsweep-{__version__}.dist-info"
    assert {"mnistsweep/data/mnist.npz", "mnistsweep/data/NOTICE.md", "mnistsweep/py.typed"} <= names
    assert {f"{info}/licenses/LICENSE", f"{info}/licenses/mnistsweep/data/NOTICE.md"} <= names
    assert {name.split("/")[0] for name in names} == {"mnistsweep", "hydra_plugins", info}
    assert "hydra_plugins/__init__.py" not in names  # a namespace, shared with other plugins
    assert not [name for name in names if name.endswith(".pyc")]


def test_metadata_of_the_wheel(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        metadata = Parser().parsestr(archive.read(f"mnistsweep-{__version__}.dist-info/METADATA").decode())
    assert [metadata[key] for key in ("Name", "Version")] == ["mnistsweep", __version__]
    assert [metadata[key] for key in ("License-Expression", "Requires-Python")] == ["Apache-2.0", ">=3.11"]
    needed = {re.split(r"[^\w-]", line)[0] for line in metadata.get_all("Requires-Dist", [])}
    assert {"tensorflow", "keras", "keras-tuner", "hydra-core", "optuna", "tensorboard"} <= needed
    assert {"gpu", "gp", "test"} <= set(metadata.get_all("Provides-Extra", []))


INSPECT = """
import json
from importlib.metadata import distribution
from pathlib import Path
import hydra_plugins.mnistsweep_sweeper as plugins
import mnistsweep
from mnistsweep.config.recipe import Recipe
from mnistsweep.config.resources import conf_folder, resources
from mnistsweep.data import load
from mnistsweep.planning.planner import plan_sweep

presets = sorted((f.parent.name, f.stem) for f in conf_folder().glob("*/*.yaml"))
plan = plan_sweep(Recipe(), ["+sweeps=coarse"])
entries = distribution("mnistsweep").entry_points.select(group="hydra.plugins")
dataset = load({"_target_": "mnistsweep.data.sources.load_mnist", "train_limit": 100})
print(json.dumps({
    "package": mnistsweep.__file__,
    "plugins": plugins.__file__,
    "resources": str(resources()),
    "presets": presets,
    "sweeps": Recipe().options("sweeps"),
    "dimensions": len(plan.space.dimensions),
    "entries": sorted(entry.value for entry in entries),
    "loaded": [entry.load().__name__ for entry in entries],
    "images": list(dataset.validation.inputs.shape),
}))
"""


@pytest.fixture(scope="module")
def inspected(elsewhere: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(python(elsewhere, "-c", INSPECT))
    return found


def test_the_wheel_works_without_the_checkout(inspected: dict[str, Any], elsewhere: Path) -> None:
    for key in ("package", "plugins", "resources"):
        assert Path(inspected[key]).is_relative_to(elsewhere / "site"), key
    assert inspected["images"] == [10000, 28, 28, 1]


def test_configurations_are_found_in_the_wheel(inspected: dict[str, Any]) -> None:
    """One of them composes; the others are the same files as in the checkout, where each composes in a test."""
    assert inspected["presets"] == sorted([file.parent.name, file.stem] for file in conf_folder().glob("*/*.yaml"))
    assert set(inspected["sweeps"]) == {file.stem for file in (resources() / "sweeps").glob("*.yaml")}
    assert inspected["dimensions"] > 1


def test_the_plugins_are_named_one_by_one(inspected: dict[str, Any]) -> None:
    assert inspected["entries"] == [
        "hydra_plugins.mnistsweep_sweeper.launcher:LocalLauncher",
        "hydra_plugins.mnistsweep_sweeper.slurm:SlurmLauncher",
        "hydra_plugins.mnistsweep_sweeper.source:SweepFiles",
        "hydra_plugins.mnistsweep_sweeper.sweeper:WorkerSweeper",
    ]
    assert sorted(inspected["loaded"]) == ["LocalLauncher", "SlurmLauncher", "SweepFiles", "WorkerSweeper"]


def test_the_command_line_of_the_wheel(elsewhere: Path) -> None:
    shown = python(elsewhere, "-m", "mnistsweep.cli", "sweep", "coarse", "--cfg", "all")
    assert "hydra_plugins.mnistsweep_sweeper.sweeper.WorkerSweeper" in shown
    assert "hydra_plugins.mnistsweep_sweeper.launcher.LocalLauncher" in shown
    assert "choice(10,12,15,18,20)" in shown
    assert list((elsewhere / "work").iterdir()) == []
