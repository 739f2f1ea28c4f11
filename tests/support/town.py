"""A practice at three services on real ports, as a browser on somebody's phone meets it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any
from uuid import UUID, uuid4

import httpx
from sqlalchemy import text

from deploy.local.ports import free_port
from services.booking.repository import schedules
from services.booking.use_cases import appointments, following, waitlist
from shared.capability import Capability
from shared.contracts import BY_TYPE
from shared.contracts.availability import AvailabilityOpened, Opened
from tests.conftest import MakeSettings
from tests.support.build import NOW
from tests.support.issuer import Issuer
from tests.support.servers import LINK_KEY
from tests.support.serving import serve

ALL_WEEK = [{"weekday": day, "start": "09:00", "end": "20:00"} for day in range(7)]


@dataclass
class Clock:
    """The time that all of them are told."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Town:
    """Maple Practice with two providers, in person and by video, which takes bookings on its page from anyone."""

    http: httpx.AsyncClient
    issuer: Issuer
    clock: Clock
    urls: dict[str, str]
    apps: dict[str, Any]
    tenant: UUID
    heard: int = 0

    async def call(self, service: str, method: str, path: str, expect: int = 200, **more: Any) -> Any:
        headers = {**self.issuer.headers(self.tenant, "admin"), **more.pop("headers", {})}
        answer = await self.http.request(method, self.urls[service] + path, headers=headers, **more)
        assert answer.status_code == expect, answer.text
        return answer.json() if answer.content else None

    async def open_practice(self) -> None:
        zone = "America/New_York"
        await self.call("availability", "PUT", f"/v1/practices/{self.tenant}", json={"name": "Maple", "zone": zone})
        kinds = [
            await self._add(
                "appointment-types", name=name, intake=intake, duration="PT50M", step="PT30M", buffer_after="PT10M"
            )
            for name, intake in (("First visit", True), ("Follow-up", False))
        ]
        places = [
            await self._add("locations", name=name, zone=zone, modality=modality)
            for name, modality in (("Elm Street 4", "in_person"), ("Video", "telehealth"))
        ]
        for name in ("Dr. Ada Okoro", "Jo Lindqvist"):
            provider = await self._add("providers", name=name, zone=zone)
            for kind in kinds:
                for place in places:
                    ids = {"provider_id": provider, "appointment_type_id": kind, "location_id": place}
                    await self._add("schedules", **ids, windows=ALL_WEEK)
        await self.set_self_booking("anyone")
        await self.tell()

    async def _add(self, what: str, **body: Any) -> str:
        return str((await self.call("availability", "POST", f"/v1/{what}", 201, json=body))["id"])

    async def set_self_booking(self, who: str) -> None:
        version = (await self.call("booking", "GET", "/v1/policy"))["version"]
        body = {"late_within": "P1D", "self_booking": who}
        await self.call("booking", "PUT", "/v1/policy", json=body, headers={"if-match": f'"{version}"'})

    async def tell(self) -> None:
        """What availability has published takes effect at booking."""
        query = text("SELECT id, topic, payload FROM outbox WHERE id > :heard AND topic LIKE 'schedule.%' ORDER BY id")
        async with self._database("availability").transaction(self.tenant) as session:
            rows = (await session.execute(query, {"heard": self.heard})).all()
        for row in rows:
            self.heard = row.id
            state: Any = BY_TYPE[row.topic].model_validate_json(row.payload)
            async with self._database("booking").transaction(self.tenant) as session:
                await following.replicate_schedule(session, tenant=self.tenant, schedule=state, now=self.clock.now)

    async def change_every_schedule(self, **changes: Any) -> None:
        """Other terms, which booking hears of at once."""
        async with self._database("booking").transaction(self.tenant) as session:
            for plan in await schedules.every(session):
                state = plan.state
                changed = state.model_copy(update={"sequence": state.sequence + 1, **changes})
                await following.replicate_schedule(session, tenant=self.tenant, schedule=changed, now=self.clock.now)

    async def notice_misses(self) -> None:
        """What the timers do."""
        for visit in await self.visits():
            async with self._database("booking").transaction(self.tenant) as session:
                await appointments.notice_absence(
                    session, tenant=self.tenant, appointment_id=UUID(visit["id"]), now=self.clock.now
                )

    def _database(self, service: str) -> Any:
        return self.apps[service].state.resources.database

    @property
    def page(self) -> str:
        return f"{self.urls['booking']}/book/{self.tenant}"

    async def client(self, name: str = "Sam Rivera") -> str:
        return str((await self.call("booking", "POST", "/v1/clients", 201, json={"name": name}))["id"])

    async def visits(self, **query: str) -> list[dict[str, Any]]:
        return list((await self.call("booking", "GET", "/v1/appointments", params=query))["items"])

    async def visit(self, visit_id: str) -> dict[str, Any]:
        return dict(await self.call("booking", "GET", f"/v1/appointments/{visit_id}"))

    async def book(self, client: str, number: int = 0, modality: str = "in_person") -> dict[str, Any]:
        """A visit in one of the free times of the days after tomorrow."""
        query = {
            "appointment_type": (await self.call("availability", "GET", "/v1/appointment-types"))["items"][1]["id"],
            "from": (self.clock.now + timedelta(days=2)).isoformat(),
            "to": (self.clock.now + timedelta(days=6)).isoformat(),
            "modality": modality,
            "limit": "200",
        }
        found = (await self.call("availability", "GET", "/v1/slots", params=query))["items"][number]
        body = {"slot": found["slot"], "client_id": client}
        return dict(await self.call("booking", "POST", "/v1/appointments", 201, json=body))

    async def offer(self, start: datetime) -> str:
        """The address of a freed time that is offered to whoever waits longest."""
        provider = (await self.call("availability", "GET", "/v1/providers"))["items"][0]["id"]
        opened = (Opened(begin=start, end=start + timedelta(hours=1)),)
        news = AvailabilityOpened(
            sequence=1, opening_id=uuid4(), provider_id=UUID(provider), reason="cancelled", opened=opened
        )
        async with self._database("booking").transaction(self.tenant) as session:
            await waitlist.follow_opening(session, tenant=self.tenant, news=news, now=self.clock.now)
            [offer] = await waitlist.offer_round(
                session, tenant=self.tenant, opening_id=news.opening_id, now=self.clock.now
            )
        return f"{self.urls['booking']}/w/{self.sign('offer', str(offer.id))}"

    def link(self, visit: dict[str, Any]) -> str:
        """The address in a message about a visit."""
        return f"{self.urls['booking']}/a/{self.sign('visit', visit['id'])}"

    def sign(self, purpose: str, subject: str, **changes: Any) -> str:
        values: dict[str, Any] = {"tenant": self.tenant, "expires": self.clock.now + timedelta(days=14), **changes}
        return Capability(purpose, subject=UUID(subject), **values).sign(LINK_KEY)


@asynccontextmanager
async def open_town(make_settings: MakeSettings, issuer: Issuer) -> AsyncIterator[Town]:
    """The services, running until the end; each test opens a practice of its own by `with_practice`."""
    clock = Clock()
    ports = {service: free_port() for service in ("availability", "booking", "notifications")}
    urls = {service: f"http://127.0.0.1:{port}" for service, port in ports.items()}
    async with AsyncExitStack() as stack:
        apps = {}
        for service, port in ports.items():
            settings = await make_settings(
                service,
                public_url=urls[service],
                availability_api_url=urls["availability"],
                notifications_api_url=urls["notifications"],
            )
            app = import_module(f"services.{service}.app").create_app(settings, clock)
            await stack.enter_async_context(app.router.lifespan_context(app))
            server, task = await serve(app, port)
            stack.push_async_callback(_ended, task)
            stack.callback(setattr, server, "should_exit", True)
            apps[service] = app
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=30))
        yield Town(http, issuer, clock, urls, apps, uuid4())


async def _ended(task: "asyncio.Task[None]") -> None:
    await task
