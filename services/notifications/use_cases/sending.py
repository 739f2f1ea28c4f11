"""Handing messages over, and what carriers say of them later.

The sending transaction holds the message's lock while it talks to the carrier, and whoever cancels a visit
or ends an outreach takes that lock to drop the message: what was cancelled before is not sent, what is
sent was right when it went. A crash in between repeats the hand-over under the same idempotency token
(docs/decisions/0004). A change that booking has made but whose event is not here yet is asked for: the
message waits until the event has come and says what is to become of it (docs/decisions/0012).
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import repository
from services.notifications.clients import Booking, CarrierRefused, Carriers, Outbound, Unavailable
from services.notifications.domain.model import ABOUT_A_VISIT, Message, Purpose, message_event, moves_forward
from services.notifications.domain.plans import new_message
from services.notifications.domain.policy import Defer, Refuse, Send, World, decide, refusals
from services.notifications.domain.templates import Links, Text, render
from services.notifications.use_cases import facts
from services.notifications.use_cases.messages import decided, plan_message
from shared import timers
from shared.contracts.booking import FREE_STATUSES
from shared.invitations import Entry, Method, calendar
from shared.telemetry import annotate, use_case


@dataclass(frozen=True, slots=True)
class Post:
    """The way out: carriers, who is asked before, the maker of links, and where carriers report back."""

    carriers: Carriers
    booking: Booking
    booking_url: str
    feedback_url: str
    link_key: str
    callback_base: str

    def links(self, tenant: UUID) -> Links:
        return Links(tenant, self.link_key, self.booking_url, self.feedback_url)

    def callback(self, tenant: UUID, message_id: UUID) -> str:
        return f"{self.callback_base.rstrip('/')}/v1/callbacks/sms/{tenant}/{message_id}"


@use_case
async def send(session: AsyncSession, *, tenant: UUID, message_id: UUID, now: datetime, post: Post) -> None:
    """Looks at the world again, then sends, puts off or drops a planned message; each with its reason."""
    # Message, then contact, as everywhere. Whoever changes what a message is about drops it under this lock.
    message = await repository.messages.get(session, message_id, lock=True)
    if message.status != "planned":
        return
    visit = await repository.visits.find(session, message.appointment_id)
    run = await repository.outreach.find(session, message.outreach_id)
    offer = await repository.offers.find(session, message.offer_id)
    annotate(message_id=message.id, client_id=message.client_id, appointment_id=message.appointment_id)
    contact = await repository.people.contact(session, message.client_id, share=True)
    world = World(
        sender=await repository.people.sender(session),
        contact=contact,
        visit=visit,
        offer=offer,
        outreach_running=run is not None and run.status == "running",
        paused=await repository.people.is_paused(session, message.client_id),
        consented=await repository.people.consented_channels(session, contact) if contact else frozenset(),
        suppressed=await repository.people.is_suppressed(session, contact.phone if contact else None),
        texts_last_day=await repository.messages.texts_since(session, message.client_id, now - timedelta(days=1)),
        texts_last_week=await repository.messages.texts_since(session, message.client_id, now - timedelta(days=7)),
        unmet=await facts.unmet_of(session, message, visit),
    )
    closed = refusals(message, world, now)
    while True:
        verdict = decide(message, world, now)
        if isinstance(verdict, Send):
            try:
                await _require_news(session, tenant, message, now, post)
                carrier_id = await _hand_over(tenant, message, verdict, world, now, post)
            except Unavailable as error:
                await _wait(session, tenant, message, error.code, now)
                return
            except (CarrierRefused, ValueError) as error:
                reason = error.code if isinstance(error, CarrierRefused) else "text_too_long"
                closed.append(Refuse(reason, verdict.channel))
                left = tuple(one for one in message.channels if one != verdict.channel)
                if left:
                    message = replace(message, channels=left)
                    continue
                verdict = Refuse(reason)
        for channel in closed:
            await decided(
                session, tenant, message, "channel_closed", now, channel=channel.channel, reason=channel.reason
            )
        if isinstance(verdict, Defer):
            await repository.messages.save(session, tenant, message.deferred(verdict.until))
            await decided(session, tenant, message, "deferred", now, reason=verdict.reason, until=verdict.until)
        elif isinstance(verdict, Refuse):
            await repository.messages.save(session, tenant, message.not_sent(message.channel, verdict.reason))
            await decided(session, tenant, message, "not_sent", now, reason=verdict.reason)
        else:
            sent = message.sent(verdict.channel, carrier_id, now)
            await repository.messages.save(session, tenant, sent)
            await repository.record(session, tenant, [message_event(sent)], now)
            await decided(session, tenant, sent, "sent", now, channel=sent.channel)
        return


async def _require_news(session: AsyncSession, tenant: UUID, message: Message, now: datetime, post: Post) -> None:
    """Raises Unavailable when booking knows more than has arrived here of what the message is about.

    For a reminder that is its visit; for outreach whatever the client has booked since, too.
    """
    if message.appointment_id is None:
        return
    newest = (await post.booking.standing(tenant, message.appointment_id, now)).sequences
    if message.purpose in ABOUT_A_VISIT:
        newest = {visit: sequence for visit, sequence in newest.items() if visit == message.appointment_id}
    known = await repository.visits.sequences(session, newest)
    if any(known.get(visit, 0) < sequence for visit, sequence in newest.items()):
        raise Unavailable("news_on_the_way")


async def _wait(session: AsyncSession, tenant: UUID, message: Message, reason: str, now: datetime) -> None:
    """Stays planned and is tried again; the log says once what it waits for."""
    if await repository.decisions.last(session, message.id) != ("waiting", reason):
        await decided(session, tenant, message, "waiting", now, reason=reason)
    timers.try_later(session)


async def _hand_over(tenant: UUID, message: Message, verdict: Send, world: World, now: datetime, post: Post) -> str:
    assert world.sender is not None and world.contact is not None  # noqa: S101 -- `decide` sends only with both
    text: Text = render(
        message,
        verdict.channel,
        world.sender,
        world.offer or world.visit,
        world.contact.zone,
        post.links(tenant),
        now,
    )
    outbound = Outbound(
        id=message.id,
        to=verdict.address,
        sender=world.sender.sms_from if verdict.channel == "sms" else world.sender.email_from,
        subject=text.subject,
        body=text.body,
        callback_url=post.callback(tenant, message.id),
        calendar=_calendar(message, world),
        calendar_method=METHODS.get(message.purpose, "REQUEST"),
    )
    return await (post.carriers.sms(outbound) if verdict.channel == "sms" else post.carriers.email(outbound))


METHODS: dict[Purpose, Method] = {"confirmation": "REQUEST", "cancellation": "CANCEL"}
"""What a client's calendar is to do with the file that goes with a mail."""


