"""What feedback does, a function per verb: load, decide, save, record the event; the caller's transaction."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.feedback import domain, repository
from services.feedback.domain import OutreachRun, Request, Retention, Visit
from shared.contracts.booking import AppointmentImported, AppointmentState
from shared.contracts.feedback import Barrier, Instrument
from shared.contracts.notifications import OutreachState
from shared.errors import not_found
from shared.telemetry import annotate, current_traceparent, use_case


@use_case
async def follow_visit(session: AsyncSession, *, tenant: UUID, state: AppointmentState, now: datetime) -> None:
    """Keeps the attendance history; asks how it was once a visit took place."""
    visit = Visit.of(state, current_traceparent())
    annotate(appointment_id=visit.id, client_id=visit.client_id)
    if not await repository.save_visit(session, tenant, visit) or visit.status != "fulfilled":
        return
    if isinstance(state, AppointmentImported):
        # It took place while the practice worked with another system.
        return
    request = _request(visit, "alliance", now)
    if await repository.add_request(session, tenant, request):
        await repository.record(session, tenant, [request.asked()], now)


@use_case
async def follow_outreach(session: AsyncSession, *, tenant: UUID, state: OutreachState) -> None:
    """Keeps what is done after misses; the report counts what that wins back, not who was merely reminded to book."""
    if state.trigger != "missed":
        return
    await repository.save_outreach(session, tenant, OutreachRun.of(state))


@use_case
async def report_barrier(
    session: AsyncSession, *, tenant: UUID, appointment_id: UUID, barrier: Barrier, now: datetime
) -> None:
    """Takes in what kept a client from coming; the first answer stands."""
    visit = await _visit(session, appointment_id)
    await repository.add_request(session, tenant, _request(visit, "barrier", now))
    request = await repository.request(session, appointment_id, "barrier")
    if request is None or request.submitted_at is not None:
        return
    request = request.submitted(now)
    await _submitted(session, tenant, request, {"barrier": barrier}, now)
    await repository.record(session, tenant, [request.answered(), request.barrier(barrier)], now)


@use_case
async def rate(
    session: AsyncSession, *, tenant: UUID, appointment_id: UUID, answers: Mapping[str, int], now: datetime
) -> None:
    """Takes in a rating after a session; the first one stands, a low one is told at once."""
    domain.check_rating(answers)
    visit = await _visit(session, appointment_id)
    await repository.add_request(session, tenant, _request(visit, "alliance", now))
    request = await repository.request(session, appointment_id, "alliance")
    if request is None or request.submitted_at is not None:
        return
    request = request.submitted(now)
    await _submitted(session, tenant, request, answers, now)
    events = [request.answered()]
    if domain.is_low(answers):
        events.append(request.low(visit.provider_id))
    await repository.record(session, tenant, events, now)


@use_case
async def report_retention(session: AsyncSession, *, begin: datetime, end: datetime, now: datetime) -> Retention:
    """The figures of the visits and outreach that began in `[begin, end)`."""
    visits = await repository.visits_between(session, begin, end)
    runs = await repository.outreach_between(session, begin, end)
    return domain.retention(visits, runs, now)


def _request(visit: Visit, instrument: Instrument, now: datetime) -> Request:
    return Request(
        id=uuid7(), client_id=visit.client_id, appointment_id=visit.id, instrument=instrument, requested_at=now
    )


async def _visit(session: AsyncSession, appointment_id: UUID) -> Visit:
    visit = await repository.visit(session, appointment_id)
    if visit is None:
        raise not_found("visit", "We are still taking in this visit; please try again in a moment.")
    annotate(appointment_id=visit.id, client_id=visit.client_id)
    return visit


async def _submitted(
    session: AsyncSession, tenant: UUID, request: Request, answers: Mapping[str, object], now: datetime
) -> None:
    await repository.save_request(session, request)
    await repository.add_response(session, tenant, request.id, answers, now)
