"""Notifications, which alone keeps how people can be reached."""

from datetime import datetime, timedelta
from uuid import UUID

import httpx
from opentelemetry.trace import SpanKind

from shared.capability import Capability
from shared.contracts.intake import Intake
from shared.errors import Kind, Problem, invalid
from shared.telemetry import current_traceparent, span

PROOF_LASTS = timedelta(minutes=5)
TIMEOUT_SECONDS = 3.0


class Contacts:
    """Hands on what a new client enters on the booking page; booking itself keeps none of it."""

    def __init__(self, http: httpx.AsyncClient, url: str, link_signing_key: str) -> None:
        self._http, self._url, self._key = http, url.rstrip("/"), link_signing_key

    async def take_in(self, tenant: UUID, client_id: UUID, intake: Intake, now: datetime) -> None:
        """Raises Problem `contacts_away` (503) when it could not be kept, or `contact_refused` (422), which names the
        field; then nothing is booked either.
        """
        proof = Capability("intake", tenant, client_id, now + PROOF_LASTS).sign(self._key)
        with span("notifications intake", SpanKind.CLIENT, attributes={"client.id": client_id}) as current:
            try:
                response = await self._http.put(
                    f"{self._url}/v1/intake/{proof}",
                    content=intake.model_dump_json(),
                    headers={"traceparent": current_traceparent() or "", "content-type": "application/json"},
                    timeout=TIMEOUT_SECONDS,
                )
                current.set_attribute("http.response.status_code", response.status_code)
                if response.status_code == httpx.codes.UNPROCESSABLE_ENTITY:
                    raise invalid("contact_refused", "Nobody can be reached there.", field=_field_of(response))
                response.raise_for_status()
            except httpx.HTTPError as error:
                raise Problem(
                    Kind.UNAVAILABLE,
                    "contacts_away",
                    "We can't take your details right now. Your time is still kept; please try again in a minute.",
                ) from error


def _field_of(response: httpx.Response) -> str:
    try:
        return str(response.json()["field"])
    except (ValueError, KeyError, TypeError):
        return "phone"
