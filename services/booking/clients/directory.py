"""Availability's names of providers, places and types, for pages that people read."""

from datetime import datetime, timedelta
from uuid import UUID

import httpx
from opentelemetry.trace import SpanKind
from pydantic import ValidationError

from shared.capability import Capability
from shared.contracts.directory import Directory
from shared.errors import Kind, Problem
from shared.telemetry import current_traceparent, span

PROOF_LASTS = timedelta(minutes=5)
TIMEOUT_SECONDS = 3.0
FRESH_FOR = timedelta(minutes=1)
MOST_KEPT = 1_000


class Names:
    """Asks availability how a practice and what it has are called; an answer is kept for a minute."""

    def __init__(self, http: httpx.AsyncClient, url: str, slot_signing_key: str) -> None:
        self._http, self._url, self._key = http, url.rstrip("/"), slot_signing_key
        self._known: dict[UUID, tuple[datetime, Directory]] = {}

    async def of(self, tenant: UUID, now: datetime) -> Directory | None:
        """None for a practice that availability doesn't know. Raises Problem `names_away` (503)."""
        known = self._known.get(tenant)
        if known is not None and timedelta(0) <= now - known[0] < FRESH_FOR:
            return known[1]
        found = await self._ask(tenant, now)
        if found is not None:
            if len(self._known) >= MOST_KEPT:
                self._known.clear()
            self._known[tenant] = now, found
        return found

    async def _ask(self, tenant: UUID, now: datetime) -> Directory | None:
        proof = Capability("directory", tenant, tenant, now + PROOF_LASTS).sign(self._key)
        with span("availability directory", SpanKind.CLIENT) as current:
            try:
                response = await self._http.get(
                    f"{self._url}/v1/directory/{proof}",
                    headers={"traceparent": current_traceparent() or ""},
                    timeout=TIMEOUT_SECONDS,
                )
                current.set_attribute("http.response.status_code", response.status_code)
                if response.status_code == httpx.codes.NOT_FOUND:
                    return None
                return Directory.model_validate_json(response.raise_for_status().content)
            except (httpx.HTTPError, ValidationError) as error:
                raise Problem(
                    Kind.UNAVAILABLE, "names_away", "Times can't be shown right now; please try again in a minute."
                ) from error
