"""What became of a message of which a vendor was asked and has not answered (docs/decisions/0020)."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import repository
from services.notifications.clients import HandedOver, Unavailable
from services.notifications.domain.model import Begun, Message
from services.notifications.domain.policy import World
from services.notifications.use_cases.handing_over import Post, may_ask_again
from services.notifications.use_cases.sent import keep_sent

SETTLED = timedelta(minutes=1)
"""So long after it was asked a vendor's list has whatever it has taken, and its report is here."""


class Unknowable(Exception):
    """Nobody can say whether it went."""


async def resolve(
    session: AsyncSession, tenant: UUID, message: Message, begun: Begun, world: World, now: datetime, post: Post
) -> Message | None:
    """The message as it may be handed over now; None where it turns out to have gone, which is on record then.

    Raises Unknowable, or Unavailable where that will be known later.
    """
    if may_ask_again(begun, message, world.contact, post.carriers):
        # By no other channel until that is known.
        return replace(message, channels=(begun.channel,))
    listed = await post.carriers.taken(begun, world.sender.sms_from) if world.sender else None
    if listed is None or begun.address is None:
        raise Unknowable
    clients = {message.client_id, *await repository.people.clients_by_phone(session, begun.address)}
    known = await repository.messages.carried(session, clients, listed)
    new = [sid for sid in listed if sid not in known]
    if new:
        given = HandedOver(begun.channel, begun.vendor, new[0])
        await keep_sent(session, tenant, message, given, begun.address, world.visit, begun.begun_at)
        return None
    if now - begun.begun_at < SETTLED:
        raise Unavailable("outcome_awaited", begun.begun_at + SETTLED - now)
    async with post.beside.transaction(tenant) as beside:
        await repository.hand_overs.end(beside, message.id)
    return message
