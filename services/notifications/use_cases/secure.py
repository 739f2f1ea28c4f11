"""Client and practice write to each other here; what a client writes becomes a task, a worry one with an owner."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.notifications import repository
from services.notifications.domain.inbound import meaning
from services.notifications.domain.plans import new_message
from services.notifications.domain.secure import ANSWERED, Author, SecureKind, SecureMessage
from services.notifications.use_cases import outreach, tasks
from services.notifications.use_cases.messages import plan_message
from shared.db import be_patient
from shared.telemetry import annotate, use_case

TOLD_ALREADY = "told_already"
TOLD_FOR = timedelta(days=3)
"""So long one notice stands for whatever the practice writes besides; its link lives for two weeks."""


@use_case
async def write_as_client(
    session: AsyncSession, *, tenant: UUID, client_id: UUID, kind: SecureKind, body: str, by: str, now: datetime
) -> SecureMessage:
    """Keeps what a client wrote, and asks a person to answer; words of danger go the way that they go in a text."""
    annotate(client_id=client_id, kind=kind)
    # Whoever says STOP meanwhile holds this client until what is on its way has gone.
    await be_patient(session)
    await repository.clients.lock(session, client_id)
    in_danger = meaning(body) == "safety"
    if in_danger:
        await outreach.pause_for_safety(session, tenant, client_id, now)
        task = await tasks.open_task(session, tenant, client_id, "safety", now, alert=True)
    elif kind == "concern":
        sender = await repository.people.sender(session)
        owner = sender.concerns_owner if sender else None
        task = await tasks.open_task(session, tenant, client_id, "concern", now, owner=owner)
    else:
        waiting = await repository.tasks.unfinished(session, client_id, ("answer_message",))
        task = waiting[0] if waiting else await tasks.open_task(session, tenant, client_id, "answer_message", now)
    message = SecureMessage(uuid7(), client_id, "client", by, kind, body, now, task.id)
    await repository.secure.add(session, tenant, message)
    if in_danger:
        # The page shows the lines; whoever has agreed to be written to has them at hand, too.
        contact = await repository.people.contact(session, client_id)
        agreed = await repository.people.consented_channels(session, contact) if contact else frozenset()
        wished = (await repository.people.preferences(session, client_id)).channels or ("sms", "email")
        if channels := tuple(one for one in wished if one in agreed and one in ("sms", "email")):
            lines = new_message(
                client_id=client_id, purpose="safety", step=f"reply.{message.id}", channels=channels, due_at=now
            )
            await plan_message(session, tenant, lines, now)
    return message


@use_case
async def write_as_practice(
    session: AsyncSession, *, tenant: UUID, client_id: UUID, body: str, by: str, now: datetime
) -> SecureMessage:
    """Keeps the practice's words, which answer what the client wrote, and tells the client that there is something."""
    annotate(client_id=client_id)
    await be_patient(session)
    await repository.clients.lock(session, client_id)
    told = await repository.secure.is_told(session, client_id, now - TOLD_FOR)
    message = SecureMessage(uuid7(), client_id, "practice", by, "message", body, now)
    await repository.secure.add(session, tenant, message)
    await repository.secure.mark_read(session, client_id, "client", now)
    for task in await repository.tasks.unfinished(session, client_id, ANSWERED):
        await tasks.finish(session, tenant, task, by, "done", now)
    notice = new_message(
        client_id=client_id,
        purpose="secure_message",
        step=f"secure.{message.id}",
        channels=("sms", "email"),
        due_at=now,
        # Of one message that waits for them they know: the second is beside it.
        reason=TOLD_ALREADY if told else None,
    )
    await plan_message(session, tenant, notice, now)
    return message


@use_case
async def read(session: AsyncSession, *, client_id: UUID, author: Author, now: datetime) -> int:
    """The other side has read what `author` wrote; returns how many messages were unread."""
    annotate(client_id=client_id)
    return await repository.secure.mark_read(session, client_id, author, now)
