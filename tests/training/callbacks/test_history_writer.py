from __future__ import annotations

from pathlib import Path

import keras
from small_training import model, read_rows, train

from mnistsweep.training.callbacks.history_writer import HistoryWriter


class Clock:
    """Returns a time that is two seconds later at each call."""

    now = 0.0

    def __call__(self) -> float:
        self.now += 2
        return self.now


def test_a_row_an_epoch_in_full_precision(tmp_path: Path) -> None:
    path = tmp_path / "träning 1" / "history.csv"
    records = train(model(), HistoryWriter(path, Clock()))
    rows = read_rows(path)
    assert list(rows[0]) == ["epoch", "loss", "mae", "val_loss", "val_mae", "learning_rate", "seconds"]
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
    assert [{name: float(row[name]) for name in records[0]} for row in rows] == records
    assert {row["seconds"] for row in rows} == {"2.0"}


def test_learning_rate_is_the_one_of_the_epoch(tmp_path: Path) -> None:
    reducing = keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.5, min_delta=100, patience=1)
    for number, order in enumerate(([0, 1], [1, 0])):
        path = tmp_path / f"{number}.csv"
        pair = [HistoryWriter(path), reducing]
        train(model(0.5), *[pair[i] for i in order], epochs=3)
        assert [float(row["learning_rate"]) for row in read_rows(path)] == [0.5, 0.5, 0.25]


def test_learning_rate_of_a_schedule(tmp_path: Path) -> None:
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([4], [0.5, 0.25])
    train(model(schedule), HistoryWriter(tmp_path / "history.csv"), epochs=2)
    assert [float(row["learning_rate"]) for row in read_rows(tmp_path / "history.csv")] == [0.5, 0.25]


def test_a_row_is_on_disk_when_its_epoch_ends(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    seen = []
    reader = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(len(read_rows(path))))
    train(model(), HistoryWriter(path), reader)
    assert seen == [1, 2, 3, 4]


def test_a_resumed_training_drops_the_rows_of_epochs_that_it_trains_again(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    train(model(), HistoryWriter(path))
    before = read_rows(path)
    with path.open("a", encoding="utf-8") as file:
        file.write("5,0.25")  # an incomplete line of a killed process
    train(model(), HistoryWriter(path), initial_epoch=2, epochs=3)
    after = read_rows(path)
    assert [row["epoch"] for row in after] == ["1", "2", "3"]
    assert after[:2] == before[:2]


def test_a_training_from_scratch_replaces_an_old_file(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    path.write_text("something,else\n1,2\n", encoding="utf-8")
    train(model(), HistoryWriter(path), epochs=1)
    assert [row["epoch"] for row in read_rows(path)] == ["1"]


def test_columns_are_those_of_the_first_epoch_and_what_is_added_later(tmp_path: Path) -> None:
    writer = HistoryWriter(tmp_path / "history.csv", Clock())
    writer.set_model(model(0.5))
    writer.on_train_begin()
    for epoch, logs in enumerate([{"loss": 0.1, "f1": 0.2}, {"loss": 0.1 + 0.2, "late": 1.0}]):
        writer.on_epoch_begin(epoch)
        writer.on_epoch_end(epoch, logs)
    text = (tmp_path / "history.csv").read_text(encoding="utf-8")
    expected = "epoch,loss,f1,learning_rate,seconds,late\n1,0.1,0.2,0.5,2.0,\n2,0.30000000000000004,,0.5,2.0,1.0\n"
    assert text == expected
