"""Hydra's override grammar as a search space: what each form of a range means."""

from __future__ import annotations

import re

import pytest

from mnistsweep.config.objective import check_direction, check_objective, direction_of
from mnistsweep.config.overrides import parse_override
from mnistsweep.dimensions import Choice, Dimension, Float, Int
from mnistsweep.errors import ConfigError, SpaceError


def only(text: str) -> Dimension:
    dimension = parse_override(text).dimension
    assert dimension is not None
    return dimension


@pytest.mark.parametrize(
    ("text", "dimension"),
    [
        ("x=range(1,4)", Choice("x", (1, 2, 3))),
        ("x=range(3)", Choice("x", (0, 1, 2))),
        ("x=range(1,10,2)", Choice("x", (1, 3, 5, 7, 9))),
        ("x=range(1,9,2)", Choice("x", (1, 3, 5, 7))),
        ("x=range(10,1,-3)", Choice("x", (4, 7, 10))),
        ("x=range(0,0.9,0.3)", Choice("x", (0.0, 0.3, 0.6))),
        ("x=range(0,1,0.1)", Choice("x", tuple(index / 10 for index in range(10)))),
        ("x=range(0.1,0.35,0.1)", Choice("x", (0.1, 0.2, 0.3))),
        ("x=float(range(1,3))", Choice("x", (1.0, 2.0))),
        ("x=int(interval(1,5))", Int("x", 1, 5)),
        ("x=interval(1,5)", Float("x", 1.0, 5.0)),
        ("x=interval(0,0.6)", Float("x", 0.0, 0.6)),
        ("x=tag(log,interval(1e-4,1e-1))", Float("x", 1e-4, 1e-1, log=True)),
        ("x=int(tag(log,interval(1,100)))", Int("x", 1, 100, log=True)),
        ("x=tag(log,int(interval(1,100)))", Int("x", 1, 100, log=True)),
        ("x=128,32,64", Choice("x", (32, 64, 128))),
        ("x=choice(b,a)", Choice("x", ("b", "a"))),
        ("x=choice(b)", Choice("x", ("b",))),
        ("x=sort(c,a,b)", Choice("x", ("a", "b", "c"))),
        ("x=true,false", Choice("x", (True, False))),
        ("x=l2,null", Choice("x", ("l2", None))),
        ("x='a b','c,d'", Choice("x", ("a b", "c,d"))),
        ("x=[8,16],[16]", Choice("x", ([8, 16], [16]))),
        ("x={k:1},{k:2}", Choice("x", ({"k": 1}, {"k": 2}))),
        ("optimizer=adam,sgd", Choice("optimizer", ("adam", "sgd"))),
    ],
)
def test_each_form_of_a_range_is_a_dimension(text: str, dimension: Dimension) -> None:
    assert only(text) == dimension
    assert [type(value) for value in getattr(only(text), "values", ())] == [
        type(value) for value in getattr(dimension, "values", ())
    ]


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("x=range(1,1)", SpaceError, r"x: the range is empty; received range\(1,1\); its end is left out"),
        ("x=range(5,1)", SpaceError, "x: the range is empty"),
        ("x=range(1,5,0)", SpaceError, "its step is not 0"),
        ("x=range(0,inf)", SpaceError, "x: the bounds of a range are finite"),
        ("x=range(0,1000000000)", SpaceError, "x: 1,000,000,000 values are too many to list"),
        ("x=interval(2,1)", SpaceError, "x: the first bound of an interval is the smaller one"),
        ("x=interval(0,inf)", SpaceError, "x: the bounds of an interval are finite"),
        ("x=tag(log,interval(0,1))", SpaceError, "x: a logarithmic interval starts above zero, received 0"),
        ("x=tag(lag,interval(1,2))", SpaceError, "the only tag of a range is log; received 'lag'; did you mean 'log'"),
        ("x=tag(log,range(1,9))", SpaceError, r"x: log requires an interval; received tag\(log,range\(1,9\)\)"),
        ("x=tag(log,choice(1,9))", SpaceError, "x: log requires an interval"),
        ("x=1,1", SpaceError, "x: a choice lists each value once"),
        ("x=nan,1", SpaceError, "x: NaN cannot be a value"),
        ("x=shuffle(choice(a,b))", SpaceError, "x: the oracle decides the order of values"),
        ("x=shuffle(range(1,5))", SpaceError, "x: the oracle decides the order"),
        ("x=glob(a*)", SpaceError, r"x: nothing matches glob\(a\*\). Known: none"),
        ("x=choice(", ConfigError, r"x: '\(' at character 9 is not closed"),
        ("x=interval(a,b)", ConfigError, "x: the arguments do not fit interval"),
        ("x", ConfigError, "x: an override is key=value"),
        ("~x=1,2", ConfigError, "'~x=1,2': a key that is deleted cannot be swept"),
    ],
)
def test_what_cannot_be_searched_is_refused_with_its_reason(text: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        parse_override(text)


LIMIT = "x: a whole number is between -9007199254740991 and 9007199254740991, because larger ones would be rounded; "


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("int(interval(1,99999999999999999999))", "write int(interval(1,9007199254740991))."),
        ("int(interval(-1e300,1))", "write int(interval(-9007199254740991,1))."),
        ("int(tag(log,interval(1,9007199254740992)))", "write int(tag(log,interval(1,9007199254740991)))."),
        ("tag(log,int(interval(end=1e17,start=1)))", "write tag(log,int(interval(1,9007199254740991)))"),
    ],
)
def test_whole_numbers_that_would_be_rounded_are_refused_with_the_nearest_range(text: str, rest: str) -> None:
    with pytest.raises(SpaceError, match=re.escape(f"{LIMIT}received {text}; {rest}")):
        parse_override(f"x={text}")


