"""Fixtures of notifications' tests: a carrier and a mail server that really receive, and the service itself.

Booking is one route here, which answers what a test lets it know; tests/chaos asks the real one.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI, Response
from sqlalchemy import func, select, text

from deploy.local.demo.world import daytime_zone
from deploy.local.ports import free_port
from deploy.local.receivers import carrier
from deploy.local.receivers.__main__ import create_app as create_receivers
from deploy.local.receivers.carrier import Carrier
from services.notifications import jobs
from services.notifications.app import create_app
from services.notifications.clients import signature
from services.notifications.resources import Resources
from services.notifications.use_cases import visits
from shared.capability import Capability
from shared.contracts.booking import FREE_STATUSES, AppointmentState
from shared.contracts.standing import Attendance, Standing, VisitStanding, VisitStandings
from shared.timers import Timer, TimerRunner
from tests.conftest import MakeSettings
from tests.support.issuer import Issuer
from tests.support.servers import LINK_KEY, settings_for
from tests.support.serving import serve

ACCOUNT, TOKEN = "ACtest", "carrier-token"


@dataclass
class Booking:
    """What booking knows of visits; `away` refuses to answer."""

    visits: dict[UUID, AppointmentState] = field(default_factory=dict)
    of_practice: dict[UUID, set[UUID]] = field(default_factory=dict)
    away: bool = False
    meanwhile: Callable[[], Awaitable[None]] | None = None
    """What happens while booking is asked."""
    garbled: bool = False
    """It answers, and nobody can read what."""
    there: dict[UUID, str] = field(default_factory=dict)
    """Whose client is there, as whom said."""

    def learn(self, event: AppointmentState, tenant: UUID) -> None:
        self.of_practice.setdefault(tenant, set()).add(event.appointment_id)
        known = self.visits.get(event.appointment_id)
        if known is None or known.sequence < event.sequence:
            self.visits[event.appointment_id] = event

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/v1/standing/{proof}")
        async def standing(proof: str, response: Response) -> Standing | None:
            if self.away:
                response.status_code = 503
                return None
            if self.meanwhile is not None:
                await self.meanwhile()
            asked = Capability.verify(proof, LINK_KEY, "standing", datetime.now(UTC))
            about = self.visits[asked.subject]
            mine = (one for one in self.visits.values() if one.client_id == about.client_id)
            return Standing(
                sequences={one.appointment_id: one.sequence for one in mine if one.changed_at >= about.changed_at}
            )

        @app.get("/v1/standings/{proof}")
        async def standings(proof: str, response: Response) -> VisitStandings | None:
            if self.away:
                response.status_code = 503
                return None
            if self.meanwhile is not None:
                await self.meanwhile()
            asked = Capability.verify(proof, LINK_KEY, "standings", datetime.now(UTC))
            mine = [self.visits[id] for id in self.of_practice.get(asked.tenant, ())]
            return VisitStandings(items=[_standing(one) for one in mine], next=None)

        @app.post("/v1/attendance/{proof}")
        async def attendance(proof: str, said: Attendance, response: Response) -> Any:
            if self.away:
                response.status_code = 503
                return None
            if self.garbled:
                response.status_code = 400
                return "what?"
            asked = Capability.verify(proof, LINK_KEY, "attendance", datetime.now(UTC))
            if self.visits[asked.subject].status != "booked":
                response.status_code = 409
                return {"code": "illegal_move", "detail": "This visit is missed."}
            self.there[asked.subject] = said.said_by
            if self.meanwhile is not None:
                await self.meanwhile()
            return said

        return app


def _standing(visit: AppointmentState) -> VisitStanding:
    return VisitStanding(
        id=visit.appointment_id,
        starts_at=visit.start,
        ends_at=visit.end,
        free=visit.status in FREE_STATUSES,
        **{
            name: getattr(visit, name)
            for name in (
                "sequence",
                "provider_id",
                "schedule_id",
                "client_id",
                "room_id",
                "occupied_from",
                "occupied_to",
            )
        },
    )


@dataclass
class Outside:
    """What is outside the house: the carrier with its phone network, the mail server, and booking."""

    url: str
    smtp_port: int
    carrier: Carrier
    booking_url: str
    booking: Booking

    def texts(self, phone: str) -> list[str]:
        return [one.text for one in self.carrier.store.find(to=phone, channel="sms")]

    def mails(self, address: str) -> list[str]:
        return [f"{one.subject}\n{one.text}" for one in self.carrier.store.find(to=address, channel="email")]


@pytest_asyncio.fixture(scope="session")
async def outside() -> AsyncIterator[Outside]:
    app = create_receivers(None, 0, ACCOUNT, TOKEN)
    port = free_port()
    # So long that what a test says of a text is said before the network's own report, on a slow machine too.
    carrier.DELIVERY_SECONDS = 1.5
    async with app.router.lifespan_context(app):
        server, task = await serve(app, port)
        booking, booking_port = Booking(), free_port()
        beside, beside_task = await serve(booking.app(), booking_port)
        yield Outside(
            f"http://127.0.0.1:{port}",
            app.state.smtp_port,
            app.state.carrier,
            f"http://127.0.0.1:{booking_port}",
            booking,
        )
        server.should_exit = beside.should_exit = True
        await asyncio.gather(task, beside_task)


@dataclass
class Practice:
    """One tenant of notifications, with a client; its API, and the timers that it sends by."""

    http: httpx.AsyncClient
    issuer: Issuer
    resources: Resources
    outside: Outside
    tenant: UUID
    client: UUID
    phone: str
    email: str
    url: str
    http_app: FastAPI

    def headers(self, role: str = "staff", **claims: Any) -> dict[str, str]:
        return self.issuer.headers(self.tenant, role, **claims)

    async def call(self, method: str, path: str, expect: int = 200, **more: Any) -> Any:
        answer = await self.http.request(method, path, headers={**self.headers(), **more.pop("headers", {})}, **more)
        assert answer.status_code == expect, answer.text
        return answer.json() if answer.content else None

    async def open(self, *channels: str, zone: str | None = None) -> None:
        """Sets the sender, the client's contact, and consent to the channels."""
        sender = {
            "name": "Maple",
            "phone": "+12025550100",
            "sms_from": "+12025550111",
            "email_from": "hello@maple.example",
            "alert_email": f"desk-{self.tenant}@maple.example",
        }
        await self.call("PUT", "/v1/sender", json=sender)
        contact = {"email": self.email, "phone": self.phone, "zone": zone or daytime()}
        await self.call("PUT", f"/v1/clients/{self.client}/contact", json=contact)
        for channel in channels:
            await self.consent(channel)

    async def consent(self, channel: str, granted: bool = True) -> None:
        body = {"channel": channel, "granted": granted, "wording_version": "2026-01", "source": "intake form"}
        await self.call("POST", f"/v1/clients/{self.client}/consents", 201, json=body)

    async def follow(self, *events: AppointmentState) -> None:
        for event in events:
            self.outside.booking.learn(event, self.tenant)
            async with self.resources.database.transaction(self.tenant) as session:
                await visits.follow_visit(session, tenant=self.tenant, state=event, now=await self.now())

    async def now(self) -> datetime:
        async with self.resources.database.transaction(self.tenant) as session:
            moment: datetime | None = await session.scalar(select(func.clock_timestamp()))
        assert moment is not None
        return moment

    def runner(self) -> TimerRunner:
        together = jobs.timers_together(self.resources)
        return TimerRunner(self.resources.database, jobs.timers(self.resources), many=together)

    async def claimed(self, runner: TimerRunner | None = None) -> list[Timer]:
        """All of this tenant's due timers, leased; those that other tests have left are let be, however many."""
        runner, own = runner or self.runner(), list[Timer]()
        while found := await runner.claim(100):
            own += [timer for timer in found if timer.tenant == self.tenant]
        return own

    async def fire(self, key: UUID) -> None:
        """Fires this one, due or not."""
        async with self.resources.database.transaction(self.tenant) as session:
            moved = "UPDATE timers SET due_at = clock_timestamp(), leased_until = NULL WHERE key = :key"
            await session.execute(text(moved), {"key": key})
        runner = self.runner()
        await runner.fire_all([timer for timer in await self.claimed(runner) if timer.key == key])

    async def fire_due(self) -> int:
        """Fires this tenant's due timers, and those that they set, until none is due."""
        fired = 0
        while True:
            async with self.resources.database.transaction(self.tenant) as session:
                due = await session.scalar(
                    text("SELECT count(*) FROM timers WHERE due_at <= clock_timestamp() AND leased_until IS NULL")
                )
            if not due:
                return fired
            runner = self.runner()
            claimed = await self.claimed(runner)
            await runner.fire_all(claimed)
            fired += len(claimed)

    async def settle(self) -> None:
        """Time passes since carriers were asked: by now they would have in their lists whatever they have taken."""
        async with self.resources.database.transaction(self.tenant) as session:
            await session.execute(text("UPDATE hand_overs SET begun_at = begun_at - interval '5 minutes'"))

    async def sid(self, message_id: str) -> str | None:
        """What the carrier calls a message."""
        async with self.resources.database.transaction(self.tenant) as session:
            found: str | None = await session.scalar(
                text("SELECT carrier_id FROM messages WHERE id = :id"), {"id": UUID(message_id)}
            )
            return found

    async def reported(self, status: str = "delivered", code: int | None = None) -> None:
        """The carrier's report on every text of the client that was handed to it."""
        for message in await self.messages():
            if (message["status"], message["channel"]) == ("sent", "sms"):
                path = f"/v1/callbacks/sms/{self.tenant}/{message['id']}"
                sid = await self.sid(message["id"]) or "SM1"
                form = {"MessageSid": sid, "MessageStatus": status} | ({"ErrorCode": str(code)} if code else {})
                headers = {"x-twilio-signature": signature(TOKEN, self.url + path, form)}
                answer = await self.http.post(path, data=form, headers=headers)
                assert answer.status_code == 204, answer.text

    async def text_from(self, phone: str, body: str, **more: str) -> httpx.Response:
        """A text by the carrier's signed request, and what goes back with its answer."""
        path = f"/v1/inbound/sms/{self.tenant}"
        form = {"MessageSid": f"SM{uuid4().hex}", "From": phone, "To": "+12025550111", "Body": body} | more
        headers = {"x-twilio-signature": signature(TOKEN, self.url + path, form)}
        return await self.http.post(path, data=form, headers=headers)

    async def come_due(self, kind: str) -> None:
        """Timers of a kind come due, also those that wait to be tried again."""
        async with self.resources.database.transaction(self.tenant) as session:
            query = "UPDATE timers SET due_at = clock_timestamp(), leased_until = NULL WHERE kind = :kind"
            await session.execute(text(query), {"kind": kind})

    async def tasks(self) -> list[dict[str, Any]]:
        return list((await self.call("GET", "/v1/tasks"))["items"])

    async def messages(self) -> list[dict[str, Any]]:
        found = await self.call("GET", f"/v1/clients/{self.client}/messages", params={"limit": "200"})
        return list(found["items"])

    async def decisions(self) -> list[tuple[str, str | None, str, str | None]]:
        found = await self.call("GET", f"/v1/clients/{self.client}/explain")
        return [(one["purpose"], one["channel"], one["outcome"], one["reason"]) for one in found["items"]]

    async def outreach(self) -> list[dict[str, Any]]:
        found = await self.call("GET", "/v1/outreach", params={"client_id": str(self.client)})
        return list(found["items"])


