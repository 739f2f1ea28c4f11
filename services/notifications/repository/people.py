"""Who writes to whom: the practice's sender, clients' contacts, consents, suppressions and pauses."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, delete, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.notifications import tables
from services.notifications.domain.model import Contact, Pause, Preferences, Sender
from shared.contracts.notifications import Channel
from shared.db import be_patient
from shared.direct import Direct
from shared.rows import dump, every, is_among, one


async def save_sender(session: AsyncSession, tenant: UUID, sender: Sender) -> None:
    values = dump(sender)
    await session.execute(
        upsert(tables.senders)
        .values(tenant_id=tenant, **values)
        .on_conflict_do_update(index_elements=["tenant_id"], set_=values)
    )


_SENDER = Direct(select(tables.senders))


async def sender(session: AsyncSession) -> Sender | None:
    found = await every(session, Sender, _SENDER)
    return found[0] if found else None


async def save_contact(session: AsyncSession, tenant: UUID, contact: Contact) -> None:
    values = dump(contact)
    await session.execute(
        upsert(tables.contacts)
        .values(tenant_id=tenant, **values)
        .on_conflict_do_update(index_elements=["tenant_id", "client_id"], set_=values)
    )


async def contact(session: AsyncSession, client_id: UUID, *, lock: bool = False) -> Contact | None:
    query = select(tables.contacts).where(tables.contacts.c.client_id == client_id)
    if lock:
        # Whoever sends to this client holds it until the carrier has answered; a STOP must not be turned away.
        await be_patient(session)
        query = query.with_for_update()
    return await one(session, Contact, query)


_CONTACTS = Direct(
    select(tables.contacts)
    .where(is_among(tables.contacts.c.client_id, "clients"))
    .order_by(tables.contacts.c.client_id)
    .with_for_update(read=True)
)


async def contacts(session: AsyncSession, client_ids: Collection[UUID]) -> dict[UUID, Contact]:
    """By client; locked against change."""
    found = await every(session, Contact, _CONTACTS, {"clients": list(client_ids)})
    return {one.client_id: one for one in found}


async def clients_by_phone(session: AsyncSession, phone: str) -> list[UUID]:
    """Who has a number; whoever was texted there last comes first."""
    return await _written_to_last(session, tables.contacts.c.phone == phone, "sms")


async def clients_by_email(session: AsyncSession, email: str) -> list[UUID]:
    """Who has an address, however it is written; whoever was mailed there last comes first."""
    return await _written_to_last(session, func.lower(tables.contacts.c.email) == email.lower(), "email")


async def _written_to_last(session: AsyncSession, has_it: ColumnElement[bool], channel: Channel) -> list[UUID]:
    contacts, messages = tables.contacts.c, tables.messages.c
    last = (
        select(func.max(messages.sent_at))
        .where(messages.client_id == contacts.client_id, messages.channel == channel)
        .scalar_subquery()
    )
    query = select(contacts.client_id).where(has_it).order_by(last.desc().nulls_last(), contacts.client_id)
    return list(await session.scalars(query))


async def add_consent(session: AsyncSession, tenant: UUID, *, at: datetime, **values: Any) -> UUID:
    """What is said last counts, also where the clock of whoever takes it is behind: it comes after what is there."""
    id_, columns = uuid7(), tables.consents.c
    same = (columns[name] == values[name] for name in ("client_id", "channel", "address"))
    after = select(func.max(columns.at) + timedelta(microseconds=1)).where(*same).scalar_subquery()
    newest = func.greatest(literal(at, columns.at.type), after)
    await session.execute(insert(tables.consents).values(tenant_id=tenant, id=id_, at=newest, **values))
    return id_


async def consents_of(session: AsyncSession, client_id: UUID) -> list[RowMapping]:
    """Every yes and no of a client, the newest first."""
    columns = tables.consents.c
    query = select(tables.consents).where(columns.client_id == client_id).order_by(columns.at.desc(), columns.id.desc())
    return list((await session.execute(query)).mappings())


async def consented_channels(session: AsyncSession, contact: Contact) -> frozenset[Channel]:
    """Channels whose newest record for the address in use is a yes."""
    return (await consented_among(session, [contact]))[contact.client_id]


def _newest_consents() -> Direct:
    columns = tables.consents.c
    place = (columns.client_id, columns.channel, columns.address)
    query = select(*place, columns.granted).ext(distinct_on(*place)).where(is_among(columns.client_id, "clients"))
    return Direct(query.order_by(*place, columns.at.desc(), columns.id.desc()))


_NEWEST_CONSENTS = _newest_consents()


async def consented_among(session: AsyncSession, contacts: Collection[Contact]) -> dict[UUID, frozenset[Channel]]:
    """The same of several clients."""
    rows = await _NEWEST_CONSENTS.rows(session, {"clients": [one.client_id for one in contacts]})
    granted = {(row["client_id"], row["channel"], row["address"]) for row in rows if row["granted"]}
    channels: tuple[Channel, ...] = ("sms", "email", "voice")
    return {
        one.client_id: frozenset(
            channel for channel in channels if (one.client_id, channel, one.address(channel) or "") in granted
        )
        for one in contacts
    }


async def suppress(session: AsyncSession, tenant: UUID, phone: str, now: datetime) -> bool:
    """True when the number was not suppressed before."""
    added = await session.scalar(
        upsert(tables.suppressions)
        .values(tenant_id=tenant, phone=phone, at=now)
        .on_conflict_do_nothing()
        .returning(tables.suppressions.c.phone)
    )
    return added is not None


async def is_suppressed(session: AsyncSession, phone: str) -> bool:
    """Whether this number has said STOP, and no START since."""
    columns = tables.suppressions.c
    return await session.scalar(select(columns.phone).where(columns.phone == phone)) is not None


async def unsuppress(session: AsyncSession, phone: str) -> None:
    await session.execute(delete(tables.suppressions).where(tables.suppressions.c.phone == phone))


_SUPPRESSED = Direct(select(tables.suppressions.c.phone).where(is_among(tables.suppressions.c.phone, "phones")))


async def suppressed_among(session: AsyncSession, contacts: Collection[Contact]) -> set[str]:
    """Those of these clients' numbers from which STOP has come."""
    rows = await _SUPPRESSED.rows(session, {"phones": [one.phone for one in contacts if one.phone]})
    return {row["phone"] for row in rows}


