"""What counts at the moment of sending, for one message or for many that are due together."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import repository
from services.notifications.domain.model import (
    OUTSIDE_QUOTA,
    Contact,
    Language,
    Message,
    Preferences,
    Purpose,
    Sender,
)
from services.notifications.domain.policy import World
from services.notifications.domain.templates import Tongue
from services.notifications.domain.words import DEFAULT_LANGUAGE, Words
from services.notifications.use_cases import facts
from shared.contracts.notifications import Channel

DAY, WEEK = timedelta(days=1), timedelta(days=7)


async def worlds_of(session: AsyncSession, messages: Sequence[Message], now: datetime) -> dict[UUID, World]:
    """By message; contacts are locked against change, in one order."""
    clients = {message.client_id for message in messages}
    visits = await repository.visits.among(session, {one.appointment_id for one in messages if one.appointment_id})
    runs = await repository.outreach.among(session, {one.outreach_id for one in messages if one.outreach_id})
    offers = await repository.offers.among(session, {one.offer_id for one in messages if one.offer_id})
    contacts = await repository.people.contacts(session, clients)
    wished = await repository.people.preferences_among(session, clients)
    sender = await repository.people.sender(session)
    paused = await repository.people.paused_among(session, clients)
    consented = await repository.people.consented_among(session, contacts.values())
    unreachable = await repository.people.unreachable_among(session, contacts.values())
    suppressed = await repository.people.suppressed_among(session, contacts.values())
    counted = [message for message in messages if message.purpose not in OUTSIDE_QUOTA]
    texts = await repository.messages.texts_of(session, counted, now - DAY, now - WEEK)
    tongues = _Tongues(sender)
    conditions = facts.Conditions()
    worlds = {}
    for message in messages:
        client, visit = message.client_id, visits.get(message.appointment_id)
        run, contact = runs.get(message.outreach_id), contacts.get(client)
        wishes = wished.get(client) or Preferences(client)
        last_day, last_week, last_text = texts.get(client, (0, 0, None))
        worlds[message.id] = World(
            sender=sender,
            contact=contact,
            visit=visit,
            offer=offers.get(message.offer_id),
            outreach_running=run is not None and run.status == "running",
            paused=client in paused,
            consented=consented.get(client, frozenset()),
            unreachable=unreachable.get(client, frozenset()),
            suppressed=contact is not None and contact.phone in suppressed,
            texts_last_day=last_day,
            texts_last_week=last_week,
            text_again_at=last_text + DAY if last_text else None,
            preferences=wishes,
            tongue=await tongues.of(session, message.purpose, contact, wishes),
            unmet=await conditions.unmet_of(session, message, visit),
        )
    return worlds


class _Tongues:
    """In which words clients are written to; what a practice has of its own is read once."""

    def __init__(self, sender: Sender | None) -> None:
        self.default: Language = sender.language if sender else DEFAULT_LANGUAGE
        self._own: dict[tuple[Purpose, Language], Mapping[tuple[Purpose, Channel, Language], Words]] = {}

    async def of(self, session: AsyncSession, purpose: Purpose, contact: Contact | None, wished: Preferences) -> Tongue:
        language = wished.language or self.default
        if (purpose, language) not in self._own:
            self._own[purpose, language] = await repository.templates.of(session, purpose, language)
        return Tongue(language, contact.zone if contact else None, self._own[purpose, language])