async def text_in(practice: Practice, body: str, sid: str | None = None, sender: str | None = None) -> int:
    """A text of the client (or another sender) by the carrier's signed request; returns the answer's status."""
    path = f"/v1/inbound/sms/{practice.tenant}"
    form = {
        "MessageSid": sid or f"SM{uuid4().hex}",
        "From": sender or practice.phone,
        "To": "+12025550111",
        "Body": body,
    }
    headers = {"x-twilio-signature": signature(TOKEN, practice.url + path, form)}
    answer = await practice.http.post(path, data=form, headers=headers)
    return answer.status_code


def daytime() -> str:
    """A zone where it is daytime, so that quiet hours don't decide these tests."""
    return daytime_zone(datetime.now(UTC))


@pytest_asyncio.fixture(scope="session")
async def service(make_settings: MakeSettings, outside: Outside, issuer: Issuer) -> AsyncIterator[tuple[FastAPI, str]]:
    base = await make_settings("notifications", fresh=True)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    settings: Any = settings_for(
        "notifications",
        base.database_url,
        "127.0.0.1:9",
        issuer.url,
        public_url=url,
        smtp_port=outside.smtp_port,
        sms_api_url=outside.url,
        booking_api_url=outside.booking_url,
        sms_account_sid=ACCOUNT,
        sms_auth_token=TOKEN,
    )
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        server, task = await serve(app, port)
        yield app, url
        server.should_exit = True
        await task


@pytest.fixture
async def practice(service: tuple[FastAPI, str], outside: Outside, issuer: Issuer) -> AsyncIterator[Practice]:
    app, url = service
    tag = uuid4().int
    async with httpx.AsyncClient(base_url=url, timeout=30) as http:
        yield Practice(
            http=http,
            issuer=issuer,
            resources=app.state.resources,
            outside=outside,
            tenant=uuid4(),
            client=uuid4(),
            phone=f"+1202{tag % 800 + 200}{tag // 800 % 999 + 1:03d}1",
            email=f"client-{tag % 10**9}@example.org",
            url=url,
            http_app=app,
        )


SOON = timedelta(hours=80)
"""Far enough for every reminder of the default plan to lie ahead."""
