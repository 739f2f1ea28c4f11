"""A practice's year in virtual time: clients book, confirm, move, miss, come, answer, say STOP, fall silent and come
back; the real service, on a real PostgreSQL, follows; nothing waits for a wall clock.
"""

import heapq
import math
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import jobs
from services.notifications.clients.carriers import Carriers
from services.notifications.consumers import HANDLERS
from services.notifications.domain.model import Contact, Preferences, Sender
from services.notifications.resources import Resources
from services.notifications.use_cases import inbound, practice, reports
from shared.contracts import Envelope, Event
from shared.contracts.booking import AppointmentState
from shared.contracts.notifications import Channel
from shared.timers import Timer, TimerRunner
from tests.notifications.simulation.clients import Client, Truth, someone
from tests.notifications.simulation.lives import Life
from tests.notifications.simulation.outside import Clock, KnownVisits, Ledger, Vendor
from tests.notifications.simulation.published import CHECK_INS, FIRST_FLOW, LATER_FLOW, LATER_PLAN, MANY_CHECK_INS
from tests.notifications.simulation.rules import OUTREACH, HandedOver, Sent, broken

BEGIN = datetime.fromisoformat("2026-01-05T05:00:00+00:00")
TICK = timedelta(hours=1)
NAME = "Maple"
_DUE = text(
    """
    UPDATE timers SET generation = generation + 1, leased_until = clock_timestamp() + interval '1 hour'
    WHERE id IN (
        SELECT id FROM timers WHERE tenant_id = :tenant AND due_at <= :now AND failed_at IS NULL
          AND kind <> 'reconcile' ORDER BY due_at LIMIT 200)
    RETURNING id, tenant_id AS tenant, kind, key, due_at, generation, attempts, traceparent,
        cast(:now AS timestamptz) AS now
    """
)
_NEXT = text("SELECT min(due_at) FROM timers WHERE tenant_id = :tenant AND kind <> 'reconcile'")
Happening = Callable[[], Awaitable[None]]


