"""What clients do: by chance, each by its own seed."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, get_args
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import repository
from services.notifications.domain.check_ins import CheckInAnswer
from services.notifications.domain.model import Contact
from services.notifications.use_cases import check_ins, practice
from shared.contracts.booking import (
    AppointmentArrived,
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentConfirmed,
    AppointmentFulfilled,
    AppointmentMissed,
    AppointmentMissedRetracted,
    AppointmentRescheduled,
    AppointmentState,
    ClientDischarged,
)
from shared.contracts.feedback import BarrierReported, ClientDisengaging, ClientUnscheduled, FeedbackRequested
from shared.contracts.notifications import Channel
from shared.contracts.waitlist import WaitlistOffered, WaitlistOfferEnded
from tests.notifications.simulation.clients import Client
from tests.notifications.simulation.rules import HandedOver
from tests.support.build import appointment_event

if TYPE_CHECKING:
    from tests.notifications.simulation.year import Year

HOME = ZoneInfo("America/New_York")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
CRISIS = ("I want to end it", "no puedo más, quiero morir", "I don't want to be here anymore")


class Life:
    """One client's year; everything that it does is told to the service as others would tell it."""

    def __init__(self, year: "Year", client: Client) -> None:
        self.year, self.client, self.random = year, client, client.random
        self.provider = self._id()

    def _id(self) -> UUID:
        return UUID(int=self.random.getrandbits(128), version=4)

    def _rarely(self, of: float) -> bool:
        return self._chance(min(of * self.year.eventful, 0.5))

    def _chance(self, of: float) -> bool:
        return self.random.random() < of

    def _soon(self, low: timedelta, high: timedelta) -> datetime:
        return self.year.clock.now + low + (high - low) * self.random.random()

    async def begin(self) -> None:
        await self.year.introduce(self.client)
        await self.book()
        if self._rarely(0.04):
            self.year.at(self._soon(5 * DAY, 200 * DAY), self.stop)
        if self._rarely(0.02):
            self.year.at(self._soon(5 * DAY, 200 * DAY), self.crisis)
        if self._rarely(0.05):
            self.year.at(self._soon(5 * DAY, 200 * DAY), self.move_house)
        if self._rarely(0.05):
            self.year.at(self._soon(5 * DAY, 200 * DAY), self.withdraw)
        if self._rarely(0.08):
            self.year.at(self._soon(60 * DAY, 300 * DAY), self.leave)
        if self._rarely(0.05):
            self.year.at(self._soon(5 * DAY, 200 * DAY), self.ask_for_help)

    async def book(self, rebooked_from: UUID | None = None) -> None:
        now = self.year.clock.now
        if self.client.truth.discharged or self.client.coming(now) is not None:
            return
        lead = self.random.choice([6 * HOUR, 1 * DAY, 3 * DAY, 7 * DAY, 14 * DAY, 21 * DAY])
        day = (now + lead).astimezone(HOME).date()
        start = datetime.combine(day, time(self.random.randint(9, 18)), HOME).astimezone(UTC)
        start = start if start > now + HOUR else start + DAY
        visit = appointment_event(
            AppointmentBooked,
            appointment_id=self._id(),
            client_id=self.client.truth.client,
            provider_id=self.provider,
            start=start,
            booked_at=now,
            changed_at=now,
            rebooked_from=rebooked_from,
            modality=self.random.choice(["in_person", "telehealth"]),
        )
        await self._change(visit)
        if self._chance(0.1):
            self.year.at(
                self._soon(HOUR, max(2 * HOUR, start - now - HOUR)), lambda: self.reschedule(visit.appointment_id)
            )
        if self._chance(0.1):
            self.year.at(self._soon(HOUR, max(2 * HOUR, start - now - HOUR)), lambda: self.cancel(visit.appointment_id))
        self.year.at(start - MINUTE, lambda: self.meet(visit.appointment_id))
        if self._chance(0.05):
            self.year.at(self._soon(HOUR, DAY), self.be_offered)

    async def _change(self, visit: AppointmentState) -> None:
        self.client.visits[visit.appointment_id] = visit
        self.year.visits[visit.appointment_id] = visit
        if isinstance(visit, AppointmentBooked | AppointmentRescheduled):
            await self.year.hold(self.client, replace(self.client.truth, last_booked=self.year.clock.now))
        await self.year.tell(visit)

    async def _become(self, event: type[AppointmentState], visit: AppointmentState, **changes: Any) -> None:
        status = appointment_event(event).status
        values = visit.model_dump() | {
            "sequence": visit.sequence + 1,
            "changed_at": self.year.clock.now,
            "status": status,
        }
        await self._change(event.model_validate(values | changes))

    def _booked(self, visit_id: UUID) -> AppointmentState | None:
        visit = self.client.visits[visit_id]
        return visit if visit.status == "booked" and visit.start > self.year.clock.now else None

    async def reschedule(self, visit_id: UUID) -> None:
        if (visit := self._booked(visit_id)) is not None:
            start = visit.start + self.random.randint(1, 7) * DAY
            moved = {"start": start, "end": start + 50 * MINUTE, "occupied_from": start, "occupied_to": start + HOUR}
            await self._become(AppointmentRescheduled, visit, **moved, confirmed_at=None)
            self.year.at(start - MINUTE, lambda: self.meet(visit_id))

    async def confirm(self) -> None:
        visit = self.client.coming(self.year.clock.now)
        if visit is not None and visit.confirmed_at is None:
            await self._become(AppointmentConfirmed, visit, confirmed_at=self.year.clock.now)

    async def cancel(self, visit_id: UUID) -> None:
        if (visit := self._booked(visit_id)) is not None:
            await self._become(AppointmentCancelled, visit, reason_code="client_other")
            await self._next(0.5)

    async def meet(self, visit_id: UUID) -> None:
        visit = self._booked(visit_id)
        if visit is None or visit.start > self.year.clock.now + HOUR:
            return
        if self._chance(0.12):
            self.year.at(visit.start + 15 * MINUTE, lambda: self._miss(visit_id))
        else:
            self.year.at(visit.start + MINUTE, lambda: self._come(visit_id))

    async def _miss(self, visit_id: UUID) -> None:
        visit = self.client.visits[visit_id]
        await self._become(AppointmentMissed, visit, changed_by="system")
        if self._chance(0.05):
            missed = self.client.visits[visit_id]
            self.year.at(self._soon(MINUTE, 3 * HOUR), lambda: self._become(AppointmentMissedRetracted, missed))
            return
        if self._chance(0.3):
            self.year.at(self._soon(HOUR, 2 * DAY), lambda: self._say_why(visit_id))
        await self._next(0.5, from_miss=visit_id)

    async def _say_why(self, visit_id: UUID) -> None:
        barrier = self.random.choice(["transport", "cost", "time", "fit", "forgot", "unwell", "other"])
        now = self.year.clock.now
        said = {"requested_at": now, "submitted_at": now, "instrument": "barrier", "appointment_id": visit_id}
        client = self.client.truth.client
        await self.year.tell(
            BarrierReported(sequence=1, request_id=self._id(), client_id=client, barrier=barrier, **said)
        )

    async def _come(self, visit_id: UUID) -> None:
        visit = self.client.visits[visit_id]
        await self._become(AppointmentArrived, visit)
        self.year.at(visit.end, lambda: self._end_visit(visit_id))

    async def _end_visit(self, visit_id: UUID) -> None:
        await self._become(AppointmentFulfilled, self.client.visits[visit_id])
        self.client.attended = visit = self.client.visits[visit_id]
        now, client = self.year.clock.now, self.client.truth.client
        asked = {"requested_at": now, "submitted_at": None, "instrument": "alliance", "appointment_id": visit_id}
        await self.year.tell(FeedbackRequested(sequence=1, request_id=self._id(), client_id=client, **asked))
        if not await self._next(0.75):
            self.year.at(self._soon(5 * DAY, 9 * DAY), lambda: self._drift(ClientUnscheduled, visit))
            self.year.at(self._soon(25 * DAY, 40 * DAY), lambda: self._drift(ClientDisengaging, visit))

    async def _drift(self, event: type[ClientUnscheduled | ClientDisengaging], last: AppointmentState) -> None:
        """Feedback sees that nothing is booked, or that it has been long."""
        now = self.year.clock.now
        if self.client.truth.discharged or self.client.attended is not last or self.client.coming(now) is not None:
            return
        client = self.client.truth.client
        await self.year.tell(event(sequence=1, client_id=client, last_appointment_id=last.appointment_id, since=now))
        await self._next(0.3)

    async def _next(self, chance: float, from_miss: UUID | None = None) -> bool:
        """Perhaps the next visit is booked one of these days."""
        if not self._chance(chance):
            return False
        self.year.at(self._soon(10 * MINUTE, 9 * DAY), lambda: self.book(from_miss))
        return True

    async def be_offered(self) -> None:
        """A freed time, for a quarter of an hour; sometimes somebody is faster."""
        now, start = self.year.clock.now, self.year.clock.now + self.random.randint(4, 90) * HOUR
        offer = WaitlistOffered(
            sequence=1,
            offer_id=self._id(),
            entry_id=self._id(),
            client_id=self.client.truth.client,
            schedule_id=self._id(),
            provider_id=self.provider,
            modality="in_person",
            start=start,
            end=start + 50 * MINUTE,
            offered_at=now,
            expires_at=now + 15 * MINUTE,
            fate="open",
        )
        await self.year.tell(offer)
        over = WaitlistOfferEnded.model_validate(offer.model_dump() | {"sequence": 2, "fate": "expired"})
        self.year.at(now + self.random.randint(1, 15) * MINUTE, lambda: self.year.tell(over))

    def read(self, entry: HandedOver) -> None:
        """A message has arrived: what its client does."""
        later = self._soon(MINUTE, 3 * HOUR)
        if "1 yes" in entry.body or "1 voy" in entry.body:
            if self._chance(0.6):
                digit = self.random.choice(["1", "1", "1", "2", "3"])
                self.year.at(later, lambda: self.answer(digit))
        elif "/c/" in entry.body and self._chance(0.5):
            if entry.channel == "sms" and self._chance(0.5):
                self.year.at(later, lambda: self.year.text_in(self.client.truth.phone, self.random.choice("123")))
            else:
                self.year.at(later, lambda: self._tap(entry.message))
        elif self._chance(0.01):
            self.year.at(later, lambda: self.year.text_in(self.client.truth.phone, "Running late? See you, thanks"))

    async def answer(self, digit: str) -> None:
        await self.year.text_in(self.client.truth.phone, digit)
        visit = self.client.coming(self.year.clock.now)
        if digit == "1":
            await self.confirm()
        elif digit == "3" and visit is not None:
            await self.cancel(visit.appointment_id)

    async def _tap(self, message: UUID) -> None:
        said = self.random.choice(get_args(CheckInAnswer))
        await self.year.do(lambda session: self._answer(session, message, said))

    async def _answer(self, session: AsyncSession, message: UUID, said: CheckInAnswer) -> None:
        asked = await repository.check_ins.asked_by(session, message)
        now = self.year.clock.now
        await check_ins.answer(session, tenant=self.year.tenant, check_in_id=asked.id, said=said, now=now)

    async def stop(self) -> None:
        """STOP counts for the number, whoever has it: an opt-out of each of them, until START."""
        phone = self.client.truth.phone
        self.year.ledger.stopped.add(phone)
        for other in self.year.holders_of(phone):
            await self.year.hold(other, replace(other.truth, agreed=other.truth.agreed - {("sms", phone)}))
        await self.year.text_in(phone, self.random.choice(["STOP", "Stop.", "unsubscribe", "ALTO", "stop stop"]))
        if self._chance(0.5):
            self.year.at(self._soon(HOUR, 60 * DAY), lambda: self.start(phone))

    async def start(self, phone: str) -> None:
        await self.year.text_in(phone, "START")
        self.year.ledger.stopped.discard(phone)
        for other in self.year.holders_of(phone):
            await self.year.hold(other, replace(other.truth, agreed=other.truth.agreed | {("sms", phone)}))

    async def ask_for_help(self) -> None:
        await self.year.text_in(self.client.truth.phone, "HELP")

    async def crisis(self) -> None:
        """Everybody on this number is looked after by a person from here on; mostly until that person lets go."""
        phone = self.client.truth.phone
        for other in self.year.holders_of(phone):
            await self.year.hold(other, replace(other.truth, paused=True))
        await self.year.text_in(phone, self.random.choice(CRISIS))
        if self._chance(0.7):
            for other in self.year.holders_of(phone):
                self.year.at(self._soon(HOUR, 30 * DAY), lambda other=other: self._let_go(other))  # type: ignore[misc] # bound now

    async def _let_go(self, other: Client) -> None:
        if not other.truth.paused:
            return
        await self.year.do(
            lambda session: practice.resume(
                session, tenant=self.year.tenant, client_id=other.truth.client, by="counselor", now=self.year.clock.now
            )
        )
        await self.year.hold(other, replace(other.truth, paused=False))

    async def move_house(self) -> None:
        """Another number, another zone; what was agreed to for the old number does not hold for the new one."""
        truth = self.client.truth
        phone = f"+1505{self.random.randint(200, 999)}{self.random.randint(0, 9999):04d}"
        moved = replace(truth, phone=phone, zone=self.random.choice(["America/Denver", "America/Chicago"]))
        contact = Contact(moved.client, moved.email, moved.phone, moved.zone)
        await self.year.do(lambda session: practice.set_contact(session, tenant=self.year.tenant, contact=contact))
        await self.year.hold(self.client, moved)
        if self._chance(0.7):
            await self._agree("sms", granted=True)

    async def withdraw(self) -> None:
        mine = sorted(channel for channel, address in self.client.truth.agreed)
        if mine:
            await self._agree(self.random.choice(mine), granted=False)

    async def _agree(self, channel: Channel, *, granted: bool) -> None:
        truth = self.client.truth
        address = truth.address(channel)
        if address is None:
            return
        await self.year.do(lambda session: self.year.consent(session, truth.client, channel, granted=granted))
        agreed = truth.agreed | {(channel, address)} if granted else truth.agreed - {(channel, address)}
        await self.year.hold(self.client, replace(truth, agreed=agreed))

    async def leave(self) -> None:
        """Care has come to its end; what is still booked is called off."""
        visit = self.client.coming(self.year.clock.now)
        if visit is not None:
            await self._become(AppointmentCancelled, visit, reason_code="client_other")
        await self.year.hold(self.client, replace(self.client.truth, discharged=True))
        await self.year.tell(ClientDischarged(sequence=2, client_id=self.client.truth.client))
