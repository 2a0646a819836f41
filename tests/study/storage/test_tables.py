"""The private API of Optuna that the ledger in a database uses."""

from __future__ import annotations

from typing import Any

import pytest
from fakes import MIXED, claim, make_search, open_study

from mnistsweep.paths import SweepPaths
from mnistsweep.study.storage.tables import Tables


@pytest.mark.parametrize("storage", ["sqlite", "postgresql"], indirect=True)
def test_optuna_creates_trials_through_the_hook_which_reads_no_parameters(
    paths: SweepPaths, storage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy import event

    called: list[int] = []
    hook = Tables._get_prepared_new_trial

    def spy(self: Tables, *arguments: Any) -> Any:
        called.append(1)
        return hook(self, *arguments)

    monkeypatch.setattr(Tables, "_get_prepared_new_trial", spy)
    with open_study(paths, make_search(MIXED, trials=1), storage) as study:
        statements: list[str] = []

        @event.listens_for(study._storage._backend.engine, "before_cursor_execute")  # type: ignore[attr-defined]
        def record(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
            statements.append(statement)

        claim(study)
    assert called == [1]
    assert not [statement for statement in statements if "trial_params.param_name = " in statement]
    inserts = [statement.split()[2] for statement in statements if statement.startswith("INSERT INTO trial")]
    assert set(inserts) == {"trials", "trial_params", "trial_user_attributes"}
    if storage.startswith("postgresql"):  # SQLite gets a statement for each row, which is no round trip there
        assert len(inserts) == 3
