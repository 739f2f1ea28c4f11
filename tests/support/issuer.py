"""A token issuer for tests: its own key, published over real HTTP."""

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

EVERY_SCOPE = (
    "schedules:read schedules:write slots:read clients:read clients:write appointments:read appointments:write "
    "messages:read messages:write webhooks:read webhooks:write feedback:read feedback:write reports:read"
)


@dataclass
class Issuer:
    """Signs tokens with ES256 and serves the key."""

    url: str
    key: ec.EllipticCurvePrivateKey
    server: asyncio.Server

    def token(self, practice: UUID | str, role: str = "staff", **claims: Any) -> str:
        now = datetime.now(UTC)
        values = {
            "iss": self.url,
            "aud": "rapport",
            "sub": f"{role}-1",
            "iat": now,
            "exp": now + timedelta(hours=1),
            "practice_id": str(practice),
            "role": role,
            "scope": EVERY_SCOPE,
            **claims,
        }
        present = {name: str(value) if isinstance(value, UUID) else value for name, value in values.items()}
        return jwt.encode({k: v for k, v in present.items() if v is not None}, self.key, "ES256", {"kid": "test-key"})

    def headers(self, practice: UUID | str, role: str = "staff", **claims: Any) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token(practice, role, **claims)}"}


async def start_issuer() -> Issuer:
    key = ec.generate_private_key(ec.SECP256R1())
    public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key()))
    body = json.dumps({"keys": [{**public, "kid": "test-key", "use": "sig", "alg": "ES256"}]}).encode()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
        writer.write(head.encode() + b"connection: close\r\n\r\n" + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    return Issuer(f"http://127.0.0.1:{port}", key, server)


def practice() -> UUID:
    """A tenant of one's own: tests don't share rows, so nothing has to be cleaned."""
    return uuid4()
