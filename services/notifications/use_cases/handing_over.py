"""Giving a message to a vendor: which one, and never to a second while the first may have it."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
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
    Unavailable,
    Vendor,
    digest_of,
)
from services.notifications.domain.model import Begun, Contact, Message, Purpose
from services.notifications.domain.policy import Send, World
from services.notifications.domain.templates import Links, render
from services.notifications.use_cases import tasks
from shared import timers
from shared.contracts.booking import FREE_STATUSES
from shared.contracts.notifications import Channel
from shared.db import Database
from shared.invitations import Entry, Method, calendar
from shared.telemetry import use_case

log = logging.getLogger(__name__)
ALERTED_WITHIN = timedelta(minutes=15)
"""Longer than that no mail server should be away."""


@dataclass(frozen=True, slots=True)
class Post:
    """The way out: carriers, who is asked before, the maker of links, and where carriers report back."""

    beside: Database
    """A few connections of their own: who waits for one of these holds one of the others."""
    carriers: Carriers
    booking: Booking
    booking_url: str
    feedback_url: str
    link_key: str
    callback_base: str

    def links(self, tenant: UUID) -> Links:
        return Links(tenant, self.link_key, self.booking_url, self.feedback_url, self.callback_base)

    def callback(self, channel: Channel, tenant: UUID, message_id: UUID, vendor: str) -> str:
        return f"{self.callback_base.rstrip('/')}/v1/callbacks/{channel}/{tenant}/{message_id}?vendor={vendor}"


async def begin(
    tenant: UUID, asked: Sequence[tuple[Message, Send, Outbound]], now: datetime, post: Post
) -> dict[UUID, Vendor]:
    """Puts on record who is asked for each message before anybody is, and by which vendor it is to go.

    Beside the sending transaction: it outlives a crash of this one. Whoever was asked before and has not answered is
    asked again, and nobody else: they know the message by its id.
    """
    vendors = {message.id: post.carriers.choose(verdict.channel, message.vendor) for message, verdict, _ in asked}
    begun = [
        Begun(
            message_id=message.id,
            channel=verdict.channel,
            vendor=vendors[message.id].name,
            begun_at=now,
            address=verdict.address,
            sender=outbound.sender,
            digest=digest_of(outbound.body),
        )
        for message, verdict, outbound in asked
    ]
    async with post.beside.transaction(tenant) as beside:
        names = await repository.hand_overs.begin(beside, tenant, begun)
    named = {each.message_id: post.carriers.named(each.channel, names[each.message_id]) for each in begun}
    return {message_id: named[message_id] or vendor for message_id, vendor in vendors.items()}


async def hand_over(
    tenant: UUID,
    message: Message,
    channel: Channel,
    outbound: Outbound,
    vendor: Vendor,
    post: Post,
    *,
    again: bool = False,
) -> HandedOver:
    """Raises CarrierRefused, CarrierUnavailable, or OutcomeUnknown. `again`: the vendor may have taken it before."""
    reports_to = post.callback(channel, tenant, message.id, vendor.name)
    try:
        return await post.carriers.hand_over(channel, vendor, replace(outbound, callback_url=reports_to))
    except (CarrierRefused, CarrierUnavailable) as error:
        if not again or isinstance(error, CarrierRefused):
            # This vendor has not taken it: another may be asked.
            async with post.beside.transaction(tenant) as beside:
                await repository.hand_overs.end(beside, message.id)
        raise


def may_ask_again(begun: Begun, message: Message, contact: Contact | None, carriers: Carriers) -> bool:
    """Whether the same question may be put to the same vendor, who will know it; else what became of it stays unknown.

    No other channel takes the message meanwhile, and no other address.
    """
    vendor = carriers.named(begun.channel, begun.vendor)
    address = contact.address(begun.channel) if contact else None
    knows = vendor is not None and vendor.knows_repetitions
    return knows and begun.channel in message.channels and begun.address in (None, address)


def worded(tenant: UUID, message: Message, verdict: Send, world: World, now: datetime, post: Post) -> Outbound:
    """The message as it goes out, by whichever vendor. Raises NoWords."""
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
        calendar=_calendar(message, world),
        calendar_method=METHODS.get(message.purpose, "REQUEST"),
        returns_to=world.sender.bounces_to,
        language=world.tongue.language,
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
async def alert_practice(
    session: AsyncSession, *, tenant: UUID, task_id: UUID, now: datetime, post: Post, overdue: bool = False
) -> None:
    """Mails the practice that a person is needed now, by whichever server takes it; the mail says no more than that.

    Where none does, or the practice has not said yet whom to mail, that waits, as long as nobody has seen to the task;
    where it is `overdue`, until it is closed.
    """
    task = await repository.tasks.get(session, task_id)
    if task.status == "closed" or (task.status == "claimed" and not overdue):
        return
    sender = await repository.people.sender(session)
    if sender is None:
        timers.try_later(session)
        return
    body = "A task needs a person now. Please open your tasks in Rapport.\n\nTask: " + str(task_id) + "\n"
    mail = Outbound(
        id=task_id,
        to=sender.alert_email,
        sender=sender.email_from,
        subject="A task needs you now",
        body=body,
        returns_to=sender.bounces_to,
    )
    first = post.carriers.choose("email")
    for server in (first, *(one for one in post.carriers.vendors["email"] if one is not first)):
        try:
            # One that may have it is not enough: this mail may come twice, and must not be missed.
            await post.carriers.hand_over("email", server, mail)
        except CarrierRefused:
            await tasks.alerts_fail(session, tenant, now)
        except Unavailable as error:
            log.warning("a mail server takes no alert: %s", error.code)
            if now - task.opened_at > ALERTED_WITHIN:
                await tasks.alerts_fail(session, tenant, now)
        else:
            return
    timers.try_later(session)
