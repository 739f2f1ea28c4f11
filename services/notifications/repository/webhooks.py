"""Webhooks and what was delivered to them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, insert, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import tables
from services.notifications.domain.webhooks import Delivery, Status, Webhook
from shared import timers as clock
from shared.errors import not_found
from shared.paging import Position
from shared.rows import dump, every, one

DELIVER = "webhook.deliver"


async def add(session: AsyncSession, tenant: UUID, webhook: Webhook) -> None:
    await session.execute(insert(tables.webhooks).values(tenant_id=tenant, **dump(webhook)))


async def get(session: AsyncSession, webhook_id: UUID, *, lock: bool = False) -> Webhook:
    """Raises Problem `webhook_not_found`."""
    query = select(tables.webhooks).where(tables.webhooks.c.id == webhook_id)
    found = await one(session, Webhook, query.with_for_update() if lock else query)
    if found is None:
        raise not_found("webhook")
    return found


async def save(session: AsyncSession, webhook: Webhook) -> None:
    table = tables.webhooks
    await session.execute(update(table).where(table.c.id == webhook.id).values(**dump(webhook)))


async def disable(session: AsyncSession, called: Webhook, because: str) -> bool:
    """False where the webhook is at another address by now than the one that was called; all else stays as it is."""
    columns = tables.webhooks.c
    statement = (
        update(tables.webhooks)
        .where(columns.id == called.id, columns.url == called.url)
        .values(disabled_because=because, version=columns.version + 1)
        .returning(columns.id)
    )
    return await session.scalar(statement) is not None


async def remove(session: AsyncSession, webhook_id: UUID) -> None:
    """With everything that was to be delivered to it."""
    deliveries, timers = tables.webhook_deliveries.c, tables.timers.c
    theirs = select(deliveries.id).where(deliveries.webhook_id == webhook_id)
    await session.execute(delete(tables.timers).where(timers.kind == DELIVER, timers.key.in_(theirs)))
    await session.execute(delete(tables.webhook_deliveries).where(deliveries.webhook_id == webhook_id))
    await session.execute(delete(tables.webhooks).where(tables.webhooks.c.id == webhook_id))


async def all_of(session: AsyncSession, owner: str | None = None) -> list[Webhook]:
    """Those of an app, or all."""
    columns = tables.webhooks.c
    query = select(tables.webhooks).order_by(columns.created_at, columns.id)
    return await every(session, Webhook, query if owner is None else query.where(columns.owner == owner))


async def count(session: AsyncSession, owner: str | None) -> int:
    """Of an app, or of the practice itself."""
    theirs = tables.webhooks.c.owner.is_not_distinct_from(owner)
    return int(await session.scalar(select(func.count()).select_from(tables.webhooks).where(theirs)) or 0)


async def for_event(session: AsyncSession, event_type: str) -> list[Webhook]:
    """Who wants to hear of events of this type."""
    columns = tables.webhooks.c
    query = select(tables.webhooks).where(
        columns.disabled_because.is_(None), columns.event_types.contains([event_type])
    )
    return await every(session, Webhook, query)


async def add_delivery(session: AsyncSession, tenant: UUID, delivery: Delivery, now: datetime) -> None:
    statement = upsert(tables.webhook_deliveries).values(tenant_id=tenant, **dump(delivery))
    await session.execute(statement.on_conflict_do_nothing())
    await clock.schedule(session, tables.timers, tenant, DELIVER, delivery.id, now)


async def delivery(session: AsyncSession, delivery_id: UUID, *, lock: bool = False) -> Delivery:
    """Raises Problem `delivery_not_found`."""
    query = select(tables.webhook_deliveries).where(tables.webhook_deliveries.c.id == delivery_id)
    found = await one(session, Delivery, query.with_for_update() if lock else query)
    if found is None:
        raise not_found("delivery")
    return found


async def save_delivery(session: AsyncSession, tenant: UUID, changed: Delivery) -> None:
    """With its next try, if there is one."""
    table = tables.webhook_deliveries
    await session.execute(update(table).where(table.c.id == changed.id).values(**dump(changed)))
    if changed.next_at is not None:
        await clock.schedule(session, tables.timers, tenant, DELIVER, changed.id, changed.next_at)


async def deliveries(
    session: AsyncSession, webhook_id: UUID, status: Status | None, after: Position | None, limit: int
) -> list[Delivery]:
    columns = tables.webhook_deliveries.c
    query = select(tables.webhook_deliveries).where(columns.webhook_id == webhook_id)
    if status is not None:
        query = query.where(columns.status == status)
    if after is not None:
        query = query.where(tuple_(columns.created_at, columns.id) > after)
    return await every(session, Delivery, query.order_by(columns.created_at, columns.id).limit(limit))
