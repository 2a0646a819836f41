"""The private API of Optuna that the ledger in a database uses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fakes import MIXED, claim, make_search, open_study

from mnistsweep.paths import SweepPaths
from mnistsweep.study.storage.tables import Tables


def test_optuna_creates_trials_through_the_hook_in_one_statement_a_table(
    paths: SweepPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy import event

    called: list[int] = []
    hook = Tables._get_prepared_new_trial

    def spy(self: Tables, *arguments: Any) -> Any:
        called.append(1)
        return hook(self, *arguments)

    monkeypatch.setattr(Tables, "_get_prepared_new_trial", spy)
    with open_study(paths, make_search(MIXED, trials=1), f"sqlite:///{tmp_path}/ledger.db") as study:
        inserts: list[str] = []

        @event.listens_for(study._storage._backend.engine, "before_cursor_execute")  # type: ignore[attr-defined]
        def record(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
            if statement.startswith("INSERT INTO trial"):
                inserts.append(statement.split()[2])

        claim(study)
    assert called == [1]
    assert sorted(inserts) == ["trial_params", "trial_user_attributes", "trials"]
