"""Routes: series of visits, looked at, booked and changed together."""

from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking import repository, schemas
from services.booking.api.common import actor_of, alternative, own, require_own_reason, visible
from services.booking.domain.appointments import Appointment
from services.booking.domain.series import Scope, SeriesRefused, Verdict
from services.booking.resources import Resources
from services.booking.use_cases import offers, series
from shared.auth import Principal, Role
from shared.commands import Answer, Command, Write
from shared.contracts.slots import Plan, SlotId
from shared.errors import forbidden, not_found
from shared.telemetry import continued
from shared.web import Caller, problems

router = APIRouter(prefix="/v1", responses=problems(401, 403, 422, 503))


@router.post("/series/preview", operation_id="preview_series", responses=problems(404, 409, 410))
async def preview_series(request: Request, body: schemas.AskedSeries, caller: Caller) -> schemas.SeriesPreview:
    """Every occurrence of a series and whether it could be booked now; up to three `alternatives` where not."""
    ours, now = own(request), own(request).clock()
    _require_own(caller, body.client_id)
    slot = SlotId.verify(body.slot, ours.settings.slot_signing_key, caller.tenant, now)
    async with ours.database.transaction(caller.tenant) as session:
        plan, verdicts = await series.preview(session, slot=slot, client_id=body.client_id, rrule=body.rrule, now=now)
        items = await _occurrences(session, ours, caller.tenant, plan, body.client_id, verdicts)
    return schemas.SeriesPreview(bookable=all(item.bookable for item in items), items=items)


@router.post(
    "/series",
    status_code=201,
    response_model=schemas.SeriesBody,
    operation_id="book_series",
    responses=problems(404, 409, 410),
)
async def book_series(request: Request, body: schemas.NewSeries, command: Write) -> Response:
    """Books every occurrence, or none: 409 `series_conflicts` lists those that can't be had, with `alternatives`.

    With `partial` it books what it can, and says in `left_out` what it couldn't.
    """
    principal, ours = command.principal, own(request)
    _require_own(principal, body.client_id)
    now = ours.clock()
    slot = SlotId.verify(body.slot, ours.settings.slot_signing_key, principal.tenant, now)

    async def work(session: AsyncSession) -> Answer:
        booked = await series.book(
            session,
            tenant=principal.tenant,
            slot=slot,
            client_id=body.client_id,
            rrule=body.rrule,
            partial=body.partial,
            actor=actor_of(principal),
            now=now,
        )
        answer = schemas.SeriesBody.of(booked.series, booked.visits, booked.left_out)
        return Answer(answer, 201, location=f"/v1/series/{booked.series.id}")

    return await _or_conflicts(ours, principal.tenant, lambda: command.run(work))


@router.get("/series/{series_id}", operation_id="get_series", responses=problems(404))
async def get_series(request: Request, series_id: UUID, caller: Caller) -> schemas.SeriesBody:
    """A series with its visits; a provider's token sees those of that caseload."""
    caller.require("appointments:read")
    async with own(request).database.transaction(caller.tenant) as session:
        found = await repository.series.get(session, series_id)
        visits = _seen(caller, await repository.series.visits(session, series_id))
    if not visits:
        raise not_found("series")
    return schemas.SeriesBody.of(found, visits)


@router.post(
    "/series/{series_id}/cancel",
    response_model=schemas.SeriesBody,
    operation_id="cancel_series",
    responses=problems(404, 409, 412),
)
async def cancel_series(
    request: Request, series_id: UUID, body: schemas.SeriesCancellation, command: Write
) -> Response:
    """Calls off one visit, or this one and those after it that are booked still. If-Match is this visit's ETag."""
    command.principal.require("appointments:write")
    require_own_reason(command.principal, body.reason)

    async def work(session: AsyncSession) -> Answer:
        visit = await visible(session, command.principal, body.appointment_id)
        with continued("cancel series", visit.traceparent):
            change = _change(request, series_id, visit.id, body.scope, command)
            return _answer(command.principal, await series.cancel(session, reason=body.reason, **change))

    return await command.run(work)


@router.post(
    "/series/{series_id}/reschedule",
    response_model=schemas.SeriesBody,
    operation_id="reschedule_series",
    responses=problems(404, 409, 410, 412),
)
async def reschedule_series(request: Request, series_id: UUID, body: schemas.SeriesMove, command: Write) -> Response:
    """Moves one visit to a slot, or this one and, as far by the wall clock, those after it: all, or none (409).

    With `partial` those that can't move stay where they are. If-Match is this visit's ETag.
    """
    principal, ours = command.principal, own(request)
    principal.require("appointments:write")
    slot = SlotId.verify(body.slot, ours.settings.slot_signing_key, principal.tenant, ours.clock())

    async def work(session: AsyncSession) -> Answer:
        visit = await visible(session, principal, body.appointment_id)
        with continued("move series", visit.traceparent):
            change = _change(request, series_id, visit.id, body.scope, command)
            return _answer(principal, await series.reschedule(session, slot=slot, partial=body.partial, **change))

    return await _or_conflicts(ours, principal.tenant, lambda: command.run(work))


def _require_own(principal: Principal, client_id: UUID) -> None:
    principal.require("appointments:write")
    if not principal.may_see_client(client_id):
        raise forbidden("not_yours", "A client's token books for that client only.", field="client_id")


def _change(request: Request, series_id: UUID, visit_id: UUID, scope: Scope, command: Command) -> series.Change:
    return {
        "tenant": command.principal.tenant,
        "series_id": series_id,
        "appointment_id": visit_id,
        "version": command.if_match,
        "scope": scope,
        "caseload": command.principal.provider_id,
        "actor": actor_of(command.principal),
        "now": own(request).clock(),
    }


def _answer(principal: Principal, outcome: series.Outcome) -> Answer:
    return Answer(schemas.SeriesBody.of(outcome.series, _seen(principal, outcome.visits), outcome.left_out))


def _seen(principal: Principal, visits: Sequence[Appointment]) -> list[Appointment]:
    """The visits that the caller may see."""
    if principal.role is Role.PROVIDER:
        return [visit for visit in visits if visit.provider_id == principal.provider_id]
    return [visit for visit in visits if principal.may_see_client(visit.client_id)]


async def _or_conflicts(ours: Resources, tenant: UUID, run: Callable[[], Awaitable[Response]]) -> Response:
    """A refused series comes with each conflict and what is free near it, found after the locks are gone."""
    try:
        return await run()
    except SeriesRefused as refused:
        async with ours.database.transaction(tenant) as session:
            items = await _occurrences(session, ours, tenant, refused.plan, refused.client_id, refused.verdicts)
        refused.extra["conflicts"] = [item.model_dump(mode="json") for item in items if not item.bookable]
        raise


async def _occurrences(
    session: AsyncSession,
    ours: Resources,
    tenant: UUID,
    plan: Plan,
    client_id: UUID,
    verdicts: Sequence[Verdict],
) -> list[schemas.Occurrence]:
    instead = await offers.near_each(
        session,
        tenant=tenant,
        plan=plan,
        client_id=client_id,
        verdicts=verdicts,
        now=ours.clock(),
        key=ours.settings.slot_signing_key,
    )
    return [
        schemas.Occurrence.of(item, plan.state, [alternative(offer) for offer in instead.get(item.wish.id, ())])
        for item in verdicts
    ]
