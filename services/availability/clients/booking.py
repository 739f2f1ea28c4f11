"""Booking's own word on the visits to come, for the drift check."""

from datetime import datetime, timedelta
from uuid import UUID

import httpx

from shared.capability import Capability
from shared.contracts.standing import VisitStanding, VisitStandings

PROOF_LASTS = timedelta(minutes=5)
TIMEOUT_SECONDS = 30.0


class Booking:
    """Booking's API inside the cluster; the proof is signed with the key that both services have for slot ids."""

    def __init__(self, http: httpx.AsyncClient, url: str, slot_signing_key: str) -> None:
        self._http, self._url, self._key = http, url.rstrip("/"), slot_signing_key

    async def standings(self, tenant: UUID, now: datetime) -> list[VisitStanding]:
        """Every visit of a practice that is not over. Raises httpx.HTTPError, or ValueError for a strange answer."""
        proof = Capability("standings", tenant, tenant, now + PROOF_LASTS).sign(self._key)
        found: list[VisitStanding] = []
        cursor: str | None = ""
        while cursor is not None:
            response = await self._http.get(
                f"{self._url}/v1/standings/{proof}",
                params={"cursor": cursor} if cursor else None,
                timeout=TIMEOUT_SECONDS,
            )
            page = VisitStandings.model_validate_json(response.raise_for_status().content)
            found += page.items
            cursor = page.next
        return found
