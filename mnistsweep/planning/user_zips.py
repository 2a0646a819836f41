"""Zips that the user gives: swept keys that go together, the first value of each with the first of the others."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from mnistsweep.config.checks import Faults
from mnistsweep.config.overrides import Override
from mnistsweep.dimensions import Choice, Column, Condition, Dimension, Zip
from mnistsweep.errors import ConfigError, SpaceError

MIN_SIMILARITY = 0.8
"""Similarity from which a key counts as a misspelt one, from 0 to 1: a valid key that is not swept is none."""

Listed = Mapping[str, tuple[Any, ...] | None]
"""Values of each swept key in the order given; None for an interval."""


def check_listed_once(overrides: Iterable[Override], given: object, faults: Faults) -> None:
    """Check that each range lists a value once, except for keys that go together.

    Args:
        overrides: Overrides of the sweep, parsed with `may_repeat`.
        given: Value of the key ``zip``.
        faults: Collects a message for each other range.
    """
    zipped = _zipped_keys(given)
    for override in overrides:
        if override.listed is not None and override.key not in zipped:
            with faults.collecting():
                Choice(override.key, override.listed)


def with_zips(dimensions: Sequence[Column], given: Sequence[object], listed: Listed) -> tuple[Dimension, ...]:
    """Replace the dimensions of keys that go together by one dimension, at the place of the first of them.

    Args:
        dimensions: Dimensions of the search, with their conditions.
        given: Value of the key ``zip``, such as ``[[model.filters, model.kernel_size]]``.
        listed: Values of each key that was given a range. A key that is missing in `dimensions` is invalid, which
            another message says.

    Raises:
        ConfigError: What cannot be zipped, one line each.
    """
    columns = {dimension.key: dimension for dimension in dimensions}
    faults = list(_faults_of_form(given))
    zips = list[Zip]()
    for group in [] if faults else _groups(given):
        found = list(_faults_of_keys(group, columns, listed))
        if not found and all(key in columns for key in group):
            found = list(_faults_of_columns([columns[key] for key in group], listed))
            try:
                zips += [] if found else [_zip([columns[key] for key in group], listed)]
            except SpaceError as error:
                found.append(str(error))
        faults += found
    if faults:
        raise ConfigError("\n".join(dict.fromkeys(faults)))
    return _replaced(dimensions, zips)


def _zipped_keys(given: object) -> frozenset[str]:
    """Keys that the key ``zip`` names, also if it is malformed."""
    groups = [group if isinstance(group, list) else [group] for group in given] if isinstance(given, list) else []
    return frozenset(key for group in groups for key in group if isinstance(key, str))


def _replaced(dimensions: Sequence[Column], zips: Sequence[Zip]) -> tuple[Dimension, ...]:
    """The dimensions, with each zip in place of the first of its keys and without the others."""
    zip_of = {key: zipped for zipped in zips for key in zipped.keys}
    places = {zipped.name: min(i for i, d in enumerate(dimensions) if d.key in zipped.keys) for zipped in zips}
    replaced = list[Dimension]()
    for index, dimension in enumerate(dimensions):
        zipped = zip_of.get(dimension.key)
        if zipped is None:
            replaced.append(dimension)
        elif places[zipped.name] == index:
            replaced.append(zipped)
    return tuple(replaced)


def _groups(given: Sequence[object]) -> Iterator[list[str]]:
    for group in given:
        if isinstance(group, list):
            yield list(map(str, group))


def _faults_of_form(given: Sequence[object]) -> Iterator[str]:
    rule = "zip: a list of lists of swept keys, [[model.filters,model.kernel_size]]"
    for group in given:
        if not isinstance(group, list) or not all(isinstance(key, str) for key in group):
            yield f"{rule}; received {given}; put the keys that go together in a list of their own."
            return
        if len(group) < 2:
            yield f"zip: at least two keys go together; received {group}."
    keys = [key for group in given if isinstance(group, list) for key in group]
    for key in dict.fromkeys(key for key in keys if keys.count(key) > 1):
        yield f"zip: a key goes with one group of others; {key} is listed {keys.count(key)} times; list it once."


def _faults_of_keys(group: Sequence[str], columns: Mapping[str, Column], listed: Listed) -> Iterator[str]:
    for key in group:
        if key not in listed:
            nearest = difflib.get_close_matches(key, columns, n=1, cutoff=MIN_SIMILARITY)
            hint = f"did you mean {nearest[0]!r}?" if nearest else f"swept: {', '.join(columns) or 'nothing'}"
            yield f"zip: {key} is not swept; give it a choice, {key}=A,B ({hint})."
        elif listed[key] is None:
            shown = columns[key].describe() if key in columns else "an interval"
            yield f"zip: keys that go together need listed values; {key} is {shown}; write {key}=A,B."
    lengths = {key: len(values) for key in group if (values := listed.get(key)) is not None}
    first, *others = lengths or [""]
    for key in others:
        if lengths[key] != lengths[first]:
            yield (
                f"zip: keys that go together need equally many values; {first} has {lengths[first]}, {key} has "
                f"{lengths[key]}."
            )
            return


def _faults_of_columns(group: Sequence[Column], listed: Listed) -> Iterator[str]:
    """What is wrong with the conditions: all keys must exist at the same points."""
    keys = [column.key for column in group]
    for column in group:
        inner = next((condition for condition in column.conditions if condition.key in keys), None)
        if inner is not None:
            only = f"exists only where {_condition_text(inner)}"
            yield f"zip: keys that go together exist independently; {column.key} {only}; leave one of them out."
            return
    first, *others = group
    for column in others:
        if not _have_same_items(column.conditions, first.conditions):
            yield (
                f"zip: keys that go together exist under the same conditions; {first.key} exists "
                f"{_conditions_text(first.conditions)}, {column.key} {_conditions_text(column.conditions)}."
            )
            return


def _have_same_items(one: Sequence[Condition], other: Sequence[Condition]) -> bool:
    """Whether two lists of conditions hold at the same points; their values may be lists, which have no hash."""
    return all(item in other for item in one) and all(item in one for item in other)


def _conditions_text(conditions: Sequence[Condition]) -> str:
    return f"only where {' and '.join(map(_condition_text, conditions))}" if conditions else "always"


def _condition_text(condition: Condition) -> str:
    return f"{condition.key} is {' or '.join(map(str, condition.values))}"


def _zip(group: Sequence[Column], listed: Listed) -> Zip:
    """The zip of valid dimensions; equal values of a key, such as 64 and 64.0, get the type of the first."""
    axes = []
    for column in group:
        values = listed[column.key] or ()
        axes.append([column.cast(value) for value in values] if isinstance(column, Choice) else list(values))
    return Zip(tuple(column.key for column in group), tuple(zip(*axes, strict=True)), group[0].conditions)
