"""Hourly: is what should have gone out gone, and has everything that booking knows of arrived here?"""

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.notifications import repository
from services.notifications.clients import Booking
from services.notifications.domain.reconciling import EVERY, PATIENCE, Reconciliation
from services.notifications.use_cases import tasks
from shared.telemetry import annotate, use_case

log = logging.getLogger(__name__)
ALARM = "check_messages"


REMEMBERED = timedelta(days=30)
"""For so long a vendor may still say what became of a message that was dropped while they were asked."""


@use_case
async def reconcile(session: AsyncSession, *, tenant: UUID, now: datetime, booking: Booking) -> Reconciliation:
    """Keeps what was found, and calls a person where something is wrong. Raises Unavailable."""
    coming = await booking.coming(tenant, now)
    known = await repository.visits.sequences(session, coming)
    before = await repository.reconciling.last(session)
    figures = await repository.reconciling.figures(session, now, EVERY, PATIENCE)
    found = Reconciliation(
        id=uuid7(),
        at=now,
        unheard=tuple(sorted(visit for visit, sequence in coming.items() if known.get(visit, 0) < sequence))[:100],
        unplanned=await repository.reconciling.unplanned(session, now, PATIENCE),
        expected=figures["expected"],
        sent=figures["sent"],
        failed=figures["failed"],
        not_sent=figures["not_sent"],
        waiting=figures["waiting"],
        overdue=figures["overdue"],
        refused=figures["refused"],
    )
    found = replace(found, alarm=found.is_alarm(before))
    await repository.reconciling.add(session, tenant, found)
    await repository.hand_overs.forget(session, now - REMEMBERED)
    wrong = {
        "overdue": found.overdue,
        "unplanned": found.unplanned,
        "unheard": len(found.unheard),
        "refused": found.refused,
    }
    annotate(expected=found.expected, sent=found.sent, **wrong)
    if found.alarm:
        log.error("messages did not go out as they should have: %s", wrong)
        if not await repository.tasks.unfinished(session, None, (ALARM,)):
            await tasks.open_task(session, tenant, None, ALARM, now, alert=True)
    await repository.reconciling.look_at(session, tenant, found.next())
    return found
