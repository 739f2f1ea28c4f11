"""What carriers say became of a message, asked for or not."""

from dataclasses import replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import repository
from services.notifications.clients import CarrierRefused, Carriers, HandedOver, because_of
from services.notifications.domain.mail_reports import MailReport
from services.notifications.domain.model import Message, message_event, moves_forward
from services.notifications.domain.plans import new_message
from services.notifications.domain.policy import Send
from services.notifications.use_cases import tasks
from services.notifications.use_cases.messages import by_wish, decided, plan_message
from services.notifications.use_cases.practice import add_consent
from services.notifications.use_cases.sent import LOOK_UP_AFTER, keep_sent
from shared.contracts.notifications import Channel
from shared.telemetry import annotate, use_case

REPORTED: dict[str, Literal["delivered", "failed"]] = {
    "delivered": "delivered",
    "read": "delivered",
    "completed": "delivered",
    "undelivered": "failed",
    "failed": "failed",
    "busy": "failed",
    "no-answer": "failed",
    "canceled": "failed",
}
"""What carriers call it, of texts and calls."""


@use_case
async def look_up(session: AsyncSession, *, tenant: UUID, message_id: UUID, now: datetime, carriers: Carriers) -> None:
    """Asks the carrier about a message of which it has not reported; a text is never sent again unless it failed.

    Raises Unavailable.
    """
    message = await repository.messages.get(session, message_id, lock=True)
    annotate(message_id=message.id, client_id=message.client_id)
    if message.status != "sent" or message.sent_at is None or message.carrier_id is None:
        return
    try:
        status, code = await carriers.status(message.channel, message.vendor, message.carrier_id)
    except CarrierRefused as unknown:
        # It says that it doesn't know the message.
        await _follow_report(session, tenant, message, "failed", unknown.code, now)
        return
    reported = REPORTED.get(status)
    if reported is not None:
        refusal = _refusal(message, code)
        await _follow_report(session, tenant, message, reported, refusal.code if refusal else None, now, refusal)
        return
    waited = now - message.sent_at
    later = next((after for after in LOOK_UP_AFTER if after > waited), None)
    if later is not None:
        await repository.messages.look_up_at(session, tenant, message.id, message.sent_at + later)
    else:
        await decided(session, tenant, message, "unconfirmed", now, channel=message.channel, reason=status[:40])


async def heed(
    session: AsyncSession,
    tenant: UUID,
    message: Message,
    tried: Send,
    refusal: Exception,
    now: datetime,
) -> None:
    """What a carrier's refusal says of an address, for every later message."""
    because = refusal.because if isinstance(refusal, CarrierRefused) else None
    if isinstance(refusal, CarrierRefused) and because == "address":
        await repository.people.mark_unreachable(session, tenant, tried.channel, tried.address, refusal.code, now)
    elif because == "opt_out" and await repository.people.suppress(session, tenant, tried.address, now):
        # What counts for a number counts for everybody who has it, as where the STOP comes here: what is being sent to
        # them is waited for, and nothing that was decided before can go out after us.
        said = (tried.channel, tried.address, False, "carrier", "carrier", "carrier", now)
        for client_id in sorted({message.client_id, *await repository.people.clients_by_phone(session, tried.address)}):
            await repository.people.contact(session, client_id, lock=True)
            await add_consent(session, tenant, client_id, *said)


@use_case
async def take_report(
    session: AsyncSession,
    *,
    tenant: UUID,
    message_id: UUID,
    channel: Channel,
    carrier_id: str,
    status: Literal["delivered", "failed"],
    code: int | None,
    now: datetime,
    vendor: str | None = None,
) -> None:
    """What the carrier says became of a message; a failure goes on by the next channel of its ladder, now.

    `vendor` is whose report it is, where that is known: one that was asked before says nothing of what another has.
    """
    message = await repository.messages.get(session, message_id, lock=True)
    annotate(message_id=message.id, client_id=message.client_id)
    if message.sent_at is None:
        message = await _completed(session, tenant, message, channel, carrier_id, vendor)
    if message.sent_at is None or message.channel != channel or (vendor or message.vendor) != message.vendor:
        return
    if carrier_id != message.carrier_id:
        # Of something else that this carrier has, such as what it was asked for before and nobody counted on.
        return
    refusal = _refusal(message, code)
    await _follow_report(session, tenant, message, status, refusal.code if refusal else None, now, refusal)


