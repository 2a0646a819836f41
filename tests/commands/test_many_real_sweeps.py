"""`list` and `clean-up` beside sweeps that run in processes of their own, with real trainings."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from commands import command
from fakes import wait_until
from running_sweeps import Folder

from mnistsweep.study.records import State

SEARCH = ["oracle=asha", "trainer.epochs=4", "model.dropout=interval(0,0.5)", "trials=6", "workers=1"]


@pytest.mark.slow
def test_a_real_sweep_is_listed_while_it_runs_cleaned_up_after_it_and_continued(
    tiny_data: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    sweeps = Folder(tmp_path, tiny_data)

    def entry() -> dict[str, object]:
        found: dict[str, object] = json.loads(command(capfd, "list", "--json").out)["sweeps"][0]
        return found

    process = sweeps.start("real", *SEARCH)
    wait_until(lambda: sweeps.running("real", epochs=1) or process.poll() is not None)
    running, refused = entry(), command(capfd, "clean-up", "real", "--models", "--delete")
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert (running["state"], running["workers"]) == ("running", 1)
    assert refused.code == 1
    assert "logs/real: left alone: running: 1 worker." in refused.out
    assert entry()["state"] == "interrupted"
    assert command(capfd, "clean-up", "real", "--delete").out.splitlines()[0] == "logs/real: interrupted"

    sweeps.run("real", *SEARCH)
    assert (entry()["state"], entry()["trials"]) == ("complete", {"finished": 6, "budget": 6})
    paused = [record.number for record in sweeps.records("real") if record.state is State.PAUSED]
    held = [number for number in paused if sweeps.paths("real").trial(number).resume.exists()]
    assert command(capfd, "clean-up", "real", "--models", "--events", "--logs", "--delete").code == 0
    left = [number for number in held if sweeps.paths("real").trial(number).resume.exists()]
    assert len(left) <= 1 < len(held)  # the best trial keeps its own

    sweeps.run("real", *SEARCH, "trials=9")
    after = sweeps.records("real")
    assert len(after) == 9
    assert all(record.state in (State.COMPLETED, State.PAUSED) for record in after)
    page = command(capfd, "report", "real", "report.refit=false", "report.robustness=false")
    assert (page.code, page.err) == (0, "")
