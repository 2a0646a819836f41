"""The winner's learning curves, and what they advise."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from evidence import make_evidence, make_search

from mnistsweep.html_report.figures import style
from mnistsweep.html_report.sections import curves

EVIDENCE = make_evidence()


def with_curves(columns, best_epoch, epochs=None):
    """Evidence whose winner learnt like this; the others as they did."""
    number = EVIDENCE.winner.number
    count = len(next(iter(columns.values())))
    own = pd.DataFrame({"trial": number, "epoch": range(1, count + 1), **columns})
    others = EVIDENCE.search.curves.query("trial != @number")
    search = dataclasses.replace(EVIDENCE.search, curves=pd.concat([others, own], ignore_index=True))
    winner = dataclasses.replace(EVIDENCE.winner, best_epoch=best_epoch, epochs=epochs or count)
    return dataclasses.replace(EVIDENCE, search=search, winner=winner)


def panels(section):
    return section.blocks[0].drawing.axes


def line(axes, label):
    return next(one for one in axes.lines if one.get_label() == label)


def test_the_winners_curves_are_drawn_as_they_were():
    section = curves.section(EVIDENCE)

    accuracy, loss = panels(section)
    own = EVIDENCE.search.curves.query("trial == @EVIDENCE.winner.number")
    np.testing.assert_array_equal(line(accuracy, "winner, training").get_ydata(), own.accuracy)
    np.testing.assert_array_equal(line(accuracy, "winner, validation").get_ydata(), own.val_accuracy)
    np.testing.assert_array_equal(line(loss, "winner, validation").get_ydata(), own.val_loss)
    assert line(loss, "best epoch").get_xdata() == [3, 3]
    others = line(accuracy, "other trials, validation").get_ydata()
    assert np.isnan(others).sum() == 23  # one line with a gap after each
    assert np.isnan(line(accuracy, "retrained, training").get_ydata()).sum() == 3


def test_the_caption_has_the_numbers_of_the_best_epoch():
    evidence = with_curves(
        {"accuracy": [0.9, 0.95, 0.99], "val_accuracy": [0.91, 0.96, 0.955], "loss": [0.5, 0.2, 0.1]}, best_epoch=2
    )
    winner = dataclasses.replace(evidence.winner, value=0.96)

    caption = curves.section(dataclasses.replace(evidence, winner=winner)).blocks[0].caption

    assert "is 2 of 3 (dotted line): val_accuracy 96.00 %." in caption
    assert "At this epoch, accuracy is 95.00 % on training and 96.00 % on validation data." in caption
    assert "The 3 retrained models were trained on training and validation data together." in caption


def test_overfitting_is_told_with_its_numbers():
    evidence = with_curves({"loss": [0.5, 0.2, 0.1], "val_loss": [0.4, 0.25, 0.3]}, best_epoch=2)

    (sentence,) = curves.section(evidence).advice

    assert "rose from 0.25 (epoch 2) to 0.3 (epoch 3) while the training loss fell from 0.2 to 0.1" in sentence


@pytest.mark.parametrize(
    "columns",
    [
        {"loss": [0.5, 0.2, 0.1], "val_loss": [0.4, 0.25, 0.251]},  # by less than the noise
        {"loss": [0.5, 0.2, 0.3], "val_loss": [0.4, 0.25, 0.3]},  # both rose: that is another trouble
        {"loss": [0.5, 0.2, 0.1]},
    ],
)
def test_no_overfitting(columns):
    assert list(curves.section(with_curves(columns, best_epoch=2)).advice) == []


def test_a_best_epoch_at_the_end_asks_for_more():
    columns = {"accuracy": [0.5, 0.6, 0.7], "val_accuracy": [0.5, 0.6, 0.75]}

    (sentence,) = curves.section(with_curves(columns, best_epoch=3)).advice

    assert "is its last, 3 of 3 (val_accuracy +15.00 points in that epoch), so it was still improving." in sentence
    decayed = with_curves({**columns, "learning_rate": [0.1, 0.05, 0.0]}, best_epoch=3)
    assert "although the learning rate had decayed" in curves.section(decayed).advice[0]
    assert not curves.section(with_curves(columns, best_epoch=2)).advice
    assert not curves.section(with_curves(columns, best_epoch=3, epochs=9)).advice  # it was stopped early


def test_of_repeats_the_best_epoch_is_not_the_curves():
    evidence = with_curves({"accuracy": [0.5, 0.6], "val_accuracy": [0.5, 0.6]}, best_epoch=2)
    winner = dataclasses.replace(evidence.winner, value=0.58, repeats=3)

    section = curves.section(dataclasses.replace(evidence, winner=winner))

    told = f"Trial {winner.number}: val_accuracy 58.00 %, mean over 3 repeats; the curve is that of repeat 1."
    assert section.blocks[0].caption.startswith(told)
    assert "best epoch" not in [one.get_label() for one in panels(section)[0].lines]
    assert list(section.advice) == []


def test_one_epoch_one_trial_and_no_refits():
    search = make_search(1)
    winner = dataclasses.replace(EVIDENCE.winner, number=0, best_epoch=1, epochs=1)
    search = dataclasses.replace(search, curves=search.curves.head(1))
    evidence = dataclasses.replace(EVIDENCE, search=search, winner=winner, retraining_curves=None)

    section = curves.section(evidence)

    assert "retrained" not in section.blocks[0].caption
    assert style.to_svg(section.blocks[0].drawing, "curves").startswith("<svg")
    assert list(section.advice) == []


def test_a_regression_has_only_a_loss():
    section = curves.section(with_curves({"loss": [0.5, 0.2], "val_loss": [0.4, 0.3]}, best_epoch=1))

    assert [axes.get_ylabel() for axes in panels(section)] == ["loss"]


def test_nothing_to_show():
    no_curves = dataclasses.replace(EVIDENCE.search, curves=EVIDENCE.search.curves.head(0))
    none_completed = dataclasses.replace(EVIDENCE.search, trials=[])

    assert curves.section(dataclasses.replace(EVIDENCE, search=None)) is None
    assert curves.section(dataclasses.replace(EVIDENCE, search=no_curves)) is None
    assert curves.section(dataclasses.replace(EVIDENCE, search=none_completed)) is None
