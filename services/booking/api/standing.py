"""Routes for the other services: how visits stand now, where an event may still be on its way."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking import repository
from services.booking.api.common import own
from services.booking.domain.appointments import Actor
from services.booking.resources import Resources
from services.booking.use_cases import appointments
from shared import paging
from shared.capability import Capability
from shared.contracts.booking import FREE_STATUSES
from shared.contracts.standing import Attendance, Standing, VisitStanding, VisitStandings
from shared.errors import Kind, Problem
from shared.telemetry import current_tenant
from shared.web import problems

router = APIRouter(prefix="/v1", tags=["services"], responses=problems(422, 503))


@router.get("/standing/{proof}", operation_id="get_standing", responses=problems(404, 410))
async def get_standing(request: Request, proof: Annotated[str, Path(max_length=100)]) -> Standing:
    """How a visit stands now, for the service that is about to message its client; `proof` is signed by it."""
    ours = own(request)
    asked = Capability.verify(proof, ours.settings.link_signing_key, "standing", ours.clock())
    current_tenant.set(asked.tenant)
    async with ours.database.transaction(asked.tenant) as session:
        visit = await repository.appointments.get(session, asked.subject)
        return Standing(sequences=await repository.appointments.changed_since(session, visit))


@router.get("/standings/{proof}", operation_id="list_standings", responses=problems(404, 410))
async def list_standings(
    request: Request,
    proof: Annotated[str, Path(max_length=100)],
    limit: Annotated[int, Query(ge=1, le=1000, description="Items on a page")] = 1000,
    cursor: paging.Cursor = None,
    visit: Annotated[
        list[UUID] | None, Query(max_length=100, description="Only these, also those that are over")
    ] = None,
) -> VisitStandings:
    """How every visit to come of a practice stands, or each of those asked for, for the service that keeps a copy;
    `proof` is signed by it.
    """
    ours = own(request)
    now = ours.clock()
    asked = _standings_proof(ours, proof, now)
    current_tenant.set(asked.tenant)
    async with ours.database.transaction(asked.tenant) as session:
        if visit is not None:
            found = await repository.appointments.among(session, visit)
        else:
            found = await repository.appointments.to_come(session, now, paging.decode(cursor), limit + 1)
    items, after = paging.page(found, limit, lambda visit: (visit.start, visit.id))
    return VisitStandings(
        items=[
            VisitStanding(
                id=visit.id,
                sequence=visit.sequence,
                provider_id=visit.provider_id,
                schedule_id=visit.schedule_id,
                client_id=visit.client_id,
                room_id=visit.room_id,
                starts_at=visit.start,
                ends_at=visit.end,
                occupied_from=visit.occupied_from,
                occupied_to=visit.occupied_to,
                free=visit.status in FREE_STATUSES,
            )
            for visit in items
        ],
        next=after,
    )


@router.post("/attendance/{proof}", operation_id="say_attendance", responses=problems(404, 409, 410))
async def say_attendance(
    request: Request, proof: Annotated[str, Path(max_length=100)], attendance: Attendance
) -> Attendance:
    """Somebody at the practice has told another service that a client is there; `proof` is signed by it."""
    ours = own(request)
    now = ours.clock()
    asked = Capability.verify(proof, ours.settings.link_signing_key, "attendance", now)
    current_tenant.set(asked.tenant)

    async def work(session: AsyncSession) -> None:
        await appointments.arrive(
            session,
            tenant=asked.tenant,
            appointment_id=asked.subject,
            version=None,
            actor=Actor("practice", attendance.said_by),
            now=now,
        )

    await ours.database.run(asked.tenant, work)
    return attendance


def _standings_proof(ours: Resources, proof: str, now: datetime) -> Capability:
    """Availability signs with the key of slots, notifications with that of links."""
    try:
        return Capability.verify(proof, ours.settings.slot_signing_key, "standings", now)
    except Problem as problem:
        if problem.kind is not Kind.NOT_FOUND:
            raise
    return Capability.verify(proof, ours.settings.link_signing_key, "standings", now)
