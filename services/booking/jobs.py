"""Timed work of booking: {kind of timer: handler} → use case."""

from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from services.booking import repository
from services.booking.resources import Resources
from services.booking.use_cases import appointments, holds, waitlist
from shared.timers import Handler, Timer


async def on_absence(session: AsyncSession, timer: Timer) -> None:
    await appointments.notice_absence(session, tenant=timer.tenant, appointment_id=timer.key, now=timer.now)


async def on_hold_over(session: AsyncSession, timer: Timer) -> None:
    await holds.end(session, tenant=timer.tenant, hold_id=timer.key, because="expired", now=timer.now)


async def on_round(session: AsyncSession, timer: Timer) -> None:
    await waitlist.offer_round(session, tenant=timer.tenant, opening_id=timer.key, now=timer.now)


def timers(_resources: Resources) -> Mapping[str, Handler]:
    return {
        repository.appointments.ABSENCE: on_absence,
        repository.holds.EXPIRE: on_hold_over,
        repository.waitlist.ROUND: on_round,
    }
