"""Practices' own words: looked through before they are kept."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import repository
from services.notifications.domain.linting import findings
from services.notifications.domain.words import Words
from services.notifications.repository.templates import Key
from shared.errors import invalid
from shared.telemetry import use_case


@use_case
async def set_words(session: AsyncSession, *, tenant: UUID, key: Key, words: Words, now: datetime) -> int:
    """The version that this is. Raises Problem `words_refused`."""
    found = findings(words, *key)
    if found:
        told = "; ".join(f"{one.field}: {one.message}" for one in found[:5])
        errors = [{"field": one.field, "message": one.message} for one in found]
        raise invalid("words_refused", f"These words can't be sent: {told}.", field=found[0].field, errors=errors)
    return await repository.templates.save(session, tenant, key, words, now)
