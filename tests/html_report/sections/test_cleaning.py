"""The section of the cleaning experiment, from files with known content."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from evidence import make_evidence

from mnistsweep.analysis.treatments import ARMS
from mnistsweep.html_report.figures import style
from mnistsweep.html_report.records import Facts, Figure, Section, Table, Text
from mnistsweep.html_report.sections.cleaning import section
from mnistsweep.report_paths import CleanPaths

BASE = [0.980, 0.982, 0.981]
ACCURACY: dict[str, list[float]] = {
    "nothing": BASE,
    "random": [0.981, 0.981, 0.981],
    "suspects": [0.981, 0.980, 0.982],
    "corrected": [0.990, 0.993, 0.991],
    "ambiguous": [0.970, 0.972, 0.972],
}
PLANTED = {"num_planted": 20, "num_flagged": 25, "recall": 0.95, "flagged_recall": 0.9, "flagged_precision": 0.72}


def write(folder: Path, seeds: int = 3, planted: Any = None, images: bool = True, trial: int = 0,
          flagged: int = 25) -> Path:  # fmt: skip
    paths = CleanPaths(folder)
    folder.mkdir(parents=True, exist_ok=True)
    summary = {
        "identity": {"trial": trial, "folds": 5, "plant": 0.02 if planted else 0.0},
        "seeds": seeds,
        "examples": 5000,
        "validation": 1000,
        "suspected": max(flagged, 1),
        "flagged": flagged,
        "planted": planted,
        "sentence": "What the numbers say.",
    }
    rows = [
        {"arm": arm, "seed": seed, "removed": 25 * (arm not in ("nothing", "corrected")), "accuracy": value,
         "loss": 0.05, "seconds": 1.0}
        for arm in ARMS for seed, value in enumerate(ACCURACY[arm])
    ]  # fmt: skip
    suspects = pd.DataFrame({"index": range(100, 125), "label": 3, "suggested": 5, "suspected": True,
                             "planted": [bool(planted)] * 18 + [False] * 7})  # fmt: skip
    pd.DataFrame(rows).to_csv(paths.runs, index=False)
    suspects.to_csv(paths.suspects, index=False)
    if images:
        np.savez(paths.images, images=np.full((25, 12, 12), 128, np.uint8))
    paths.summary.write_text(json.dumps(summary), encoding="utf-8")
    return folder


def made(folder: Path, **options: Any) -> Section:
    found = section(make_evidence(cleaning=write(folder, **options)))
    assert found is not None
    return found


def block(found: Section, kind: type, number: int = 0) -> Any:
    return [one for one in found.blocks if isinstance(one, kind)][number]


def test_without_a_finished_experiment_there_is_no_section(tmp_path: Path) -> None:
    assert section(make_evidence()) is None
    assert section(make_evidence(cleaning=tmp_path / "clean")) is None
    CleanPaths(write(tmp_path / "clean")).summary.unlink()
    assert section(make_evidence(cleaning=tmp_path / "clean")) is None


def test_arms_stand_side_by_side(tmp_path: Path) -> None:
    found = made(tmp_path)
    table: Table = block(found, Table)
    assert [row[0] for row in table.rows] == list(ARMS.values())
    assert table.rows[0][1:4] == ["0", "98.10 % ± 0.10", "0.0500"]
    # Differences 1.0, 1.1, 1.0 points: standard deviation 0.0577, t(0.975, 2) 4.303.
    assert table.rows[3][4] == "+1.03 points (+0.89 to +1.18)"
    assert block(found, Text, 1).text == "What the numbers say."
    figure: Figure = block(found, Figure)
    assert "Intervals without 0: suspected labels corrected, the most ambiguous removed." in figure.caption
    assert style.to_svg(figure.drawing, figure.name).startswith("<svg")
    assert list(found.files) == ["cleaning-runs.csv", "cleaning-suspects.csv"]
    assert "25" in block(found, Facts).facts[0].value


def test_advice_is_given_where_an_arm_is_clearly_better_or_worse(tmp_path: Path) -> None:
    better, worse = made(tmp_path).advice
    assert better.startswith(
        "Correct the suspected training labels: with suspected labels corrected, the validation accuracy changes by "
        "+1.03 points"
    )
    assert worse.startswith(
        "Keep the most ambiguous training examples: with the most ambiguous removed, the validation accuracy changes"
    )


def test_planted_errors_are_counted_and_nothing_is_advised(tmp_path: Path) -> None:
    found = made(tmp_path, planted=PLANTED)
    assert found.advice == []
    assert [fact.value for fact in block(found, Facts).facts] == ["25", "95.00 %", "72.00 %"]
    assert "2 % of the training labels were replaced by wrong ones" in block(found, Text).text
    assert "18 of these 20 were planted" in block(found, Figure, 1).caption


def test_where_no_label_is_flagged_the_most_suspect_one_is_not_counted(tmp_path: Path) -> None:
    nothing = {**PLANTED, "num_flagged": 0, "flagged_recall": 0.0, "flagged_precision": 0.0}
    first, planted = block(made(tmp_path, flagged=0, planted=nothing), Facts).facts
    assert (first.value, first.note) == ("0", "of 5,000, so the arms use the most suspected one")
    assert planted.label == "planted errors found"


@pytest.mark.parametrize("images", [True, False])
def test_suspects_are_shown_where_there_are_images(tmp_path: Path, images: bool) -> None:
    figures_of = [one for one in made(tmp_path, images=images).blocks if isinstance(one, Figure)]
    assert [one.name for one in figures_of] == ["cleaning-arms", *["cleaning-suspects"] * images]


def test_one_seed_shows_no_interval_and_another_winner_is_told(tmp_path: Path) -> None:
    found = made(tmp_path, seeds=1, trial=99)
    assert block(found, Table).rows[3][4] == "+1.00 points"
    assert "With one seed, there is no interval" in block(found, Figure).caption
    assert "with the same seed each" in block(found, Text).text
    assert "is the winner now" in block(found, Text).text
    assert found.advice == []
