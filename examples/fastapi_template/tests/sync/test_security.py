import base64
import json
from datetime import timedelta

import jwt
import pytest

import factories
from app.db import utcnow
from app.security import (
    BadTokenError,
    Cost,
    cost_of,
    hash_password,
    issue_token,
    key_prefix,
    make_key,
    read_token,
    verify_key,
    verify_password,
)
from app.settings import Settings

SECRET = "a-secret-for-tests-of-at-least-32-bytes"


def test_a_password_verifies_against_its_own_hash() -> None:
    assert verify_password("correct-horse-1", hash_password("correct-horse-1", factories.CHEAP))


def test_another_password_does_not_verify() -> None:
    assert not verify_password("correct-horse-2", hash_password("correct-horse-1", factories.CHEAP))


def test_the_same_password_never_gives_the_same_hash() -> None:
    assert hash_password("same", factories.CHEAP) != hash_password("same", factories.CHEAP)


def test_the_hash_does_not_contain_the_password() -> None:
    assert "correct-horse" not in hash_password("correct-horse", factories.CHEAP)


def test_a_password_beyond_ascii_verifies() -> None:
    assert verify_password("пароль-☃-1", hash_password("пароль-☃-1", factories.CHEAP))


@pytest.mark.parametrize("cost", [Cost(2, 1, 1), Cost(2**5, 8, 2), Cost(2**10, 4, 1)], ids=str)
def test_a_hash_says_what_it_cost(cost: Cost) -> None:
    stored = hash_password("correct-horse-1", cost)
    assert cost_of(stored) == cost
    assert verify_password("correct-horse-1", stored)


def test_production_cost_fits_into_openssl_s_memory_limit() -> None:
    cost = Cost.of(factories.settings(scrypt_n=2**14))
    assert hash_password("correct-horse-1", cost).startswith("scrypt$16384$8$1$")


@pytest.mark.parametrize(
    "stored",
    ["", "plain", "bcrypt$16$8$1$YQ==$YQ==", "scrypt$x$8$1$YQ==$YQ==", "scrypt$16$8$1$YQ==", "scrypt$16$8$1$*$*"],
    ids=["empty", "plain", "other scheme", "no number", "too short", "no base64"],
)
def test_what_is_no_hash_of_ours_verifies_nothing(stored: str) -> None:
    assert verify_password("plain", stored) is False


def test_a_token_names_its_user(settings: Settings) -> None:
    assert read_token(issue_token(42, settings), settings) == 42


def test_a_token_is_over_after_its_time(settings: Settings) -> None:
    token = issue_token(42, settings, now=utcnow() - timedelta(seconds=settings.token_seconds + 1))
    with pytest.raises(BadTokenError, match="expired"):
        read_token(token, settings)


def test_a_token_of_another_secret_is_refused(settings: Settings) -> None:
    other = factories.settings(jwt_secret="another-secret-of-at-least-32-bytes!")
    with pytest.raises(BadTokenError, match=r"[Ss]ignature"):
        read_token(issue_token(42, other), settings)


def test_a_changed_payload_is_refused(settings: Settings) -> None:
    head, payload, signature = issue_token(42, settings).split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    forged = base64.urlsafe_b64encode(json.dumps(claims | {"sub": "1"}).encode()).rstrip(b"=").decode()
    with pytest.raises(BadTokenError, match=r"[Ss]ignature"):
        read_token(f"{head}.{forged}.{signature}", settings)


def test_an_unsigned_token_is_refused(settings: Settings) -> None:
    unsigned = jwt.encode({"sub": "1"}, key="", algorithm="none")
    with pytest.raises(BadTokenError):
        read_token(unsigned, settings)


@pytest.mark.parametrize("claim", ["sub", "iss", "iat", "exp"])
def test_a_token_without_a_required_claim_is_refused(claim: str, settings: Settings) -> None:
    claims = {"sub": "1", "iss": "notes", "iat": utcnow(), "exp": utcnow() + timedelta(minutes=1)}
    del claims[claim]
    with pytest.raises(BadTokenError, match=claim):
        read_token(jwt.encode(claims, SECRET, algorithm="HS256"), settings)


def test_a_token_of_another_issuer_is_refused(settings: Settings) -> None:
    claims = {"sub": "1", "iss": "elsewhere", "iat": utcnow(), "exp": utcnow() + timedelta(minutes=1)}
    with pytest.raises(BadTokenError, match="issuer"):
        read_token(jwt.encode(claims, SECRET, algorithm="HS256"), settings)


def test_a_subject_that_is_no_id_is_refused(settings: Settings) -> None:
    claims = {"sub": "root", "iss": "notes", "iat": utcnow(), "exp": utcnow() + timedelta(minutes=1)}
    with pytest.raises(BadTokenError):
        read_token(jwt.encode(claims, SECRET, algorithm="HS256"), settings)


def test_an_api_key_starts_with_its_public_prefix() -> None:
    key = make_key()
    assert key.secret.startswith(f"{key.prefix}_")
    assert key_prefix(key.secret) == key.prefix


def test_api_keys_do_not_repeat() -> None:
    assert len({make_key().secret for _ in range(50)}) == 50


def test_an_api_key_verifies_against_its_own_digest_only() -> None:
    key, other = make_key(), make_key()
    assert verify_key(key.secret, key.digest)
    assert not verify_key(other.secret, key.digest)


@pytest.mark.parametrize("text", ["", "nk", "nk_", "nk_short_x", "xx_12345678_x", "nk_12345678_", "nk_12345678"])
def test_what_has_not_the_shape_of_a_key_has_no_prefix(text: str) -> None:
    assert key_prefix(text) is None