@use_case
async def take_mail_report(session: AsyncSession, *, tenant: UUID, report: MailReport, now: datetime) -> bool:
    """What a mail server says of a mail that it had taken; False where it says nothing of one of ours."""
    message = await repository.messages.known(session, report.message_id)
    if message is None and report.meaning == "failed":
        return await _alert_bounced(session, tenant, report.message_id, now)
    if message is None or message.channel != "email":
        return False
    annotate(message_id=message.id, client_id=message.client_id, report=report.meaning)
    address = message.address or await _present_address(session, message)
    if report.recipient is not None and address is not None and report.recipient != address.lower():
        # Of the address that it went to; the client has another one by now.
        address = None
    if report.meaning == "delayed":
        await decided(session, tenant, message, "delayed", now, channel="email", reason=report.reason)
    elif report.meaning == "complaint":
        if address is not None:
            said = (address, False, "complaint", "mail program", "client", now)
            await repository.people.contact(session, message.client_id, lock=True)
            await add_consent(session, tenant, message.client_id, "email", *said)
    elif report.meaning == "delivered":
        await _follow_report(session, tenant, message, "delivered", None, now)
    else:
        refusal = CarrierRefused(report.reason, "address" if report.nobody_there else "message")
        await _follow_report(session, tenant, message, "failed", report.reason, now, refusal if address else None)
    return True


async def _alert_bounced(session: AsyncSession, tenant: UUID, task_id: UUID, now: datetime) -> bool:
    """Of the mails to the practice itself each is about a task."""
    known = await repository.tasks.is_one(session, task_id)
    if known:
        await tasks.alerts_fail(session, tenant, now)
    return known


async def _completed(
    session: AsyncSession, tenant: UUID, message: Message, channel: Channel, carrier_id: str, vendor: str | None
) -> Message:
    """A carrier reports before it is on record that it has the message: whoever asked it has died meanwhile, and the
    message may have been dropped since.

    The message itself where nobody was asked.
    """
    begun = await repository.hand_overs.find(session, message.id)
    if begun is None or begun.address is None or (begun.channel, begun.vendor) != (channel, vendor or begun.vendor):
        return message
    visit = await repository.visits.find(session, message.appointment_id)
    whole = await by_wish(session, message, await repository.people.preferences(session, message.client_id))
    given = HandedOver(begun.channel, begun.vendor, carrier_id)
    return await keep_sent(session, tenant, whole, given, begun.address, visit, begun.begun_at)


async def _present_address(session: AsyncSession, message: Message) -> str | None:
    """Of messages from before it was kept to which address they went."""
    contact = await repository.people.contact(session, message.client_id)
    return contact.address(message.channel) if contact else None


def _refusal(message: Message, code: int | None) -> CarrierRefused | None:
    return None if code is None else CarrierRefused(f"{message.channel}_{code}", because_of(code))


async def _follow_report(
    session: AsyncSession,
    tenant: UUID,
    message: Message,
    status: Literal["delivered", "failed"],
    reason: str | None,
    now: datetime,
    refusal: CarrierRefused | None = None,
) -> None:
    """`refusal` is what a failure says of the address."""
    if not moves_forward(message, status):
        return
    changed = message.delivered(now) if status == "delivered" else message.failed(reason or "undelivered")
    await repository.messages.look_up_no_more(session, tenant, message.id)
    await _keep(session, tenant, changed, now)
    if status == "delivered":
        return
    address = message.address or await _present_address(session, message)
    if refusal is not None and address is not None:
        await heed(session, tenant, message, Send(message.channel, address), refusal, now)
    left = message.channels[message.channels.index(message.channel) + 1 :]
    if left:
        await _go_on(session, tenant, message, left, now)
    elif refusal is None or refusal.because != "opt_out" or await tasks.must_hear(session, message):
        await tasks.nobody_reached(session, tenant, changed, now)


async def has_failed(
    session: AsyncSession, tenant: UUID, message: Message, left: tuple[Channel, ...], reason: str, now: datetime
) -> None:
    """By its channel; it goes on by those that are left, in a transaction of its own.

    Each of a step's messages begins with another channel, whatever order was planned or wished.
    """
    tried = replace(message, channels=(message.channel, *left))
    await _keep(session, tenant, tried.failed(reason), now)
    await _go_on(session, tenant, message, left, now)


async def _keep(session: AsyncSession, tenant: UUID, changed: Message, now: datetime) -> None:
    await repository.messages.save(session, tenant, changed)
    await repository.record(session, tenant, [message_event(changed)], now)
    await decided(session, tenant, changed, changed.status, now, channel=changed.channel, reason=changed.reason)


async def _go_on(
    session: AsyncSession, tenant: UUID, message: Message, left: tuple[Channel, ...], now: datetime
) -> None:
    again = new_message(
        client_id=message.client_id,
        purpose=message.purpose,
        step=message.step,
        channels=left,
        due_at=now,
        outreach_id=message.outreach_id,
        offer_id=message.offer_id,
    )
    same = ("appointment_id", "appointment_sequence", "plan_version")
    again = replace(again, **{name: getattr(message, name) for name in same})
    await plan_message(session, tenant, again, now)
