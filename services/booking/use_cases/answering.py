"""What clients answer by text does to their visits."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.booking import repository
from services.booking.domain.appointments import Actor
from services.booking.use_cases import appointments
from shared.contracts.notifications import QuestionAnswered
from shared.errors import Kind, Problem
from shared.telemetry import annotate, use_case

BY_TEXT = Actor("client", "text")


@use_case
async def follow_answer(session: AsyncSession, *, tenant: UUID, news: QuestionAnswered, now: datetime) -> None:
    """Confirms or calls off the visit as the client was asked about it; one that is another by now stays as it is."""
    annotate(appointment_id=news.appointment_id, client_id=news.client_id, answer=news.answer)
    visit = await repository.appointments.find(session, news.appointment_id, lock=True)
    if visit is None or (visit.client_id, visit.start) != (news.client_id, news.start):
        annotate(left_alone="another_visit_by_now")
        return
    move = appointments.Move(tenant=tenant, appointment_id=visit.id, version=None, actor=BY_TEXT, now=now)
    try:
        if news.answer == "confirm":
            await appointments.confirm(session, **move)
        elif news.answer == "cancel":
            await appointments.cancel(session, reason="client_request", **move)
    except Problem as refused:
        # Said too late, or after somebody else said otherwise: the visit's own page shows how it is.
        if refused.kind is not Kind.CONFLICT:
            raise
        annotate(left_alone=refused.code)
