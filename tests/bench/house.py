"""A practice of the benchmark of notifications, what is told about its visits, and how fast that is followed."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import httpx
from aiokafka import AIOKafkaProducer
from uuid_utils.compat import uuid7

from deploy.local.stack import Stack
from shared.contracts.booking import AppointmentBooked, AppointmentCancelled, AppointmentState
from shared.contracts.envelope import Envelope
from tests.support.build import appointment_event

AT_ONCE = {"steps": [{"purpose": "reminder", "anchor": "booking", "offset": "PT0S", "channels": ["sms"]}]}
PLANNED = "SELECT count(*) FROM messages WHERE tenant_id = $1 AND purpose = 'reminder' AND plan_version = 1"


class House:
    """A practice with as many clients as there are messages, each with a number and a yes to texts."""

    def __init__(self, stack: Stack, http: httpx.AsyncClient) -> None:
        self.stack, self.http, self.id = stack, http, uuid4()
        self.token = stack.token(role="admin", practice=str(self.id))
        self.urls = {
            name: stack.environments[name][f"{name.upper()}_OWNER_DATABASE_URL"]
            for name in ("booking", "notifications")
        }
        self.clients: list[UUID] = []
        self.phones: list[str] = []
        self.opened_at = datetime.now(UTC)

    async def call(self, method: str, path: str, body: object) -> None:
        headers = {"authorization": f"Bearer {self.token}"}
        answer = await self.http.request(
            method, self.stack.urls["notifications"] + path, json=body, headers=headers, timeout=30
        )
        answer.raise_for_status()

    async def open(self, clients: int) -> None:
        sender = {
            "name": "Maple",
            "phone": "+12025550100",
            "sms_from": "+12025550111",
            "email_from": "hello@maple.example",
            "alert_email": "desk@maple.example",
        }
        await self.call("PUT", "/v1/sender", sender)
        self.clients = [uuid4() for _ in range(clients)]
        async with self.database("notifications") as rows:
            self.phones = [f"+1202{number // 9_000 + 220:03d}{number % 9_000 + 1_000}" for number in range(clients)]
            await rows.execute(
                "INSERT INTO contacts (tenant_id, client_id, phone, zone) "
                "SELECT $1, client, phone, $4 FROM unnest($2::uuid[], $3::text[]) AS them (client, phone)",
                self.id,
                self.clients,
                self.phones,
                zone_in_the_afternoon(),
            )
            await rows.execute(
                "INSERT INTO consents (tenant_id, id, client_id, channel, address, granted, wording_version, source,"
                " actor, at) SELECT $1, gen_random_uuid(), client, 'sms', phone, true, '1', 'bench', 'bench', now()"
                " FROM unnest($2::uuid[], $3::text[]) AS them (client, phone)",
                self.id,
                self.clients,
                self.phones,
            )

    @asynccontextmanager
    async def database(self, service: str) -> AsyncIterator[asyncpg.Connection]:
        url = self.urls[service].replace("postgresql+asyncpg", "postgresql")
        connection = await asyncpg.connect(url, server_settings={"app.tenant": str(self.id)})
        try:
            yield connection
        finally:
            await connection.close()

    async def count(self, query: str) -> int:
        async with self.database("notifications") as rows:
            found: int = await rows.fetchval(query, self.id)
            return found

    def bookings(self, number: int, at: datetime) -> list[AppointmentBooked]:
        """A visit each of the first clients, booked then, for ten days later."""
        start = at + timedelta(days=10)
        made = [
            appointment_event(AppointmentBooked, client_id=client, start=start, booked_at=at, changed_at=at)
            for client in self.clients[:number]
        ]
        return [one for one in made if isinstance(one, AppointmentBooked)]

    async def publish(
        self, events: Sequence[AppointmentState], per_second: float | None = None
    ) -> dict[UUID, datetime]:
        """When each was published, by the id of its visit; at a rate, or as fast as can be."""
        producer = AIOKafkaProducer(bootstrap_servers=self.stack.bootstrap, linger_ms=5)
        await producer.start()
        published: dict[UUID, datetime] = {}
        began = time.perf_counter()
        try:
            for number, event in enumerate(events):
                if per_second is not None:
                    await asyncio.sleep(max(0.0, began + number / per_second - time.perf_counter()))
                envelope = Envelope(id=uuid7(), tenant=self.id, time=datetime.now(UTC), event=event)
                published[event.appointment_id] = envelope.time
                await producer.send(
                    event.type,
                    event.model_dump_json().encode(),
                    key=str(event.subject).encode(),
                    headers=list(envelope.headers()),
                )
            await producer.flush()
        finally:
            await producer.stop()
        return published


def zone_in_the_afternoon() -> str:
    """Where it is about noon, so that quiet hours keep nothing back."""
    hours = (12 - datetime.now(UTC).hour + 12) % 24 - 12
    return f"Etc/GMT{-hours:+d}" if hours else "Etc/GMT"


async def known_to_booking(house: House, events: Sequence[AppointmentState]) -> None:
    """Booking has these visits, as it would have published them."""
    providers = [uuid4() for _ in events]
    async with house.database("booking") as rows:
        await rows.executemany(
            "INSERT INTO clients (tenant_id, id, name, registered_at, sequence) VALUES ($1, $2, 'C', now(), 1)"
            " ON CONFLICT DO NOTHING",
            [(house.id, client) for client in house.clients],
        )
        await rows.executemany(
            "INSERT INTO providers (tenant_id, id) VALUES ($1, $2)", [(house.id, one) for one in providers]
        )
        await rows.executemany(
            "INSERT INTO appointments (tenant_id, id, client_id, provider_id, schedule_id, appointment_type_id,"
            ' location_id, modality, status, start, "end", occupied_from, occupied_to, grace, booked_at, changed_at,'
            " changed_by, sequence, group_id, seat, needs_rebooking, late) VALUES ($1, $2, $3, $4, $4, $4, $4,"
            " 'in_person', 'booked', $5, $6, $5, $6, 'PT15M', $7, $7, 'practice', 1, $2, 1, false, false)",
            [
                (house.id, one.appointment_id, one.client_id, whose, one.start, one.end, one.changed_at)
                for one, whose in zip(events, providers, strict=True)
            ],
        )


async def call_off(house: House, events: Sequence[AppointmentBooked]) -> None:
    """These visits are cancelled: in booking first, as it is, and then all hear of it."""
    at = datetime.now(UTC)
    changes = {"status": "cancelled", "sequence": 2, "changed_at": at, "reason_code": "illness"}
    gone = [AppointmentCancelled.model_validate(one.model_dump() | changes) for one in events]
    async with house.database("booking") as rows:
        await rows.execute(
            "UPDATE appointments SET status = 'cancelled', sequence = 2, changed_at = $2 WHERE id = ANY ($1)",
            [one.appointment_id for one in gone],
            at,
        )
    await house.publish(gone)


async def rate_of(house: House, query: str, target: int, *, every_seconds: float = 0.05) -> float:
    """How fast a count rises to its target, between a tenth of the way and its end; counting takes a share of it."""
    first = await house.count(query)
    begin, counted = 0.0, first
    while counted < target:
        await asyncio.sleep(every_seconds)
        counted = await house.count(query)
        if not begin and counted > first + (target - first) / 10:
            begin, first = time.perf_counter(), counted
    return (target - first) / (time.perf_counter() - begin)
