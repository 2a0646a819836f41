"""What CMA-ES keeps in the ledger."""

from __future__ import annotations

import json
from pathlib import Path

from fakes import MIXED, make_search, open_study, run

from mnistsweep.paths import SweepPaths


def test_the_ledger_of_cma_es_holds_numbers_and_no_pickle(tmp_path: Path) -> None:
    paths = SweepPaths(tmp_path / "s")
    with open_study(paths, make_search(MIXED, "cmaes", trials=6)) as study:
        run(study)
    entries = [json.loads(line) for line in paths.journal.read_text().splitlines()]
    attrs = [entry["system_attrs"] for entry in entries if entry.get("system_attrs") and "params" in entry]
    assert [list(found) for found in attrs] == [["cma:draw"]] * 5
    generation, *place = attrs[0]["cma:draw"]
    assert generation == 0
    assert len(place) == 6
    assert all(0 <= coordinate <= 1 for coordinate in place)
