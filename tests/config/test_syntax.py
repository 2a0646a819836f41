"""Syntax errors of overrides: one line with the key, the place, the rule, and what to write."""

from __future__ import annotations

import re
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnistsweep.config.hydra_private import find_syntax_fault
from mnistsweep.config.overrides import parse_override, parse_params
from mnistsweep.errors import ConfigError, MnistSweepError

# Words of the parser generator that must not reach a user.
JARGON = re.compile(
    "token recognition|mismatched input|no viable|extraneous|missing EQUAL|expecting|Union|incompatible"
)


def message(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_override(text)
    assert not JARGON.search(str(caught.value))
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x", "x: an override is key=value; received 'x' (at its end); write x=VALUE."),
        ("", "override: an override is key=value; received '' (at its end); write key=VALUE."),
        ("x = 1", "x: there are no spaces around '='; received 'x = 1' (at character 2, ' '); write x=1."),
        ("a:b", "a: '=' is between a key and its value; received 'a:b' (at character 2, ':'); write a=b."),
        ("--a=1", "a: an override has no leading dashes; received '--a=1' (at character 1, '-'); write a=1."),
        ("a[0]=1", "a[0]: a key has letters, digits, '_', '-' and '$', with dots between its parts; received"),
        ("x=1,,2", "x: a comma stands between two values; received 'x=1,,2' (at character 5, ','); remove the comma"),
        ("x=1,", "x: a comma stands between two values; received 'x=1,' (at its end); remove the comma"),
        ("x=,1", "x: a comma stands between two values; received 'x=,1' (at character 3, ','); remove the comma"),
        ("x=[1,2", "x: '[' at character 3 is not closed; received 'x=[1,2' (at its end); add ']'."),
        ("x=choice([1,2", "x: '[' at character 10 is not closed; received 'x=choice([1,2' (at its end); add '])'."),
        ("x=1]", "x: ']' closes no bracket; received 'x=1]' (at character 4, ']'); remove it, or"),
        ("x={a}", "x: braces contain keys with values, {key:value}; received"),
        ("x='abc", "x: the quote ' is not closed; received \"x='abc\" (at character 3, \"'\"); add ' at the end"),
        (
            "x=${a",
            "x: '${' begins a reference to another key, ${key}; received 'x=${a' (at character 4, '{'); add '}'.",
        ),
        ("x=1\u200b", "x: a value on one line has visible characters only; received 'x=1\\u200b' (at character 4, "),
        (
            "da\x08a=custom",
            "da\x08a: a key has letters, digits, '_', '-' and '$', with dots between its parts; received "
            "'da\\x08a=custom' (at character 3, '\\x08'); correct the key.",
        ),
        (
            "x\ny=1",
            "x: there are no spaces around '='; received 'x\\ny=1' (at character 2, '\\n'); remove the control ",
        ),
        (
            "x:1\n2",
            "x: '=' is between a key and its value; received 'x:1\\n2' (at character 3, '1'); remove the control ",
        ),
        ("x=a#\nb", "x: a value that contains '#' is quoted; received 'x=a#\\nb' (at character 4, '#'); remove the "),
        (
            "x=a#\x1b[2J",
            "x: a value that contains '#' is quoted; received 'x=a#\\x1b[2J' (at character 4, '#'); remove",
        ),
        ("x=foo(1)", "x: there is no function 'foo'; received 'x=foo(1)'; "),
        (
            "x=interval(a,b)",
            "x: the arguments do not fit interval; received 'x=interval(a,b)'; write interval(LOW,HIGH)",
        ),
        ("x=range(1,10**18)", "x: the arguments do not fit range; received 'x=range(1,10**18)'; write range(STOP), "),
        ("x=choice(range(3),1)", "x: the arguments do not fit choice; received"),
        ("x=1" + 5000 * "0", "x: a whole number has at most 16 digits; received 'x=1000"),
        ("x=" + 5000 * "[", "x: "),
    ],
)
def test_each_error_has_its_rule_its_place_and_a_remedy(text: str, expected: str) -> None:
    found = message(text)
    assert found.startswith(expected)
    assert found.endswith(".")
    assert len(found) < 400
    assert "\n" not in found


@pytest.mark.parametrize(
    ("text", "written", "value"),
    [
        ("x=a#b", 'x="a#b"', "a#b"),
        ("x=a=b", 'x="a=b"', "a=b"),
        ("x=/data/run (1).npz", 'x="/data/run (1).npz"', "/data/run (1).npz"),
        ("x=https://a.b/c?d=e&f=g", 'x="https://a.b/c?d=e&f=g"', "https://a.b/c?d=e&f=g"),
        ("x=it's", 'x="it\'s"', "it's"),
        ("x=\u201cabc\u201d", 'x="abc"', "abc"),
        ("x=$(ls)", 'x="$(ls)"', "$(ls)"),
        ("x=\u00e9t\u00e9", 'x="\u00e9t\u00e9"', "\u00e9t\u00e9"),
        ("x=[a#b,c]", 'x=["a#b",c]', ["a#b", "c"]),
        ("x={k:a=b}", 'x={k:"a=b"}', {"k": "a=b"}),
    ],
)
def test_a_value_to_quote_is_shown_in_quotes_of_hydra_and_of_the_shell(text: str, written: str, value: object) -> None:
    assert message(text).endswith(f"write {written} (in a shell: {shlex.quote(written)}).")
    assert parse_override(written).value == value


def test_only_the_wrong_element_of_a_list_is_quoted() -> None:
    assert 'write x=a,"b=c",d (in a shell' in message("x=a,b=c,d")
    long = "x=" + ",".join(map(str, range(3000)))
    found = message(f"{long},a#b,1")
    assert '; write "a#b" in place of a#b.' in found
    assert f"(at character {len(long) + 3}, '#')" in found


def test_a_value_in_a_file_is_quoted_for_yaml() -> None:
    with pytest.raises(ConfigError, match=re.escape("""; write x: '"a#b"' (in hydra.sweeper.params).""")):
        parse_params({"x": "a#b"}, options=lambda group: ())
    assert parse_params({"x": '"a#b"'}, options=lambda group: ())[0].value == "a#b"


def test_a_secret_is_not_quoted() -> None:
    found = message("data.token=abc#secret,,")
    assert "secret" not in found
    assert found.startswith("data.token: the value cannot be parsed; received 'data.token=***")


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=12))
def test_any_text_is_an_override_or_refused_in_our_words(text: str) -> None:
    refused = ""
    try:
        parse_override(f"x={text}")
    except MnistSweepError as error:
        refused = str(error)
    assert not JARGON.search(refused)
    assert not refused or refused.startswith("x: ")
    assert len(refused.splitlines()) <= 1


def test_the_parser_generator_gives_positions() -> None:
    fault = find_syntax_fault("x=[a, #b]")
    assert fault is not None
    assert (fault.position, fault.is_unknown) == (6, True)
    assert [(token.text, token.depth) for token in fault.tokens] == [("[", 1), (",", 0), ("]", -1)]
    assert find_syntax_fault("x=[a,b]") is None
