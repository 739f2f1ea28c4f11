"""Who calls: OAuth 2.0 bearer tokens of any OIDC issuer, verified by its published keys.

Claims: `practice_id` (the tenant), `role`, `scope`, and `client_id` or `provider_id` for those roles.
"""

import asyncio
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID

import httpx

from shared.errors import Kind, Problem, forbidden

if TYPE_CHECKING:
    import jwt

ALGORITHMS = ["RS256", "ES256", "EdDSA"]
REFETCH_SECONDS = 10.0
REMEMBERED_SECONDS = 60.0
"""How long a verified token is taken as such without looking again: a key that is withdrawn works on for so long."""
MOST_REMEMBERED = 2_000
LEEWAY_SECONDS = 30


class Role(StrEnum):
    CLIENT = "client"
    PROVIDER = "provider"
    STAFF = "staff"
    ADMIN = "admin"
    APP = "app"


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller: of one practice, in one role, with scopes."""

    tenant: UUID
    subject: str
    role: Role
    scopes: frozenset[str]
    client_id: UUID | None = None
    provider_id: UUID | None = None

    def require(self, scope: str, *roles: Role) -> None:
        """Raises Problem `scope_missing` or `role_not_allowed`."""
        if scope not in self.scopes:
            raise forbidden("scope_missing", f"The token needs the scope {scope}.")
        if roles and self.role not in roles:
            raise forbidden(
                "role_not_allowed",
                f"This is for the roles {', '.join(roles)}; the token's role is {self.role}.",
            )

    def may_see_client(self, client_id: UUID) -> bool:
        """A client sees only what is theirs."""
        return self.role is not Role.CLIENT or self.client_id == client_id


def unauthenticated(code: str, detail: str) -> Problem:
    return Problem(Kind.UNAUTHENTICATED, code, detail)


class Verifier:
    """Verifies tokens against an issuer's JWKS; keys are fetched when first needed and when an unknown one appears."""

    def __init__(self, *, issuer: str, audience: str, jwks_url: str, http: httpx.AsyncClient) -> None:
        self.issuer = issuer
        self.audience = audience
        self.jwks_url = jwks_url
        self.http = http
        self._keys: dict[str, jwt.PyJWK] = {}
        self._verified: dict[str, tuple[Principal, float]] = {}
        self._fetched = float("-inf")
        self._lock = asyncio.Lock()

    async def principal(self, token: str) -> Principal:
        """The caller that a token names. Raises Problem: `token_invalid`, `token_expired`, or `issuer_unavailable`."""
        known = self._verified.get(token)
        if known is not None and time.time() < known[1]:
            return known[0]
        principal, expires = await self._verify(token)
        if len(self._verified) >= MOST_REMEMBERED:
            self._verified.clear()
        self._verified[token] = principal, min(expires, time.time() + REMEMBERED_SECONDS)
        return principal

    async def _verify(self, token: str) -> tuple[Principal, float]:
        import jwt  # 9 MB with its cryptography, and workers verify no tokens

        try:
            key = await self._key(jwt.get_unverified_header(token).get("kid", ""))
            claims = jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                audience=self.audience,
                issuer=self.issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iat", "sub", "practice_id", "role"]},
            )
            return _principal(claims), float(claims["exp"])
        except jwt.ExpiredSignatureError as error:
            raise unauthenticated("token_expired", "The bearer token has expired; get a new one.") from error
        except (jwt.PyJWTError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise unauthenticated(
                "token_invalid",
                "The bearer token is not one of the issuer's, or lacks a claim that Rapport needs.",
            ) from error

    async def _key(self, kid: str) -> "jwt.PyJWK":
        import jwt

        if kid not in self._keys:
            async with self._lock:
                if kid not in self._keys and time.monotonic() - self._fetched > REFETCH_SECONDS:
                    await self._fetch()
        if kid not in self._keys:
            raise jwt.InvalidKeyError("no such key")
        return self._keys[kid]

    async def _fetch(self) -> None:
        import jwt

        try:
            response = await self.http.get(self.jwks_url, timeout=5)
            response.raise_for_status()
            keys = jwt.PyJWKSet.from_dict(response.json())
        except (httpx.HTTPError, ValueError, jwt.PyJWTError) as error:
            raise Problem(
                Kind.UNAVAILABLE,
                "issuer_unavailable",
                "The token issuer's keys can't be had now.",
                retry_after=5,
            ) from error
        self._keys = {key.key_id: key for key in keys.keys if key.key_id}
        self._fetched = time.monotonic()


def _principal(claims: dict[str, Any]) -> Principal:
    role = Role(claims["role"])
    client, provider = claims.get("client_id"), claims.get("provider_id")
    if role is Role.CLIENT and not client:
        raise ValueError("a client's token names its client_id")
    if role is Role.PROVIDER and not provider:
        raise ValueError("a provider's token names its provider_id")
    return Principal(
        tenant=UUID(claims["practice_id"]),
        subject=str(claims["sub"]),
        role=role,
        scopes=frozenset(str(claims.get("scope", "")).split()),
        client_id=UUID(client) if client else None,
        provider_id=UUID(provider) if provider else None,
    )
