"""Check-ins between sessions: planned after a visit, answered in one tap, read by a person."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import repository
from services.notifications.domain.check_ins import (
    OF_CHECK_INS,
    READ_CHECK_IN,
    TO_READ_WITHIN,
    CheckIn,
    CheckInAnswer,
    plan_check_ins,
)
from services.notifications.domain.model import TOOK_PLACE, Visit
from services.notifications.domain.tasks import About
from services.notifications.use_cases import tasks
from services.notifications.use_cases.messages import drop, plan_all
from shared.contracts.notifications import CheckInAnswered
from shared.db import be_patient
from shared.telemetry import annotate, use_case


async def follow_visit(session: AsyncSession, tenant: UUID, visit: Visit, provider_id: UUID, now: datetime) -> None:
    """A visit that took place is followed by check-ins, until the next one has: then by that one's."""
    if visit.status not in TOOK_PLACE | {"noshow"}:
        return
    for message in await repository.messages.planned(session, repository.messages.checking_in(visit.client_id)):
        before = await repository.visits.find(session, message.appointment_id)
        if before is None or before.start < visit.start:
            await drop(session, tenant, message, "visit_since", now)
    if visit.status == "noshow":
        return
    version, plan = await repository.check_ins.plan(session)
    reason = None
    if await repository.visits.is_followed(session, visit):
        reason = "visit_since"
    elif await repository.clients.is_discharged(session, visit.client_id):
        reason = "discharged"
    planned = plan_check_ins(plan, version, visit, provider_id, now, reason)
    new = [message for check_in, message in planned if await repository.check_ins.add(session, tenant, check_in)]
    await plan_all(session, tenant, new, now)


async def end_all(session: AsyncSession, tenant: UUID, client_id: UUID, reason: str, now: datetime) -> None:
    """Nobody asks this client any more."""
    for message in await repository.messages.planned(session, repository.messages.checking_in(client_id)):
        await drop(session, tenant, message, reason, now)


@use_case
async def answer(
    session: AsyncSession, *, tenant: UUID, check_in_id: UUID, said: CheckInAnswer, now: datetime
) -> CheckIn:
    """Keeps the first answer, and gives it to whoever reads them. Raises Problem `check_in_not_found`."""
    asked = await repository.check_ins.get(session, check_in_id)
    annotate(client_id=asked.client_id, check_in_id=asked.id)
    await be_patient(session)
    await repository.clients.lock(session, asked.client_id)
    asked = await repository.check_ins.get(session, check_in_id, lock=True)
    if asked.answer is not None:
        return asked
    _, plan = await repository.check_ins.plan(session, asked.plan_version)
    about = About(appointment_id=asked.appointment_id, provider_id=None if plan.reader else asked.provider_id)
    due = now + TO_READ_WITHIN[said]
    task = await tasks.open_task(
        session,
        tenant,
        asked.client_id,
        READ_CHECK_IN,
        now,
        about,
        owner=plan.reader,
        due_at=due,
        overdue=said == "not_well",
    )
    answered = replace(asked, answer=said, answered_at=now, task_id=task.id)
    await repository.check_ins.save(session, answered)
    for message in await repository.messages.planned(session, repository.messages.checking_in(asked.client_id)):
        if (message.appointment_id, message.step) == (asked.appointment_id, f"{OF_CHECK_INS}{asked.number}"):
            # It would go on by another channel, or hasn't gone yet: an app was asked before.
            await drop(session, tenant, message, "answered", now)
    event = CheckInAnswered(
        sequence=1,
        check_in_id=asked.id,
        client_id=asked.client_id,
        appointment_id=asked.appointment_id,
        provider_id=asked.provider_id,
        answered_at=now,
    )
    await repository.record(session, tenant, [event], now)
    return answered
