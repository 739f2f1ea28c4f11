"""A token issuer for this machine: what a practice's OIDC provider is in production.

`python -m deploy.local.issuer <folder> <port>` serves the key and gives tokens to whoever asks, which is
why it listens on the loopback address only.
"""

import base64
import os
import sys
import time
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from deploy.local.errors import StackError
from deploy.local.ports import HOST

AUDIENCE = "rapport"
PRACTICE = "0199f3a2-0000-7000-8000-000000000001"
"""The practice of tokens that name none."""
LIFETIME_SECONDS = 3600
KEY_ID = "local-1"

EVERY = (
    "schedules:read schedules:write slots:read clients:read clients:write appointments:read appointments:write "
    "messages:read messages:write webhooks:read webhooks:write feedback:read feedback:write reports:read"
)
SCOPES = {
    "admin": EVERY,
    "staff": EVERY,
    "app": EVERY,
    "provider": "schedules:read schedules:write slots:read clients:read appointments:read appointments:write "
    "messages:read feedback:read reports:read",
    "client": "slots:read clients:read appointments:read appointments:write feedback:read feedback:write",
}
NEEDED = {"client": "client", "provider": "provider"}


class Issuer:
    """Signs tokens with a key that is made once and kept in `folder`."""

    def __init__(self, folder: Path, url: str) -> None:
        self.url = url
        path = folder / "key.pem"
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            key = rsa.generate_private_key(65537, 2048)
            text = key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
                file.write(text)
        loaded = serialization.load_pem_private_key(path.read_bytes(), None)
        assert isinstance(loaded, rsa.RSAPrivateKey)
        self.key = loaded

    def jwks(self) -> dict[str, Any]:
        numbers = self.key.public_key().public_numbers()

        def text(number: int) -> str:
            raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
            return base64.urlsafe_b64encode(raw).decode().rstrip("=")

        key = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": KEY_ID, "n": text(numbers.n), "e": text(numbers.e)}
        return {"keys": [key]}

    def token(
        self,
        role: str = "staff",
        practice: str | None = None,
        client: str | None = None,
        provider: str | None = None,
        scope: str | None = None,
    ) -> str:
        """A signed token for an hour. Raises StackError when the role or its id doesn't fit."""
        if role not in SCOPES:
            raise StackError(f"There is no role {role!r}; take one of {', '.join(sorted(SCOPES))}.")
        ids = {"client": client, "provider": provider}
        if role in NEEDED and not ids[NEEDED[role]]:
            raise StackError(f"A token of role={role} needs {NEEDED[role]}=<id>.")
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": ids.get(role) or f"local-{role}",
            "iat": now,
            "exp": now + LIFETIME_SECONDS,
            "jti": str(uuid4()),
            "practice_id": practice or PRACTICE,
            "role": role,
            "scope": scope or SCOPES[role],
            **({"client_id": client} if client else {}),
            **({"provider_id": provider} if provider else {}),
        }
        return jwt.encode(claims, self.key, "RS256", {"kid": KEY_ID})


def main() -> None:
    import uvicorn
    from fastapi import FastAPI, Form, HTTPException

    issuer = Issuer(Path(sys.argv[1]), f"http://{HOST}:{sys.argv[2]}")
    app = FastAPI(title="Local issuer", docs_url=None, redoc_url=None)

    @app.get("/.well-known/openid-configuration")
    async def discovery() -> dict[str, Any]:
        return {
            "issuer": issuer.url,
            "jwks_uri": f"{issuer.url}/jwks.json",
            "token_endpoint": f"{issuer.url}/token",
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    @app.get("/jwks.json")
    async def jwks() -> dict[str, Any]:
        return issuer.jwks()

    @app.post("/token")
    async def token(
        role: Annotated[str, Form()] = "staff",
        practice: Annotated[str | None, Form()] = None,
        client: Annotated[str | None, Form()] = None,
        provider: Annotated[str | None, Form()] = None,
        scope: Annotated[str | None, Form()] = None,
    ) -> dict[str, Any]:
        try:
            signed = issuer.token(role, practice, client, provider, scope)
        except StackError as error:
            raise HTTPException(400, str(error)) from error
        return {"access_token": signed, "token_type": "Bearer", "expires_in": LIFETIME_SECONDS}

    uvicorn.run(app, host=HOST, port=int(sys.argv[2]), log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
