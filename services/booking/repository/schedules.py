"""What availability publishes: schedules, and when providers are away."""

from datetime import datetime
from functools import lru_cache
from uuid import UUID

from sqlalchemy import Text, Uuid, bindparam, cast, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.tables import providers, schedules
from shared.contracts.availability import Blocked, ProviderUnavailable, SchedulePublished, ScheduleState
from shared.contracts.slots import Plan, Span, ceil, floor
from shared.direct import Direct


async def save(session: AsyncSession, tenant: UUID, schedule: ScheduleState, withdrawn_at: datetime | None) -> None:
    """Keeps the newest state of a schedule, in whatever order states arrive."""
    await session.execute(upsert(providers).values(tenant_id=tenant, id=schedule.provider_id).on_conflict_do_nothing())
    values = {
        "provider_id": schedule.provider_id,
        "appointment_type_id": schedule.appointment_type_id,
        "modality": schedule.modality,
        "sequence": schedule.sequence,
        "withdrawn_at": withdrawn_at,
        "rules": schedule.model_dump(mode="json"),
    }
    await session.execute(
        upsert(schedules)
        .values(tenant_id=tenant, id=schedule.schedule_id, **values)
        .on_conflict_do_update(
            index_elements=["tenant_id", "id"], set_=values, where=schedules.c.sequence < schedule.sequence
        )
    )


async def plan(session: AsyncSession, schedule_id: UUID) -> Plan | None:
    """The schedule as it stands; None when it is unknown here or withdrawn."""
    rules = await _RULES_OF_ONE.scalar(session, {"schedule": schedule_id})
    return plan_from(rules) if rules is not None else None


async def plan_to_book(session: AsyncSession, schedule_id: UUID) -> tuple[Plan | None, bool]:
    """The schedule as it stands, and whether its provider's lock (`taken.lock_provider`) was to be had with it."""
    rules = await _RULES_AND_LOCK.scalar(session, {"schedule": schedule_id})
    if rules is not None:
        return plan_from(rules), True
    return await plan(session, schedule_id), False


async def of_provider(session: AsyncSession, provider_id: UUID) -> list[Plan]:
    """A provider's schedules that are not withdrawn, in one order."""
    columns = schedules.c
    query = select(RULES).where(columns.provider_id == provider_id, columns.withdrawn_at.is_(None))
    return [plan_from(rules) for rules in await session.scalars(query.order_by(columns.id))]


async def of_type(session: AsyncSession, appointment_type_id: UUID, modality: str | None = None) -> list[Plan]:
    query = select(RULES).where(
        schedules.c.appointment_type_id == appointment_type_id, schedules.c.withdrawn_at.is_(None)
    )
    if modality is not None:
        query = query.where(schedules.c.modality == modality)
    return [plan_from(rules) for rules in await session.scalars(query)]


async def every(session: AsyncSession) -> list[Plan]:
    """Every schedule that is not withdrawn."""
    query = select(RULES).where(schedules.c.withdrawn_at.is_(None)).order_by(schedules.c.id)
    return [plan_from(rules) for rules in await session.scalars(query)]


RULES = cast(schedules.c.rules, Text)
_RULES_OF_ONE = Direct(
    select(RULES).where(schedules.c.id == bindparam("schedule", type_=Uuid), schedules.c.withdrawn_at.is_(None))
)
_RULES_AND_LOCK = Direct(
    select(RULES)
    .join(providers, providers.c.id == schedules.c.provider_id)
    .where(schedules.c.id == bindparam("schedule", type_=Uuid), schedules.c.withdrawn_at.is_(None))
    .with_for_update(of=providers, skip_locked=True)
)


@lru_cache(maxsize=1000)
def plan_from(rules: str) -> Plan:
    """The same text is the same plan: it isn't read again, and remembers the days that it has worked out."""
    return Plan(SchedulePublished.model_validate_json(rules))


async def save_absences(session: AsyncSession, tenant: UUID, news: ProviderUnavailable) -> None:
    """Keeps the newest absences of a provider, in whatever order they arrive."""
    values = {
        "absences": [item.model_dump(mode="json") for item in news.blocked],
        "absences_sequence": news.sequence,
    }
    await session.execute(
        upsert(providers)
        .values(tenant_id=tenant, id=news.provider_id, **values)
        .on_conflict_do_update(
            index_elements=["tenant_id", "id"],
            set_=values,
            where=providers.c.absences_sequence < news.sequence,
        )
    )


async def absences(session: AsyncSession, provider_id: UUID) -> list[Span]:
    """When a provider will be away."""
    found = await session.scalar(select(providers.c.absences).where(providers.c.id == provider_id))
    return [(floor(item.begin), ceil(item.end)) for item in map(Blocked.model_validate, found or ())]
