"""Values as text."""

import pytest

from mnistsweep.text import (
    format_count,
    format_duration,
    format_metric,
    format_metric_change,
    format_point,
    shorten,
    value_label,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"), (True, "true"), (64, "64"), (0.0003, "0.0003"), (1e-5, "1e-5"), ([3, 3], "3-3"), ([], "[]"),
        ("categorical_crossentropy", "cate…tropy"), (0.1 + 0.2, "0.3"),
    ],
)  # fmt: skip
def test_labels_of_values_are_short(value, text):
    assert value_label(value) == text


@pytest.mark.parametrize("max_length", [2, 3, 10, 14, 17])
@pytest.mark.parametrize("keep_end", [True, False])
def test_a_shortened_text_has_the_maximum_length(max_length, keep_end):
    text = "species number 104"

    short = shorten(text, max_length, keep_end)

    assert len(short) == max_length
    head, tail = short.split("…")
    assert text.startswith(head)
    assert text.endswith(tail)
    assert (tail == "") is not keep_end
    assert shorten(text, len(text), keep_end) == text


def test_metrics_are_formatted_by_their_kind():
    assert format_metric("val_accuracy", 0.99214) == "99.21 %"
    assert format_metric("val_loss", 0.034567) == "0.03457"
    assert format_metric_change("accuracy", 0.0005) == "+0.05 points"
    assert format_metric_change("loss", 0.0005) == "+0.0005"


def test_durations_have_two_units():
    assert [format_duration(seconds) for seconds in (0.04, 59.94, 100.0, 3725)] == [
        "0.0 s", "59.9 s", "1 min 40 s", "1 h 2 min",
    ]  # fmt: skip
    assert format_duration(7.4, decimals=0) == "7 s"


def test_points_and_counts():
    assert format_point({"optimizer": "sgd", "model.dropout": 0.123456}) == "optimizer=sgd model.dropout=0.123"
    assert [format_count(count, "image") for count in (0, 1, 1200)] == ["0 images", "1 image", "1,200 images"]
