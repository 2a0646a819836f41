"""Values of configuration keys and characters that a program easily gets wrong, as strategies of Hypothesis."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import strategies as st

from mnistsweep.config.overrides import quoted

# Combining accents, text from right to left, an emoji of several code points, characters outside of the first plane,
# characters that a terminal, a CSV reader or a YAML reader treats in its own way, and bytes that are no UTF-8.
ODD_CHARACTERS = (
    "é", "e\u0301", "ß", "漢", "\u05e9\u05dc", "\u202e", "\u200d", "\ufeff", "👩\u200d🔬", "𝔘", "\u2028", "\u0085",
    "\xa0", "\t", "\n", "\r", "\r\n", "\x1b[31m", "\x07", "\x08", "\x7f", "\x01", "\udcff", "\udc80",
    " ", "'", '"', "\\", "\\'", "`", ",", ":", "=", "#", "$", "${", "}", "{", "]", "[", "(", ")", "%", "&", "*", "!",
    "|", ">", "~", "+", "@", "?", "-", ".", "..", ";", "<", "^", "_", "0", "9", "e", "x",
)  # fmt: skip
ODD_CHARACTER = st.sampled_from(ODD_CHARACTERS)

# Texts that look like something else: numbers, null, booleans, dates, missing values, references, comments.
AMBIGUOUS_TEXTS = (
    "", " ", "1", "1.0", "-0.0", "1e-7", "1e5", "007", "0x1f", "1_000", "true", "True", "false", "null", "None",
    "~", "nan", "NaN", "inf", "-inf", "Infinity", "yes", "no", "on", "2024-01-31", "12:30:45", "???",
    "${trainer.epochs}", "${nothing}", "${", "${hydra:runtime.cwd}", "${oc.env:HOME}",
    "${oc.env:NOTHING_OF_THIS_NAME}", "#", "# no comment", " leading", "trailing ", "a\nb", "\n", "a\tb", "'", '"',
    "''", "'a'", '"a"', "a,b", "[1]", "[1", "{a: 1}", "{", "a: b", "- a", "&a", "*a", "!a", "|", ">", "%a", "@a",
    "`a`", "a=b", "a\\", "\\", "\\n", "a;b", "NA", "N/A", "[]", "{}", "()", "choice(1,2)", "<b>", "[red]", "[/]",
    "\ufeffa", "\u202eabc", "e\u0301", "\xe9", "👩\u200d🔬", "\u2028", "\x85", "\x1b[2J", "\r", "a\r\nb", "\udcff",
    "x" * 4000, "é" * 300,
)  # fmt: skip

TEXTS = st.one_of(
    st.sampled_from(AMBIGUOUS_TEXTS),
    st.lists(ODD_CHARACTER, min_size=1, max_size=5).map("".join),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8),
)

INTEGERS = st.one_of(
    st.integers(-5, 300),
    st.sampled_from([2**31, 2**53, 2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1, 10**20, 10**30]),
)
FLOATS = st.one_of(
    st.sampled_from([0.0, -0.0, 1.0, 0.1, 0.1 + 0.2, 1e-7, 1e-5, 1e22, 1e300, 5e-324, 1.7976931348623157e308, 2.0**53]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([float("inf"), float("-inf"), float("nan")]),
)
SCALARS: st.SearchStrategy[Any] = st.one_of(TEXTS, INTEGERS, FLOATS, st.booleans(), st.none())
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(st.sampled_from(["a", "_b", "a-b"]), st.integers(0, 3)), inner, max_size=2),
    ),
    max_leaves=5,
)

_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_KEYWORDS = {"true", "false", "null", "inf", "nan"}


def written(value: Any) -> str:
    """A value in Hydra's grammar."""
    if isinstance(value, str):
        return value if _BARE.fullmatch(value) and value.lower() not in _KEYWORDS else quoted(value)
    if isinstance(value, list):
        return f"[{','.join(map(written, value))}]"
    if isinstance(value, dict):
        return f"{{{','.join(f'{key}:{written(item)}' for key, item in value.items())}}}"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return repr(value)


def is_same(one: Any, other: Any) -> bool:
    """Whether two values have the same types and the same content; NaN is the same as NaN, -0.0 is not 0.0."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return _same_keys(one, other) and all(is_same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(is_same, one, other))
    return repr(one) == repr(other)


def _same_keys(one: dict[Any, Any], other: dict[Any, Any]) -> bool:
    return sorted(map(repr, one)) == sorted(map(repr, other))