@dataclass
class Year:
    """One practice with its clients."""

    resources: Resources
    tenant: UUID
    number: int
    clients: int
    seed: int
    days: int = 365
    eventful: float = 1.0
    """How many times as often what is rare happens: few lives then see as much as many."""
    happened: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)  # noqa: S311 -- a year that can be repeated, no secrets
        self.clock = Clock(BEGIN)
        self.ledger = Ledger(self.clock, heard=self._heard)
        self.visits: dict[UUID, AppointmentState] = {}
        channels: tuple[Channel, ...] = ("sms", "voice", "email")
        vendors = {one: [Vendor(f"simulated-{one}", one, self.ledger, Random(self.seed))] for one in channels}  # noqa: S311 -- see above
        ours = replace(
            self.resources,
            carriers=Carriers(vendors),
            booking=KnownVisits.over(self.resources.booking, self.visits, self._visits_of),
            clock=self.clock,
        )
        self.database = ours.database
        self.runner = TimerRunner(ours.database, jobs.timers(ours), many=jobs.timers_together(ours))
        self._hour = AsyncExitStack()
        self._session: AsyncSession | None = None
        self._to_come: list[tuple[datetime, int, Happening]] = []
        self._numbers = count()
        self.lives: dict[UUID, Life] = {}

    def at(self, moment: datetime, happening: Happening) -> None:
        heapq.heappush(self._to_come, (max(moment, self.clock.now), next(self._numbers), happening))

    async def run(self) -> Counter[str]:
        """Lets the year pass; the rules that were broken and what is not explained, with how often."""
        async with self._hour:
            await self._open()
            end = BEGIN + timedelta(days=self.days)
            due: datetime | None = None
            while self.clock.now < end:
                until = min(end, self._next_tick(due))
                while self._to_come and self._to_come[0][0] <= until:
                    moment, _, happening = heapq.heappop(self._to_come)
                    self.clock.now = max(self.clock.now, moment)
                    await happening()
                self.clock.now = until
                await self._commit()
                due = await self._fire()
        return await self._judge()

    async def _open(self) -> None:
        sender = Sender(
            NAME, "+12025550100", "+12025550111", "hello@maple.example", f"alerts-{self.number}@desk.example"
        )

        asked = MANY_CHECK_INS if self.eventful > 1 else CHECK_INS

        async def work(session: AsyncSession) -> None:
            await practice.set_sender(session, tenant=self.tenant, sender=sender, now=BEGIN)
            await practice.publish_check_ins(session, tenant=self.tenant, plan=asked, now=BEGIN)
            await practice.publish_flow(session, tenant=self.tenant, flow=FIRST_FLOW, now=BEGIN)

        await self.do(work)
        self.at(BEGIN + timedelta(days=self.days * 0.5), self._publish)
        shared: str | None = None
        for number in range(self.clients):
            client = someone(
                self.random, number, self.number, shared if self.random.random() < 0.05 else None, self.eventful
            )
            shared = client.truth.phone
            life = self.lives[client.truth.client] = Life(self, client)
            self.at(BEGIN + timedelta(days=self.random.random() * self.days * 0.9), life.begin)

    async def _publish(self) -> None:
        """The practice thinks again; what has begun goes on as it began."""

        async def work(session: AsyncSession) -> None:
            await practice.publish_plan(session, tenant=self.tenant, plan=LATER_PLAN, now=self.clock.now)
            await practice.publish_flow(session, tenant=self.tenant, flow=LATER_FLOW, now=self.clock.now)

        await self.do(work)

    async def do(self, work: Callable[[AsyncSession], Awaitable[Any]]) -> None:
        """With what else happens until something is due: nobody else is there to see it earlier."""
        if self._session is None:
            self._session = await self._hour.enter_async_context(self.database.transaction(self.tenant))
        await work(self._session)

    async def _commit(self) -> None:
        self._session = None
        await self._hour.aclose()

    async def tell(self, event: Event) -> None:
        """An event reaches the service: mostly at once, sometimes late, sometimes twice."""
        envelope = Envelope(
            id=UUID(int=self.random.getrandbits(128), version=4), tenant=self.tenant, time=self.clock.now, event=event
        )

        async def arrive() -> None:
            await self.do(lambda session: HANDLERS[type(event)](session, envelope, self.clock.now))

        self.happened[event.type] += 1
        if self.random.random() < 0.03:
            self.at(self.clock.now + timedelta(minutes=self.random.randint(1, 90)), arrive)
        else:
            await arrive()
        if self.random.random() < 0.05:
            self.at(self.clock.now + timedelta(minutes=self.random.randint(1, 300)), arrive)

    async def hold(self, client: Client, truth: Truth) -> None:
        """Something about a client is another from now on; carriers' ledgers are held against that."""
        before, client.truth = client.truth, truth
        for address in (before.phone, before.email):
            if address:
                self.ledger.holders.get(address, {}).pop(truth.client, None)
        for address in (truth.phone, truth.email):
            if address:
                self.ledger.holders.setdefault(address, {})[truth.client] = truth

    async def introduce(self, client: Client) -> None:
        truth = client.truth

        async def work(session: AsyncSession) -> None:
            contact = Contact(truth.client, truth.email, truth.phone, truth.zone)
            await practice.set_contact(session, tenant=self.tenant, contact=contact)
            for channel, _ in sorted(truth.agreed):
                await self.consent(session, truth.client, channel, granted=True)
            if truth.wished or truth.opens or truth.language:
                wished = Preferences(truth.client, truth.wished, truth.language, truth.opens, truth.closes)
                await practice.set_preferences(session, tenant=self.tenant, wished=wished)

        await self.do(work)
        await self.hold(client, truth)

    async def consent(self, session: AsyncSession, client: UUID, channel: Channel, *, granted: bool) -> None:
        await practice.record_consent(
            session,
            tenant=self.tenant,
            client_id=client,
            channel=channel,
            granted=granted,
            wording_version="1",
            source="intake",
            actor="desk",
            now=self.clock.now,
        )

    async def text_in(self, phone: str, body: str) -> None:
        sid = f"SM{self.random.getrandbits(128):032x}"
        await self.do(
            lambda session: inbound.receive_text(
                session, tenant=self.tenant, carrier_id=sid, phone=phone, body=body, now=self.clock.now
            )
        )
        self.happened[f"text {body.split(maxsplit=1)[0].lower()}"] += 1

    def _visits_of(self, client: UUID) -> Iterable[AppointmentState]:
        return self.lives[client].client.visits.values()

    def holders_of(self, phone: str) -> list[Client]:
        return [self.lives[client].client for client in self.ledger.holders.get(phone, {})]

    def _heard(self, entry: HandedOver) -> None:
        """A carrier has it: it reports, and whoever gets it may answer."""
        self.happened[f"by {entry.channel}"] += 1
        if entry.channel != "email":
            chance = self.random.random()
            status = "delivered" if chance < 0.93 else "failed" if chance < 0.99 else None
            if status is not None:
                code = 30003 if status == "failed" else None
                self.at(
                    self.clock.now + timedelta(minutes=self.random.randint(0, 50)), self._report(entry, status, code)
                )
        holders = list(entry.truths)
        if holders:
            self.lives[self.random.choice(holders)].read(entry)

    def _report(self, entry: HandedOver, status: Any, code: int | None) -> Happening:
        async def report() -> None:
            await self.do(
                lambda session: reports.take_report(
                    session,
                    tenant=self.tenant,
                    message_id=entry.message,
                    channel=entry.channel,
                    carrier_id="SM1",
                    status=status,
                    code=code,
                    now=self.clock.now,
                )
            )

        return report

    def _next_tick(self, due: datetime | None) -> datetime:
        """The end of the hour in which something happens or is due next."""
        moments = [self._to_come[0][0]] if self._to_come else []
        moments += [due] if due is not None else []
        hours = max(1, math.ceil((min(moments, default=self.clock.now) - self.clock.now) / TICK))
        return self.clock.now + hours * TICK

    async def _fire(self) -> datetime | None:
        """Everything that is due, and what that makes due; when something is due next."""
        for _ in range(50):
            async with self.database.every_tenant() as session:
                rows = await session.execute(_DUE, {"tenant": self.tenant, "now": self.clock.now})
                due = sorted((Timer(**row) for row in rows.mappings()), key=lambda one: one.due_at)
                if not due:
                    upcoming: datetime | None = await session.scalar(_NEXT, {"tenant": self.tenant})
                    return upcoming
            await self.runner.fire_all(due)
        return self.clock.now

    async def _judge(self) -> Counter[str]:
        async with self.database.transaction(self.tenant) as session:
            rows = await session.execute(
                text(
                    "SELECT messages.id, messages.client_id, purpose, messages.appointment_id, appointment_sequence,"
                    " outreach_id, offer_id, messages.step, missed_at FROM messages"
                    " LEFT JOIN outreach ON outreach.id = outreach_id"
                )
            )
            known = {row.id: row for row in rows}
            found = await _unexplained(session, self.clock.now)
        sent = []
        for entry in self.ledger.entries:
            row = known[entry.message]
            place = (
                row.client_id,
                row.appointment_id,
                row.appointment_sequence,
                row.outreach_id,
                row.offer_id,
                row.step,
            )
            sent.append(
                Sent(entry, row.client_id, row.purpose, place, row.missed_at if row.purpose in OUTREACH else None)
            )
            self.happened[f"sent {row.purpose}"] += 1
        return found + broken(sent, NAME)


