"""Secrets don't leave the process, and what is no secret stays readable."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epochal._capture.env import capture_command, capture_env
from epochal._capture.redact import (
    REDACTED,
    is_secret_name,
    redact_bytes,
    redact_command,
    redact_mapping,
    redact_text,
    redact_url,
    redact_value,
)


def words(text: str) -> list[str]:
    return text.split()


SECRET_NAMES = words("""
    PASSWORD password db_password DB_PASSWORD MYSQLPASSWORD PGPASSWORD MYSQL_PWD passphrase SECRET client_secret
    AWS_SECRET_ACCESS_KEY AWS_ACCESS_KEY_ID AWS_SESSION_TOKEN API_KEY api-key apiKey OPENAI_API_KEY WANDB_API_KEY
    apikey HF_TOKEN HUGGING_FACE_HUB_TOKEN GITHUB_TOKEN GH_TOKEN token accessToken auth_token NPM_TOKEN
    GOOGLE_CREDENTIALS CREDENTIAL COOKIE session_cookie AUTHORIZATION OAUTH SENTRY_DSN JWT bearer PRIVATE_KEY
    SSH_PRIVATE_KEY ENCRYPTION_KEY secretKey KEY EPOCHAL_KAFKA_SASL_PASSWORD
""")

HARMLESS_NAMES = words("""
    PATH HOME PWD OLDPWD LANG KEYBOARD keyboard_layout TOKENIZERS_PARALLELISM tokenizer tokenizer_name detokenize
    max_tokens num_tokens pad_token pad_token_id eos_token special_tokens tokens token_count author GIT_AUTHOR_NAME
    authority XAUTHORITY authenticate monkey hockey keys key_dim num_keys sort_key primary_key query_key cache_key
    SSH_AUTH_SOCK PASSWORD_FILE TOKEN_PATH secretary compass bypass lr batch_size CUDA_VISIBLE_DEVICES