async def pause(session: AsyncSession, tenant: UUID, client_id: UUID, reason: str, now: datetime) -> None:
    """One that stands stays as it is; one that was lifted begins anew."""
    begun = {"reason": reason, "at": now, "lifted_at": None, "lifted_by": None}
    statement = upsert(tables.pauses).values(tenant_id=tenant, client_id=client_id, **begun)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["tenant_id", "client_id"], set_=begun, where=tables.pauses.c.lifted_at.is_not(None)
        )
    )


async def last_pause(session: AsyncSession, client_id: UUID) -> Pause | None:
    return await one(session, Pause, select(tables.pauses).where(tables.pauses.c.client_id == client_id))


async def is_paused(session: AsyncSession, client_id: UUID) -> bool:
    return client_id in await paused_among(session, [client_id])


_PAUSED = Direct(
    select(tables.pauses.c.client_id).where(
        is_among(tables.pauses.c.client_id, "clients"), tables.pauses.c.lifted_at.is_(None)
    )
)


async def paused_among(session: AsyncSession, client_ids: Collection[UUID]) -> set[UUID]:
    """Those of these clients whom a person looks after for now."""
    return {row["client_id"] for row in await _PAUSED.rows(session, {"clients": list(client_ids)})}


async def lift_pause(session: AsyncSession, client_id: UUID, by: str, now: datetime) -> bool:
    """False where nothing is paused."""
    columns = tables.pauses.c
    statement = update(tables.pauses).where(columns.client_id == client_id, columns.lifted_at.is_(None))
    lifted = statement.values(lifted_at=now, lifted_by=by).returning(columns.client_id)
    return await session.scalar(lifted) is not None


async def mark_unreachable(
    session: AsyncSession, tenant: UUID, channel: Channel, address: str, reason: str, now: datetime
) -> None:
    """Nobody is ever reached there, says a carrier."""
    values = {"channel": channel, "address": address, "reason": reason, "at": now}
    await session.execute(upsert(tables.unreachable).values(tenant_id=tenant, **values).on_conflict_do_nothing())


async def forget_unreachable(session: AsyncSession, contact: Contact) -> None:
    """The practice says that these addresses are right."""
    columns = tables.unreachable.c
    known = [address for address in (contact.email, contact.phone) if address]
    await session.execute(delete(tables.unreachable).where(columns.address.in_(known)))


_UNREACHABLE = Direct(
    select(tables.unreachable.c.channel, tables.unreachable.c.address).where(
        is_among(tables.unreachable.c.address, "addresses")
    )
)


async def unreachable_among(session: AsyncSession, contacts: Collection[Contact]) -> dict[UUID, frozenset[Channel]]:
    """By client, the channels at whose address nobody is ever reached."""
    known = [address for one in contacts for address in (one.email, one.phone) if address]
    rows = [(row["channel"], row["address"]) for row in await _UNREACHABLE.rows(session, {"addresses": known})]
    return {
        one.client_id: frozenset(channel for channel, address in rows if one.address(channel) == address)
        for one in contacts
    }


async def preferences(session: AsyncSession, client_id: UUID) -> Preferences:
    """What a client wishes; nothing, where nothing is on record."""
    return (await preferences_among(session, [client_id])).get(client_id) or Preferences(client_id)


_PREFERENCES = Direct(select(tables.preferences).where(is_among(tables.preferences.c.client_id, "clients")))


async def preferences_among(session: AsyncSession, client_ids: Collection[UUID]) -> dict[UUID, Preferences]:
    """By client, where something is on record."""
    found = await every(session, Preferences, _PREFERENCES, {"clients": list(client_ids)})
    return {one.client_id: one for one in found}


async def save_preferences(session: AsyncSession, tenant: UUID, wished: Preferences) -> None:
    values = dump(wished)
    await session.execute(
        upsert(tables.preferences)
        .values(tenant_id=tenant, **values)
        .on_conflict_do_update(index_elements=["tenant_id", "client_id"], set_=values)
    )
