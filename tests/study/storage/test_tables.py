"""The ledger in Optuna's tables: as Optuna reads it, in few statements, and written as a whole or not at all."""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from fakes import LINE, MIXED, claim, make_search, open_study, train
from optuna.distributions import FloatDistribution
from optuna.storages import RDBStorage
from optuna.study import StudyDirection
from optuna.trial import TrialState, create_trial
from postgresql import Server

from mnistsweep.errors import StudyError
from mnistsweep.paths import SweepPaths
from mnistsweep.study.opened_ledger import create_ledger
from mnistsweep.study.records import Result, State
from mnistsweep.study.storage.stores import open_coordinator, open_storage
from mnistsweep.study.storage.tables import Tables
from mnistsweep.study.study import Study

DATABASES = pytest.mark.parametrize("storage", ["sqlite", "postgresql"], indirect=True)


@contextlib.contextmanager
def recorded(study: Study) -> Iterator[list[str]]:
    """The statements and commits of this thread, without those of the thread that writes heartbeats, one text each."""
    from sqlalchemy import event

    engine, seen = study._storage._database.engine, list[str]()  # type: ignore[attr-defined]
    main = threading.get_ident()

    def record(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if threading.get_ident() == main:
            seen.append(" ".join(statement.split()))

    def commit(connection: Any) -> None:
        record(connection, None, "COMMIT")

    event.listen(engine, "before_cursor_execute", record)
    event.listen(engine, "commit", commit)
    yield seen
    event.remove(engine, "before_cursor_execute", record)
    event.remove(engine, "commit", commit)


def test_optuna_creates_trials_through_the_hook_which_reads_no_parameters(
    paths: SweepPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, called = f"sqlite:///{paths.folder.parent}/ledger.db", list[int]()
    paths.folder.parent.mkdir(parents=True)
    create_ledger(paths, url, "max", "val_accuracy", {})
    backend = type(open_storage(paths, url)._backend)  # type: ignore[attr-defined]
    hook = backend._get_prepared_new_trial

    def spy(self: Any, *arguments: Any) -> Any:
        called.append(1)
        return hook(self, *arguments)

    monkeypatch.setattr(backend, "_get_prepared_new_trial", spy)
    with open_study(paths, make_search(MIXED, trials=1), url) as study, recorded(study) as seen:
        claim(study)
    assert called == [1]
    assert not [statement for statement in seen if "trial_params.param_name = " in statement]
    inserts = [statement.split()[2] for statement in seen if statement.startswith("INSERT INTO trial")]
    assert set(inserts) == {"trials", "trial_params", "trial_user_attributes"}


def test_a_claim_in_postgresql_takes_four_statements_in_one_transaction(paths: SweepPaths, postgresql: Server) -> None:
    url, search = postgresql.new_database(), make_search(MIXED, trials=9)
    with open_study(paths, search, url) as other, open_study(paths, search, url) as study:
        for _ in range(3):
            claim(other)
        train(study, claim(study), 0.5, epochs=1)
        with recorded(study) as seen:
            mine = claim(study)
        kinds = ("pg_advisory_xact_lock", "UNION ALL", "mnistsweep_workers", "WITH new AS", "COMMIT")
        assert [kind in statement for kind, statement in zip(kinds, seen, strict=True)] == [True] * len(kinds)
        with recorded(study) as seen:
            study.report(mine, 1, 0.5)
        assert [statement.split()[2] for statement in seen] == ["trial_intermediate_values"]


@DATABASES
def test_trials_are_read_as_optuna_reads_them(paths: SweepPaths, storage: str) -> None:
    ours, theirs = open_storage(paths, storage, create=True), RDBStorage(storage)
    assert isinstance(ours, Tables)
    study = ours.create_new_study([StudyDirection.MAXIMIZE, StudyDirection.MINIMIZE], "one")
    another = ours.create_new_study([StudyDirection.MAXIMIZE], "two")
    template = create_trial(
        state=TrialState.RUNNING, params={"x": 0.1 - 2e-17, "ä": 1e-300},
        distributions={"x": FloatDistribution(0, 1), "ä": FloatDistribution(1e-300, 1.0, log=True)},
        user_attrs={"point": {"f": [8, 16]}}, system_attrs={"cma:draw": [1, 2]},
    )  # fmt: skip
    ids = [ours.create_new_trial(study, template) for _ in range(4)]
    ours.create_new_trial(another, template)
    before = ours.get_all_trials(study, deepcopy=False)
    for step, value in enumerate((0.1 + 0.2, math.inf, -math.inf, 5e-324)):
        ours.set_trial_intermediate_value(ids[0], step, value)
        ours.set_trial_intermediate_value(ids[0], step, value)  # replaces
    ours.set_trial_user_attr(ids[1], "point", {"f": None})
    ours.set_trial_system_attr(ids[1], "constraints", [0.5])
    ours.set_trial_state_values(ids[1], TrialState.COMPLETE, [math.inf, -0.1])
    theirs.set_trial_state_values(ids[2], TrialState.FAIL)
    now = ours.get_all_trials(study, deepcopy=False)
    assert now == theirs.get_all_trials(study)
    assert [one is two for one, two in zip(before, now, strict=True)] == [False, False, False, True]
    assert [ours.get_trial(number) for number in ids] == now
    assert now[1].values == [math.inf, -0.1]
    ours.set_trial_intermediate_value(ids[3], 1, math.nan)
    assert math.isnan(ours.get_all_trials(study)[3].intermediate_values[1])
    assert len(ours.get_all_trials(another)) == 1
    assert [t.number for t in ours.get_all_trials(study, states=[TrialState.RUNNING])] == [0, 3]


@DATABASES
def test_a_trial_that_has_ended_is_not_written(paths: SweepPaths, storage: str) -> None:
    ours = open_storage(paths, storage, create=True)
    study = ours.create_new_study([StudyDirection.MAXIMIZE], "one")
    trial = ours.create_new_trial(study, create_trial(state=TrialState.RUNNING))
    ours.set_trial_state_values(trial, TrialState.COMPLETE, [0.5])
    before = ours.get_trial(trial)
    for write in (
        lambda: ours.set_trial_intermediate_value(trial, 1, 0.5),
        lambda: ours.set_trial_user_attr(trial, "lease", {}),
        lambda: ours.set_trial_system_attr(trial, "x", 1),
        lambda: ours.set_trial_state_values(trial, TrialState.FAIL, [0.7]),
    ):
        with pytest.raises(RuntimeError, match="finished"):
            write()
    assert ours.get_trial(trial) == before
    with pytest.raises(KeyError):
        ours.get_trial(trial + 1)


def test_what_was_written_under_a_lost_lock_is_discarded(paths: SweepPaths, postgresql: Server) -> None:
    def lose(study: Study, trial_id: int) -> None:
        with study._exclusive(study._coordinator):
            study._trials.finish(trial_id, State.FAILED, Result(reason="never kept"), 0)
            assert study.read().num_finished == 1
            postgresql.restart()

    with open_study(paths, make_search(LINE, trials=2), postgresql.new_database()) as study:
        first = claim(study)
        with pytest.raises(StudyError, match="cannot be used"):
            lose(study, first.trial_id)
        assert [record.state for record in study.records()] == [State.RUNNING]
        train(study, first, 0.5)
        train(study, claim(study), 0.75)
        assert [record.result.objective for record in study.records()] == [0.5, 0.75]


def test_trials_that_an_earlier_reading_does_not_know_are_not_created_twice(
    paths: SweepPaths, postgresql: Server
) -> None:
    url = postgresql.new_database()
    create_ledger(paths, url, "max", "val_accuracy", {})
    ours, other = open_storage(paths, url), RDBStorage(url)
    (study,) = (one._study_id for one in ours.get_all_studies())
    new = create_trial(state=TrialState.RUNNING)
    ours.get_all_trials(study)
    other.create_new_trial(study, new)
    with open_coordinator(paths, url).exclusive():
        for _ in range(2):
            ours.create_new_trial(study, new)
    new.number = 1
    with (
        pytest.raises(StudyError, match="trial 1 was started by another worker"),
        open_coordinator(paths, url).exclusive(),
    ):
        ours.create_new_trial(study, new)
    assert [trial.number for trial in ours.get_all_trials(study)] == [0, 1, 2]