""")

SECRET_VALUES = [
    "AKIAIOSFODNN7EXAMPLE",
    "ASIAIOSFODNN7EXAMPLE",
    "ghp_" + "a1B2" * 9,
    "gho_" + "a1B2" * 9,
    "github_pat_" + "11AABBCC_" * 6,
    "glpat-" + "x1y2z3" * 4,
    "hf_" + "AbCdEfGhIj" * 4,
    "sk-" + "a1b2c3d4" * 6,
    "sk-proj-" + "a1b2c3d4" * 6,
    "sk-ant-api03-" + "a1b2c3d4" * 6,
    "sk_live_" + "a1b2c3d4" * 3,
    "xoxb-1234567890-abcdefghij",
    "AIza" + "SyA1-" * 7,
    "npm_" + "a1b2c3" * 6,
    "dapi" + "0a1b2c3d" * 4,
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
]

IN_TEXT = [
    ("https://me:hunter2@example.com/a?b=c", "hunter2"),
    ("postgresql://user:p%40ss@db:5432/x", "p%40ss"),
    ("redis://:onlypassword@cache:6379", "onlypassword"),
    ("https://x/y?sig=Zm9v&se=2026", "Zm9v"),
    ("https://x/y?a=1&X-Amz-Signature=0123abcd", "0123abcd"),
    ("Authorization: Bearer abc.def", "abc.def"),
    ("'Authorization': 'Basic dXNlcjpwYXNz'", "dXNlcjpwYXNz"),
    ("curl -H 'Cookie: sid=verysecret'", "verysecret"),
    ("AccountName=x;AccountKey=Zm9vYmFy==;Endpoint=y", "Zm9vYmFy=="),
    ("train.py --password hunter2 --lr 0.1", "hunter2"),
    ("train.py --api-key=abcdef", "abcdef"),
    ("export HF_TOKEN=abcdef", "abcdef"),
    ('api_key = "abcdef"', "abcdef"),
    ('{"password": "abcdef", "lr": 1}', "abcdef"),
    ("password: hunter2", "hunter2"),
    ("+    client_secret='abcdef',", "abcdef"),
    ("db_password=s3cr3t!", "s3cr3t!"),
    ("-----BEGIN PRIVATE KEY-----\nMIIEvQ\nIBADAN\n-----END PRIVATE KEY-----\nend", "MIIEvQ"),
    ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz\n(cut)", "b3BlbnNz"),
]

UNTOUCHED = [
    "key = jax.random.key(0)",
    "rng, key = jax.random.split(key)",
    "token = tokenizer.next(3)",
    "tokens: 51200000",
    "num_tokens=1024 pad_token_id=50256",
    "def login(user: str, password: str) -> None:",
    "password = getpass.getpass()",
    "api_key = os.environ['API_KEY']",
    "query_key_value: 12345678",
    "for key, value in params.items():",
    "batch['key'] = 'image_00012345'",
    "loss 0.123 acc 0.98 step 1000/2000",
    "see https://example.com:8080/path?page=2#top",
    "ssh://git@github.com/x/y.git",
    "commit 0a1b2c3d4e5f60718293a4b5c6d7e8f901234567",
    "sha256:" + "0a1b2c3d" * 8,
    "sk-learn-contrib-something-long",
    "monkey=banana12345",
    "C:\\Users\\me\\model.pt",
    "2026-11-23T22:31:00Z",
    "the secret of good coffee",
    "--max-tokens 100 --sort-key name --tokenizer gpt2",
    "eyJust words",
]


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_names_of_secrets_are_known(name: str) -> None:
    assert is_secret_name(name)
    assert redact_value(name, "abc123xyz") == REDACTED


@pytest.mark.parametrize("name", HARMLESS_NAMES)
def test_names_that_only_resemble_are_left_alone(name: str) -> None:
    assert not is_secret_name(name)
    assert redact_value(name, "abc123xyz") == "abc123xyz"


@pytest.mark.parametrize("value", SECRET_VALUES)
def test_values_of_known_shape_are_found_anywhere(value: str) -> None:
    """Alone, in a sentence, as an argument, in quotes, and under a name that says nothing."""
    for text in (value, f"got {value}.", f"--x={value}", f'"{value}"', f"a\n{value}\nb", f"({value})", f"id:{value},"):
        assert value not in redact_text(text)
        assert REDACTED in redact_text(text)
    assert capture_env({"HARMLESS": value}) == {"HARMLESS": REDACTED}
    assert capture_command(["run", "-x", value]) == ["run", "-x", REDACTED]


@pytest.mark.parametrize(("text", "secret"), IN_TEXT)
def test_secrets_in_text_are_found(text: str, secret: str) -> None:
    redacted = redact_text(text)
    assert secret not in redacted
    assert REDACTED in redacted
    assert redacted.count("\n") == text.count("\n")


@pytest.mark.parametrize("text", UNTOUCHED)
def test_ordinary_text_and_code_stay_as_they_are(text: str) -> None:
    assert redact_text(text) == text


def test_a_diff_with_a_private_key_still_applies_line_by_line() -> None:
    diff = b"+-----BEGIN RSA PRIVATE KEY-----\n+MIIEpAIBAAKC\n+c3VwZXJzZWNy\n+-----END RSA PRIVATE KEY-----\n context\n"
    expected = b"+-----BEGIN RSA PRIVATE KEY-----\n+[redacted]\n+[redacted]\n+-----END RSA PRIVATE KEY-----\n context\n"
    assert redact_bytes(diff) == expected


def test_numbers_and_flags_are_no_tokens_but_may_be_passwords() -> None:
    values = {"TOKEN": "512", "USE_AUTH": "true", "API_KEY": "", "PASSWORD": "123456"}
    assert redact_mapping(values) == values | {"PASSWORD": REDACTED}


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (["--password", "x", "--lr", "1"], ["--password", REDACTED, "--lr", "1"]),
        (["--api-key=x"], [f"--api-key={REDACTED}"]),
        (["--token", "--verbose"], ["--token", "--verbose"]),
        (["--password", "-x9"], ["--password", REDACTED]),
        (["HF_TOKEN=x", "python", "a.py"], [f"HF_TOKEN={REDACTED}", "python", "a.py"]),
        (["--url", "https://u:p@h/"], ["--url", f"https://{REDACTED}@h/"]),
        (["--max-tokens", "100", "--pad_token_id=3"], ["--max-tokens", "100", "--pad_token_id=3"]),
        (["model.api_key=x", "+trainer.lr=1"], [f"model.api_key={REDACTED}", "+trainer.lr=1"]),
        (["--password"], ["--password"]),
        ([], []),
    ],
)
def test_command_lines(command: list[str], expected: list[str]) -> None:
    assert redact_command(command) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://user:pw@host/a.git", "https://host/a.git"),
        ("https://ghp_0123456789012345678901234567890123456@github.com/a/b", "https://github.com/a/b"),
        ("ssh://git@github.com/a/b.git", "ssh://github.com/a/b.git"),
        ("git@github.com:a/b.git", "git@github.com:a/b.git"),
        ("https://host/a?token=abc", f"https://host/a?token={REDACTED}"),
        ("/home/me/repo.git", "/home/me/repo.git"),
    ],
)
def test_remotes_lose_their_credentials(url: str, expected: str) -> None:
    assert redact_url(url) == expected


def test_variables_that_are_not_utf_8_are_readable() -> None:
    assert capture_env({"A": "caf\udce9", "B": "é"}) == {"A": "caf\\xe9", "B": "é"}


lines = st.text(st.characters(codec="utf-8"), max_size=200)


@settings(deadline=None)
@given(lines)
def test_redacting_twice_is_redacting_once(text: str) -> None:
    assert redact_text(redact_text(text)) == redact_text(text)


fragments = st.sampled_from(
    [
        "password",
        "api_key",
        "=",
        ":",
        " ",
        '"',
        "'",
        "https://",
        "@",
        "a1b2c3",
        "\n",
        "--",
        "token",
        "[redacted]",
        "KEY",
        "/",
        "?",
    ]
)


@settings(deadline=None)
@given(st.lists(fragments, max_size=30).map("".join))
def test_text_made_of_triggers_is_redacted_once_and_keeps_its_lines(text: str) -> None:
    redacted = redact_text(text)
    assert redact_text(redacted) == redacted
    assert redacted.count("\n") == text.count("\n")


@settings(deadline=None)
@given(lines, st.sampled_from(SECRET_VALUES), lines)
def test_a_secret_does_not_survive_whatever_surrounds_it(before: str, secret: str, after: str) -> None:
    """With something that is not part of a word on both sides."""
    assert secret not in redact_text(f"{before} {secret} {after}")


TRIGGERS = r"(?i)pass|secret|cred|cookie|key|token|auth|bear|jwt|dsn|://|[A-Z0-9_]{16}"


@settings(deadline=None)
@given(lines.filter(lambda text: not re.search(TRIGGERS, text)))
def test_text_without_a_trigger_is_not_touched(text: str) -> None:
    assert redact_text(text) == text


def test_long_text_takes_time_in_proportion() -> None:
    """No shape backtracks: each of these would take hours if one did. (The suite's time limit is the judge.)"""
    for text in (
        "a" * 300_000,
        "password " * 40_000,
        "://" * 100_000,
        "x=" * 150_000,
        "-" * 300_000,
        "'" * 300_000,
        "key: " * 60_000,
    ):
        assert len(redact_text(text)) <= len(text) * 3
