"""Event files: their names, and records that are void."""

from __future__ import annotations

from pathlib import Path

import pytest
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

from mnistsweep.tensorboard import EventFile


def test_names_of_event_files_sort_by_age(tmp_path: Path) -> None:
    made = [EventFile(tmp_path, ".hparams").path.name for _ in range(12)]
    assert sorted(path.name for path in tmp_path.iterdir()) == made


@pytest.mark.parametrize("seconds", [1.8e9 - 3 * 24 * 3600, 0.0])
def test_names_sort_by_age_when_the_clock_is_set_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    (tmp_path / "events.out.tfevents.1800000000.host.12.0.v2").touch()  # of Keras's own callback
    made = ["events.out.tfevents.1800000000.host.12.0.v2"]
    for now in (1.8e9, seconds, seconds, 1.9e9, seconds):
        monkeypatch.setattr("time.time_ns", lambda now=now: int(now * 1e9))
        made.append(EventFile(tmp_path).path.name)
    assert sorted(path.name for path in tmp_path.iterdir()) == made


def test_a_second_start_makes_earlier_steps_void(tmp_path: Path) -> None:
    first = EventFile(tmp_path)
    first.discard_from(0)
    for step in (1, 2, 3):
        first.add_scalars({"loss": 1 / step}, step)
    second = EventFile(tmp_path)
    second.discard_from(2)
    second.add_scalars({"loss": 0.25}, 2)
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    assert [(event.step, make_ndarray(event.tensor_proto).item()) for event in events.Tensors("loss")] == [
        (1, 1.0),
        (2, 0.25),
    ]
