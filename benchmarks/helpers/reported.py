"""Measurements of `report.py` in separate processes: the sections of a page, and the memory of a large ranking.

python -m helpers.reported sections FOLDER report.seeds=3
python -m helpers.reported rank ambiguous 1000000 1
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any


def main() -> None:
    what, *arguments = sys.argv[1:]
    print(json.dumps(sections(*arguments) if what == "sections" else rank(*arguments)))


def sections(folder: str, *overrides: str) -> dict[str, float]:
    """Make the page from stored predictions; returns the seconds of each part, in the order of the page."""
    from rich.console import Console

    from mnistsweep.evaluation.collector import collect_evidence
    from mnistsweep.evaluation.report_context import ReportContext
    from mnistsweep.evaluation.selection import select
    from mnistsweep.html_report import page
    from mnistsweep.progress_bar import StepProgress

    began = time.perf_counter()
    selection = select(Path(folder), overrides)
    with StepProgress(Console(stderr=True), 1) as steps:
        evidence = collect_evidence(ReportContext(selection, steps))
    gathered = time.perf_counter()
    made = page.make(evidence, selection.paths.report.folder)
    whole = time.perf_counter() - gathered
    if made.failed:
        sys.exit(f"sections failed: {dict(made.failed)}")
    rest = whole - sum(made.seconds.values())
    return {"reading data and predictions": gathered - began, **made.seconds, "writing the page": rest}


def rank(which: str, rows: str, seeds: str) -> dict[str, float]:
    """Rank random probabilities; returns seconds, and the memory of the process in GB before and at its peak."""
    import numpy as np

    from mnistsweep.analysis.confidence import rank_ambiguous
    from mnistsweep.analysis.label_quality import rank_suspects

    rng = np.random.default_rng(0)
    rank_any: Any = rank_ambiguous if which == "ambiguous" else rank_suspects
    first = np.eye(10)
    rank_any(0.9 * first + 0.01, np.arange(10))  # imports what it needs
    probabilities = rng.standard_gamma(0.1, (int(seeds), int(rows), 10))
    probabilities /= probabilities.sum(axis=2, keepdims=True)
    labels = probabilities[0].argmax(axis=1)
    wrong = rng.random(int(rows)) < 0.01
    labels[wrong] = rng.integers(0, 10, int(wrong.sum()))
    given = probabilities[0] if int(seeds) == 1 else probabilities
    before, began = peak(), time.perf_counter()
    rank_any(given, labels)
    return {"seconds": time.perf_counter() - began, "before": before, "peak": peak()}


def peak() -> float:
    """Peak memory of this process, in GB; `getrusage` may also count memory of its parent."""
    status = Path("/proc/self/status")
    if status.is_file():
        lines = dict(line.split(":", 1) for line in status.read_text(encoding="utf-8").splitlines())
        return float(lines["VmHWM"].split()[0]) * 1024 / 1e9
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e9


if __name__ == "__main__":
    main()
