"""Access tokens: ES256, one accepted algorithm, every claim required and checked here.

python-jose 3.5 by itself lets a token without `exp` or `aud` pass, takes the algorithm from a
list it searches by substring when given text, accepts any key for HMAC, and does not require `kid`.
So the header is judged before jose sees the token, and the claims after.
"""

import base64
import hashlib
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jose import jwt
from jose.exceptions import JOSEError

from datamarket.auth.keys import pem_of, read_key
from datamarket.auth.terms import Actor, Role
from datamarket.foundation.errors import Unauthenticated
from datamarket.foundation.ids import new_id
from datamarket.foundation.settings import Settings
from datamarket.foundation.states import Labelled

ALGORITHM = "ES256"
REQUIRED = frozenset({"exp", "iat", "nbf", "iss", "aud", "sub", "jti", "roles", "org"})
REMEMBERED = 4096
LEEWAY_SECONDS = 60
"""Clocks of two machines differ: a token is good that much before it was made, and never longer than it says."""


class TokenFault(Labelled):
    """What is wrong with a token."""

    EARLY = "early", "尚未生效", "not valid yet"
    KEY = "key", "算法或密钥不符", "another algorithm or key"
    CLAIMS = "claims", "缺少必需的声明", "a claim is missing"
    ISSUER = "issuer", "签发方或受众不符", "another issuer or audience"
    TIMES = "times", "时间须为整数秒", "times must be whole seconds"
    SUBJECT = "subject", "主体或角色无法识别", "subject or roles cannot be read"
    SIGNATURE = "signature", "签名不符", "the signature does not match"
    MALFORMED = "malformed", "格式有误", "malformed"


class TokenInvalid(Unauthenticated):
    token_sent = True
    code = "auth.token-invalid"
    zh = "访问令牌无效：{reason}。"
    en = "The access token is not valid: {reason}."


class TokenExpired(Unauthenticated):
    token_sent = True
    code = "auth.token-expired"
    zh = "访问令牌已过期；请刷新令牌或重新登录。"
    en = "The access token has expired; refresh it or sign in again."


class TokenKeeper:
    """Signs and reads access tokens with one P-256 key."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, settings: Settings) -> None:
        self._settings = settings
        self._private = pem_of(key).decode()
        public = key.public_key()
        self._public = public.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ).decode()
        self.kid = hashlib.sha256(self._public.encode()).hexdigest()[:16]
        point = public.public_numbers()
        self.jwks = {
            "keys": [
                {
                    "kty": "EC",
                    "crv": "P-256",
                    "use": "sig",
                    "alg": ALGORITHM,
                    "kid": self.kid,
                    "x": _coordinate(point.x),
                    "y": _coordinate(point.y),
                }
            ]
        }
        self._seen: OrderedDict[str, tuple[int, int, Actor]] = OrderedDict()

    def sign(self, actor: Actor, *, now: datetime) -> str:
        """A token that says who the actor is, until `access_minutes` from now."""
        issued = int(now.timestamp())
        claims = {
            "iss": self._settings.issuer,
            "aud": self._settings.audience,
            "sub": str(actor.account_id),
            "iat": issued,
            "nbf": issued,
            "exp": issued + int(timedelta(minutes=self._settings.access_minutes).total_seconds()),
            "jti": str(new_id(now)),
            "roles": sorted(actor.roles),
            "org": str(actor.participant_id) if actor.participant_id else None,
        }
        return jwt.encode(claims, self._private, algorithm=ALGORITHM, headers={"kid": self.kid})

    def read(self, token: str, *, now: datetime) -> Actor:
        """The actor that a token names. Raises TokenInvalid or TokenExpired."""
        instant = int(now.timestamp())
        known = self._seen.get(token)
        if known is None:
            known = self._examine(token)
            self._seen[token] = known
            if len(self._seen) > REMEMBERED:
                self._seen.popitem(last=False)
        not_before, expires, actor = known
        if instant >= expires:
            raise TokenExpired
        if instant < not_before - LEEWAY_SECONDS:
            raise TokenInvalid(reason=TokenFault.EARLY)
        return actor

    def _examine(self, token: str) -> tuple[int, int, Actor]:
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") != ALGORITHM or header.get("kid") != self.kid or "crit" in header:
                raise TokenInvalid(reason=TokenFault.KEY)
            claims = jwt.decode(
                token,
                self._public,
                algorithms=[ALGORITHM],
                audience=self._settings.audience,
                issuer=self._settings.issuer,
                options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
            )
        except (JOSEError, ValueError, TypeError, AttributeError) as error:
            raise TokenInvalid(reason=_blame(error)) from None
        return _check_claims(claims, self._settings)


def _check_claims(claims: dict[str, Any], settings: Settings) -> tuple[int, int, Actor]:
    if REQUIRED - claims.keys():
        raise TokenInvalid(reason=TokenFault.CLAIMS)
    if claims["aud"] != settings.audience or claims["iss"] != settings.issuer:
        raise TokenInvalid(reason=TokenFault.ISSUER)
    if not all(type(claims[name]) is int for name in ("exp", "iat", "nbf")):
        raise TokenInvalid(reason=TokenFault.TIMES)
    try:
        actor = Actor(
            account_id=UUID(claims["sub"]),
            participant_id=UUID(claims["org"]) if claims["org"] else None,
            roles=frozenset(Role(role) for role in claims["roles"]),
        )
    except (ValueError, TypeError, AttributeError):
        raise TokenInvalid(reason=TokenFault.SUBJECT) from None
    return claims["nbf"], claims["exp"], actor


def _blame(error: Exception) -> TokenFault:
    text = str(error).lower()
    if "audience" in text or "issuer" in text:
        return TokenFault.ISSUER
    return TokenFault.SIGNATURE if "signature" in text else TokenFault.MALFORMED


def _coordinate(value: int) -> str:
    return base64.urlsafe_b64encode(value.to_bytes(32)).rstrip(b"=").decode()


def load_key(settings: Settings) -> ec.EllipticCurvePrivateKey:
    """The signing key from its file; without one, a new key below `var`, readable by its owner only."""
    path = settings.signing_key or settings.var / "signing-key.pem"
    key = read_key(path, make=None if settings.signing_key else _new_key)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        message = f"{path} holds no P-256 private key"
        raise TypeError(message)
    return key


def _new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())
