"""Secrets in URLs: one definition for what is masked and for what becomes a reference."""

from __future__ import annotations

import pytest
from sqlalchemy.engine import make_url

from mnistsweep.config.secret_values import with_references
from mnistsweep.redaction import mask_url
from mnistsweep.secret_urls import secrets_of_url, secrets_of_value

pytestmark = pytest.mark.usefixtures("no_secrets")


def secrets(url: str, is_longest: bool = False) -> list[str]:
    return [url[start:end] for start, end in secrets_of_url(url, is_longest)]


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("postgresql://me:a@host/db", ["a"]),
        ("postgresql://me@server:a@host/db", ["a"]),
        ("postgresql://:a@host", ["a"]),
        ("postgresql://me:@host", []),
        ("postgresql://me@host:5432/db?options=a@b", []),
        ("https://abc@host/x", ["abc"]),
        ("git+https://abc:@host/x", ["abc"]),
        ("wss://h/x?token=a&n=1&api_key=b#c", ["a", "b"]),
        ("http://h:8080/a@b", []),
        ("https://h/?mail=a@b", []),
        ("x://${oc.env:USER}:a@h", ["a"]),
        ("first http://u:p@h, then ftp://u:q@h", ["p", "q"]),
    ],
)
def test_the_secrets_of_a_url(url: str, found: list[str]) -> None:
    assert secrets(url) == found
    masked = mask_url(url)
    assert not found or all(f":{secret}@" not in masked and f"={secret}" not in masked for secret in found)
    assert found or masked == url


def test_the_user_of_a_database_may_have_an_at_sign() -> None:
    url = "postgresql://me@server:pass@host/db"
    assert secrets(url) == [make_url(url).password] == ["pass"]
    assert with_references("storage", url) == "postgresql://me@server:${oc.env:MNISTSWEEP_SECRET_STORAGE}@host/db"


def test_a_masked_password_may_be_longer_than_the_one_that_becomes_a_reference() -> None:
    url = "postgresql://me:a@b/c@host/db?sslpassword=d"
    assert secrets(url) == ["a", "d"]
    assert secrets(url, is_longest=True) == ["a@b/c", "d"]


@pytest.mark.parametrize(
    ("value", "secrets"),
    [
        ("host=h password=SECRET user=u", ["SECRET"]),
        ("password=SECRET", ["SECRET"]),
        ("Server=s;Pwd=SECRET;Database=d", ["SECRET"]),
        ("host=h password = 'it is; one' user=u", ["'it is; one'"]),
        ("api_key=SECRET, mode=x", ["SECRET"]),
        ("host=h password=${oc.env:PASSWORD}", []),
        ("key=value sort_key=name tokenizer=bert", []),
        ("no password = is empty", ["is"]),
        ("a == b and token", []),
    ],
)
def test_a_text_of_names_with_values(value: str, secrets: list[str]) -> None:
    assert [value[start:end] for start, end in secrets_of_value(value)] == secrets