@pytest.mark.parametrize("number", ["9007199254740992", "-99999999999999999999", "1" + 400 * "0"])
def test_a_listed_whole_number_that_would_be_rounded_is_refused(number: str) -> None:
    nearest = "-9007199254740991" if number.startswith("-") else "9007199254740991"
    with pytest.raises(SpaceError, match=f"{LIMIT}received {number}; the nearest valid number is {nearest}"):
        parse_override(f"x=1,{number}")


def test_whole_numbers_up_to_the_limit_are_searched() -> None:
    assert only("x=int(interval(-9007199254740991,9007199254740991))") == Int("x", -(2**53) + 1, 2**53 - 1)
    assert only("x=int(interval(1.5e1,1_000))") == Int("x", 15, 1000)


def test_glob_chooses_among_the_options_of_a_group() -> None:
    known = {"optimizer": ["adam", "adamw", "sgd"]}
    override = parse_override("optimizer=glob(a*,exclude=adamw)", options=known.__getitem__)
    assert override.dimension == Choice("optimizer", ("adam",))
    with pytest.raises(SpaceError, match="Known: adam, adamw, sgd"):
        parse_override("optimizer=glob(z*)", options=known.__getitem__)


@pytest.mark.parametrize(
    ("objective", "direction"),
    [
        ("val_accuracy", "max"),
        ("val_sparse_top_k_categorical_accuracy", "max"),
        ("val_auc", "max"),
        ("val_mean_io_u", "max"),
        ("f1_score", "max"),
        ("val_loss", "min"),
        ("val_sparse_categorical_crossentropy", "min"),
        ("val_mean_absolute_error", "min"),
        ("val_mse", "min"),
        ("val_kl_divergence", "min"),
        ("val_auc_1", "max"),
        ("val_weighted_accuracy", "max"),
        ("val_r2_score", "max"),
        ("val_false_positives", "min"),
        ("val_cosine_similarity", None),
        ("val_brier_score", None),
        ("val_fid_score", None),
        ("val_false_acceptance_rate", None),
        ("val_inaccuracy", None),
        ("val_neg_log_loss", None),
        ("val_neg_mean_squared_error", None),
        ("val_f1", None),
    ],
)
def test_the_direction_follows_from_the_name_where_it_tells(objective: str, direction: str | None) -> None:
    assert direction_of(objective) == direction


def test_an_objective_is_checked_against_what_is_measured() -> None:
    assert check_objective("val_accuracy", "auto", ["accuracy"]) == []
    assert check_objective("val_anything", "max", None) == []
    (fault,) = check_objective("val_acuracy", "auto", ["accuracy"])
    assert "objective: 'val_acuracy' is not measured; did you mean 'val_accuracy'" in fault
    assert check_objective("val_similarity", "auto", None) == []  # the rehearsal checks the name first
    (fault,) = check_direction("val_similarity", "auto")
    assert "set direction=max or direction=min" in fault
    (fault,) = check_objective("val_accuracy", "maximum", ["accuracy"])
    assert "direction: must be auto, max or min; received 'maximum'; did you mean 'max'" in fault


@pytest.mark.parametrize(
    "text", ["x=int(interval(0.2,0.6))", "x=int(tag(log,interval(1,9.5)))", "x=int(interval(1e-1,5))"]
)
def test_whole_numbers_between_fractions_are_refused(text: str) -> None:
    with pytest.raises(SpaceError, match=r"x: the bounds of whole numbers must be whole; received int\("):
        parse_override(text)


def test_a_fraction_of_zero_is_whole() -> None:
    assert only("x=int(interval(1.0,4.0))") == Int("x", 1, 4)
