"""Which names are a secret's: keys that real projects use, on both sides of the rule."""

from __future__ import annotations

import pytest

from mnistsweep.secret_names import is_password_key, is_secret, is_secret_key

SECRET = """
password data.password db_password userPassword PGPASSWORD sslpassword passwd pwd passphrase
token data.token authToken HF_TOKEN hf_token access_token GITHUB_TOKEN pass_token apitoken model.auth_tokens
key data.key api_key apiKey API_KEY OPENAI_API_KEY secret_key private_key ssh_key AWS_SECRET_ACCESS_KEY
secret client_secret clientsecret secrets credentials aws_credentials Authorization
data.headers.X-Api-Key data.headers.0.token trainer.callbacks.0.api_key data.secrets.user data.auth.token.0
"""

NOT_SECRET = """
tokenizer tokenization tokenize model.tokenizer_name num_tokens max_tokens token_type oov_token mask_token pad_token
start_token vocabulary_tokens keys key_dim key_size keyword keywords keypoint monkey hockey turkey MONKEY label_key
image_key x_key sort_key primary_key key_path password_file secret_name secretary credentials_path storage name path
data.path trainer.epochs optimizer.name model.hp.token conditions.model.key enqueue.0.key logs workers
"""


@pytest.mark.parametrize(
    "key",
    SECRET.split(),
)
def test_names_of_secrets(key: str) -> None:
    assert is_secret_key(key)
    assert is_secret(key, "abc")
    assert not is_secret(key, "")
    assert not is_secret(key, None)
    assert not is_secret(key, True)


@pytest.mark.parametrize(
    "key",
    NOT_SECRET.split(),
)
def test_names_that_only_look_like_those_of_secrets(key: str) -> None:
    assert not is_secret_key(key)
    assert not is_secret(key, "abc")


def test_a_number_is_a_secret_only_under_a_passwords_name() -> None:
    assert is_secret("data.password", 12345)
    assert not is_secret("data.token", 12345)
    assert not is_secret("model.key", 64)
    assert is_password_key("data.db_passwd")
    assert not is_password_key("data.token")


def test_no_key_of_the_schema_or_of_a_preset_is_a_secret() -> None:
    import yaml

    from mnistsweep.config.resources import conf_folder

    keys: list[str] = []

    def collect(value: object, prefix: str) -> None:
        for name, item in value.items() if isinstance(value, dict) else ():
            keys.append(f"{prefix}{name}")
            collect(item, f"{prefix}{name}.")

    for file in conf_folder().rglob("*.yaml"):
        collect(yaml.safe_load(file.read_text(encoding="utf-8")), f"{file.parent.name}.")
    assert len(keys) > 100
    assert [key for key in keys if is_secret_key(key)] == []
