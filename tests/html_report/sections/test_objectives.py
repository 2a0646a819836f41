"""The section on objectives and constraints: the front, its table and file, and the counts of violations."""

from __future__ import annotations

from dataclasses import replace

from evidence import make_evidence, search_of
from sections import blocks_of, figure_of, section_of

from mnistsweep.config.constraints import Constraint
from mnistsweep.config.objectives import Objective
from mnistsweep.dimensions import Choice
from mnistsweep.html_report.evidence import SearchHistory
from mnistsweep.html_report.records import Table
from mnistsweep.html_report.sections import objectives, sections_of
from mnistsweep.space import SearchSpace
from mnistsweep.study.recorded_results import judged
from mnistsweep.study.records import State

SPACE = SearchSpace((Choice("size", (1, 2, 3, 4)),))
BOUNDS = (Constraint("parameters", True, 3000.0), Constraint("seconds", True, 60.0))
FURTHER = (Objective("parameters", "min"), Objective("val_loss", "min"))


def several(further: tuple[Objective, ...] = FURTHER, constraints: tuple[Constraint, ...] = ()) -> SearchHistory:
    search = search_of(SPACE, [{"size": size} for size in (1, 2, 3, 4)], [0.9, 0.95, 0.95, 0.99], [10, 20, 30, 40])
    known = [
        {"parameters": parameters, "val_loss": loss}
        for parameters, loss in ((1234, 0.5), (2000, 0.4), (2000, 0.45), (1234567, 0.1))
    ]
    trials = [
        replace(one, result=judged(State.COMPLETED, replace(one.result, quantities=found), constraints))
        for one, found in zip(search.trials, known, strict=True)
    ]
    return replace(search, trials=trials, further=further, constraints=constraints)


def test_the_front_has_a_figure_a_table_and_a_file() -> None:
    section = section_of(several(), objectives)
    assert section.files["front.csv"].to_dict("list") == {
        "trial": [3, 1, 0], "val_accuracy": [0.99, 0.95, 0.9], "parameters": [1234567.0, 2000.0, 1234.0],
        "val_loss": [0.1, 0.4, 0.5], "size": [4, 2, 1],
    }  # fmt: skip
    (table,) = blocks_of(section, Table)
    assert table.columns == ("trial", "val_accuracy", "parameters", "val_loss", "configuration")
    assert table.rows[0] == ("3", "99.00 %", "1234567", "0.1", "size=4")
    caption = figure_of(section, "objectives-front").caption
    assert caption.startswith(
        "3 of 4 completed trials are on the Pareto front of val_accuracy (larger is better), "
        "parameters (smaller is better), val_loss (smaller is better): "
    )


def test_a_trial_that_violates_a_constraint_is_counted_and_not_on_the_front() -> None:
    section = section_of(several(constraints=BOUNDS), objectives)
    assert section.files["front.csv"]["trial"].tolist() == [1, 0]
    caption = figure_of(section, "objectives-front").caption
    assert caption.startswith("2 of 3 completed trials that keep all constraints are on the Pareto front of ")
    _, table = blocks_of(section, Table)
    assert table.columns == ("constraint", "violated by", "judged trials")
    assert table.rows == [("parameters<=3000", "1", "4"), ("seconds<=60", "0", "4")]


def test_constraints_of_a_search_with_one_objective_are_listed_alone() -> None:
    section = section_of(several(further=(), constraints=BOUNDS), objectives)
    assert section.files == {}
    assert [type(block) for block in section.blocks] == [Table]


def test_without_either_there_is_no_such_section() -> None:
    assert section_of(several(further=()), objectives) is None
    assert "objectives" not in [one.name for one in sections_of(make_evidence())]
    names = [one.name for one in sections_of(make_evidence(search=several()))]
    assert names[names.index("history") - 1] == "objectives"
