"""The waitlist: places, freed times, and the offers of these."""

from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, exists, func, insert, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.domain.appointments import OF_CLIENTS
from services.booking.domain.waitlist import Entry, Offer, Opening, Rules
from services.booking.repository.taken import LONGEST
from services.booking.tables import (
    appointments,
    history,
    timers,
    waitlist_entries,
    waitlist_offers,
    waitlist_openings,
    waitlist_rules,
)
from shared import timers as clock
from shared.contracts.availability import Window
from shared.contracts.slots import Span, ceil, floor, moment
from shared.contracts.waitlist import EntryStatus
from shared.errors import not_found, require_version
from shared.paging import Position
from shared.rows import dump, every, load, one

ROUND = "waitlist.round"


async def rules(session: AsyncSession) -> Rules:
    """The practice's rules, or the default ones in version 0."""
    return await one(session, Rules, select(waitlist_rules)) or Rules()


async def save_rules(session: AsyncSession, tenant: UUID, changed: Rules) -> None:
    """Keeps the next version. Raises Problem `version_mismatch` when somebody else was faster."""
    values = dump(changed)
    saved = await session.scalar(
        upsert(waitlist_rules)
        .values(tenant_id=tenant, **values)
        .on_conflict_do_update(
            index_elements=["tenant_id"], set_=values, where=waitlist_rules.c.version == changed.version - 1
        )
        .returning(waitlist_rules.c.version)
    )
    if saved is None:
        require_version(changed.version - 1, (await rules(session)).version)


async def add_entry(session: AsyncSession, tenant: UUID, entry: Entry) -> None:
    values = dump(entry) | {"windows": [window.model_dump(mode="json") for window in entry.windows]}
    await session.execute(insert(waitlist_entries).values(tenant_id=tenant, **values))


async def entry(session: AsyncSession, entry_id: UUID, *, lock: bool = False) -> Entry:
    """Raises Problem `waitlist_entry_not_found`."""
    query = select(waitlist_entries).where(waitlist_entries.c.id == entry_id)
    found = await one(session, Entry, query.with_for_update(key_share=True) if lock else query)
    if found is None:
        raise not_found("waitlist_entry", "There is no such place on the waitlist.")
    return _read(found)


async def save_entry(session: AsyncSession, changed: Entry) -> None:
    values = {"status": changed.status, "appointment_id": changed.appointment_id, "sequence": changed.sequence}
    await session.execute(update(waitlist_entries).where(waitlist_entries.c.id == changed.id).values(values))


async def places_of(session: AsyncSession, client_id: UUID) -> int:
    """How many places of a client are not filled or left."""
    columns = waitlist_entries.c
    query = select(func.count()).where(columns.client_id == client_id, columns.status == "waiting")
    return int(await session.scalar(query) or 0)


async def entries_of(session: AsyncSession, client_id: UUID) -> list[Entry]:
    """A client's places that are not filled or left, locked, in one order."""
    columns = waitlist_entries.c
    query = select(waitlist_entries).where(columns.client_id == client_id, columns.status == "waiting")
    query = query.order_by(columns.id).with_for_update(key_share=True)
    return [_read(found) for found in await every(session, Entry, query)]


async def page(
    session: AsyncSession, after: Position | None, limit: int, client_id: UUID | None, status: EntryStatus | None
) -> list[Entry]:
    """A page of places, the longest waiting first."""
    columns = waitlist_entries.c
    query = select(waitlist_entries).order_by(columns.joined_at, columns.id).limit(limit)
    if client_id is not None:
        query = query.where(columns.client_id == client_id)
    if status is not None:
        query = query.where(columns.status == status)
    if after is not None:
        query = query.where(tuple_(columns.joined_at, columns.id) > after)
    return [_read(found) for found in await every(session, Entry, query)]


async def anybody_waits(session: AsyncSession, types: Collection[UUID]) -> bool:
    columns = waitlist_entries.c
    query = select(columns.id).where(columns.appointment_type_id.in_(types), columns.status == "waiting").limit(1)
    return await session.scalar(query) is not None


async def waiting(
    session: AsyncSession, opening: Opening, types: Collection[UUID]
) -> AsyncIterator[tuple[Entry, bool]]:
    """Who waits for visits of these types and was not asked about this opening in vain, the longest waiting first; and
    whether another time is on offer to them now.
    """
    columns, offers = waitlist_entries.c, waitlist_offers.c
    theirs = (offers.tenant_id == columns.tenant_id) & (offers.client_id == columns.client_id)
    asked = exists().where(theirs, offers.opening_id == opening.id, offers.fate.in_(("declined", "expired")))
    is_asked = exists().where(theirs, offers.fate == "open").label("is_asked")
    query = (
        select(waitlist_entries, is_asked)
        .where(columns.appointment_type_id.in_(types), columns.status == "waiting", ~asked)
        .order_by(columns.joined_at, columns.id)
    )
    after: Position | None = None
    while True:
        page = query.limit(100)
        if after is not None:
            page = page.where(tuple_(columns.joined_at, columns.id) > after)
        rows = [dict(row) for row in (await session.execute(page)).mappings()]
        for row in rows:
            yield _read(load(Entry, row)), row["is_asked"]
        if len(rows) < 100:
            return
        after = rows[-1]["joined_at"], rows[-1]["id"]


