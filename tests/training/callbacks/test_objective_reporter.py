from __future__ import annotations

from small_training import model, train

from mnistsweep.training.callbacks.objective_reporter import ObjectiveReporter


def test_reports_each_epoch_from_one() -> None:
    reports: list[tuple[int, float]] = []
    reporter = ObjectiveReporter(lambda epoch, value: reports.append((epoch, value)) or False, "val_loss")
    records = train(model(), reporter)
    assert reports == [(epoch, record["val_loss"]) for epoch, record in enumerate(records, 1)]
    assert reporter.pruned_at is None


def test_prunes() -> None:
    reporter = ObjectiveReporter(lambda epoch, value: epoch == 2, "val_loss")
    assert len(train(model(), reporter)) == 2
    assert reporter.pruned_at == 2
