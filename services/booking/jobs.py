"""Timed work of booking: {kind of timer: handler} → use case."""

from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from services.booking import repository, use_cases
from services.booking.resources import Resources
from shared.timers import Handler, Timer


async def on_grace_over(session: AsyncSession, timer: Timer) -> None:
    await use_cases.notice_miss(session, tenant=timer.tenant, appointment_id=timer.key, now=timer.now)


def timers(_resources: Resources) -> Mapping[str, Handler]:
    return {repository.MISS: on_grace_over}