async def _unexplained(session: AsyncSession, now: datetime) -> Counter[str]:
    """Messages of which it is not on record why they went, or didn't; and what has stopped halfway."""
    queries = {
        "no decision on record": "SELECT count(*) FROM messages WHERE NOT EXISTS"
        " (SELECT FROM decisions WHERE message_id = messages.id AND outcome IN ('planned', 'not_sent'))",
        "sent without a reason": "SELECT count(*) FROM messages WHERE sent_at IS NOT NULL AND NOT EXISTS"
        " (SELECT FROM decisions WHERE message_id = messages.id AND outcome = 'sent')",
        "not sent without a reason": "SELECT count(*) FROM messages WHERE status = 'not_sent' AND NOT EXISTS"
        " (SELECT FROM decisions WHERE message_id = messages.id AND outcome = 'not_sent' AND reason IS NOT NULL)",
        "due and still planned": "SELECT count(*) FROM messages WHERE status = 'planned' AND due_at < :now"
        " AND NOT EXISTS (SELECT FROM decisions WHERE message_id = messages.id AND outcome = 'waiting')",
        "outreach without a next step": "SELECT count(*) FROM outreach WHERE status = 'running' AND NOT EXISTS"
        " (SELECT FROM timers WHERE key = outreach.id)",
        "two outreaches of one client at a time": "SELECT count(*) FROM (SELECT FROM outreach WHERE status = 'running'"
        " GROUP BY client_id, trigger HAVING count(*) > 1 AND trigger <> 'missed') AS twice",
        "timers that failed": "SELECT count(*) FROM timers WHERE failed_at IS NOT NULL",
    }
    return +Counter(
        {name: int(await session.scalar(text(query), {"now": now}) or 0) for name, query in queries.items()}
    )
