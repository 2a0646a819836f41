"""Texts without secrets: URLs, arguments of a command line, values, and what a process has learnt to mask."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mnistsweep.redaction import mask, mask_argument, mask_url, mask_values, remember

pytestmark = pytest.mark.usefixtures("no_secrets")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("postgresql+psycopg://u:a@b@host/db", "postgresql+psycopg://u:***@host/db"),
        ("no access to 'postgresql://u:p%40q@h:5432/db'!", "no access to 'postgresql://u:***@h:5432/db'!"),
        ("mongodb+srv://:p@h and amqp://u:q@h", "mongodb+srv://:***@h and amqp://u:***@h"),
        ("postgresql://u:0/1@h/db", "postgresql://u:***@h/db"),
        ("https://ghp_abc@github.com/x https://t:@h", "https://***@github.com/x https://***:@h"),
        ("x://h/db?password=a&sslpassword=b&user=c", "x://h/db?password=***&sslpassword=***&user=c"),
        ("https://h/f?access_token=a#top", "https://h/f?access_token=***#top"),
        ("x://u@h/d?options=-c%20password%3Da&x=%20y", "x://u@h/d?options=***&x=%20y"),
        ("x://u@h/d?pass%77ord=a", "x://u@h/d?pass%77ord=***"),
        ("https://h/?to=https%253A%252F%252Fu%253Ap%2540h", "https://h/?to=***"),
        ("https://h/#access_token=a", "https://h/#access_token=***"),
        ("postgresql://user@h/db", "postgresql://user@h/db"),
        ("http://h:8080/pictures@2x.png", "http://h:8080/pictures@2x.png"),
        ("see https://keras.io/api, or mail to a@b.c", "see https://keras.io/api, or mail to a@b.c"),
        ("file:///data/a:b@c", "file:///data/a:b@c"),
    ],
)
def test_urls_in_texts(text: str, masked: str) -> None:
    assert mask(text) == masked
    assert mask(masked) == masked


PASSWORDS = st.text(min_size=1).filter(lambda text: text != "***" and "@" not in text) | st.text(
    "ab@:/?#%&=+'\"\\ ,{}[]$", min_size=1
)


@given(PASSWORDS)
@example("a@b")
@example("a/b@c")
@example('it\'s "quoted" ${x}')
@example("a?token=b")
def test_the_password_of_a_url_is_masked_whatever_characters_it_has(password: str) -> None:
    assert mask_url(f"postgresql+psycopg://me:{password}@host/db") == "postgresql+psycopg://me:***@host/db"


@pytest.mark.parametrize(
    ("argument", "masked"),
    [
        ("storage=postgresql://u:a 'b'@c@h/db", "storage=postgresql://u:***@h/db"),
        ("+data.token=abc", "+data.token=***"),
        ("++data.token='a b'", "++data.token=***"),
        ("+data.token=a{b", "+data.token=***"),
        ("--data.api-key=abc", "--data.api-key=***"),
        ("+a={token:abc,user:x}", "+a={token:***,user:x}"),
        ("+a={user: x, token: 'a,b', n: 1}", "+a={user: x, token: ***"),
        ("+a={'password': 12, token: 5}", "+a={'password': ***, token: 5}"),
        ("+a=[http://u:p1@h,http://u:p2@h]", "+a=[http://u:***@h]"),
        ("+data.password=a", "+data.password=***"),
        ("+d.h=[[X-Api-Key,abc],[Accept,json]]", "+d.h=[[X-Api-Key,***],[Accept,json]]"),
        ("+d.h=[[Accept,json],['key','a],b']]", "+d.h=[[Accept,json],['key',***]]"),
        ("+d.h=[[X-Api-Key, abc", "+d.h=[[X-Api-Key, ***"),
        ("+d.h=[Authorization,Bearer abc]", "+d.h=[Authorization,***]"),
        ("+d.h=[[password,12],[token,12]]", "+d.h=[[password,***],[token,12]]"),
        (
            "+d.h=[{name: api_key, value: 'a,b'},{value: x, name: y}]",
            "+d.h=[{name: api_key, value: ***},{value: x, name: y}]",
        ),
        ("+d.h=[{value: abc, name: X-Api-Key}]", "+d.h=[{value: ***, name: X-Api-Key}]"),
        ("+d.h=['X-Api-Key: abc']", "+d.h=['X-Api-Key: ***"),
    ],
)
def test_arguments(argument: str, masked: str) -> None:
    assert mask_argument(argument) == masked


@pytest.mark.parametrize(
    "argument",
    ["+d.num_tokens=5", "+d.token=5", "+d.token=null", "+d.token='${oc.env:A}'", "+d.key=${x}", "~d.token", "d.token",
     "model.key_dim=64", "+d.tokenizer=bpe", "hydra/launcher=joblib", "data.path=/a:b@c/d.npz",
     "+d.columns=[key,value]", "+d.columns=[user_key,item_key]", "+d.h=[[token,'${oc.env:A}']]", "+d.x=[[a,b],[c,d]]"],
)  # fmt: skip
def test_arguments_without_secrets(argument: str) -> None:
    assert mask_argument(argument) == argument


@given(st.text())
def test_any_argument_can_be_masked(argument: str) -> None:
    once = mask_argument(argument)
    assert mask_argument(once) == once


@given(st.text(min_size=1).map(str.strip).filter(lambda text: text and not text.startswith("${")))
def test_no_character_of_a_token_is_left(token: str) -> None:
    assert mask_argument(f"+data.secret_token=x{token}") == "+data.secret_token=***"


def test_values_of_a_configuration() -> None:
    values = {"data": {"token": "a", "n": [1, {"password": 5, "key": 5}]}, "storage": "x://u:p@h", "space": None}
    assert mask_values(values) == {
        "data": {"token": "***", "n": [1, {"password": "***", "key": 5}]},
        "storage": "x://u:***@h",
        "space": None,
    }
    assert mask_values("abc", "data.token") == "***"
    pairs = [["X-Api-Key", "a"], ("Accept", "json"), ["password", 5], ["token", ["b", None]]]
    masked = [["X-Api-Key", "***"], ["Accept", "json"], ["password", "***"], ["token", ["***", None]]]
    assert mask_values({"data": {"headers": pairs}}) == {"data": {"headers": masked}}
    assert mask_values(["api_key", "abc"], "data.header") == ["api_key", "***"]
    assert mask_values(["key", "abc"], "data.columns") == ["key", "abc"]
    assert mask_values({"name": "api_key", "value": "abc"}, "data.auth") == {"name": "api_key", "value": "***"}
    assert mask_values(["X-Api-Key: abc", "Accept: json"], "data.headers") == ["X-Api-Key: ***", "Accept: json"]


def test_what_was_remembered_is_masked_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    remember("p%40ss word")
    remember("abcd")
    remember("xyz")  # too short to be found in texts
    monkeypatch.setenv("MNISTSWEEP_SECRET_DATA_KEY", "0123456789")
    text = "p@ss word, p%40ss word, abcd, abcde, (abcd) xyz a0123456789b"
    assert mask(text) == "***, ***, ***, abcde, (***) xyz a***b"


def test_what_an_argument_hides_is_masked_in_later_texts() -> None:
    mask_argument("+data.token='open sesame'")
    mask_argument("storage=x://u:p@ss1@h")
    assert mask("cannot open with open sesame nor p@ss1") == "cannot open with *** nor ***"


def test_the_output_of_a_process_is_masked_tracebacks_included() -> None:
    code = (
        "import sys; from mnistsweep.redaction import redact_output, remember\n"
        "redact_output(); redact_output(); remember('hunter2'); print('a', 'hunter2', end='.\\n')\n"
        "sys.stderr.writelines(['x hunter2\\n']); print(sys.stdout.isatty())\n"
        "raise ValueError('no hunter2')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "a ***.\nFalse\n"
    assert done.stderr.startswith("x ***\nTraceback")
    assert done.stderr.endswith("ValueError: no ***\n")
