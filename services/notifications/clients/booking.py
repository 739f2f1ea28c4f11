"""Asks booking how visits stand now, since news of a change may still be on its way (docs/decisions/0012)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import httpx
from opentelemetry.trace import SpanKind
from pydantic import ValidationError

from services.notifications.clients.outbound import Unavailable
from services.notifications.settings import Settings
from shared.capability import Capability
from shared.contracts.standing import Attendance, Standing, VisitStandings
from shared.errors import conflict
from shared.telemetry import current_traceparent, span
from shared.wire import Answer, Wire

TIMEOUT_SECONDS = 3.0
LIST_TIMEOUT_SECONDS = 30.0
PROOF_LASTS = timedelta(minutes=5)
"""Far more than the clocks of two services differ by."""


@dataclass(frozen=True, slots=True)
class Booking:
    """Booking's API inside the cluster."""

    settings: Settings
    wire: Wire

    async def standing(self, tenant: UUID, appointment_id: UUID, now: datetime) -> Standing:
        """The versions of a visit and of what has changed for its client since. Raises Unavailable."""
        proof = Capability("standing", tenant, appointment_id, now + PROOF_LASTS).sign(self.settings.link_signing_key)
        url = f"{self.settings.booking_api_url.rstrip('/')}/v1/standing/{proof}"
        with span("booking standing", SpanKind.CLIENT, attributes={"appointment.id": appointment_id}) as current:
            try:
                headers = {"traceparent": current_traceparent() or ""}
                response = await self.wire.ask("GET", url, headers=headers, seconds=TIMEOUT_SECONDS)
                current.set_attribute("http.response.status_code", response.status)
                return Standing.model_validate_json(_good(response).content)
            except (httpx.HTTPError, ValidationError) as error:
                raise Unavailable("booking_away") from error

    async def arrived(self, tenant: UUID, appointment_id: UUID, said_by: str, now: datetime) -> None:
        """A client is there, says somebody at the practice.

        Raises Unavailable: `booking_away` where nothing has changed, `booking_silent` where it may have; or Problem as
        booking refuses it.
        """
        key = self.settings.link_signing_key
        proof = Capability("attendance", tenant, appointment_id, now + PROOF_LASTS).sign(key)
        url = f"{self.settings.booking_api_url.rstrip('/')}/v1/attendance/{proof}"
        with span("booking attendance", SpanKind.CLIENT, attributes={"appointment.id": appointment_id}) as current:
            headers = {"traceparent": current_traceparent() or ""}
            body = Attendance(said_by=said_by).model_dump()
            try:
                response = await self.wire.ask("POST", url, body=body, headers=headers, seconds=TIMEOUT_SECONDS)
                current.set_attribute("http.response.status_code", response.status)
                if 400 <= response.status < 500:
                    refused = response.json()
                    raise conflict(str(refused["code"]), str(refused["detail"]))
                _good(response)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                raise Unavailable("booking_away") from error
            except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
                raise Unavailable("booking_silent") from error

    async def standings(self, tenant: UUID, visits: Sequence[UUID], now: datetime) -> dict[UUID, int]:
        """The versions of several visits, at most a hundred. Raises Unavailable."""
        with span("booking standings", SpanKind.CLIENT):
            page = await self._page(tenant, {"visit": [str(one) for one in visits]}, now, TIMEOUT_SECONDS)
        return {item.id: item.sequence for item in page.items}

    async def coming(self, tenant: UUID, now: datetime) -> dict[UUID, int]:
        """Every visit to come of a practice, those that were called off too, with its version. Raises Unavailable."""
        found: dict[UUID, int] = {}
        cursor: str | None = ""
        with span("booking standings", SpanKind.CLIENT):
            while cursor is not None:
                page = await self._page(tenant, {"cursor": cursor} if cursor else {}, now, LIST_TIMEOUT_SECONDS)
                found |= {item.id: item.sequence for item in page.items}
                cursor = page.next
        return found

    async def _page(
        self, tenant: UUID, asked: Mapping[str, str | list[str]], now: datetime, seconds: float
    ) -> VisitStandings:
        proof = Capability("standings", tenant, tenant, now + PROOF_LASTS).sign(self.settings.link_signing_key)
        url = f"{self.settings.booking_api_url.rstrip('/')}/v1/standings/{proof}"
        headers = {"traceparent": current_traceparent() or ""}
        try:
            response = await self.wire.ask("GET", url, query=asked, headers=headers, seconds=seconds)
            return VisitStandings.model_validate_json(_good(response).content)
        except (httpx.HTTPError, ValidationError) as error:
            raise Unavailable("booking_away") from error


def _good(answer: Answer) -> Answer:
    """Raises Unavailable where booking was asked in vain."""
    if answer.status >= 300:
        raise Unavailable("booking_away")
    return answer
