"""What files hold in place of secrets, and the secrets in place of that again."""

from __future__ import annotations

from typing import Any

import pytest
from omegaconf import OmegaConf

from mnistsweep.config.compose import to_kept, to_plain
from mnistsweep.config.references import resolved, resolved_where_set, texts_of_references, with_texts
from mnistsweep.config.schema import Config
from mnistsweep.config.trial_file import fingerprint
from mnistsweep.errors import ConfigError
from mnistsweep.redaction import mask


@pytest.fixture(autouse=True)
def variables(no_secrets: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"HF_TOKEN": "hf_12345", "DB_URL": "x://u:pa55word@h", "LOGIN": "me", "WHERE": "/d"}.items():
        monkeypatch.setenv(name, value)


def kept(values: dict[str, Any]) -> dict[str, Any]:
    config = OmegaConf.create({"hydra": {"token": "of Hydra"}, **values})
    plain = to_plain(config)
    content = to_kept(config, plain)
    assert resolved(content) == plain
    assert all(OmegaConf.create(content)[key] == OmegaConf.create(plain)[key] for key in plain)
    return content


@pytest.mark.parametrize(
    "values",
    [
        {"storage": "${oc.env:DB_URL}"},
        {"storage": "${oc.env:WHERE}"},
        {"data": {"token": "${oc.env:LOGIN}"}},
        {"data": {"headers": [["X-Api-Key", "${oc.env:LOGIN}"]]}},
        {"data": {"anything": "Bearer ${oc.env:HF_TOKEN}"}},
        {"data": {"url": "${oc.env:DB_URL}/x"}},
        {"data": {"url": "x://u:${oc.env:LOGIN}@h"}},
        {"data": {"_target_": "mine.load", "login": "${oc.env:LOGIN}", "more": [{"at": "${oc.env:WHERE}/x"}]}},
        {"data": {"token": "${oc.env:NOT_THERE,${oc.env:HF_TOKEN}}"}},
    ],
)
def test_an_interpolation_whose_value_may_be_secret_stays(values: dict[str, Any]) -> None:
    assert kept(values) == values


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"data": {"_target_": "mnistsweep.x", "path": "${oc.env:WHERE}/x"}}, {"path": "/d/x"}),
        ({"data": {"path": "${oc.env:NOT_THERE,'/e'}"}}, {"path": "/e"}),
        ({"w": 3, "data": {"width": "${w}", "rate": "${oc.decode:'0.5'}"}}, {"width": 3, "rate": 0.5}),
    ],
)
def test_the_value_of_any_other_interpolation_is_recorded(values: dict[str, Any], expected: dict[str, Any]) -> None:
    assert kept(values)["data"].items() >= expected.items()


def test_an_interpolation_of_another_key_becomes_one_of_the_environment() -> None:
    content = kept(
        {
            "mine": "${oc.env:HF_TOKEN}",
            "auth": {"token": "${mine}", "user": "x"},
            "data": {"a": "${mine}", "b": "Bearer ${mine}!", "c": "${auth}"},
        }
    )
    assert content["data"] == {
        "a": "${oc.env:HF_TOKEN}",
        "b": "Bearer ${oc.env:HF_TOKEN}!",
        "c": {"token": "${oc.env:HF_TOKEN}", "user": "x"},
    }


def test_a_literal_in_a_preset_becomes_a_reference() -> None:
    content = kept({"data": {"key": "abc", "n": [{"url": "x://u:p@h"}], "key_dim": "abc"}})
    assert content["data"] == {
        "key": "${oc.env:MNISTSWEEP_SECRET_DATA_KEY}",
        "n": [{"url": "x://u:${oc.env:MNISTSWEEP_SECRET_DATA_N_0_URL}@h"}],
        "key_dim": "abc",
    }


def test_a_secret_of_the_environment_is_masked_in_texts() -> None:
    kept({"data": {"a": "${oc.env:HF_TOKEN}", "url": "${oc.env:DB_URL}", "_target_": "mine.load"}})
    assert mask("hf_12345 pa55word") == "*** ***"


def test_a_secret_that_is_not_set_is_named() -> None:
    with pytest.raises(ConfigError) as raised:
        resolved({"data": {"auth": [{"token": "${oc.env:MNISTSWEEP_SECRET_DATA_AUTH}"}]}})
    assert str(raised.value) == (
        "data.auth.0.token: the value is a secret, which no file keeps; set the environment variable "
        "MNISTSWEEP_SECRET_DATA_AUTH, or write '${oc.env:NAME}' with a variable of your own."
    )
    with pytest.raises(ConfigError, match=r"^data\.x: the environment variable NOT_THERE is not set\.$"):
        to_plain(OmegaConf.create({"data": {"x": "${oc.env:NOT_THERE}"}}))


def test_what_is_not_set_stays_a_text_except_the_password_of_a_database() -> None:
    content = {"storage": "x://u:${oc.env:NOT_THERE}@h", "data": {"a": "${oc.env:NOT_THERE}", "b": "${oc.env:LOGIN}"}}
    read = OmegaConf.to_container(OmegaConf.create(resolved_where_set(content)), resolve=True)
    assert read == {"storage": "x://u@h", "data": {"a": "${oc.env:NOT_THERE}", "b": "me"}}
    texts = texts_of_references(content)
    assert list(texts) == [("storage",), ("data", "a"), ("data", "b")]
    assert with_texts(read, texts) == content
    assert read != content


def test_another_secret_is_not_another_training() -> None:
    one, other, third = (Config(data={"token": text, "path": path}) for text, path in ("ax", "bx", "ay"))
    assert fingerprint(one) == fingerprint(other)
    assert fingerprint(one) != fingerprint(third)
