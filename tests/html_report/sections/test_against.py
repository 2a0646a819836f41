"""The section on training time and objective against one hyperparameter."""

import pytest
from evidence import make_search, search_of
from sections import figure_of, section_of

from mnistsweep.dimensions import Choice, Float
from mnistsweep.errors import DataError
from mnistsweep.html_report.records import Table
from mnistsweep.html_report.sections import against
from mnistsweep.space import SearchSpace


def test_against_a_hyperparameter_that_was_asked_for():
    space = SearchSpace((Choice("trainer.batch_size", (32, 64, 128)), Float("x", 0.0, 1.0)))
    points = [{"trainer.batch_size": size, "x": 0.5} for size in (32, 32, 64, 64, 128)]
    search = search_of(space, points, [0.98, 0.99, 0.97, 0.97, 0.90], [20.0, 22.0, 10.0, 10.0, 5.0])

    section = section_of(search, against, against="trainer.batch_size")

    table = next(block for block in section.blocks if isinstance(block, Table))
    assert list(table.rows) == [
        ["32", "2", "21.0 ± 1.4", "98.50 % ± 0.71 %"],
        ["64", "2", "10.0 ± 0.0", "97.00 % ± 0.00 %"],
        ["128", "1", "5.0", "90.00 %"],
    ]
    caption = figure_of(section, "search-against").caption
    assert "On average, 128 is fastest (5.0 s) and 32 has the best val_accuracy (98.50 %)." in caption


def test_against_what_was_not_swept():
    with pytest.raises(DataError, match=r"report.against: 'model.droput' was not swept; .*model.dropout"):
        section_of(make_search(), against, against="model.droput")


def test_against_the_most_important_by_default():
    assert "against model.dropout, for" in figure_of(section_of(make_search(200), against), "search-against").caption
