"""Signing in, rotating, signing out; the attacks that python-jose alone would let pass."""

import base64
import hashlib
import hmac
from datetime import timedelta
from typing import Any

import orjson
import pytest
from fastapi import FastAPI
from jose import jwt

from datamarket.auth.tokens import TokenExpired, TokenInvalid, TokenKeeper
from datamarket.foundation.db import Database
from tests.conftest import ClientFor
from tests.world.accounts import PASSWORD, clerk
from tests.world.people import AUTHORITY, NOON


async def test_a_password_buys_a_token_that_says_who_one_is(
    database: Database, client_for: ClientFor
) -> None:
    username = (await clerk(database)).username
    visitor = client_for(None)
    form = {"grant_type": "password", "username": username, "password": PASSWORD}
    issued = (await visitor.post("/auth/token", data=form)).json()
    me = await visitor.get("/auth/me", headers={"Authorization": f"Bearer {issued['access_token']}"})
    assert me.status_code == 200
    assert me.json()["roles"] == ["authority"]


async def test_a_wrong_password_and_an_unknown_name_look_the_same(
    database: Database, client_for: ClientFor
) -> None:
    username = (await clerk(database)).username
    answers = []
    for name in (username, "nobody"):
        form = {"grant_type": "password", "username": name, "password": "wrong, sadly"}
        answers.append(await client_for(None).post("/auth/token", data=form))
    assert [a.status_code for a in answers] == [401, 401]
    assert {a.json()["code"] for a in answers} == {"auth.sign-in-refused"}


async def test_a_revoked_refresh_token_is_refused(database: Database, client_for: ClientFor) -> None:
    username = (await clerk(database)).username
    visitor = client_for(None)
    form = {"grant_type": "password", "username": username, "password": PASSWORD}
    token = (await visitor.post("/auth/token", data=form)).json()["refresh_token"]
    assert (await visitor.post("/auth/revoke", data={"refresh_token": token})).status_code == 204
    refused = await visitor.post("/auth/refresh", data={"refresh_token": token})
    assert refused.json()["code"] == "auth.refresh-refused"


def claims_of(keeper: TokenKeeper) -> dict[str, Any]:
    return dict(jwt.get_unverified_claims(keeper.sign(AUTHORITY, now=NOON)))


def forge(keeper: TokenKeeper, claims: dict[str, Any], **header: str) -> str:
    return jwt.encode(claims, keeper._private, algorithm="ES256", headers={"kid": keeper.kid, **header})


@pytest.mark.parametrize("claim", ["exp", "aud", "iss", "nbf", "iat", "sub", "jti", "roles", "org"])
def test_a_token_without_a_claim_is_refused(app: FastAPI, claim: str) -> None:
    keeper: TokenKeeper = app.state.tokens
    claims = claims_of(keeper)
    del claims[claim]
    with pytest.raises(TokenInvalid):
        keeper.read(forge(keeper, claims), now=NOON)


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("aud", "another"),
        ("aud", ["datamarket-api", "another"]),
        ("iss", "elsewhere"),
        ("exp", "never"),
        ("roles", ["king"]),
        ("sub", 7),
    ],
)
def test_a_token_with_a_wrong_claim_is_refused(app: FastAPI, claim: str, value: object) -> None:
    keeper: TokenKeeper = app.state.tokens
    with pytest.raises(TokenInvalid):
        keeper.read(forge(keeper, claims_of(keeper) | {claim: value}), now=NOON)


def test_an_unsigned_token_is_refused(app: FastAPI) -> None:
    keeper: TokenKeeper = app.state.tokens
    parts = [{"alg": "none", "kid": keeper.kid, "typ": "JWT"}, claims_of(keeper)]
    token = ".".join(base64.urlsafe_b64encode(orjson.dumps(p)).rstrip(b"=").decode() for p in parts) + "."
    with pytest.raises(TokenInvalid):
        keeper.read(token, now=NOON)


def test_the_public_key_is_no_shared_secret(app: FastAPI) -> None:
    """Algorithm confusion: an HMAC over the published key must not pass."""
    keeper: TokenKeeper = app.state.tokens
    parts = [{"alg": "HS256", "kid": keeper.kid, "typ": "JWT"}, claims_of(keeper)]
    signed = ".".join(base64.urlsafe_b64encode(orjson.dumps(p)).rstrip(b"=").decode() for p in parts)
    mac = hmac.new(keeper._public.encode(), signed.encode(), hashlib.sha256).digest()
    with pytest.raises(TokenInvalid):
        keeper.read(f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}", now=NOON)


@pytest.mark.parametrize("header", [{"alg": "ES"}, {"alg": "ES384"}, {"kid": "another"}, {"crit": "b64"}])
def test_a_header_that_is_not_exactly_ours_is_refused(app: FastAPI, header: dict[str, str]) -> None:
    """`algorithms` given as text would be searched by substring: 'ES' is inside 'ES256'."""
    keeper: TokenKeeper = app.state.tokens
    _, payload, signature = forge(keeper, claims_of(keeper)).split(".")
    head = orjson.dumps({"alg": "ES256", "kid": keeper.kid, "typ": "JWT"} | header)
    with pytest.raises(TokenInvalid):
        keeper.read(f"{base64.urlsafe_b64encode(head).rstrip(b'=').decode()}.{payload}.{signature}", now=NOON)


def test_a_token_ends_and_does_not_begin_early(app: FastAPI) -> None:
    keeper: TokenKeeper = app.state.tokens
    token = keeper.sign(AUTHORITY, now=NOON)
    keeper.read(token, now=NOON + timedelta(minutes=14, seconds=59))
    with pytest.raises(TokenExpired):
        keeper.read(token, now=NOON + timedelta(minutes=15))
    keeper.read(token, now=NOON - timedelta(seconds=60))  # made by a clock that is ahead of ours
    with pytest.raises(TokenInvalid):
        keeper.read(token, now=NOON - timedelta(seconds=61))


async def test_admin_sees_no_market_data(client_for: ClientFor) -> None:
    from tests.world.people import ADMIN  # noqa: PLC0415 - the one test that needs it

    assert (await client_for(ADMIN).get("/audit-events")).status_code == 403
    assert (await client_for(None).get("/audit-events")).status_code == 401
