"""Hydra's override grammar as a search space: what each form of a range means."""

from __future__ import annotations

from typing import Any

import pytest

from mnistsweep.config.grammar import parse, value_of
from mnistsweep.config.objective import check, direction_of
from mnistsweep.dimensions import Choice, Dimension, Float, Int
from mnistsweep.errors import ConfigError, SpaceError


def only(text: str) -> Dimension:
    (dimension,) = parse([text]).dimensions
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
        ("x=range(1,1)", SpaceError, r"x: an empty range, received range\(1,1\); its end is left out"),
        ("x=range(5,1)", SpaceError, "x: an empty range"),
        ("x=range(1,5,0)", SpaceError, "a step that is not 0"),
        ("x=range(0,inf)", SpaceError, "x: a range has finite bounds"),
        ("x=range(0,1000000000)", SpaceError, "x: 1,000,000,000 values are too many to list"),
        ("x=interval(2,1)", SpaceError, "x: the first bound of an interval is the smaller one"),
        ("x=interval(0,inf)", SpaceError, "x: the bounds of an interval are finite"),
        ("x=tag(log,interval(0,1))", SpaceError, "x: a logarithmic interval starts above zero, received 0"),
        ("x=tag(lag,interval(1,2))", SpaceError, "the only tag of a range is log, received 'lag'; did you mean 'log'"),
        ("x=tag(log,range(1,9))", SpaceError, r"x: log goes with interval, received tag\(log,range\(1,9\)\)"),
        ("x=tag(log,choice(1,9))", SpaceError, "x: log goes with interval"),
        ("x=1,1", SpaceError, "x: a choice lists each value once"),
        ("x=nan,1", SpaceError, "x: NaN cannot be a value"),
        ("x=shuffle(choice(a,b))", SpaceError, "x: which value comes first is the oracle's to say"),
        ("x=shuffle(range(1,5))", SpaceError, "x: which value comes first"),
        ("x=glob(a*)", SpaceError, r"x: nothing matches glob\(a\*\). Known: none"),
        ("x=choice(", ConfigError, r"'x=choice\(' is no override: .*x=a,b|key=a,b"),
        ("x=interval(a,b)", ConfigError, "'x=interval.a,b.' is no override"),
        ("x", ConfigError, "'x' is no override"),
        ("~x=1,2", ConfigError, "'~x=1,2': a key that is deleted cannot be swept"),
    ],
)
def test_what_cannot_be_searched_is_refused_with_its_reason(text: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        parse([text])


def test_fixed_overrides_are_passed_on_as_they_were_typed() -> None:
    request = parse(["trainer.epochs=3", "model=fast_conv", "x=1,2", "+new=[1,2]", "~gone", "+added=1,2"])
    assert request.fixed == ("trainer.epochs=3", "model=fast_conv", "+new=[1,2]", "~gone")
    assert [dimension.key for dimension in request.dimensions] == ["x", "added"]
    assert request.added == {"added"}


def test_the_last_override_of_a_key_wins() -> None:
    request = parse(["x=1,2", "y=1", "x=5", "y=3,4"])
    assert request.fixed == ("x=5",)
    assert request.dimensions == (Choice("y", (3, 4)),)


def test_the_command_line_wins_over_the_sweepers_params() -> None:
    params = {"x": "range(1,4)", "y": "interval(0,1)", "z": "a,b"}
    request = parse(["y=0.5", "z=c,d"], params)
    assert request.fixed == ("y=0.5",)
    assert request.dimensions == (Choice("x", (1, 2, 3)), Choice("z", ("c", "d")))


@pytest.mark.parametrize(
    "values", [["x y", "b,c", None, True, 1.5, [1, "z"], {"k": "v"}, "it's"], ["a", "b"], ["a"], [1, 2], ["true", True]]
)
def test_a_list_among_the_sweepers_params_is_a_choice_of_just_its_items(values: list[Any]) -> None:
    assert parse([], {"x": values}).dimensions == (Choice("x", tuple(values)),)


def test_plain_values_among_the_sweepers_params_are_fixed() -> None:
    assert parse([], {"a": None, "b": True, "c": 3, "d": "word"}).fixed == ("a=null", "b=True", "c=3", "d=word")


def test_glob_chooses_among_the_options_of_a_group() -> None:
    known = {"optimizer": ["adam", "adamw", "sgd"]}
    request = parse(["optimizer=glob(a*,exclude=adamw)"], options=known.__getitem__)
    assert request.dimensions == (Choice("optimizer", ("adam",)),)
    with pytest.raises(SpaceError, match="Known: adam, adamw, sgd"):
        parse(["optimizer=glob(z*)"], options=known.__getitem__)


def test_the_value_of_a_fixed_override() -> None:
    assert [value_of(text) for text in ("x=0.9", "x=null", "x=sgd", "x=[1,2]")] == [0.9, None, "sgd", [1, 2]]


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
        ("val_cosine_similarity", None),
    ],
)
def test_the_direction_follows_from_the_name_where_it_tells(objective: str, direction: str | None) -> None:
    assert direction_of(objective) == direction


def test_an_objective_is_checked_against_what_is_measured() -> None:
    assert check("val_accuracy", "auto", ["accuracy"]) == []
    assert check("val_anything", "max", None) == []
    (fault,) = check("val_acuracy", "auto", ["accuracy"])
    assert "objective: 'val_acuracy' is not measured; did you mean 'val_accuracy'" in fault
    (fault,) = check("val_similarity", "auto", None)
    assert "set direction=max or direction=min" in fault
    (fault,) = check("val_accuracy", "maximum", ["accuracy"])
    assert "direction: 'maximum' is none; did you mean 'max'" in fault


@pytest.mark.parametrize("text", ["x=int(interval(0.2,0.6))", "x=int(tag(log,interval(1,9.5)))"])
def test_whole_numbers_between_fractions_are_refused(text: str) -> None:
    with pytest.raises(SpaceError, match=r"x: the bounds of whole numbers are whole, received int\("):
        parse([text])


def test_a_fraction_of_zero_is_whole() -> None:
    assert parse(["x=int(interval(1.0,4.0))"]).dimensions == (Int("x", 1, 4),)
