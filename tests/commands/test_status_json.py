"""`mnistsweep status --json`: one document that its schema describes."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from commands import command, finished_sweep, sweep_with_curves
from fake_workers import plan_of
from fakes import make_search, open_study

from mnistsweep.commands.status_document import FAILED, Snapshot, document_text, status_document
from mnistsweep.study.records import Result, State, TrialRecord

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def schema() -> dict[str, Any]:
    text = resources.files("mnistsweep").joinpath("commands/status.schema.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def validated(text: str) -> dict[str, Any]:
    """A document that fits the schema; the schema knows all of its keys."""
    document: dict[str, Any] = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.validate(document, schema(), jsonschema.Draft202012Validator)
    assert list(document) == list(schema()["properties"])
    return document


def status(capfd: Capture, sweep: str = "s") -> dict[str, Any]:
    answer = command(capfd, "status", sweep, "--json")
    assert (answer.code, answer.err) == (0, "")
    return validated(answer.out)


def test_a_complete_sweep(capfd: Capture, tmp_path: Path) -> None:
    finished_sweep(["model.dropout=0.1,0.2,0.3", "name=s", "trials=3", "oracle=grid"], [0.5, None, 0.75])
    found = status(capfd)
    assert (found["state"], found["name"], found["folder"]) == ("complete", "s", str(tmp_path / "logs/s"))
    assert found["reason"] == "all 3 points of the search space were tried"
    assert found["exit_code"] is None
    assert found["budget"] == {"trials": 3, "hours": None, "total_epochs": None}
    assert {key: count for key, count in found["trials"].items() if count} == {"total": 3, "completed": 2, "failed": 1}
    best = found["best"]
    assert (best["trial"], best["objective"], best["epoch"], best["seconds"]) == (2, 0.75, 1, 3.0)
    assert best["objectives"] == {"val_accuracy": 0.75}
    assert list(best["point"]) == ["model.dropout"]
    assert found["failures"] == [{"trial": 1, "reason": "it broke"}]
    assert (found["workers"], found["front"], found["expected"], found["epochs"]) == ([], None, None, 6)


def test_a_running_sweep_names_its_workers_and_their_trials(capfd: Capture) -> None:
    plan = finished_sweep(["model.dropout=interval(0,0.5)", "name=s", "trials=3"], [0.5])
    with open_study(plan.paths, make_search(plan.space, trials=3), session="now") as study:
        claim = study.claim()
        assert claim is not None
        study.report(claim, 1, 0.25)
        found = status(capfd)
        owner = study.lease.owner
    assert found["state"] == "running"
    assert found["workers"] == [{"name": owner, "node": owner.rsplit("-", 3)[0], "trial": 1, "epochs": 1}]
    assert {key: count for key, count in found["trials"].items() if count} == {"total": 2, "completed": 1, "running": 1}


def test_a_trial_without_a_worker_is_interrupted(capfd: Capture) -> None:
    sweep_with_curves(["model.dropout=interval(0,0.5)", "name=s", "trials=9"], [[0.5, 0.6]])
    found = status(capfd)
    assert (found["state"], found["reason"]) == ("interrupted", None)
    assert {key: count for key, count in found["trials"].items() if count} == {
        "total": 2,
        "completed": 1,
        "interrupted": 1,
    }


def test_a_sweep_without_a_result_has_failed(capfd: Capture) -> None:
    finished_sweep(["model.dropout=0.1,0.2", "name=s", "oracle=grid"], [None, None])
    found = status(capfd)
    assert (found["state"], found["best"]) == ("failed", None)


def test_a_front_and_constraints(capfd: Capture) -> None:
    plan = finished_sweep(
        ["model.dropout=interval(0,0.5)", "name=s", "trials=2", "objective=[val_accuracy,seconds]",
         "constraints=[seconds<=2]"], [],
    )  # fmt: skip
    with open_study(plan.paths, make_search(plan.space, trials=2)) as study:
        for score, seconds, violation in ((0.5, 1.0, 0.0), (0.75, 4.0, 1.0)):
            claim = study.claim()
            assert claim is not None
            study.finish(claim, State.COMPLETED, Result(score, 1, 2, seconds, violations={"seconds<=2": violation}))
    found = status(capfd)
    assert [one["name"] for one in found["objectives"]] == ["val_accuracy", "seconds"]
    assert [one["trial"] for one in found["front"]] == [0]
    assert found["best"]["objectives"] == {"val_accuracy": 0.5, "seconds": 1.0}
    assert found["constraints"] == [{"constraint": "seconds<=2", "violated": 1, "judged": 2}]


def test_a_moved_folder_and_a_value_that_json_does_not_have(capfd: Capture, tmp_path: Path) -> None:
    finished_sweep(["++model.dropout=0.1,0.2", "name=s", "oracle=grid", "trials=1"], [float("inf")])
    (tmp_path / "logs/s").rename(tmp_path / "moved")
    found = status(capfd, "moved")
    assert (found["name"], found["folder"]) == ("moved", str(tmp_path / "moved"))


def test_what_cannot_be_read_is_one_line(capfd: Capture) -> None:
    answer = command(capfd, "status", "nothing", "--json")
    assert (answer.code, answer.out) == (2, "")
    assert len(answer.err.splitlines()) == 1


def test_expected_scores_values_that_json_does_not_have_and_secrets() -> None:
    plan = plan_of("confirm.top=2")
    point = {"model.dropout": float("inf"), "data.token": "abc-0815", "a": (1, None)}
    records = [
        TrialRecord(0, State.COMPLETED, point, 1, Result(0.9, 1, 2, 3.0)),
        TrialRecord(1, State.COMPLETED, {"model.dropout": 0.1}, 2, Result(0.8, 1, 2, 3.0)),
        TrialRecord(2, State.COMPLETED, point, 3, Result(0.85, 1, 2, 3.0), confirms=0),
    ]
    found = validated(document_text(status_document(plan, Snapshot(records, None, 9.5))))
    assert found["best"]["point"] == {"model.dropout": "inf", "data.token": "***", "a": [1, None]}
    assert [(one["trial"], one["trials"]) for one in found["expected"]] == [(0, [0, 2]), (1, [1])]
    assert found["expected"][0]["low"] < found["expected"][0]["expected"] < found["expected"][0]["high"]
    assert (found["trials"]["total"], found["trials"]["confirmations"], found["running_seconds"]) == (2, 1, 9.5)


def test_where_the_ledger_cannot_be_read_numbers_are_null_and_not_zero() -> None:
    found = validated(document_text(status_document(plan_of(), None, FAILED, "the ledger is gone", 1)))
    assert (found["state"], found["reason"], found["exit_code"]) == ("failed", "the ledger is gone", 1)
    assert [key for key, value in found.items() if value is None] == [
        *("running_seconds", "epochs", "trials", "workers", "best", "front", "expected", "constraints", "failures")
    ]