def _calendar(message: Message, world: World) -> bytes | None:
    """The visit as an invitation, or taking it back, from the practice's address to the client's."""
    visit = world.visit
    if message.purpose not in METHODS or visit is None or visit.end is None:
        return None
    entry = Entry(
        visit.id, visit.sequence, visit.start, visit.end, visit.changed_at, called_off=visit.status in FREE_STATUSES
    )
    return calendar(
        METHODS[message.purpose],
        [entry],
        organizer=world.sender.email_from if world.sender else None,
        attendee=world.contact.email if world.contact else None,
    )


@use_case
async def take_report(
    session: AsyncSession,
    *,
    tenant: UUID,
    message_id: UUID,
    status: Literal["delivered", "failed"],
    reason: str | None,
    now: datetime,
) -> None:
    """What the carrier says became of a message; a failure goes on by the next channel of its ladder, now."""
    message = await repository.messages.get(session, message_id, lock=True)
    annotate(message_id=message.id, client_id=message.client_id)
    if not moves_forward(message, status):
        return
    changed = message.delivered(now) if status == "delivered" else message.failed(reason or "undelivered")
    await repository.messages.save(session, tenant, changed)
    await repository.record(session, tenant, [message_event(changed)], now)
    await decided(session, tenant, changed, status, now, channel=changed.channel, reason=changed.reason)
    left = message.channels[message.channels.index(message.channel) + 1 :] if status == "failed" else ()
    if left:
        again = new_message(
            client_id=message.client_id,
            purpose=message.purpose,
            step=message.step,
            channels=left,
            due_at=now,
            outreach_id=message.outreach_id,
            offer_id=message.offer_id,
        )
        again = replace(again, appointment_id=message.appointment_id, appointment_sequence=message.appointment_sequence)
        await plan_message(session, tenant, again, now)


@use_case
async def alert_practice(session: AsyncSession, *, task_id: UUID, post: Post) -> None:
    """Mails the practice that a person is needed now; the mail says no more than that."""
    sender = await repository.people.sender(session)
    if sender is None:
        return
    body = "A client's message needs a person now. Please open your tasks in Rapport.\n\nTask: " + str(task_id) + "\n"
    await post.carriers.email(
        Outbound(id=task_id, to=sender.alert_email, sender=sender.email_from, subject="A task needs you now", body=body)
    )
