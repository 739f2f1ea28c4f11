"""What became of a message of which a vendor was asked and has not answered (docs/decisions/0020)."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import repository
from services.notifications.clients import HandedOver, Unavailable
from services.notifications.domain.model import Begun, Message
from services.notifications.domain.policy import World
from services.notifications.use_cases.handing_over import Post, may_ask_again
from services.notifications.use_cases.sent import keep_sent

SETTLED = timedelta(minutes=5)
"""So long after its timer was claimed a vendor has been asked for the message, and its list has what it has taken."""


class Unknowable(Exception):
    """Nobody can say whether it went."""


async def resolve(
    session: AsyncSession, tenant: UUID, message: Message, begun: Begun, world: World, now: datetime, post: Post
) -> Message | Literal["sent", "unsent"]:
    """The message as the same vendor may be asked for it again; or what its list says, which is on record then.

    Raises Unknowable, or Unavailable where that will be known later.
    """
    if may_ask_again(begun, message, world.contact, post.carriers):
        # By no other channel until that is known.
        return replace(message, channels=(begun.channel,))
    listed = await post.carriers.taken(begun)
    if listed is None or begun.address is None:
        raise Unknowable
    if not await repository.hand_overs.is_alone(session, begun):
        raise Unavailable("outcome_awaited")
    others = await repository.hand_overs.others(session, begun)
    alike = [one for one in others if one.digest == begun.digest]
    settled = max(one.begun_at for one in (begun, *alike)) + SETTLED
    clients = {message.client_id, *await repository.people.clients_by_phone(session, begun.address)}
    known = await repository.messages.carried(session, clients, [one.carrier_id for one in listed])
    strange = [one for one in listed if one.carrier_id not in known]
    mine = [one for one in strange if one.digest is not None and one.digest == begun.digest]
    if now < settled and len(mine) <= len(alike):
        # Not there yet, or it may be that of another one with the same words.
        raise Unavailable("outcome_awaited", settled - now)
    if mine:
        given = HandedOver(begun.channel, begun.vendor, mine[0].carrier_id)
        await keep_sent(session, tenant, message, given, begun.address, world.visit, begun.begun_at)
        return "sent"
    if any(one.digest not in {other.digest for other in others} for one in strange):
        # With other words than we gave: it may be this one, as the carrier has changed it, or somebody else's.
        raise Unknowable
    async with post.beside.transaction(tenant) as beside:
        await repository.hand_overs.end(beside, message.id)
    return "unsent"
