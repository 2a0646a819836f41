"""The section on the search, trial by trial: its counts, captions and advice."""

import json
import re
from dataclasses import replace

import numpy as np
from evidence import make_search, search_of, with_state
from sections import AWKWARD, figure_of, random_points, section_of

from mnistsweep.dimensions import Choice, Float, Int
from mnistsweep.html_report.records import Facts, Interactive
from mnistsweep.html_report.sections import history
from mnistsweep.space import SearchSpace
from mnistsweep.study.ranking import best_of
from mnistsweep.study.records import State


def test_history_counts_and_names_the_best():
    search = make_search()
    best = best_of(search.trials, "max")

    section = section_of(search, history)

    facts = next(block for block in section.blocks if isinstance(block, Facts)).facts
    assert (facts[0].value, facts[0].note) == ("24", "22 completed, 1 pruned, 1 failed")
    assert (facts[1].value, facts[1].note) == (f"{100 * best.result.objective:.2f} %", f"trial {best.number}")
    assert [fact.label for fact in facts] == ["trials", "best val_accuracy", "training time"]
    caption = figure_of(section, "search-history").caption
    assert f"Trial {best.number} is the best of 24 trials (numbered from 0)" in caption
    assert "1 pruned trial is drawn as a cross" in caption


def test_the_running_time_is_shown_where_it_was_recorded():
    section = section_of(replace(make_search(), running_seconds=3725.0), history)
    facts = next(block for block in section.blocks if isinstance(block, Facts)).facts
    assert (facts[3].label, facts[3].value) == ("running time", "1 h 2 min")


def test_pareto_file_holds_the_front_of_the_completed():
    space = SearchSpace((Choice("size", (1, 2, 3)),))
    search = search_of(space, [{"size": 1}, {"size": 2}, {"size": 3}], [0.90, 0.85, 0.95], [10.0, 20.0, 30.0])
    search = with_state(search, State.PRUNED, [0])

    table = section_of(search, history).files["pareto.csv"]

    assert table.to_dict("list") == {
        "trial": [1, 2], "seconds": [20.0, 30.0], "val_accuracy": [0.85, 0.95], "size": [2, 3],
    }  # fmt: skip


def test_a_late_best_failures_and_a_cheaper_trial_are_worth_advice():
    space = SearchSpace((Float("x", 0.0, 1.0),))
    points = random_points(space, 20)
    objective, seconds = np.linspace(0.5, 0.6, 20), np.full(20, 100.0)
    objective[3], seconds[3] = objective[19] - 0.0005, 20.0
    search = search_of(space, points, objective, seconds)
    search = with_state(search, State.FAILED, [5, 6], reason="out of memory\nat line 3")

    late, cheaper, failed = section_of(search, history).advice

    assert late.startswith("Raise `trials`, for example to 40, ")
    assert "the best trial is number 19 of 20" in late
    assert cheaper.endswith(
        "trial 3 if training time matters: it reaches 59.95 % in 20.0 s, the best trial 60.00 % in 1 min 40 s."
    )
    assert failed == (
        "Check the failed trials in results.csv: 2 of 20 trials failed, most often with “out of memory” (2)."
    )


def test_nothing_is_late_where_all_points_were_tried():
    space = SearchSpace((Int("x", 1, 12),))
    points = [{"x": number} for number in range(1, 13)]

    assert list(section_of(search_of(space, points, np.linspace(0.5, 0.6, 12)), history).advice) == []
    (late,) = section_of(search_of(space, points[:10], np.linspace(0.5, 0.6, 10)), history).advice
    assert late.startswith("Raise `trials`, for example to 12, ")
    assert "may still have been improving" in late


def test_no_advice_without_reason():
    space = SearchSpace((Float("x", 0.0, 1.0),))
    search = search_of(space, random_points(space, 20), np.linspace(0.6, 0.5, 20))

    assert list(section_of(search, history).advice) == []


def test_interactive_parallel_coordinates_hold_all_trials():
    search = make_search()

    block = next(b for b in section_of(search, history).blocks if isinstance(b, Interactive))

    assert 'id="parallel-coordinates"' in block.html
    assert "<html" not in block.html
    assert "cdn.plot.ly" not in block.html
    dimensions = json.loads(re.search(r'"dimensions":(\[.*?\]),"(?:labelangle|line)"', block.html)[1])
    assert [one["label"] for one in dimensions] == [
        "optimizer", "momentum", "dropout", "learning_rate", "batch_size", "val_accuracy",
    ]  # fmt: skip
    assert {len(one["values"]) for one in dimensions} == {23}  # the failed one is out
    optimizer, momentum = dimensions[:2]
    assert (optimizer["tickvals"], optimizer["ticktext"]) == ([0.0, 1.0], ["adam", "sgd"])
    assert momentum["ticktext"][0] == "–"
    below = [value < 0 for value in momentum["values"]]
    assert below == [value == 0 for value in optimizer["values"]]  # adam has none


def test_a_dimension_of_one_value_is_no_line():
    search = search_of(AWKWARD, random_points(AWKWARD, 10), np.arange(10.0))

    block = next(b for b in section_of(search, history).blocks if isinstance(b, Interactive))

    assert '"label":"one"' not in block.html
    assert '"label":"many"' in block.html
