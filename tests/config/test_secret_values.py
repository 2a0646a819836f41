"""Secrets that are typed as literals: references take their places, the environment holds them."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from omegaconf import OmegaConf
from sqlalchemy.engine import make_url

from mnistsweep.config.overrides import parse_override, parse_overrides, parse_params, quoted, texts_of
from mnistsweep.config.recipe import Recipe
from mnistsweep.config.secret_values import holds_secret, with_references, without_password
from mnistsweep.errors import ConfigError
from mnistsweep.redaction import mask_url

pytestmark = pytest.mark.usefixtures("no_secrets")


def real(value: Any) -> Any:
    return OmegaConf.to_container(OmegaConf.create({"value": value}), resolve=True)["value"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("text", "safe", "value"),
    [
        ("+data.token=abc", "+data.token='${oc.env:MNISTSWEEP_SECRET_DATA_TOKEN}'", "abc"),
        ("++data.token='a, \"b'", "++data.token='${oc.env:MNISTSWEEP_SECRET_DATA_TOKEN}'", 'a, "b'),
        ("+d.password=12", "+d.password='${oc.decode:${oc.env:MNISTSWEEP_SECRET_D_PASSWORD}}'", 12),
        (
            "+data.auth={token:abc,user:x,n:[1,{api_key:k}]}",
            "+data.auth={token:'${oc.env:MNISTSWEEP_SECRET_DATA_AUTH_TOKEN}',user:'x',"
            "n:[1,{api_key:'${oc.env:MNISTSWEEP_SECRET_DATA_AUTH_N_1_API_KEY}'}]}",
            {"token": "abc", "user": "x", "n": [1, {"api_key": "k"}]},
        ),
        (
            "storage=postgresql://u:a@b/c@h/db",
            "storage='postgresql://u:${oc.env:MNISTSWEEP_SECRET_STORAGE}@b/c@h/db'",
            "postgresql://u:a@b/c@h/db",
        ),
        (
            "+data.url='https://u:p@h/x?token=q&n=1'",
            "+data.url='https://u:${oc.env:MNISTSWEEP_SECRET_DATA_URL}@h/x"
            "?token=${oc.env:MNISTSWEEP_SECRET_DATA_URL_2}&n=1'",
            "https://u:p@h/x?token=q&n=1",
        ),
        (
            "+data.headers=[[X-Api-Key,a],[X-Api-Key,b],[Accept,c]]",
            "+data.headers=[['X-Api-Key','${oc.env:MNISTSWEEP_SECRET_DATA_HEADERS_0_X_API_KEY}'],"
            "['X-Api-Key','${oc.env:MNISTSWEEP_SECRET_DATA_HEADERS_1_X_API_KEY}'],['Accept','c']]",
            [["X-Api-Key", "a"], ["X-Api-Key", "b"], ["Accept", "c"]],
        ),
        (
            "+data.headers=['X-Api-Key: a',{name:token,value:b}]",
            "+data.headers=['X-Api-Key: ${oc.env:MNISTSWEEP_SECRET_DATA_HEADERS_0}',"
            "{name:'token',value:'${oc.env:MNISTSWEEP_SECRET_DATA_HEADERS_1_VALUE_TOKEN}'}]",
            ["X-Api-Key: a", {"name": "token", "value": "b"}],
        ),
        (
            "storage='postgresql://u@h/db?options=-c%20password%3Da'",
            "storage='postgresql://u@h/db?options=${oc.env:MNISTSWEEP_SECRET_STORAGE}'",
            "postgresql://u@h/db?options=-c%20password%3Da",
        ),
    ],
)
def test_an_override_refers_to_its_secrets(text: str, safe: str, value: Any) -> None:
    override = parse_override(text)
    assert override.text == safe
    assert parse_override(safe) == override
    assert real(override.value) == value


@pytest.mark.parametrize(
    "text",
    ["+data.token=${oc.env:T}", "+data.token=null", "+data.token=5", "+data.token=", "model.key_dim=3", "~data.token",
     "+d.tokenizer=x", "storage=postgresql://u@h/db", "+d.url=http://h:80/a@b", "storage='x://u:${oc.env:T}@h/db'"],
)  # fmt: skip
def test_other_overrides_stay_as_typed(text: str) -> None:
    assert parse_override(text).text == text
    assert not [name for name in os.environ if name.startswith("MNISTSWEEP_SECRET_")]


def test_a_deleted_key_keeps_no_value() -> None:
    assert parse_override("~data.token=abc").text == "~data.token"


@given(st.text(min_size=1))
@example("${x}")
@example("it's")
def test_any_token_is_restored_exactly(token: str) -> None:
    if "\0" in token or "${" in token or token == "***":
        return
    try:
        token.encode()
    except UnicodeEncodeError:
        return
    override = parse_override(f"+data.token={quoted(token)}")
    assert real(override.value) == token
    assert override.value == "${oc.env:MNISTSWEEP_SECRET_DATA_TOKEN}"


@given(st.text("ab@:?#%&=+'\" ,{}[]", min_size=1))
def test_any_password_of_a_database_is_restored_as_its_driver_reads_it(password: str) -> None:
    safe = with_references("storage", f"postgresql+psycopg://me:{password}@host/db")
    assert safe == "postgresql+psycopg://me:${oc.env:MNISTSWEEP_SECRET_STORAGE}@host/db"
    url = make_url(real(safe))
    assert (url.host, url.password) == ("host", unquote(password))


def test_keys_whose_variables_would_have_the_same_name_are_kept_apart() -> None:
    one, other = with_references("data.a.token", "1st"), with_references("data.a_token", "2nd")
    assert (real(one), real(other)) == ("1st", "2nd")
    assert with_references("data.a.token", "3rd") == one


@pytest.mark.parametrize("text", ["+data.token=***", "+data.url=http://u:***@h"])
def test_a_mask_is_not_a_secret(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^data\.\w+: \*\*\* stands for a secret that was not saved"):
        parse_override(text)


def test_the_mask_in_the_url_of_a_database_leaves_the_password_to_the_driver() -> None:
    assert parse_override("storage=postgresql://u:***@h/db").value == "postgresql://u@h/db"
    assert without_password("x://u:***@h/db?password=***&sslmode=a") == "x://u@h/db?sslmode=a"
    assert without_password(mask_url("x://u:p@h/db?password=q")) == "x://u@h/db"
    os.environ["SET"] = "p"
    url = "x://u:${oc.env:SET}@h/db?sslpassword=${oc.env:UNSET}"
    assert without_password(url, only_unset=True) == "x://u:${oc.env:SET}@h/db"


@pytest.mark.parametrize(
    "text", ["+data.token=a,b", "+data.auth={token:a},{token:b}", "+data.url=http://u:p@h/1,http://u:p@h/2"]
)
def test_secrets_cannot_be_swept(text: str) -> None:
    overrides, (fault,) = parse_overrides([text])
    assert overrides == []
    assert fault.startswith(f"{text[1:].partition('=')[0]}: a secret cannot be swept, because")
    (swept,) = parse_params({"+data.token": ["${oc.env:A}", "${oc.env:B}"]}, lambda group: ())
    assert swept.dimension is not None


def test_a_parameter_of_a_named_sweep_refers_to_its_secret() -> None:
    (override,) = parse_params({"+data.token": "abc"}, lambda group: ())
    assert override.text == "+data.token='${oc.env:MNISTSWEEP_SECRET_DATA_TOKEN}'"


@pytest.mark.parametrize("text", ["+data.token=abcd{e", "+data.auth={token:abcd", "storage=x://u:abcd@h/db?a=#"])
def test_a_message_about_an_override_that_cannot_be_parsed_has_no_secret(text: str) -> None:
    _, (fault,) = parse_overrides([text], Recipe().options)
    assert "abcd" not in fault
    assert "***" in fault


def test_what_holds_a_secret() -> None:
    assert holds_secret("", {"data": {"n": 1, "auth": [{"token": "a"}]}})
    assert holds_secret("storage", "x://u:p@h")
    assert not holds_secret("", {"data": {"token": "${oc.env:T}", "url": "x://u@h"}, "storage": None})
    assert texts_of(parse_overrides(["storage=x://u:p@h"])[0]) == (
        "storage='x://u:${oc.env:MNISTSWEEP_SECRET_STORAGE}@h'",
    )
