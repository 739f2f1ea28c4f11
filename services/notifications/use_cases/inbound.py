"""A client's text: opt-out at once, help always, danger to a person; never left unread."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.notifications import repository
from services.notifications.domain.inbound import Meaning, meaning
from services.notifications.domain.model import Purpose
from services.notifications.domain.plans import new_message
from services.notifications.use_cases import outreach
from services.notifications.use_cases.messages import plan_message
from services.notifications.use_cases.practice import add_consent
from shared.contracts.notifications import MessageReceived
from shared.telemetry import annotate, use_case

_ANSWERS: dict[Meaning, Purpose] = {
    "opt_out": "opt_out_confirmation",
    "opt_in": "opt_in_confirmation",
    "help": "help",
    "safety": "safety",
}
SMS_WORDING = "keyword"


@use_case
async def receive_text(
    session: AsyncSession, *, tenant: UUID, carrier_id: str, phone: str, body: str, now: datetime
) -> Meaning:
    """Takes a text in, once, and does what it means in this same transaction."""
    what = meaning(body)
    client_id = await repository.people.client_by_phone(session, phone)
    annotate(client_id=client_id, meaning=what)
    if client_id is not None:
        await repository.clients.lock(session, client_id)
    id_ = uuid7()
    if not await repository.inbound.add(
        session, tenant, id=id_, carrier_id=carrier_id, client_id=client_id, meaning=what, body=body, received_at=now
    ):
        return what
    event = MessageReceived(
        sequence=1, message_id=id_, client_id=client_id, channel="sms", meaning=what, received_at=now
    )
    await repository.record(session, tenant, [event], now)
    if what == "opt_out":
        first = await repository.people.suppress(session, tenant, phone, now)
    else:
        first = True
        if what == "opt_in":
            await repository.people.unsuppress(session, phone)
    if client_id is None:
        return what
    await _act(session, tenant, client_id, phone, what, now)
    answer = _ANSWERS.get(what)
    if answer is not None and first:
        reply = new_message(client_id=client_id, purpose=answer, step=f"reply.{id_}", channels=("sms",), due_at=now)
        await plan_message(session, tenant, reply, now)
    return what


async def _act(session: AsyncSession, tenant: UUID, client_id: UUID, phone: str, what: Meaning, now: datetime) -> None:
    if what == "opt_out":
        await outreach.end_all(session, tenant, client_id, "opted_out", now)
    elif what == "safety":
        await repository.people.pause(session, tenant, client_id, "safety", now)
        await outreach.end_all(session, tenant, client_id, "safety", now)
        await outreach.open_task(session, tenant, client_id, "safety", now, alert=True)
    elif what == "other":
        await outreach.open_task(session, tenant, client_id, "read_reply", now)
    if what in ("opt_out", "opt_in"):
        # A sending transaction holds this row: after us, nothing that it decided before can still go out.
        await repository.people.contact(session, client_id, lock=True)
        await add_consent(session, tenant, client_id, "sms", phone, what == "opt_in", SMS_WORDING, "sms", "client", now)
