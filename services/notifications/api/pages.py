"""What the pages of notifications share: their words, in the client's language and on the client's clock."""

from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from fastapi.responses import HTMLResponse
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import repository
from services.notifications.domain.templates import Tongue, long_when
from services.notifications.domain.words import DEFAULT_LANGUAGE, page_words, practice_word
from shared.pages import Pages

_pages = Pages(Path(__file__).parent.parent / "pages")
_pages.filters(when=long_when)


async def render(
    session: AsyncSession, template: str, client_id: UUID, *, about: datetime | None = None, **values: Any
) -> HTMLResponse:
    """A page for a client; words that say `when` mean what it is about."""
    sender = await repository.people.sender(session)
    contact = await repository.people.contact(session, client_id)
    wished = await repository.people.preferences(session, client_id)
    language = wished.language or (sender.language if sender else DEFAULT_LANGUAGE)
    tongue = Tongue(language, contact.zone if contact else None)
    name, phone = (sender.name, sender.phone) if sender else (practice_word(language), "")
    return _pages.render(
        template,
        lang=language,
        words=page_words(language, name=name, phone=phone, when=long_when(about, tongue) if about else ""),
        tongue=tongue,
        name=name,
        phone=phone,
        **values,
    )
