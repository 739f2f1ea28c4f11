"""What availability tells: schedules to book by, and providers who will be away."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.booking import repository
from services.booking.domain import appointments
from services.booking.domain.appointments import SYSTEM, Appointment
from services.booking.use_cases.appointments import saved
from shared.contracts.availability import ProviderUnavailable, ScheduleState, ScheduleWithdrawn
from shared.telemetry import annotate, use_case


@use_case
async def replicate_schedule(session: AsyncSession, *, tenant: UUID, schedule: ScheduleState, now: datetime) -> None:
    withdrawn_at = now if isinstance(schedule, ScheduleWithdrawn) else None
    await repository.schedules.save(session, tenant, schedule, withdrawn_at)


@use_case
async def follow_absences(
    session: AsyncSession, *, tenant: UUID, news: ProviderUnavailable, now: datetime
) -> list[Appointment]:
    """Flags the coming visits for which the provider will be away, and takes the flag off those that may stay."""
    annotate(provider_id=news.provider_id)
    await repository.schedules.save_absences(session, tenant, news)
    absences = await repository.schedules.absences(session, news.provider_id)
    flagged = []
    for visit_id in await repository.appointments.coming(session, news.provider_id, now):
        locked = await repository.appointments.get(session, visit_id, lock=True)
        change = appointments.flag(locked, absences=absences, actor=SYSTEM, now=now)
        if change is not None:
            flagged.append(await saved(session, tenant, change, SYSTEM, now))
    return flagged