async def given_up(session: AsyncSession, client_id: UUID, begin: int, end: int) -> list[Span]:
    """When a client had visits between two times that they called off, or that were moved away from there."""
    visit, then = appointments.c, history.c
    query = (
        select(then.start, then.start + (visit.end - visit.start))
        .join(history, (then.tenant_id == visit.tenant_id) & (then.appointment_id == visit.id))
        .where(
            visit.client_id == client_id,
            then.start > moment(begin) - LONGEST,
            then.start < moment(end),
            (then.start != visit.start) | ((visit.status == "cancelled") & visit.reason_code.in_(OF_CLIENTS)),
        )
        .distinct()
    )
    return [(floor(start), ceil(until)) for start, until in await session.execute(query)]


def _read(found: Entry) -> Entry:
    windows: tuple[Mapping[str, Any], ...] = found.windows  # type: ignore[assignment] # as JSON has them
    return replace(found, windows=tuple(Window.model_validate(window) for window in windows))


async def add_opening(session: AsyncSession, tenant: UUID, opening: Opening, now: datetime) -> None:
    """Keeps a freed time, and looks at once for whom it is."""
    await session.execute(upsert(waitlist_openings).values(tenant_id=tenant, **dump(opening)).on_conflict_do_nothing())
    await look(session, tenant, opening.id, now)


async def look(session: AsyncSession, tenant: UUID, opening_id: UUID, at: datetime) -> None:
    """Sets when the next round of an opening is."""
    await clock.schedule(session, timers, tenant, ROUND, opening_id, at)


async def opening(session: AsyncSession, opening_id: UUID) -> Opening | None:
    found = await one(session, Opening, select(waitlist_openings).where(waitlist_openings.c.id == opening_id))
    return found and replace(found, spans=tuple((begin, until) for begin, until in found.spans))


async def count_look(session: AsyncSession, opening_id: UUID, looks: int) -> None:
    table = waitlist_openings
    await session.execute(update(table).where(table.c.id == opening_id).values(looks=looks))


async def close(session: AsyncSession, opening_id: UUID) -> None:
    await session.execute(delete(waitlist_openings).where(waitlist_openings.c.id == opening_id))


async def add_offer(session: AsyncSession, tenant: UUID, offered: Offer) -> bool:
    """False, and nothing written, when its client has another offer meanwhile."""
    statement = upsert(waitlist_offers).values(tenant_id=tenant, **dump(offered)).on_conflict_do_nothing()
    return await session.scalar(statement.returning(waitlist_offers.c.id)) is not None


async def offer(session: AsyncSession, offer_id: UUID, *, lock: bool = False) -> Offer:
    """Raises Problem `offer_not_found`."""
    query = select(waitlist_offers).where(waitlist_offers.c.id == offer_id)
    found = await one(session, Offer, query.with_for_update() if lock else query)
    if found is None:
        raise not_found("offer", "There is no such offer.")
    return found


async def save_offer(session: AsyncSession, changed: Offer) -> None:
    names = ("fate", "decided_at", "appointment_id", "sequence")
    values = {name: getattr(changed, name) for name in names}
    await session.execute(update(waitlist_offers).where(waitlist_offers.c.id == changed.id).values(values))


async def open_offers(session: AsyncSession, provider_id: UUID) -> list[Offer]:
    """What is on offer of a provider's time; locked, in one order."""
    columns = waitlist_offers.c
    query = select(waitlist_offers).where(columns.provider_id == provider_id, columns.fate == "open")
    return await every(session, Offer, query.order_by(columns.id).with_for_update())


async def open_offer_of(session: AsyncSession, entry_id: UUID) -> Offer | None:
    columns = waitlist_offers.c
    query = select(waitlist_offers).where(columns.entry_id == entry_id, columns.fate == "open")
    return await one(session, Offer, query.with_for_update())


async def offers_of(session: AsyncSession, entry_id: UUID) -> list[Offer]:
    """Every offer that somebody on the list was made, in order."""
    columns = waitlist_offers.c
    query = select(waitlist_offers).where(columns.entry_id == entry_id)
    return await every(session, Offer, query.order_by(columns.offered_at, columns.id))
