"""Whole sweeps through the real command line, with real trainings, whose processes are killed, limited and doubled."""

from __future__ import annotations

import os
import signal

import psutil
import pytest
from fakes import wait_until
from running_sweeps import Folder

from mnistsweep.study.records import State


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


@pytest.mark.slow
def test_the_table_is_the_same_with_any_number_of_workers_and_after_kills(sweeps: Folder) -> None:
    search = ["model.dropout=interval(0,0.5)", "optimizer=adam,sgd", "oracle=random", "trials=4"]
    search += ["trainer.epochs=10,25,40"]
    sweeps.run("alone", *search)
    killed = sweeps.start("killed", *search, "workers=2")
    wait_until(lambda: sweeps.running("killed", 5))
    kill(sweeps.running("killed", 5)[0])  # a worker; its supervisor restarts it
    wait_until(lambda: sum(r.state.finished for r in sweeps.records("killed")) >= 2 and sweeps.running("killed", 5))
    workers = [child.pid for child in psutil.Process(killed.pid).children()]
    kill(killed.pid)  # the command itself; its workers stop and keep their resume files
    killed.communicate()
    wait_until(lambda: not any(psutil.pid_exists(pid) for pid in workers))
    assert "continued:" in sweeps.run("killed", *search, "workers=4")
    expected = sweeps.table("alone")
    assert len(expected) == 5
    assert sweeps.table("killed") == expected
    derived = [sweeps.paths(name).configurations.read_text().splitlines() for name in ("alone", "killed")]
    assert len(derived[0]) == 1 + 4 * 3
    assert derived[1] == derived[0]
    assert not list(sweeps.paths("killed").folder.glob("trials/*/resume.npy"))
    assert not list(sweeps.paths("killed").workers.glob("*.beat"))
    for number in range(4):
        histories = [sweeps.paths(name).trial(number).history.read_text() for name in ("alone", "killed")]
        shown = [[line.rsplit(",", 1)[0] for line in history.splitlines()] for history in histories]
        assert len(shown[0]) == 41
        assert shown[0] == shown[1]


@pytest.mark.slow
def test_two_commands_that_start_at_once_share_one_sweep(sweeps: Folder) -> None:
    search = ["model.dropout=interval(0,0.5)", "oracle=random", "trials=4", "trainer.epochs=2"]
    both = [sweeps.start("twins", *search) for _ in range(2)]
    said = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert [(r.number, r.state) for r in sweeps.records("twins")] == [(n, State.COMPLETED) for n in range(4)]
    assert len(sweeps.table("twins")) == 5


POISON = """
import os, signal
import keras

def net(input_shape, classes, deadly):
    if deadly:
        os.kill(os.getpid(), signal.SIGSEGV)
    return keras.Sequential([keras.Input(input_shape), keras.layers.Flatten(), keras.layers.Dense(classes, "softmax")])
"""


@pytest.mark.slow
def test_a_configuration_that_kills_its_process_is_recorded_and_the_sweep_goes_on(sweeps: Folder) -> None:
    (sweeps.folder / "poison_for_tests.py").write_text(POISON)
    target = "model._target_=poison_for_tests.net"
    sweeps.run(
        "poison", target, "+model.deadly=true,false", "oracle=grid", "trainer.epochs=1", "objective=val_accuracy"
    )
    states = {record.point["model.deadly"]: record for record in sweeps.records("poison")}
    assert states[False].state is State.COMPLETED
    assert states[True].state is State.FAILED
    assert "process died 2 times while it ran this trial, before it had finished an epoch" in states[True].result.reason


# No file may grow past 88 KiB: as on a disk that fills up while a model is saved.
SMALL_FILES = ("bash", "-c", 'trap "" XFSZ; ulimit -f 88; exec "$@"', "bash")


@pytest.mark.slow
def test_a_full_disk_stops_the_sweep_with_a_message_and_the_same_command_continues(sweeps: Folder) -> None:
    search = ["model.layer_size=2000,4", "oracle=grid", "trainer.epochs=3"]
    process = sweeps.start("full", *search, under=SMALL_FILES)
    said, _ = process.communicate()
    assert process.returncode == 1, said
    last = said.strip().splitlines()[-1]
    assert last.endswith(
        "cannot be written: File too large. Raise the limit of the file size (ulimit -f); then the same command "
        "continues."
    )
    assert not any(record.state is State.FAILED for record in sweeps.records("full"))
    sweeps.run("full", *search)
    assert [record.state for record in sweeps.records("full")] == [State.COMPLETED] * 2
