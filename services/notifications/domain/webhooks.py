"""Webhooks for third-party apps, by Standard Webhooks (https://www.standardwebhooks.com): ids only, signed, retried."""

import json
import secrets
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from hmac import digest
from typing import Literal
from uuid import UUID

from shared.contracts.envelope import Event

RETRY_AFTER = tuple(timedelta(seconds=seconds) for seconds in (5, 300, 1_800, 7_200, 18_000, 36_000, 36_000))
"""After the first try at once: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h, as the specification has it."""
OLD_SECRET_LASTS = timedelta(hours=24)
MOST_WEBHOOKS = 20
TEST_EVENT = "webhook.test"

Status = Literal["pending", "delivered", "dead"]


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where an app wants to hear of which events; for a day after a change of secrets the old one signs too."""

    id: UUID
    url: str
    event_types: tuple[str, ...]
    secret: str
    created_at: datetime
    old_secret: str | None = None
    old_secret_until: datetime | None = None
    disabled_because: str | None = None
    version: int = 1
    owner: str | None = None
    """The app whose it is, by the subject of its token; None where it is the practice's."""

    def rotated(self, now: datetime) -> "Webhook":
        return replace(
            self,
            secret=new_secret(),
            old_secret=self.secret,
            old_secret_until=now + OLD_SECRET_LASTS,
            version=self.version + 1,
        )

    def secrets_at(self, now: datetime) -> list[str]:
        old = self.old_secret if self.old_secret_until is not None and now < self.old_secret_until else None
        return [self.secret, *([old] if old else [])]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one webhook; its id is the same at each try, so that the app knows what it has had."""

    id: UUID
    webhook_id: UUID
    event_type: str
    payload: str
    created_at: datetime
    status: Status = "pending"
    attempts: int = 0
    answer: str | None = None
    tried_at: datetime | None = None
    next_at: datetime | None = None

    def answered(self, told: str, now: datetime) -> "Delivery":
        return replace(self, status="delivered", attempts=self.attempts + 1, answer=told, tried_at=now, next_at=None)

    def failed(self, told: str, now: datetime, *, for_good: bool = False) -> "Delivery":
        """To be tried again on schedule, or given up."""
        tries = self.attempts + 1
        over = for_good or tries > len(RETRY_AFTER)
        next_at = None if over else now + RETRY_AFTER[tries - 1]
        return replace(
            self, status="dead" if over else "pending", attempts=tries, answer=told, tried_at=now, next_at=next_at
        )

    def replayed(self, now: datetime) -> "Delivery":
        return replace(self, status="pending", attempts=0, answer=None, next_at=now)


def new_secret() -> str:
    return "whsec_" + b64encode(secrets.token_bytes(32)).decode()


def signature(secrets_: Sequence[str], id: str, at: datetime, payload: str) -> str:
    """The header `webhook-signature`: one for each secret that counts, the newest first."""
    signed = f"{id}.{int(at.timestamp())}.{payload}".encode()
    keys = (b64decode(secret.removeprefix("whsec_")) for secret in secrets_)
    return " ".join(f"v1,{b64encode(digest(key, signed, sha256)).decode()}" for key in keys)


def payload_of(event: Event, at: datetime) -> str:
    """Type, time, ids and the version; whoever may know more asks the API, where it is looked at who asks."""
    ids = {
        name: str(value) for name, value in event if isinstance(value, UUID) and (name == "id" or name.endswith("_id"))
    }
    body = {
        "type": event.type,
        "timestamp": at.isoformat().replace("+00:00", "Z"),
        "data": {**ids, "sequence": event.sequence},
    }
    return json.dumps(body, separators=(",", ":"))
