"""The notebook of the documentation is executed from its first cell to its last, in a process of its own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mnistsweep.study.sweep import load_sweep

NOTEBOOK = Path(__file__).parents[2] / "docs" / "notebooks" / "sweep.ipynb"


@pytest.mark.slow
def test_the_notebook_runs_and_the_same_cells_continue(tmp_path: Path) -> None:
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    for cell in notebook.cells:
        cell.source = re.sub(r"\btrials=\d+", "trials=2", cell.source)
    nbclient.NotebookClient(notebook, resources={"metadata": {"path": str(tmp_path)}}).execute()
    trials = load_sweep(tmp_path / "logs" / "notebook").trials
    assert "completed" in trials["state"].tolist()
    assert set(trials["state"]) <= {"completed", "pruned", "stopped"}
    assert len(trials) == 2
    shown = notebook.cells[-1].outputs[-1]["data"]["text/plain"]
    assert set(re.findall(r"'(\w+)'", shown)) == {"accuracy", "loss"}

    (cell,) = (one for one in notebook.cells if "ms.sweep(" in one.source)
    streams = [one["text"] for one in cell.outputs if one["output_type"] == "stream"]
    displays = [one["data"]["text/plain"] for one in cell.outputs if one["output_type"] == "display_data"]
    assert len(displays) == 1
    assert "2 of 2 trials" in displays[0]
    printed = "".join([*streams, *displays])
    assert "\x1b" not in printed
    assert "Warning" not in printed
    assert printed.count("\n") < 30

    for cell in notebook.cells:  # another kernel
        cell.source = re.sub(r"\btrials=2", "trials=3", cell.source)
    nbclient.NotebookClient(notebook, resources={"metadata": {"path": str(tmp_path)}}).execute()
    continued = load_sweep(tmp_path / "logs" / "notebook").trials
    assert len(continued) == 3
    assert continued["objective"].tolist()[:2] == trials["objective"].tolist()
