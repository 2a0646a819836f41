from __future__ import annotations

from pathlib import Path

import pytest
from small_training import EPOCHS, model, read_rows, train

from mnistsweep.errors import TrialLimited
from mnistsweep.training.callbacks.history_writer import HistoryWriter
from mnistsweep.training.callbacks.stopping import Interrupted, StopOnRequest, TimeLimit


class TestStopOnRequest:
    def test_interrupts_within_an_epoch(self) -> None:
        built = model()
        answers = iter([False, True])
        with pytest.raises(Interrupted):
            train(built, StopOnRequest(lambda: next(answers)))
        assert 0 < int(built.optimizer.iterations) < 4

    def test_interrupts_an_evaluation(self) -> None:
        calls: list[bool] = []
        callback = StopOnRequest(lambda: calls.append(True) or True)
        with pytest.raises(Interrupted):
            callback.on_test_batch_end(0)
        assert calls == [True]

    def test_an_epoch_that_ended_is_recorded_first(self, tmp_path: Path) -> None:
        path = tmp_path / "history.csv"
        with pytest.raises(Interrupted):
            train(model(), HistoryWriter(path), StopOnRequest(path.exists))
        assert [row["epoch"] for row in read_rows(path)] == ["1"]

    def test_a_training_without_a_request_is_not_interrupted(self) -> None:
        assert len(train(model(), StopOnRequest(lambda: False))) == EPOCHS


class TestTimeLimit:
    @pytest.mark.parametrize("event", ["on_train_batch_end", "on_test_batch_end", "on_epoch_end"])
    def test_ends_a_training_that_takes_too_long(self, event: str) -> None:
        seconds = 90.0
        limit = TimeLimit(1.5, lambda: seconds)
        limit.on_epoch_begin(2)
        getattr(limit, event)(0)
        seconds = 93.0
        message = r"^timed out after 1.55 minutes in epoch 3 \(trial.timeout_minutes=1.5\)$"
        with pytest.raises(TrialLimited, match=message):
            getattr(limit, event)(0)
