"""Giving a message to a vendor: which one, and never to a second while the first may have it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import repository
from services.notifications.clients import (
    Booking,
    CarrierRefused,
    Carriers,
    CarrierUnavailable,
    HandedOver,
    Outbound,
    Vendor,
)
from services.notifications.domain.model import Message, Purpose
from services.notifications.domain.policy import Send, World
from services.notifications.domain.templates import Links, render
from shared import timers
from shared.contracts.booking import FREE_STATUSES
from shared.contracts.notifications import Channel
from shared.db import Database
from shared.invitations import Entry, Method, calendar
from shared.telemetry import use_case


@dataclass(frozen=True, slots=True)
class Post:
    """The way out: carriers, who is asked before, the maker of links, and where carriers report back."""

    database: Database
    carriers: Carriers
    booking: Booking
    booking_url: str
    feedback_url: str
    link_key: str
    callback_base: str

    def links(self, tenant: UUID) -> Links:
        return Links(tenant, self.link_key, self.booking_url, self.feedback_url, self.callback_base)

    def callback(self, channel: Channel, tenant: UUID, message_id: UUID) -> str:
        return f"{self.callback_base.rstrip('/')}/v1/callbacks/{channel}/{tenant}/{message_id}"


async def hand_over(
    tenant: UUID, message: Message, verdict: Send, world: World, now: datetime, post: Post
) -> HandedOver:
    """Raises CarrierRefused, CarrierUnavailable, OutcomeUnknown, or NoWords."""
    outbound = _outbound(tenant, message, verdict, world, now, post)
    vendor = post.carriers.choose(verdict.channel, message.vendor)
    if not post.carriers.has_fallback(verdict.channel):
        return await post.carriers.hand_over(verdict.channel, vendor, outbound)
    vendor = await _begun(tenant, message, verdict, vendor, now, post)
    try:
        given = await post.carriers.hand_over(verdict.channel, vendor, outbound)
    except (CarrierRefused, CarrierUnavailable):
        # This vendor has not taken it: another may be asked.
        await _over(tenant, message, post)
        raise
    return given


async def _begun(tenant: UUID, message: Message, verdict: Send, vendor: Vendor, now: datetime, post: Post) -> Vendor:
    """Puts on record who is asked before they are, beside the sending transaction: it outlives a crash of this one.

    Whoever was asked before and has not answered is asked again, and nobody else: they know the message by its id.
    """
    async with post.database.transaction(tenant) as beside:
        asked = await repository.hand_overs.begin(beside, tenant, message.id, verdict.channel, vendor.name, now)
    return post.carriers.named(verdict.channel, asked) or vendor


async def _over(tenant: UUID, message: Message, post: Post) -> None:
    async with post.database.transaction(tenant) as beside:
        await repository.hand_overs.end(beside, message.id)


def _outbound(tenant: UUID, message: Message, verdict: Send, world: World, now: datetime, post: Post) -> Outbound:
    assert world.sender is not None and world.contact is not None  # noqa: S101 -- `decide` sends only with both
    text = render(
        message,
        verdict.channel,
        world.sender,
        world.offer or world.visit,
        world.tongue,
        post.links(tenant),
        now,
    )
    return Outbound(
        id=message.id,
        to=verdict.address,
        sender=world.sender.email_from if verdict.channel == "email" else world.sender.sms_from,
        subject=text.subject,
        body=text.body,
        html=text.html,
        unsubscribe_url=text.unsubscribe_url,
        callback_url=post.callback(verdict.channel, tenant, message.id),
        calendar=_calendar(message, world),
        calendar_method=METHODS.get(message.purpose, "REQUEST"),
        returns_to=world.sender.bounces_to,
    )


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
async def alert_practice(session: AsyncSession, *, task_id: UUID, post: Post) -> None:
    """Mails the practice that a person is needed now; the mail says no more than that.

    Where the practice has not said yet whom to mail, that waits, as long as nobody has seen to the task.
    """
    sender = await repository.people.sender(session)
    if sender is None:
        if (await repository.tasks.get(session, task_id)).status == "open":
            timers.try_later(session)
        return
    body = "A task needs a person now. Please open your tasks in Rapport.\n\nTask: " + str(task_id) + "\n"
    mail = Outbound(
        id=task_id, to=sender.alert_email, sender=sender.email_from, subject="A task needs you now", body=body
    )
    await post.carriers.hand_over("email", post.carriers.choose("email"), mail)
