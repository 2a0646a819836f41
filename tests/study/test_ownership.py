"""Ownership of a trial, and its count of crashes."""

from __future__ import annotations

import pytest

from mnistsweep.study.ownership import Ownership, Progress


@pytest.mark.parametrize(
    "stored",
    [
        {"owner": "me", "deaths": 1, "done": [3, 17]},
        {"owner": "", "deaths": 0, "done": None},
    ],
)
def test_the_stored_form_is_that_of_earlier_versions(stored: dict[str, object]) -> None:
    assert Ownership.from_json(stored).to_json() == stored


def test_a_trial_without_stored_progress_is_read() -> None:
    assert Ownership.from_json({"owner": "me", "deaths": 1, "epoch": 0}) == Ownership("me", 1, None)
    assert Ownership("me").to_json() == {"owner": "me", "deaths": 0, "done": [0, 0]}


@pytest.mark.parametrize(
    ("progress", "has_crashed", "num_crashes"),
    [((2, 5), True, 2), ((2, 5), False, 1), ((3, 5), True, 1), ((2, 6), True, 1), ((2, 6), False, 0)],
)
def test_crashes_are_counted_since_the_last_progress(progress: Progress, has_crashed: bool, num_crashes: int) -> None:
    before = Ownership("first", 1, (2, 5))
    assert before.taken_over("second", progress, has_crashed) == Ownership("second", num_crashes, progress)
